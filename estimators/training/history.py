"""What a net remembers of its trainings: one row for each epoch, the curves drawn from them, and where to go on."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from torch import Generator, Tensor, nn


class HistoryMixin:
    """The fitted attributes that follow from the epochs of a net; before `fit` they are absent."""

    _history: list[dict[str, float]]
    module_: nn.Module

    @property
    def history_(self) -> pd.DataFrame:
        """One row per epoch."""
        return pd.DataFrame(self._epochs)

    @property
    def n_iter_(self) -> int:
        """Epochs run."""
        return len(self._epochs)

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
    def n_parameters_(self) -> int:
        """Trainable parameters of the network."""
        return sum(weight.numel() for weight in self._fitted("module_").parameters() if weight.requires_grad)

    @property
    def _epochs(self) -> list[dict[str, float]]:
        epochs: list[dict[str, float]] = self._fitted("_history")
        return epochs

    def _curve(self, name: str) -> list[float]:
        return [row[name] for row in self._epochs if name in row]

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
