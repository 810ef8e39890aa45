"""Boosting that stops early on held-out rows and is then fitted to all rows, with the rounds that were best.

Which rows are held out is the caller's to say, so that no group is divided and no later row seen (docs/decisions/0003).
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing

from bakeoff.estimators.wrappers.held_out_stopping import HeldOutRows, fit_watched, stop_lightgbm, stop_xgboost

Stop = Callable[[Any, HeldOutRows, int], dict[str, Any]]  # booster, held out, patience -> options of its `fit`


def _stop_catboost(model: Any, held_out: HeldOutRows, patience: int) -> dict[str, Any]:
    """Return what CatBoost's `fit` must be told to stop early."""
    del model
    from catboost import Pool

    return {"eval_set": Pool(held_out.X, held_out.y, weight=held_out.weights), "early_stopping_rounds": patience}


# Library -> its parameter of the rounds, how it stops early, and how many rounds were best.
LIBRARIES: dict[str, tuple[str, Stop, Callable[[Any], int]]] = {
    "xgboost": ("n_estimators", stop_xgboost, lambda booster: int(booster.best_iteration) + 1),
    "lightgbm": ("n_estimators", stop_lightgbm, lambda booster: int(booster.best_iteration_)),
    "catboost": ("iterations", _stop_catboost, lambda booster: int(booster.best_iteration_) + 1),
}


class _EarlyStopped(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What both early-stopped models share.

    Parameters
    ----------
    booster : estimator
        Boosting with the most rounds that it may train.
    library : {"xgboost", "lightgbm", "catboost"}
        Whose estimator it is.
    early_stopping : bool
        False trains all rounds.
    patience : int
        Rounds without a lower loss on the held-out rows after which to stop.
    validation_fraction : float
        Share of the rows held out where `fit` is not told which.
    random_state : int
        Of the choice of those rows.

    Attributes
    ----------
    booster_ : estimator
        Fitted to all rows.
    n_rounds_ : int
        Its rounds.
    stopped_while_improving_ : bool
        Whether the held-out rows were best at the last of all rounds: more of them might have been better.

    Notes
    -----
    Held-out rows of a class that no other row has are not watched. If none are left, all rounds are trained.
    """

    def __init__(
        self,
        booster: Any,
        *,
        library: str,
        early_stopping: bool = True,
        patience: int = 300,
        validation_fraction: float = 0.15,
        random_state: int = 0,
    ) -> None:
        self.booster = booster
        self.library = library
        self.early_stopping = early_stopping
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_rows: Any = None) -> Self:
        """Find the rounds on held-out rows, then fit to all rows.

        Parameters
        ----------
        X : array or frame of shape (n_rows, n_columns)
        y : array-like of shape (n_rows,)
        sample_weight : array-like of shape (n_rows,), optional
        validation_rows : array-like of int or of bool, optional
            The rows to hold out; a random part, stratified for classes, if left out.
        """
        if self.library not in LIBRARIES:
            raise ValueError(f"library must be one of {sorted(LIBRARIES)}, got {self.library!r}")
        rounds, stop, count_best = LIBRARIES[self.library]
        y = np.asarray(y)
        self.n_rounds_ = most = int(self.booster.get_params()[rounds])
        training, held_out = self._divide(y, validation_rows)
        if len(held_out):
            trained, watched = (_take(X, y, sample_weight, rows) for rows in (training, held_out))
            stopping = clone(self.booster)
            options = stop(stopping, watched, self.patience)
            fit_watched(stopping, trained.X, trained.y, sample_weight=trained.weights, **options)
            self.n_rounds_ = max(1, count_best(stopping))
        self.stopped_while_improving_ = bool(len(held_out)) and self.n_rounds_ == most
        self.booster_ = clone(self.booster).set_params(**{rounds: self.n_rounds_})
        self.booster_.fit(X, y, sample_weight=sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return labels or values of shape (n_rows,)."""
        return np.asarray(self.booster_.predict(X)).reshape(-1)

    def __sklearn_is_fitted__(self) -> bool:
        """Say whether `fit` is done."""
        return hasattr(self, "booster_")

    def _divide(self, y: np.ndarray, validation_rows: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows to train on and those to watch; none to watch where there is no way to stop early."""
        rows = np.arange(len(y))
        if not self.early_stopping:
            return rows, rows[:0]
        held_out = self._draw(y) if validation_rows is None else rows[validation_rows]
        training = np.setdiff1d(rows, held_out)
        if isinstance(self, ClassifierMixin):
            known = np.unique(y[training])
            held_out = held_out[np.isin(y[held_out], known)] if len(known) > 1 else rows[:0]
        return training, held_out

    def _draw(self, y: np.ndarray) -> np.ndarray:
        size = max(1, round(self.validation_fraction * len(y)))
        counts = np.unique(y, return_counts=True)[1]
        stratified = isinstance(self, ClassifierMixin) and counts.min() > 1 and size >= len(counts)
        options = {"test_size": size, "random_state": self.random_state, "stratify": y if stratified else None}
        return np.asarray(train_test_split(np.arange(len(y)), **options)[1])


class EarlyStoppedRegressor(RegressorMixin, _EarlyStopped):  # type: ignore[misc]  # as above
    """Boosted regression that stops early, and answers with a model of all rows."""


class EarlyStoppedClassifier(ClassifierMixin, _EarlyStopped):  # type: ignore[misc]  # as above
    """Boosted classification that stops early, and answers with a model of all rows."""

    @property
    def classes_(self) -> np.ndarray:
        """The labels in sorted order."""
        return np.asarray(self.booster_.classes_)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        return np.asarray(self.booster_.predict_proba(X))


def _take(X: Any, y: np.ndarray, sample_weight: Any, rows: np.ndarray) -> HeldOutRows:
    weights = None if sample_weight is None else np.asarray(sample_weight)[rows]
    return HeldOutRows(_safe_indexing(X, rows), y[rows], weights)
