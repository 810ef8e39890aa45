"""Data sets on the disk: what the fits open is mapped, and its rows are those that were written."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.datasets import load
from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.mapped_rows import MappedColumn, MappedTable, MappedTexts, are_strings
from bakeoff.fitting.fit import take
from bakeoff.planning.staging import open_data_file, write_data_file
from bakeoff.protocol.splits import outer_splits

ROWS = [slice(None), slice(1, 3), np.array([3, 0]), np.array([2]), np.array([], dtype=int)]
ODD = "a\ud800\x00b"  # half of a character, and a zero


def objects(*values: Any) -> np.ndarray:
    """Return values as an array of objects."""
    return np.array([*values, None], dtype=object)[:-1]


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("texts", [["", "é", "a b", ODD], ["x"] * 4, [""] * 4])
def test_texts(texts: list[str], rows: Any) -> None:
    """Texts of any length come back as they were."""
    stored = MappedTexts(objects(*texts))
    assert stored.take(rows).tolist() == objects(*texts)[rows].tolist()
    assert len(stored) == 4


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("gap", [None, np.nan, pd.NA])
@pytest.mark.parametrize("values", [["b", "a", "b", "c"], ["a", ..., "b", ...], [..., "", "", "x"], [...] * 4])
def test_columns(values: list[Any], gap: Any, rows: Any) -> None:
    """Categories and their gaps come back as they were."""
    column = objects(*[gap if value is ... else value for value in values])
    found, expected = MappedColumn(column).take(rows), column[rows]
    assert found.dtype == object
    assert all(one is other or one == other for one, other in zip(found, expected, strict=True))


def column(*values: Any) -> pd.Series:
    """Return values as a column of objects, whose rows are not counted from 0."""
    return pd.Series(values, index=[5, 6, 7, 8], dtype=object)


@pytest.mark.parametrize("rows", ROWS)
def test_tables(rows: Any) -> None:
    """Frames come back as they were, whatever their columns hold and are called."""
    frame = pd.DataFrame(
        {
            "number": column(1.5, np.nan, 3, 4).astype(float),
            "word": column("a", None, "b", "a"),
            "flag": column(True, False, True, True).astype(bool),
            "mixed": column("a", 1, None, np.nan),
            "two gaps": column("a", None, np.nan, "b"),
            "kind": column("u", "v", "u", None).astype("category"),
            7: column("x", "y", "z", "x"),
        }
    )
    stored = MappedTable(frame)
    assert sorted(stored.columns) == [1, 6]
    pd.testing.assert_frame_equal(stored.take(rows), frame.iloc[rows])
    doubled = frame.set_axis(list("aabbccd"), axis=1)
    pd.testing.assert_frame_equal(MappedTable(doubled).take(rows), doubled.iloc[rows])
    numbers = frame[["number", "flag"]]
    pd.testing.assert_frame_equal(MappedTable(numbers).take(rows), numbers.iloc[rows])
    assert not are_strings(objects(1, 2))


def is_mapped(array: Any) -> bool:
    """Tell whether an array is a view of a file."""
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base
    return isinstance(array, np.memmap) and not array.flags.writeable


def opened(dataset: Dataset, path: Path) -> Dataset:
    """Write a data set for its fits and open it again; what is not stored in rows must be the same."""
    splits = outer_splits(dataset, folds=2, repeats=1, seed=0)
    write_data_file(path, dataset, splits)
    again, _ = open_data_file(path)
    np.testing.assert_array_equal(again.y, dataset.y)
    assert again.y.dtype == dataset.y.dtype
    assert again.classes.tolist() == dataset.classes.tolist()
    assert (again.positive, again.name, again.categorical) == (dataset.positive, dataset.name, dataset.categorical)
    return again


def test_what_fits_open_is_mapped(tmp_path: Path) -> None:
    """Numbers, categories and texts lie in one file, which processes map read-only."""
    n_rows = 40
    y = objects(*["yes", "no"] * (n_rows // 2))
    words = objects(*[f"film number {row}" for row in range(n_rows)])
    frame = pd.DataFrame({"a": np.arange(n_rows) / 7, "b": objects(*["u", "v", None, "w"] * 10), "y": y})
    table = load(frame, target="y")
    again = opened(table, tmp_path / "table")
    assert is_mapped(again.X.columns[1].codes)
    assert is_mapped(again.X.columns[1].texts.content)
    assert is_mapped(again.X.others[0].to_numpy())
    pd.testing.assert_frame_equal(take(again.X, np.arange(3, 9)), take(table.X, np.arange(3, 9)))
    pd.testing.assert_frame_equal(take(again.X, np.array([9, 2])), take(table.X, np.array([9, 2])))
    text = load(pd.DataFrame({"words": words, "y": y}), target="y", kind="text")
    again = opened(text, tmp_path / "text")
    assert is_mapped(again.X.content)
    assert take(again.X, np.array([5, 1])).tolist() == words[[5, 1]].tolist()
