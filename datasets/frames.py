"""From a frame or arrays in memory to a `Dataset`: which task it is, which columns are categories, what is wrong."""

from typing import Any

import numpy as np
import pandas as pd

from bakeoff.datasets.dataset import Dataset, Kind, Task
from bakeoff.errors import UserError, unknown_name

MOST_INTEGER_CLASSES = 10


def infer_task(y: Any) -> Task:
    """Say which task a target sets: strings, booleans and up to ten different integers are classes.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
    """
    target = pd.Series(np.asarray(y)).infer_objects().dropna()
    n_values = target.nunique()
    if pd.api.types.is_float_dtype(target) and not np.all(np.mod(target[np.isfinite(target)], 1) == 0):
        return "regression"
    is_number = pd.api.types.is_numeric_dtype(target) and not pd.api.types.is_bool_dtype(target)
    if is_number and n_values > MOST_INTEGER_CLASSES:
        return "regression"
    return "binary" if n_values <= 2 else "multiclass"


def dataset_from_frame(
    frame: pd.DataFrame,
    *,
    name: str,
    target: str,
    task: Task | None = None,
    kind: Kind = "tabular",
    positive: Any = None,
    categorical: tuple[str, ...] = (),
    drop: tuple[str, ...] = (),
    groups: str | None = None,
    time: str | None = None,
    split: str | None = None,
    source: str = "memory",
) -> Dataset:
    """Build a data set from one frame whose columns are features, target and what the splits need.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
    target : str
        Column to predict.
    task : {"binary", "multiclass", "regression"}, optional
        Inferred from the target if left out.
    positive : label, optional
        Positive class of a binary task.
    categorical, drop : tuple of str
        Columns to read as categories although they are numbers; columns to leave out.
    groups, time, split : str, optional
        Columns with the group of a row, its place in time (numbers or ISO dates), and "train" or "test". None of them
        is a feature.

    Returns
    -------
    Dataset

    Raises
    ------
    UserError
        All that is wrong with the columns, at once.
    """
    roles = [column for column in (target, groups, time, split) if column is not None]
    _check_columns(frame, name, [*roles, *categorical, *drop])
    features = frame.drop(columns=[*dict.fromkeys([*roles, *drop])])
    y = frame[target]
    if not len(y):
        raise UserError(f"the data set {name!r} has a header but no rows")
    task, notes = (task, ()) if task else _inferred(name, y)
    labels = _labels(name, y, task)
    return Dataset(
        name=name,
        X=_features(features, name, kind, categorical),
        y=labels,
        task=task,
        kind=kind,
        categorical=_categories(features, categorical) if kind == "tabular" else (),
        positive=_positive(name, labels, task, positive),
        groups=frame[groups].to_numpy(copy=True) if groups else None,
        time=_times(frame[time], name) if time else None,
        test_rows=_test_rows(frame[split], name, split) if split else None,
        source=source,
        notes=notes,
    )


def dataset_from_arrays(X: Any, y: Any, *, name: str = "data", **options: Any) -> Dataset:
    """Build a data set from `X` and `y` in memory.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_columns), or (n_rows,) for text
    y : array-like of shape (n_rows,)
    **options
        As in `dataset_from_frame`; `input_shape` besides, for images and series.
    """
    input_shape = options.pop("input_shape", None)
    y = np.asarray(y)
    if y.ndim != 1:
        raise UserError(f"y must have one dimension, got shape {y.shape}; one target at a time")
    if input_shape is not None or options.get("kind") in ("image", "series"):
        return _dataset_of_values(X, y, name=name, input_shape=input_shape, **options)
    frame = X.reset_index(drop=True) if isinstance(X, pd.DataFrame) else _frame(X)
    if len(frame) != len(y):
        raise UserError(f"X has {len(frame)} rows but y has {len(y)}; each row needs one target")
    frame = frame.rename(columns=str)
    target = "target"
    while target in frame.columns:
        target += "_"
    return dataset_from_frame(frame.assign(**{target: y}), name=name, target=target, **options)


def _frame(X: Any) -> pd.DataFrame:
    array = np.asarray(X)
    if array.ndim == 1:
        return pd.DataFrame({"text": array})
    if array.ndim != 2:
        raise UserError(
            f"X must have two dimensions (rows x columns), got shape {array.shape}; flatten it and give input_shape"
        )
    return pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])]).infer_objects()


def _dataset_of_values(
    X: Any,
    y: np.ndarray,
    *,
    name: str,
    input_shape: Any,
    kind: Kind | None = None,
    task: Task | None = None,
    positive: Any = None,
) -> Dataset:
    array = np.asarray(X)
    shape = tuple(input_shape or array.shape[1:])
    if len(shape) not in (2, 3) or int(np.prod(shape)) * len(array) != array.size:
        raise UserError(
            f"X of shape {array.shape} does not hold rows of input_shape {shape}: (channels, height, "
            "width) or (channels, length)"
        )
    task, notes = (task, ()) if task else _inferred(name, pd.Series(y))
    labels = _labels(name, pd.Series(y), task)
    return Dataset(
        name=name,
        X=array.reshape(len(array), -1),
        y=labels,
        task=task,
        kind=kind or ("image" if len(shape) == 3 else "series"),
        input_shape=shape,
        positive=_positive(name, labels, task, positive),
        notes=notes,
    )


def _check_columns(frame: pd.DataFrame, name: str, wanted: list[str]) -> None:
    doubled = frame.columns[frame.columns.duplicated()].unique()
    problems = [
        f"the data set {name!r} has the column {column!r} more than once; give each its own name" for column in doubled
    ]
    problems += [
        f"in the data set {name!r}: {unknown_name('column', column, map(str, frame.columns))}"
        for column in dict.fromkeys(wanted)
        if column not in frame.columns
    ]
    if problems:
        raise UserError(*problems)


def _inferred(name: str, y: pd.Series) -> tuple[Task, tuple[str, ...]]:
    task = infer_task(y)
    return task, (
        f"{name}: read as a {task} task ({y.nunique()} different values in the target); give "
        "`task` (--task) if that is wrong",
    )


def _labels(name: str, y: pd.Series, task: Task) -> np.ndarray:
    """Return the target as floats (regression) or as plain labels of one type."""
    if task != "regression":
        labels = y.to_numpy(copy=True)
        is_text = labels.dtype.kind not in "biuf"
        return y.astype(str).astype(object).where(y.notna(), None).to_numpy() if is_text else labels
    numbers = pd.to_numeric(y, errors="coerce")
    bad = y[numbers.isna() & y.notna()]
    if len(bad):
        raise UserError(
            f"the target of the data set {name!r} holds {bad.iloc[0]!r} in data row "
            f"{bad.index[0] + 1}; a regression needs numbers"
        )
    return numbers.to_numpy(dtype=float, copy=True)


def _positive(name: str, labels: np.ndarray, task: Task, positive: Any) -> Any:
    """Find the label that the user means: YAML reads `1`, the file may hold `"1"`."""
    if positive is None:
        return None
    if task != "binary":
        raise UserError(
            f"the data set {name!r} is a {task} task; only a binary one has a positive class: leave out `positive`"
        )
    known = np.unique(labels[~pd.isna(labels)])
    matches = [label for label in known if label == positive or str(label) == str(positive)]
    if not matches:
        raise UserError(f"in the data set {name!r}: {unknown_name('class', str(positive), map(str, known))}")
    return matches[0]


def _features(features: pd.DataFrame, name: str, kind: Kind, categorical: tuple[str, ...]) -> Any:
    if features.shape[1] == 0:
        raise UserError(
            f"the data set {name!r} has no feature columns beside the target; there is nothing to learn from"
        )
    if kind == "text":
        if features.shape[1] != 1:
            raise UserError(
                f"the text data set {name!r} needs one text column, got {list(features.columns)}; "
                "name the others under drop"
            )
        return features.iloc[:, 0].fillna("").astype(str).to_numpy(dtype=object)
    numeric = features.select_dtypes("number")
    for column in numeric:
        infinite = np.flatnonzero(np.isinf(numeric[column].to_numpy(dtype=float, na_value=np.nan)))
        if len(infinite):
            raise UserError(
                f"the column {column!r} of the data set {name!r} is infinite in data row {infinite[0] + 1}; "
                "write a number or leave it empty"
            )
    if kind != "tabular":
        text = [column for column in features.columns if column not in numeric]
        if text:
            raise UserError(f"the {kind} data set {name!r} needs numbers, but the column {text[0]!r} holds none")
        return features.to_numpy(dtype="float32")
    texts = {
        column: features[column].astype("str").where(features[column].notna())
        for column in _categories(features, categorical)
    }
    return features.assign(**texts).astype(dict.fromkeys(texts, "object"))


def _categories(features: pd.DataFrame, categorical: tuple[str, ...]) -> tuple[str, ...]:
    numeric = set(features.select_dtypes(["number", "bool"]).columns)
    return tuple(str(column) for column in features.columns if column not in numeric or column in categorical)


def _times(column: pd.Series, name: str) -> np.ndarray:
    """Return numbers or points in time; other text would be ordered by its letters, 10.1. before 9.1."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(copy=True)
    try:
        times = pd.to_datetime(column, format="ISO8601", utc=True)
    except (ValueError, TypeError):
        raise UserError(
            f"the time column {column.name!r} of the data set {name!r} must hold numbers or dates such as 2020-01-31 "
            f"or 2020-01-31 12:00, got {column.dropna().iloc[0]!r}"
        ) from None
    return times.dt.tz_localize(None).to_numpy(copy=True)


def _test_rows(column: pd.Series, name: str, split: str | None) -> np.ndarray:
    values = set(column.dropna().unique())
    if values != {"train", "test"} or column.isna().any():
        raise UserError(
            f"the split column {split!r} of the data set {name!r} must hold 'train' and 'test' in every "
            f"row, got {sorted(map(str, values))[:5]}"
        )
    return (column == "test").to_numpy()
