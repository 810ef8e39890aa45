"""Data sets from what is in memory: frames of pandas, polars and Arrow, NumPy's arrays, SciPy's sparse matrices."""

from typing import Any

import numpy as np
import pandas as pd
import psutil

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.options import DataOptions
from bakeoff.datasets.origin import Origin
from bakeoff.datasets.schema.arrays import LabelledArrays
from bakeoff.datasets.schema.frames import dataset_from_frame
from bakeoff.datasets.schema.row_metadata import build_test_mask
from bakeoff.datasets.schema.targets import describe_inferred_task, find_positive_class, infer_task, read_labels
from bakeoff.errors import UserError

MAX_FREE_MEMORY_FRACTION = 0.25  # share that a sparse matrix may take once its zeros are written out


def dataset_from_memory(X: Any, y: Any, options: DataOptions) -> Dataset:
    """Build a data set from `X` and `y`, or from a frame that holds the target as a column.

    Parameters
    ----------
    X : frame of pandas, polars or Arrow, array-like, or sparse matrix, of shape (n_rows, n_columns)
        One text a row in shape (n_rows,); images and series in the shape of `input_shape`, flattened or not.
    y : array-like of shape (n_rows,), optional
        Left out, the column `target` of a frame is what to predict.
    options : DataOptions

    Raises
    ------
    UserError
        If shapes, names or values do not fit.
    """
    name = options.name or "data"
    if y is None:
        return dataset_from_frame(_frame_with_target(X, name), options, Origin(name))
    if options.target is not None:
        raise UserError(f"y is given, and target {options.target!r} as well; one of them says what to predict")
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise UserError(f"y must have one dimension, got shape {labels.shape}; one target at a time")
    if options.input_shape is not None or options.kind in ("image", "series"):
        return dataset_from_arrays(_as_labelled_arrays(X, labels, options), options, Origin(name))
    frame = _as_frame(X)
    if len(frame) != len(labels):
        raise UserError(f"X has {len(frame)} rows but y has {len(labels)}; each row needs one target")
    target = "target"
    while target in frame.columns:
        target += "_"
    whole = frame.assign(**{target: labels})
    return dataset_from_frame(whole, options.model_copy(update={"target": target}), Origin(name))


def dataset_from_arrays(values: LabelledArrays, options: DataOptions, origin: Origin) -> Dataset:
    """Build a data set of images or series, or of a table if its rows have no shape.

    Raises
    ------
    UserError
        If options do not fit arrays, or the target does not fit its task.
    """
    name = options.name or origin.name
    _refuse_columns(options, name)
    y = pd.Series(values.y)
    n_train = options.n_train or values.n_train
    if len(values.input_shape) == 1:
        frame = _as_frame(values.X).assign(target=values.y)
        table = options.model_copy(update={"target": "target", "n_train": n_train})
        return dataset_from_frame(frame, table, origin)
    task = options.task or infer_task(y)
    labels = read_labels(name, y, task)
    notes = (*origin.notes, *values.notes)
    return Dataset(
        name=name,
        X=values.X.reshape(len(values.X), -1),
        y=labels,
        task=task,
        kind=options.kind or ("image" if len(values.input_shape) == 3 else "series"),
        input_shape=values.input_shape,
        positive=find_positive_class(name, labels, task, options.positive),
        test_rows=None if n_train is None else build_test_mask(n_train, len(labels), name),
        licence=origin.licence,
        source=origin.source,
        notes=notes if options.task else (*notes, describe_inferred_task(name, task, y)),
    )


def _refuse_columns(options: DataOptions, name: str) -> None:
    """Refuse options about columns, which arrays do not have."""
    given = [
        key
        for key in ("categorical", "numeric", "drop", "text", "groups", "time", "weights", "split", "lags")
        if getattr(options, key)
    ]
    if given:
        raise UserError(f"the data set {name!r} is an array without named columns; leave out {', '.join(given)}")


def _as_labelled_arrays(X: Any, y: np.ndarray, options: DataOptions) -> LabelledArrays:
    array = _plain_array(X)
    if array.dtype.kind not in "biuf":
        raise UserError(f"images and series are numbers, got an array of {array.dtype}")
    shape = tuple(options.input_shape or array.shape[1:])
    if len(shape) not in (2, 3) or int(np.prod(shape)) * len(array) != array.size:
        raise UserError(
            f"X of shape {array.shape} does not hold rows of input_shape {shape}: (channels, height, "
            "width) or (channels, length)"
        )
    if len(array) != len(y):
        raise UserError(f"X has {len(array)} rows but y has {len(y)}; each row needs one target")
    return LabelledArrays(array.reshape(len(array), *shape), y, shape)


def _frame_with_target(X: Any, name: str) -> pd.DataFrame:
    frame = _to_pandas(X)
    if not isinstance(frame, pd.DataFrame):
        raise UserError(f"the data set {name!r} has no y; give it, or a frame that holds the target as a column")
    return frame


def _to_pandas(X: Any) -> Any:
    """Turn frames of polars and Arrow into pandas'."""
    if isinstance(X, pd.DataFrame) or not hasattr(X, "to_pandas"):
        return X
    try:
        return X.to_pandas()
    except ImportError as error:
        raise UserError(f"a {type(X).__module__.split('.')[0]} frame is read through pandas: {error}") from None


def _as_frame(X: Any) -> pd.DataFrame:
    X = _to_pandas(X)
    if isinstance(X, pd.DataFrame):
        if X.columns.nlevels > 1:
            raise UserError(f"the columns of X must have one level of names, got {X.columns.nlevels}; join their names")
        return X.reset_index(drop=True).rename(columns=str)
    if isinstance(X, pd.Series):
        return X.reset_index(drop=True).to_frame(name=str(X.name or "text"))
    if hasattr(X, "tocsr"):  # SciPy's sparse matrices and arrays have it
        X = _write_out(X)
    array = _plain_array(X)
    if array.ndim == 1:
        return pd.DataFrame({"text": array})
    if array.ndim != 2:
        raise UserError(
            f"X must have two dimensions (rows x columns), got shape {array.shape}; flatten it and give input_shape"
        )
    return pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])]).infer_objects()


def _plain_array(X: Any) -> np.ndarray:
    if isinstance(X, np.ma.MaskedArray):
        raise UserError("X is a masked array, whose mask models do not see; X.filled(np.nan) says what is missing")
    array = np.asarray(X)
    if array.dtype.kind == "c":
        raise UserError("X holds complex numbers; give their real and imaginary parts as columns of their own")
    return array


def _write_out(X: Any) -> np.ndarray:
    """Write the zeros of a sparse matrix out, if memory allows."""
    wanted, free = int(np.prod(X.shape)) * X.dtype.itemsize, psutil.virtual_memory().available
    if wanted > MAX_FREE_MEMORY_FRACTION * free:
        raise UserError(
            f"X is sparse and would take {wanted / 2**30:.1f} GiB with its zeros, of {free / 2**30:.1f} GiB that are "
            "free; reduce its columns first, by TruncatedSVD, say"
        )
    dense: np.ndarray = X.toarray()
    return dense
