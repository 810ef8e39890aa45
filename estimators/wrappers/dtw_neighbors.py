"""Nearest neighbours under dynamic time warping, the yardstick of time series classification.

Distances of many pairs are computed at once, one anti-diagonal after another; a lower bound (LB_Keogh) spares those
that can't be near.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from bakeoff.estimators.parameters import is_int, resolve_input_shape

PAIRS_AT_ONCE = 1024
ROWS_AT_ONCE = 256
Floats = NDArray[np.float32]


class _DtwNeighbors(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """What the classifier and the regressor share: the search for neighbours."""

    def __init__(
        self, n_neighbors: int = 1, window: float = 0.1, *, input_shape: tuple[int, ...] | None = None
    ) -> None:
        self.n_neighbors = n_neighbors
        self.window = window
        self.input_shape = input_shape

    def kneighbors(self, X: Any) -> tuple[Floats, NDArray[np.intp]]:
        """Find the nearest training series of each row.

        Parameters
        ----------
        X : array-like of shape (n_rows, channels * length)

        Returns
        -------
        distances : ndarray of shape (n_rows, n_neighbors)
            The sums of squared differences along the best path, nearest first.
        indices : ndarray of shape (n_rows, n_neighbors)
            Which training rows they are.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype="float32", reset=False)
        series = X.reshape(len(X), *self.series_.shape[1:])
        parts = [self._nearest(series[start : start + ROWS_AT_ONCE]) for start in range(0, len(X), ROWS_AT_ONCE)]
        distances, indices = zip(*parts, strict=True)
        return np.concatenate(distances), np.concatenate(indices)

    def _remember(self, X: np.ndarray) -> None:
        """Keep the training series, and the highest and lowest values that each of their steps can be aligned with."""
        if not is_int(self.n_neighbors):
            raise ValueError(f"n_neighbors must be an int of at least 1. Got {self.n_neighbors!r}.")
        if not 0 <= self.window <= 1:
            raise ValueError(f"window must be a share of the length from 0 to 1. Got {self.window!r}.")
        shape = resolve_input_shape(self.input_shape, X.shape[1])
        self.series_ = X.reshape(len(X), -1, shape[-1])
        self.radius_ = min(int(self.window * shape[-1]), shape[-1] - 1)
        options: dict[str, Any] = {"size": 2 * self.radius_ + 1, "axis": -1, "mode": "nearest"}
        self.highest_ = maximum_filter1d(self.series_, **options).reshape(X.shape)
        self.lowest_ = minimum_filter1d(self.series_, **options).reshape(X.shape)

    def _nearest(self, series: Floats) -> tuple[Floats, NDArray[np.intp]]:
        """Return the distances and places of the neighbours, each (n_rows, n_neighbors), by candidates in order."""
        bounds = self._bounds(series.reshape(len(series), -1))
        order = bounds.argsort(axis=1, kind="stable")
        n_train, n_neighbors = len(self.series_), min(self.n_neighbors, len(self.series_))
        distances = np.full((len(series), n_neighbors), np.inf, dtype="float32")
        indices = np.zeros(distances.shape, dtype=np.intp)
        rows, start = np.arange(len(series)), 0
        while start < n_train and len(rows):
            stop = min(start + max(PAIRS_AT_ONCE // len(rows), 1), n_train)
            candidates = order[rows, start:stop]
            found = self._distances(series[rows], candidates)
            near = np.concatenate([distances[rows], found], axis=1)
            places = np.concatenate([indices[rows], candidates], axis=1)
            best = near.argsort(axis=1, kind="stable")[:, :n_neighbors]
            distances[rows] = np.take_along_axis(near, best, axis=1)
            indices[rows] = np.take_along_axis(places, best, axis=1)
            start = stop
            if start < n_train:
                rows = rows[bounds[rows, order[rows, start]] < distances[rows, -1]]
        return distances, indices

    def _bounds(self, rows: Floats) -> Floats:
        """Return lower bounds of all distances, (n_rows, n_train): LB_Keogh (Keogh and Ratanamahatana 2005)."""
        bounds = np.empty((len(rows), len(self.series_)), dtype="float32")
        for place, row in enumerate(rows):
            away = np.clip(row, self.lowest_, self.highest_) - row
            bounds[place] = np.einsum("ij,ij->i", away, away)
        return bounds

    def _distances(self, series: Floats, candidates: NDArray[np.intp]) -> Floats:
        """Return the distances of each series to its candidates, as `candidates` (n_rows, n_candidates)."""
        repeated = np.repeat(np.arange(len(series)), candidates.shape[1])
        found = dtw_distances(series[repeated], self.series_[candidates.ravel()], self.radius_)
        return found.reshape(candidates.shape)


class DtwNeighborsClassifier(ClassifierMixin, _DtwNeighbors):  # type: ignore[misc]  # as above
    """The vote of the nearest training series under dynamic time warping.

    Parameters
    ----------
    n_neighbors : int, default=1
        Neighbours that vote; all rows if there are fewer.
    window : float, default=0.1
        How far two steps that are aligned may lie apart, as a share of the length (the band of Sakoe and Chiba 1978):
        0 is the Euclidean distance, 1 any alignment.
    input_shape : (channels, length), default=None
        How the columns of X fold back; one channel of n_features steps if left out. All channels are warped together
        (dependent warping).

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels in sorted order, as columns of `predict_proba`.

    References
    ----------
    Ratanamahatana, Keogh 2005, Three myths about dynamic time warping data mining, SDM. Shokoohi-Yekta et al. 2017,
    Generalizing DTW to the multi-dimensional case requires an adaptive approach, DMKD.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Keep the rows of `X`, (n_rows, channels * length), and their labels `y`, (n_rows,)."""
        X, y = validate_data(self, X, y, dtype="float32")
        check_classification_targets(y)
        self.classes_, self.codes_ = np.unique(y, return_inverse=True)
        self._remember(X)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the shares of the classes among the neighbours, shape (n_rows, n_classes)."""
        _, indices = self.kneighbors(X)
        shares: np.ndarray = np.eye(len(self.classes_))[self.codes_[indices]].mean(axis=1)
        return shares

    def predict(self, X: Any) -> np.ndarray:
        """Return the most frequent label among the neighbours, shape (n_rows,)."""
        places = self.predict_proba(X).argmax(axis=1)
        labels: np.ndarray = self.classes_[places]
        return labels


class DtwNeighborsRegressor(RegressorMixin, _DtwNeighbors):  # type: ignore[misc]  # as above
    """The mean of the nearest training series under dynamic time warping.

    Parameters are those of `DtwNeighborsClassifier`.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Keep the rows of `X`, (n_rows, channels * length), and their targets `y`, (n_rows,)."""
        X, self.targets_ = validate_data(self, X, y, dtype="float32", y_numeric=True)
        self._remember(X)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the mean target of the neighbours, shape (n_rows,)."""
        _, indices = self.kneighbors(X)
        means: np.ndarray = self.targets_[indices].mean(axis=1)
        return means


def dtw_distances(first: Floats, second: Floats, radius: int) -> Floats:
    """Return dynamic time warping distances of pairs of series, without the root.

    Parameters
    ----------
    first, second : ndarray of shape (n_pairs, channels, length)
    radius : int
        Steps that two aligned steps may lie apart, at most length - 1.

    Returns
    -------
    ndarray of shape (n_pairs,)
        The least sum of squared differences, over all channels, along a path within the band.
    """
    one, other = (np.ascontiguousarray(series.transpose(1, 2, 0)) for series in (first, second[..., ::-1]))
    _, length, n_pairs = one.shape
    # Costs by anti-diagonal: row i + 1 is the cell (i, diagonal - i), and infinite where that is outside of the band.
    before, last, now = (np.full((length + 1, n_pairs), np.inf, dtype=one.dtype) for _ in range(3))
    before[0] = 0
    scratch = np.empty((radius + 1, n_pairs), dtype=one.dtype)
    for diagonal in range(2 * length - 1):
        low = max(diagonal - length + 1, (diagonal - radius + 1) // 2, 0)
        high = min(diagonal, (diagonal + radius) // 2, length - 1) + 1
        across = length - 1 - diagonal  # the second series is reversed: step j stands at length - 1 - j
        cells, least = now[low + 1 : high + 1], scratch[: high - low]
        np.minimum(last[low:high], last[low + 1 : high + 1], out=cells)
        np.minimum(cells, before[low:high], out=cells)
        for channel, reversed_channel in zip(one, other, strict=True):
            np.subtract(channel[low:high], reversed_channel[low + across : high + across], out=least)
            np.multiply(least, least, out=least)
            cells += least
        now[low] = np.inf
        now[high + 1 : high + 2] = np.inf
        before, last, now = last, now, before
    distances: Floats = last[length].copy()
    return distances
