"""The abstract PyTorch estimators: what every network, classifier and regressor here shares.

A public estimator joins one architecture (`_build_module`) and one task (classifier or regressor), in this
order: the classes are dataclasses, so that `__init__` only assigns and its parameters compose over the bases,
and a default that an architecture changes has to come before the shared one.
"""

import copy
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from torch import Tensor, nn

from bakeoff.estimators.parameters import Rule, boolean, integer, is_class_weight, is_device, is_seed, one_of, real
from bakeoff.estimators.rows import Rows, build_rows, split_rows
from bakeoff.estimators.training import (
    OPTIMIZERS,
    Curves,
    Settings,
    cross_entropy,
    infer,
    seeded_torch,
    squared_error,
    train,
)

Array = NDArray[Any]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
}


@dataclass(kw_only=True, eq=False, repr=False)
class TorchEstimator(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn is untyped
    """Base of all PyTorch estimators: parameters, validation, and `fit` through the one training loop.

    Parameters
    ----------
    activation : {"relu", "tanh", "sigmoid", "gelu"}, default="relu"
        Activation of the hidden layers.
    dropout : float in [0, 1), default=0.0
        Share of hidden values dropped while training.
    batch_norm : bool, default=False
        Whether to normalise each hidden layer over the batch.
    optimizer : {"sgd", "rmsprop", "adam", "adamw"}, default="adam"
        "sgd" uses Nesterov momentum 0.9.
    learning_rate : float, default=1e-3
        Step size of the optimizer.
    weight_decay : float, default=0.0
        L2 penalty (for "adamw" decoupled from the gradient).
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
    random_state : int, RandomState instance or None, default=None
        Seeds held-out rows, initial weights, dropout and shuffles. On a CPU, and for a fixed number of
        threads, the same seed gives the same bits. torch's global generator is left untouched.
    device : str, default="auto"
        "auto" (CUDA where available, else CPU), "cpu", "cuda" or "cuda:N".
    dtype : {"auto", "float32", "float64"}, default="auto"
        Precision; "auto" follows X: float32 stays, anything else becomes float64.
    verbose : bool, default=False
        Whether to write the losses of every epoch to stderr.

    Attributes
    ----------
    module_ : torch.nn.Module
        The fitted network, (n, n_features_in_) to (n, outputs), in evaluation mode.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has string names.
    n_iter_ : int
        Epochs run.
    loss_curve_, validation_loss_curve_ : list of float
        Mean loss per epoch; the second is empty without early stopping.
    best_loss_ : float
        Lowest validation loss, or training loss without early stopping.
    n_parameters_ : int
        Trainable parameters of the network.
    """

    activation: str = "relu"
    dropout: float = 0.0
    batch_norm: bool = False
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    batch_size: int = 128
    max_epochs: int = 100
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    tol: float = 1e-4
    random_state: int | np.random.RandomState | None = None
    device: str = "auto"
    dtype: str = "auto"
    verbose: bool = False

    @staticmethod
    @abstractmethod
    def _loss(outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Return the weighted sum of the loss over the rows of a batch."""

    @abstractmethod
    def _build_module(self, n_features: int, n_outputs: int) -> nn.Module:
        """Build the untrained network for rows of n_features values."""

    @abstractmethod
    def _validate(self, X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        """Check X and y; return X and y encoded: class codes (n,) or numbers (n, outputs)."""

    @abstractmethod
    def _prepare(self, y: Array, weights: Array, train_rows: Array) -> tuple[Array, Array, int]:
        """Return targets, weights and number of outputs, learning from the training rows only."""

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation_rows: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Rows of values; images and series flattened in C order of `input_shape`.
        y : array-like of shape (n,) or, for regressors, also (n, n_outputs)
            Labels of any type, or numbers.
        sample_weight : array-like of shape (n,), optional
            Weights of rows, not negative. A row of weight zero counts as absent.
        validation_rows : array-like of int or of bool of shape (n,), optional
            Rows held out for early stopping, as indices or a mask. They are never trained on, and early
            stopping is on whatever `early_stopping` says.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For parameters (all of them at once) or data that cannot be used.
        FloatingPointError
            When the loss stops being finite before any usable weights were found.
        """
        self._check_parameters()
        X, y = self._validate(X, y)
        weights = check_weights(sample_weight, X)
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=3)
        split_seed, torch_seed, shuffle_seed = seeds.tolist()
        fraction = self.validation_fraction if self.early_stopping else 0.0
        train_rows, held_out = split_rows(y, weights, validation_rows, fraction=fraction, seed=split_seed)
        targets, weights, n_outputs = self._prepare(y, weights, train_rows)
        device = self._device()
        rows = build_rows(X, targets, weights, train_rows, device)
        validation = build_rows(X, targets, weights, held_out, device) if len(held_out) else None
        with seeded_torch(torch_seed, device):
            module = self._build_module(X.shape[1], n_outputs).to(device, rows.inputs.dtype)
            self._train(module, rows, validation, torch.Generator().manual_seed(shuffle_seed))
        return self

    def _train(self, module: nn.Module, rows: Rows, validation: Rows | None, generator: torch.Generator) -> None:
        """Train the module and keep what came of it."""
        settings = Settings(**{field.name: getattr(self, field.name) for field in fields(Settings)})
        on_epoch = write_losses if self.verbose else None
        curves = train(module, self._loss, rows, validation, settings, generator=generator, on_epoch=on_epoch)
        self.module_: nn.Module = module
        self.n_iter_: int = len(curves.training)
        self.loss_curve_: list[float] = curves.training
        self.validation_loss_curve_: list[float] = curves.validation
        self.best_loss_: float = curves.best
        self.n_parameters_: int = sum(weight.numel() for weight in module.parameters())

    def _outputs(self, X: ArrayLike) -> Array:
        """Return the outputs of the network, (n, outputs), in float64."""
        check_is_fitted(self)
        dtype = str(next(self.module_.parameters()).dtype).removeprefix("torch.")
        return infer(self.module_, validate_data(self, X, reset=False, dtype=dtype))

    def _check_parameters(self) -> None:
        """Raise one ValueError that lists every parameter that breaks its rule."""
        name_of_class, values = type(self).__name__, self.get_params(deep=False)
        problems = [
            f"The {name!r} parameter of {name_of_class} must be {words}. Got {values[name]!r} instead."
            for name, (holds, words) in self._rules().items()
            if not holds(values[name])
        ] + self._conflicts()
        if problems:
            raise ValueError("\n".join(problems))

    def _rules(self) -> dict[str, Rule]:
        """Rules of the parameters; subclasses add theirs."""
        n_devices = torch.cuda.device_count()
        return {
            "activation": one_of(*ACTIVATIONS),
            "dropout": real("[0, 1)"),
            "batch_norm": boolean(),
            "optimizer": one_of(*OPTIMIZERS),
            "learning_rate": real("(0, inf)"),
            "weight_decay": real("[0, inf)"),
            "batch_size": integer(1),
            "max_epochs": integer(1),
            "early_stopping": boolean(),
            "validation_fraction": real("(0, 1)"),
            "n_iter_no_change": integer(1),
            "tol": real("[0, inf)"),
            "random_state": (is_seed, "None, an int in the range [0, 2**32 - 1] or a RandomState"),
            "device": (
                is_device,
                f"'auto', 'cpu' or one of the {n_devices} CUDA devices that torch sees here",
            ),
            "dtype": one_of("auto", "float32", "float64"),
            "verbose": boolean(),
        }

    def _conflicts(self) -> list[str]:
        """Describe parameters that contradict each other; subclasses add theirs."""
        if self.batch_norm and self.batch_size == 1:
            return [f"The 'batch_size' parameter of {type(self).__name__} must be 2 or more with batch_norm=True."]
        return []

    def _device(self) -> torch.device:
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)

    def _input_dtypes(self) -> tuple[str, ...]:
        """Precisions that X may keep; X of any other is converted to the first."""
        return ("float64", "float32") if self.dtype == "auto" else (self.dtype,)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state with the network on the CPU, so that it loads on a machine without a GPU."""
        state = dict(super().__getstate__())
        if "module_" in state and next(self.module_.parameters()).is_cuda:
            state["module_"] = copy.deepcopy(self.module_).cpu()
        return state


@dataclass(kw_only=True, eq=False, repr=False)
class TorchClassifier(ClassifierMixin, TorchEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Base of the classifiers: cross-entropy over one logit per class.

    Parameters
    ----------
    class_weight : dict, "balanced" or None, default=None
        Weights of classes, multiplied with `sample_weight` in training and validation loss. A class that
        the dict leaves out weighs one; "balanced" gives every class of the training rows the same total.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    """

    _loss = staticmethod(cross_entropy)

    class_weight: Mapping[Any, float] | str | None = None

    def predict(self, X: ArrayLike) -> Array:
        """Return the most probable label of each row, shape (n,)."""
        codes = self._outputs(X).argmax(axis=1)
        labels: Array = self.classes_[codes]
        return labels

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probabilities of the classes, shape (n, n_classes), in the order of `classes_`."""
        probabilities: Array = torch.from_numpy(self._outputs(X)).softmax(dim=1).numpy()
        return probabilities

    def _rules(self) -> dict[str, Rule]:
        words = "None, 'balanced' or a dict of weights that are not negative"
        return super()._rules() | {"class_weight": (is_class_weight, words)}

    def _validate(self, X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        refuse_unflattened(X)
        X, y = validate_data(self, X, y, dtype=self._input_dtypes())
        check_classification_targets(y)
        self.classes_: Array
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        return np.asarray(X), codes

    def _prepare(self, y: Array, weights: Array, train_rows: Array) -> tuple[Array, Array, int]:
        totals = np.bincount(y[train_rows], weights[train_rows], minlength=len(self.classes_))
        return y, weights * self._class_weights(totals)[y], len(self.classes_)

    def _class_weights(self, totals: Array) -> Array:
        """Weight of each class, given the total sample weight of each among the training rows."""
        if self.class_weight is None:
            return np.ones(len(totals))
        if isinstance(self.class_weight, str):
            weights = np.zeros(len(totals))  # of a class that only held-out rows have
            np.divide(totals.sum(), len(totals) * totals, out=weights, where=totals > 0)
            return weights
        labels = self.classes_.tolist()
        if unknown := [label for label in self.class_weight if label not in labels]:
            raise ValueError(f"The 'class_weight' parameter names {unknown}, but the classes are {labels}.")
        return np.array([self.class_weight.get(label, 1.0) for label in labels], dtype=np.float64)


@dataclass(kw_only=True, eq=False, repr=False)
class TorchRegressor(RegressorMixin, TorchEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Base of the regressors: squared error on the standardised target, one output or several.

    Attributes
    ----------
    target_mean_, target_scale_ : ndarray of shape (n_outputs,)
        Weighted mean and standard deviation of y over the training rows.
    """

    _loss = staticmethod(squared_error)

    def predict(self, X: ArrayLike) -> Array:
        """Return the predicted numbers, shape (n,) or (n, n_outputs), in the units of y."""
        values: Array = self._outputs(X) * self.target_scale_ + self.target_mean_
        return values[:, 0] if values.shape[1] == 1 else values

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _validate(self, X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        refuse_unflattened(X)
        X, y = validate_data(self, X, y, dtype=self._input_dtypes(), multi_output=True, y_numeric=True)
        targets = np.asarray(y, dtype=np.float64)
        if targets.ndim == 1 or targets.shape[1] == 1:
            targets = column_or_1d(targets, warn=True)[:, np.newaxis]
        return np.asarray(X), targets

    def _prepare(self, y: Array, weights: Array, train_rows: Array) -> tuple[Array, Array, int]:
        known, known_weights = y[train_rows], weights[train_rows]
        self.target_mean_: Array = np.average(known, axis=0, weights=known_weights)
        spread = np.sqrt(np.average((known - self.target_mean_) ** 2, axis=0, weights=known_weights))
        constant = spread <= 10 * np.finfo(np.float64).eps * np.abs(self.target_mean_)
        self.target_scale_: Array = np.where(constant, 1.0, spread)
        return (y - self.target_mean_) / self.target_scale_, weights, y.shape[1]


def dense_block(params: TorchEstimator, n_inputs: int, n_outputs: int) -> list[nn.Module]:
    """Build one hidden layer: linear, batch norm, activation, dropout, as the parameters say."""
    block: list[nn.Module] = [nn.Linear(n_inputs, n_outputs)]
    if params.batch_norm:
        block.append(nn.BatchNorm1d(n_outputs))
    block.append(ACTIVATIONS[params.activation]())
    if params.dropout > 0:
        block.append(nn.Dropout(params.dropout))
    return block


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


def write_losses(curves: Curves) -> None:
    """Write the losses of the last epoch to stderr."""
    losses = [f"{name} {curve[-1]:.6g}" for name, curve in vars(curves).items() if name != "best" and curve]
    sys.stderr.write(f"epoch {len(curves.training)}: {', '.join(losses)}\n")
