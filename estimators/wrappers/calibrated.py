"""A fitted classifier whose probabilities are calibrated, and the two ways to learn how: temperature and isotonic.

Both learn from predictions that were made out of fold; scikit-learn's `CalibratedClassifierCV` would fit the classifier
again, on rows and with options of its own choice.
"""

from typing import Any, Protocol, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from bakeoff.estimators.wrappers.averaging import align_columns

LOG_TEMPERATURES = (-5.0, 5.0)


class Calibrator(Protocol):
    """What has learned to turn what a classifier says into probabilities."""

    def predict_proba(self, scores: np.ndarray, *, are_probabilities: bool) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes); `scores` has the same."""
        ...


class TemperatureScaling:
    """Softmax of log-probabilities, or of decision values, divided by one number: labels stay as they are.

    What comes out is mixed with equal probabilities, as much as one row more would weigh: where all rows are right the
    temperature falls to 0, and one wrong row would then cost the earth. A probability of 0, which has no logarithm,
    counts as the smallest that was met, and at most as what that row would leave it.

    Attributes
    ----------
    temperature_ : float
        Above 1 where the classifier was too sure.
    n_rows_ : int
        That it was learned from.
    floor_ : float
        What a probability of 0 counts as.

    References
    ----------
    Guo et al. 2017, On calibration of modern neural networks (ICML). The mixing is that of Berta et al. 2025,
    Rethinking early stopping: refine, then calibrate (arXiv 2501.19195).
    """

    temperature_: float
    n_rows_: int
    floor_: float

    def fit(self, scores: np.ndarray, y: np.ndarray, *, are_probabilities: bool, weights: np.ndarray | None) -> Self:
        """Learn from out-of-fold predictions.

        Parameters
        ----------
        scores : ndarray of shape (n_rows, n_classes)
        y : ndarray of int of shape (n_rows,)
            The column of each row's class.
        are_probabilities : bool
            Else they are decision values.
        weights : ndarray of shape (n_rows,), optional
        """
        from scipy.optimize import minimize_scalar
        from scipy.special import log_softmax

        self.n_rows_ = len(y)
        if are_probabilities:
            least = min(float(scores[scores > 0].min()), 1 / (scores.shape[1] * (len(y) + 1)))
            self.floor_ = max(least, float(np.finfo(float).eps))
        logits, rows = self._to_logits(scores, are_probabilities), np.arange(len(y))

        def loss(log_temperature: float) -> float:
            log_probabilities = log_softmax(logits * np.exp(-log_temperature), axis=1)
            return float(np.average(-log_probabilities[rows, y], weights=weights))

        self.temperature_ = float(np.exp(minimize_scalar(loss, bounds=LOG_TEMPERATURES, method="bounded").x))
        return self

    def predict_proba(self, scores: np.ndarray, *, are_probabilities: bool) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        from scipy.special import softmax

        scaled = softmax(self._to_logits(scores, are_probabilities) / self.temperature_, axis=1)
        return np.asarray((self.n_rows_ * scaled + 1 / scores.shape[1]) / (self.n_rows_ + 1))

    def _to_logits(self, scores: np.ndarray, are_probabilities: bool) -> np.ndarray:
        return np.log(np.clip(scores, self.floor_, 1)) if are_probabilities else scores


class IsotonicCalibration:
    """One rising step function for each class, one-vs-rest, scaled to a sum of 1; of two classes, for the second alone.

    References
    ----------
    Zadrozny and Elkan 2002, Transforming classifier scores into accurate multiclass probability estimates (KDD).
    """

    def fit(self, scores: np.ndarray, y: np.ndarray, *, are_probabilities: bool, weights: np.ndarray | None) -> Self:
        """Learn from out-of-fold predictions, as `TemperatureScaling.fit` does."""
        from sklearn.isotonic import IsotonicRegression

        del are_probabilities
        columns = [1] if scores.shape[1] == 2 else range(scores.shape[1])
        self._steps = [
            IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores[:, k], y == k, sample_weight=weights)
            for k in columns
        ]
        return self

    def predict_proba(self, scores: np.ndarray, *, are_probabilities: bool) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes); all alike where every class has 0."""
        del are_probabilities
        if scores.shape[1] == 2:
            second = self._steps[0].predict(scores[:, 1])
            return np.column_stack([1 - second, second])
        raw = np.column_stack([steps.predict(scores[:, k]) for k, steps in enumerate(self._steps)])
        sums = raw.sum(axis=1, keepdims=True)
        return np.asarray(np.where(sums > 0, raw / np.where(sums > 0, sums, 1), 1 / scores.shape[1]))


class CalibratedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A fitted classifier with calibrated probabilities; its label is the most probable class.

    Parameters
    ----------
    model : fitted classifier
        With `predict_proba` or `decision_function`.
    calibrator : Calibrator
    classes : array-like of shape (n_classes,)
        Those that the calibrator was fitted for, sorted.
    """

    def __init__(self, model: Any, calibrator: Any, classes: Any) -> None:
        self.model = model
        self.calibrator = calibrator
        self.classes = classes

    @property
    def classes_(self) -> np.ndarray:
        """The labels in sorted order."""
        return np.asarray(self.classes)

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
        raise TypeError("a calibrated classifier is made of a fitted one; fit that and calibrate it anew")

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return calibrated probabilities, shape (n_rows, n_classes)."""
        has_probabilities = hasattr(self.model, "predict_proba")
        scores = self.model.predict_proba(X) if has_probabilities else self.model.decision_function(X)
        known = np.asarray(self.model.classes_)
        columns = align_columns(scores, known, self.classes_, are_probabilities=has_probabilities)
        probabilities: np.ndarray = self.calibrator.predict_proba(columns, are_probabilities=has_probabilities)
        return probabilities

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable label, shape (n_rows,)."""
        labels: np.ndarray = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels
