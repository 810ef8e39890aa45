"""When a training ends: its history by epoch, the plateau rule, and what happens when a loss is no longer finite."""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

from sklearn.exceptions import ConvergenceWarning

PLATEAU_FACTOR = 0.1


class ConvergenceError(FloatingPointError):
    """The loss stopped being finite, and no weights before that give a finite one."""


@dataclass
class Plateau:
    """scikit-learn's rule: stop after more than `patience` epochs in a row that gained less than `tol`."""

    patience: int
    tol: float
    best: float = math.inf
    stale: int = 0

    def update(self, loss: float) -> bool:
        """Take in one epoch's loss; tell whether it is the lowest so far."""
        self.stale = self.stale + 1 if loss > self.best - self.tol else 0
        improved = loss < self.best
        self.best = min(self.best, loss)
        return improved

    @property
    def exhausted(self) -> bool:
        """Whether the patience is used up."""
        return self.stale > self.patience

    @property
    def half_exhausted(self) -> bool:
        """Whether half of the patience has just been used up."""
        return self.stale == max(self.patience // 2, 1)


@dataclass
class Monitor:
    """Watches one replica's training: keeps its history, tells when the weights are the best and when to stop.

    Parameters
    ----------
    plateau : Plateau
        Of the validation loss where rows are held out, else of the training loss.
    max_epochs : int
    reduces_rate : bool
        Whether half of the patience, once used up, lowers the learning rate tenfold.
    history : list of dict
        One row for each epoch; those of earlier trainings of the same network come first.
    epochs : int
        Epochs of this training.
    """

    plateau: Plateau
    max_epochs: int
    reduces_rate: bool = False
    history: list[dict[str, float]] = field(default_factory=list)
    epochs: int = 0
    rate_factor: float = 1.0
    diverged: bool = False
    stopped: bool = False

    def observe(self, row: Mapping[str, float]) -> bool:
        """Take in one epoch: training loss and, with held-out rows, validation loss; tell whether it is the best."""
        self.history.append({"epoch": len(self.history) + 1, **row})
        self.epochs += 1
        losses = [value for name, value in row.items() if name.endswith("loss")]
        self.diverged = not all(map(math.isfinite, losses))
        if self.diverged:
            return False
        improved = self.plateau.update(losses[-1])
        if self.reduces_rate and self.plateau.half_exhausted:
            self.rate_factor *= PLATEAU_FACTOR
        return improved

    @property
    def done(self) -> bool:
        """Whether the training has diverged, was stopped, reached its plateau or used up its epochs."""
        return self.diverged or self.stopped or self.plateau.exhausted or self.epochs >= self.max_epochs


def report_divergence(monitor: Monitor, learning_rate: float, *, recovered: bool) -> None:
    """Warn that a training diverged and its best weights were kept; raise when there are none."""
    what = f"The loss stopped being finite in epoch {len(monitor.history)} with learning_rate={learning_rate}"
    advice = "Lower learning_rate or scale the features."
    if not recovered:
        raise ConvergenceError(f"{what}, and no earlier weights give a finite one. {advice}")
    warnings.warn(f"{what}; the best weights before it were kept. {advice}", ConvergenceWarning, stacklevel=2)
