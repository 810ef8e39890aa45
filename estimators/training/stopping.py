"""When a training ends: its history by epoch, the plateau rule, and what happens when a loss is no longer finite."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sklearn.exceptions import ConvergenceWarning

PLATEAU_FACTOR = 0.1


class ConvergenceError(FloatingPointError):
    """The loss stopped being finite, and no weights before that give a finite one."""


@dataclass
class Plateau:
    """scikit-learn's rule: stop after more than `patience` epochs in a row that gained less than `tol`.

    With `keeps_last` the last of several best epochs counts as the best, else the first.
    """

    patience: int
    tol: float
    keeps_last: bool = False
    best: float = math.inf
    stale: int = 0

    def update(self, loss: float) -> bool:
        """Take in one epoch's loss; tell whether it is the lowest so far."""
        self.stale = self.stale + 1 if loss > self.best - self.tol else 0
        improved = loss < self.best or (self.keeps_last and loss == self.best)
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
    watches_score : bool
        Whether the score of held-out rows takes the place of their loss.
    history : list of dict
        One row for each epoch; those of earlier trainings of the same network come first, and those of several members
        of a net lie in one list.
    labels : mapping
        What else stands in each row: the number of the member.
    epochs_before, epochs : int
        Epochs of earlier trainings, and of this one.
    """

    plateau: Plateau
    max_epochs: int
    reduces_rate: bool = False
    watches_score: bool = False
    history: list[dict[str, float]] = field(default_factory=list)
    labels: Mapping[str, float] = field(default_factory=dict)
    epochs_before: int = 0
    epochs: int = 0
    rate_factor: float = 1.0
    diverged: bool = False
    stopped: bool = False
    last_row: dict[str, float] = field(default_factory=dict)

    def observe(self, row: Mapping[str, float]) -> bool:
        """Take in one epoch: training loss and, with held-out rows, validation loss; tell whether it is the best."""
        self.epochs += 1
        self.last_row = {"epoch": self.epochs_before + self.epochs, **self.labels, **row}
        self.history.append(self.last_row)
        losses = [value for name, value in row.items() if name.endswith("loss")]
        self.diverged = not all(map(math.isfinite, losses))
        if self.diverged:
            return False
        improved = self.plateau.update(watched_loss(row, self.watches_score))
        if self.reduces_rate and self.plateau.half_exhausted:
            self.rate_factor *= PLATEAU_FACTOR
        return improved

    @property
    def done(self) -> bool:
        """Whether the training has diverged, was stopped, reached its plateau or used up its epochs."""
        return self.diverged or self.stopped or self.plateau.exhausted or self.epochs >= self.max_epochs


def watched_loss(row: Mapping[str, float], watches_score: bool) -> float:
    """Return what early stopping watches of an epoch, smaller is better."""
    if watches_score and "validation_score" in row:
        return -row["validation_score"]
    return row.get("validation_loss", row["training_loss"])


def improves_at_the_end(losses: Sequence[float], patience: int, tol: float) -> bool:
    """Tell whether a training made progress in its last tenth of epochs: more of them might have made more."""
    plateau = Plateau(patience, tol)
    for loss in losses:
        plateau.update(loss)
    return not plateau.exhausted and plateau.stale < max(len(losses) // 10, 1)


def report_divergence(monitor: Monitor, learning_rate: float, *, recovered: bool) -> None:
    """Warn that a training diverged and its best weights were kept; raise when there are none."""
    epoch = monitor.epochs_before + monitor.epochs
    what = f"The loss stopped being finite in epoch {epoch} with learning_rate={learning_rate}"
    advice = "Lower learning_rate or scale the features."
    if not recovered:
        raise ConvergenceError(f"{what}, and no earlier weights give a finite one. {advice}")
    warnings.warn(f"{what}; the best weights before it were kept. {advice}", ConvergenceWarning, stacklevel=2)
