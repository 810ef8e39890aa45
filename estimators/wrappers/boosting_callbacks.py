"""Boosting while it goes on: what a model of some rounds says, asked at shares of the rounds that it is to have.

Shares, not numbers of rounds: a slow learning rate with many rounds is behind a fast one at every round but its last.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

CHECKPOINTS = (0.25, 0.5, 0.75)


class PartialModel:
    """A boosted model of the rounds so far, as far as predictions need one.

    Parameters
    ----------
    ask : callable
        X -> values, or probabilities: of the second class, or of each.
    classes : ndarray of shape (n_classes,)
        Labels of the training rows, sorted; empty for a regression.
    """

    def __init__(self, ask: Callable[[Any], Any], classes: np.ndarray) -> None:
        self._ask = ask
        self.classes_ = classes

    def predict(self, X: Any) -> np.ndarray:
        """Return labels or values of shape (n_rows,)."""
        if not len(self.classes_):
            return np.asarray(self._ask(X))
        labels: np.ndarray = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        found = np.asarray(self._ask(X), dtype=float)
        return found if found.ndim == 2 else np.column_stack([1 - found, found])


Watcher = Callable[[int, Callable[[Any], Any]], None]


def due_checkpoints(done: int, rounds: int) -> list[int]:
    """Return the percentages of the rounds that are reached with this one."""
    return [round(100 * share) for share in CHECKPOINTS if math.ceil(share * rounds) == done]


def xgboost_callbacks(model: Any, watch: Watcher) -> dict[str, Any]:
    """Let `watch(percent, ask)` be called while an XGBoost estimator is fitted; return options of its `fit`."""
    from xgboost.callback import TrainingCallback

    rounds = model.get_num_boosting_rounds()

    class Rounds(TrainingCallback):
        """Tell the watcher."""

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            """Go on."""
            del evals_log
            for percent in due_checkpoints(epoch + 1, rounds):
                watch(percent, model.inplace_predict)
            return False

    model.set_params(callbacks=[Rounds()])
    return {}


def lightgbm_callbacks(model: Any, watch: Watcher) -> dict[str, Any]:
    """Let `watch(percent, ask)` be called while a LightGBM estimator is fitted; return options of its `fit`."""
    rounds = model.get_params()["n_estimators"]

    def after_iteration(state: Any) -> None:
        for percent in due_checkpoints(state.iteration + 1, rounds):
            watch(percent, state.model.predict)

    return {"callbacks": [after_iteration]}
