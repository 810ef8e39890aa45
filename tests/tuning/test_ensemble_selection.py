"""Ensembles of a model's own trials: greedy selection, its bounds, and the study that it shares."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from doubles import LabelsOnlyNeighbors
from runs import prepare_job
from sklearn.datasets import load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.sources.load import load
from bakeoff.engines.options import RunOptions
from bakeoff.engines.schedule import Schedule
from bakeoff.estimators.wrappers.averaging import AveragedClassifier, AveragedRegressor
from bakeoff.evaluation.evaluate import evaluate
from bakeoff.fitting.predict import predict_rows
from bakeoff.planning.plan import make_plan
from bakeoff.planning.shard import parse_shard, take_shard
from bakeoff.protocol.job import Job
from bakeoff.recorded_runs.export import export_model
from bakeoff.records.run_folder import RunFolder
from bakeoff.running.runner import Run
from bakeoff.suites.suite import Suite
from bakeoff.tuning.ensemble_selection import MAX_MEMBERS, build_ensemble
from bakeoff.tuning.inner_cv_scores import inner_folds, tune_rows
from bakeoff.tuning.out_of_fold import OutOfFoldStore, to_fold_predictions, to_predictions


def build_dataset(task: str = "multiclass") -> Dataset:
    """Load a small real data set, as a table."""
    X, y = (load_diabetes if task == "regression" else load_wine)(return_X_y=True, as_frame=True)
    return load(X, y, name="made")


def build_job(tmp_path: Path, model: Any, task: str = "multiclass", variant: str = "ensemble", **suite: Any) -> Job:
    """Make the job of the first fold, with its data prepared and a journal."""
    content = {"models": [model], "variants": ["tuned", "ensemble"], "outer_folds": 3, "inner_folds": 3}
    content |= {"tuning": {"trials": 6}, **suite}
    job = prepare_job(tmp_path, build_dataset(task), content, variant=variant)
    return replace(job, journal=tmp_path / "study.log")


@pytest.mark.parametrize(
    ("model", "task"),
    [("knn", "multiclass"), ("linear_svm", "multiclass"), ("xgboost", "regression"), ("mlp", "regression")],
)
def test_ensemble_is_no_worse_inside_than_its_best_trial(tmp_path: Path, model: str, task: str) -> None:
    """The best prefix of the greedy choice reaches at least the best trial, with few members whose weights sum to 1."""
    job = build_job(tmp_path, model, task, caps={"epochs": 3, "trees": 20})
    result = evaluate(job)
    best = max(trial["value"] for trial in result.trials if trial["state"] == "complete")
    members = result.params.get("members", [{"weight": 1.0}])
    assert result.diagnostics["inner_score"] >= best
    assert 1 <= len(members) <= MAX_MEMBERS
    assert sum(member["weight"] for member in members) == pytest.approx(1)
    assert result.diagnostics["refits"] == len(members)
    assert job.primary in result.metrics


def test_ensemble_takes_over_the_study_of_its_sibling(tmp_path: Path) -> None:
    """After the tuned fit no trial runs again, the trials are equal, and the cost of the study is carried over."""
    tuned = evaluate(build_job(tmp_path, "knn", variant="tuned"))
    ensemble = evaluate(build_job(tmp_path, "knn"))
    assert ensemble.trials == tuned.trials
    assert ensemble.diagnostics["trials_resumed"] == len(tuned.trials)
    assert ensemble.diagnostics["earlier_cpu_s"] == pytest.approx(sum(row["cpu_s"] for row in tuned.trials), abs=1e-3)


@pytest.mark.parametrize(("model", "damage"), [("knn", "gone"), ("knn", "half"), ("mlp", "gone")])
def test_missing_answers_are_computed_again(tmp_path: Path, model: str, damage: str) -> None:
    """What a trial predicted is only a store: without it the same ensemble comes out."""
    job = build_job(tmp_path, model, caps={"epochs": 3})
    whole = evaluate(job)
    kept = sorted((tmp_path / "study").glob("*.npz"))
    assert len(kept) == len([trial for trial in whole.trials if trial["state"] == "complete"])
    for path in kept[::2]:
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:100])
    again = evaluate(job)
    assert (again.params, again.metrics) == (whole.params, whole.metrics)


def test_selection_finds_what_helps_together(tmp_path: Path) -> None:
    """Of three equal trials the two that err on different rows are averaged, by their probabilities."""
    job = build_job(tmp_path, "knn")
    dataset, rows = build_dataset(), np.arange(178)
    tuned = tune_rows(job, dataset, rows)
    folds = inner_folds(job, dataset, rows)
    trials = [with_score(tuned.trials[0], number, value=0.5) for number in range(3)]
    kept = OutOfFoldStore(None)
    for number, wrong in enumerate(((0, 30), (0, 25), (30, 60))):
        kept.keep(number, [half_wrong(dataset, test, *wrong) for _, test in folds])
    ensemble = build_ensemble(job, dataset, rows, replace(tuned, trials=trials), kept)
    assert ensemble.score == 1.0
    assert {member.params["n_neighbors"] for member in ensemble.members} == {1, 2}


def with_score(row: dict[str, Any], number: int, value: float) -> dict[str, Any]:
    """Make a complete trial out of another."""
    params = row["params"] | {"n_neighbors": number}
    return row | {"number": number, "state": "complete", "params": params, "value": value}


def half_wrong(dataset: Dataset, test: np.ndarray, start: int, stop: int) -> Any:
    """Predict rightly with 0.9, but wrongly with 0.6 on some rows."""
    truth = (dataset.y[test][:, None] == dataset.classes).astype(float)
    sure = 0.05 + 0.85 * truth
    wrong = np.roll(truth, 1, axis=1) * 0.6 + truth * 0.3 + 0.1 * (1 - truth - np.roll(truth, 1, axis=1))
    sure[start:stop] = wrong[start:stop]
    return to_predictions(dataset, test, "probabilities", sure)


@pytest.mark.parametrize(
    ("models", "kind"),
    [
        ([LogisticRegression(C=C, max_iter=5000) for C in (0.001, 10)], "probabilities"),
        ([LinearSVC(C=C) for C in (1e-5, 0.1)], "scores"),
        ([KNeighborsClassifier(k) for k in (1, 9)], "probabilities"),
    ],
)
def test_fitted_average_answers_as_the_selection_assumed(models: list[Any], kind: str) -> None:
    """Averaging fitted models gives what averaging their answers gives."""
    dataset = build_dataset()
    X, y = np.asarray(dataset.X, dtype=float), dataset.y
    fitted = [model.fit(X[::2], y[::2]) for model in models]
    rows = np.arange(1, len(y), 2)
    about = {"classes": dataset.classes, "positive": None}
    answers = [to_fold_predictions([predict_rows(model, X[rows], y[rows], **about)]) for model in fitted]
    mean = 0.25 * answers[0].folds[0] + 0.75 * answers[1].folds[0]
    expected = to_predictions(dataset, rows, answers[0].kind, mean)
    found = predict_rows(AveragedClassifier(fitted, [0.25, 0.75]), X[rows], y[rows], **about)
    assert answers[0].kind == kind
    np.testing.assert_array_equal(found.y_pred, expected.y_pred)
    np.testing.assert_allclose(found.scores, expected.scores)


def test_models_without_scores_vote() -> None:
    """Where there are neither probabilities nor decision values, the labels are weighted votes."""
    X, y = load_wine(return_X_y=True)
    models = [LabelsOnlyNeighbors(k).fit(X, y) for k in (1, 15, 30)]
    average = AveragedClassifier(models, [0.2, 0.4, 0.4])
    assert not hasattr(average, "predict_proba")
    both = models[1].predict(X) == models[2].predict(X)
    np.testing.assert_array_equal(average.predict(X)[both], models[1].predict(X)[both])


def test_average_of_regressors_is_their_mean() -> None:
    """Values are averaged by weight, and an average can't be fitted."""
    X, y = load_diabetes(return_X_y=True)
    models = [Ridge(alpha).fit(X, y) for alpha in (0.1, 10)]
    average = AveragedRegressor(models, [0.5, 0.5])
    np.testing.assert_allclose(average.predict(X), (models[0].predict(X) + models[1].predict(X)) / 2)
    with pytest.raises(TypeError, match="made of fitted models"):
        average.fit(X, y)


SUITE = {
    "name": "ensembles",
    "datasets": ["wine"],
    "models": ["dummy", "knn", "logistic"],
    "variants": ["default", "tuned", "ensemble"],
    "tuning": {"trials": 3},
    "outer_folds": 2,
    "inner_folds": 2,
}


def test_ensembles_run_beside_their_siblings(tmp_path: Path) -> None:
    """All variants end well, what has nothing to tune is left out, and an export answers like any pipeline."""
    plan = make_plan(Suite.model_validate(SUITE))
    Run(plan, RunFolder(tmp_path / "run"), RunOptions(workers=2)).execute()
    records = RunFolder(tmp_path / "run").read_records()[0].values()
    cells = {(record.model, record.variant) for record in records if record.ok}
    assert cells == {("dummy", "default"), *((m, v) for m in ("knn", "logistic") for v in SUITE["variants"])}
    assert len(records) == 14
    ensembles = [record for record in records if record.variant == "ensemble"]
    assert all(record.diagnostics["trials_resumed"] == 3 for record in ensembles)
    path = export_model(RunFolder(tmp_path / "run"), dataset="wine", model="knn", variant="ensemble")
    X, _ = load_wine(return_X_y=True, as_frame=True)
    assert joblib.load(path).predict_proba(X).shape == (178, 3)


def test_ensemble_waits_for_its_sibling() -> None:
    """An ensemble is not started while the fit that tunes its study waits or runs; others go ahead."""
    plan = make_plan(Suite.model_validate(SUITE | {"models": ["knn"], "outer_folds": 2}))
    schedule = Schedule([job for job in plan.jobs if job.variant != "default"], {("wine", "knn", "ensemble"): 99.0})
    first, second = schedule.next_job("cpu"), schedule.next_job("cpu")
    assert first is not None
    assert second is not None
    assert (first.variant, second.variant) == ("tuned", "tuned")
    assert schedule.next_job("cpu") is None
    schedule.record_duration(second, 1.0)
    freed = schedule.next_job("cpu")
    assert freed is not None
    assert (freed.variant, freed.fold) == ("ensemble", second.fold)
    assert schedule.next_job("cpu") is None
    assert len(schedule) == 1


def test_shards_keep_siblings_together() -> None:
    """A tuned fit and the ensemble of its study fall into the same shard."""
    plan = make_plan(Suite.model_validate(SUITE))
    shards = [take_shard(plan, parse_shard(f"{number}/2")).jobs_to_run for number in (1, 2)]
    studies = [{job.keys.study for job in jobs if job.variant != "default"} for jobs in shards]
    assert studies[0].isdisjoint(studies[1])
    assert sum(map(len, shards)) == len(plan.jobs)
