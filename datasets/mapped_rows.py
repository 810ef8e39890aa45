"""Rows that processes map into memory from one file: string columns as bytes and codes, in place of Python strings."""

from typing import Any

import numpy as np
import pandas as pd

ENCODING = {"encoding": "utf-8", "errors": "surrogatepass"}


class MappedTexts:
    """Texts as one run of UTF-8 bytes.

    Parameters
    ----------
    texts : ndarray of str of shape (n_rows,)
    """

    def __init__(self, texts: np.ndarray) -> None:
        encoded = [text.encode(**ENCODING) for text in texts]
        self.content = np.frombuffer(b"".join(encoded) or b"\0", dtype=np.uint8)
        self.offsets = np.cumsum([0, *map(len, encoded)])

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.offsets) - 1

    def take(self, rows: np.ndarray | slice) -> np.ndarray:
        """Return some of the texts, shape (n_rows,)."""
        spans = zip(self.offsets[:-1][rows].tolist(), self.offsets[1:][rows].tolist(), strict=True)
        content: Any = self.content.data
        texts = [str(content[begin:end], **ENCODING) for begin, end in spans]
        return np.array([*texts, None], dtype=object)[:-1]  # an array of objects, of any length


class MappedColumn:
    """Strings that repeat, as codes of the different ones; -1 stands for a gap.

    Parameters
    ----------
    values : ndarray of str or gaps of shape (n_rows,)
    """

    def __init__(self, values: np.ndarray) -> None:
        codes, different = pd.factorize(values)
        gaps = values[codes < 0]
        self.missing_value = gaps[0] if len(gaps) else None
        self.codes = codes.astype(np.min_scalar_type(-max(len(different), 1)))
        self.texts = MappedTexts(different)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.codes)

    def take(self, rows: np.ndarray | slice) -> np.ndarray:
        """Return some of the rows, shape (n_rows,)."""
        found, places = np.unique(self.codes[rows], return_inverse=True)
        n_gaps = int(np.searchsorted(found, 0))  # none or one: the code -1
        values = np.array([self.missing_value] * n_gaps + [*self.texts.take(found[n_gaps:])] + [None], dtype=object)
        return values[places]


class MappedTable:
    """A frame whose columns of strings lie as codes.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.names = frame.columns
        numbered = frame.set_axis(range(frame.shape[1]), axis=1)
        self.columns = {
            place: MappedColumn(values.to_numpy()) for place, values in numbered.items() if are_strings(values)
        }
        self.others = numbered.drop(columns=list(self.columns))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.others)

    def take(self, rows: np.ndarray | slice) -> pd.DataFrame:
        """Return some of the rows, as they are in the frame."""
        others = self.others.iloc[rows]
        if not self.columns:
            return others.set_axis(self.names, axis=1)
        strings = {place: column.take(rows) for place, column in self.columns.items()}
        both = pd.concat([others, pd.DataFrame(strings, index=others.index, dtype=object)], axis=1)
        return both[list(range(len(self.names)))].set_axis(self.names, axis=1)


def are_strings(values: Any) -> bool:
    """Tell whether an array or column holds strings and one kind of gap, nothing else."""
    if values.dtype != object or values.ndim != 1 or pd.api.types.infer_dtype(values, skipna=True) != "string":
        return False
    gaps = np.asarray(values)[pd.isna(values)]
    return all(type(gap) is type(gaps[0]) for gap in gaps)
