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
            weight * np.asarray(getattr(model, method)(X), dtype=float)
            for model, weight in zip(self.models, self.weights, strict=True)
        ]
        return np.asarray(np.sum(parts, axis=0))


class AveragedRegressor(RegressorMixin, _Average):  # type: ignore[misc]  # as above
    """The weighted mean of fitted regressors."""

    def predict(self, X: Any) -> np.ndarray:
        """Return the mean of the models' values, shape (n_rows,)."""
        return self._mean("predict", X)


class AveragedClassifier(ClassifierMixin, _Average):  # type: ignore[misc]  # as above
    """The weighted mean of fitted classifiers of the same classes: of probabilities, decision values, or votes."""

    @property
    def classes_(self) -> np.ndarray:
        """The labels in sorted order."""
        return np.asarray(self.models[0].classes_)

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

    def _votes(self, X: Any) -> np.ndarray:
        votes = (np.asarray(model.predict(X))[:, None] == self.classes_ for model in self.models)
        return np.asarray(sum(weight * vote for weight, vote in zip(self.weights, votes, strict=True)))
