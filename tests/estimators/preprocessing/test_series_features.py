"""What stands before models of series and images: intervals, random convolutions, components, gaps at the end."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import make_pipeline

from bakeoff.estimators.preprocessing.mini_rocket import KERNEL_LENGTH, KERNELS, MiniRocket, spread_features
from bakeoff.estimators.preprocessing.scaling import Components, GlobalScaler
from bakeoff.estimators.preprocessing.series_features import IntervalFeatures, dyadic_intervals
from bakeoff.estimators.preprocessing.series_gaps import FilledSteps, StretchedSteps

pytestmark = pytest.mark.usefixtures("one_thread")
GAP = np.nan


def waves(n_rows: int, length: int, *, channels: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Make noisy waves of two frequencies, at any phase, in every channel."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_rows) % 2
    steps = np.arange(length)
    phase = rng.uniform(0, 2 * np.pi, (n_rows, channels, 1))
    X = np.sin(steps * (0.3 + 0.15 * y[:, None, None]) + phase) + rng.normal(0, 0.5, (n_rows, channels, length))
    return X.reshape(n_rows, -1).astype("float32"), y


def test_intervals_by_hand() -> None:
    """Mean, spread and slope of the whole and its halves, gaps left out; an interval of gaps is 0."""
    assert dyadic_intervals(12) == [(0, 12), (0, 6), (6, 12), (0, 3), (3, 6), (6, 9), (9, 12)]
    assert dyadic_intervals(5) == [(0, 5)]
    X = np.array([[0, 2, 4, 1, 1, 1], [5, GAP, 1, GAP, GAP, GAP]], dtype=float)
    found = IntervalFeatures().fit_transform(X).reshape(2, 3, 3)
    np.testing.assert_allclose(found[0, 1], [2, np.std([0, 2, 4]), 2])
    np.testing.assert_allclose(found[0, 2], [1, 0, 0])
    np.testing.assert_allclose(found[1, 1], [3, 2, -2])
    np.testing.assert_allclose(found[1, 2], [0, 0, 0])
    slope = np.polyfit(np.arange(6), X[0], 1)[0]
    np.testing.assert_allclose(found[0, 0], [1.5, X[0].std(), slope])


def test_intervals_of_channels() -> None:
    """Each channel has its features, and a shape that does not hold the rows is refused."""
    X, _ = waves(4, 12, channels=2)
    both = IntervalFeatures((2, 12)).fit_transform(X)
    one = IntervalFeatures().fit_transform(X[:, 12:])
    np.testing.assert_allclose(both.reshape(4, 2, -1)[:, 1], one)
    with pytest.raises(ValueError, match="holds 26, but X has 24 features"):
        IntervalFeatures((2, 13)).fit(X)


@pytest.mark.parametrize("length", [1, 5, 8, 9, 24, 100, 1000])
def test_features_are_spread_over_dilations(length: int) -> None:
    """All features of a kernel are given away, small dilations first, and no dilated kernel is longer than a series."""
    counts = spread_features(max(length, KERNEL_LENGTH), 119)
    assert sum(counts.values()) == 119
    assert min(counts.values()) >= 1
    assert next(iter(counts)) == 1
    assert max(counts) * (KERNEL_LENGTH - 1) < max(length, KERNEL_LENGTH)


def test_minirocket_by_hand() -> None:
    """The first feature is the share of steps at which the first kernel's convolution exceeds its bias."""
    X, _ = waves(6, 40)
    transform = MiniRocket(168, random_state=0).fit(X)
    found = transform.transform(X)
    assert found.shape == (6, 168)
    assert found.min() >= 0
    assert found.max() <= 1
    bank = transform.banks_[0]
    weights = -np.ones(KERNEL_LENGTH)
    weights[list(KERNELS[0])] = 2
    padded = np.pad(X[3], bank.dilation * 4)
    values = [(padded[i : i + 8 * bank.dilation + 1 : bank.dilation] * weights).sum() for i in range(40)]
    assert found[3, 0] == pytest.approx(np.mean(np.array(values) > bank.biases[0, 0].item()))
    inner = MiniRocket(168, random_state=0).fit(X).transform(X[[3]])
    np.testing.assert_array_equal(inner[0], found[3])


@pytest.mark.parametrize("channels", [1, 3])
def test_minirocket_tells_waves_apart(channels: int) -> None:
    """Frequencies in noise, at any phase, are told apart, where a linear model on the steps can't."""
    X, y = waves(80, 64, channels=channels)
    other, labels = waves(80, 64, channels=channels, seed=1)
    rocket = MiniRocket(2000, input_shape=(channels, 64), random_state=0)
    ridge = RidgeClassifierCV(np.logspace(-3, 3, 10))
    assert make_pipeline(rocket, ridge).fit(X, y).score(other, labels) > 0.9
    assert clone(ridge).fit(X, y).score(other, labels) < 0.8
    again = clone(rocket).fit(X)
    np.testing.assert_array_equal(rocket.transform(other), again.transform(other))


@pytest.mark.parametrize(
    ("options", "problem"),
    [({"n_features": 50}, "at least 84"), ({"input_shape": (2, 7)}, "holds 14, but X has 40 features")],
)
def test_minirocket_refuses(options: dict[str, Any], problem: str) -> None:
    """Too few features and a wrong shape are refused in `fit`."""
    with pytest.raises(ValueError, match=problem):
        MiniRocket(**options).fit(waves(4, 40)[0])


def test_gaps_at_the_end_stay() -> None:
    """Gaps inside a series are filled, steps missing at its end stay missing, a series of gaps keeps one step."""
    X = np.array([[1, GAP, 3, GAP], [GAP, GAP, GAP, GAP], [GAP, 2, 3, 4]])
    found = FilledSteps().fit_transform(X)
    np.testing.assert_array_equal(found, [[1, 0, 3, GAP], [0, GAP, GAP, GAP], [0, 2, 3, 4]])
    two = np.array([[1, GAP, GAP, 5, 6, GAP]])
    np.testing.assert_array_equal(FilledSteps((2, 3)).fit_transform(two), [[1, 0, GAP, 5, 6, GAP]])
    assert np.isnan(X).any()


def test_series_are_stretched() -> None:
    """Shorter series reach the whole length, gaps are bridged, channels end together, whole series are untouched."""
    X = np.array([[1, 3, GAP, GAP, GAP], [0, GAP, GAP, 6, 8], [GAP, 2, GAP, GAP, 5], [4, 4, 5, 4, 9], [GAP] * 5])
    found = StretchedSteps().fit_transform(X)
    expected = [[1, 1.5, 2, 2.5, 3], [0, 2, 4, 6, 8], [2, 2, 3, 4, 5], X[3], [0] * 5]
    np.testing.assert_allclose(found, expected)
    two = np.array([[1, 3, GAP, GAP, 0, GAP, 8, GAP]])
    thirds = [[1, 7 / 3, 3, 3, 0, 8 / 3, 16 / 3, 8]]
    np.testing.assert_allclose(StretchedSteps((2, 4)).fit_transform(two), thirds)
    assert StretchedSteps().fit_transform(X.astype("float32")).dtype == np.float32
    with pytest.raises(ValueError, match="holds 4, but X has 8"):
        StretchedSteps((2, 2)).fit(two)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_scale_of_all_values(dtype: str) -> None:
    """One mean and deviation for all values; bytes become float32 only in the result."""
    X = np.random.default_rng(0).integers(0, 256, (50, 30)).astype(dtype)
    found = GlobalScaler().fit_transform(X)
    assert found.dtype == ("float64" if dtype == "float64" else "float32")
    np.testing.assert_allclose(found, (X - X.mean(dtype=float)) / X.std(dtype=float), rtol=1e-4, atol=1e-5)


def test_components() -> None:
    """Images become at most 50 components that keep most of what there is."""
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(200, 60)) @ np.diag(0.9 ** np.arange(60))).astype("float32")
    for rows in (X, X[:20]):
        transform = Components().fit(rows)
        found = transform.transform(rows)
        assert found.shape == (len(rows), min(50, len(rows)))
        assert found.var(0).sum() > 0.99 * rows.var(0).sum()


def test_training_rows_alone_teach_convolutions() -> None:
    """Transforming other rows changes nothing that was learned."""
    X, _ = waves(10, 40)
    transform = MiniRocket(168, random_state=0).fit(X)
    before = [bank.biases.clone() for bank in transform.banks_]
    transform.transform(X * 100)
    assert all(torch.equal(old, bank.biases) for old, bank in zip(before, transform.banks_, strict=True))
