"""A covariance for discriminant analysis of classes with few rows: drawn towards the identity."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.covariance import empirical_covariance


class RegularizedCovariance(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Covariance mixed with the identity: (1 - weight) S + weight I, for columns of unit variance over all classes.

    What `reg_param` does in scikit-learn's quadratic discriminant analysis, which needs more rows than columns in
    each class for it.

    Parameters
    ----------
    weight : float
        Of the identity, in [0, 1].

    Attributes
    ----------
    covariance_ : ndarray of shape (n_columns, n_columns)
    location_ : ndarray of shape (n_columns,)
        The means.

    References
    ----------
    Friedman 1989, Regularized discriminant analysis (Journal of the American Statistical Association).
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from the rows of one class, shape (n_rows, n_columns)."""
        del y
        X = np.asarray(X)
        self.location_ = X.mean(axis=0)
        self.covariance_ = (1 - self.weight) * empirical_covariance(X) + self.weight * np.eye(X.shape[1])
        return self
