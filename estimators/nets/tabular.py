"""What nets for tables share: columns of categories, told apart from numbers, as codes that the training rows know."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from bakeoff.estimators.nets.input_validation import check_flattened
from bakeoff.estimators.nets.net import Net
from bakeoff.estimators.parameters import Rule
from bakeoff.estimators.preprocessing.categorical_columns import (
    CATEGORICAL_RULE,
    CategoricalColumns,
    find_columns,
    to_table,
)


@dataclass(kw_only=True, eq=False, repr=False)
class TabularNet(Net):
    """A net over the columns of a table: its network meets codes of categories first, from 1, then the numbers.

    Parameters
    ----------
    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Columns that hold categories: the columns of a frame that hold categories or strings, none, or column numbers,
        names or one bool per column. Categories that are new or missing get the zero vector.
    """

    categorical_features: ArrayLike | str | None = "from_dtype"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        return tags

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {"categorical_features": CATEGORICAL_RULE}

    def _read_rows(self, X: ArrayLike, *, reset: bool) -> NDArray[Any]:
        check_flattened(X)
        chosen = self.categorical_features is not None and not isinstance(self.categorical_features, str)
        if chosen or (not reset and vars(self)["_categories"] is not None):
            X = to_table(X)
        if reset:
            columns = find_columns(X, self.categorical_features)
            self._categories = CategoricalColumns.learn(X, columns) if len(columns) else None
        if self._categories is None:
            return super()._read_rows(X, reset=reset)
        validate_data(self, X, reset=reset, skip_check_array=True)
        codes, numbers = self._categories.codes(X), self._categories.numbers(X)
        dtype = self._precisions(reset=reset)
        if numbers.shape[1] == 0:
            return codes.astype(dtype[0])
        numbers = check_array(numbers, dtype=dtype, estimator=self, input_name="X")
        return np.hstack([codes.astype(numbers.dtype), numbers])

    def _reencode(self, X: NDArray[Any], train_rows: NDArray[Any]) -> NDArray[Any]:
        if self._categories is None:
            return X
        n_columns = len(self._categories.columns)
        self._categories, codes = self._categories.narrowed(X[:, :n_columns].astype(np.int64), train_rows)
        return np.hstack([codes.astype(X.dtype), X[:, n_columns:]])

    @property
    def _cardinalities(self) -> list[int]:
        """Number of categories of each column that holds some."""
        return [] if self._categories is None else self._categories.cardinalities
