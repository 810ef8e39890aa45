"""Metrics: what each needs from a model, which way is better, and the one place where signs are flipped.

A *score* is always bigger-is-better. A metric that a model cannot have (no probabilities, say) is missing from the
result: never 0, never computed from labels instead.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from bakeoff.protocol.calibration import expected_calibration_error, top_label
from bakeoff.protocol.predictions import Predictions
from bakeoff.tasks import Task

Needs = Literal["values", "scores", "probabilities"]
CLASSIFICATION_TASKS: tuple[Task, ...] = ("binary", "multiclass")


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
