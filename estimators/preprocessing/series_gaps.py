"""Series with gaps and series of unequal lengths, whose ends are missing: filled, or stretched to one length."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from bakeoff.estimators.parameters import resolve_input_shape


class _Steps(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Rows of (channels, length): those with a gap are mended, the others left as they are."""

    def __init__(self, input_shape: tuple[int, ...] | None = None) -> None:
        self.input_shape = input_shape

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the number of columns of `X`, shape (n_rows, channels * length)."""
        del y
        self._read(X, reset=True)
        self.shape_ = resolve_input_shape(self.input_shape, self.n_features_in_)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return rows of the same shape."""
        check_is_fitted(self)
        series = self._read(X, reset=False)
        rows = np.flatnonzero(np.isnan(series).any(axis=1))
        if len(rows):
            series = series.copy()
            series[rows] = self._mend(series[rows].reshape(len(rows), -1, self.shape_[-1])).reshape(len(rows), -1)
        return series

    def _mend(self, series: np.ndarray) -> np.ndarray:
        """Return series of the same shape, (n_rows, channels, length)."""
        raise NotImplementedError

    def _read(self, X: Any, *, reset: bool) -> np.ndarray:
        dtypes = ["float64", "float32"]
        values: np.ndarray = validate_data(self, X, dtype=dtypes, reset=reset, ensure_all_finite="allow-nan")
        return values


class FilledSteps(_Steps):
    """Fill missing values of scaled series with 0, their mean, but for the steps missing at the end of a series.

    Recurrent nets read the end of a series as its end; a gap before it is a gap. A series without any value keeps its
    first step, as 0.

    Parameters
    ----------
    input_shape : (channels, length), default=None
        How the columns of X fold back; one channel of n_features steps if left out.
    """

    def _mend(self, series: np.ndarray) -> np.ndarray:
        inside = np.arange(series.shape[2]) <= _last_steps(series)[:, None, None]
        return np.where(np.isnan(series) & inside, 0, series)


class StretchedSteps(_Steps):
    """Stretch series whose end is missing to the whole length, and fill gaps between two values, both linearly.

    Distances and linear models compare step by step: stretched, the ends of two series meet, whatever their length. A
    channel without any value becomes 0, the mean of scaled series.

    Parameters
    ----------
    input_shape : (channels, length), default=None
        How the columns of X fold back; one channel of n_features steps if left out.

    References
    ----------
    Tan, Petitjean, Keogh, Webb 2019, Time series classification for varying length series (uniform scaling).
    """

    def _mend(self, series: np.ndarray) -> np.ndarray:
        return np.array([_stretch(row, last) for row, last in zip(series, _last_steps(series), strict=True)])


def _last_steps(series: np.ndarray) -> np.ndarray:
    """Return the last step of each series at which any channel has a value, shape (n_rows,); 0 where none has."""
    present = ~np.isnan(series).all(axis=1)
    present[:, 0] = True
    last: np.ndarray = present.shape[1] - 1 - np.argmax(present[:, ::-1], axis=1)
    return last


def _stretch(row: np.ndarray, last: int) -> np.ndarray:
    """Read each channel of a row, (channels, length), at as many places from its first step to its last."""
    places = np.linspace(0, last, row.shape[1])
    return np.array([_interpolate(places, channel) for channel in row])


def _interpolate(places: np.ndarray, channel: np.ndarray) -> np.ndarray:
    known = np.flatnonzero(~np.isnan(channel))
    return np.interp(places, known, channel[known]) if len(known) else np.zeros_like(places)
