"""From a fitted pipeline to `Predictions` over all classes of the data set, whatever the training rows held."""

from typing import Any

import numpy as np

from bakeoff.metrics import Predictions


def predict_rows(pipeline: Any, X: Any, y_true: np.ndarray, *, classes: np.ndarray, positive: Any) -> Predictions:
    """Ask a fitted pipeline for all it can say of the rows `X`.

    Parameters
    ----------
    pipeline : fitted estimator
    X : array-like of shape (n_rows, ...)
    y_true : ndarray of shape (n_rows,)
    classes : ndarray of shape (n_classes,)
        All labels of the data set; empty for a regression.
    positive : label
        Positive class of a binary task.
    """
    y_pred = np.asarray(pipeline.predict(X)).reshape(-1)
    if not len(classes):
        return Predictions(y_true=y_true, y_pred=y_pred.astype(float), classes=classes)
    probabilities = _over_all(pipeline, "predict_proba", X, classes, absent=0.0)
    scores = (
        probabilities
        if probabilities is not None
        else _over_all(pipeline, "decision_function", X, classes, absent=None)
    )
    return Predictions(
        y_true=y_true, y_pred=y_pred, classes=classes, positive=positive, scores=scores, probabilities=probabilities
    )


def _over_all(pipeline: Any, method: str, X: Any, classes: np.ndarray, *, absent: float | None) -> np.ndarray | None:
    """Call a method, if the pipeline has it, and give each class of the data set a column."""
    if not hasattr(pipeline, method):  # scikit-learn's own way to say so: SVC has predict_proba only if asked to
        return None
    values = np.asarray(getattr(pipeline, method)(X), dtype=float)
    if values.ndim == 1:
        values = np.column_stack([-values, values])
    known = np.asarray(pipeline.classes_)
    if len(known) == 1:
        values = values[:, -1:]
    full = np.full((len(values), len(classes)), _lowest(values) if absent is None else absent)
    full[:, np.searchsorted(classes, known)] = values
    return full


def _lowest(values: np.ndarray) -> float:
    """Return a decision value below all others, for a class that the training rows did not hold."""
    return float(values.min()) - 1.0
