"""Metrics: each against scikit-learn's own, and what happens where a model or a training part leaves something out."""

import re
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference
from doubles import LabelsOnlyNeighbors
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from bakeoff.datasets import TASKS
from bakeoff.fitting.predict import predict_rows
from bakeoff.protocol.calibration import expected_calibration_error
from bakeoff.protocol.metrics import METRICS, PRIMARY, compute_metrics, metrics_for
from bakeoff.protocol.predictions import Predictions
from bakeoff.suites.custom import build_custom_metric

CLASSES = {"binary": np.array(["no", "yes"]), "multiclass": np.array(["a", "b", "c", "d"])}


def predictions_of(task: str, positive: Any = None, n_rows: int = 200) -> Predictions:
    """Draw labels, and probabilities that know something of them."""
    random, classes = np.random.default_rng(0), CLASSES[task]
    codes = random.integers(0, len(classes), n_rows)
    raw = random.random((n_rows, len(classes))) + 0.8 * np.eye(len(classes))[codes]
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    return Predictions(
        y_true=classes[codes],
        y_pred=classes[probabilities.argmax(axis=1)],
        classes=classes,
        positive=positive,
        scores=probabilities,
        probabilities=probabilities,
    )


@pytest.mark.parametrize("positive", ["no", "yes"])
def test_binary_against_scikit_learn(positive: str) -> None:
    """Binary metrics are scikit-learn's, for the positive class that is named, first or second."""
    given = predictions_of("binary", positive)
    assert given.probabilities is not None
    of_positive = given.probabilities[:, list(given.classes).index(positive)]
    truth = given.y_true == positive
    expected = {
        "roc_auc": reference.roc_auc_score(truth, of_positive),
        "average_precision": reference.average_precision_score(truth, of_positive),
        "accuracy": reference.accuracy_score(given.y_true, given.y_pred),
        "balanced_accuracy": reference.balanced_accuracy_score(given.y_true, given.y_pred),
        "f1_macro": reference.f1_score(given.y_true, given.y_pred, average="macro"),
        "mcc": reference.matthews_corrcoef(given.y_true, given.y_pred),
        "log_loss": reference.log_loss(given.y_true, given.probabilities, labels=given.classes),
        "brier": reference.brier_score_loss(given.y_true, of_positive, pos_label=positive),
        "calibration_error": slow_calibration_error(given),
    }
    assert compute_metrics(given, metrics_for("binary")) == pytest.approx(expected, rel=1e-12)


def test_positive_class_matters() -> None:
    """Average precision speaks of the positive class, so it changes with it."""
    given = predictions_of("binary", "no")
    other = Predictions(**{**vars(given), "positive": "yes"})
    metric = {"average_precision": METRICS["average_precision"]}
    assert compute_metrics(given, metric) != compute_metrics(other, metric)


def test_multiclass_against_scikit_learn() -> None:
    """Metrics over several classes are scikit-learn's: one-vs-rest, macro-averaged, the whole Brier score."""
    given = predictions_of("multiclass")
    truth, scores = given.y_true, given.probabilities
    expected = {
        "roc_auc": reference.roc_auc_score(truth, scores, multi_class="ovr", average="macro", labels=given.classes),
        "average_precision": reference.average_precision_score(given.one_hot, scores, average="macro"),
        "accuracy": reference.accuracy_score(truth, given.y_pred),
        "balanced_accuracy": reference.balanced_accuracy_score(truth, given.y_pred),
        "f1_macro": reference.f1_score(truth, given.y_pred, average="macro"),
        "mcc": reference.matthews_corrcoef(truth, given.y_pred),
        "log_loss": reference.log_loss(truth, scores, labels=given.classes),
        "brier": reference.brier_score_loss(truth, scores, labels=given.classes),
        "calibration_error": slow_calibration_error(given),
    }
    assert compute_metrics(given, metrics_for("multiclass")) == pytest.approx(expected, rel=1e-12)


def test_regression_against_scikit_learn() -> None:
    """The metrics of a regression are scikit-learn's."""
    random = np.random.default_rng(0)
    y_true = random.normal(size=50)
    y_pred = y_true + random.normal(size=50)
    expected = {
        "rmse": reference.root_mean_squared_error(y_true, y_pred),
        "mae": reference.mean_absolute_error(y_true, y_pred),
        "r2": reference.r2_score(y_true, y_pred),
    }
    given = Predictions(y_true=y_true, y_pred=y_pred, classes=np.empty(0))
    assert compute_metrics(given, metrics_for("regression")) == pytest.approx(expected)


def test_certain_and_wrong_is_finite() -> None:
    """A probability of 0 for what happened costs as much as in scikit-learn: it is clipped, not infinite."""
    probabilities = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    y_true = np.array([0, 1, 1])
    given = Predictions(
        y_true=y_true, y_pred=np.array([0, 1, 0]), classes=np.array([0, 1]), positive=1, probabilities=probabilities
    )
    found = compute_metrics(given, {"log_loss": METRICS["log_loss"]})["log_loss"]
    assert found == pytest.approx(reference.log_loss(y_true, probabilities))


def slow_calibration_error(given: Predictions) -> float:
    """Compute the calibration error by plain loops: 15 bins of equal mass over the top probability."""
    assert given.probabilities is not None
    rows = []
    for row, truth in zip(given.probabilities, given.y_true, strict=True):
        top = max(range(len(row)), key=lambda k: row[k])
        rows.append((row[top], given.classes[top] == truth))
    rows.sort(key=lambda pair: pair[0])
    small, larger = divmod(len(rows), 15)
    start, total = 0, 0.0
    for number in range(15):
        bin_rows = rows[start : start + small + (number < larger)]
        start += len(bin_rows)
        if bin_rows:
            confidence = sum(p for p, _ in bin_rows) / len(bin_rows)
            accuracy = sum(right for _, right in bin_rows) / len(bin_rows)
            total += len(bin_rows) * abs(accuracy - confidence)
    return total / len(rows)


def test_calibration_error_by_hand() -> None:
    """Two bins of two rows: |1/2 - 0.6| and |1 - 0.85|, averaged over rows."""
    error = expected_calibration_error(np.array([0.9, 0.5, 0.8, 0.7]), np.array([True, False, True, True]), n_bins=2)
    assert error == pytest.approx((2 * abs(0.5 - 0.6) + 2 * abs(1.0 - 0.85)) / 4)


def test_calibration_error_with_fewer_rows_than_bins() -> None:
    """Each row is then a bin of its own, and empty bins count for nothing."""
    error = expected_calibration_error(np.array([0.9, 0.6]), np.array([True, False]))
    assert error == pytest.approx((0.1 + 0.6) / 2)


def test_calibration_error_of_equal_probabilities() -> None:
    """Rows of one probability share a bin: a constant model is as calibrated as its mean, in any order of rows."""
    correct = np.arange(100) < 60
    for order in (np.arange(100), np.random.default_rng(0).permutation(100)):
        assert expected_calibration_error(np.full(100, 0.6), correct[order]) == pytest.approx(0)


def test_calibration_error_extremes() -> None:
    """Certain and right is 0, certain and wrong is 1."""
    sure = np.ones(40)
    assert expected_calibration_error(sure, np.ones(40, dtype=bool)) == 0
    assert expected_calibration_error(sure, np.zeros(40, dtype=bool)) == 1


def fitted(model: Any, labels: np.ndarray) -> tuple[Any, np.ndarray]:
    """Fit a model on rows whose first column tells the label."""
    X = np.random.default_rng(0).normal(size=(len(labels), 3))
    X[:, 0] += 2 * np.unique(labels, return_inverse=True)[1]
    return make_pipeline(StandardScaler(), model).fit(X, labels), X


NEEDS_PROBABILITIES = {"log_loss", "brier", "calibration_error"}
NEEDS_SCORES = {"roc_auc", "average_precision"}


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize(
    ("model", "missing"),
    [
        (LogisticRegression(), set()),
        (SVC(), NEEDS_PROBABILITIES),
        (Perceptron(), NEEDS_PROBABILITIES),
    ],
)
def test_metrics_that_a_model_allows(task: str, model: Any, missing: set[str]) -> None:
    """Without probabilities the decision values rank, and the metrics of probabilities are missing."""
    classes = CLASSES[task]
    labels = np.repeat(classes, 20)
    pipeline, X = fitted(model, labels)
    predictions = predict_rows(pipeline, X, labels, classes=classes, positive=classes[0])
    metrics = compute_metrics(predictions, metrics_for(task))  # type: ignore[arg-type]  # a task's name
    assert set(metrics) == set(metrics_for(task)) - missing  # type: ignore[arg-type]  # as above
    if missing:
        scores = pipeline.decision_function(X)
        one_hot = labels[:, None] == classes
        columns = np.column_stack([-scores, scores]) if task == "binary" else scores
        judged = [0] if task == "binary" else range(len(classes))
        expected = np.mean([reference.roc_auc_score(one_hot[:, k], columns[:, k]) for k in judged])
        assert metrics["roc_auc"] == pytest.approx(expected)
        assert metrics["roc_auc"] > 0.7


def test_model_that_says_labels_alone() -> None:
    """A model with neither probabilities nor decision values has the metrics of labels only."""
    classes = CLASSES["multiclass"]
    labels = np.repeat(classes, 20)
    pipeline, X = fitted(LabelsOnlyNeighbors(), labels)
    predictions = predict_rows(pipeline, X, labels, classes=classes, positive=None)
    assert predictions.scores is None
    found = set(compute_metrics(predictions, metrics_for("multiclass")))
    assert found == set(metrics_for("multiclass")) - NEEDS_PROBABILITIES - NEEDS_SCORES


def test_training_part_without_a_class() -> None:
    """A class that the model never saw has probability 0, and every metric is still over all classes."""
    classes = CLASSES["multiclass"]
    pipeline, _ = fitted(LogisticRegression(), np.repeat(classes[[0, 1, 3]], 20))
    X, y_true = np.random.default_rng(0).normal(size=(12, 3)), np.repeat(classes, 3)
    predictions = predict_rows(pipeline, X, y_true, classes=classes, positive=None)
    assert predictions.probabilities is not None
    np.testing.assert_array_equal(predictions.probabilities[:, 2], 0)
    np.testing.assert_array_equal(predictions.probabilities[:, [0, 1, 3]], pipeline.predict_proba(X))
    metrics = compute_metrics(predictions, metrics_for("multiclass"))
    assert set(metrics) == set(metrics_for("multiclass"))
    assert metrics["log_loss"] == pytest.approx(reference.log_loss(y_true, predictions.probabilities, labels=classes))
    assert metrics["brier"] == pytest.approx(
        reference.brier_score_loss(y_true, predictions.probabilities, labels=classes)
    )
    expected = reference.roc_auc_score(y_true, predictions.probabilities, multi_class="ovr", labels=classes)
    assert metrics["roc_auc"] == pytest.approx(expected)


def test_decision_values_for_a_class_that_was_absent() -> None:
    """A class that the model never saw ranks below all others, also beside two known classes in one column."""
    classes = np.array([1, 2, 3])
    pipeline, _ = fitted(Perceptron(), np.repeat([1, 3], 20))
    X = np.random.default_rng(0).normal(size=(9, 3))
    predictions = predict_rows(pipeline, X, np.repeat(classes, 3), classes=classes, positive=None)
    assert predictions.scores is not None
    np.testing.assert_array_equal(predictions.scores[:, 2], pipeline.decision_function(X))
    np.testing.assert_array_equal(predictions.scores[:, 0], -pipeline.decision_function(X))
    assert (predictions.scores[:, 1] < predictions.scores[:, [0, 2]].min()).all()


class OneClass(LogisticRegression):
    """A classifier that was fitted on a single class and says so."""

    def fit(self, X: Any, y: Any) -> "OneClass":
        """Learn the one class."""
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the one class."""
        return np.repeat(self.classes_, len(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return certainty."""
        return np.ones((len(X), 1))


def test_training_part_with_a_single_class() -> None:
    """A model that knows one class of two gets its probability into the right column."""
    classes = CLASSES["binary"]
    pipeline = make_pipeline(OneClass()).fit(np.zeros((3, 1)), np.array(["yes"] * 3))
    y_true = np.array(["yes", "no"])
    predictions = predict_rows(pipeline, np.zeros((2, 1)), y_true, classes=classes, positive="yes")
    assert predictions.probabilities is not None
    assert predictions.probabilities.tolist() == [[0, 1], [0, 1]]
    assert compute_metrics(predictions, metrics_for("binary"))["roc_auc"] == 0.5


def test_undefined_metric_is_missing() -> None:
    """Where a class has no test row, ranking metrics are missing instead of made up; the others stay."""
    classes = np.array([0, 1, 2])
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), size=10)
    y_true = np.repeat([0, 1], 5)
    given = Predictions(
        y_true=y_true, y_pred=y_true, classes=classes, scores=probabilities, probabilities=probabilities
    )
    assert set(compute_metrics(given, metrics_for("multiclass"))) == set(metrics_for("multiclass")) - NEEDS_SCORES


def test_regression_has_no_classes() -> None:
    """The values of a regressor are floats of one dimension, without scores."""
    pipeline, X = fitted(DummyRegressor(), np.arange(10))
    predictions = predict_rows(pipeline, X, np.arange(10), classes=np.empty(0), positive=None)
    assert predictions.y_pred.dtype == float
    assert predictions.y_pred.shape == (10,)
    assert predictions.scores is None
    assert set(compute_metrics(predictions, metrics_for("regression"))) == {"rmse", "mae", "r2"}


def test_score_is_bigger_for_better() -> None:
    """A perfect prediction scores above a poor one by every metric, whatever the metric's own direction."""
    labels = np.tile([0, 1, 2], 10)
    right, wrong = np.eye(3)[labels] * 0.7 + 0.1, np.eye(3)[(labels + 1) % 3] * 0.7 + 0.1
    tasks = {
        "multiclass": [
            Predictions(
                y_true=labels,
                y_pred=table.argmax(axis=1),
                classes=np.arange(3),
                scores=table,
                probabilities=table,
            )
            for table in (right, wrong)
        ],
        "regression": [
            Predictions(y_true=labels.astype(float), y_pred=labels + shift, classes=np.empty(0)) for shift in (0.1, 3.0)
        ],
    }
    judged = set()
    for task, (good, poor) in tasks.items():
        for name, metric in metrics_for(task).items():  # type: ignore[arg-type]  # a task's name
            judged.add(name)
            assert metric.score(metric.compute(good)) > metric.score(metric.compute(poor)), name
    assert judged == set(METRICS)


def test_table_of_metrics() -> None:
    """Names are keys, allowed in MLflow, and every task's primary metric judges it."""
    assert len(METRICS) >= 12
    for name, metric in METRICS.items():
        assert metric.name == name
        assert re.fullmatch(r"[\w./ -]+", name, re.ASCII)
        assert metric.summary
    assert set(PRIMARY) == set(TASKS)
    for task, name in PRIMARY.items():
        assert name in metrics_for(task)


class Says:
    """A fitted model that returns what it is told to."""

    classes_ = np.array([0, 1])

    def __init__(self, labels: Any, probabilities: Any = None) -> None:
        self.predict = lambda X: np.asarray(labels)
        if probabilities is not None:
            self.predict_proba = lambda X: np.asarray(probabilities)


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        (Says([0, 1], [[7.0, 7.0], [7.0, 7.0]]), "must return probabilities"),
        (Says([0, 1], [[-3.0, 4.0], [0.5, 0.5]]), "must return probabilities"),
        (Says([0, 1], [[np.nan, 1.0], [0.5, 0.5]]), "not finite real numbers"),
        (Says([0, 1], [[1j, 1.0], [0.5, 0.5]]), "not finite real numbers"),
        (Says(["zzz", "zzz"]), "none of the labels"),
        (Says([0, 5]), "'5', which is none of the labels"),
        (Says([0, 1, 1]), "one value for each of the 2 rows"),
    ],
)
def test_impossible_predictions_are_refused(model: Says, problem: str) -> None:
    """What is no prediction is an error, never judged: rows that sum to 14 would have a perfect log loss."""
    with pytest.raises(ValueError, match=problem):
        predict_rows(model, np.zeros((2, 1)), np.array([0, 1]), classes=np.array([0, 1]), positive=1)


def test_labels_of_another_number_type_are_taken() -> None:
    """Floats that equal the integer labels, and booleans, are these labels."""
    for labels in ([0.0, 1.0], [False, True]):
        found = predict_rows(Says(labels), np.zeros((2, 1)), np.array([0, 1]), classes=np.array([0, 1]), positive=1)
        assert compute_metrics(found, metrics_for("binary"))["accuracy"] == 1


def test_own_metric_that_fails_is_missing() -> None:
    """A user's metric that raises is missing, with a warning; the standard ones stand."""
    broken = build_custom_metric("broken", lambda y_true, y_pred: 1 / 0, greater_is_better=True)
    found = predict_rows(Says([0, 1]), np.zeros((2, 1)), np.array([0, 1]), classes=np.array([0, 1]), positive=1)
    with pytest.warns(UserWarning, match="the metric broken failed: ZeroDivisionError"):
        values = compute_metrics(found, {**metrics_for("binary"), "broken": broken})
    assert "broken" not in values
    assert values["accuracy"] == 1
