"""Type inference for the columns of a table: numbers kept as text, dates, codes, categories."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from bakeoff.errors import UserError

ColumnType = Literal["number", "boolean", "date", "category", "empty"]
ISO_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$")
LEADING_ZERO = re.compile(r"^-?0\d")
MOSTLY_NUMBERS = 0.9  # share of numbers from which text among them is likely to be a mistake
MIN_WORDS_OF_TEXT = 3  # words from which a column of mostly different texts is taken for text, not for categories
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Column:
    """A column as it will be used.

    Parameters
    ----------
    column_type : {"number", "boolean", "date", "category", "empty"}
    data : Series
        Numbers, booleans, days since 1970 of dates, or text (gaps are None) of categories.
    note : str
        What was inferred beyond the type of the column, or is odd about it; empty if nothing.
    """

    column_type: ColumnType
    data: pd.Series
    note: str = ""


def read_columns(
    frame: pd.DataFrame, name: str, *, categorical: tuple[str, ...] = (), numeric: tuple[str, ...] = ()
) -> dict[str, Column]:
    """Read each column of a frame.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
    name : str
        Of the data set, for errors.
    categorical, numeric : tuple of str
        Columns that are to be categories, and numbers, whatever they look like.

    Raises
    ------
    UserError
        If a column holds something that is neither number, text, date nor boolean, or an infinite number.
    """
    columns = {str(label): _read(frame[label], label in categorical, label in numeric) for label in frame.columns}
    _check_finite(columns, name)
    _check_plain(frame, columns, name)
    return columns


def iter_notes(columns: dict[str, Column], name: str) -> Iterator[str]:
    """Yield what the reader of a column should know."""
    for label, column in columns.items():
        if column.note:
            yield f"{name}: the column {label!r} {column.note}"


def are_sentences(texts: pd.Series) -> bool:
    """Tell sentences, of which hardly any stands twice, from categories; there must be some, and no gaps."""
    return texts.nunique() >= len(texts) / 2 and bool(
        texts.astype(str).str.split().map(len).mean() >= MIN_WORDS_OF_TEXT
    )


def _read(column: pd.Series, as_category: bool, as_number: bool) -> Column:
    if as_category:
        return Column("category", _as_category(column))
    if as_number:
        return _forced_number(column)
    if column.isna().all():
        return Column("empty", column.astype("float64"), "holds nothing")
    if pd.api.types.is_bool_dtype(column):
        return Column("boolean", column)
    if pd.api.types.is_datetime64_any_dtype(column):
        return Column("date", _days(column), "holds dates, read as days since 1970")
    if pd.api.types.is_numeric_dtype(column):
        return Column("number", column)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return Column("category", _as_category(column))
    return _read_text(column)


def _read_text(column: pd.Series) -> Column:
    values = column.dropna()
    if values.map(lambda value: isinstance(value, bool)).all():
        return Column("category", _as_category(column))
    texts = values.astype(str).str.strip()
    numbers = pd.to_numeric(texts.where(texts != ""), errors="coerce")
    filled = texts[texts != ""]
    if len(filled) and numbers[filled.index].notna().all():
        return _numbers_as_text(column, filled, numbers)
    if len(filled) and filled.map(lambda text: bool(ISO_DATE.match(text))).all():
        dates = pd.to_datetime(filled, format="ISO8601", utc=True, errors="coerce")
        if dates.notna().all():
            return Column("date", _days(dates).reindex(column.index), "holds dates, read as days since 1970")
    return Column("category", _as_category(column), _oddity(filled, numbers))


def _numbers_as_text(column: pd.Series, filled: pd.Series, numbers: pd.Series) -> Column:
    if filled.map(lambda text: bool(LEADING_ZERO.match(text))).any():
        return Column("category", _as_category(column), "holds codes with leading zeros, read as categories")
    return Column("number", numbers.reindex(column.index).astype("float64"), "holds numbers stored as text")


def _oddity(filled: pd.Series, numbers: pd.Series) -> str:
    """Tell a column of numbers with a few words among them."""
    odd = filled[numbers[filled.index].isna()]
    if len(odd) and 1 - len(odd) / len(filled) >= MOSTLY_NUMBERS:
        return (
            f"holds numbers but for {len(odd)} of {len(filled)} values (first: {odd.iloc[0]!r} in data row "
            f"{odd.index[0] + 1}), read as categories; numeric: [{filled.name}] reads the others as missing"
        )
    return ""


def _forced_number(column: pd.Series) -> Column:
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    lost = int((numbers.isna() & column.notna()).sum())
    return Column("number", numbers, f"has {lost} values that are no numbers, read as missing" if lost else "")


def _days(dates: pd.Series) -> pd.Series:
    naive = dates.dt.tz_convert("UTC").dt.tz_localize(None) if getattr(dates.dtype, "tz", None) else dates
    return (naive - pd.Timestamp(0)) / DAY


def _as_category(column: pd.Series) -> pd.Series:
    return column.astype("str").where(column.notna()).astype(object)


def _check_finite(columns: dict[str, Column], name: str) -> None:
    for label, column in columns.items():
        if column.column_type != "number":
            continue
        infinite = np.flatnonzero(np.isinf(column.data.to_numpy(dtype=float, na_value=np.nan)))
        if len(infinite):
            raise UserError(
                f"the column {label!r} of the data set {name!r} is infinite in data row {infinite[0] + 1}; "
                "write a number or leave it empty"
            )


def _check_plain(frame: pd.DataFrame, columns: dict[str, Column], name: str) -> None:
    """Refuse lists, dictionaries, bytes and other things that no model takes."""
    for label, column in columns.items():
        values: Any = frame[label] if label in frame else frame.iloc[:, list(columns).index(label)]
        if column.column_type == "category" and values.dtype == object:
            odd = next(
                (value for value in values if isinstance(value, list | dict | set | tuple | bytes | np.ndarray)), None
            )
            if odd is not None:
                raise UserError(
                    f"the column {label!r} of the data set {name!r} holds {type(odd).__name__} values; a column holds "
                    "numbers, text, dates or booleans"
                )
