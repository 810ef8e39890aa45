"""Fitted models that answer together: the weighted mean of what each of them says."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if


def _has(method: str) -> Any:
    """Say that a method is there where all models have it."""
    return available_if(lambda average: all(hasattr(model, method) for model in average.models))


class _Average(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What both averages share.

    Parameters
    ----------
    models : sequence of fitted estimators
    weights : sequence of float
        One for each; they sum to 1.
    """

    def __init__(self, models: Sequence[Any], weights: Sequence[float]) -> None:
        self.models = models
        self.weights = weights

    def fit(self, X: Any, y: Any) -> Any:
        """Refuse: the models are fitted already.

        Raises
        ------
        TypeError
            Always.
        """
        del X, y
        raise TypeError("an average is made of fitted models; fit those and average them anew")

    def __sklearn_is_fitted__(self) -> bool:
        """Say yes: an average is made of fitted models."""
        return True

    def _mean(self, method: str, X: Any) -> np.ndarray:
        parts = [
            weight * self._align(model, method, np.asarray(getattr(model, method)(X), dtype=float))
            for model, weight in zip(self.models, self.weights, strict=True)
        ]
        return np.asarray(np.sum(parts, axis=0))

    def _align(self, model: Any, method: str, values: np.ndarray) -> np.ndarray:
        """Return values that can be averaged with those of other models."""
        del model, method
        return values


class AveragedRegressor(RegressorMixin, _Average):  # type: ignore[misc]  # as above
    """The weighted mean of fitted regressors."""

    def predict(self, X: Any) -> np.ndarray:
        """Return the mean of the models' values, shape (n_rows,)."""
        return self._mean("predict", X)


class AveragedClassifier(ClassifierMixin, _Average):  # type: ignore[misc]  # as above
    """The weighted mean of fitted classifiers: of probabilities, decision values, or votes.

    A class that a model was not trained on has probability 0 there, or a decision value below all others.
    """

    @property
    def classes_(self) -> np.ndarray:
        """The labels of all models in sorted order."""
        return np.unique(np.concatenate([np.asarray(model.classes_) for model in self.models]))

    @_has("predict_proba")  # type: ignore[untyped-decorator]  # scikit-learn has no types
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the mean probabilities, shape (n_rows, n_classes)."""
        return self._mean("predict_proba", X)

    @_has("decision_function")  # type: ignore[untyped-decorator]  # as above
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the mean decision values, shape (n_rows,) for two classes, else (n_rows, n_classes)."""
        return self._mean("decision_function", X)

    def predict(self, X: Any) -> np.ndarray:
        """Return the label of the greatest mean, shape (n_rows,)."""
        if hasattr(self, "predict_proba"):
            means = self.predict_proba(X)
        elif hasattr(self, "decision_function"):
            means = self.decision_function(X)
        else:
            means = self._votes(X)
        places = (means > 0).astype(int) if means.ndim == 1 else means.argmax(axis=1)
        labels: np.ndarray = self.classes_[places]
        return labels

    def _align(self, model: Any, method: str, values: np.ndarray) -> np.ndarray:
        """Give each class a column, if the model does not know them all."""
        known, all_classes = np.asarray(model.classes_), self.classes_
        if len(known) == len(all_classes):
            return values
        return align_columns(values, known, all_classes, are_probabilities=method == "predict_proba")

    def _votes(self, X: Any) -> np.ndarray:
        votes = (np.asarray(model.predict(X))[:, None] == self.classes_ for model in self.models)
        return np.asarray(sum(weight * vote for weight, vote in zip(self.weights, votes, strict=True)))


def align_columns(scores: Any, known: np.ndarray, classes: np.ndarray, *, are_probabilities: bool) -> np.ndarray:
    """Give each class a column: 0 for a class that the model does not know, or a decision value below all others.

    Parameters
    ----------
    scores : array-like of shape (n_rows,) or (n_rows, n_known)
        Decision values of two classes come as one column.
    known : ndarray of shape (n_known,)
        The classes of the model, sorted.
    classes : ndarray of shape (n_classes,)
        All classes, sorted.
    are_probabilities : bool
        Else they are decision values.
    """
    values = np.asarray(scores, dtype=float)
    if values.ndim == 1:
        values = np.column_stack([-values, values])
    if len(known) == len(classes):
        return values
    absent = 0.0 if are_probabilities else float(values.min()) - 1
    full: np.ndarray = np.full((len(values), len(classes)), absent)
    full[:, np.searchsorted(classes, known)] = values
    return full
