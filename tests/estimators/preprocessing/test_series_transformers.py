"""QUANT, MultiRocket and Hydra: what they compute by hand, and sturdiness against short, constant and gappy series."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone

from bakeoff.estimators import make
from bakeoff.estimators.preprocessing.hydra import Hydra, SparseScaler
from bakeoff.estimators.preprocessing.mini_rocket import KERNELS, MiniRocket, Rocket
from bakeoff.estimators.preprocessing.multirocket import MultiRocket, pool_steps
from bakeoff.estimators.preprocessing.quant import Quant, half_shifted_intervals

pytestmark = pytest.mark.usefixtures("one_thread")
GAP = np.nan
N_FEATURES = "prepare__featureunion__multirocket__multirocket__n_features"
SERIES_MODELS = ("multirocket_hydra", "quant", "knn_dtw")


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Draw values in float32."""
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def pool_by_hand(values: np.ndarray, level: float) -> list[float]:
    """Pool one convolution as the authors' loop does: share, longest stretch, mean of value plus level, mean place."""
    above = [place for place, value in enumerate(values) if value > level]
    below = [0, *(place for place, value in enumerate(values) if value < level), len(values) - 1]
    longest = max(end - begin for begin, end in pairwise(below))
    mean = np.mean([values[place] + level for place in above]) if above else 0
    return [len(above) / len(values), longest, mean, np.mean(above) if above else -1]


def test_poolings_by_hand() -> None:
    """Share, longest stretch, mean and place of the steps above a level, also where values are equal to it."""
    steps = noise(30, 40).round(1)
    levels = noise(3, 40, seed=1).round(1)
    steps[:, 0], levels[0, :3] = levels[0, 0], (steps[5, 0], 99, -99)
    found = np.stack(pool_steps(steps, levels))
    expected = [[pool_by_hand(steps[:, column], levels[row, column]) for column in range(40)] for row in range(3)]
    np.testing.assert_allclose(found, np.moveaxis(expected, 2, 0), rtol=1e-5, atol=1e-5)


def test_multirocket_reads_series_and_differences() -> None:
    """Features of both views are those of their kernels: shares first, as in MiniRocket; others after them."""
    X = noise(5, 40)
    rocket = MultiRocket(84 * 8 * 3, random_state=0).fit(X)
    found = rocket.transform(X)
    assert found.shape == (5, 84 * 8 * 3)
    assert {bank.view for bank in rocket.banks_} == {0, 1}
    first = rocket.banks_[0]
    n_levels = first.biases.shape[1]
    values = np.convolve(X[2], kernel(0, first.dilation)[::-1], mode="same")
    shares, longest, means, places = found[2, : 4 * n_levels].reshape(4, n_levels)
    expected = [pool_by_hand(values, level) for level in first.biases[0].tolist()]
    np.testing.assert_allclose(np.stack([shares, longest, means, places], axis=1), expected, rtol=1e-4)


def kernel(place: int, dilation: int) -> np.ndarray:
    """Return a dilated kernel with zeros between its weights."""
    weights = -np.ones(9)
    weights[list(KERNELS[place])] = 2
    spread = np.zeros(8 * dilation + 1)
    spread[::dilation] = weights
    return spread


@pytest.mark.parametrize("rocket", [MiniRocket(2000, random_state=0), MultiRocket(2000, random_state=0)], ids=repr)
def test_rows_are_transformed_one_by_one(rocket: Rocket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features do not depend on the other rows, nor on how many are computed at once."""
    X = noise(20, 3 * 30)
    rocket = clone(rocket).set_params(input_shape=(3, 30)).fit(X)
    whole = rocket.transform(X)
    np.testing.assert_allclose(rocket.transform(X[[7]])[0], whole[7], atol=1e-5)
    monkeypatch.setattr("bakeoff.estimators.preprocessing.mini_rocket.VALUES_OF_A_STEP", 50)
    monkeypatch.setattr("bakeoff.estimators.preprocessing.mini_rocket.VALUES_AT_ONCE", 84 * 30 * 6)
    np.testing.assert_allclose(rocket.transform(X), whole, atol=1e-5)


def test_hydra_by_hand() -> None:
    """In a group the best kernel of a step counts with its value, the least with 1; half of them read differences."""
    X = noise(4, 33)
    hydra = Hydra(3, 4, random_state=0).fit(X)
    assert [(groups.view, groups.dilation) for groups in hydra.groups_] == [
        (0, 1),
        (1, 1),
        (0, 2),
        (1, 2),
        (0, 4),
        (1, 4),
    ]
    found = hydra.transform(X).reshape(4, 6, 2, 2, 3)
    groups = hydra.groups_[3]
    values = []
    for weights in groups.weights[:3, 0].numpy():
        spread = np.zeros(17)
        spread[::2] = weights
        values.append(np.convolve(np.pad(np.diff(X[1]), 8), spread[::-1], mode="valid"))
    matches = np.array(values)
    best, least = matches.argmax(axis=0), matches.argmin(axis=0)
    expected = [[matches[k, best == k].sum() for k in range(3)], [(least == k).sum() for k in range(3)]]
    np.testing.assert_allclose(found[1, 3, :, 0], expected, rtol=1e-4)
    assert (found[:, :, 1].sum(axis=-1) == [[[33], [32]] * 3] * 4).all()


def test_hydra_kernels() -> None:
    """Kernels have mean 0 and absolute sum 1; a group of several channels reads the sum of half of them."""
    one = Hydra(random_state=0).fit(noise(2, 50)).groups_[0]
    assert one.weights.shape == (256, 1, 9)
    np.testing.assert_allclose(one.weights.sum(-1), 0, atol=1e-6)
    np.testing.assert_allclose(one.weights.abs().sum(-1), 1, rtol=1e-5)
    shape = (6, 20)
    hydra = Hydra(2, 2, input_shape=shape, random_state=0).fit(noise(3, 120))
    assert hydra.groups_[0].channels.shape == (1, 3)
    X = noise(3, *shape)
    summed = X[:, hydra.groups_[0].channels[0].numpy()].sum(axis=1)
    alone = Hydra(2, 2, random_state=0).fit(summed)
    alone.groups_ = [groups._replace(channels=torch.zeros(1, 1, dtype=int)) for groups in hydra.groups_[:1]]
    np.testing.assert_allclose(alone.transform(summed), hydra.transform(X.reshape(3, -1))[:, :4], atol=1e-5)


def test_sparse_scaler() -> None:
    """Square roots have mean 0 and deviation 1; zeros stay zero; what is mostly zero is shrunk; negatives are zero."""
    X = np.array([[4, 0, -1], [9, 0, -2], [16, 1, -3], [25, 0, -4]], dtype="float32")
    found = SparseScaler().fit_transform(X)
    np.testing.assert_allclose(found[:, 0], (np.arange(2, 6) - 3.5) / np.std(np.arange(2, 6), ddof=1), rtol=1e-5)
    np.testing.assert_allclose(found[:, 1], [0, 0, 0.75 / (0.5 + 0.75**4), 0], rtol=1e-5)
    assert (found[:, 2] == 0).all()
    assert np.isfinite(SparseScaler().fit_transform(X[:1])).all()


def test_intervals_of_quant() -> None:
    """The whole, halves, quarters; each level is followed by itself moved by half of an interval, while that holds."""
    assert half_shifted_intervals(8, 3) == [(0, 8), (0, 4), (4, 8), (2, 6), *twos(0, 8), *twos(1, 7)]
    assert half_shifted_intervals(8, 6)[-8:] == [(step, step + 1) for step in range(8)]
    assert half_shifted_intervals(1, 6) == [(0, 1)]
    intervals = {length: half_shifted_intervals(length, 6) for length in range(1, 300)}
    assert all(0 <= begin < end <= length for length, own in intervals.items() for begin, end in own)


def twos(start: int, stop: int) -> list[tuple[int, int]]:
    """List the pairs of steps from one step to another."""
    return [(step, step + 2) for step in range(start, stop, 2)]


def test_quant_by_hand() -> None:
    """One quantile for four steps, every second one less the mean, of series, differences and spectrum."""
    X = noise(3, 9)
    found = Quant(depth=1).fit_transform(X)
    difference = np.pad(np.diff(X), ((0, 0), (2, 2)), mode="edge")
    smooth = np.stack([difference[:, step : step + 5].mean(axis=1) for step in range(8)], axis=1)
    views = (X, smooth, np.diff(X, n=2), np.abs(np.fft.rfft(X)))
    expected = []
    for view in views:
        quantiles = np.quantile(view, np.linspace(0, 1, 1 + (view.shape[1] - 1) // 4), axis=1).T
        quantiles[:, 1::2] -= view.mean(axis=1, keepdims=True)
        expected.append(quantiles)
    np.testing.assert_allclose(found, np.hstack(expected), atol=1e-5)
    two = Quant(input_shape=(2, 9)).fit_transform(noise(3, 18)).reshape(3, 2, -1)
    np.testing.assert_allclose(two[:, 1], Quant().fit_transform(noise(3, 18)[:, 9:]), atol=1e-5)


def test_quant_fills_gaps_with_the_mean_of_the_series() -> None:
    """Missing steps become the mean of their channel, a channel of gaps 0."""
    X = np.array([[1, GAP, 3, 8, GAP, GAP], [GAP, GAP, GAP, 2, 2, 2]], dtype="float32")
    filled = np.array([[1, 2, 3, 8, 8, 8], [0, 0, 0, 2, 2, 2]])
    two = {"input_shape": (2, 3)}
    np.testing.assert_array_equal(Quant(**two).fit_transform(X), Quant(**two).fit_transform(filled))


@pytest.mark.parametrize(
    ("transform", "problem"),
    [
        (MultiRocket(600), "n_features must be at least 672"),
        (MultiRocket(input_shape=(2, 7)), "holds 14, but X has 40 features"),
        (Hydra(n_groups=3), "n_groups must be even"),
        (Hydra(input_shape=(2, 7)), "holds 14, but X has 40 features"),
        (Quant(depth=0), "depth must be at least 1. Got 0"),
        (Quant(divisor=0), "divisor must be at least 1"),
        (Quant(input_shape=(2, 7)), "holds 14, but X has 40 features"),
    ],
)
def test_wrong_settings_are_refused(transform: Any, problem: str) -> None:
    """Too few features, odd groups and a wrong shape are refused in `fit`."""
    with pytest.raises(ValueError, match=problem):
        transform.fit(noise(4, 40))


@pytest.mark.parametrize("length", [1, 2, 3, 8, 9, 10, 17])
@pytest.mark.parametrize("transform", [MultiRocket(700), Hydra(n_groups=4), Quant()], ids=repr)
def test_short_and_constant_series(transform: Any, length: int) -> None:
    """Series shorter than a kernel and constant series have finite features, always as many."""
    X = np.concatenate([noise(3, 2 * length), np.full((2, 2 * length), 7), np.zeros((1, 2 * length))])
    fitted = clone(transform).set_params(input_shape=(2, length)).fit(X)
    found = fitted.transform(X)
    assert np.isfinite(found).all()
    assert found.dtype == np.float32
    assert fitted.transform(X[-1:]).shape == (1, found.shape[1])


@pytest.mark.parametrize("name", SERIES_MODELS)
@pytest.mark.parametrize("task", ["multiclass", "regression"])
@pytest.mark.parametrize("case", ["short", "constant", "unequal lengths", "gaps"])
def test_models_take_hard_series(name: str, task: Any, case: str) -> None:
    """Eight steps, constants, ends that are missing, and gaps pass the registry's pipeline with finite answers."""
    X = noise(12, 2 * 8 if case == "short" else 2 * 30)
    series = X.reshape(12, 2, -1)
    if case == "constant":
        series[:6], series[6:, 1] = 1, 0
    elif case == "unequal lengths":
        for row, length in zip(series, range(30, 6, -2), strict=True):
            row[:, length:] = GAP
    elif case == "gaps":
        series[:, :, 4:7], series[3] = GAP, GAP
    y = np.arange(12.0) if task == "regression" else np.resize(["a", "b", "c"], 12)
    options = {"n_estimators": 5} if name == "quant" else {}
    model = make(name, task=task, kind="series", input_shape=series.shape[1:], **options).fit(X, y)
    predicted = model.predict(X)
    assert np.isfinite(predicted).all() if task == "regression" else set(predicted) <= set("abc")


@pytest.mark.parametrize("name", SERIES_MODELS)
def test_models_tell_waves_apart(name: str) -> None:
    """Each learns which of two shapes a noisy series has, whenever it begins, and answers the same after a refit."""
    y = np.arange(40) % 2
    steps = np.arange(48) - np.random.default_rng(0).integers(5, 15, (40, 1))
    rise = np.clip(steps / 25, 0, 1)
    X = (np.where(y[:, None], rise, rise * (steps % 9 < 6)) + 0.1 * noise(40, 48)).astype("float32")
    model = make(name, task="binary", kind="series", input_shape=(1, 48))
    quick = {"quant": {"model__n_estimators": 20}, "multirocket_hydra": {N_FEATURES: 2000}}
    model.set_params(**quick.get(name, {})).fit(X[:20], y[:20])
    assert model.score(X[20:], y[20:]) >= 0.9
    answers = "decision_function" if name == "multirocket_hydra" else "predict_proba"
    again = clone(model).fit(X[:20], y[:20])
    np.testing.assert_array_equal(getattr(again, answers)(X), getattr(model, answers)(X))
