"""NBSVM: a linear classifier of texts whose features are weighted by the log-count ratios of naive Bayes."""

from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data


class NaiveBayesSVMClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Logistic regression on words and pairs of words that are there or not, each weighted by its log-count ratio.

    Several classes are told apart one against the rest.

    Parameters
    ----------
    alpha : float, default=1.0
        What is added to each count: the smoothing of naive Bayes.
    beta : float, default=0.5
        How far to trust the linear model: 0 gives every feature the mean absolute weight, which is naive Bayes; 1 is
        the linear model as it was fitted.
    C : float, default=4.0
        Inverse strength of the l2 penalty.
    max_iter : int, default=1000
        Most iterations of the solver.
    random_state : int, RandomState instance or None, default=None
        Of the solver (liblinear).

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels in sorted order.
    coef_ : ndarray of shape (1, n_features) for two classes, else (n_classes, n_features)
        Weights of the features that are there.
    intercept_ : ndarray of shape (1,) or (n_classes,)
    n_iter_ : int
        Most iterations of one class.

    References
    ----------
    Wang and Manning 2012, Baselines and bigrams: simple, good sentiment and topic classification (ACL). They fit
    a linear SVM; logistic regression is as accurate on their data and gives probabilities. Their interpolation is
    between 1/4 and 1/2.
    """

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        beta: float = 0.5,
        C: float = 4.0,
        max_iter: int = 1000,
        random_state: Any = None,
    ) -> None:
        self.alpha = alpha
        self.beta = beta
        self.C = C
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit on counts `X` of shape (n_rows, n_features), sparse or dense, and labels `y` of shape (n_rows,)."""
        X, y = validate_data(self, X, y, accept_sparse="csr")
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"NBSVM needs at least two classes to tell apart; y has one class, {self.classes_[0]!r}.")
        weights = _check_sample_weight(sample_weight, X)
        positives = self.classes_[1:] if len(self.classes_) == 2 else self.classes_
        X = _presence(X)
        fits = [self._fit_one(X, y == label, weights) for label in positives]
        self.coef_ = np.stack([coef for coef, _, _ in fits])
        self.intercept_ = np.array([intercept for _, intercept, _ in fits])
        self.n_iter_ = max(n_iter for _, _, n_iter in fits)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Return decision values of shape (n_rows,) for two classes, else (n_rows, n_classes)."""
        check_is_fitted(self)
        X = _presence(validate_data(self, X, accept_sparse="csr", reset=False))
        values: np.ndarray = X @ self.coef_.T + self.intercept_
        return values[:, 0] if len(self.classes_) == 2 else values

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes); those of several classes are scaled to sum to 1."""
        values = expit(self.decision_function(X))
        if values.ndim == 1:
            return np.column_stack([1 - values, values])
        shares: np.ndarray = values / np.maximum(values.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        return shares

    def predict(self, X: Any) -> np.ndarray:
        """Return a label for each row of `X`, shape (n_rows,)."""
        values = self.decision_function(X)
        places = (values > 0).astype(int) if values.ndim == 1 else values.argmax(axis=1)
        labels: np.ndarray = self.classes_[places]
        return labels

    def _fit_one(self, X: csr_array, positive: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float, int]:
        """Return coefficients, intercept and iterations of one class against the rest."""
        ratios = self._log_count_ratios(X, positive, weights)
        model = LogisticRegression(
            C=self.C, solver="liblinear", max_iter=self.max_iter, random_state=self.random_state
        ).fit(X * ratios, positive, sample_weight=weights)
        coef = model.coef_[0]
        interpolated = ratios * ((1 - self.beta) * np.abs(coef).mean() + self.beta * coef)
        return interpolated, float(model.intercept_[0]), int(model.n_iter_[0])

    def _log_count_ratios(self, X: csr_array, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
        logs = []
        for members in (positive, ~positive):
            counts = self.alpha + X.T @ (weights * members)
            logs.append(np.log(counts) - np.log(counts.sum()))
        ratios: np.ndarray = logs[0] - logs[1]
        return ratios

    def __sklearn_tags__(self) -> Any:
        """Say that sparse counts are taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _presence(X: Any) -> csr_array:
    """Return 1 where a feature is there, and 0 where it is not."""
    present = csr_array(X, dtype=np.float64, copy=True)
    present.data = (present.data > 0).astype(np.float64)
    return present
