"""Training a net: from checked rows to a trained network, in one `fit`, call by call, or many nets together."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from torch import Generator, nn

from bakeoff.estimators.layers.networks import AnyNetwork, Network, SingleNetwork
from bakeoff.estimators.nets.input_validation import InputValidation
from bakeoff.estimators.parameters import resolve_device
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

    @abstractmethod
    def _objective(self) -> Objective:
        """Return what the training minimises."""

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
        replica = begin_training(self, X, y, sample_weight, validation_rows, validation_data)
        self._train(replica, fresh=self.module_ is not before)
        return self

    @torch.inference_mode(False)
    def _continue(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, reset_targets: bool) -> Self:
        """Train for one epoch more; optimizer and random numbers go on where the last one left off."""
        check_parameters(self)
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True: no call sees all the rows.")
        first = not hasattr(self, "module_")
        X, y, weights = self._read_all(X, y, sample_weight, reset=first, reset_targets=reset_targets)
        present = np.flatnonzero(weights)
        if first and len(present) < len(X):
            X = self._reencode(X, present)
        targets, weights, n_outputs = self._prepare(y, weights, present, reset=first)
        rows = self._training_rows(X, targets, weights, present)
        if first:
            self._history = []
        if first or not hasattr(self, "_resume"):
            _, weight_seed, noise_seed, shuffle_seed = self._draw_seeds()
            self._resume = PartialFitState.seeded(shuffle_seed, noise_seed, resolve_device(self.device))
        if first:
            self.module_ = build_module(self, rows, n_outputs, weight_seed)
        shuffles, noise = self._resume.generators(resolve_device(self.device))
        replica = self._replica(rows, None, shuffles, noise, n_epochs=1)
        if self._resume.rule == self.optimizer:
            replica.optimizer_state = self._resume.optimizer
        replica.epochs_before = self._resume.epochs
        self._train(replica, fresh=first)
        self._resume = PartialFitState(
            shuffles.get_state(), noise.get_state(), replica.optimizer_state, self.optimizer, self._resume.epochs + 1
        )
        return self

    def _train(self, replica: Replica, *, fresh: bool) -> None:
        """Train; of a divergence leave a new net unfitted, and one that went on as it was before."""
        try:
            train_nets([self], [replica])
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
        """Draw the seeds of held-out rows, weights, noise and shuffles."""
        seeds: list[int] = check_random_state(self.random_state).randint(2**31 - 1, size=4).tolist()
        return seeds

    def _replica(
        self, rows: Rows, validation: Rows | None, shuffles: Generator, noise: Generator, n_epochs: int | None = None
    ) -> Replica:
        """Return the training of `module_` that remains to be done."""
        return Replica(
            network=self.module_ if isinstance(self.module_, Network) else SingleNetwork(self.module_),
            rows=rows,
            validation=validation,
            monitor=Monitor(
                Plateau(self.n_iter_no_change, self.tol),
                n_epochs or self.max_epochs,
                reduces_rate=self.schedule == "plateau",
                history=self._history,
            ),
            shuffles=shuffles,
            noise=noise,
            on_epoch=self._run_callbacks if self.callbacks else None,
        )

    def _settings(self) -> Settings:
        return Settings(**{field.name: getattr(self, field.name) for field in fields(Settings)})

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
) -> Replica:
    """Check everything, learn what is not a weight, and return the training that remains to be done."""
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
    split_seed, weight_seed, noise_seed, shuffle_seed = net._draw_seeds()
    fraction = net.validation_fraction if net.early_stopping else 0.0
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
    return net._replica(
        rows,
        validation,
        shuffles=torch.Generator().manual_seed(shuffle_seed),
        noise=torch.Generator(device).manual_seed(noise_seed),
    )


def build_module(net: Trainable, rows: Rows, n_outputs: int, seed: int) -> nn.Module:
    """Build the network that is to be trained, on the device."""
    network = net._build_network(rows, n_outputs, torch.Generator().manual_seed(seed))
    module = network.module if isinstance(network, SingleNetwork) else network
    return module.to(rows.inputs.device, rows.inputs.dtype)


@torch.inference_mode(False)  # whatever the caller's mode: gradients are needed here
def train_nets(
    nets: Sequence[Trainable], replicas: Sequence[Replica], on_epoch: Callable[[int], None] | None = None
) -> None:
    """Train nets of one class and equal parameters together, each on the replica that `begin_training` gave for it."""
    first = nets[0]
    with epoch_bar(first.max_epochs, replicas, shown=first.verbose) as advance:

        def after_epoch(epoch: int) -> None:
            advance(epoch)
            if on_epoch is not None:
                on_epoch(epoch)

        train(replicas, first._settings(), first._objective(), first._augment(), after_epoch)
