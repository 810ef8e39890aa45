"""A fitted binary classifier with a threshold of its own for the positive class."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if

from bakeoff.estimators.wrappers.averaging import align_columns


def _has(method: str) -> Any:
    return available_if(lambda thresholded: hasattr(thresholded.model, method))


class ThresholdedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A fitted binary classifier that says the positive class from a threshold on.

    Parameters
    ----------
    model : fitted classifier
        Of two classes, with `predict_proba` or `decision_function`.
    threshold : float
        Of the probability of the positive class, or of its decision value where there are no probabilities.
    positive : label
        One of the model's classes.
    """

    def __init__(self, model: Any, threshold: float, positive: Any) -> None:
        self.model = model
        self.threshold = threshold
        self.positive = positive

    @property
    def classes_(self) -> np.ndarray:
        """The labels in sorted order."""
        return np.asarray(self.model.classes_)

    def __sklearn_is_fitted__(self) -> bool:
        """Say yes: it is made of a fitted classifier."""
        return True

    def fit(self, X: Any, y: Any) -> Any:
        """Refuse: the classifier is fitted already.

        Raises
        ------
        TypeError
            Always.
        """
        del X, y
        raise TypeError("a classifier with a threshold is made of a fitted one; fit that and choose a threshold anew")

    @_has("predict_proba")  # type: ignore[untyped-decorator]  # scikit-learn has no types
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the model's probabilities, shape (n_rows, 2)."""
        return np.asarray(self.model.predict_proba(X))

    @_has("decision_function")  # type: ignore[untyped-decorator]  # as above
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the model's decision values, shape (n_rows,)."""
        return np.asarray(self.model.decision_function(X))

    def predict(self, X: Any) -> np.ndarray:
        """Return labels, shape (n_rows,)."""
        has_probabilities, classes = hasattr(self, "predict_proba"), self.classes_
        scores = self.predict_proba(X) if has_probabilities else self.decision_function(X)
        place = int(np.flatnonzero(classes == self.positive)[0])
        values = align_columns(scores, classes, classes, are_probabilities=has_probabilities)[:, place]
        labels: np.ndarray = classes[np.where(values >= self.threshold, place, 1 - place)]
        return labels
