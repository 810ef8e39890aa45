"""What a net remembers of its trainings: one row for each epoch, and the curves that scikit-learn's users look for."""

from typing import Any

import numpy as np
import pandas as pd
from torch import nn


class History:
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
