"""Images and series for models: one scale for all values, in the precision of nets; bytes stay bytes until then."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted, validate_data

CHUNK_VALUES = 2**22
COMPONENTS = 50
FAR_APART = 100
MOST_SERIES = (0.05, 0.95)


class GlobalScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # untyped
    """Scale all values with one mean and one standard deviation, so that pixels and steps keep their proportions.

    Parameters
    ----------
    fill : bool
        Whether missing values become the mean; the end of a shorter series, say.

    Notes
    -----
    Bytes become float32, as float32 stays; anything else becomes float64. Moments are taken a few rows at a time, so
    that nothing wider than the result is ever held.
    """

    def __init__(self, *, fill: bool = False) -> None:
        self.fill = fill

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn mean and standard deviation of the values of `X`, shape (n_rows, n_values)."""
        del y
        X = self._read(X, reset=True)
        sums = [(np.nansum(part), np.count_nonzero(~np.isnan(part))) for part in _parts(X)]
        total, count = map(sum, zip(*sums, strict=True))
        self.mean_ = float(total / max(count, 1))
        spread = sum(np.nansum((part - self.mean_) ** 2) for part in _parts(X))
        self.scale_ = float(np.sqrt(spread / max(count, 1))) or 1.0
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the scaled values, shape (n_rows, n_values)."""
        check_is_fitted(self)
        X = self._read(X, reset=False)
        scaled: np.ndarray = X.astype(np.float64 if X.dtype == np.float64 else np.float32)
        self._scale(scaled)
        return np.nan_to_num(scaled, copy=False, nan=0.0, posinf=np.inf, neginf=-np.inf) if self.fill else scaled

    def _scale(self, values: np.ndarray) -> None:
        """Scale in place."""
        values -= self.mean_
        values /= self.scale_

    def _read(self, X: Any, *, reset: bool) -> np.ndarray:
        values: np.ndarray = validate_data(
            self, X, reset=reset, dtype=["float64", "float32", "uint8"], ensure_all_finite="allow-nan"
        )
        return values


class SeriesScaler(GlobalScaler):
    """Scale series with one mean and one standard deviation, or each with its own where loud ones would drown others.

    So where the deviations of the training series, but for the lowest and highest twentieth, lie more than a factor of
    100 apart: of the currents of electric devices, say, a global scale leaves nets nothing of the quiet ones to see.
    How loud a series is is lost then. Archives of series are scaled one by one as a rule (Dau et al. 2019, "The UCR
    time series archive").

    Parameters
    ----------
    fill : bool
        Whether missing values become the mean; the end of a shorter series, say.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from series `X`, shape (n_rows, n_values)."""
        super().fit(X, y)
        spreads = np.concatenate([_moments(part)[1] for part in _parts(self._read(X, reset=False))])
        low, high = np.quantile(spreads[spreads > 0], MOST_SERIES) if (spreads > 0).any() else (1.0, 1.0)
        self.by_series_ = bool(high > FAR_APART * low)
        return self

    def _scale(self, values: np.ndarray) -> None:
        if not self.by_series_:
            super()._scale(values)
            return
        for part in np.array_split(values, max(values.size // CHUNK_VALUES, 1)):  # views
            means, spreads = _moments(part)
            part -= means[:, None].astype(part.dtype)
            part /= np.where(spreads > 0, spreads, 1)[:, None].astype(part.dtype)


def _moments(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation of what is there of each row; 0 where nothing is."""
    present = ~np.isnan(series)
    counts = np.maximum(present.sum(1), 1)
    means = np.nansum(series, 1, dtype=np.float64) / counts
    squares = np.nansum(np.square(series - means[:, None], dtype=np.float64), 1)
    return means, np.sqrt(squares / counts)


def _parts(X: np.ndarray) -> Any:
    """Yield rows in float64, a few at a time."""
    step = max(CHUNK_VALUES // X.shape[1], 1)
    return (X[start : start + step].astype(np.float64) for start in range(0, len(X), step))


class Components(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # untyped
    """Principal components of images, the first 50 at most: neighbours and kernels work better and faster on them.

    Source: LeCun et al. 1998 use 40 components of MNIST before a quadratic classifier.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the components of the rows of `X`, shape (n_rows, n_values)."""
        del y
        X = validate_data(self, X, dtype=["float64", "float32"])
        n_components = min(COMPONENTS, *X.shape)
        self.pca_ = PCA(n_components, svd_solver="covariance_eigh" if len(X) > X.shape[1] else "full").fit(X)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the components, shape (n_rows, n_components)."""
        check_is_fitted(self)
        return np.asarray(self.pca_.transform(validate_data(self, X, dtype=["float64", "float32"], reset=False)))
