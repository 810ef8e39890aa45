"""Lag features: one series as rows of its last values, each to predict the next."""

import numpy as np
import pandas as pd

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.options import DataOptions
from bakeoff.datasets.origin import Origin
from bakeoff.datasets.schema.row_metadata import build_test_mask, read_times
from bakeoff.datasets.schema.targets import read_labels
from bakeoff.errors import UserError


def dataset_from_lags(frame: pd.DataFrame, target: str, options: DataOptions, origin: Origin, name: str) -> Dataset:
    """Make rows of the last values of one series, each to predict the next; training rows come first in time."""
    assert options.lags is not None
    times = read_times(frame[options.time], name) if options.time else np.arange(len(frame))
    order = np.argsort(times, kind="stable")
    twice = np.flatnonzero(pd.Series(times).duplicated())
    if len(twice):
        raise UserError(
            f"a forecast needs one row for each time, but {frame[options.time].iloc[twice[0]]!r} stands twice in "
            f"{options.time!r} of {name!r}; several series in one file are several data sets"
        )
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
        test_rows=None
        if options.n_train is None
        else build_test_mask(options.n_train, len(values), name)[options.lags :],
        licence=origin.licence,
        source=origin.source,
        notes=(*origin.notes, f"{name}: each row is the last {options.lags} values of {target}, to predict the next"),
    )
