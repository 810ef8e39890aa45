"""Calibration and thresholds: learned on out-of-fold predictions of the training part, as part of a model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from doubles import LabelsOnlyNeighbors
from runs import prepare_job
from scipy.special import softmax
from sklearn.datasets import load_wine
from sklearn.metrics import f1_score, log_loss

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.wrappers.calibrated import CalibratedClassifier, IsotonicCalibration, TemperatureScaling
from bakeoff.estimators.wrappers.thresholded import ThresholdedClassifier
from bakeoff.evaluation.evaluate import evaluate
from bakeoff.planning.staging import write_data_file
from bakeoff.protocol.job import Job
from bakeoff.protocol.splits import outer_splits
from bakeoff.suites.custom import build_custom_spec

ROWS = 240
VARIANTS = ["default", "tuned", "bagged", "ensemble", "bagged-ensemble"]


def build_dataset(share: float = 0.5, **changes: Any) -> Dataset:
    """Make a binary task with one informative column, and so many rows of the positive class."""
    random = np.random.default_rng(0)
    X = random.normal(size=(ROWS, 3)).astype("float32")
    noisy = X[:, 0] + random.normal(scale=0.7, size=ROWS)
    y = np.where(noisy > np.quantile(noisy, 1 - share), "yes", "no")
    made = {"name": "made", "X": X, "y": y, "task": "binary", "kind": "series", "input_shape": (1, 3)}
    return Dataset(**{**made, "positive": "yes", **changes})


def build_job(tmp_path: Path, dataset: Dataset, model: Any = "logistic", variant: str = "default", **suite: Any) -> Job:
    """Make the job of the first fold, with its data prepared."""
    own = hasattr(model, "build")
    content = {
        "models": [{"memory": model.name} if own else model],
        "variants": [variant],
        "outer_folds": 3,
        "inner_folds": 3,
        "bagging_folds": 3,
        "tuning": {"trials": 3},
        "caps": {"epochs": 5, "trees": 20},
        "primary": {"binary": "f1_macro"},
        **suite,
    }
    return prepare_job(tmp_path, dataset, content, models={model.name: model} if own else {})


def overconfident(n_rows: int, n_classes: int, factor: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels from probabilities, and return them with those of a model that is too sure by a factor."""
    random = np.random.default_rng(seed)
    logits = random.normal(scale=1.5, size=(n_rows, n_classes))
    y = np.array([random.choice(n_classes, p=one) for one in softmax(logits, axis=1)])
    return softmax(factor * logits, axis=1), y


@pytest.mark.parametrize("n_classes", [2, 5])
def test_temperature_undoes_overconfidence(n_classes: int) -> None:
    """The temperature is the factor by which a model is too sure; its labels stay, and new rows lose less."""
    probabilities, y = overconfident(3000, n_classes, 4.0)
    scaling = TemperatureScaling().fit(probabilities, y, are_probabilities=True, weights=None)
    assert scaling.temperature_ == pytest.approx(4.0, rel=0.15)
    new, truth = overconfident(1000, n_classes, 4.0, seed=1)
    calibrated = scaling.predict_proba(new, are_probabilities=True)
    np.testing.assert_array_equal(calibrated.argmax(axis=1), new.argmax(axis=1))
    assert log_loss(truth, calibrated) < 0.8 * log_loss(truth, new)


def test_temperature_counts_weights_and_stays_finite() -> None:
    """A row of weight two counts as two rows; where all rows are right, some doubt is kept."""
    probabilities, y = overconfident(200, 3, 2.0)
    weights = np.where(np.arange(200) < 50, 2.0, 1.0)
    twice = np.concatenate([np.arange(200), np.arange(50)])
    weighted = TemperatureScaling().fit(probabilities, y, are_probabilities=True, weights=weights)
    repeated = TemperatureScaling().fit(probabilities[twice], y[twice], are_probabilities=True, weights=None)
    assert weighted.temperature_ == pytest.approx(repeated.temperature_, rel=0.02)
    right = softmax(5 * np.eye(3)[np.arange(60) % 3], axis=1)
    sure = TemperatureScaling().fit(right, np.arange(60) % 3, are_probabilities=True, weights=None)
    assert 0.005 < 1 - sure.predict_proba(right, are_probabilities=True).max() < 0.05


def test_temperature_takes_no_zero_at_its_word() -> None:
    """Shares of few votes are 0 now and then: one such row that is wrong does not blur all others."""
    random = np.random.default_rng(0)
    votes = random.multinomial(5, [0.9, 0.05, 0.05], size=300) / 5
    y = np.array([random.choice(3, p=0.85 * one + 0.05) for one in votes])
    assert (votes[np.arange(300), y] == 0).any()
    scaling = TemperatureScaling().fit(votes, y, are_probabilities=True, weights=None)
    calibrated = scaling.predict_proba(votes, are_probabilities=True)
    assert log_loss(y, calibrated) < log_loss(y, np.full((300, 3), np.bincount(y) / 300))
    assert (np.argsort(calibrated, kind="stable") == np.argsort(votes, kind="stable")).all()


@pytest.mark.parametrize("n_classes", [2, 4])
def test_isotonic_steps_rise_and_sum_to_one(n_classes: int) -> None:
    """Probabilities sum to one; of two classes the second rises with its score; new rows lose less."""
    probabilities, y = overconfident(3000, n_classes, 4.0)
    fitted = IsotonicCalibration().fit(probabilities, y, are_probabilities=True, weights=None)
    new, truth = overconfident(1000, n_classes, 4.0, seed=1)
    calibrated = fitted.predict_proba(new, are_probabilities=True)
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    assert np.mean((calibrated - np.eye(n_classes)[truth]) ** 2) < np.mean((new - np.eye(n_classes)[truth]) ** 2)
    if n_classes == 2:
        assert (np.diff(calibrated[np.argsort(new[:, 1]), 1]) >= 0).all()


def test_isotonic_without_any_evidence_is_even() -> None:
    """Where every class has probability 0, all are alike."""
    scores, y = np.eye(3)[np.arange(30) % 3], np.arange(30) % 3
    fitted = IsotonicCalibration().fit(scores, y, are_probabilities=True, weights=None)
    np.testing.assert_allclose(fitted.predict_proba(np.zeros((1, 3)), are_probabilities=True), 1 / 3)


def test_wrapped_classifiers_are_made_of_fitted_ones() -> None:
    """Neither wrapper can be fitted; a threshold moves labels and leaves probabilities."""
    from sklearn.linear_model import LogisticRegression

    dataset = build_dataset()
    model = LogisticRegression().fit(dataset.X, dataset.y)
    careful = ThresholdedClassifier(model, 0.9, "yes")
    np.testing.assert_array_equal(careful.predict(dataset.X) == "yes", model.predict_proba(dataset.X)[:, 1] >= 0.9)
    np.testing.assert_array_equal(careful.predict_proba(dataset.X), model.predict_proba(dataset.X))
    other = ThresholdedClassifier(model, 0.9, "no")
    np.testing.assert_array_equal(other.predict(dataset.X) == "no", model.predict_proba(dataset.X)[:, 0] >= 0.9)
    for one in (careful, CalibratedClassifier(model, TemperatureScaling(), dataset.classes)):
        with pytest.raises(TypeError, match="made of a fitted one"):
            one.fit(dataset.X, dataset.y)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("model", ["linear_svm", "mlp"])
def test_every_variant_is_adjusted(tmp_path: Path, model: str, variant: str) -> None:
    """Each has its temperature, its threshold and its inner score, and probabilities even without its own."""
    dataset = build_dataset(0.3)
    job = build_job(tmp_path, dataset, model, variant, calibrate="temperature", threshold="tuned")
    result = evaluate(job)
    spent = result.diagnostics
    assert spent["temperature"] > 0
    assert 0 < spent["threshold"] < 1
    assert spent["inner_metric"] == "f1_macro"
    assert spent["fit_s"] > spent["adjust_s"] > 0
    assert {"log_loss", "calibration_error"} <= set(result.metrics)
    shown = result.predictions
    np.testing.assert_array_equal(shown["y_pred"] == "yes", shown["scores"][:, 1] >= spent["threshold"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_poisoned_test_part_changes_nothing_learned(tmp_path: Path, variant: str) -> None:
    """Temperature, threshold and inner score are the same whatever the outer test part holds."""
    clean = build_dataset(0.3)
    split = outer_splits(clean, folds=3, repeats=1, seed=0)[0]
    X, y = clean.X.copy(), clean.y.copy()
    X[split.test] = 1e3
    y[split.test] = np.where(y[split.test] == "yes", "no", "yes")
    job = build_job(tmp_path, clean, "logistic", variant, calibrate="isotonic", threshold="tuned")
    other = replace(job, data_file=tmp_path / "poisoned.joblib", split_index=0)
    write_data_file(other.data_file, replace(clean, X=X, y=y), [split])
    ours, theirs = evaluate(job), evaluate(other)
    for name in ("threshold", "inner_score"):
        assert ours.diagnostics[name] == theirs.diagnostics[name]
    assert ours.params == theirs.params
    assert ours.metrics != theirs.metrics


def test_threshold_pays_where_classes_are_unequal(tmp_path: Path) -> None:
    """On a rare positive class F1 rises on test rows; the ranking of rows stays as it is."""
    dataset = build_dataset(0.15)
    usual = evaluate(build_job(tmp_path, dataset))
    chosen = evaluate(build_job(tmp_path, dataset, threshold="tuned"))
    assert chosen.diagnostics["threshold"] < 0.5
    assert chosen.metrics["f1_macro"] > usual.metrics["f1_macro"]
    assert chosen.metrics["roc_auc"] == usual.metrics["roc_auc"]
    shown = chosen.predictions
    assert chosen.metrics["f1_macro"] == pytest.approx(f1_score(shown["y_true"], shown["y_pred"], average="macro"))


def test_kept_predictions_of_a_study_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tuned fit is adjusted by what its best trial predicted; nothing is fitted on inner folds again."""
    job = build_job(tmp_path, build_dataset(), "knn", "tuned", calibrate="temperature")
    job = replace(job, journal=tmp_path / "study.log")
    first = evaluate(job)
    assert len(list((tmp_path / "study").glob("*.npz"))) == first.diagnostics["trials"]

    def refuse(*_: Any) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr("bakeoff.evaluation.final_fit.predict_inner_folds", refuse)
    again = evaluate(job)
    assert again.metrics == first.metrics
    assert again.diagnostics["temperature"] == first.diagnostics["temperature"]


def test_what_has_no_scores_is_left_alone(tmp_path: Path) -> None:
    """A model of labels alone is fitted as ever, and its record says why nothing was done."""
    spec = build_custom_spec(name="voter", build=lambda _: LabelsOnlyNeighbors(5))
    result = evaluate(build_job(tmp_path, build_dataset(), spec, calibrate="temperature", threshold="tuned"))
    assert "neither probabilities nor decision values" in result.diagnostics["not_adjusted"]
    assert "temperature" not in result.diagnostics
    assert "f1_macro" in result.metrics


def test_a_threshold_that_cannot_matter_is_not_chosen(tmp_path: Path) -> None:
    """With a primary metric of scores, and for regressions, fits are what they are without."""
    job = build_job(tmp_path, build_dataset(), threshold="tuned", primary={"binary": "roc_auc"})
    assert not job.adjusts_predictions
    assert "threshold" not in evaluate(job).diagnostics
    numbers = build_dataset(task="regression", positive=None, y=build_dataset().X[:, 0].astype(float))
    assert not build_job(tmp_path, numbers, "ridge", threshold="tuned", calibrate="isotonic").adjusts_predictions


def test_multiclass_tasks_are_calibrated(tmp_path: Path) -> None:
    """Naive Bayes on wine's first columns is too sure; its temperature is above 1 and it loses less."""
    X, y = load_wine(return_X_y=True)
    dataset = build_dataset(task="multiclass", positive=None, X=np.repeat(X[:, :2], 4, axis=1), y=y, kind="tabular")
    raw = evaluate(build_job(tmp_path, as_table(dataset), "gaussian_nb"))
    scaled = evaluate(build_job(tmp_path, as_table(dataset), "gaussian_nb", calibrate="temperature"))
    assert scaled.diagnostics["temperature"] > 1.5
    assert scaled.metrics["log_loss"] < raw.metrics["log_loss"]
    assert scaled.metrics["accuracy"] == raw.metrics["accuracy"]
    assert scaled.diagnostics["tune_fits"] == 3


def as_table(dataset: Dataset) -> Dataset:
    """Return a data set with its rows as a frame."""
    import pandas as pd

    X = pd.DataFrame(dataset.X, columns=[f"c{place}" for place in range(dataset.X.shape[1])])
    return replace(dataset, X=X, input_shape=None)
