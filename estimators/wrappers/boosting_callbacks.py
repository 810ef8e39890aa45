"""Callbacks of boosting: what a model of some rounds predicts, at checkpoints on its way to all rounds.

Checkpoints are fractions of all rounds: at equal numbers of rounds, a slow learning rate with many rounds is behind a
fast one at every round but its last.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

CHECKPOINTS = (0.25, 0.5, 0.75)


class PartialModel:
    """A boosted model of the rounds so far, with what predictions need.

    Parameters
    ----------
    predict : callable
        X -> values, or probabilities: of the second class, or of each.
    classes : ndarray of shape (n_classes,)
        Labels of the training rows, sorted; empty for a regression.
    """

    def __init__(self, predict: Callable[[Any], Any], classes: np.ndarray) -> None:
        self._predict = predict
        self.classes_ = classes

    def predict(self, X: Any) -> np.ndarray:
        """Return labels or values of shape (n_rows,)."""
        if not len(self.classes_):
            return np.asarray(self._predict(X))
        labels: np.ndarray = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        found = np.asarray(self._predict(X), dtype=float)
        return found if found.ndim == 2 else np.column_stack([1 - found, found])


CheckpointCallback = Callable[[int, Callable[[Any], Any]], None]


def due_checkpoints(done: int, rounds: int) -> list[int]:
    """Return the percentages of the rounds that are reached with this one."""
    return [round(100 * fraction) for fraction in CHECKPOINTS if math.ceil(fraction * rounds) == done]


def xgboost_callbacks(model: Any, on_checkpoint: CheckpointCallback) -> dict[str, Any]:
    """Have an XGBoost estimator call `on_checkpoint(percent, predict)` in its `fit`; return options for that."""
    from xgboost.callback import TrainingCallback

    rounds = model.get_num_boosting_rounds()

    class CheckpointReporter(TrainingCallback):
        """Calls back at each checkpoint."""

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            """Go on."""
            del evals_log
            for percent in due_checkpoints(epoch + 1, rounds):
                on_checkpoint(percent, model.inplace_predict)
            return False

    model.set_params(callbacks=[CheckpointReporter()])
    return {}


def lightgbm_callbacks(model: Any, on_checkpoint: CheckpointCallback) -> dict[str, Any]:
    """Have a LightGBM estimator call `on_checkpoint(percent, predict)` in its `fit`; return options for that."""
    rounds = model.get_params()["n_estimators"]

    def after_iteration(state: Any) -> None:
        for percent in due_checkpoints(state.iteration + 1, rounds):
            on_checkpoint(percent, state.model.predict)

    return {"callbacks": [after_iteration]}
