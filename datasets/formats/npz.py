"""NumPy's archives: rows under one key, labels under another, or both in a training and a test part."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bakeoff.datasets.formats.compressed import MAX_MEMORY_FRACTION, check_file
from bakeoff.datasets.schema.arrays import LabelledArrays, join, to_channels_first
from bakeoff.errors import UserError, unknown_name
from bakeoff.tasks import Kind

X_KEYS = ("X", "x", "data", "images")
Y_KEYS = ("y", "labels", "target", "label")


def read_npz(path: Path, *, target: str | None = None, kind: Kind | None = None) -> LabelledArrays:
    """Read an .npz file; nothing in it is executed.

    Parameters
    ----------
    path : Path
        Holds X and y (or data and target, images and labels), or X_train, y_train, X_test and y_test.
    target : str, optional
        Key of the labels.
    kind : {"tabular", "image", "series"}, optional
        What rows with two axes are.

    Raises
    ------
    UserError
        If the file is damaged, holds Python objects, or lacks the keys.
    """
    check_file(path)
    try:
        _check_size(path)
        with np.load(path, allow_pickle=False) as file:
            return _read(path, file, target, kind)
    except UserError:
        raise
    except ValueError as error:
        objects = "allow_pickle" in str(error)
        reason = "it holds Python objects, which could run code; save plain numbers and text" if objects else error
        raise UserError(f"{path} can't be read as NPZ: {reason}") from None
    except (OSError, EOFError, zipfile.BadZipFile, KeyError, MemoryError, OverflowError, NotImplementedError) as error:
        reason = str(error).strip() or type(error).__name__
        raise UserError(f"{path} can't be read as NPZ ({reason}); get or make the file anew") from None


def _check_size(path: Path) -> None:
    """Refuse what would fill the memory, and members that are named like paths."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    odd = next((member.filename for member in members if "/" in member.filename or "\\" in member.filename), None)
    if odd:
        raise UserError(f"{path} holds the member {odd!r}, a path; the keys of an .npz file are plain names")
    total, most = sum(member.file_size for member in members), psutil.virtual_memory().total * MAX_MEMORY_FRACTION
    if total > most:
        raise UserError(f"{path} unpacks to {total / 2**30:.1f} GiB, more than half of this machine's memory")


def _read(path: Path, file: Any, target: str | None, kind: Kind | None) -> LabelledArrays:
    for rows, labels in ((f"{key}_{{}}", f"{label}_{{}}") for key in X_KEYS for label in Y_KEYS):
        if {rows.format("train"), rows.format("test"), labels.format("train"), labels.format("test")} <= set(file):
            parts = (_part(path, file, rows.format(part), labels.format(part), kind) for part in ("train", "test"))
            return join(*parts)
    if target is not None and target not in file:
        raise UserError(f"in {path}: " + unknown_name("key", target, file))
    y = target or next((key for key in Y_KEYS if key in file), None)
    X = next((key for key in X_KEYS if key in file), None)
    if y is None or X is None:
        raise UserError(
            f"{path} holds the keys {', '.join(sorted(file)) or 'none'}; it needs X and y, or X_train, y_train, X_test "
            "and y_test (`target` names another key of the labels)"
        )
    return _part(path, file, X, y, kind)


def _part(path: Path, file: Any, rows: str, labels: str, kind: Kind | None) -> LabelledArrays:
    X, y = file[rows], file[labels]
    if X.dtype.kind not in "biuf":
        raise UserError(f"{path}: {rows} must hold numbers, got {X.dtype}")
    if y.ndim != 1 or X.ndim < 2 or len(y) != len(X):
        raise UserError(f"{path}: {rows} has the shape {X.shape} and {labels} {y.shape}; each row needs one label")
    shaped, notes = to_channels_first(X, kind, path.name)
    return LabelledArrays(shaped, y, shaped.shape[1:], notes=notes)
