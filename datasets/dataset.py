"""`Dataset`: rows that scikit-learn can index, a target, and what an honest split must know.

Images and series travel as 2-D arrays of flattened values with `input_shape`; text as a 1-D array of strings; tabular
data as a DataFrame.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.datasets.given_folds import GivenFolds
from bakeoff.errors import UserError
from bakeoff.tasks import Kind, Task


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """One data set, ready to be split.

    Parameters
    ----------
    name : str
        The name that records and reports use.
    X : DataFrame of shape (n_rows, n_columns) or ndarray of shape (n_rows, n_values) or (n_rows,)
        Tabular data as a frame, images and series flattened, text as an array of strings.
    y : ndarray of shape (n_rows,)
        Class labels of any dtype, or floats for a regression.
    task : {"binary", "multiclass", "regression"}
    kind : {"tabular", "image", "series", "text"}
    input_shape : tuple of int, optional
        (channels, height, width) or (channels, length) of one row of an image or series set.
    categorical : tuple of str
        Columns of a tabular set that hold categories.
    positive : label, optional
        The positive class of a binary task; the second class in sorted order if left out.
    groups : ndarray of shape (n_rows,), optional
        Rows of one group never stand on both sides of a split.
    time : ndarray of shape (n_rows,), optional
        Training rows always come before test rows.
    test_rows : ndarray of bool of shape (n_rows,), optional
        A predefined split: True where a row belongs to the test part.
    given_folds : GivenFolds, optional
        Published outer folds, which are used as they are; folds inside their training parts are made as ever.
    weights : ndarray of shape (n_rows,), optional
        How much each row counts, in fitting and in scoring; finite, none negative.
    licence, source : str
        Where the data come from, and on what terms.
    notes : tuple of str
        What the loader inferred or wants the user to know.
    """

    name: str
    X: Any
    y: np.ndarray
    task: Task
    kind: Kind = "tabular"
    input_shape: tuple[int, ...] | None = None
    categorical: tuple[str, ...] = ()
    positive: Any = None
    groups: np.ndarray | None = None
    time: np.ndarray | None = None
    test_rows: np.ndarray | None = None
    given_folds: GivenFolds | None = None
    weights: np.ndarray | None = None
    licence: str = "not stated"
    source: str = "not stated"
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse a target that no fit could use, and groups, times or a split that could not be kept to.

        Raises
        ------
        UserError
            If the lengths differ, a label is missing or infinite, there is only one class, the positive class is none
            of them, or groups, times and the predefined split contradict each other.
        """
        for what in ("y", "groups", "time", "test_rows", "weights"):
            part = getattr(self, what)
            if part is not None and len(part) != len(self.X):
                raise UserError(f"the data set {self.name!r} has {len(self.X)} rows in X but {len(part)} in {what}")
        if not len(self.y):
            raise UserError(f"the data set {self.name!r} has no rows")
        _check_target(self.name, self.y, self.task)
        _check_splittable(self)
        _check_given_folds(self)
        if self.task == "binary" and self.positive is None:
            object.__setattr__(self, "positive", self.classes[1])
        if self.task == "binary" and self.positive not in self.classes.tolist():
            raise UserError(f"the positive class {self.positive!r} is no class of the data set {self.name!r}")

    @cached_property
    def classes(self) -> np.ndarray:
        """The sorted class labels, shape (n_classes,); empty for a regression."""
        return np.empty(0) if self.task == "regression" else np.unique(self.y)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the whole content: every row, the target and what the splits depend on.

        Given folds are not in it: each split has a digest of its own, and more of the folds leave those fits alone.
        """
        sha = hashlib.sha256()
        for part in (self.X, self.y, self.groups, self.time, self.test_rows):
            sha.update(_content(part))
        if self.weights is not None:
            sha.update(_content(self.weights))
        sha.update(repr((self.task, self.kind, self.input_shape, self.categorical, str(self.positive))).encode())
        return sha.hexdigest()

    @property
    def is_divided(self) -> bool:
        """Whether it came with its outer split or folds."""
        return self.test_rows is not None or self.given_folds is not None

    @property
    def n_features(self) -> int:
        """Number of columns, or of values in a row."""
        return 1 if getattr(self.X, "ndim", 1) == 1 else int(self.X.shape[1])


def _check_target(name: str, y: np.ndarray, task: Task) -> None:
    missing = np.flatnonzero(pd.isna(y))
    if len(missing):
        raise UserError(
            f"the target of the data set {name!r} is missing in {len(missing)} of {len(y)} rows (first: data row "
            f"{missing[0] + 1}); every row needs one: drop these rows or fill them in"
        )
    if task == "regression":
        _check_finite_target(name, y)
        return
    found = len(np.unique(y))
    if found < 2:
        raise UserError(
            f"the target of the data set {name!r} has one class only ({y[0]}); there is nothing to tell apart"
        )
    if task == "binary" and found != 2:
        raise UserError(f"the data set {name!r} has {found} classes; a binary task needs 2. Use task: multiclass")


def _check_finite_target(name: str, y: np.ndarray) -> None:
    infinite = np.flatnonzero(~np.isfinite(y.astype(float)))
    if len(infinite):
        raise UserError(
            f"the target of the data set {name!r} is infinite in data row {infinite[0] + 1}; a "
            "regression needs finite numbers"
        )
    if np.ptp(y.astype(float)) == 0:
        raise UserError(f"the target of the data set {name!r} is constant ({y[0]!r}); there is nothing to predict")


def _check_splittable(dataset: Dataset) -> None:
    """Refuse groups, times and a predefined split that no division of the rows can keep to, all at once."""
    name, groups, time = f"the data set {dataset.name!r}", dataset.groups, dataset.time
    for what, values in (("groups", groups), ("time", time)):
        if values is not None and np.any(pd.isna(values)):
            row = int(np.argmax(pd.isna(values))) + 1
            raise UserError(f"{name} has no value of {what} in data row {row}; every row needs one")
    if groups is not None and time is not None:
        raise UserError(f"{name} has both groups and time; no split keeps both whole: leave one of them out")
    if dataset.test_rows is None:
        return
    test = np.asarray(dataset.test_rows)
    if test.all() or not test.any():
        raise UserError(f"the predefined split of {name} leaves its {'training' if test.all() else 'test'} part empty")
    if groups is not None and np.isin(groups[test], groups[~test]).any():
        raise UserError(f"the predefined split of {name} divides a group; a group belongs to one part")
    if time is not None and time[~test].max() >= time[test].min():
        raise UserError(f"the predefined split of {name} trains on times that are not before those of its test part")


def _check_given_folds(dataset: Dataset) -> None:
    """Refuse published folds of other rows, and whatever would divide the rows in another way."""
    folds = dataset.given_folds
    if folds is None:
        return
    others = [what for what in ("groups", "time", "test_rows") if getattr(dataset, what) is not None]
    if others:
        raise UserError(
            f"the data set {dataset.name!r} is divided by {folds.source}; leave out {' and '.join(others)}, "
            "which would divide it in another way"
        )
    problem = next(folds.problems(len(dataset.y)), None)
    if problem is not None:
        raise UserError(f"the data set {dataset.name!r} can't be divided as published: {problem}")


def _content(part: Any) -> bytes:
    """Bytes that stand for the content of a frame or an array, whatever its memory layout."""
    if part is None:
        return b"none"
    if isinstance(part, pd.DataFrame):
        names = "\x1f".join(map(str, part.columns)).encode()
        return names + pd.util.hash_pandas_object(part, index=False).to_numpy().tobytes()
    array = np.ascontiguousarray(part)
    if array.dtype.kind in "OUST":
        return pd.util.hash_array(array.astype(object)).tobytes()
    return f"{array.dtype.str}{array.shape}".encode() + array.tobytes()
