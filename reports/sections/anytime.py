"""The anytime curve of tuning: the best inner score, and its outer score, against the seconds spent."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.reports.cells.tables import Cell, Column, Table, number_cell, plain_columns, rows_of, seconds_cell
from bakeoff.reports.formats import decimals_for, format_difference, format_value
from bakeoff.reports.run_data.fits import full_size_fits
from bakeoff.reports.run_data.run import Run, cached

STUDY_KEYS = ["dataset", "model", "repeat", "fold"]
HINT = "best mean over the inner folds by then, averaged over the outer folds"
TIME_FRACTIONS = {0.25: "¼ of the time", 0.5: "½ of the time", 1.0: "Whole time"}


@dataclass(frozen=True, kw_only=True, eq=False)
class AnytimeCurve:
    """The trials of a tuned fit that were better than all before them, in units of the metric.

    Parameters
    ----------
    dataset, model, family, metric : str
    repeat, fold : int
    trials : ndarray of int
        Numbers, from 0, the default.
    seconds : ndarray of float
        Of tuning that were spent when each ended; `total_seconds` in all.
    inner, outer : ndarray of float
        Means over the inner folds, and what the refits reach on the outer test part; NaN where that is not known.
    """

    dataset: str
    model: str
    family: str
    metric: str
    repeat: int
    fold: int
    trials: np.ndarray
    seconds: np.ndarray
    total_seconds: float
    inner: np.ndarray
    outer: np.ndarray

    def incumbent_at(self, seconds: np.ndarray | float) -> np.ndarray:
        """Return the best inner score after so many seconds; that of the first trial before it ended."""
        done = np.searchsorted(self.seconds, seconds, side="right")
        return np.asarray(self.inner[np.maximum(done - 1, 0)])


@cached
def list_anytime_curves(view: Run) -> list[AnytimeCurve]:
    """Return the studies of all tuned fits on whole training parts that had a complete trial."""
    frame = full_size_fits(view)
    rows = rows_of(frame[frame["variant"].isin(["default", "tuned"])])
    defaults = {_place_of(fit): fit for fit in rows if fit["variant"] == "default"}
    tuned = (fit for fit in rows if fit["variant"] == "tuned")
    return [study for fit in tuned if (study := _read(view, fit, defaults.get(_place_of(fit)))) is not None]


@cached
def group_anytime_curves(view: Run) -> Mapping[str, Mapping[str, list[AnytimeCurve]]]:
    """Return the studies by data set and model."""
    groups: dict[str, dict[str, list[AnytimeCurve]]] = {}
    for study in list_anytime_curves(view):
        groups.setdefault(study.dataset, {}).setdefault(study.model, []).append(study)
    return groups


def anytime(view: Run) -> pd.DataFrame:
    """Return one row for each trial of a tuned fit that was better than all before it.

    Returns
    -------
    DataFrame
        `dataset`, `model`, `repeat`, `fold`, `metric`; `trial`, from 0, the default; `seconds` of tuning spent when it
        ended, and `total_seconds` in all; `inner`, its mean over the inner folds; `outer`, what its refit reaches on
        the outer test part: known for the default, if that variant ran, for the last, and for all with `anytime: true`
        in the suite. Both in units of the metric.
    """
    columns = [*STUDY_KEYS, "metric", "trial", "seconds", "total_seconds", "inner", "outer"]
    parts = [
        pd.DataFrame(
            {
                **{
                    name: getattr(one, name)
                    for name in (*STUDY_KEYS, "metric", "total_seconds", "seconds", "inner", "outer")
                },
                "trial": one.trials,
            }
        )
        for one in list_anytime_curves(view)
    ]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _read(view: Run, fit: Mapping[str, Any], default: Mapping[str, Any] | None) -> AnytimeCurve | None:
    trials = view.read_trials(fit["fit"])
    incumbents = list(find_incumbents(trials))
    if not incumbents:
        return None
    metric = view.primary(fit["dataset"])
    seconds = np.cumsum([float(row.get("seconds") or 0) for row in trials])
    outer = [trials[place].get("outer") for place in incumbents]
    known = np.array([math.nan if value is None else view.sign(metric) * value for value in outer])
    known[0] = default[f"metrics.{metric}"] if default is not None and incumbents[0] == 0 else known[0]
    known[-1] = fit[f"metrics.{metric}"]
    return AnytimeCurve(
        **{name: fit[name] for name in (*STUDY_KEYS, "family")},
        metric=metric,
        trials=np.array(incumbents),
        seconds=seconds[incumbents],
        total_seconds=float(seconds[-1]),
        inner=view.sign(metric) * np.array([trials[place]["value"] for place in incumbents], dtype=float),
        outer=known,
    )


def _place_of(fit: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(fit[name] for name in STUDY_KEYS)


def build_tuning(view: Run) -> Table:
    """Build the table of what tuning brought: inner scores as time went by, outer scores before and after."""
    cells = [group for _, group in _tuned_fits(view).groupby(["dataset", "model"], sort=False)]
    shares = tuple(Column(title=title, numeric=True, hint=HINT) for title in TIME_FRACTIONS.values())
    return Table(
        caption="What tuning brought: best inner score as time went by, and the outer score before and after",
        columns=(
            *plain_columns("Data set", "Model"),
            Column(title="Time", numeric=True, hint="mean wall time of a study"),
            Column(title="Default", numeric=True, hint="inner score of the first trial"),
            *shares,
            Column(title="Outer gain", numeric=True, hint="tuned over default on the outer folds; above 0 is better"),
            Column(title="At the edge of the space"),
        ),
        rows=tuple(_tuning_row(view, fits) for fits in cells),
        head=1,
    )


def _tuned_fits(view: Run) -> pd.DataFrame:
    frame = full_size_fits(view)
    return frame[(frame["variant"] == "tuned") & (frame["status"] == "ok")]


def _tuning_row(view: Run, fits: pd.DataFrame) -> tuple[Cell, ...]:
    dataset, model, family = (str(fits.iloc[0][name]) for name in ("dataset", "model", "family"))
    studies, metric = group_anytime_curves(view).get(dataset, {}).get(model, []), view.primary(dataset)
    first = _mean(float(study.inner[0]) for study in studies)
    reached = [
        _mean(float(study.incumbent_at(share * study.total_seconds)) for study in studies) for share in TIME_FRACTIONS
    ]
    gain = _mean(_outer_gain(view, study) for study in studies)
    decimals = decimals_for([first, *reached], ())
    return (
        Cell(text=dataset, note=metric),
        Cell(text=model, family=family),
        seconds_cell(_mean(study.total_seconds for study in studies)),
        *(number_cell(value, format_value(value, decimals)) for value in (first, *reached)),
        number_cell(gain, format_difference(gain, decimals)),
        Cell(text=format_edges(fits["at_edge"])),
    )


def _outer_gain(view: Run, study: AnytimeCurve) -> float:
    """Return by how much the last outer score is better than that of the default; NaN where one is not known."""
    if study.trials[0] != 0:
        return math.nan
    return float(view.sign(study.metric) * (study.outer[-1] - study.outer[0]))


def _mean(values: Iterable[float]) -> float:
    """Return the mean; NaN if any value is not known, or there is none."""
    known = list(values)
    return math.fsum(known) / len(known) if known else math.nan


def format_edges(edges: "pd.Series[Any]") -> str:
    """Say which parameters ended at an edge of their space, and on how many folds."""
    counts = Counter(edge for of_fit in edges for edge in of_fit)
    return "; ".join(f"{edge} (on {number} of {len(edges)} folds)" for edge, number in counts.most_common())


def render_edges(fits: pd.DataFrame) -> str:
    """Say how many studies ended at an edge of their space."""
    studies = fits[(fits["variant"] == "tuned") & (fits["status"] == "ok")]
    at_edge = int((studies["at_edge"].map(len) > 0).sum())
    if not at_edge:
        return "No study ended at an edge of its space."
    return f"Of the {len(studies)} studies, {at_edge} ended at an edge of their space: a wider one may hold better."


def find_incumbents(trials: Sequence[Mapping[str, Any]]) -> Iterator[int]:
    """Yield the places of trials that are better than all before them."""
    best = -math.inf
    for place, row in enumerate(trials):
        if row.get("state") == "complete" and row["value"] > best:
            best = row["value"]
            yield place
