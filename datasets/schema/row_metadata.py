"""Row metadata, columns about the rows: their time, their weight, on which side of a given split they stand."""

import numpy as np
import pandas as pd

from bakeoff.datasets.options import DataOptions
from bakeoff.errors import UserError


def read_times(column: pd.Series, name: str) -> np.ndarray:
    """Return numbers or points in time; other text would be ordered by its letters, 10.1. before 9.1."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(copy=True)
    try:
        times = pd.to_datetime(column, format="ISO8601", utc=True)
    except (ValueError, TypeError):
        raise UserError(
            f"the time column {column.name!r} of the data set {name!r} must hold numbers or dates such as 2020-01-31 "
            f"or 2020-01-31 12:00, got {column.dropna().iloc[0]!r}"
        ) from None
    return times.dt.tz_localize(None).to_numpy(copy=True)


def read_weights(column: pd.Series, name: str) -> np.ndarray:
    """Return weights: finite, none negative, some positive."""
    weights = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, copy=True)
    bad = np.flatnonzero(~np.isfinite(weights) | (weights < 0))
    if len(bad) or not weights.any():
        where = f"{column.iloc[bad[0]]!r} in data row {bad[0] + 1}" if len(bad) else "zeros only"
        raise UserError(
            f"the weights {column.name!r} of the data set {name!r} must be numbers from 0 on, not all 0, got {where}"
        )
    return weights


def read_split(frame: pd.DataFrame, name: str, options: DataOptions) -> np.ndarray | None:
    """Mark the test rows of a predefined split, if there is one."""
    if options.split is not None and options.n_train is not None:
        raise UserError(
            f"the data set {name!r} has both split and n_train; one of them says which rows are for testing"
        )
    if options.n_train is not None:
        return build_test_mask(options.n_train, len(frame), name)
    if options.split is None:
        return None
    column = frame[options.split]
    values = set(column.dropna().unique())
    if values != {"train", "test"} or column.isna().any():
        raise UserError(
            f"the split column {options.split!r} of the data set {name!r} must hold 'train' and 'test' in every "
            f"row, got {sorted(map(str, values))[:5]}"
        )
    return (column == "test").to_numpy()


def build_test_mask(n_train: int, n_rows: int, name: str) -> np.ndarray:
    """Mark the rows after the first `n_train` as test rows."""
    if n_train >= n_rows:
        raise UserError(f"n_train is {n_train}, but the data set {name!r} has {n_rows} rows; none is left for testing")
    return np.arange(n_rows) >= n_train
