"""MiniRocket (Dempster, Schmidt and Webb 2021): dilated convolutions of a series, and how often each is high.

With a ridge classifier behind it, it is among the most accurate ways to classify series, in seconds.
"""

from itertools import combinations
from typing import Any, NamedTuple, Self

import numpy as np
import torch
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
VALUES_AT_ONCE = 2**24


class Bank(NamedTuple):
    """All kernels at one dilation.

    Parameters
    ----------
    dilation : int
    weights : Tensor of shape (84, channels, 9)
        Zero for the channels that a kernel does not look at.
    biases : Tensor of shape (84, features)
        What the convolution of a kernel is compared with.
    """

    dilation: int
    weights: Tensor
    biases: Tensor


class MiniRocket(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Share of steps at which each of 84 dilated kernels exceeds each of its biases.

    Parameters
    ----------
    n_features : int, default=10_000
        About how many features; a multiple of 84 is made.
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
        self.n_features = n_features
        self.input_shape = input_shape
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Choose dilations and biases by the rows of `X`, shape (n_rows, channels * length)."""
        del y
        X = validate_data(self, X, dtype="float32")
        if self.n_features < len(KERNELS):
            raise ValueError(f"n_features must be at least {len(KERNELS)}, one for each kernel. Got {self.n_features}.")
        self.shape_ = resolve_input_shape(self.input_shape, X.shape[1])
        rng = check_random_state(self.random_state)
        series = self._fold(X)
        counts = spread_features(series.shape[-1], self.n_features // len(KERNELS))
        quantiles = iter(np.arange(1, len(KERNELS) * sum(counts.values()) + 1) * GOLDEN_RATIO % 1)
        self.banks_ = [
            _build_bank(series, dilation, [next(quantiles) for _ in range(len(KERNELS) * count)], rng)
            for dilation, count in counts.items()
        ]
        return self

    @torch.inference_mode()
    def transform(self, X: Any) -> np.ndarray:
        """Return the features, shape (n_rows, 84 * features of each kernel), each from 0 to 1, in float32."""
        check_is_fitted(self)
        series = self._fold(validate_data(self, X, dtype="float32", reset=False))
        step = max(VALUES_AT_ONCE // (len(KERNELS) * series.shape[-1]), 1)
        parts = [self._describe(series[start : start + step]) for start in range(0, len(series), step)]
        features: np.ndarray = torch.cat(parts).numpy()
        return features

    def _describe(self, series: Tensor) -> Tensor:
        return torch.cat([_proportions(series, bank, parity) for parity, bank in enumerate(self.banks_)], dim=1)

    def _fold(self, X: np.ndarray) -> Tensor:
        """Return series (n_rows, channels, length), filled up with zeros to the length of a kernel."""
        series = torch.tensor(X).view(len(X), -1, self.shape_[-1])
        return pad(series, (0, max(KERNEL_LENGTH - series.shape[-1], 0)))


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
def _build_bank(series: Tensor, dilation: int, quantiles: list[float], rng: np.random.RandomState) -> Bank:
    """Draw the channels of each kernel, and its biases from the convolution of a training series."""
    n_channels = series.shape[1]
    weights = torch.zeros(len(KERNELS), n_channels, KERNEL_LENGTH)
    for kernel, places in enumerate(KERNELS):
        most = min(n_channels, MAX_CHANNELS)
        channels = rng.choice(n_channels, int(2 ** rng.uniform(0, np.log2(most + 1))), replace=False)
        weights[kernel, channels] = -1.0
        for channel in channels:
            weights[kernel, channel, list(places)] = 2.0
    levels = np.array(quantiles, dtype="float32").reshape(len(KERNELS), -1)
    biases = torch.empty(len(KERNELS), levels.shape[1])
    for kernel in range(len(KERNELS)):
        chosen = series[[rng.randint(len(series))]]
        convolved = _convolve(chosen, weights[[kernel]], dilation).flatten()
        biases[kernel] = torch.quantile(convolved, torch.from_numpy(levels[kernel]))
    return Bank(dilation, weights, biases)


def _convolve(series: Tensor, weights: Tensor, dilation: int) -> Tensor:
    return conv1d(series, weights, dilation=dilation, padding=dilation * (KERNEL_LENGTH - 1) // 2)


def _proportions(series: Tensor, bank: Bank, parity: int) -> Tensor:
    """Return the proportions of steps above each bias, (n_rows, 84 * features)."""
    convolved = _convolve(series, bank.weights, bank.dilation)
    margin = bank.dilation * (KERNEL_LENGTH - 1) // 2
    inner = convolved[..., margin : convolved.shape[-1] - margin]
    proportions = series.new_empty(len(series), *bank.biases.shape)
    for whole, part in ((True, convolved), (False, inner)):
        chosen = [kernel for kernel in range(len(KERNELS)) if ((kernel + parity) % 2 == 0) == whole]
        for feature in range(bank.biases.shape[1]):
            above = part[:, chosen] > bank.biases[chosen, feature, None]
            proportions[:, chosen, feature] = above.float().mean(-1)
    return proportions.flatten(1)
