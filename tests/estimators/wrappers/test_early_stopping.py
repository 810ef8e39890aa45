"""Boosting that stops early on the rows that it is told, then fits all; its defaults are the published ones."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from runs import prepare_job
from scipy.sparse import csr_array
from sklearn.base import clone
from xgboost import XGBRegressor

from bakeoff.datasets import Task
from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators import XGBoostClassifier, make
from bakeoff.estimators.models.registry import get_spec
from bakeoff.estimators.wrappers.early_stopping import EarlyStoppedClassifier, EarlyStoppedRegressor
from bakeoff.evaluation.evaluate import evaluate
from bakeoff.fitting.fit import fit_rows

ROWS = 90
MODELS = ["xgboost_td", "lightgbm_td", "catboost_td"]
BOOSTER: dict[str, Any] = {"n_estimators": 200, "max_depth": 3, "learning_rate": 0.3, "n_jobs": 1}


def noisy_numbers() -> tuple[np.ndarray, np.ndarray]:
    """Make a regression on which many rounds fit noise."""
    random = np.random.default_rng(0)
    X = random.normal(size=(ROWS, 4))
    return X, X[:, 0] + random.normal(size=ROWS)


def noisy_labels() -> tuple[np.ndarray, np.ndarray]:
    """Make text labels of two classes that overlap."""
    X, y = noisy_numbers()
    return X, np.where(y > 0, "up", "down")


def regressor(**options: Any) -> EarlyStoppedRegressor:
    """Build a small early-stopped XGBoost."""
    return EarlyStoppedRegressor(XGBRegressor(**BOOSTER), library="xgboost", **options)


def classifier(**options: Any) -> EarlyStoppedClassifier:
    """Build a small early-stopped XGBoost of classes."""
    return EarlyStoppedClassifier(XGBoostClassifier(**BOOSTER), library="xgboost", **options)


def needs_library(name: str) -> None:
    """Skip the test where the library of a model is not installed."""
    library = get_spec(name).requires
    pytest.importorskip(library, reason=f"needs {library}")


def test_stops_on_the_given_rows_and_fits_all() -> None:
    """The rounds are those that XGBoost finds by itself on the same rows; the model is one of all rows."""
    X, y = noisy_numbers()
    watched = np.arange(0, ROWS, 4)
    training = np.setdiff1d(np.arange(ROWS), watched)
    own = XGBRegressor(**BOOSTER, early_stopping_rounds=20)
    own.fit(X[training], y[training], eval_set=[(X[watched], y[watched])], verbose=False)
    stopped = regressor(patience=20).fit(X, y, validation_rows=watched)
    assert 1 <= stopped.n_rounds_ < BOOSTER["n_estimators"]
    assert stopped.n_rounds_ == own.best_iteration + 1
    plain = XGBRegressor(**{**BOOSTER, "n_estimators": stopped.n_rounds_}).fit(X, y)
    np.testing.assert_array_equal(stopped.predict(X), plain.predict(X))
    mask = np.isin(np.arange(ROWS), watched)
    assert regressor(patience=20).fit(X, y, validation_rows=mask).n_rounds_ == stopped.n_rounds_


def test_all_rounds_without_early_stopping() -> None:
    """Told not to stop, it is the booster itself."""
    X, y = noisy_labels()
    whole = classifier(early_stopping=False).fit(X, y)
    assert whole.n_rounds_ == BOOSTER["n_estimators"]
    np.testing.assert_array_equal(whole.predict_proba(X), XGBoostClassifier(**BOOSTER).fit(X, y).predict_proba(X))


def test_draws_its_own_rows_by_the_seed() -> None:
    """Without rows to watch it draws some by its seed, and does not touch the booster that it was given."""
    X, y = noisy_labels()
    model = classifier(random_state=3, patience=5)
    first, second = clone(model).fit(X, y), clone(model).fit(X, y)
    assert first.n_rounds_ == second.n_rounds_ < BOOSTER["n_estimators"]
    assert len({clone(model).set_params(random_state=seed).fit(X, y).n_rounds_ for seed in range(8)}) > 1
    model.fit(X, y)
    assert model.booster.get_params()["n_estimators"] == BOOSTER["n_estimators"]
    assert model.booster.get_params()["early_stopping_rounds"] is None


def test_weights_count_in_both_fits() -> None:
    """Rows of weight 0 neither train nor are watched: their targets may be anything."""
    X, y = noisy_numbers()
    weights = np.where(np.arange(ROWS) % 3 == 0, 0.0, 1.0)
    wrong = np.where(weights > 0, y, 1e4)
    watched = np.arange(0, ROWS, 5)
    options: dict[str, Any] = {"sample_weight": weights, "validation_rows": watched}
    right, mixed = (regressor(patience=10).fit(X, target, **options) for target in (y, wrong))
    assert right.n_rounds_ == mixed.n_rounds_
    assert np.abs(right.predict(X) - mixed.predict(X)).max() < 1


@pytest.mark.parametrize("watched", [[0, 1, 2, 10], [0, 1, 2]])
def test_a_class_that_is_only_watched(watched: list[int]) -> None:
    """A class whose only rows are held out is not watched, and is known in the end; with none left, nothing stops."""
    X, y = noisy_labels()
    y = np.array([*["rare"] * 3, *y[3:]], dtype=object)
    model = classifier(patience=10).fit(X, y, validation_rows=watched)
    assert model.classes_.tolist() == ["down", "rare", "up"]
    assert model.predict_proba(X).shape == (ROWS, 3)
    assert (model.n_rounds_ < BOOSTER["n_estimators"]) == (10 in watched)


def test_one_class_to_train_on() -> None:
    """Where the rows that are not watched hold one class alone, nothing can be stopped on, and all rounds train."""
    X, y = noisy_labels()
    model = classifier().fit(X, y, validation_rows=y == "up")
    assert model.n_rounds_ == BOOSTER["n_estimators"]
    assert set(model.predict(X)) == {"up", "down"}


@pytest.mark.parametrize("as_given", [pd.DataFrame, csr_array, np.asarray])
def test_frames_and_sparse_rows(as_given: Callable[[Any], Any]) -> None:
    """Rows are taken from frames and sparse matrices as from arrays."""
    X, y = noisy_labels()
    found = classifier(patience=10).fit(as_given(X), y, validation_rows=range(20))
    assert found.n_rounds_ == classifier(patience=10).fit(X, y, validation_rows=range(20)).n_rounds_


def test_is_pickled() -> None:
    """A pickle predicts the same."""
    X, y = noisy_labels()
    model = classifier(patience=5).fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))


def test_unknown_library_is_told() -> None:
    """A library that it can't stop is refused with those that it can."""
    with pytest.raises(ValueError, match=r"must be one of \['catboost', 'lightgbm', 'xgboost'\], got 'torch'"):
        EarlyStoppedRegressor(XGBRegressor(), library="torch").fit(*noisy_numbers())


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_every_library_stops(name: str, task: Task) -> None:
    """Each library stops long before its last round on noise, with weights, and knows text labels and each class."""
    needs_library(name)
    X, numbers = noisy_numbers()
    y = numbers if task == "regression" else np.array(["a", "b", "c"])[np.digitize(numbers, [-0.5, 0.5])]
    model = make(name, task=task, patience=10)[-1]
    model.fit(X, y, sample_weight=np.linspace(0.5, 1, ROWS), validation_rows=np.arange(0, ROWS, 4))
    assert 1 <= model.n_rounds_ < 300
    assert model.predict(X).shape == (ROWS,)
    if task == "multiclass":
        assert model.classes_.tolist() == ["a", "b", "c"]
        assert model.predict_proba(X).shape == (ROWS, 3)


PUBLISHED: dict[tuple[str, bool], dict[str, Any]] = {
    ("xgboost_td", False): {
        "n_estimators": 1000,
        "learning_rate": 0.08,
        "max_depth": 6,
        "min_child_weight": 5e-6,
        "reg_lambda": 0.0,
        "subsample": 0.65,
        "colsample_bylevel": 0.9,
        "colsample_bytree": 1.0,
    },
    ("xgboost_td", True): {
        "n_estimators": 1000,
        "learning_rate": 0.05,
        "max_depth": 9,
        "min_child_weight": 2.0,
        "reg_lambda": 0.0,
        "subsample": 0.7,
        "colsample_bylevel": None,
    },
    ("lightgbm_td", False): {
        "n_estimators": 1000,
        "learning_rate": 0.04,
        "num_leaves": 50,
        "subsample": 0.75,
        "subsample_freq": 1,
        "colsample_bytree": 1.0,
        "min_child_samples": 40,
        "min_child_weight": 1e-7,
    },
    ("lightgbm_td", True): {
        "n_estimators": 1000,
        "learning_rate": 0.05,
        "num_leaves": 100,
        "subsample": 0.7,
        "subsample_freq": 1,
        "min_child_samples": 3,
        "min_child_weight": 1e-7,
    },
    ("catboost_td", False): {
        "iterations": 1000,
        "learning_rate": 0.08,
        "depth": 7,
        "l2_leaf_reg": 1e-5,
        "bootstrap_type": "Bernoulli",
        "subsample": 0.9,
        "random_strength": 0.8,
        "leaf_estimation_iterations": 1,
    },
    ("catboost_td", True): {
        "iterations": 1000,
        "learning_rate": 0.09,
        "depth": 9,
        "l2_leaf_reg": 1e-5,
        "bootstrap_type": "Bernoulli",
        "subsample": 0.9,
        "random_strength": 0.0,
        "leaf_estimation_iterations": 20,
    },
}


@pytest.mark.parametrize(("name", "regression"), PUBLISHED)
def test_default_is_the_published_one(name: str, regression: bool) -> None:
    """Trial 0 is the tuned default of Holzmüller et al. 2024, and stops with their patience."""
    needs_library(name)
    model = make(name, task="regression" if regression else "binary")[-1]
    given, published = model.booster.get_params(), PUBLISHED[name, regression]
    assert {key: given.get(key) for key in published} == published
    assert (model.patience, model.early_stopping) == (300, True)


@pytest.mark.parametrize("name", MODELS)
def test_a_user_s_parameters_reach_both(name: str) -> None:
    """Parameters of the stopping go to the wrapper, all others to the booster, also what the default sets."""
    needs_library(name)
    model = make(name, task="binary", patience=7, subsample=0.5, random_state=5)[-1]
    assert (model.patience, model.random_state, model.booster.get_params()["subsample"]) == (7, 5, 0.5)
    seeds = {key: value for key, value in model.booster.get_params().items() if key in ("random_state", "random_seed")}
    assert set(seeds.values()) == {5}


def grouped() -> Dataset:
    """Make a binary set of thirty groups whose rows are copies, with labels of their own."""
    random = np.random.default_rng(0)
    X = pd.DataFrame(np.repeat(random.normal(size=(30, 3)), 3, axis=0), columns=list("abc"))
    groups = np.repeat(np.arange(30), 3)
    return Dataset(name="made", X=X, y=np.arange(30).repeat(3) % 2, task="binary", groups=groups)


def test_runs_watch_whole_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a run no group is divided between the rows that train and those that are watched."""
    dataset, seen = grouped(), []
    job = prepare_job(tmp_path, dataset, {"models": ["xgboost_td"], "variants": ["default"], "outer_folds": 3})
    whole = EarlyStoppedClassifier.fit

    def fit(self: Any, X: Any, y: Any, sample_weight: Any = None, validation_rows: Any = None) -> Any:
        seen.append(validation_rows)
        return whole(self, X, y, sample_weight, validation_rows)

    monkeypatch.setattr(EarlyStoppedClassifier, "fit", fit)
    rows = np.arange(60)
    model = fit_rows(job, dataset, rows, job.choice.default_params("binary")).pipeline[-1]
    assert model.n_rounds_ < 1000
    groups = np.repeat(np.arange(30), 3)[rows]
    watched = groups[seen[0]]
    assert 0 < len(watched) < 30
    assert not set(watched) & set(np.delete(groups, seen[0]))


def test_a_study_runs(tmp_path: Path) -> None:
    """A tuned variant goes through, its first trial the default, its trials ended by folds and not by rounds."""
    content = {"models": ["xgboost_td"], "variants": ["tuned"], "outer_folds": 3, "inner_folds": 2}
    job = prepare_job(tmp_path, grouped(), {**content, "tuning": {"trials": 3}, "caps": {"trees": 10}})
    result = evaluate(job)
    assert not result.failure
    assert len(result.trials) == 3
    assert result.trials[0]["params"]["learning_rate"] == 0.08
