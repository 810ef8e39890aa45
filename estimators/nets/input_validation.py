"""What a net is given, checked as scikit-learn does: rows, targets and weights as arrays, in the net's precision."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import _check_sample_weight, _check_y, validate_data

from bakeoff.estimators.training.inference import precision
from bakeoff.estimators.training.parameters import TrainingParameters

Array = NDArray[Any]


class InputValidation(TrainingParameters, ABC):
    """An estimator that reads X, y and weights; architectures and tasks say what they take."""

    @abstractmethod
    def _read_targets(self, y: ArrayLike, *, reset: bool) -> Array:
        """Check y; return it encoded: class codes (n,) or numbers (n, outputs)."""

    def _read_rows(self, X: ArrayLike, *, reset: bool) -> Array:
        """Check X; return the values (n, inputs) that the network takes."""
        check_flattened(X)
        return np.asarray(validate_data(self, X, reset=reset, dtype=self._precisions(reset=reset)))

    def _reencode(self, X: Array, train_rows: Array) -> Array:
        """Return the inputs (n, inputs) as the training rows alone teach to read them; for those that are codes."""
        del train_rows
        return X

    def _read_all(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool, reset_targets: bool
    ) -> tuple[Array, Array, Array]:
        """Check rows, targets and weights; return them as arrays, X in the precision of the network."""
        rows = self._read_rows(X, reset=reset)
        targets = self._read_targets(y, reset=reset_targets)
        check_consistent_length(rows, targets)
        return rows, targets, check_weights(sample_weight, rows)

    def _append_validation(
        self, known: tuple[Array, Array, Array], validation_data: tuple[ArrayLike, ArrayLike]
    ) -> tuple[Array, ...]:
        """Append rows of validation to those of training, in the same precision."""
        if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
            raise ValueError(f"validation_data must be a pair (X, y). Got {type(validation_data).__name__} instead.")
        added = self._read_all(*validation_data, None, reset=False, reset_targets=False)
        wanted, given = known[1].shape[1:], added[1].shape[1:]
        if given != wanted:
            raise ValueError(f"The y of validation_data must have the columns of y: {wanted}. Got {given} instead.")
        return tuple(np.concatenate([old, new.astype(old.dtype)]) for old, new in zip(known, added, strict=True))

    def _check_targets(self, y: ArrayLike, *, several: bool, numeric: bool = False) -> Any:
        """Check y by itself; `validate_data` without X would forget the names of the features."""
        if y is None:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        return _check_y(y, multi_output=several, y_numeric=numeric, estimator=self)

    def _precisions(self, *, reset: bool) -> tuple[str, ...]:
        """Precisions that X may keep; X of any other is converted to the first."""
        if not reset and (module := vars(self).get("module_")) is not None:
            return (precision(module),)
        return ("float64", "float32") if self.dtype == "auto" else (self.dtype,)


def check_flattened(X: Any) -> None:
    """Say how images and series travel: scikit-learn's own words would only say that two dimensions are needed."""
    shape = getattr(X, "shape", ())
    if len(shape) > 2:
        given = tuple(int(size) for size in shape[1:])
        raise ValueError(
            f"Found array with dim {len(shape)}, while dim <= 2 is required: give X.reshape(len(X), -1), and "
            f"input_shape={given} (channels first) where the estimator takes it."
        )


def check_weights(sample_weight: ArrayLike | None, X: Array) -> Array:
    """Return the weights (n,) of the rows, in float64; raise when they are negative or all zero."""
    weights: Array = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weights.any():
        raise ValueError("The sample weights must not all be zero: at least one row has to count.")
    return weights
