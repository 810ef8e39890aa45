"""From a frame to a `Dataset`: which columns are features, target, groups, time, weights and split; what is wrong."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.datasets.columns import Column, notes_of, read_columns
from bakeoff.datasets.dataset import Dataset, Kind
from bakeoff.datasets.options import DataOptions
from bakeoff.datasets.targets import find_positive, infer_task, note_on_task, read_labels
from bakeoff.errors import UserError, unknown_name

WORDS_OF_TEXT = 3  # words from which a column of mostly different texts is taken for text, not for categories


@dataclass(frozen=True)
class Origin:
    """Where a frame comes from: a name for reports, and what is known of it."""

    name: str
    source: str = "memory"
    licence: str = "not stated"
    notes: tuple[str, ...] = ()


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
    if options.lags is not None:
        return _forecast(frame, target, options, origin, name)
    features = frame[[options.text]] if options.text else frame.drop(columns=list({*roles, *options.drop}))
    columns = read_columns(features, name, categorical=options.categorical, numeric=options.numeric)
    kind = options.kind or _infer_kind(columns, options)
    task = options.task or infer_task(frame[target])
    labels = read_labels(name, frame[target], task)
    notes = list(origin.notes) if options.task else [*origin.notes, note_on_task(name, task, frame[target])]
    if kind == "tabular":
        notes += notes_of(columns, name)
    elif kind == "text" and options.kind is None:
        notes.append(f"{name}: read as text, one column of words; give kind if that is wrong")
    return Dataset(
        name=name,
        X=_features(features, columns, name, kind),
        y=labels,
        task=task,
        kind=kind,
        input_shape=_shape(kind, options, features.shape[1]),
        categorical=_categories(columns) if kind == "tabular" else (),
        positive=find_positive(name, labels, task, options.positive),
        groups=frame[options.groups].to_numpy(copy=True) if options.groups else None,
        time=read_times(frame[options.time], name) if options.time else None,
        test_rows=_test_rows(frame, name, options),
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
    if column.form != "category" or texts.empty or texts.nunique() < len(texts) / 2:
        return "tabular"
    return "text" if texts.str.split().map(len).mean() >= WORDS_OF_TEXT else "tabular"


def _features(features: pd.DataFrame, columns: dict[str, Column], name: str, kind: Kind) -> Any:
    if features.shape[1] == 0:
        raise UserError(
            f"the data set {name!r} has no feature columns beside the target; there is nothing to learn from"
        )
    if kind == "text":
        return _texts(features, name)
    if kind == "tabular":
        return pd.DataFrame({label: column.data for label, column in columns.items()})
    words = [label for label, column in columns.items() if column.form == "category"]
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
    return tuple(label for label, column in columns.items() if column.form == "category")


def read_times(column: pd.Series, name: str) -> np.ndarray:
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


def read_weights(column: pd.Series, name: str) -> np.ndarray:
    """Return weights: finite, none negative, some positive."""
    weights = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, copy=True)
    bad = np.flatnonzero(~np.isfinite(weights) | (weights < 0))
    if len(bad) or not weights.any():
        where = f"{column.iloc[bad[0]]!r} in data row {bad[0] + 1}" if len(bad) else "zeros only"
        raise UserError(
            f"the weights {column.name!r} of the data set {name!r} must be numbers from 0 on, not all 0, got {where}"
        )
    return weights


def _test_rows(frame: pd.DataFrame, name: str, options: DataOptions) -> np.ndarray | None:
    if options.split is not None and options.n_train is not None:
        raise UserError(
            f"the data set {name!r} has both split and n_train; one of them says which rows are for testing"
        )
    if options.n_train is not None:
        return rows_after(options.n_train, len(frame), name)
    if options.split is None:
        return None
    column = frame[options.split]
    values = set(column.dropna().unique())
    if values != {"train", "test"} or column.isna().any():
        raise UserError(
            f"the split column {options.split!r} of the data set {name!r} must hold 'train' and 'test' in every "
            f"row, got {sorted(map(str, values))[:5]}"
        )
    return (column == "test").to_numpy()


def rows_after(n_train: int, n_rows: int, name: str) -> np.ndarray:
    """Mark the rows after the first `n_train` as test rows."""
    if n_train >= n_rows:
        raise UserError(f"n_train is {n_train}, but the data set {name!r} has {n_rows} rows; none is left for testing")
    return np.arange(n_rows) >= n_train


def _forecast(frame: pd.DataFrame, target: str, options: DataOptions, origin: Origin, name: str) -> Dataset:
    """Make rows of the last values of one series, each to predict the next; training rows come first in time."""
    assert options.lags is not None
    times = read_times(frame[options.time], name) if options.time else np.arange(len(frame))
    order = np.argsort(times, kind="stable")
    values = read_labels(name, frame[target], "regression")[order]
    if np.isnan(values).any():
        raise UserError(f"the series {target!r} of the data set {name!r} has gaps; fill them in before forecasting")
    if len(values) < 2 * options.lags:
        raise UserError(f"{len(values)} values of {name!r} are too few for lags: {options.lags}; use fewer")
    windows = np.lib.stride_tricks.sliding_window_view(values, options.lags)[:-1]
    after = values[options.lags :]
    return Dataset(
        name=name,
        X=windows.astype("float32"),
        y=after.copy(),
        task="regression",
        kind="series",
        input_shape=(1, options.lags),
        time=times[order][options.lags :],
        test_rows=None if options.n_train is None else rows_after(options.n_train, len(after), name),
        licence=origin.licence,
        source=origin.source,
        notes=(*origin.notes, f"{name}: each row is the last {options.lags} values of {target}, to predict the next"),
    )
