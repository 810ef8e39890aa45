"""Pretrained models that read the training rows as context: what all of them share as scikit-learn sees them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from bakeoff.estimators.pretrained.progress import lock_bars_by_thread

# What the libraries warn of each time: encodings, which the preprocessor has chosen; costs, which the report has; and
# borders of the target without an inverse, which TabPFN repairs.
EXPECTED_WARNINGS = (
    "The following categorical columns have a cardinality",
    "Running on CPU with more than",
    "invalid value encountered in log1p",
)


@contextmanager
def _without_expected_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        for message in EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message)
        yield


class InContext(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A model of another library, built from its weights when it is fitted."""

    def fit(self, X: Any, y: Any) -> Self:
        """Load the weights, and keep the rows of `X`, shape (n_rows, n_columns), and `y` as context.

        Raises
        ------
        UserError
            If there are no weights.
        """
        lock_bars_by_thread()
        model = self._build_model()
        with _without_expected_warnings():
            self.model_ = model.fit(X, y)
        self.n_features_in_ = model.n_features_in_
        return self

    def _ask(self, method: str, X: Any) -> np.ndarray:
        check_is_fitted(self)
        with _without_expected_warnings():
            return np.asarray(getattr(self.model_, method)(X), dtype=float)

    def _build_model(self) -> Any:
        """Return the library's own estimator, not fitted."""
        raise NotImplementedError


class InContextClassifier(ClassifierMixin, InContext):  # type: ignore[misc]  # as above
    """One for classes: predicts the label of the greatest probability."""

    @property
    def classes_(self) -> np.ndarray:
        """The labels in sorted order."""
        check_is_fitted(self)
        return np.asarray(self.model_.classes_)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities, shape (n_rows, n_classes)."""
        return self._ask("predict_proba", X)

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable label of each row, shape (n_rows,)."""
        labels: np.ndarray = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels


class InContextRegressor(RegressorMixin, InContext):  # type: ignore[misc]  # as above
    """One for numbers: predicts the mean of the distribution that the model gives."""

    def predict(self, X: Any) -> np.ndarray:
        """Return the predicted means, shape (n_rows,)."""
        return self._ask("predict", X)
