"""Pretrained tabular models on checkpoints with random weights: everything but the weights is real."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from pretrained import needs, write_tabular_weights
from sklearn.base import clone

from bakeoff.errors import UserError
from bakeoff.estimators import make
from bakeoff.estimators.models.registry import get_spec

N_ROWS = 40
MODELS = ("tabicl", "tabpfn")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the checkpoints once."""
    folder = tmp_path_factory.mktemp("weights")
    write_tabular_weights(folder)
    return folder


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, one_thread: None) -> None:
    """Keep every cache empty and let a download fail loudly."""
    monkeypatch.delenv("BAKEOFF_WEIGHTS", raising=False)
    monkeypatch.setenv("TABPFN_MODEL_CACHE_DIR", str(tmp_path / "tabpfn"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("bakeoff.estimators.wrappers.tabicl.hub_cache", lambda *names: [])


def table() -> pd.DataFrame:
    """Build rows with gaps and categories."""
    random = np.random.default_rng(0)
    size = random.normal(size=N_ROWS)
    size[::7] = np.nan
    return pd.DataFrame({"size": size, "colour": np.resize(["red", "blue", "green"], N_ROWS), "age": range(N_ROWS)})


def pipeline(name: str, weights: Path, task: Any = "multiclass", **params: Any) -> Any:
    """Make a model that reads its weights from a folder, with few views of the table."""
    needs(name)
    return make(name, task=task, weights=str(weights), n_estimators=2, **params)


@pytest.mark.parametrize("name", MODELS)
def test_it_answers_from_the_training_rows(name: str, weights: Path) -> None:
    """Another context gives other probabilities for the same rows: the training rows are read, the weights are used."""
    X, y = table(), np.resize(np.array(["a", "b", "c"], dtype=object), N_ROWS)
    fitted = pipeline(name, weights).fit(X[:30], y[:30])
    found = fitted.predict_proba(X[30:])
    assert found.shape == (10, 3)
    assert found.dtype == float
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert np.ptp(found, axis=0).max() > 0
    other = pipeline(name, weights).fit(X[:30], np.where(X["age"][:30] < 15, "a", "b"))
    assert list(other.classes_) == ["a", "b"]
    assert not np.allclose(found[:, :2], other.predict_proba(X[30:]))
    assert set(fitted.predict(X[30:])) <= {"a", "b", "c"}


@pytest.mark.parametrize("name", MODELS)
def test_numbers_keep_their_scale(name: str, weights: Path) -> None:
    """A regression answers on the scale of its target, in float64; a shifted target shifts the answers."""
    X = table()
    y = 1000.0 + X["age"].to_numpy()
    found = pipeline(name, weights, "regression").fit(X, y).predict(X)
    assert found.dtype == float
    assert found.shape == (N_ROWS,)
    assert np.abs(found - y.mean()).max() < 10 * y.std()
    shifted = pipeline(name, weights, "regression").fit(X, y + 500).predict(X)
    np.testing.assert_allclose(shifted, found + 500, rtol=1e-3)


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_gives_the_same_bits(name: str, weights: Path) -> None:
    """A clone, and a pickle of a fitted model, answer alike to the last bit; another seed orders columns otherwise."""
    X, y = table(), np.resize([0, 1], N_ROWS)
    first = pipeline(name, weights).fit(X, y)
    expected = first.predict_proba(X)
    np.testing.assert_array_equal(clone(first).fit(X, y).predict_proba(X), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(first)).predict_proba(X), expected)
    assert (pipeline(name, weights, random_state=7).fit(X, y).predict_proba(X) != expected).any()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_nothing_is_downloaded(name: str, task: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without weights `fit` says in one line what to do, and leaves nothing behind."""
    import socket

    def refuse(*args: Any, **options: Any) -> None:
        pytest.fail("the network was used")

    needs(name)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(UserError, match=f"{name} has no weights: no {name}-.*, and nothing is downloaded") as caught:
        make(name, task=task).fit(table(), np.resize([0.0, 1.0], N_ROWS))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", MODELS)
def test_weights_are_found_by_the_environment(name: str, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of BAKEOFF_WEIGHTS holds the checkpoints of all tasks under their published names."""
    needs(name)
    monkeypatch.setenv("BAKEOFF_WEIGHTS", str(weights))
    X, y = table(), np.resize([0, 1], N_ROWS)
    expected = pipeline(name, weights).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(make(name, task="binary", n_estimators=2).fit(X, y).predict_proba(X), expected)
    find = get_spec(name).find_weights
    assert find is not None
    assert {find(task, None).parent for task in get_spec(name).tasks} == {weights}


@pytest.mark.parametrize("name", MODELS)
def test_resources_come_from_the_context(name: str) -> None:
    """Seed and device reach the model, and TabICL's threads."""
    needs(name)
    model = make(name, task="binary", random_state=5, device="cuda", threads=3)[-1]
    assert (model.device, model.random_state) == ("cuda", 5)
    assert getattr(model, "n_jobs", 3) == 3


def test_more_classes_than_the_net_s_head(weights: Path) -> None:
    """TabICL divides more classes than its head has."""
    X = table()
    found = pipeline("tabicl", weights).fit(X, np.resize(np.arange(12), N_ROWS)).predict_proba(X)
    assert found.shape == (N_ROWS, 12)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_threads_are_left_as_they_were(weights: Path) -> None:
    """Asking TabICL with a number of threads changes nothing for whoever comes next."""
    X, y = table(), np.resize([0, 1], N_ROWS)
    before = torch.get_num_threads()
    pipeline("tabicl", weights, threads=2).fit(X, y).predict(X)
    assert torch.get_num_threads() == before
