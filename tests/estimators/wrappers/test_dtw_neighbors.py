"""Neighbours under dynamic time warping: the distance by definition, an exact search, scikit-learn's contract."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from bakeoff.estimators.wrappers import dtw_neighbors
from bakeoff.estimators.wrappers.dtw_neighbors import DtwNeighborsClassifier, DtwNeighborsRegressor, dtw_distances


def walks(n_rows: int, length: int, *, seed: int = 0) -> np.ndarray:
    """Draw random walks."""
    return np.random.default_rng(seed).normal(size=(n_rows, length)).cumsum(axis=1).astype("float32")


def distance_by_definition(first: np.ndarray, second: np.ndarray, radius: int) -> float:
    """Fill the matrix of costs cell by cell: each adds the least of its three neighbours before it."""
    length = first.shape[1]
    costs = np.full((length + 1, length + 1), np.inf)
    costs[0, 0] = 0
    for i in range(length):
        for j in range(max(i - radius, 0), min(i + radius + 1, length)):
            here = ((first[:, i] - second[:, j]) ** 2).sum()
            costs[i + 1, j + 1] = here + min(costs[i, j], costs[i, j + 1], costs[i + 1, j])
    return float(costs[length, length])


@pytest.mark.parametrize(("channels", "length", "radius"), [(1, 1, 0), (1, 2, 1), (2, 9, 0), (2, 9, 3), (1, 12, 11)])
def test_distance_is_that_of_the_definition(channels: int, length: int, radius: int) -> None:
    """Anti-diagonals of many pairs give what the matrix of each pair gives; channels are warped together."""
    first, second = (walks(6, channels * length, seed=seed).reshape(6, channels, length) for seed in (0, 1))
    expected = [distance_by_definition(*pair, radius) for pair in zip(first, second, strict=True)]
    np.testing.assert_allclose(dtw_distances(first, second, radius), expected, rtol=1e-4)


@pytest.mark.parametrize("window", [0, 0.2, 1])
@pytest.mark.parametrize("n_neighbors", [1, 3, 99])
def test_search_is_exact(window: float, n_neighbors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lower bound spares distances, and never a neighbour; as many neighbours as there are rows at most."""
    monkeypatch.setattr(dtw_neighbors, "PAIRS_AT_ONCE", 20)
    X, y, other = walks(30, 24), np.arange(30.0), walks(10, 24, seed=1)
    model = DtwNeighborsRegressor(n_neighbors, window, input_shape=(2, 12)).fit(X, y)
    distances, indices = model.kneighbors(other)
    pairs = [
        [distance_by_definition(a, b, model.radius_) for b in X.reshape(30, 2, 12)] for a in other.reshape(-1, 2, 12)
    ]
    order = np.argsort(pairs, axis=1)[:, :n_neighbors]
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_allclose(distances, np.take_along_axis(np.array(pairs), order, axis=1), rtol=1e-4)
    np.testing.assert_allclose(model.predict(other), y[order].mean(axis=1))


def test_bound_spares_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one training series is much nearer than the others, few distances are computed."""
    X = walks(200, 50) + 100 * np.arange(200, dtype="float32")[:, None]
    computed = []

    def counted(first: np.ndarray, second: np.ndarray, radius: int) -> np.ndarray:
        computed.append(len(first))
        return dtw_distances(first, second, radius)

    monkeypatch.setattr(dtw_neighbors, "dtw_distances", counted)
    model = DtwNeighborsRegressor().fit(X, np.arange(200))
    np.testing.assert_array_equal(model.predict(X), np.arange(200))
    assert sum(computed) <= 200 * 5


def test_window_of_zero_is_euclidean() -> None:
    """Without warping the estimators answer as scikit-learn's, probabilities included."""
    X, other = walks(40, 20), walks(30, 20, seed=1)
    labels, numbers = np.array(["a", "b", "c"])[np.arange(40) % 3], np.arange(40) ** 0.5
    ours = DtwNeighborsClassifier(4, 0).fit(X, labels)
    theirs = KNeighborsClassifier(4).fit(X, labels)
    np.testing.assert_array_equal(ours.predict(other), theirs.predict(other))
    np.testing.assert_allclose(ours.predict_proba(other), theirs.predict_proba(other))
    regressors = (DtwNeighborsRegressor(4, 0), KNeighborsRegressor(4))
    ours, theirs = (model.fit(X, numbers).predict(other) for model in regressors)
    np.testing.assert_allclose(ours, theirs)


def test_warping_finds_moved_shapes() -> None:
    """A bump that comes later is near under warping, and far without."""
    steps = np.arange(60)
    bump = np.exp(-(((steps - np.array([[20], [26]])) / 3) ** 2))
    X = np.concatenate([bump[:1], np.zeros((1, 60))])
    assert DtwNeighborsClassifier().fit(X, ["bump", "none"]).predict(bump[1:]) == ["bump"]
    assert DtwNeighborsClassifier(window=0).fit(X, ["bump", "none"]).predict(bump[1:]) == ["none"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"n_neighbors": 0}, "n_neighbors must be an int of at least 1. Got 0"),
        ({"window": 1.5}, "window must be a share of the length from 0 to 1. Got 1.5"),
        ({"input_shape": (2, 7)}, "holds 14, but X has 20 features"),
    ],
)
def test_wrong_settings_are_refused(options: dict[str, Any], problem: str) -> None:
    """Settings that can't be are refused in `fit`."""
    with pytest.raises(ValueError, match=problem):
        DtwNeighborsClassifier(**options).fit(walks(4, 20), [0, 1, 0, 1])


@parametrize_with_checks([DtwNeighborsClassifier(), DtwNeighborsRegressor()], xfail_strict=True)
def test_scikit_learn_contract(estimator: Any, check: Callable[[Any], None]) -> None:
    """The check passes."""
    check(estimator)
