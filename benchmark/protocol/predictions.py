"""What a fitted model says of some rows, over all classes of the data set: all that metrics need."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What one fitted model says of the test rows.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_rows,)
        Labels or values.
    classes : ndarray of shape (n_classes,)
        All labels of the data set, sorted; empty for a regression.
    positive : label, optional
        Positive class of a binary task.
    scores : ndarray of shape (n_rows, n_classes), optional
        Probabilities, or decision values where there are none: bigger means more likely.
    probabilities : ndarray of shape (n_rows, n_classes), optional
        Rows sum to 1; 0 for a class that was absent from the training rows.
    weights : ndarray of shape (n_rows,), optional
        How much each row counts in every standard metric.
    """

    y_true: np.ndarray
    y_pred: np.ndarray
    classes: np.ndarray
    positive: Any = None
    scores: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    weights: np.ndarray | None = None

    @property
    def one_hot(self) -> np.ndarray:
        """1 where a row is of a class, shape (n_rows, n_classes)."""
        return np.asarray(self.y_true[:, None] == self.classes[None, :], dtype=float)

    @property
    def one_vs_rest_columns(self) -> list[int]:
        """Columns of the classes that one-vs-rest metrics average over: all, or of two the positive one."""
        if len(self.classes) > 2:
            return list(range(len(self.classes)))
        return [int(np.flatnonzero(self.classes == self.positive)[0])]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], positive: Any) -> Self:
        """Return what a fit stored of its test rows; the positive class may be named by its text alone."""
        scores, classes = arrays.get("scores"), arrays["classes"]
        return cls(
            y_true=arrays["y_true"],
            y_pred=arrays["y_pred"],
            classes=classes,
            positive=next((label for label in classes if label == positive or str(label) == positive), positive),
            scores=scores,
            probabilities=scores if bool(arrays["scores_are_probabilities"]) else None,
            weights=arrays.get("weights"),
        )

    def to_arrays(self, rows: np.ndarray, times: np.ndarray | None) -> dict[str, np.ndarray]:
        """Return what a fit stores of its test rows; of their times (of all rows) only the order is kept."""
        arrays = {"rows": rows, "y_true": self.y_true, "y_pred": self.y_pred, "classes": self.classes}
        if times is not None:
            arrays["time"] = np.unique(times[rows], return_inverse=True)[1]
        if self.scores is not None:
            arrays["scores"] = self.scores
        if self.weights is not None:
            arrays["weights"] = self.weights
        return {**arrays, "scores_are_probabilities": np.asarray(self.probabilities is not None)}
