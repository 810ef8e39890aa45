"""QUANT (Dempster, Schmidt and Webb 2024): quantiles over dyadic intervals of a series, for extremely random trees."""

from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor
from torch.nn.functional import avg_pool1d, pad

from bakeoff.estimators.parameters import resolve_input_shape

LEAST_STEPS = 3  # that have second differences
SMOOTHED_STEPS = 5
VALUES_AT_ONCE = 2**22  # torch.quantile takes at most 2**24


class Quant(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Quantiles of a series, its smoothed first and its second differences, and its spectrum, over dyadic intervals.

    Parameters
    ----------
    depth : int, default=6
        Times that a series is halved, the whole included: 1, 2, 4 … 32 intervals, and the same moved by half of one.
    divisor : int, default=4
        Steps of an interval for each quantile.
    input_shape : (channels, length), default=None
        How the columns of X fold back; one channel of n_features steps if left out.

    Notes
    -----
    Nothing is learned from the rows. Every second quantile is given less the mean of its interval. Channels are
    described one by one. Missing steps become the mean of their channel in their row, as the UCR archive fills up
    series of unequal lengths; 0 where all are missing.

    References
    ----------
    Dempster, Schmidt, Webb 2024, QUANT: a minimalist interval method for time series classification, Data Mining and
    Knowledge Discovery.
    """

    def __init__(self, depth: int = 6, divisor: int = 4, *, input_shape: tuple[int, ...] | None = None) -> None:
        self.depth = depth
        self.divisor = divisor
        self.input_shape = input_shape

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the shape of the rows of `X`, (n_rows, channels * length)."""
        del y
        X = validate_data(self, X, dtype="float32", ensure_all_finite="allow-nan")
        for name in ("depth", "divisor"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1. Got {getattr(self, name)}.")
        self.shape_ = resolve_input_shape(self.input_shape, X.shape[1])
        return self

    @torch.inference_mode()
    def transform(self, X: Any) -> np.ndarray:
        """Return the quantiles, shape (n_rows, channels * quantiles), in float32."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype="float32", reset=False, ensure_all_finite="allow-nan")
        series = torch.tensor(X).view(len(X), -1, self.shape_[-1])
        series = torch.where(series.isnan(), series.nanmean(-1, keepdim=True).nan_to_num(), series)
        series = pad(series, (0, max(LEAST_STEPS - series.shape[-1], 0)), mode="replicate")
        step = max(VALUES_AT_ONCE // (series.shape[1] * series.shape[2]), 1)
        parts = [self._describe(series[start : start + step]) for start in range(0, len(series), step)]
        return np.concatenate(parts)

    def _describe(self, series: Tensor) -> np.ndarray:
        features = [
            _quantiles(view[..., begin:end], self.divisor)
            for view in _views(series)
            for begin, end in half_shifted_intervals(view.shape[-1], self.depth)
        ]
        return torch.cat(features, dim=-1).flatten(1).numpy()


def half_shifted_intervals(length: int, depth: int) -> list[tuple[int, int]]:
    """List the whole, its halves, quarters and so on as (begin, end), each level followed by itself moved by a half."""
    intervals: list[tuple[int, int]] = []
    for level in range(min(depth, int(np.log2(length)) + 1)):
        n = 2**level
        # Rounding as in the authors' code, where torch counts from both ends.
        edges = torch.linspace(0, length, n + 1).long().tolist()
        own = list(pairwise(edges))
        intervals += own
        if n > 1 and np.sort(np.diff(edges))[(n - 1) // 2] > 1:
            shift = int(np.ceil(length / n / 2))
            intervals += [(begin + shift, end + shift) for begin, end in own[:-1]]
    return intervals


def _views(series: Tensor) -> tuple[Tensor, ...]:
    """Return the series, smoothed first differences, second differences and the absolute spectrum."""
    margin = SMOOTHED_STEPS // 2
    smooth = avg_pool1d(pad(series.diff(), (margin, margin), mode="replicate"), SMOOTHED_STEPS, 1)
    return series, smooth, series.diff(n=2), torch.fft.rfft(series).abs()


def _quantiles(part: Tensor, divisor: int) -> Tensor:
    """Return evenly spaced quantiles over the last axis, every second one less the mean; the median of a short part."""
    n_steps = part.shape[-1]
    n_quantiles = 1 + (n_steps - 1) // divisor
    if n_steps == 1:
        return part
    if n_quantiles == 1:
        return part.quantile(0.5, dim=-1, keepdim=True)
    quantiles = part.quantile(torch.linspace(0, 1, n_quantiles), dim=-1).movedim(0, -1)
    quantiles[..., 1::2] -= part.mean(-1, keepdim=True)
    return quantiles
