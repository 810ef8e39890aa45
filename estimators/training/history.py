"""What a net remembers of its trainings: one row for each epoch, the curves drawn from them, and where to go on."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from torch import Generator, Tensor, nn

from bakeoff.estimators.training.optimizers import OPEN_ENDED
from bakeoff.estimators.training.stopping import improves_at_the_end, watched_loss


class HistoryMixin:
    """The fitted attributes that follow from the epochs of a net; before `fit` they are absent."""

    _history: list[dict[str, float]]
    module_: nn.Module
    schedule: str
    monitor: str
    n_iter_no_change: int
    tol: float

    @property
    def history_(self) -> pd.DataFrame:
        """One row per epoch; of an ensemble, one per epoch and member."""
        return pd.DataFrame(self._epochs)

    @property
    def n_iter_(self) -> int:
        """Epochs run; of an ensemble, those of the member that ran longest."""
        return max((int(row["epoch"]) for row in self._epochs), default=0)

    @property
    def loss_curve_(self) -> list[float]:
        """Mean training loss per epoch."""
        return self._curve("training_loss")

    @property
    def validation_loss_curve_(self) -> list[float]:
        """Mean loss of the held-out rows per epoch."""
        return self._curve("validation_loss")

    @property
    def validation_scores_(self) -> list[float]:
        """Accuracy or R² of the held-out rows per epoch."""
        return self._curve("validation_score")

    @property
    def best_loss_(self) -> float:
        """Lowest loss that counted for stopping."""
        return min(filter(np.isfinite, self.validation_loss_curve_ or self.loss_curve_), default=float("inf"))

    @property
    def stopped_while_improving_(self) -> bool:
        """Whether the training ended with progress in its last tenth of epochs: its score is a lower bound.

        Never so with a schedule that lowers the learning rate to its end: such a training has had what it was to have.
        """
        if self.schedule not in OPEN_ENDED:
            return False
        members: dict[float, list[float]] = {}
        for row in self._epochs:
            loss = watched_loss(row, watches_score=self.monitor == "score")
            members.setdefault(row.get("member", 0), []).append(loss)
        return any(improves_at_the_end(losses, self.n_iter_no_change, self.tol) for losses in members.values())

    @property
    def n_parameters_(self) -> int:
        """Trainable parameters of the network."""
        return sum(weight.numel() for weight in self._fitted("module_").parameters() if weight.requires_grad)

    @property
    def _epochs(self) -> list[dict[str, float]]:
        epochs: list[dict[str, float]] = self._fitted("_history")
        return epochs

    def _curve(self, name: str) -> list[float]:
        """Return a column, of an ensemble as means over the members that were still training."""
        by_epoch: dict[float, list[float]] = {}
        for row in self._epochs:
            if name in row:
                by_epoch.setdefault(row["epoch"], []).append(row[name])
        return [sum(values) / len(values) for _, values in sorted(by_epoch.items())]

    def _fitted(self, name: str) -> Any:
        """Return what `fit` has left; before that, fitted attributes are absent, as scikit-learn's are."""
        if name not in vars(self):
            raise AttributeError(f"This {type(self).__name__} instance is not fitted yet: call 'fit' first.")
        return vars(self)[name]


@dataclass(frozen=True)
class PartialFitState:
    """Where `partial_fit` goes on: states of the generators and of the optimizer (named by `rule`), epochs so far."""

    shuffles: Tensor
    noise: Tensor
    optimizer: dict[str, Any] | None = None
    rule: str | None = None
    epochs: int = 0

    @classmethod
    def seeded(cls, shuffle_seed: int, noise_seed: int, device: torch.device) -> Self:
        """Begin with fresh generators."""
        shuffles = torch.Generator().manual_seed(shuffle_seed)
        return cls(shuffles.get_state(), torch.Generator(device).manual_seed(noise_seed).get_state())

    def generators(self, device: torch.device) -> tuple[Generator, Generator]:
        """Return generators of shuffles and noise, in the states that were kept."""
        shuffles, noise = torch.Generator(), torch.Generator(device)
        shuffles.set_state(self.shuffles)
        noise.set_state(self.noise)
        return shuffles, noise
