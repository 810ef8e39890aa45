"""Verdicts and diffs on one fixed split and on splits in order of time: by the test rows that the fits stored."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.api import run_suite
from bakeoff.protocol.metrics import METRICS
from bakeoff.protocol.predictions import Predictions
from bakeoff.records.record import Record
from bakeoff.reports.run_data.run import Run, load_run_view
from bakeoff.reports.sections.verdict_table import render_verdict
from bakeoff.reports.verdicts.diff import compare_runs
from bakeoff.reports.verdicts.per_dataset import Verdict, judge_datasets
from bakeoff.reports.verdicts.row_tests import BLOCKS, BOOTSTRAP, MCNEMAR

Arrays = dict[str, Any]
MODELS = {"svm": "classical", "mlp": "deep"}


def answers(train_fraction: float, rows: int = 400, seed: int = 0, **more: Any) -> Arrays:
    """Draw the answers of a classifier that is right on about a share of the rows."""
    random = np.random.default_rng(seed)
    truth = np.arange(rows) % 2
    right = np.random.default_rng(seed + 1).random(rows) < train_fraction
    said = np.where(right, truth, 1 - truth)
    scores = np.clip(0.5 + (said - 0.5) * random.uniform(0.2, 1, rows), 0, 1)
    return {
        "rows": np.arange(rows),
        "y_true": truth,
        "y_pred": said,
        "classes": np.array([0, 1]),
        "scores": np.stack([1 - scores, scores], axis=1),
        "scores_are_probabilities": np.asarray(True),
    } | more


def numbers(error: float, rows: int = 400, seed: int = 0, **more: Any) -> Arrays:
    """Draw the answers of a regression with a standard error."""
    truth = np.sin(np.arange(rows))
    said = truth + np.random.default_rng(seed).normal(0, error, rows)
    return {
        "rows": np.arange(rows),
        "y_true": truth,
        "y_pred": said,
        "classes": np.empty(0),
        "scores_are_probabilities": np.asarray(False),
    } | more


def view_of(folds: Mapping[str, list[Arrays]], *, scheme: str = "predefined", metric: str = "accuracy") -> Run:
    """Build what a report reads of a run whose models stored these predictions, fold by fold."""
    stored, fits, records = {}, [], {}
    for model, parts in folds.items():
        for fold, arrays in enumerate(parts):
            key = f"{model}-{fold}"
            named: dict[str, Any] = {"dataset": "toy", "model": model, "family": MODELS[model], "variant": "default"}
            named |= {"fit": key, "repeat": 0, "fold": fold, "train_fraction": 1.0}
            fits.append(named)
            stored[key] = arrays
            value = METRICS[metric].compute(Predictions.from_arrays(arrays, "1")) if metric in METRICS else 0.5
            records[key] = Record(
                **named,
                **dict.fromkeys(("study", "cell", "data_digest", "split_digest"), ""),
                task="binary",
                kind="tabular",
                status="ok",
                metrics={metric: value},
                diagnostics={"cpu_s": 1.0},
            )
    about = {"task": "binary", "scheme": scheme, "primary": metric, "positive": "1"}
    greater = METRICS[metric].greater_is_better if metric in METRICS else True
    plan = {"fits": fits, "datasets": {"toy": about}, "metrics": {metric: {"greater_is_better": greater}}}
    return Run(plan=plan, records=records, suite={}, provenance={}, read_predictions=lambda fit: stored.get(fit, {}))


def only(view: Run) -> Verdict:
    """Return the verdict on the only data set."""
    (verdict,) = judge_datasets(view)
    return verdict


def test_fixed_split_is_tested_by_mcnemar() -> None:
    """Accuracy on one split has McNemar's p-value, the bootstrap's interval and posterior, and says of what it speaks.

    The interval is near the normal one.
    """
    verdict = only(view_of({"svm": [answers(0.7)], "mlp": [answers(0.9)]}))
    assert (verdict.answer, verdict.test, verdict.why) == ("deep", MCNEMAR, "")
    found, posterior = verdict.difference, verdict.posterior
    assert found is not None
    assert posterior is not None
    right = [answers(train_fraction)["y_pred"] == answers(train_fraction)["y_true"] for train_fraction in (0.7, 0.9)]
    assert found.mean == pytest.approx(right[1].mean() - right[0].mean())
    spread = np.subtract(*right[::-1], dtype=float).std() / 20
    assert (found.low, found.high) == pytest.approx((found.mean - 1.96 * spread, found.mean + 1.96 * spread), abs=0.01)
    assert posterior.better > 0.99
    said = render_verdict(verdict)
    assert "McNemar's test" in said
    assert "It speaks of these fitted models on these test rows, not of other training parts." in said


def test_other_metrics_are_bootstrapped() -> None:
    """A metric that is no share of right answers, and weighted accuracy, have the p-value of the bootstrap."""
    auc = only(view_of({"svm": [answers(0.7)], "mlp": [answers(0.9)]}, metric="roc_auc"))
    assert (auc.answer, auc.test) == ("deep", BOOTSTRAP)
    weights = np.random.default_rng(0).uniform(0.5, 1, 400)
    weighted = only(view_of({"svm": [answers(0.9, weights=weights)], "mlp": [answers(0.7, weights=weights)]}))
    assert (weighted.answer, weighted.test) == ("classical", BOOTSTRAP)


def test_smaller_error_is_better() -> None:
    """With an error as the metric the side with the smaller one is ahead."""
    verdict = only(view_of({"svm": [numbers(1.0)], "mlp": [numbers(0.8, seed=1)]}, metric="rmse"))
    assert verdict.answer == "deep"
    assert verdict.difference is not None
    assert 0 < verdict.difference.low < verdict.difference.mean < verdict.difference.high


def test_equal_models_are_equivalent_and_noise_is_not_told() -> None:
    """The same predictions are practically equivalent; a difference within the noise can't be told."""
    assert only(view_of({"svm": [answers(0.8)], "mlp": [answers(0.8)]})).answer == "equivalent"
    verdict = only(view_of({"svm": [answers(0.80)], "mlp": [answers(0.80, seed=5)]}))
    assert verdict.answer == "can't tell"
    assert "If it went on alike" not in render_verdict(verdict)


def in_time(shares: list[float], order: np.ndarray | None = None, **more: Any) -> list[Arrays]:
    """Draw folds of answers, at times in the order of their rows or in another."""
    rows = 300
    places = np.arange(rows) if order is None else order
    return [answers(train_fraction, rows, seed=3, time=places, **more) for train_fraction in shares]


def test_ordered_splits_are_bootstrapped_in_blocks() -> None:
    """The mean is that of the folds' differences, and no test over folds is made."""
    view = view_of({"svm": in_time([0.7, 0.6, 0.7]), "mlp": in_time([0.9, 0.8, 0.8])}, scheme="ordered")
    verdict = only(view)
    assert (verdict.answer, verdict.test) == ("deep", BLOCKS)
    assert verdict.difference is not None
    assert verdict.difference.mean == pytest.approx(np.mean(verdict.differences))
    assert verdict.difference.low < verdict.difference.mean < verdict.difference.high


def test_blocks_follow_time_and_not_rows() -> None:
    """Errors that come in runs make a wide interval; the same rows at shuffled times do not."""
    runs = np.random.default_rng(0).random(30).repeat(10) < 0.7
    truth = np.arange(300) % 2
    said = {"svm": np.where(runs, truth, 1 - truth), "mlp": truth}
    widths = []
    for order in (np.arange(300), np.random.default_rng(1).permutation(300)):
        folds = {model: [answers(0.5, 300, time=order, y_pred=one)] for model, one in said.items()}
        found = only(view_of(folds, scheme="ordered")).difference
        assert found is not None
        widths.append(found.high - found.low)
    assert widths[0] > 1.5 * widths[1]


def without(name: str) -> Callable[[Arrays], Arrays]:
    """Return what takes an array away."""
    return lambda arrays: {key: value for key, value in arrays.items() if key != name}


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda _: {}, "the predictions of the fit mlp-0 are missing or damaged"),
        (without("classes"), "the predictions of the fit mlp-0 do not give its recorded accuracy"),
        (lambda one: one | {"y_pred": one["y_true"]}, "do not give its recorded accuracy"),
        (lambda one: one | {"y_pred": one["y_pred"][:9]}, "do not give its recorded accuracy"),
        (lambda one: one | {"rows": one["rows"] + 1}, "were tested on different rows"),
        (without("time"), "the fit mlp-0 did not store the times of its test rows; run it again"),
    ],
)
def test_predictions_that_bear_no_test(damage: Callable[[Arrays], Arrays], why: str) -> None:
    """Missing, damaged or other predictions than the scored ones are not tested, and the verdict says why."""
    folds = {"svm": in_time([0.7]), "mlp": in_time([0.9])}
    whole = view_of(folds, scheme="ordered")
    view = Run(
        plan=whole.plan,
        records=whole.records,
        suite={},
        provenance={},
        read_predictions=lambda fit: damage(folds["mlp"][0]) if fit == "mlp-0" else folds["svm"][0],
    )
    verdict = only(view)
    assert (verdict.answer, verdict.test, verdict.posterior) == ("can't tell", "", None)
    assert why in verdict.why
    assert verdict.difference is not None
    assert np.isnan(verdict.difference.p_value)
    assert why in render_verdict(verdict)


def test_own_metric_and_few_rows_have_no_test() -> None:
    """A metric of one's own can't be computed on resamples, and nine rows are none to draw from."""
    own = only(view_of({"svm": [answers(0.7)], "mlp": [answers(0.9)]}, metric="profit"))
    assert own.why == "profit is a metric of one's own, which is not drawn anew row by row"
    few = only(view_of({"svm": [answers(0.7, 9)], "mlp": [answers(0.9, 9)]}))
    assert few.why == "a test part has 9 rows; a test needs 10"


def test_class_that_most_resamples_miss_is_told() -> None:
    """A class with one test row leaves a third of the resamples without a score: no test, with the reason."""
    truth = np.array([1] + [0] * 49)
    rare = [answers(0.7, 50, seed=seed, y_true=truth) for seed in (0, 2)]
    verdict = only(view_of({"svm": rare[:1], "mlp": rare[1:]}, metric="roc_auc"))
    assert verdict.why == "roc_auc is undefined on many resamples: too few rows of a class"


@pytest.mark.parametrize(("scheme", "make"), [("predefined", answers), ("ordered", lambda *a, **k: in_time(*a, **k))])
def test_diff_judges_the_same_way(scheme: str, make: Any) -> None:
    """Two runs on such a split are compared by their rows, each with its own predictions."""
    parts = [make([train_fraction]) if scheme == "ordered" else [make(train_fraction)] for train_fraction in (0.9, 0.7)]
    before, after = (view_of({"mlp": part}, scheme=scheme) for part in parts)
    (change,) = compare_runs(before, after)
    assert (change.change, change.why) == ("worse", "")
    (back,) = compare_runs(after, before)
    assert back.change == "better"
    (same,) = compare_runs(before, before)
    assert same.change == "same"


def test_runs_store_what_is_needed(tmp_path: Path) -> None:
    """A run on times that are shuffled in their table, and one on a fixed split, have verdicts with tests."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(size=(120, 3)), columns=["a", "b", "c"])
    table["y"] = table["a"] + 0.1 * table["b"]
    table.assign(when=random.permutation(120)).to_csv(tmp_path / "ordered.csv", index=False)
    table.assign(part=["train", "test"] * 60).to_csv(tmp_path / "fixed.csv", index=False)
    suite = {
        "name": "rows",
        "datasets": [
            {"file": str(tmp_path / "ordered.csv"), "target": "y", "time": "when"},
            {"file": str(tmp_path / "fixed.csv"), "target": "y", "split": "part"},
        ],
        "models": ["ridge", "mlp"],
        "variants": ["default"],
        "outer_folds": 2,
        "caps": {"epochs": 2},
    }
    folder = run_suite(suite, out=tmp_path / "run", tracking=False, workers=2).folder
    view = load_run_view(folder)
    ordered, fixed = judge_datasets(view)
    assert (ordered.test, fixed.test) == (BLOCKS, BOOTSTRAP), (ordered.why, fixed.why)
    for verdict in (ordered, fixed):
        assert verdict.answer == "classical"
        assert verdict.difference is not None
        assert verdict.difference.mean == pytest.approx(np.mean(verdict.differences))
    arrays = view.read_predictions(ordered.selected["deep"].fits[0])
    when = pd.read_csv(tmp_path / "ordered.csv")["when"].to_numpy()
    assert (np.argsort(arrays["time"]) == np.argsort(when[arrays["rows"]])).all()
