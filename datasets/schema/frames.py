"""From a frame to a `Dataset`: which columns are features, target, groups, time, weights and split; what is wrong."""

import math
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.options import DataOptions
from bakeoff.datasets.origin import Origin
from bakeoff.datasets.schema.columns import Column, are_sentences, iter_notes, read_columns
from bakeoff.datasets.schema.lags import dataset_from_lags
from bakeoff.datasets.schema.row_metadata import read_split, read_times, read_weights
from bakeoff.datasets.schema.targets import describe_inferred_task, find_positive_class, infer_task, read_labels
from bakeoff.errors import UserError, unknown_name
from bakeoff.tasks import Kind


def dataset_from_frame(frame: pd.DataFrame, options: DataOptions, origin: Origin) -> Dataset:
    """Build a data set from one frame whose columns are features, target and what the splits need.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
    options : DataOptions
        `target` must be given.
    origin : Origin

    Raises
    ------
    UserError
        All that is wrong with the columns, at once.
    """
    name = options.name or origin.name
    frame = frame.rename(columns=str).reset_index(drop=True)
    target = _target_column(frame, options.target, name)
    roles = _roles(target, options, name)
    _check_columns(frame, name, [*roles, *options.categorical, *options.numeric, *options.drop])
    if not len(frame):
        raise UserError(f"the data set {name!r} has a header but no rows")
    _check_contradictions(name, roles, options)
    if options.lags is not None:
        return dataset_from_lags(frame, target, options, origin, name)
    features = frame[[options.text]] if options.text else frame.drop(columns=list({*roles, *options.drop}))
    columns = read_columns(features, name, categorical=options.categorical, numeric=options.numeric)
    kind = options.kind or _infer_kind(columns, options)
    task = options.task or infer_task(frame[target])
    labels = read_labels(name, frame[target], task)
    notes = list(origin.notes) if options.task else [*origin.notes, describe_inferred_task(name, task, frame[target])]
    if _look_like_data(frame.columns):
        notes.append(f"{name}: the columns are called {', '.join(frame.columns[:3])} …: a file's first row names them")
    if kind == "tabular":
        notes += iter_notes(columns, name)
    elif kind == "text" and options.kind is None:
        notes.append(f"{name}: read as text, one column of words; give kind if that is wrong")
    return Dataset(
        name=name,
        X=_features(features, columns, name, kind, options),
        y=labels,
        task=task,
        kind=kind,
        input_shape=_shape(kind, options, features.shape[1]),
        categorical=_categories(columns) if kind == "tabular" else (),
        positive=find_positive_class(name, labels, task, options.positive),
        groups=frame[options.groups].to_numpy(copy=True) if options.groups else None,
        time=read_times(frame[options.time], name) if options.time else None,
        test_rows=read_split(frame, name, options),
        weights=read_weights(frame[options.weights], name) if options.weights else None,
        licence=origin.licence,
        source=origin.source,
        notes=tuple(notes),
    )


def _target_column(frame: pd.DataFrame, target: str | int | None, name: str) -> str:
    if target is None:
        names = ", ".join(map(repr, frame.columns[:20]))
        raise UserError(
            f"the data set {name!r} needs a target, the column to predict; it has {names}"
            f"{' …' if frame.shape[1] > 20 else ''}"
        )
    if isinstance(target, int) and str(target) not in frame.columns:
        if not -frame.shape[1] <= target < frame.shape[1]:
            raise UserError(f"the data set {name!r} has {frame.shape[1]} columns; there is none at position {target}")
        return str(frame.columns[target])
    return str(target)


def _roles(target: str, options: DataOptions, name: str) -> list[str]:
    """List the columns that are no plain features, each for one purpose."""
    purposes = ("groups", "time", "split", "weights", "text")
    roles = {"target": target} | {key: getattr(options, key) for key in purposes if getattr(options, key) is not None}
    columns = list(roles.values())
    doubled = next((column for column in columns if columns.count(column) > 1), None)
    if doubled is not None:
        uses = " and ".join(key for key, column in roles.items() if column == doubled)
        raise UserError(f"the column {doubled!r} of the data set {name!r} can't be both {uses}; name another")
    if options.text is not None and options.kind not in (None, "text"):
        raise UserError(f"the data set {name!r} has a text column but kind {options.kind!r}; leave one of them out")
    return columns


def _check_contradictions(name: str, roles: list[str], options: DataOptions) -> None:
    """Refuse columns that are left out and used, or read in two ways, and options that a forecast has no use for."""
    pairs = {
        "dropped and used": (roles, options.drop),
        "dropped and read": ((*options.categorical, *options.numeric), options.drop),
        "categorical and numeric": (options.categorical, options.numeric),
    }
    for both, (some, others) in pairs.items():
        twice = next((column for column in some if column in others), None)
        if twice is not None:
            raise UserError(f"the column {twice!r} of the data set {name!r} can't be both {both}; choose one")
    forecast = ("groups", "weights", "split", "text", "categorical", "numeric", "input_shape")
    unused = [key for key in forecast if options.lags is not None and getattr(options, key)]
    if unused or (options.lags is not None and options.task not in (None, "regression")):
        raise UserError(
            f"a forecast of {name!r} (lags) takes its target, time and n_train only; leave out "
            f"{', '.join(unused) or 'task'}"
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


def _look_like_data(names: pd.Index) -> bool:
    """Tell names that are numbers, and not just counted: a header that may be the first row of the data."""
    numbers = pd.to_numeric(pd.Series(names, dtype=object), errors="coerce")
    return bool(numbers.notna().all() and (numbers % 1 != 0).any())


def _infer_kind(columns: dict[str, Column], options: DataOptions) -> Kind:
    """Tell text from tables: one column of many words, hardly any twice."""
    if options.text:
        return "text"
    if options.input_shape is not None:
        return "image" if len(options.input_shape) == 3 else "series"
    if len(columns) != 1:
        return "tabular"
    (column,) = columns.values()
    texts = column.data.dropna()
    if column.column_type != "category" or texts.empty:
        return "tabular"
    return "text" if are_sentences(texts) else "tabular"


def _features(features: pd.DataFrame, columns: dict[str, Column], name: str, kind: Kind, options: DataOptions) -> Any:
    if features.shape[1] == 0:
        forecast = "; lags: 30, say, predicts it from its own last values" if options.time else ""
        raise UserError(
            f"the data set {name!r} has no feature columns beside the target; there is nothing to learn from{forecast}"
        )
    if kind == "text":
        return _texts(features, name)
    if kind == "tabular":
        return pd.DataFrame({label: column.data for label, column in columns.items()})
    if options.input_shape is None and kind == "image":
        raise UserError(f"rows of the image set {name!r} need input_shape: [channels, height, width]")
    if options.input_shape is not None and math.prod(options.input_shape) != features.shape[1]:
        raise UserError(
            f"input_shape {list(options.input_shape)} holds {math.prod(options.input_shape)} values, but the data set "
            f"{name!r} has {features.shape[1]} columns of them"
        )
    words = [label for label, column in columns.items() if column.column_type == "category"]
    if words:
        raise UserError(f"the {kind} data set {name!r} needs numbers, but the column {words[0]!r} holds none")
    return pd.DataFrame({label: column.data for label, column in columns.items()}).to_numpy(dtype="float32")


def _texts(features: pd.DataFrame, name: str) -> np.ndarray:
    if features.shape[1] != 1:
        raise UserError(
            f"the text data set {name!r} needs one text column, got {list(features.columns)}; give "
            f"text: {features.columns[0]}, say"
        )
    return features.iloc[:, 0].fillna("").astype(str).to_numpy(dtype=object)


def _shape(kind: Kind, options: DataOptions, n_columns: int) -> tuple[int, ...] | None:
    if kind == "series" and options.input_shape is None:
        return (1, n_columns)
    return options.input_shape if kind in ("image", "series") else None


def _categories(columns: dict[str, Column]) -> tuple[str, ...]:
    return tuple(label for label, column in columns.items() if column.column_type == "category")
