"""The categorical columns of X and the codes of their categories, for nets that learn a vector of each category."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.preprocessing import OrdinalEncoder
from sklearn.utils import _safe_indexing

from bakeoff.estimators.parameters import Rule

Array = NDArray[Any]
CATEGORICAL_WORDS = "None, 'from_dtype' or an array-like of column numbers, of names or of one bool per column"
CATEGORY_DTYPES = {"category", "categorical", "enum", "string", "str"}  # of pandas and polars


@dataclass(frozen=True)
class CategoricalColumns:
    """The categorical columns of a training set.

    Parameters
    ----------
    columns : ndarray of int
        Their positions.
    encoder : OrdinalEncoder
        Fitted; a new or missing category is -1.
    """

    columns: Array
    encoder: OrdinalEncoder

    @classmethod
    def learn(cls, X: Any, columns: Array) -> Self:
        """Learn the categories of some columns."""
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
        encoder.set_output(transform="default")
        return cls(columns, encoder.fit(_plain(X, columns)))

    @classmethod
    def restore(cls, columns: Array, known: Sequence[Array]) -> Self:
        """Return what learned these categories of each of these columns."""
        longest = max(map(len, known))
        rows = [np.resize(values, longest) for values in known]  # repeats them where there are fewer
        learned = cls.learn(np.stack(rows, axis=1), np.arange(len(columns)))
        return cls(columns, learned.encoder)

    @property
    def known(self) -> list[Array]:
        """Categories of each column."""
        return list(self.encoder.categories_)

    @property
    def cardinalities(self) -> list[int]:
        """Number of categories of each column."""
        return [len(known) for known in self.encoder.categories_]

    def narrowed(self, codes: Array, rows: Array) -> tuple[Self, Array]:
        """Forget the categories that none of some rows has; return what is left, and the codes (n, columns) anew."""
        known, renewed = [], np.zeros_like(codes)
        for column, values in enumerate(self.known):
            kept = np.setdiff1d(codes[rows, column], [0])
            known.append(values[kept - 1] if len(kept) else values[:1])
            places = np.zeros(len(values) + 1, dtype=codes.dtype)
            places[kept] = np.arange(1, len(kept) + 1)
            renewed[:, column] = places[codes[:, column]]
        return self.restore(self.columns, known), renewed

    def codes(self, X: Any) -> Array:
        """Return the codes (n, columns), from 1; 0 is a new or missing category."""
        return np.asarray(self.encoder.transform(_plain(X, self.columns))) + 1

    def numbers(self, X: Any) -> Any:
        """Return the other columns."""
        n_columns = X.shape[1]
        return _safe_indexing(X, np.setdiff1d(np.arange(n_columns), self.columns), axis=1)


def is_columns(value: Any) -> bool:
    """Whether the value can name columns; whether they exist shows when X is there."""
    if value is None or isinstance(value, str):
        return value in (None, "from_dtype")
    return np.ndim(value) == 1


CATEGORICAL_RULE: Rule = (is_columns, CATEGORICAL_WORDS)


def find_columns(X: Any, named: ArrayLike | str | None) -> Array:
    """Return the positions of the categorical columns.

    Parameters
    ----------
    X : array-like or frame of shape (n, n_features)
    named : None, "from_dtype" or array-like
        "from_dtype" takes the columns of a frame that hold categories or strings.

    Raises
    ------
    ValueError
        When X has no such columns.
    """
    names = list(getattr(X, "columns", []))
    if named is None or (isinstance(named, str) and not names):
        return np.array([], dtype=np.int64)
    if isinstance(named, str):
        return np.array(
            [place for place in range(len(names)) if _holds_categories(_safe_indexing(X, place, axis=1))],
            dtype=np.int64,
        )
    return _positions(np.asarray(named), names, np.shape(X)[1])


def to_table(X: Any) -> Any:
    """Return X as a frame or array, of objects where it was a list; raise unless it has rows and columns."""
    table = X if hasattr(X, "shape") else np.array(X, dtype=object)
    if issparse(table):
        raise TypeError("Sparse data was passed for X, but categorical_features need dense data. Use '.toarray()'.")
    if len(table.shape) != 2:
        raise ValueError(f"X must have rows and columns. Got {len(table.shape)} dimensions: reshape your data.")
    return table


def _positions(wanted: Array, names: list[Any], n_columns: int) -> Array:
    if wanted.dtype == bool and wanted.shape == (n_columns,):
        return np.flatnonzero(wanted)
    if wanted.dtype.kind in "iu" and wanted.ndim == 1 and ((wanted >= 0) & (wanted < n_columns)).all():
        return np.unique(wanted)
    if wanted.dtype.kind in "UOT" and wanted.ndim == 1 and set(wanted) <= set(names):
        return np.sort([names.index(name) for name in wanted])
    if wanted.size == 0:
        return np.array([], dtype=np.int64)
    known = f" named {names}" if names else ""
    raise ValueError(
        f"The 'categorical_features' parameter must be {CATEGORICAL_WORDS}; X has {n_columns} columns{known}. "
        f"Got {wanted.tolist()} instead."
    )


def _holds_categories(column: Any) -> bool:
    """Tell by the dtype; of objects, by whether there is a string among them."""
    dtype = str(column.dtype).split("(")[0].lower()
    return dtype in CATEGORY_DTYPES or (dtype == "object" and any(isinstance(value, str) for value in column))


def _plain(X: Any, columns: Array) -> Array:
    """Return columns as an array of numbers, or of objects where there are others, with None where nothing is known."""
    part = _safe_indexing(X, columns, axis=1)
    if isinstance(part, np.ndarray):
        return part
    values = np.array(part, dtype=object)
    values[pd.isna(values)] = None
    return values
