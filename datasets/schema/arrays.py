"""Arrays of rows (images, series or tables) with their labels: what files of arrays are read into."""

from dataclasses import dataclass

import numpy as np

from bakeoff.errors import UserError
from bakeoff.tasks import Kind

CHANNEL_COUNTS = (1, 3, 4)


@dataclass(frozen=True, eq=False)
class LabelledArrays:
    """Rows that share a shape.

    Parameters
    ----------
    X : ndarray of shape (n_rows, *input_shape)
    y : ndarray of shape (n_rows,)
    input_shape : tuple of int
        (channels, height, width) or (channels, length); (n_columns,) of a table.
    n_train : int, optional
        Rows of the training part, which stand first, where the file comes with a split of its own.
    notes : tuple of str
    """

    X: np.ndarray
    y: np.ndarray
    input_shape: tuple[int, ...]
    n_train: int | None = None
    notes: tuple[str, ...] = ()


def join(train: LabelledArrays, test: LabelledArrays) -> LabelledArrays:
    """Join a training and a test part; the shorter series of the two end in missing values.

    Raises
    ------
    UserError
        If their rows differ in shape.
    """
    one, other = train.input_shape, test.input_shape
    if one != other and not (len(one) == len(other) == 2 and one[0] == other[0]):
        raise UserError(f"the rows of the training part have the shape {one}, those of the test part {other}")
    longest = max(one[-1], other[-1])
    X = np.concatenate([pad_with_nan(part.X, longest) for part in (train, test)])
    return LabelledArrays(X, np.concatenate([train.y, test.y]), X.shape[1:], len(train.y), train.notes)


def pad_with_nan(X: np.ndarray, length: int) -> np.ndarray:
    """Fill rows up with NaN at the end of their last axis."""
    missing = length - X.shape[-1]
    return X if not missing else np.pad(X, [(0, 0)] * (X.ndim - 1) + [(0, missing)], constant_values=np.nan)


def to_channels_first(X: np.ndarray, kind: Kind | None, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Bring an array to (rows, channels, height, width), (rows, channels, length) or (rows, columns).

    Three axes of bytes are grey images, three of other numbers are series with channels; `kind` decides otherwise.

    Returns
    -------
    X : ndarray
    notes : tuple of str
        What was taken for what.

    Raises
    ------
    UserError
        If no kind of data has so many axes.
    """
    if X.ndim == 4:
        last = X.shape[3] in CHANNEL_COUNTS and X.shape[1] not in CHANNEL_COUNTS
        return (np.moveaxis(X, 3, 1), (f"{name}: the last axis was read as channels",)) if last else (X, ())
    if X.ndim == 3:
        image = kind == "image" or (kind is None and X.dtype == np.uint8)
        shape = "images of one channel" if image else "series of channels x length"
        return (X[:, None] if image else X), (f"{name}: {X.shape[1]} x {X.shape[2]} values a row, read as {shape}",)
    if X.ndim == 2:
        return (X[:, None] if kind == "series" else X), ()
    raise UserError(
        f"the rows of {name!r} lie in an array of shape {X.shape}; it needs 2 axes (rows x columns), 3 or 4 with the "
        "rows first"
    )
