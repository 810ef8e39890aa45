"""Bags: folds by the scheme of the data, early stopping on the fold held out, no row lost and none seen twice."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from misbehaving import Raises
from runs import prepare_job

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.wrappers.averaging import AveragedClassifier
from bakeoff.estimators.wrappers.held_out_stopping import MAX_ROUNDS, PATIENCE
from bakeoff.evaluation.evaluate import evaluate
from bakeoff.fitting.bagging import Bag, bagging_folds, fit_bags
from bakeoff.fitting.fit import Member, early_stopping_rows
from bakeoff.protocol.job import Job
from bakeoff.suites.custom import build_custom_spec

ROWS = 96


def build_dataset(**changes: Any) -> Dataset:
    """Make a small binary task with one informative column."""
    random = np.random.default_rng(0)
    X = random.normal(size=(ROWS, 3)).astype("float32")
    y = (X[:, 0] + random.normal(scale=0.5, size=ROWS) > 0).astype(int)
    made = {"name": "made", "X": X, "y": y, "task": "binary", "kind": "series", "input_shape": (1, 3)}
    return Dataset(**{**made, **changes})


def build_job(tmp_path: Path, dataset: Dataset, model: Any = "xgboost", variant: str = "bagged", **suite: Any) -> Job:
    """Make the job of the first fold, with its data prepared."""
    entry = {"memory": model.name} if hasattr(model, "build") else model
    content = {"models": [entry], "variants": [variant], "outer_folds": 3, "bagging_folds": 4, **suite}
    return prepare_job(tmp_path, dataset, content, models={model.name: model} if hasattr(model, "build") else {})


def fit_bag(job: Job, dataset: Dataset, rows: np.ndarray) -> Bag:
    """Fit the bag of the default parameters."""
    _, (bag,) = fit_bags(job, dataset, rows, [Member(job.choice.default_params(job.task, job.kind))])
    return bag


def test_each_row_is_held_out_once(tmp_path: Path) -> None:
    """The folds hold out every row once, stratified, and train on all others; all models have the same."""
    dataset, rows = build_dataset(), np.arange(0, ROWS, 2)
    folds = bagging_folds(build_job(tmp_path, dataset), dataset, rows)
    assert len(folds) == 4
    assert sorted(np.concatenate([held_out for _, held_out in folds])) == rows.tolist()
    for train, held_out in folds:
        assert sorted([*train, *held_out]) == rows.tolist()
        assert abs(dataset.y[held_out].mean() - dataset.y[rows].mean()) < 0.1
    others = bagging_folds(build_job(tmp_path, dataset, "knn"), dataset, rows)
    np.testing.assert_array_equal(np.concatenate(folds[0]), np.concatenate(others[0]))


def test_folds_keep_groups_and_blocks_of_time_whole(tmp_path: Path) -> None:
    """No group and no point in time is on both sides, and each block of time is without gaps."""
    rows = np.arange(ROWS)
    grouped = build_dataset(groups=rows // 6)
    for train, held_out in bagging_folds(build_job(tmp_path, grouped), grouped, rows):
        assert not set(rows[train] // 6) & set(rows[held_out] // 6)
    ordered = build_dataset(time=rows[::-1] // 3)
    folds = bagging_folds(build_job(tmp_path, ordered), ordered, rows)
    times = [np.unique(rows[::-1][held_out] // 3) for _, held_out in folds]
    assert np.concatenate(times).tolist() == list(range(ROWS // 3))
    assert all(len(train) + len(held_out) == ROWS for train, held_out in folds)


@pytest.mark.parametrize("model", ["decision_tree", "xgboost", "xgboost_td", "mlp"])
def test_out_of_fold_predictions_know_nothing(tmp_path: Path, model: str) -> None:
    """On labels that are noise each model is no better than chance where it was not trained, and is where it was."""
    random = np.random.default_rng(1)
    X, y = random.normal(size=(400, 6)).astype("float32"), random.permutation(np.arange(400) % 2)
    dataset = build_dataset(X=X, y=y, input_shape=(1, 6))
    job, rows = build_job(tmp_path, dataset, model, caps={"epochs": 20}), np.arange(400)
    bag = fit_bag(job, dataset, rows)
    found = bag.predict_out_of_fold(dataset)
    right = np.concatenate([one.y_pred == one.y_true for one in found])
    trained = np.concatenate(
        [m.predict(X[train]) == y[train] for m, (train, _) in zip(bag.models, bag.folds, strict=True)]
    )
    assert abs(right.mean() - 0.5) < 0.1
    assert trained.mean() > right.mean() + 0.05


def test_preprocessing_sees_no_held_out_row(tmp_path: Path) -> None:
    """What stands before each model is fitted on its own training rows."""
    dataset, rows = build_dataset(kind="tabular", input_shape=None, X=as_frame(build_dataset().X)), np.arange(ROWS)
    for model in ("logistic", "mlp"):
        bag = fit_bag(build_job(tmp_path, dataset, model, caps={"epochs": 2}), dataset, rows)
        pairs = zip(bag.models, bag.folds, strict=True)
        seen = [np.asarray(one[:-1].transform(dataset.X.iloc[train])) for one, (train, _) in pairs]
        assert all(abs(part.mean(axis=0)).max() < 0.05 for part in seen)
        centres = [np.asarray(one[:-1].transform(dataset.X)).mean(axis=0) for one in bag.models]
        assert len({tuple(np.round(centre, 6)) for centre in centres}) == len(bag.models)


def as_frame(X: np.ndarray) -> Any:
    """Return an array as a table."""
    import pandas as pd

    return pd.DataFrame(X.astype(float), columns=list("abc"))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_boosting_stops_on_the_fold_held_out(tmp_path: Path, task: str) -> None:
    """XGBoost predicts with its best rounds of at most a thousand, and each model has its own number of them."""
    random, X = np.random.default_rng(2), build_dataset().X
    noisy = X[:, 0] + random.normal(scale=0.5, size=ROWS)
    y = {
        "binary": (noisy > 0).astype(int),
        "multiclass": np.digitize(noisy, [-0.5, 0.5]).astype(str),
        "regression": noisy,
    }
    dataset = build_dataset(task=task, y=y[task], weights=random.uniform(0.5, 1.5, size=ROWS))
    bag = fit_bag(build_job(tmp_path, dataset), dataset, np.arange(ROWS))
    rounds = [model[-1].best_iteration + 1 for model in bag.models]
    trained = [model[-1].get_booster().num_boosted_rounds() for model in bag.models]
    assert len(set(rounds)) > 1
    assert all(there == best + PATIENCE and there < MAX_ROUNDS for best, there in zip(rounds, trained, strict=True))


def test_rounds_of_the_user_and_of_caps_stand(tmp_path: Path) -> None:
    """Fixed rounds and caps bound those of the models of a bag."""
    dataset, rows = build_dataset(), np.arange(ROWS)
    fixed = {"name": "xgboost", "params": {"n_estimators": 7}}
    for suite in ({"model": fixed}, {"caps": {"trees": 7}}):
        bag = fit_bag(build_job(tmp_path, dataset, **suite), dataset, rows)
        assert {model[-1].n_estimators for model in bag.models} == {7}


@pytest.mark.parametrize("model", ["hist_gradient_boosting", "lightgbm"])
def test_other_boosting_stops_early(tmp_path: Path, model: str) -> None:
    """scikit-learn's and LightGBM's boosting end long before a thousand rounds, on rows with weights."""
    if model == "lightgbm":
        pytest.importorskip("lightgbm", reason="needs lightgbm")
    dataset = build_dataset(weights=np.random.default_rng(0).uniform(0.5, 1.5, size=ROWS))
    bag = fit_bag(build_job(tmp_path, dataset, model), dataset, np.arange(ROWS))
    rounds = [getattr(one[-1], "best_iteration_", None) or one[-1].n_iter_ for one in bag.models]
    assert max(rounds) < 200


@pytest.mark.parametrize("model", ["hist_gradient_boosting", "lightgbm", "xgboost"])
def test_boosting_watches_labels_of_any_type(tmp_path: Path, model: str) -> None:
    """Classes that are words are watched as numbers are, and nothing is warned of."""
    if model == "lightgbm":
        pytest.importorskip("lightgbm", reason="needs lightgbm")
    words = build_dataset(y=np.where(build_dataset().y, "yes", "no"))
    bag = fit_bag(build_job(tmp_path, words, model), words, np.arange(ROWS))
    assert all(set(made.predict(words.X)) <= {"yes", "no"} for made in bag.models)


def test_nets_stop_on_the_fold_held_out(tmp_path: Path) -> None:
    """Each net watches the fold that it was not trained on, is seeded for itself, and no row is lost."""
    dataset, rows = build_dataset(weights=np.random.default_rng(0).uniform(0.5, 1.5, size=ROWS)), np.arange(ROWS)
    bag = fit_bag(build_job(tmp_path, dataset, "mlp", caps={"epochs": 5}), dataset, rows)
    nets = [model[-1] for model in bag.models]
    assert all(len(net.validation_loss_curve_) == net.n_iter_ for net in nets)
    assert len({net.random_state for net in nets}) == len(nets)


def test_nets_that_need_not_stop_early_do_not(tmp_path: Path) -> None:
    """With early stopping off, or left to the number of rows where they are few, all epochs are trained."""
    dataset, rows = build_dataset(), np.arange(ROWS)
    for choice in (False, "auto"):
        model = {"name": "mlp", "params": {"early_stopping": choice, "max_epochs": 3}}
        bag = fit_bag(build_job(tmp_path, dataset, model), dataset, rows)
        assert {len(one[-1].loss_curve_) for one in bag.models} == {3}
        assert not any(getattr(one[-1], "validation_loss_curve_", []) for one in bag.models)


def test_rows_for_early_stopping_follow_their_number(tmp_path: Path) -> None:
    """Left to the number of rows, a fit of few rows holds none out, and one of many a part of them."""
    X = np.random.default_rng(0).normal(size=(600, 3)).astype("float32")
    dataset = build_dataset(X=X, y=np.arange(600) % 2)
    for choice, held_out in (("auto", (False, True)), (True, (True, True)), (False, (False, False))):
        job = build_job(tmp_path, dataset, {"name": "mlp", "params": {"early_stopping": choice}})
        params = job.choice.default_params(job.task, job.kind)
        parts = [early_stopping_rows(job, dataset, np.arange(n_rows), params) for n_rows in (199, 200)]
        assert tuple(part is not None for part in parts) == held_out


@pytest.mark.parametrize("model", ["logistic", "linear_svm", "mlp", "xgboost"])
def test_a_bag_is_the_mean_of_its_models(tmp_path: Path, model: str) -> None:
    """What a bagged fit predicts is the mean of what its models say; refits count all of them."""
    dataset = build_dataset()
    job = build_job(tmp_path, dataset, model, caps={"epochs": 3})
    result = evaluate(job)
    train = np.setdiff1d(np.arange(ROWS), result.predictions["rows"])
    bag = fit_bag(job, dataset, train)
    method = "predict_proba" if hasattr(bag.models[0], "predict_proba") else "decision_function"
    mean = np.mean([getattr(one, method)(dataset.X[result.predictions["rows"]]) for one in bag.models], axis=0)
    shown = result.predictions["scores"] if mean.ndim == 2 else result.predictions["scores"][:, 1]
    np.testing.assert_allclose(shown, mean, atol=1e-6)
    assert result.diagnostics["refits"] == 4
    assert result.params == job.choice.default_params(job.task, job.kind)
    assert result.diagnostics["inner_metric"] == "roc_auc"


def test_inner_score_of_ordered_data_is_of_the_latest_block(tmp_path: Path) -> None:
    """A score on earlier blocks would be by models that know what came after."""
    dataset = build_dataset(time=np.arange(ROWS))
    job = build_job(tmp_path, dataset, "logistic", primary={"binary": "accuracy"})
    result = evaluate(job)
    train = np.setdiff1d(np.arange(ROWS), np.arange(result.predictions["rows"].min(), ROWS))
    last = fit_bag(job, dataset, train).predict_out_of_fold(dataset)[-1]
    assert result.diagnostics["inner_score"] == pytest.approx(np.mean(last.y_pred == last.y_true))


def test_a_model_that_fails_fails_the_bag(tmp_path: Path) -> None:
    """The reason names which of the models failed, and how."""
    spec = build_custom_spec(name="broken", build=lambda _: Raises())
    with pytest.raises(RuntimeError, match=r"model 1 of 4 of the bag: ValueError"):
        evaluate(build_job(tmp_path, build_dataset(), spec))
    model = {"name": "mlp", "params": {"learning_rate": 1e30, "max_epochs": 2, "dropout": 0.0}}
    with pytest.raises(RuntimeError, match=r"model.* of the bag: "):
        evaluate(build_job(tmp_path, build_dataset(X=build_dataset().X * 1e30), model))


def test_models_of_different_classes_are_averaged() -> None:
    """A class that one model does not know has probability 0 there, or a decision value below all others."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    X = np.random.default_rng(0).normal(size=(60, 2))
    y = np.array(["a", "b", "c"])[np.arange(60) % 3]
    few = y != "b"
    models = [LogisticRegression().fit(X, y), LogisticRegression().fit(X[few], y[few])]
    average = AveragedClassifier(models, [0.5, 0.5])
    expected = models[0].predict_proba(X) / 2
    expected[:, [0, 2]] += models[1].predict_proba(X) / 2
    assert average.classes_.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(average.predict_proba(X), expected)
    machines = AveragedClassifier([LinearSVC().fit(X, y), LinearSVC().fit(X[few], y[few])], [0.5, 0.5])
    assert machines.decision_function(X).shape == (60, 3)
    assert set(machines.predict(X)) <= set(y)
