"""A group of replicas of one architecture that train together: common steps and batches, each its own outcome."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from bakeoff.estimators.layers.layers import ReplicaContext
from bakeoff.estimators.layers.networks import (
    AnyNetwork,
    SingleNetwork,
    keep_replicas,
    share_weights,
    stack,
    state_tensors,
    unshare_weights,
)
from bakeoff.estimators.layers.random_numbers import global_torch_rng
from bakeoff.estimators.training.batches import Batch, BatchStore, count_batches
from bakeoff.estimators.training.inference import inference_rows
from bakeoff.estimators.training.objectives import Objective
from bakeoff.estimators.training.optimizers import (
    REGULARISATION_SCHEDULES,
    SCHEDULES,
    add_l1,
    build_optimizer,
    clip_gradients,
    scaled_step,
    set_rate,
)
from bakeoff.estimators.training.rows import Rows
from bakeoff.estimators.training.stopping import Monitor, report_divergence

Augment = Callable[[Tensor, ReplicaContext], Tensor]


@dataclass(frozen=True)
class Settings:
    """How to train: the same for all replicas of a group."""

    optimizer: str
    learning_rate: float
    schedule: str
    weight_decay: float
    weight_decay_schedule: str
    dropout_schedule: str
    l1: float
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    max_grad_norm: float | None
    batch_size: int
    max_epochs: int


@dataclass(eq=False)
class Replica:
    """One training: a network, its rows, and everything that is random about it.

    Parameters
    ----------
    network : Network or SingleNetwork
        Of one replica, on the device; shows the weights while they are trained, and holds the outcome.
    rows, validation : Rows
        Rows to train on, and rows held out for early stopping.
    settings : Settings
    monitor : Monitor
    shuffles : torch.Generator
        On the CPU; draws the order of the rows.
    noise : torch.Generator
        On the device; draws dropout and augmentation.
    on_epoch : callable, optional
        Called after each epoch with its row of the history; True ends the training.
    optimizer_state : dict, optional
        State of the optimizer to go on from; afterwards the state that it ended in.
    epochs_before : int
        Epochs of the same training that lie behind, for the learning-rate schedule.
    """

    network: AnyNetwork
    rows: Rows
    validation: Rows | None
    settings: Settings
    monitor: Monitor
    shuffles: Generator
    noise: Generator
    on_epoch: Callable[[dict[str, float]], Any] | None = None
    optimizer_state: dict[str, Any] | None = None
    epochs_before: int = 0


class BestWeights:
    """The best weights of each replica so far."""

    def __init__(self, live: Iterable[Tensor], replicas: int) -> None:
        self.tensors = [tensor.detach().clone() for tensor in live]
        self.known = [False] * replicas

    @torch.no_grad()
    def take(self, live: Iterable[Tensor], improved: list[bool]) -> None:
        """Copy the weights of those replicas that have improved."""
        self.known = [old or new for old, new in zip(self.known, improved, strict=True)]
        chosen = [number for number, new in enumerate(improved) if new]
        for kept, tensor in zip(self.tensors, live, strict=True):
            if len(chosen) == len(improved):
                kept.copy_(tensor)
            elif chosen:
                kept[chosen] = tensor[chosen]

    def keep(self, replicas: list[int]) -> None:
        """Forget all replicas but these."""
        self.known = [self.known[number] for number in replicas]
        self.tensors = [tensor[replicas] for tensor in self.tensors]


class ReplicaGroup:
    """Replicas with equal settings, kinds of network and numbers of batches, on their way through the epochs.

    Parameters
    ----------
    replicas : list of Replica
        Those still training; the others have been taken out, and cost nothing any more.
    objective : Objective
    augment : callable, optional
        Turns the inputs (E, n, features) of a step into what the networks are trained on.
    """

    def __init__(self, replicas: Iterable[Replica], objective: Objective, augment: Augment | None = None) -> None:
        self.replicas = list(replicas)
        self.settings, self.objective, self.augment = self.replicas[0].settings, objective, augment
        self.rows = BatchStore([replica.rows for replica in self.replicas])
        held_out = [replica.validation for replica in self.replicas if replica.validation is not None]
        self.validation = BatchStore(held_out) if held_out else None
        for number, replica in enumerate(self.replicas):  # views: the rows are not held twice
            replica.rows = self.rows.view(number, replica.rows.inputs.shape[1])
        self.network = stack([replica.network for replica in self.replicas])
        self.parameters = list(self.network.parameters())
        self.best = BestWeights(state_tensors(self.network), len(self.replicas))
        self.optimizer = self._build_optimizer()
        self.rate = self.settings.learning_rate
        self.steps_per_epoch = count_batches(self.rows.lengths[0], self.settings.batch_size)
        self.steps = self.replicas[0].epochs_before * self.steps_per_epoch
        self.whole_batch: list[Batch] = []
        self._expose()

    def run_epoch(self) -> None:
        """Train all replicas for one epoch, then let go of those that are done."""
        measured = {"training_loss": self._train(), **self._validate()}
        table = torch.stack(list(measured.values())).tolist()  # the epoch's one wait for the device
        improved = []
        for number, replica in enumerate(self.replicas):
            row = {name: values[number] for name, values in zip(measured, table, strict=True)}
            row["learning_rate"] = self.rate * replica.monitor.rate_factor
            improved.append(replica.monitor.observe(row))
        self.best.take(state_tensors(self.network), improved)
        self._run_callbacks()
        self._release([number for number, replica in enumerate(self.replicas) if replica.monitor.done])

    def _build_optimizer(self) -> torch.optim.Optimizer:
        settings = self.settings
        optimizer = build_optimizer(
            settings.optimizer,
            self.network,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            momentum=settings.momentum,
            nesterov=settings.nesterovs_momentum,
            betas=(settings.beta_1, settings.beta_2),
        )
        if self.replicas[0].optimizer_state is not None:
            options = optimizer.state_dict()["param_groups"]  # of now: the parameters may have changed since
            optimizer.load_state_dict(self.replicas[0].optimizer_state | {"param_groups": options})
        return optimizer

    def _expose(self) -> None:
        """Let the replicas' own networks show the weights that are being trained."""
        live = state_tensors(self.network)
        for number, replica in enumerate(self.replicas):
            share_weights(replica.network, live, number)
            replica.network.eval()
        self.network.set_context(ReplicaContext([replica.noise for replica in self.replicas]))

    def _train(self) -> Tensor:
        """Step once per batch; return the mean loss of each replica, still on the device."""
        self.network.train()
        total = self.rows.inputs.new_zeros(len(self.replicas))
        with self._stream():
            for batch in self._batches():
                total += self._step(batch)
        self.network.eval()
        return total / self.rows.counts

    def _stream(self) -> AbstractContextManager[None]:
        if isinstance(self.network, SingleNetwork):
            return global_torch_rng(self.replicas[0].noise, self.rows.inputs.device)
        return nullcontext()

    def _batches(self) -> Iterable[Batch]:
        """Shuffle anew each epoch; a single batch is all rows in order, gathered once."""
        if self.steps_per_epoch > 1:
            orders = self.rows.shuffled([replica.shuffles for replica in self.replicas])
            return self.rows.iter_batches(orders, self.settings.batch_size)
        self.whole_batch = self.whole_batch or list(
            self.rows.iter_batches(self.rows.ordered(), self.settings.batch_size)
        )
        return self.whole_batch

    def _step(self, batch: Batch) -> Tensor:
        """Take one step of all replicas; return the sum of each one's losses over its rows."""
        settings, context = self.settings, self.network.lanes
        self._follow_schedules(context)
        context.sizes, context.weights = batch.sizes, batch.weights
        self.optimizer.zero_grad()
        inputs = batch.inputs if self.augment is None else self.augment(batch.inputs, context)
        losses = batch.weighted_sums(self.objective.losses(self.network(inputs), batch.targets, training=True))
        torch.autograd.backward((losses / batch.counts).sum())
        context.sizes = context.weights = None
        if settings.l1:
            add_l1(self.parameters, settings.l1)
        if settings.max_grad_norm is not None:
            clip_gradients(self.parameters, settings.max_grad_norm, len(self.replicas))
        scaled_step(self.optimizer, self.parameters, [replica.monitor.rate_factor for replica in self.replicas])
        self.steps += 1
        return losses.detach()

    def _follow_schedules(self, context: ReplicaContext) -> None:
        """Set learning rate, weight decay and dropout of the next step."""
        settings = self.settings
        progress = min(self.steps / (self.steps_per_epoch * settings.max_epochs), 1.0)
        self.rate = settings.learning_rate * SCHEDULES[settings.schedule](progress)
        decay = settings.weight_decay * REGULARISATION_SCHEDULES[settings.weight_decay_schedule](progress)
        set_rate(self.optimizer, self.rate, decay)
        context.dropout_factor = REGULARISATION_SCHEDULES[settings.dropout_schedule](progress)

    @torch.inference_mode()
    def _validate(self) -> dict[str, Tensor]:
        """Mean loss and score of each replica on its held-out rows, if there are any."""
        if self.validation is None:
            return {}
        rows = self.validation
        losses, scores = rows.inputs.new_zeros(2, len(self.replicas))
        for batch in rows.iter_chunks(inference_rows(rows.inputs.shape[1] * len(self.replicas))):
            outputs = self.network(batch.inputs)
            losses += batch.weighted_sums(self.objective.losses(outputs, batch.targets, training=False))
            scores += batch.weighted_sums(self.objective.scores(outputs, batch.targets, rows.variances))
        return {"validation_loss": losses / rows.counts, "validation_score": scores / rows.counts}

    def _run_callbacks(self) -> None:
        for replica in self.replicas:
            if replica.on_epoch is not None:
                replica.monitor.stopped = replica.on_epoch(replica.monitor.last_row) is True

    def _release(self, done: list[int]) -> None:
        """Give the replicas that are done their final weights; go on with the others."""
        for number in done:
            self._finish(number)
        left = [number for number in range(len(self.replicas)) if number not in done]
        self.replicas = [self.replicas[number] for number in left]
        if done and left:
            keep_replicas(self.network, self.optimizer, torch.tensor(left, device=self.rows.inputs.device))
            self.best.keep(left)
            self.rows.keep(left)
            self.whole_batch = []
            if self.validation is not None:
                self.validation.keep(left)
            self._expose()

    def _finish(self, number: int) -> None:
        """Leave a replica with its best weights if rows were held out or it diverged, else with its last."""
        replica = self.replicas[number]
        monitor = replica.monitor
        if self.validation is not None or monitor.diverged:
            share_weights(replica.network, self.best.tensors, number)
        unshare_weights(replica.network)
        if monitor.diverged:
            recovered = self.best.known[number] and self._loss_is_finite(replica)
            report_divergence(monitor, self.settings.learning_rate, recovered=recovered)
        replica.optimizer_state = self.optimizer.state_dict() if len(self.replicas) == 1 else None

    @torch.inference_mode()
    def _loss_is_finite(self, replica: Replica) -> bool:
        """Tell whether a replica's weights give a finite loss on its training rows."""
        rows = BatchStore([replica.rows])
        replica.network.eval()
        chunks = rows.iter_chunks(inference_rows(rows.inputs.shape[1]))
        sums = [
            chunk.weighted_sums(self.objective.losses(replica.network(chunk.inputs), chunk.targets, training=False))
            for chunk in chunks
        ]
        return bool(torch.stack(sums).sum().isfinite())
