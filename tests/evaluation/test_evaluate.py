"""One fit: no leak from the test part, equal rules for early stopping, failures that stay failures."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from doubles import LabelsOnlyNeighbors
from misbehaving import NeedsRows, Raises
from runs import prepare_job
from sklearn.linear_model import LogisticRegression

from bakeoff.datasets.dataset import Dataset
from bakeoff.evaluation.evaluate import _gpu_diagnostics, evaluate
from bakeoff.evaluation.final_fit import fit_final
from bakeoff.evaluation.search import SearchResult
from bakeoff.fitting.fit import Member, fit_rows
from bakeoff.planning.staging import write_data_file
from bakeoff.protocol.job import Job
from bakeoff.protocol.splits import outer_splits
from bakeoff.suites.custom import build_custom_spec
from bakeoff.suites.entries import RangeEntry
from bakeoff.tuning.inner_cv_scores import tune_rows

ROWS = 90


def build_dataset(seed: int = 0, **changes: Any) -> Dataset:
    """Make a small binary task with one informative column."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(ROWS, 3)).astype("float32")
    y = (X[:, 0] + random.normal(scale=0.5, size=ROWS) > 0).astype(int)
    return Dataset(
        **{"name": "made", "X": X, "y": y, "task": "binary", "kind": "series", "input_shape": (1, 3), **changes}
    )


def build_job(tmp_path: Path, dataset: Dataset, model: Any = "logistic", variant: str = "default", **suite: Any) -> Job:
    """Make the job of the first fold, with its data prepared."""
    entry = model if isinstance(model, str) else {"memory": model.name}
    content = {"models": [entry], "variants": [variant], "outer_folds": 3, "inner_folds": 2, **suite}
    return prepare_job(tmp_path, dataset, content, models={} if isinstance(model, str) else {model.name: model})


def poison(dataset: Dataset) -> Dataset:
    """Replace the test part of the first fold by absurd values, keeping the split."""
    test = outer_splits(dataset, folds=3, repeats=1, seed=0)[0].test
    X, y = dataset.X.copy(), dataset.y.copy()
    X[test] = 1e6
    y[test] = 1 - y[test]
    return replace(dataset, X=X, y=y)


@pytest.mark.parametrize("variant", ["default", "tuned", "ensemble", "bagged", "bagged-ensemble"])
@pytest.mark.parametrize("model", ["logistic", "mlp", "xgboost"])
def test_poisoned_test_part_changes_nothing_learned(tmp_path: Path, model: str, variant: str) -> None:
    """Parameters, trials and fitted weights are the same whatever the outer test part holds."""
    clean = build_dataset()
    options: dict[str, Any] = {"tuning": {"trials": 3}, "caps": {"epochs": 3, "trees": 20}}
    job = build_job(tmp_path, clean, model, variant, **options)
    poisoned = poison(clean)
    other = replace(job, data_file=tmp_path / "poisoned.joblib")
    split = outer_splits(clean, folds=3, repeats=1, seed=0)[0]
    write_data_file(other.data_file, poisoned, [split])
    ours, theirs = evaluate(job), evaluate(replace(other, split_index=0))
    assert ours.params == theirs.params
    assert [trial["value"] for trial in ours.trials] == [trial["value"] for trial in theirs.trials]
    members = tuple(Member(**one) for one in ours.params.get("members", [{"params": ours.params}]))
    before = fit_final(job, clean, split.train, SearchResult(members=members)).model
    after = fit_final(job, poisoned, split.train, SearchResult(members=members)).model
    np.testing.assert_array_equal(before.predict_proba(clean.X), after.predict_proba(clean.X))


def test_shuffled_labels_stay_at_chance(tmp_path: Path) -> None:
    """On labels without meaning, the tuned model's outer scores scatter around chance."""
    random = np.random.default_rng(3)
    dataset = replace(build_dataset(), y=random.permutation(build_dataset().y))
    job = build_job(tmp_path, dataset, "knn", "tuned", tuning={"trials": 8}, repeats=4)
    plan_jobs = [replace(job, split_index=index, fold=index) for index in range(12)]
    scores = [evaluate(one).metrics["roc_auc"] for one in plan_jobs]
    assert abs(np.mean(scores) - 0.5) < 0.12


def test_best_inner_score_flatters_and_outer_scores_do_not(tmp_path: Path) -> None:
    """On pure noise the best of many trials looks better than chance on inner folds, and is at chance outside."""
    random = np.random.default_rng(5)
    inner, outer = [], []
    for _ in range(4):
        noise = replace(build_dataset(), y=random.permutation(build_dataset().y))
        job = build_job(tmp_path, noise, "decision_tree", "tuned", tuning={"trials": 12})
        for fold in range(3):
            result = evaluate(replace(job, split_index=fold, fold=fold))
            inner.append(result.diagnostics["inner_score"])
            outer.append(result.metrics["roc_auc"])
    assert np.mean(inner) > 0.55
    assert abs(np.mean(outer) - 0.5) < 0.08
    assert np.mean(inner) - np.mean(outer) > 0.05


def test_same_job_same_result(tmp_path: Path) -> None:
    """A fit run twice gives the same metrics to the last bit."""
    job = build_job(tmp_path, build_dataset(), "mlp", "tuned", tuning={"trials": 2}, caps={"epochs": 3})
    assert evaluate(job).metrics == evaluate(job).metrics


def test_trial_zero_is_the_default(tmp_path: Path) -> None:
    """The first trial of every study has the parameters of the default variant."""
    job = build_job(tmp_path, build_dataset(), "xgboost", "tuned", tuning={"trials": 2}, caps={"trees": 20})
    assert evaluate(job).trials[0]["params"] == job.choice.default_params("binary")


@pytest.mark.parametrize("model", ["logistic", "mlp"])
def test_default_is_scored_on_the_inner_folds_too(tmp_path: Path, model: str) -> None:
    """What champions are chosen by is the value that the same parameters have in a study; outer scores stay alike."""
    options: dict[str, Any] = {"tuning": {"trials": 1}, "caps": {"epochs": 3}, "score_defaults": True}
    default = evaluate(build_job(tmp_path, build_dataset(), model, "default", **options))
    tuned = evaluate(build_job(tmp_path, build_dataset(), model, "tuned", **options))
    assert default.diagnostics["inner_score"] == pytest.approx(tuned.diagnostics["inner_score"], abs=1e-3)
    assert default.diagnostics["inner_metric"] == tuned.diagnostics["inner_metric"] == "roc_auc"
    assert default.metrics == tuned.metrics
    assert tuned.diagnostics["default_score"] == tuned.diagnostics["inner_score"]
    assert "trials" not in default.diagnostics
    unasked = evaluate(build_job(tmp_path, build_dataset(), model, "default", caps={"epochs": 3}))
    assert "inner_score" not in unasked.diagnostics


def test_default_without_inner_score_keeps_its_outer_scores(tmp_path: Path) -> None:
    """A default that fails on inner folds, or has no time for them, says so and loses nothing."""
    spec = build_custom_spec(
        name="many", build=lambda _: NeedsRows(least=ROWS * 2 // 3), preprocessor="none", source="", fingerprint=""
    )
    failed = evaluate(build_job(tmp_path, build_dataset(), spec, score_defaults=True))
    assert failed.diagnostics["no_inner_score"] == f"ValueError: needs {ROWS * 2 // 3} rows"
    assert "inner_score" not in failed.diagnostics
    assert failed.metrics["roc_auc"] == 0.5  # it is a dummy
    job = build_job(tmp_path, build_dataset(), score_defaults=True)
    late = evaluate(replace(job, settings=replace(job.settings, limit_s=0.0)))
    assert late.diagnostics["no_inner_score"] == "the limit of the fit left no time"
    assert late.metrics["roc_auc"] > 0.5


class FailsOnSmallC(LogisticRegression):  # type: ignore[misc]  # scikit-learn is untyped
    """Fails on one inner fold of every trial but the default."""

    def fit(self, X: Any, y: Any) -> Any:
        """Refuse a small C on rows that begin with a positive value."""
        if self.C < 1 and X[0, 0] > 0:
            raise ValueError("this fold does not like C")
        return super().fit(X, y)


def test_trial_that_fails_on_a_fold_is_failed(tmp_path: Path) -> None:
    """A trial with one failed inner fold has no value: the other folds are not averaged."""
    spec = build_custom_spec(
        name="fails",
        build=lambda params: FailsOnSmallC(**params),
        ranges={"C": RangeEntry(low=1e-3, high=1.0, log=True, default=1.0)},
    )
    trials = evaluate(build_job(tmp_path, build_dataset(), spec, "tuned", tuning={"trials": 6})).trials
    failed = [trial for trial in trials if trial["state"] == "failed"]
    assert failed
    assert all(trial["value"] is None and "does not like C" in trial["reason"] for trial in failed)


def test_all_trials_failed_is_an_error(tmp_path: Path) -> None:
    """When no trial ends well the fit has failed, with the first reason, and its trials are kept and counted."""
    spec = build_custom_spec(
        name="never", build=lambda params: Raises(**params), ranges={"path": RangeEntry(choices=("", "."))}
    )
    job = build_job(tmp_path, build_dataset(), spec, "tuned", tuning={"trials": 2})
    result = evaluate(job)
    assert result.failure == "all 2 trials failed; the first: ValueError: in a mood"
    assert not result.metrics
    assert len(result.trials) == result.diagnostics["trials_failed"] == 2


def test_budget_in_seconds_is_flagged(tmp_path: Path) -> None:
    """When the budget in seconds ends before a trial does, the defaults are used and the record says so."""
    job = build_job(tmp_path, build_dataset(), "logistic", "tuned", tuning={"trials": 50, "seconds": 1e-6})
    result = evaluate(job)
    assert "default parameters" in result.diagnostics["flag"]
    assert result.params == job.choice.default_params("binary")


class RemembersValidation(LogisticRegression):  # type: ignore[misc]  # scikit-learn is untyped
    """Keeps the validation rows that it was handed."""

    def fit(self, X: Any, y: Any, validation_rows: Any = None) -> Any:
        """Fit, and remember."""
        self.validation_rows_ = validation_rows
        return super().fit(X, y)


@pytest.mark.parametrize("scheme", ["groups", "time"])
def test_early_stopping_follows_the_scheme(tmp_path: Path, scheme: str) -> None:
    """Rows for early stopping are whole groups of a grouped set, and the latest rows of an ordered one."""
    values = np.repeat(np.arange(ROWS // 3), 3)
    dataset = build_dataset(**{scheme: values})
    spec = build_custom_spec(name="remembers", build=lambda _: RemembersValidation())
    job = build_job(tmp_path, dataset, replace(spec, takes_validation_rows=True))
    rows = np.arange(60)
    model = fit_rows(job, dataset, rows, {"early_stopping": True}).pipeline[-1]
    held = values[model.validation_rows_]
    kept = np.delete(values[rows], model.validation_rows_)
    assert 0 < len(held) < 30
    assert not set(held) & set(kept)
    if scheme == "time":
        assert held.min() > kept.max()


def test_missing_primary_metric_fails_tuning(tmp_path: Path) -> None:
    """A model that can't have the primary metric fails its trials with that reason instead of scoring zero."""
    spec = build_custom_spec(
        name="labels",
        build=lambda params: LabelsOnlyNeighbors(**params),
        ranges={"n_neighbors": RangeEntry(choices=(1, 5))},
    )
    dataset = build_dataset()
    tuned = tune_rows(build_job(tmp_path, dataset, spec, "tuned", tuning={"trials": 1}), dataset, np.arange(60))
    assert tuned.params is None
    assert "roc_auc can't be computed" in tuned.trials[0]["reason"]


def test_memory_of_the_gpu_is_recorded_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits on a GPU record how long they held it and the most memory they took from it; others say nothing of it."""
    import torch

    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: 3 * 2**20)
    job = build_job(tmp_path, build_dataset())
    start = time.perf_counter() - 5
    assert _gpu_diagnostics(job, start) == {}
    deep = replace(job.choice, spec=replace(job.choice.spec, family="deep"))
    found = _gpu_diagnostics(replace(job, choice=deep, settings=replace(job.settings, device="cuda")), start)
    assert (found["peak_vram_mb"], found["device_s"]) == (3.0, pytest.approx(5, abs=1))
