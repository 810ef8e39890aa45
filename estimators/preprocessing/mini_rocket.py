"""MiniRocket (Dempster, Schmidt and Webb 2021): dilated convolutions of a series, and how often each is high.

With a ridge classifier behind it, it is among the most accurate ways to classify series, in seconds. `Rocket` is what
it shares with MultiRocket: the kernels, their dilations and their biases.
"""

from abc import ABC, abstractmethod
from itertools import combinations
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor
from torch.nn.functional import conv1d, pad

from bakeoff.estimators.parameters import resolve_input_shape

KERNEL_LENGTH = 9  # of a kernel: six weights of -1 and three of 2, in all 84 orders
KERNELS = list(combinations(range(KERNEL_LENGTH), 3))
MAX_DILATIONS = 32
MAX_CHANNELS = 9  # that a kernel looks at
GOLDEN_RATIO = (5**0.5 + 1) / 2
VALUES_AT_ONCE = 2**22
VALUES_OF_A_STEP = 2**15
Floats = NDArray[np.float32]


class Bank(NamedTuple):
    """All kernels at one dilation.

    Parameters
    ----------
    view : int
        Which view of the series they read.
    parity : int
        0 or 1: whether the even kernels see the padded series, or the odd ones.
    dilation : int
    weights : Tensor of shape (84, channels, 9)
        Zero for the channels that a kernel does not look at.
    biases : Tensor of shape (84, features)
        What the convolution of a kernel is compared with.
    """

    view: int
    parity: int
    dilation: int
    weights: Tensor
    biases: Tensor


class Rocket(TransformerMixin, BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn is untyped
    """Features of 84 dilated kernels compared with their biases; a subclass says what it reads and how it pools.

    Parameters
    ----------
    n_features : int
        About how many features.
    input_shape : (channels, length), default=None
        How the columns of X fold back; one channel of n_features steps if left out.
    random_state : int, RandomState or None
        Which training series give the biases, and which channels a kernel looks at.
    """

    n_views = 1
    n_poolings = 1

    def __init__(
        self, n_features: int, *, input_shape: tuple[int, ...] | None = None, random_state: Any = None
    ) -> None:
        self.n_features = n_features
        self.input_shape = input_shape
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Choose dilations and biases by the rows of `X`, shape (n_rows, channels * length)."""
        del y
        X = validate_data(self, X, dtype="float32")
        least = len(KERNELS) * self.n_views * self.n_poolings
        if self.n_features < least:
            raise ValueError(f"n_features must be at least {least}, one for each kernel. Got {self.n_features}.")
        self.shape_ = resolve_input_shape(self.input_shape, X.shape[1])
        rng = check_random_state(self.random_state)
        views = self._views(self._fold(X))
        per_kernel = self.n_features // least
        self.banks_ = [bank for place, view in enumerate(views) for bank in _build_banks(view, place, per_kernel, rng)]
        return self

    @torch.inference_mode()
    def transform(self, X: Any) -> np.ndarray:
        """Return the features, shape (n_rows, 84 * features of each kernel), in float32."""
        check_is_fitted(self)
        series = self._fold(validate_data(self, X, dtype="float32", reset=False))
        ends = np.cumsum([bank.biases.numel() * self.n_poolings for bank in self.banks_])
        features = np.empty((len(series), ends[-1]), dtype="float32")
        step = max(VALUES_AT_ONCE // (len(KERNELS) * series.shape[-1]), 1)
        for start in range(0, len(series), step):
            views = self._views(series[start : start + step])
            parts = np.split(features[start : start + step], ends[:-1], axis=1)
            for bank, part in zip(self.banks_, parts, strict=True):
                self._describe(views[bank.view], bank, part.reshape(len(part), len(KERNELS), -1))
        return features

    def _fold(self, X: np.ndarray) -> Tensor:
        """Return series (n_rows, channels, length) that hold a kernel."""
        return pad_series(torch.tensor(X).view(len(X), -1, self.shape_[-1]), KERNEL_LENGTH)

    @abstractmethod
    def _views(self, series: Tensor) -> list[Tensor]:
        """Return what the kernels read, each (n_rows, channels, steps)."""

    @abstractmethod
    def _pool(self, steps: Floats, levels: Floats) -> np.ndarray:
        """Pool steps (n_steps, n_columns) by levels (n_levels, n_columns) into (n_poolings, n_levels, n_columns)."""

    def _describe(self, series: Tensor, bank: Bank, features: np.ndarray) -> None:
        """Write the features of one bank, (n_rows, 84, poolings * features)."""
        convolved = _convolve(series, bank.weights, bank.dilation)
        margin = bank.dilation * (KERNEL_LENGTH - 1) // 2
        inner = convolved[..., margin : convolved.shape[-1] - margin]
        for first, part in ((bank.parity, convolved), (1 - bank.parity, inner)):
            chosen = slice(first, None, 2)
            # Steps first: one step of many rows and kernels at a time, whatever is counted stays in the cache.
            steps = part[:, chosen].permute(2, 1, 0).flatten(1).numpy()
            levels = bank.biases[chosen].T.numpy().repeat(len(series), axis=1)
            pooled = self._pool_blocks(steps, levels)
            features[:, chosen] = pooled.reshape(-1, features[0, chosen].shape[0], len(series)).transpose(2, 1, 0)

    def _pool_blocks(self, steps: Floats, levels: Floats) -> np.ndarray:
        n_levels, n_columns = levels.shape
        pooled = np.empty((self.n_poolings, n_levels, n_columns), dtype="float32")
        for columns in _slices(n_columns, VALUES_OF_A_STEP):
            for some in _slices(n_levels, max(VALUES_OF_A_STEP // n_columns, 1)):
                pooled[:, some, columns] = self._pool(steps[:, columns], levels[some, columns])
        return pooled


class MiniRocket(Rocket):
    """Share of steps at which each of 84 dilated kernels exceeds each of its biases.

    Parameters
    ----------
    n_features : int, default=10_000
        About how many features; a multiple of 84 is made, each from 0 to 1.
    input_shape : (channels, length), default=None
        How the columns of X fold back; one channel of n_features steps if left out.
    random_state : int, RandomState or None
        Which training series give the biases, and which channels a kernel looks at.

    Notes
    -----
    Biases are quantiles of the convolution of one training series each, so that the transform depends on the training
    rows but not on their labels. Every other combination of kernel and dilation sees the series padded with zeros, the
    others only where the whole kernel fits, as in the paper.

    References
    ----------
    Dempster, Schmidt, Webb 2021, MiniRocket: a very fast (almost) deterministic transform for time series
    classification, KDD.
    """

    def __init__(
        self, n_features: int = 10_000, *, input_shape: tuple[int, ...] | None = None, random_state: Any = None
    ) -> None:
        super().__init__(n_features, input_shape=input_shape, random_state=random_state)

    def _views(self, series: Tensor) -> list[Tensor]:
        return [series]

    def _pool(self, steps: Floats, levels: Floats) -> np.ndarray:
        count = np.zeros(levels.shape, dtype="float32")
        is_above = np.empty(levels.shape, dtype=bool)
        for values in steps:
            np.greater(values, levels, out=is_above)
            count += is_above
        return count[None] / np.float32(len(steps))


def pad_series(series: Tensor, least: int) -> Tensor:
    """Return series (n_rows, channels, length), filled up with zeros to the least length."""
    return pad(series, (0, max(least - series.shape[-1], 0)))


def spread_features(length: int, per_kernel: int) -> dict[int, int]:
    """Return how many features of each kernel every dilation gets: fewer for larger ones, all of them in the end."""
    n_dilations = min(per_kernel, MAX_DILATIONS)
    largest = np.log2((length - 1) / (KERNEL_LENGTH - 1))
    spaced = np.logspace(0, largest, n_dilations, base=2).astype(int)
    dilations, times = np.unique(spaced, return_counts=True)
    counts = (times * (per_kernel / n_dilations)).astype(int)
    for place in range(per_kernel - counts.sum()):
        counts[place % len(counts)] += 1
    return dict(zip(dilations.tolist(), counts.tolist(), strict=True))


@torch.inference_mode()
def _build_banks(series: Tensor, view: int, per_kernel: int, rng: np.random.RandomState) -> list[Bank]:
    """Build the banks of all dilations, with quantiles that are spread evenly over kernels and dilations."""
    counts = spread_features(series.shape[-1], per_kernel)
    quantiles = np.arange(1, len(KERNELS) * per_kernel + 1) * GOLDEN_RATIO % 1
    levels = np.split(quantiles.astype("float32"), np.cumsum([len(KERNELS) * count for count in counts.values()])[:-1])
    banks = []
    for place, (dilation, own) in enumerate(zip(counts, levels, strict=True)):
        weights = _draw_weights(series.shape[1], rng)
        biases = _draw_biases(series, weights, dilation, torch.from_numpy(own.reshape(len(KERNELS), -1)), rng)
        banks.append(Bank(view, place % 2, dilation, weights, biases))
    return banks


def _draw_weights(n_channels: int, rng: np.random.RandomState) -> Tensor:
    """Return the kernels, each on channels drawn for it."""
    weights = torch.zeros(len(KERNELS), n_channels, KERNEL_LENGTH)
    for kernel, places in enumerate(KERNELS):
        most = min(n_channels, MAX_CHANNELS)
        channels = rng.choice(n_channels, int(2 ** rng.uniform(0, np.log2(most + 1))), replace=False)
        weights[kernel, channels] = -1.0
        for channel in channels:
            weights[kernel, channel, list(places)] = 2.0
    return weights


def _draw_biases(series: Tensor, weights: Tensor, dilation: int, levels: Tensor, rng: np.random.RandomState) -> Tensor:
    """Return quantiles of the convolution of one training series for each kernel."""
    biases = torch.empty_like(levels)
    for kernel in range(len(KERNELS)):
        chosen = series[[rng.randint(len(series))]]
        convolved = _convolve(chosen, weights[[kernel]], dilation).flatten()
        biases[kernel] = torch.quantile(convolved, levels[kernel])
    return biases


def _slices(size: int, step: int) -> list[slice]:
    return [slice(start, start + step) for start in range(0, size, step)]


def _convolve(series: Tensor, weights: Tensor, dilation: int) -> Tensor:
    return conv1d(series, weights, dilation=dilation, padding=dilation * (KERNEL_LENGTH - 1) // 2)
