"""MultiRocket (Tan et al. 2022): MiniRocket's kernels on a series and on its differences, each pooled in four ways."""

from typing import Any

import numpy as np
from torch import Tensor

from bakeoff.estimators.preprocessing.mini_rocket import KERNEL_LENGTH, Floats, Rocket, pad_series


class MultiRocket(Rocket):
    """How often, where, how far and how long each of 84 dilated kernels exceeds each of its biases.

    Parameters
    ----------
    n_features : int, default=50_000
        About how many features; a multiple of 84 * 2 * 4 is made.
    input_shape : (channels, length), default=None
        How the columns of X fold back; one channel of n_features steps if left out.
    random_state : int, RandomState or None
        Which training series give the biases, and which channels a kernel looks at.

    Notes
    -----
    The four poolings of the steps above a bias: their share, the longest stretch without a step below it, the mean of
    value plus bias, and the mean place. Mean of value *plus* bias is what the authors' code computes, and what their
    published figures stand on; the paper writes the mean of the values.

    References
    ----------
    Tan, Dempster, Bergmeir, Webb 2022, MultiRocket: multiple pooling operators and transformations for fast and
    effective time series classification, Data Mining and Knowledge Discovery.
    """

    n_views = 2
    n_poolings = 4

    def __init__(
        self, n_features: int = 50_000, *, input_shape: tuple[int, ...] | None = None, random_state: Any = None
    ) -> None:
        super().__init__(n_features, input_shape=input_shape, random_state=random_state)

    def _views(self, series: Tensor) -> list[Tensor]:
        series = pad_series(series, KERNEL_LENGTH + 1)  # so that its differences hold a kernel
        return [series, series.diff()]

    def _pool(self, steps: Floats, levels: Floats) -> np.ndarray:
        return np.stack(pool_steps(steps, levels))


def pool_steps(steps: Floats, levels: Floats) -> tuple[np.ndarray, ...]:
    """Pool the steps at which values exceed a level.

    Parameters
    ----------
    steps : ndarray of shape (n_steps, n_columns)
    levels : ndarray of shape (n_levels, n_columns)

    Returns
    -------
    share, longest, mean, place : ndarray of shape (n_levels, n_columns)
        Share of steps above the level; longest stretch without a step below it; mean of value plus level above it, 0
        if there is none; mean place of the steps above it, -1 if there is none.
    """
    count, places, excess, longest, stretch, above = (np.zeros_like(levels) for _ in range(6))
    is_above = np.empty(levels.shape, dtype=bool)
    for place, values in enumerate(steps):
        np.maximum(longest, stretch, out=longest)
        np.greater_equal(values, levels, out=is_above)
        stretch *= is_above
        stretch += 1
        np.greater(values, levels, out=is_above)
        np.copyto(above, is_above)
        count += above
        above *= place
        places += above
        np.subtract(values, levels, out=above)
        np.maximum(above, 0, out=above)
        excess += above
    some = np.maximum(count, 1)
    mean = (excess + 2 * levels * count) / some
    return count / len(steps), longest, mean, np.where(count > 0, places / some, -1)
