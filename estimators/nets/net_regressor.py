"""What all regressors among the nets share: one target or several, standardised while training."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d

from bakeoff.estimators.layers.averaging import Link
from bakeoff.estimators.nets.net import Net
from bakeoff.estimators.training.objectives import Objective, SquaredError

Array = NDArray[Any]


@dataclass(kw_only=True, eq=False, repr=False)
class NetRegressor(RegressorMixin, Net):  # type: ignore[misc]  # scikit-learn is untyped
    """Base of the regressors: squared error on the standardised target, one output or several.

    Attributes
    ----------
    target_mean_, target_scale_ : ndarray of shape (n_outputs,)
        Weighted mean and standard deviation of y over the training rows of the first `fit` or `partial_fit`.
    """

    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one epoch on some rows, going on from what was learned before.

        A learning-rate schedule runs over `max_epochs` calls.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, n_outputs)
            The first call standardises the targets for all that follow.
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `fit`, and for `early_stopping`.
        """
        return self._continue(X, y, sample_weight, reset_targets=not hasattr(self, "module_"))

    def predict(self, X: ArrayLike) -> Array:
        """Return the predicted numbers, shape (n,) or (n, n_outputs), in the units of y."""
        return self._to_predictions(self._outputs(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _to_predictions(self, outputs: Array) -> Array:
        values: Array = outputs * self.target_scale_ + self.target_mean_
        return values[..., 0] if values.shape[-1] == 1 else values

    def _link(self) -> Link:
        return "identity"

    def _objective(self) -> Objective:
        return SquaredError()

    def _read_targets(self, y: ArrayLike, *, reset: bool) -> Array:
        targets = np.asarray(self._check_targets(y, several=True, numeric=True), dtype=np.float64)
        if targets.ndim == 1 or targets.shape[1] == 1:
            targets = column_or_1d(targets, warn=True)[:, np.newaxis]
        goes_on = hasattr(self, "module_") and (self.warm_start or not reset)
        if goes_on and targets.shape[1] != len(self.target_mean_):
            raise ValueError(
                f"y must have {len(self.target_mean_)} columns, as before. Got {targets.shape[1]} instead."
            )
        return targets

    def _prepare(self, y: Array, weights: Array, train_rows: Array, *, reset: bool) -> tuple[Array, Array, int]:
        if reset:
            known, known_weights = y[train_rows], weights[train_rows]
            self.target_mean_: Array = np.average(known, axis=0, weights=known_weights)
            spread = np.sqrt(np.average((known - self.target_mean_) ** 2, axis=0, weights=known_weights))
            constant = spread <= 10 * np.finfo(np.float64).eps * np.abs(self.target_mean_)
            self.target_scale_: Array = np.where(constant, 1.0, spread)
        return (y - self.target_mean_) / self.target_scale_, weights, y.shape[1]
