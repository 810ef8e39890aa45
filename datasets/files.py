"""CSV files: read once, every problem told with the file and what to do."""

import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.frames import dataset_from_frame
from bakeoff.errors import UserError


def load_csv(path: Path, *, target: str, name: str | None = None, **options: Any) -> Dataset:
    """Read a CSV file with a header row (plain, gz, bz2, xz or zst) as a data set.

    Parameters
    ----------
    path : Path
    target : str
        Column to predict.
    name : str, optional
        The file's name without its endings if left out.
    **options
        As in `bakeoff.datasets.frames.dataset_from_frame`.

    Raises
    ------
    UserError
        If the file is missing, empty, no CSV, or its columns are not what the options say.
    """
    if not path.is_file():
        raise UserError(f"there is no data file {str(path)!r}; give the path of a CSV file")
    header = _read(path, header=None, nrows=1, dtype=str).iloc[0]
    doubled = header[header.duplicated()].dropna().unique()
    if len(doubled):
        raise UserError(
            f"{path}: the header names the column {doubled[0]!r} more than once; give each column its own name"
        )
    separator = next((mark for mark in (";", "\t", "|") if len(header) == 1 and mark in str(header[0])), None)
    if separator:
        raise UserError(f"{path} separates its columns by {separator!r}; a CSV file needs commas: save it with commas")
    frame = _read(path)
    return dataset_from_frame(frame, name=name or path.name.split(".")[0], target=target, source=str(path), **options)


def _read(path: Path, **options: Any) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            # Without index_col=False pandas takes surplus fields for an index, which shifts the columns.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame: pd.DataFrame = pd.read_csv(path, low_memory=False, index_col=False, **options)
    except pd.errors.ParserWarning:
        raise UserError(f"{path}: the rows have more fields than the header has names; name every column") from None
    except pd.errors.EmptyDataError:
        raise UserError(f"{path} is empty; a CSV file needs a header row and data rows") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except Exception as error:  # each kind of compression raises errors of its own
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
        raise UserError(f"{path} can't be read as CSV: {reason}") from None
    return frame
