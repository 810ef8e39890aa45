"""Series for trees: mean, spread and slope over intervals, as in the time series forest (Deng et al. 2013).

Their intervals are drawn at random for each tree; here they are the whole, the halves, quarters, eighths … of a series,
so that any model can use them.
"""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from bakeoff.estimators.parameters import resolve_input_shape

MIN_STEPS = 3  # steps of an interval
MAX_LEVELS = 6


class IntervalFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Mean, standard deviation and slope of each channel over its dyadic intervals.

    Parameters
    ----------
    input_shape : (channels, length), default=None
        How the columns of X fold back; one channel of n_features steps if left out.

    Notes
    -----
    Missing steps are left out of an interval; an interval without any value has the features 0.
    """

    def __init__(self, input_shape: tuple[int, ...] | None = None) -> None:
        self.input_shape = input_shape

    def fit(self, X: Any, y: Any = None) -> Self:
        """Choose the intervals for rows of the shape of `X`, (n_rows, channels * length)."""
        del y
        X = validate_data(self, X, dtype=["float64", "float32"], ensure_all_finite="allow-nan")
        self.shape_ = resolve_input_shape(self.input_shape, X.shape[1])
        self.intervals_ = dyadic_intervals(self.shape_[-1])
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the features, shape (n_rows, channels * intervals * 3)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=["float64", "float32"], reset=False, ensure_all_finite="allow-nan")
        series = X.reshape(len(X), -1, self.shape_[-1])
        features = [part for begin, end in self.intervals_ for part in _features(series[..., begin:end])]
        return np.stack(features, axis=-1).reshape(len(X), -1)


def dyadic_intervals(length: int) -> list[tuple[int, int]]:
    """List the whole, its halves, quarters and so on, as (begin, end), while they have three steps."""
    intervals = []
    for level in range(MAX_LEVELS):
        edges = np.linspace(0, length, 2**level + 1).astype(int)
        if level and np.diff(edges).min() < MIN_STEPS:
            break
        intervals += list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    return intervals


def _features(part: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, standard deviation and least-squares slope over the last axis, of the values that are there."""
    known = ~np.isnan(part)
    count = np.maximum(known.sum(-1), 1)
    values = np.where(known, part, 0.0)
    steps = np.where(known, np.arange(part.shape[-1], dtype=part.dtype), 0.0)
    mean, middle = values.sum(-1) / count, steps.sum(-1) / count
    away = np.where(known, part - mean[..., None], 0.0)
    along = np.where(known, steps - middle[..., None], 0.0)
    spread = (along**2).sum(-1)
    slope = (away * along).sum(-1) / np.where(spread > 0, spread, 1.0)
    return mean, np.sqrt((away**2).sum(-1) / count), slope
