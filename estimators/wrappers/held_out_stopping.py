"""Boosting that stops early on rows held out: what each library's `fit` must be told. It watches its own loss.

The rows are given, never drawn by the library: a split of its own could divide a group or look into the future.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_ROUNDS = 1000  # as many as tuning may try
PATIENCE = 50  # rounds without a gain (Gorishniy et al. 2021, Revisiting deep learning models for tabular data)


@dataclass(frozen=True, eq=False)
class HeldOutRows:
    """Rows that a model is watched on while it is fitted, prepared as its training rows are.

    Parameters
    ----------
    X : array-like of shape (n_rows, ...)
    y : ndarray of shape (n_rows,)
        Values, or labels that the training rows have, too.
    weights : ndarray of shape (n_rows,), optional
    """

    X: Any
    y: np.ndarray
    weights: np.ndarray | None = None


def fit_watched(model: Any, X: Any, y: np.ndarray, **options: Any) -> None:
    """Fit a model that may watch held-out rows; LightGBM's word that `eval_set` is to be renamed is for us alone."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The argument 'eval_set' is deprecated")
        model.fit(X, y, **options)


def stop_xgboost(model: Any, held_out: HeldOutRows, patience: int = PATIENCE) -> dict[str, Any]:
    """Have an XGBoost estimator stop early, and predict with its best rounds; return options for its `fit`."""
    model.set_params(early_stopping_rounds=patience)
    weights = None if held_out.weights is None else [held_out.weights]
    return {"eval_set": [(held_out.X, held_out.y)], "sample_weight_eval_set": weights, "verbose": False}


def stop_lightgbm(model: Any, held_out: HeldOutRows, patience: int = PATIENCE) -> dict[str, Any]:
    """Have a LightGBM estimator stop early, and predict with its best rounds; return options for its `fit`."""
    del model
    from lightgbm import early_stopping

    weights = None if held_out.weights is None else [held_out.weights]
    watched = [(held_out.X, held_out.y)]  # as `eval_y`, LightGBM 4.7 would not encode labels
    return {
        "eval_set": watched,
        "eval_sample_weight": weights,
        "callbacks": [early_stopping(patience, verbose=False)],
    }


def stop_hist_gradient_boosting(model: Any, held_out: HeldOutRows) -> dict[str, Any]:
    """Have scikit-learn's histogram boosting stop early, by its own patience; return options for its `fit`.

    It keeps the few rounds after the best one.
    """
    model.set_params(early_stopping=True)
    return {"X_val": held_out.X, "y_val": held_out.y, "sample_weight_val": held_out.weights}


def rounds_used_up(model: Any) -> int:
    """Return the number of rounds of boosting that was best at its last one, on rows that it was watched on.

    0 for a model that stopped before its last round, and for one that was not watched.
    """
    if hasattr(model, "n_rounds_"):  # of this package
        return int(model.n_rounds_) if model.stopped_while_improving_ else 0
    if getattr(model, "early_stopping_rounds", None):  # XGBoost counts from 0
        best, most = int(model.best_iteration) + 1, model.get_num_boosting_rounds()
    elif getattr(model, "best_iteration_", 0):  # LightGBM, and 0 without rows to watch
        best, most = model.best_iteration_, model.n_estimators
    elif getattr(model, "early_stopping", None) is True and hasattr(model, "max_iter"):  # scikit-learn's
        best, most = model.n_iter_, model.max_iter
    else:
        return 0
    return int(most) if best >= most else 0
