"""The abstract PyTorch estimator: what every network, classifier and regressor here shares.

A public estimator joins one architecture (`_build_network`) and one task (classifier or regressor), in this order: the
classes are dataclasses, so that `__init__` only assigns and its parameters compose over the bases, and a default that
an architecture changes has to come before the shared one.
"""

import copy
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import _check_sample_weight, _check_y, check_is_fitted, validate_data
from torch import Generator, nn

from bakeoff.estimators.layers.networks import AnyNetwork, Network, SingleNetwork
from bakeoff.estimators.nets.persistence import load_net, save_net
from bakeoff.estimators.parameters import (
    Rule,
    are_callables,
    boolean,
    integer,
    is_device,
    is_seed,
    one_of,
    optional,
    real,
)
from bakeoff.estimators.training.history import History
from bakeoff.estimators.training.inference import infer
from bakeoff.estimators.training.loop import train
from bakeoff.estimators.training.objectives import Objective
from bakeoff.estimators.training.optimizers import OPTIMIZERS, SCHEDULES
from bakeoff.estimators.training.progress_bar import epoch_bar
from bakeoff.estimators.training.replica_group import Augment, Replica, Settings
from bakeoff.estimators.training.resume import Resume
from bakeoff.estimators.training.rows import Rows, build_rows, split_rows
from bakeoff.estimators.training.stopping import ConvergenceError, Monitor, Plateau
from bakeoff.estimators.training.uncertainty import sample_outputs

Array = NDArray[Any]
Callback = Callable[[Any, dict[str, float]], Any]


@dataclass(kw_only=True, eq=False, repr=False)
class Net(History, BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn is untyped
    """Base of all PyTorch estimators: parameters, validation, and `fit` through the one training loop.

    Parameters
    ----------
    optimizer : {"sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamw"}, default="adam"
        Rule of the steps.
    learning_rate : float, default=1e-3
        Step size of the optimizer; the highest one of a schedule.
    schedule : {"constant", "cosine", "one-cycle", "plateau"}, default="constant"
        Course of the learning rate over `max_epochs`: along a cosine to zero, up and down again (Smith and Topin
        2018), or a tenth of it whenever half of `n_iter_no_change` has passed without progress.
    momentum : float in [0, 1), default=0.9
        Momentum of "sgd".
    nesterovs_momentum : bool, default=True
        Whether that momentum is Nesterov's.
    weight_decay : float, default=0.0
        L2 penalty (for "adamw" decoupled from the gradient).
    l1 : float, default=0.0
        L1 penalty: added to the loss times the sum of absolute weights.
    max_grad_norm : float, default=None
        Longest gradient of a step, as a Euclidean norm over all weights; longer ones are scaled down to it.
    batch_size : int, default=128
        Rows per minibatch, at most the number of training rows.
    max_epochs : int, default=100
        Passes over the training rows at most.
    early_stopping : bool, default=False
        Whether to hold rows out, stop on their loss and restore the best weights. Otherwise training stops
        on a plateau of its own loss and keeps the last weights, as scikit-learn's MLP does.
    validation_fraction : float in (0, 1), default=0.1
        Share of rows held out by early stopping; stratified where every class allows it.
    n_iter_no_change : int, default=10
        Epochs without progress that are put up with.
    tol : float, default=1e-4
        Progress that counts. A regressor's loss is in units of the standardised target.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the fit before, with a new optimizer.
    callbacks : callable or list of callables, default=None
        Called after each epoch as ``callback(estimator, row)``, with the epoch's row of `history_`; the estimator can
        predict with its present weights. One that returns True ends the training.
    random_state : int, RandomState instance or None, default=None
        Seeds held-out rows, initial weights, dropout and shuffles. On a CPU, and for a fixed number of
        threads, the same seed gives the same bits. torch's global generator is left untouched.
    device : str, default="auto"
        "auto" (CUDA where available, else CPU), "cpu", "cuda" or "cuda:N".
    dtype : {"auto", "float32", "float64"}, default="auto"
        Precision; "auto" follows X: float32 stays, anything else becomes float64.
    verbose : bool, default=False
        Whether to show a progress bar with the losses on stderr.

    Attributes
    ----------
    module_ : torch.nn.Module
        The fitted network in evaluation mode: takes (n, inputs) and gives (n, outputs).
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has string names.
    n_iter_ : int
        Epochs run, those of `partial_fit` and of a warm start together.
    history_ : DataFrame
        One row per epoch: epoch, training_loss, learning_rate and, where rows were held out, validation_loss and
        validation_score.
    loss_curve_, validation_loss_curve_, validation_scores_ : list of float
        Columns of `history_`, those of the held-out rows empty where there were none. The loss is the mean over an
        epoch's batches, without penalties; the score is accuracy (of all labels at once for multilabel) or R².
    best_loss_ : float
        Lowest validation loss, or training loss where no rows were held out.
    n_parameters_ : int
        Trainable parameters of the network.
    """

    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    weight_decay: float = 0.0
    l1: float = 0.0
    max_grad_norm: float | None = None
    batch_size: int = 128
    max_epochs: int = 100
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    tol: float = 1e-4
    warm_start: bool = False
    callbacks: Callback | Sequence[Callback] | None = None
    random_state: int | np.random.RandomState | None = None
    device: str = "auto"
    dtype: str = "auto"
    verbose: bool = False

    @abstractmethod
    def _objective(self) -> Objective:
        """Return what the training minimises."""

    @abstractmethod
    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> AnyNetwork:
        """Build the untrained network of one replica, whose input is like these training rows."""

    @abstractmethod
    def _read_targets(self, y: ArrayLike, *, reset: bool) -> Array:
        """Check y; return it encoded: class codes (n,) or numbers (n, outputs)."""

    @abstractmethod
    def _prepare(self, y: Array, weights: Array, train_rows: Array, *, reset: bool) -> tuple[Array, Array, int]:
        """Return targets, weights and number of outputs, learning from the training rows only."""

    @abstractmethod
    def _to_predictions(self, outputs: Array) -> Array:
        """Turn outputs (..., outputs) into probabilities, or into numbers in the units of y."""

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
        replica = self._begin(X, y, sample_weight, validation_rows, validation_data)
        self._train(replica, fresh=self.module_ is not before)
        return self

    def predict_samples(
        self, X: ArrayLike, n_samples: int = 100, *, random_state: int | np.random.RandomState | None = None
    ) -> Array:
        """Predict again and again with dropout left on: how far the samples lie apart tells how sure the net is.

        Monte-Carlo dropout (Gal and Ghahramani 2016). Batch normalisation and all else are as in `predict`.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        n_samples : int, default=100
            Predictions of each row.
        random_state : int, RandomState instance or None, default=None
            Seeds the dropout; None draws anew in each call. The global generators are left untouched.

        Returns
        -------
        ndarray
            Of a classifier probabilities (n_samples, n, n_classes), in the order of `classes_`; of a regressor numbers
            (n_samples, n), or (n_samples, n, n_outputs) where there are several targets.

        Raises
        ------
        ValueError
            When the network has no dropout.
        """
        check_is_fitted(self, "module_")
        return self._to_predictions(
            sample_outputs(self.module_, self._read_rows(X, reset=False), n_samples, random_state)
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted net to a safetensors file, for `load`; what was there before is replaced at once.

        Unlike a pickle the file is data alone. It holds the weights, the parameters and what `fit` has learned; not
        the state of the optimizer, the `module` of one's own, `callbacks`, or a `random_state` that is a RandomState.

        Parameters
        ----------
        path : str or path
            By convention it ends in ".safetensors".

        Raises
        ------
        NotFittedError
        ValueError
            When labels, categories or parameters are of a type that the file cannot hold, or parameters changed after
            `fit` describe another network.

        Warns
        -----
        UserWarning
            When `callbacks` or `random_state` are left out.
        """
        save_net(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], **params: Any) -> Self:
        """Read a net of this class from a file of `save`. Nothing in the file is executed.

        It predicts with the same bits as the saved one on the same device, and `partial_fit` and warm starts go on
        from its weights, with a new optimizer.

        Parameters
        ----------
        path : str or path
        **params
            Parameters in place of the stored ones, such as ``device="cpu"``; for `TorchClassifier` and
            `TorchRegressor` the `module`, which is code and not stored.

        Returns
        -------
        Net
            The fitted net, on the device of its `device` parameter.

        Raises
        ------
        ValueError
            When the file is damaged, of another class or of a newer format, or its weights do not fit the parameters.
        FileNotFoundError
        """
        return load_net(cls, path, params)

    @torch.inference_mode(False)
    def _begin(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation_rows: ArrayLike | None = None,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> Replica:
        """Check everything, learn what is not a weight, and return the training that remains to be done."""
        self._check_parameters()
        goes_on = self.warm_start and hasattr(self, "module_")
        if not goes_on:
            self.__dict__.pop("module_", None)  # that of an earlier fit, whose columns and targets may be others
        X, y, weights = self._read_all(X, y, sample_weight, reset=not goes_on, reset_targets=True)
        self.__dict__.pop("_resume", None)
        if validation_data is not None:
            if validation_rows is not None:
                raise ValueError("Give validation_rows or validation_data, not both.")
            n_rows = len(X)
            X, y, weights = self._append((X, y, weights), validation_data)
            validation_rows = np.arange(n_rows, len(X))
        split_seed, weight_seed, noise_seed, shuffle_seed = self._draw_seeds()
        fraction = self.validation_fraction if self.early_stopping else 0.0
        train_rows, held_out = split_rows(y, weights, validation_rows, fraction=fraction, seed=split_seed)
        if not goes_on and len(train_rows) < len(X):
            X = self._relearn(X, train_rows)
        targets, weights, n_outputs = self._prepare(y, weights, train_rows, reset=not goes_on)
        device = self._device()
        rows = self._training_rows(X, targets, weights, train_rows)
        validation = build_rows(X, targets, weights, held_out, device) if len(held_out) else None
        if not goes_on:
            self._history = []
            self.module_ = self._start(rows, n_outputs, weight_seed)
        return self._replica(
            rows,
            validation,
            shuffles=torch.Generator().manual_seed(shuffle_seed),
            noise=torch.Generator(device).manual_seed(noise_seed),
        )

    def _append(
        self, known: tuple[Array, Array, Array], validation_data: tuple[ArrayLike, ArrayLike]
    ) -> tuple[Array, ...]:
        """Append rows of validation to those of training, in the same precision."""
        if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
            raise ValueError(f"validation_data must be a pair (X, y). Got {type(validation_data).__name__} instead.")
        added = self._read_all(*validation_data, None, reset=False, reset_targets=False)
        wanted, given = known[1].shape[1:], added[1].shape[1:]
        if given != wanted:
            raise ValueError(f"The y of validation_data must have the columns of y: {wanted}. Got {given} instead.")
        return tuple(np.concatenate([old, new.astype(old.dtype)]) for old, new in zip(known, added, strict=True))

    @torch.inference_mode(False)
    def _continue(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, reset_targets: bool) -> Self:
        """Train for one epoch more; optimizer and random numbers go on where the last one left off."""
        self._check_parameters()
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True: no call sees all the rows.")
        first = not hasattr(self, "module_")
        X, y, weights = self._read_all(X, y, sample_weight, reset=first, reset_targets=reset_targets)
        present = np.flatnonzero(weights)
        if first and len(present) < len(X):
            X = self._relearn(X, present)
        targets, weights, n_outputs = self._prepare(y, weights, present, reset=first)
        rows = self._training_rows(X, targets, weights, present)
        if first:
            self._history = []
        if first or not hasattr(self, "_resume"):
            _, weight_seed, noise_seed, shuffle_seed = self._draw_seeds()
            self._resume = Resume.seeded(shuffle_seed, noise_seed, self._device())
        if first:
            self.module_ = self._start(rows, n_outputs, weight_seed)
        shuffles, noise = self._resume.generators(self._device())
        replica = self._replica(rows, None, shuffles, noise, n_epochs=1)
        if self._resume.rule == self.optimizer:
            replica.memory = self._resume.optimizer
        replica.epochs_before = self._resume.epochs
        self._train(replica, fresh=first)
        self._resume = Resume(
            shuffles.get_state(), noise.get_state(), replica.memory, self.optimizer, self._resume.epochs + 1
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

    def _read_all(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool, reset_targets: bool
    ) -> tuple[Array, Array, Array]:
        """Check rows, targets and weights; return them as arrays, X in the precision of the network."""
        rows = self._read_rows(X, reset=reset)
        targets = self._read_targets(y, reset=reset_targets)
        check_consistent_length(rows, targets)
        return rows, targets, check_weights(sample_weight, rows)

    def _read_rows(self, X: ArrayLike, *, reset: bool) -> Array:
        """Check X; return the values (n, inputs) that the network takes."""
        refuse_unflattened(X)
        return np.asarray(validate_data(self, X, reset=reset, dtype=self._precisions(reset=reset)))

    def _relearn(self, X: Array, train_rows: Array) -> Array:
        """Return the inputs (n, inputs) as the training rows alone teach to read them; for those that are codes."""
        del train_rows
        return X

    def _check_targets(self, y: ArrayLike, *, several: bool, numeric: bool = False) -> Any:
        """Check y by itself; `validate_data` without X would forget the names of the features."""
        if y is None:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        return _check_y(y, multi_output=several, y_numeric=numeric, estimator=self)

    def _precisions(self, *, reset: bool) -> tuple[str, ...]:
        """Precisions that X may keep; X of any other is converted to the first."""
        if not reset and hasattr(self, "module_"):
            return (str(next(self.module_.parameters()).dtype).removeprefix("torch."),)
        return ("float64", "float32") if self.dtype == "auto" else (self.dtype,)

    def _training_rows(self, X: Array, targets: Array, weights: Array, index: Array) -> Rows:
        """Copy the rows to be trained on to the device."""
        if self._normalises_batches() and len(index) < 2:
            raise ValueError("Batch normalisation needs at least two training rows. Got 1 sample instead.")
        return build_rows(X, targets, weights, index, self._device())

    def _draw_seeds(self) -> list[int]:
        """Draw the seeds of held-out rows, weights, noise and shuffles."""
        seeds: list[int] = check_random_state(self.random_state).randint(2**31 - 1, size=4).tolist()
        return seeds

    def _start(self, rows: Rows, n_outputs: int, seed: int) -> nn.Module:
        """Build the network that is to be trained, on the device."""
        network = self._build_network(rows, n_outputs, torch.Generator().manual_seed(seed))
        module = network.module if isinstance(network, SingleNetwork) else network
        return module.to(rows.inputs.device, rows.inputs.dtype)

    def _normalises_batches(self) -> bool:
        return bool(getattr(self, "batch_norm", False))

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
                adapts=self.schedule == "plateau",
                history=self._history,
            ),
            shuffles=shuffles,
            noise=noise,
            on_epoch=self._call_back if self.callbacks else None,
        )

    def _settings(self) -> Settings:
        return Settings(**{field.name: getattr(self, field.name) for field in fields(Settings)})

    def _augment(self) -> Augment | None:
        """Return what changes the inputs of a training step; none, unless an architecture has it."""
        return None

    def _call_back(self, row: dict[str, float]) -> bool:
        """Call all callbacks; tell whether one of them wants to stop."""
        assert self.callbacks is not None
        callbacks = [self.callbacks] if callable(self.callbacks) else self.callbacks
        answers = [callback(self, row) for callback in callbacks]
        return any(isinstance(answer, bool | np.bool_) and bool(answer) for answer in answers)

    def _outputs(self, X: ArrayLike) -> Array:
        """Return the outputs of the network, (n, outputs), in float64."""
        check_is_fitted(self, "module_")
        return infer(self.module_, self._read_rows(X, reset=False))

    def _check_parameters(self) -> None:
        """Raise one ValueError that lists every parameter that breaks its rule."""
        name_of_class, values = type(self).__name__, self.get_params(deep=False)
        problems = [
            f"The {name!r} parameter of {name_of_class} must be {words}. Got {values[name]!r} instead."
            for name, (holds, words) in self._rules().items()
            if not holds(values[name])
        ]
        if problems := problems or self._conflicts():
            raise ValueError("\n".join(problems))

    def _rules(self) -> dict[str, Rule]:
        """Rules of the parameters; subclasses add theirs."""
        n_devices = torch.cuda.device_count()
        return {
            "optimizer": one_of(*OPTIMIZERS),
            "learning_rate": real("(0, inf)"),
            "schedule": one_of(*SCHEDULES),
            "momentum": real("[0, 1)"),
            "nesterovs_momentum": boolean(),
            "weight_decay": real("[0, inf)"),
            "l1": real("[0, inf)"),
            "max_grad_norm": optional(real("(0, inf)")),
            "batch_size": integer(1),
            "max_epochs": integer(1),
            "early_stopping": boolean(),
            "validation_fraction": real("(0, 1)"),
            "n_iter_no_change": integer(1),
            "tol": real("[0, inf)"),
            "warm_start": boolean(),
            "callbacks": (are_callables, "None, a callable or a list of callables"),
            "random_state": (is_seed, "None, an int in the range [0, 2**32 - 1] or a RandomState"),
            "device": (
                is_device,
                f"'auto', 'cpu' or one of the {n_devices} CUDA devices that torch sees here",
            ),
            "dtype": one_of("auto", "float32", "float64"),
            "verbose": boolean(),
        }

    def _conflicts(self) -> list[str]:
        """Describe parameters that contradict each other, each of them right by itself; subclasses add theirs."""
        if self._normalises_batches() and self.batch_size == 1:
            return [f"The 'batch_size' parameter of {type(self).__name__} must be 2 or more with batch_norm=True."]
        return []

    def _device(self) -> torch.device:
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state with the network on the CPU, so that it loads on a machine without a GPU."""
        state = dict(super().__getstate__())
        if "module_" in state and next(self.module_.parameters()).is_cuda:
            state["module_"] = copy.deepcopy(self.module_).cpu()
        return state


@torch.inference_mode(False)  # whatever the caller's mode: gradients are needed here
def train_nets(nets: Sequence[Net], replicas: Sequence[Replica], on_epoch: Callable[[int], None] | None = None) -> None:
    """Train estimators of one kind and one set of parameters, together."""
    first = nets[0]
    with epoch_bar(first.max_epochs, replicas, shown=first.verbose) as advance:

        def after_epoch(epoch: int) -> None:
            advance(epoch)
            if on_epoch is not None:
                on_epoch(epoch)

        train(replicas, first._settings(), first._objective(), first._augment(), after_epoch)


def refuse_unflattened(X: Any) -> None:
    """Say how images and series travel: scikit-learn's own words would only say that two dimensions are needed."""
    shape = getattr(X, "shape", ())
    if len(shape) > 2:
        given = tuple(int(size) for size in shape[1:])
        raise ValueError(
            f"Found array with dim {len(shape)}, while dim <= 2 is required: give X.reshape(len(X), -1), and "
            f"input_shape={given} (channels first) where the estimator takes it."
        )


def check_weights(sample_weight: ArrayLike | None, X: Array) -> Array:
    """Return the weights (n,) of the rows, in float64; raise when they are negative or all zero."""
    weights: Array = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weights.any():
        raise ValueError("The sample weights must not all be zero: at least one row has to count.")
    return weights
