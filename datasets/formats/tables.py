"""Files that hold a table: CSV, TSV, Parquet, Feather, ARFF and JSON lines, each read into a frame."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from bakeoff.datasets.formats.compressed import check_file, open_file, uncompressed_name
from bakeoff.datasets.schema.columns import LEADING_ZERO
from bakeoff.errors import UserError

# What an empty field may look like. pandas' own list has more, "None" among them, which is a category of many tables.
MISSING_VALUES = ["", "?", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "null", "NULL", "#N/A"]
BINARY_READERS: dict[str, Callable[..., pd.DataFrame]] = {
    ".parquet": pd.read_parquet,
    ".feather": pd.read_feather,
    ".arrow": pd.read_feather,
}
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
SEPARATORS = {".csv": ",", ".txt": ",", ".tsv": "\t", ".tab": "\t"}
TABLE_SUFFIXES = (*SEPARATORS, ".arff", ".jsonl", *BINARY_READERS)


def read_table(
    path: Path,
    *,
    separator: str | None = None,
    decimal: str = ".",
    encoding: str = "utf-8",
    text: bool = False,
) -> pd.DataFrame:
    """Read a table by the ending of its file.

    Parameters
    ----------
    path : Path
        Ends in .csv, .txt, .tsv, .tab, .jsonl, .arff, .parquet, .feather or .arrow; the first five may be compressed.
    separator : str, optional
        Between the fields of a table of text; a comma, in .tsv and .tab files a tab, if left out.
    decimal, encoding : str
        Of tables of text.
    text : bool
        Fields are texts, so that only an empty one is missing: "NA" may be what somebody wrote.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns)

    Raises
    ------
    UserError
        If the file is missing, damaged, empty, ragged, or no table of its kind.
    """
    ending = Path(uncompressed_name(path)).suffix.lower()
    if ending in BINARY_READERS:
        return _read_binary(path, BINARY_READERS[ending])
    with _as_text(path, encoding):
        if ending == ".arff":
            return _read_arff(path, encoding)
        if ending == ".jsonl":
            return _read_lines(path, encoding)
        mark = separator or SEPARATORS[ending]
        check_field_counts(path, mark, encoding)
        return _read_fields(
            path, missing=[""] if text else MISSING_VALUES, sep=mark, decimal=decimal, encoding=encoding
        )


def check_field_counts(path: Path, separator: str, encoding: str) -> None:
    """Refuse a header that can't name the columns, and rows that have more or fewer fields than it.

    pandas fills short rows up without a word.
    """
    rows = _fields(path, separator, encoding)
    _, header = next(rows, (1, []))
    if not any(name.strip() for name in header):
        raise UserError(f"{path} is empty; a table needs a header row and data rows")
    _check_header(path, header, separator)
    for line, row in rows:
        if len(row) != len(header):
            raise UserError(
                f"{path}, line {line}: {len(row)} fields, but the header names {len(header)} columns; quote fields "
                "that hold the separator, and write empty fields out"
            )


def _fields(path: Path, separator: str, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of each row that is not blank, with the number of its (last) line."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        with open_file(path) as stream, io.TextIOWrapper(stream, encoding=encoding, newline="") as lines:
            reader = csv.reader(lines, delimiter=separator)
            yield from ((reader.line_num, row) for row in reader if row)
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: {error}; save it as a plain text table") from None
    finally:
        csv.field_size_limit(before)


def _check_header(path: Path, header: list[str], separator: str) -> None:
    nameless = [place + 1 for place, name in enumerate(header) if not name.strip()]
    if nameless and nameless != [1]:  # pandas calls its index "Unnamed: 0"
        raise UserError(f"{path}: the header has no name for column {', '.join(map(str, nameless))}; name every column")
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise UserError(
            f"{path}: the header names the column {doubled[0]!r} more than once; give each column its own name"
        )
    other = next((mark for mark in (",", ";", "\t", "|") if len(header) == 1 and mark in header[0]), None)
    if other:
        raise UserError(
            f"{path}: the header has no {separator!r}, but {other!r}; give separator: {other!r}"
            + (", and decimal: ',' if its numbers are written so" if other == ";" else "")
        )


def _read_fields(path: Path, *, missing: list[str], **options: Any) -> pd.DataFrame:
    """Read a checked table; whole numbers that start with zeros are codes, and keep them."""
    shared = {"index_col": False, "keep_default_na": False, "na_values": missing, **options}
    try:
        with open_file(path) as stream:
            frame: pd.DataFrame = pd.read_csv(stream, low_memory=False, **shared)
        whole = [place for place in range(frame.shape[1]) if _is_whole(frame.iloc[:, place])]
        if whole:
            with open_file(path) as stream:
                texts = pd.read_csv(stream, usecols=whole, dtype="str", **shared)
            frame = frame.assign(**{name: texts[name] for name in texts if texts[name].str.match(LEADING_ZERO).any()})
    except (pd.errors.ParserError, ValueError, OverflowError) as error:
        raise UserError(f"{path} can't be read as a table: {str(error).strip().splitlines()[-1]}") from None
    return frame


def _is_whole(column: pd.Series) -> bool:
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return False
    return bool((column.dropna() % 1 == 0).all())


def _read_lines(path: Path, encoding: str) -> pd.DataFrame:
    """Read one JSON object a line."""
    rows = []
    with open_file(path) as stream, io.TextIOWrapper(stream, encoding=encoding) as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                rows.append(_parse_json_line(path, number, line))
    if not rows:
        raise UserError(f"{path} is empty; it needs one JSON object a line")
    return pd.DataFrame(rows)


def _parse_json_line(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (json.JSONDecodeError, RecursionError, ValueError) as error:
        raise UserError(f"{path}, line {number} is no JSON ({error}); it needs one object a line") from None
    if not isinstance(row, dict) or not row:
        raise UserError(f'{path}, line {number}: each line must be an object such as {{"text": …, "label": …}}')
    nested = next((key for key, value in row.items() if isinstance(value, dict | list)), None)
    if nested is not None:
        raise UserError(f"{path}, line {number}: the value of {nested!r} must be a number or text, not nested")
    return row


def _read_binary(path: Path, read: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    check_file(path)
    try:
        return read(path)
    except ImportError:
        raise UserError(f"{path}: reading {path.suffix} needs pyarrow: pip install pyarrow") from None
    except Exception as error:  # Arrow has errors of its own for each kind of damage
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"{path} can't be read as {path.suffix}: {reason}") from None


def _read_arff(path: Path, encoding: str) -> pd.DataFrame:
    """Read Weka's format: nominal attributes become categories in the order of their declaration."""
    try:
        import arff
    except ImportError:
        raise UserError(f"{path}: reading .arff needs liac-arff: pip install 'bakeoff[arff]'") from None
    try:
        with open_file(path) as stream, io.TextIOWrapper(stream, encoding=encoding) as lines:
            content = arff.load(lines)
    except (arff.ArffException, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} can't be read as ARFF: {error}") from None
    kinds = dict(content["attributes"])
    frame = pd.DataFrame(content["data"], columns=list(kinds)).infer_objects()
    nominal = {name: pd.CategoricalDtype(kind) for name, kind in kinds.items() if isinstance(kind, list)}
    return frame.astype(nominal)


@contextmanager
def _as_text(path: Path, encoding: str) -> Iterator[None]:
    """Tell which encoding the bytes of a file are not."""
    try:
        yield
    except UnicodeDecodeError as error:
        other = "utf-16" if isinstance(error.object, bytes) and error.object[:2] in UTF_16 else "latin-1, say"
        raise UserError(
            f"{path} is not {encoding} text (byte {error.start}); save it as UTF-8, or give encoding: {other}"
        ) from None
    except LookupError:
        raise UserError(
            f"there is no encoding {encoding!r}; utf-8, utf-16, latin-1 and cp1252 are common ones"
        ) from None
