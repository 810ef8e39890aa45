"""Hydra (Dempster, Schmidt and Webb 2023): kernels in groups compete at each step of a series; who wins is counted.

`SparseScaler` scales the counts as the authors do: many are zero, and zeros stay zero.
"""

from typing import Any, NamedTuple, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor
from torch.nn.functional import conv1d

from bakeoff.estimators.parameters import resolve_input_shape
from bakeoff.estimators.preprocessing.mini_rocket import KERNEL_LENGTH, pad_series

MOST_CHANNELS = 8  # that are summed for a group
VALUES_AT_ONCE = 2**22


class Groups(NamedTuple):
    """Groups of kernels of one dilation, for the series or for its differences.

    Parameters
    ----------
    view : int
        0 for the series, 1 for its differences.
    dilation : int
    channels : Tensor of shape (groups, channels)
        Which channels are summed for each group.
    weights : Tensor of shape (groups * kernels, 1, 9)
    """

    view: int
    dilation: int
    channels: Tensor
    weights: Tensor


class Hydra(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Counts of the kernels that match best, and least, at each step; half of the groups read differences.

    Parameters
    ----------
    n_kernels : int, default=8
        Kernels that compete in a group.
    n_groups : int, default=64
        Groups for each dilation, an even number.
    input_shape : (channels, length), default=None
        How the columns of X fold back; one channel of n_features steps if left out.
    random_state : int, RandomState or None
        Draws the kernels, and the channels of each group.

    Notes
    -----
    The best match counts with its value, the least with 1. With several channels a group reads the sum of half of them,
    2 to 8, as in the authors' experimental code for them.

    References
    ----------
    Dempster, Schmidt, Webb 2023, Hydra: competing convolutional kernels for fast and accurate time series
    classification, Data Mining and Knowledge Discovery.
    """

    def __init__(
        self,
        n_kernels: int = 8,
        n_groups: int = 64,
        *,
        input_shape: tuple[int, ...] | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_kernels = n_kernels
        self.n_groups = n_groups
        self.input_shape = input_shape
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Draw kernels for rows of the shape of `X`, (n_rows, channels * length)."""
        del y
        X = validate_data(self, X, dtype="float32")
        if self.n_groups < 2 or self.n_groups % 2:
            raise ValueError(f"n_groups must be even, half of them for differences. Got {self.n_groups}.")
        self.shape_ = resolve_input_shape(self.input_shape, X.shape[1])
        rng = check_random_state(self.random_state)
        n_channels, length = int(np.prod(self.shape_[:-1])), max(self.shape_[-1], KERNEL_LENGTH)
        n_dilations = int(np.log2((length - 1) / (KERNEL_LENGTH - 1))) + 1
        self.groups_ = [
            self._draw(view, 2**power, n_channels, rng) for power in range(n_dilations) for view in range(2)
        ]
        return self

    @torch.inference_mode()
    def transform(self, X: Any) -> np.ndarray:
        """Return the counts, shape (n_rows, dilations * 2 * n_groups * n_kernels), in float32."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype="float32", reset=False)
        series = pad_series(torch.tensor(X).view(len(X), -1, self.shape_[-1]), KERNEL_LENGTH)
        width = self.n_groups // 2 * self.n_kernels
        counts = np.empty((len(series), len(self.groups_) * 2 * width), dtype="float32")
        step = max(VALUES_AT_ONCE // (width * series.shape[-1]), 1)
        for start in range(0, len(series), step):
            part = series[start : start + step]
            views = (part, part.diff())
            counted = [self._count(views[groups.view], groups) for groups in self.groups_]
            counts[start : start + step] = torch.cat(counted, dim=1).numpy()
        return counts

    def _draw(self, view: int, dilation: int, n_channels: int, rng: np.random.RandomState) -> Groups:
        """Draw kernels of mean 0 whose absolute weights sum to 1."""
        n_groups = self.n_groups // 2
        weights = rng.standard_normal((n_groups * self.n_kernels, 1, KERNEL_LENGTH))
        weights -= weights.mean(axis=-1, keepdims=True)
        weights /= np.abs(weights).sum(axis=-1, keepdims=True)
        summed = min(max(n_channels // 2, 2), MOST_CHANNELS) if n_channels > 1 else 1
        channels = rng.randint(n_channels, size=(n_groups, summed))
        return Groups(view, dilation, torch.from_numpy(channels), torch.from_numpy(weights.astype("float32")))

    def _count(self, series: Tensor, groups: Groups) -> Tensor:
        """Return the counts of some groups, (n_rows, 2 * groups * kernels): of the best matches, of the least."""
        n_groups = len(groups.channels)
        padding = groups.dilation * (KERNEL_LENGTH - 1) // 2
        several = series.shape[1] > 1
        read = series[:, groups.channels].sum(2) if several else series
        matches = conv1d(
            read, groups.weights, dilation=groups.dilation, padding=padding, groups=n_groups if several else 1
        ).view(len(series), n_groups, self.n_kernels, -1)
        best, winners = matches.max(2)
        losers = matches.min(2).indices  # ten times as fast as argmin
        counts = series.new_zeros(2, len(series), n_groups, self.n_kernels)
        counts[0].scatter_add_(-1, winners, best)
        counts[1].scatter_add_(-1, losers, torch.ones_like(best))
        return counts.transpose(0, 1).flatten(1)


class SparseScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # as above
    """Scale square roots of counts to mean 0 and deviation 1; what is 0 stays 0.

    A feature that is mostly zero is shrunk: to its deviation the fourth power of its share of zeros is added, as in the
    authors' code.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn mean and deviation of each column of `X`, shape (n_rows, n_counts)."""
        del y
        roots = self._roots(X, reset=True)
        self.mean_ = roots.mean(axis=0)
        zeros = (roots == 0).mean(axis=0, dtype="float32")
        self.scale_ = roots.std(axis=0, ddof=min(1, len(roots) - 1)) + zeros**4 + np.float32(1e-8)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return scaled square roots, shape (n_rows, n_counts)."""
        check_is_fitted(self)
        roots = self._roots(X, reset=False)
        zeros = roots == 0
        roots -= self.mean_
        roots /= self.scale_
        roots[zeros] = 0
        return roots

    def _roots(self, X: Any, *, reset: bool) -> np.ndarray:
        roots: np.ndarray = np.sqrt(np.maximum(validate_data(self, X, dtype="float32", reset=reset), 0))
        return roots
