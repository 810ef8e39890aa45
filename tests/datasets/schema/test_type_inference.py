"""Columns are read as a careful person would read them, said so, and overridden at will."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.datasets import load
from bakeoff.datasets.schema.columns import read_columns
from bakeoff.datasets.schema.targets import infer_task
from bakeoff.errors import UserError


@pytest.mark.parametrize(
    ("values", "column_type", "note"),
    [
        ([1.5, None, 2], "number", ""),
        ([1, 2, 3], "number", ""),
        ([True, False, True], "boolean", ""),
        (["a", "b", None], "category", ""),
        (["1.5", "2", None], "number", "holds numbers stored as text"),
        (["1.5", " 2 ", " "], "number", "holds numbers stored as text"),
        (["1e3", "-2", "+4"], "number", "holds numbers stored as text"),
        (["01234", "12345", "00001"], "category", "holds codes with leading zeros"),
        (["0.5", "0.25", "0"], "number", "holds numbers stored as text"),
        (["2020-01-01", "1999-12-31", None], "date", "holds dates"),
        (["2020-01-01T10:00:00Z", "1999-12-31 23:59", "2000-01-01"], "date", "holds dates"),
        (["2020-13-45", "1999-12-31", "2000-01-01"], "category", ""),
        (["1.2.2020", "31.12.1999", "3.4.2000"], "category", ""),
        ([None, None, None], "empty", "holds nothing"),
        (pd.to_datetime(["2020-01-01", "2020-01-02", None]), "date", "holds dates"),
        (pd.to_datetime(["2020-01-01", "2020-01-02", None], utc=True), "date", "holds dates"),
        (pd.Categorical([3, 1, 3]), "category", ""),
        (pd.array([1, None, 3], dtype="Int64"), "number", ""),
        ([*map(str, range(99)), "n/a?"], "category", "numbers but for 1 of 100 values .first: 'n/a.' in data row 100"),
    ],
)
def test_form_of_a_column(values: Any, column_type: str, note: str) -> None:
    """Numbers kept as text are numbers, codes are not, dates are days, and what is odd is told."""
    column = read_columns(pd.DataFrame({"c": values}), "d")["c"]
    assert column.column_type == column_type
    pd.testing.assert_index_equal(column.data.index, pd.RangeIndex(len(values)))
    assert bool(column.note) == bool(note)
    import re

    assert re.search(note, column.note)
    if column_type in ("number", "date"):
        assert pd.api.types.is_numeric_dtype(column.data)


def test_values_of_columns() -> None:
    """Gaps stay gaps; dates are days since 1970, fractions included."""
    frame = pd.DataFrame({"n": ["1.5", " ", "2"], "d": ["1970-01-02", None, "1970-01-01 12:00"], "c": [None, 1, "x"]})
    columns = read_columns(frame, "d")
    np.testing.assert_array_equal(columns["n"].data, [1.5, np.nan, 2])
    np.testing.assert_array_equal(columns["d"].data, [1, np.nan, 0.5])
    assert columns["c"].data.isna().tolist() == [True, False, False]
    assert columns["c"].data.tolist()[1:] == ["1", "x"]


def test_overrides() -> None:
    """A column may be named a category or a number, whatever it looks like."""
    frame = pd.DataFrame({"zip": [1, 2, 3, 4], "mixed": ["1", "2", "x", None], "y": [0, 1, 0, 1]})
    dataset = load(frame, target="y", categorical=("zip",), numeric=("mixed",))
    assert dataset.categorical == ("zip",)
    np.testing.assert_array_equal(dataset.X["mixed"], [1, 2, np.nan, np.nan])
    assert any("has 1 values that are no numbers" in note for note in dataset.notes)


@pytest.mark.parametrize("value", [[1, 2], {"a": 1}, b"bytes", (1,), np.ones(2)])
def test_things_that_no_model_takes(value: Any) -> None:
    """Lists, dictionaries and bytes in a column are refused with its name."""
    with pytest.raises(UserError, match=r"the column 'c' .* holds \w+ values"):
        load(pd.DataFrame({"c": [value, value], "y": [0, 1]}), target="y")


def counts(*frequencies: int) -> np.ndarray:
    """Return 0, 1, 2 … with the given frequencies."""
    return np.repeat(np.arange(len(frequencies)), frequencies)


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (counts(50, 50, 50), "multiclass"),
        (counts(574, 324, 240, 157, 25, 18), "regression"),
        (counts(5, 40, 60, 30, 10, 3, 1), "regression"),
        (counts(30, 31, 30, 29, 32, 31), "multiclass"),
        (counts(1510, 3140, 2242, 3111, 1805), "multiclass"),
        (counts(*[75] * 15), "multiclass"),
        (counts(*[75] * 15) + 1, "multiclass"),
        (counts(*[75] * 15) + 2, "regression"),
        (np.repeat([3, 4, 5, 6, 7, 8], [10, 53, 681, 638, 199, 18]), "multiclass"),
        (np.repeat(np.arange(1, 30), [*range(1, 15), *range(15, 0, -1)]), "regression"),
        ([1990, 1991, 1992] * 20, "multiclass"),
        (np.arange(100), "regression"),
    ],
)
def test_classes_and_counts(y: Any, task: str) -> None:
    """Codes of classes are told from counts of something and from numbers."""
    assert infer_task(y) == task


def test_what_is_inferred_is_told() -> None:
    """The task and every column that is not what its type says stand in the notes."""
    frame = pd.DataFrame({"n": ["1", "2", "3", "4"], "when": ["2020-01-01"] * 4, "y": list("abab")})
    notes = " ".join(load(frame, target="y", name="d").notes)
    for part in ("read as a binary task", "'n' holds numbers stored as text", "'when' holds dates"):
        assert part in notes
    assert "read as a" not in " ".join(load(frame, target="y", task="binary").notes)
