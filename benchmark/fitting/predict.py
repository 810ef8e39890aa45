"""From a fitted pipeline to `Predictions` over all classes of the data set, whatever the training rows held."""

from typing import Any

import numpy as np

from bakeoff.protocol.predictions import Predictions

TOLERANCE = 1e-3


def predict_rows(
    pipeline: Any,
    X: Any,
    y_true: np.ndarray,
    *,
    classes: np.ndarray,
    positive: Any,
    weights: np.ndarray | None = None,
) -> Predictions:
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
    weights : ndarray of shape (n_rows,), optional
        How much each row counts.
    """
    y_pred = np.asarray(pipeline.predict(X))
    _check_predictions(y_pred, len(y_true), classes)
    if not len(classes):
        values = y_pred.reshape(-1).astype(float)
        return Predictions(y_true=y_true, y_pred=values, classes=classes, weights=weights)
    probabilities = _align_to_classes(pipeline, "predict_proba", X, classes, absent=0.0)
    scores = (
        probabilities
        if probabilities is not None
        else _align_to_classes(pipeline, "decision_function", X, classes, absent=None)
    )
    return Predictions(
        y_true=y_true,
        y_pred=y_pred.reshape(-1),
        classes=classes,
        positive=positive,
        scores=scores,
        probabilities=probabilities,
        weights=weights,
    )


def _check_predictions(y_pred: np.ndarray, n_rows: int, classes: np.ndarray) -> None:
    """Refuse what no metric may judge: a prediction for each row, finite or a label of the data set."""
    if y_pred.size != n_rows or y_pred.ndim > 2:
        raise ValueError(f"predict must return one value for each of the {n_rows} rows, got shape {y_pred.shape}")
    numeric = y_pred.dtype.kind in "biuf" and classes.dtype.kind in "biuf"
    returned, known = (y_pred, classes) if numeric else (y_pred.astype(str), classes.astype(str))
    unknown = returned[~np.isin(returned, known)]
    if len(classes) and len(unknown):
        raise ValueError(f"predict returned '{unknown.flat[0]}', which is none of the labels of the data set")
    if not len(classes) and not np.isfinite(y_pred.astype(float)).all():
        raise ValueError("predict returned values that are not finite")


def _check_scores(values: np.ndarray, method: str) -> None:
    """Refuse scores that are no real finite numbers, and probabilities that are none."""
    if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        raise ValueError(f"{method} returned values that are not finite real numbers")
    if method != "predict_proba":
        return
    sums = values.sum(axis=-1)
    if values.min() < -TOLERANCE or np.abs(sums - 1).max() > TOLERANCE:
        raise ValueError(
            f"predict_proba must return probabilities: its rows sum to {sums.min():.3g} … {sums.max():.3g}"
        )


def _align_to_classes(
    pipeline: Any, method: str, X: Any, classes: np.ndarray, *, absent: float | None
) -> np.ndarray | None:
    """Call a method, if the pipeline has it, and give each class of the data set a column."""
    if not hasattr(pipeline, method):  # scikit-learn's own way to say so: SVC has predict_proba only if asked to
        return None
    values = np.asarray(getattr(pipeline, method)(X))
    _check_scores(values, method)
    if values.ndim == 1:
        values = np.column_stack([-values, values])
    known = np.asarray(pipeline.classes_)
    if len(known) == 1:
        values = values[:, -1:]
    full: np.ndarray = np.full((len(values), len(classes)), _lowest(values) if absent is None else absent)
    full[:, np.searchsorted(classes, known)] = values
    return full


def _lowest(values: np.ndarray) -> float:
    """Return a decision value below all others, for a class that the training rows did not hold."""
    return float(values.min()) - 1.0
