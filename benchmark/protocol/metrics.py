"""Metrics: what each needs from a model, which way is better, and the one place where signs are flipped.

A *score* is always bigger-is-better. A metric that a model cannot have (no probabilities, say) is missing from the
result: never 0, never computed from labels instead.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Self

import numpy as np

from bakeoff.tasks import Task

Needs = Literal["values", "scores", "probabilities"]
CLASSIFICATION_TASKS: tuple[Task, ...] = ("binary", "multiclass")
CALIBRATION_BINS = 15


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What one fitted model says of the test rows.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_rows,)
        Labels or values.
    classes : ndarray of shape (n_classes,)
        All labels of the data set, sorted; empty for a regression.
    positive : label, optional
        Positive class of a binary task.
    scores : ndarray of shape (n_rows, n_classes), optional
        Probabilities, or decision values where there are none: bigger means more likely.
    probabilities : ndarray of shape (n_rows, n_classes), optional
        Rows sum to 1; 0 for a class that was absent from the training rows.
    weights : ndarray of shape (n_rows,), optional
        How much each row counts in every standard metric.
    """

    y_true: np.ndarray
    y_pred: np.ndarray
    classes: np.ndarray
    positive: Any = None
    scores: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    weights: np.ndarray | None = None

    @property
    def one_hot(self) -> np.ndarray:
        """1 where a row is of a class, shape (n_rows, n_classes)."""
        return np.asarray(self.y_true[:, None] == self.classes[None, :], dtype=float)

    @property
    def one_vs_rest_columns(self) -> list[int]:
        """Columns of the classes that one-vs-rest metrics average over: all, or of two the positive one."""
        if len(self.classes) > 2:
            return list(range(len(self.classes)))
        return [int(np.flatnonzero(self.classes == self.positive)[0])]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], positive: Any) -> Self:
        """Return what a fit stored of its test rows; the positive class may be named by its text alone."""
        scores, classes = arrays.get("scores"), arrays["classes"]
        return cls(
            y_true=arrays["y_true"],
            y_pred=arrays["y_pred"],
            classes=classes,
            positive=next((label for label in classes if label == positive or str(label) == positive), positive),
            scores=scores,
            probabilities=scores if bool(arrays["scores_are_probabilities"]) else None,
            weights=arrays.get("weights"),
        )

    def to_arrays(self, rows: np.ndarray, times: np.ndarray | None) -> dict[str, np.ndarray]:
        """Return what a fit stores of its test rows; of their times (of all rows) only the order is kept."""
        arrays = {"rows": rows, "y_true": self.y_true, "y_pred": self.y_pred, "classes": self.classes}
        if times is not None:
            arrays["time"] = np.unique(times[rows], return_inverse=True)[1]
        if self.scores is not None:
            arrays["scores"] = self.scores
        if self.weights is not None:
            arrays["weights"] = self.weights
        return {**arrays, "scores_are_probabilities": np.asarray(self.probabilities is not None)}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric: its name, the tasks it judges, what it needs, and its function of `Predictions`."""

    name: str
    tasks: tuple[Task, ...]
    needs: Needs
    greater_is_better: bool
    compute: Callable[[Predictions], float]
    summary: str

    def score(self, value: float) -> float:
        """Return the value with the sign that makes bigger better."""
        return value if self.greater_is_better else -value


def compute_metrics(predictions: Predictions, metrics: Mapping[str, Metric]) -> dict[str, float]:
    """Compute every metric that these predictions allow; the others are left out."""
    has = {
        "values": True,
        "scores": predictions.scores is not None,
        "probabilities": predictions.probabilities is not None,
    }
    values = {name: _compute(metric, predictions) for name, metric in metrics.items() if has[metric.needs]}
    return {name: value for name, value in values.items() if np.isfinite(value)}


def _compute(metric: Metric, predictions: Predictions) -> float:
    """Compute one metric; a user's own that fails is missing, with a warning, and takes no other metric along."""
    if metric.name in METRICS:
        return float(metric.compute(predictions))
    try:
        return float(metric.compute(predictions))
    except Exception as error:
        warnings.warn(f"the metric {metric.name} failed: {type(error).__name__}: {error}", stacklevel=2)
        return np.nan


def metrics_for(task: Task, metrics: Mapping[str, Metric] | None = None) -> dict[str, Metric]:
    """Return those of the metrics (the standard ones if left out) that judge a task, by name."""
    return {name: metric for name, metric in (metrics or METRICS).items() if task in metric.tasks}


def top_label(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of each row's most likely class, and whether that is the true one."""
    assert predictions.probabilities is not None  # the caller looked
    top = predictions.probabilities.argmax(axis=1)
    return predictions.probabilities.max(axis=1), predictions.classes[top] == predictions.y_true


def calibration_bins(probabilities: np.ndarray, n_bins: int = CALIBRATION_BINS) -> np.ndarray:
    """Return the bin of each row, from 0: bins of equal mass, and equal probabilities share one."""
    from scipy.stats import rankdata

    bins: np.ndarray = (rankdata(probabilities, method="min").astype(int) - 1) * n_bins // len(probabilities)
    return bins


def expected_calibration_error(
    probabilities: np.ndarray,
    correct: np.ndarray,
    weights: np.ndarray | None = None,
    n_bins: int = CALIBRATION_BINS,
) -> float:
    """Return the top-label calibration error over bins of equal mass; equal probabilities share a bin.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows,)
        Probability of the predicted (most likely) class.
    correct : ndarray of bool of shape (n_rows,)
    weights : ndarray of shape (n_rows,), optional
        How much each row counts.
    n_bins : int

    Returns
    -------
    float
        Mean over rows of |accuracy - confidence| of the row's bin, in [0, 1].

    References
    ----------
    Guo et al. 2017, On Calibration of Modern Neural Networks (top label); Nguyen & O'Connor 2015, Posterior
    calibration and exploratory analysis for NLP models (bins of equal mass).
    """
    bins = calibration_bins(probabilities, n_bins)
    mass = np.ones(len(bins)) if weights is None else weights
    gaps = np.bincount(bins, weights=mass * (correct - probabilities), minlength=n_bins)
    return float(np.abs(gaps).sum() / mass.sum())


def _label_metric(predictions: Predictions, function: str, **options: Any) -> float:
    """Call a metric of scikit-learn on labels or values."""
    import sklearn.metrics

    judge = getattr(sklearn.metrics, function)
    return float(judge(predictions.y_true, predictions.y_pred, sample_weight=predictions.weights, **options))


def _one_vs_rest(predictions: Predictions, function: str) -> float:
    """One-vs-rest, macro-averaged; for a binary task the positive class. Undefined if a class has no test row."""
    import sklearn.metrics

    assert predictions.scores is not None  # compute_metrics saw to it
    one_hot = predictions.one_hot
    if one_hot.sum(axis=0).min() == 0:
        return np.nan
    judge = getattr(sklearn.metrics, function)
    values = [
        judge(one_hot[:, k], predictions.scores[:, k], sample_weight=predictions.weights)
        for k in predictions.one_vs_rest_columns
    ]
    return float(np.mean(values))


def _log_loss(predictions: Predictions) -> float:
    assert predictions.probabilities is not None  # compute_metrics saw to it
    chosen = (predictions.probabilities * predictions.one_hot).sum(axis=1)
    losses = -np.log(np.clip(chosen, np.finfo(np.float64).eps, 1))
    return float(np.average(losses, weights=predictions.weights))


def _brier(predictions: Predictions) -> float:
    """Brier 1950 for several classes; the usual half of it, (p - y)², for two."""
    assert predictions.probabilities is not None  # compute_metrics saw to it
    squares = ((predictions.probabilities - predictions.one_hot) ** 2).sum(axis=1)
    mean = np.average(squares, weights=predictions.weights)
    return float(mean / 2 if len(predictions.classes) == 2 else mean)


def _calibration(predictions: Predictions) -> float:
    return expected_calibration_error(*top_label(predictions), predictions.weights)


def _metric(
    name: str,
    tasks: tuple[Task, ...],
    needs: Needs,
    greater: bool,
    compute: Callable[[Predictions], float],
    summary: str,
) -> Metric:
    return Metric(name=name, tasks=tasks, needs=needs, greater_is_better=greater, compute=compute, summary=summary)


METRICS = {
    metric.name: metric
    for metric in (
        _metric(
            "roc_auc",
            CLASSIFICATION_TASKS,
            "scores",
            True,
            partial(_one_vs_rest, function="roc_auc_score"),
            "area under the ROC curve (one-vs-rest, macro)",
        ),
        _metric(
            "accuracy",
            CLASSIFICATION_TASKS,
            "values",
            True,
            partial(_label_metric, function="accuracy_score"),
            "share of rows that are right",
        ),
        _metric(
            "balanced_accuracy",
            CLASSIFICATION_TASKS,
            "values",
            True,
            partial(_label_metric, function="balanced_accuracy_score"),
            "mean recall over the classes",
        ),
        _metric(
            "f1_macro",
            CLASSIFICATION_TASKS,
            "values",
            True,
            partial(_label_metric, function="f1_score", average="macro", zero_division=0.0),
            "mean F1 over the classes",
        ),
        _metric(
            "average_precision",
            CLASSIFICATION_TASKS,
            "scores",
            True,
            partial(_one_vs_rest, function="average_precision_score"),
            "area under precision and recall (one-vs-rest, macro)",
        ),
        _metric(
            "mcc",
            CLASSIFICATION_TASKS,
            "values",
            True,
            partial(_label_metric, function="matthews_corrcoef"),
            "Matthews correlation coefficient",
        ),
        _metric("log_loss", CLASSIFICATION_TASKS, "probabilities", False, _log_loss, "mean negative log-likelihood"),
        _metric(
            "brier", CLASSIFICATION_TASKS, "probabilities", False, _brier, "mean squared error of the probabilities"
        ),
        _metric(
            "calibration_error",
            CLASSIFICATION_TASKS,
            "probabilities",
            False,
            _calibration,
            "top-label calibration error, 15 bins of equal mass",
        ),
        _metric(
            "rmse",
            ("regression",),
            "values",
            False,
            partial(_label_metric, function="root_mean_squared_error"),
            "root mean squared error",
        ),
        _metric(
            "mae",
            ("regression",),
            "values",
            False,
            partial(_label_metric, function="mean_absolute_error"),
            "mean absolute error",
        ),
        _metric(
            "r2",
            ("regression",),
            "values",
            True,
            partial(_label_metric, function="r2_score"),
            "coefficient of determination",
        ),
    )
}
PRIMARY: dict[Task, str] = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "rmse"}
