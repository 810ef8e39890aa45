"""Training a net: from checked rows to a trained network, in one `fit`, call by call, or many nets together."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from torch import Generator, nn

from bakeoff.estimators.layers.averaging import AveragedNetworks, Link
from bakeoff.estimators.layers.networks import AnyNetwork, Network, SingleNetwork
from bakeoff.estimators.nets.input_validation import InputValidation
from bakeoff.estimators.parameters import resolve_device
from bakeoff.estimators.training.automatic import batch_size_for, epochs_for, holds_rows_out
from bakeoff.estimators.training.history import HistoryMixin, PartialFitState
from bakeoff.estimators.training.loop import train
from bakeoff.estimators.training.objectives import Objective
from bakeoff.estimators.training.parameters import check_parameters
from bakeoff.estimators.training.progress_bar import epoch_bar
from bakeoff.estimators.training.replica_group import Augment, Replica, Settings
from bakeoff.estimators.training.rows import Rows, build_rows, split_rows
from bakeoff.estimators.training.stopping import ConvergenceError, Monitor, Plateau

Array = NDArray[Any]


class Trainable(HistoryMixin, InputValidation):
    """An estimator whose network is trained by the one training loop; architectures and tasks say on what and how."""

    _most_rows_of_auto_batch: ClassVar[float] = float("inf")

    @abstractmethod
    def _objective(self) -> Objective:
        """Return what the training minimises."""

    def _training_objective(self) -> Objective:
        """Return what the training minimises of the network's outputs; an architecture may have several answers."""
        return self._objective()

    @abstractmethod
    def _link(self) -> Link:
        """Return what turns outputs into what is averaged over the members of an ensemble."""

    @abstractmethod
    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> AnyNetwork:
        """Build the untrained network of one replica, whose input is like these training rows."""

    @abstractmethod
    def _prepare(self, y: Array, weights: Array, train_rows: Array, *, reset: bool) -> tuple[Array, Array, int]:
        """Return targets, weights and number of outputs, learning from the training rows only."""

    def _augment(self) -> Augment | None:
        """Return what changes the inputs of a training step; none, unless an architecture has it."""
        return None

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation_rows: ArrayLike | None = None,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Rows of values; images and series flattened in C order of `input_shape`.
        y : array-like of shape (n,) or (n, n_outputs)
            Labels of any type or indicators of several labels; numbers, one or several for each row.
        sample_weight : array-like of shape (n,), optional
            Weights of rows, not negative. A row of weight zero counts as absent.
        validation_rows : array-like of int or of bool of shape (n,), optional
            Rows held out for early stopping, as indices or a mask. They are never trained on, and early
            stopping is on whatever `early_stopping` says. Inside a pipeline they pass through its other steps.
        validation_data : (X, y), optional
            The same as rows of their own.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For parameters (all of them at once) or data that cannot be used.
        ConvergenceError
            When the loss stops being finite before any usable weights were found.
        """
        before = vars(self).get("module_")
        replicas = begin_training(self, X, y, sample_weight, validation_rows, validation_data)
        self._train(replicas, fresh=self.module_ is not before)
        return self

    @torch.inference_mode(False)
    def _continue(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, reset_targets: bool) -> Self:
        """Train for one epoch more; optimizer and random numbers go on where the last one left off."""
        check_parameters(self)
        if self.early_stopping is True:
            raise ValueError("partial_fit does not support early_stopping=True: no call sees all the rows.")
        first = not hasattr(self, "module_")
        device = resolve_device(self.device)
        X, y, weights = self._read_all(X, y, sample_weight, reset=first, reset_targets=reset_targets)
        present = np.flatnonzero(weights)
        if first and len(present) < len(X):
            X = self._reencode(X, present)
        targets, weights, n_outputs = self._prepare(y, weights, present, reset=first)
        rows = self._training_rows(X, targets, weights, present)
        if first:
            self._history = []
        if first or not hasattr(self, "_resume"):
            _, weight_seed, *seeds = self._draw_seeds()
            self._resume = [PartialFitState.seeded(*pair, device) for pair in self._seeds_of_networks(*seeds)]
        if first:
            self.module_ = build_module(self, rows, n_outputs, weight_seed)
        states = self._resume if isinstance(self._resume, list) else [self._resume]  # of a pickle made before
        replicas = self._replicas(rows, None, [state.generators(device) for state in states], n_epochs=1)
        for replica, state in zip(replicas, states, strict=True):
            replica.optimizer_state = state.optimizer if state.rule == self.optimizer else None
            replica.epochs_before = state.epochs
        self._train(replicas, fresh=first)
        self._resume = [
            PartialFitState(
                replica.shuffles.get_state(),
                replica.noise.get_state(),
                replica.optimizer_state,
                self.optimizer,
                replica.epochs_before + 1,
            )
            for replica in replicas
        ]
        return self

    def _train(self, replicas: Sequence[Replica], *, fresh: bool) -> None:
        """Train; of a divergence leave a new net unfitted, and one that went on as it was before."""
        try:
            train_nets([self], replicas)
        except ConvergenceError:
            self.__dict__.pop("_resume", None)  # the optimizer's state is no longer finite
            if fresh:
                del self.module_
            raise

    def _training_rows(self, X: Array, targets: Array, weights: Array, index: Array) -> Rows:
        """Copy the rows to be trained on to the device."""
        if self._normalises_batches() and len(index) < 2:
            raise ValueError("Batch normalisation needs at least two training rows. Got 1 sample instead.")
        return build_rows(X, targets, weights, index, resolve_device(self.device))

    def _draw_seeds(self) -> list[int]:
        """Draw the seeds of held-out rows, weights, shuffles and noise."""
        split, weights, noise, shuffles = check_random_state(self.random_state).randint(2**31 - 1, size=4).tolist()
        return [split, weights, shuffles, noise]

    def _n_networks(self) -> int:
        """Networks that are trained side by side on the same rows; several where an architecture is an ensemble."""
        return 1

    def _seeds_of_networks(self, shuffle_seed: int, noise_seed: int) -> list[tuple[int, int]]:
        """Return the seeds of shuffles and noise of each network; the first one has those of a net by itself."""
        more = np.random.RandomState(shuffle_seed).randint(2**31 - 1, size=(self._n_networks() - 1, 2))
        return [(shuffle_seed, noise_seed), *((int(shuffles), int(noise)) for shuffles, noise in more)]

    def _replicas(
        self,
        rows: Rows,
        validation: Rows | None,
        generators: Sequence[tuple[Generator, Generator]],
        n_epochs: int | None = None,
    ) -> list[Replica]:
        """Return the trainings of `module_` that remain to be done, one for each of its networks."""
        networks = list_networks(self.module_)
        settings = self._settings(len(rows))
        epochs_before = max((int(row["epoch"]) for row in self._history), default=0)
        return [
            Replica(
                network=network,
                rows=rows,
                validation=validation,
                settings=settings,
                monitor=Monitor(
                    Plateau(self.n_iter_no_change, self.tol, keeps_last=self.monitor == "score"),
                    n_epochs or settings.max_epochs,
                    reduces_rate=self.schedule == "plateau",
                    watches_score=self.monitor == "score",
                    history=self._history,
                    labels={} if len(networks) == 1 else {"member": number},
                    epochs_before=epochs_before,
                ),
                shuffles=shuffles,
                noise=noise,
                on_epoch=self._run_callbacks if self.callbacks else None,
            )
            for number, (network, (shuffles, noise)) in enumerate(zip(networks, generators, strict=True))
        ]

    def _settings(self, n_rows: int) -> Settings:
        """Return how to train on so many rows."""
        values = {field.name: getattr(self, field.name) for field in fields(Settings)}
        if values["batch_size"] == "auto":
            values["batch_size"] = min(batch_size_for(n_rows), self._most_rows_of_auto_batch)
        if values["max_epochs"] == "auto":
            values["max_epochs"] = epochs_for(n_rows, values["batch_size"], self.max_auto_epochs)
        return Settings(**values)

    def _run_callbacks(self, row: dict[str, float]) -> bool:
        """Call all callbacks; tell whether one of them wants to stop."""
        assert self.callbacks is not None
        callbacks = [self.callbacks] if callable(self.callbacks) else self.callbacks
        answers = [callback(self, row) for callback in callbacks]
        return any(isinstance(answer, bool | np.bool_) and bool(answer) for answer in answers)


@torch.inference_mode(False)
def begin_training(
    net: Trainable,
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    validation_rows: ArrayLike | None = None,
    validation_data: tuple[ArrayLike, ArrayLike] | None = None,
) -> list[Replica]:
    """Check everything, learn what is not a weight, and return the trainings that remain to be done."""
    check_parameters(net)
    warm = net.warm_start and hasattr(net, "module_")
    if not warm:
        net.__dict__.pop("module_", None)  # that of an earlier fit, whose columns and targets may be others
    X, y, weights = net._read_all(X, y, sample_weight, reset=not warm, reset_targets=True)
    net.__dict__.pop("_resume", None)
    if validation_data is not None:
        if validation_rows is not None:
            raise ValueError("Give validation_rows or validation_data, not both.")
        n_rows = len(X)
        X, y, weights = net._append_validation((X, y, weights), validation_data)
        validation_rows = np.arange(n_rows, len(X))
    split_seed, weight_seed, *seeds = net._draw_seeds()
    stops_early = holds_rows_out(int(np.count_nonzero(weights))) if net.early_stopping == "auto" else net.early_stopping
    fraction = net.validation_fraction if stops_early else 0.0
    train_rows, held_out = split_rows(y, weights, validation_rows, fraction=fraction, seed=split_seed)
    if not warm and len(train_rows) < len(X):
        X = net._reencode(X, train_rows)
    targets, weights, n_outputs = net._prepare(y, weights, train_rows, reset=not warm)
    device = resolve_device(net.device)
    rows = net._training_rows(X, targets, weights, train_rows)
    validation = build_rows(X, targets, weights, held_out, device) if len(held_out) else None
    if not warm:
        net._history = []
        net.module_ = build_module(net, rows, n_outputs, weight_seed)
    generators = [
        (torch.Generator().manual_seed(shuffle_seed), torch.Generator(device).manual_seed(noise_seed))
        for shuffle_seed, noise_seed in net._seeds_of_networks(*seeds)
    ]
    return net._replicas(rows, validation, generators)


def build_module(net: Trainable, rows: Rows, n_outputs: int, seed: int) -> nn.Module:
    """Build the network that is to be trained, on the device; several, where the net is an ensemble."""
    generator = torch.Generator().manual_seed(seed)
    networks = [net._build_network(rows, n_outputs, generator) for _ in range(net._n_networks())]
    modules = [network.module if isinstance(network, SingleNetwork) else network for network in networks]
    module = modules[0] if len(modules) == 1 else AveragedNetworks(modules, net._link())
    return module.to(rows.inputs.device, rows.inputs.dtype)


def list_networks(module: nn.Module) -> list[AnyNetwork]:
    """Return the networks of a net, as the training loop takes them."""
    modules = list(module.members) if isinstance(module, AveragedNetworks) else [module]
    return [part if isinstance(part, Network) else SingleNetwork(part) for part in modules]


@torch.inference_mode(False)  # whatever the caller's mode: gradients are needed here
def train_nets(
    nets: Sequence[Trainable], replicas: Sequence[Replica], on_epoch: Callable[[int], None] | None = None
) -> None:
    """Train nets of one class and equal parameters together, on the replicas that `begin_training` gave for them."""
    first = nets[0]
    with epoch_bar(replicas, shown=first.verbose) as advance:

        def after_epoch(epoch: int) -> None:
            advance(epoch)
            if on_epoch is not None:
                on_epoch(epoch)

        train(replicas, first._training_objective(), first._augment(), after_epoch)
