"""The constructor's parameters that all nets share, every one of them about the training, and the rules they keep."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator

from bakeoff.estimators.parameters import (
    Rule,
    are_callables,
    auto_or,
    boolean,
    integer,
    is_device,
    is_seed,
    one_of,
    optional,
    real,
)
from bakeoff.estimators.training.optimizers import OPTIMIZERS, REGULARISATION_SCHEDULES, SCHEDULES

Callback = Callable[[Any, dict[str, float]], Any]


@dataclass(kw_only=True, eq=False, repr=False)
class TrainingParameters(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """An estimator that is trained by gradient descent, as its constructor describes it; architectures add their own.

    Parameters
    ----------
    optimizer : {"sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamw"}, default="adam"
        Rule of the steps.
    learning_rate : float, default=1e-3
        Step size of the optimizer; the highest one of a schedule.
    schedule : {"constant", "cosine", "log-cosine", "one-cycle", "plateau"}, default="constant"
        Course of the learning rate over `max_epochs`: along a cosine to zero, along four ever longer waves (Holzmüller
        et al. 2024, their "coslog4"), up and down again (Smith and Topin 2018), or a tenth of it whenever half of
        `n_iter_no_change` has passed without progress.
    momentum : float in [0, 1), default=0.9
        Momentum of "sgd".
    nesterovs_momentum : bool, default=True
        Whether that momentum is Nesterov's.
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Decay of the running moments of "adam" and "adamw".
    weight_decay : float, default=0.0
        L2 penalty (for "adamw" decoupled from the gradient).
    weight_decay_schedule, dropout_schedule : {"constant", "flat-cosine"}, default="constant"
        Course of weight decay and of all dropout over `max_epochs`: as given, or so for the first half and then along a
        cosine to zero.
    l1 : float, default=0.0
        L1 penalty: added to the loss times the sum of absolute weights.
    max_grad_norm : float, default=None
        Longest gradient of a step, as a Euclidean norm over all weights; longer ones are scaled down to it.
    batch_size : int or "auto", default=128
        Rows per minibatch, at most the number of training rows; "auto" chooses by their number, see `automatic`.
    max_epochs : int or "auto", default=100
        Passes over the training rows at most; "auto" chooses by their number.
    max_auto_epochs : int, default=150
        The most that "auto" may choose.
    early_stopping : bool or "auto", default=False
        Whether to hold rows out, stop on their loss and restore the best weights. Otherwise training stops
        on a plateau of its own loss and keeps the last weights, as scikit-learn's MLP does. "auto" holds rows out where
        there are enough of them.
    monitor : {"loss", "score"}, default="loss"
        What early stopping watches on the held-out rows. Of several epochs with the best score the last one counts.
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
    """

    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    beta_1: float = 0.9
    beta_2: float = 0.999
    weight_decay: float = 0.0
    weight_decay_schedule: str = "constant"
    dropout_schedule: str = "constant"
    l1: float = 0.0
    max_grad_norm: float | None = None
    batch_size: int | str = 128
    max_epochs: int | str = 100
    max_auto_epochs: int = 150
    early_stopping: bool | str = False
    monitor: str = "loss"
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    tol: float = 1e-4
    warm_start: bool = False
    callbacks: Callback | Sequence[Callback] | None = None
    random_state: int | np.random.RandomState | None = None
    device: str = "auto"
    dtype: str = "auto"
    verbose: bool = False

    def _rules(self) -> dict[str, Rule]:
        """Rules of the parameters; subclasses add theirs."""
        n_devices = torch.cuda.device_count()
        return {
            "optimizer": one_of(*OPTIMIZERS),
            "learning_rate": real("(0, inf)"),
            "schedule": one_of(*SCHEDULES),
            "momentum": real("[0, 1)"),
            "nesterovs_momentum": boolean(),
            "beta_1": real("[0, 1)"),
            "beta_2": real("[0, 1)"),
            "weight_decay": real("[0, inf)"),
            "weight_decay_schedule": one_of(*REGULARISATION_SCHEDULES),
            "dropout_schedule": one_of(*REGULARISATION_SCHEDULES),
            "l1": real("[0, inf)"),
            "max_grad_norm": optional(real("(0, inf)")),
            "batch_size": auto_or(integer(1)),
            "max_epochs": auto_or(integer(1)),
            "max_auto_epochs": integer(1),
            "early_stopping": auto_or(boolean()),
            "monitor": one_of("loss", "score"),
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
            reason = " with batch_norm=True" if hasattr(self, "batch_norm") else ""
            return [f"The 'batch_size' parameter of {type(self).__name__} must be 2 or more{reason}."]
        return []

    def _normalises_batches(self) -> bool:
        return bool(getattr(self, "batch_norm", False))


def check_parameters(estimator: TrainingParameters) -> None:
    """Raise one ValueError that lists every parameter that breaks its rule."""
    name_of_class, values = type(estimator).__name__, estimator.get_params(deep=False)
    problems = [
        f"The {name!r} parameter of {name_of_class} must be {words}. Got {values[name]!r} instead."
        for name, (holds, words) in estimator._rules().items()
        if not holds(values[name])
    ]
    if problems := problems or estimator._conflicts():
        raise ValueError("\n".join(problems))
