"""One row for each cell: its mean over the outer folds, its rank, and why it has none.

A cell (data set x model x variant) with a failed or missing outer fold is a hole: it has no mean, no spread and no
rank, and is never averaged over the folds that survived.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.records.record import STATUSES
from bakeoff.reports.run_data.fits import CELL, COSTS, COUNTS, NOT_RUN, fits_frame
from bakeoff.reports.run_data.run import Run, cached

DERIVED = ("cost_s", "latency_ms")
TIE_DIGITS = 12


@cached
def leaderboard(view: Run) -> pd.DataFrame:
    """Return one row for each data set x model x variant: best first, holes last.

    Returns
    -------
    DataFrame
        `rank` (ties share the best one), `mean` and `std` (ddof=1 over the outer folds) of `metric`, `n_ok` of
        `n_folds`, `hole` (why a cell is one, or ""), `status` (a summary), means of the costs and of every other
        metric (`metrics.NAME`), and sums of trials. In a hole everything averaged is NaN.
    """
    sizes = _cells(view)
    cells = sizes[sizes["train_fraction"] == 1].drop(columns=["train_fraction", "rows"])
    cells["rank"] = cells.groupby("dataset", sort=False)["score"].rank(method="min", ascending=False)
    place = {name: place for place, name in enumerate(view.plan["datasets"])}
    order = cells.assign(place=cells["dataset"].map(place), missing=-cells["n_ok"])
    order = order.sort_values(["place", "rank", "missing"], kind="stable", na_position="last")
    return order.drop(columns=["place", "missing", "score"]).reset_index(drop=True)


def cells_of(view: Run, dataset: str) -> pd.DataFrame:
    """Return the rows of a data set in the leaderboard."""
    found = _by_dataset(view).get(dataset)
    return leaderboard(view).iloc[:0] if found is None else found


def leaderboard_by_size(view: Run) -> pd.DataFrame:
    """Return one row for each data set x model x variant x share, with the columns of the leaderboard but for `rank`.

    Returns
    -------
    DataFrame
        And `train_fraction`, and `rows`: how many were trained on, mean over the folds that ended well.
    """
    return _cells(view).drop(columns=["rank", "score"])


@cached
def _by_dataset(view: Run) -> Mapping[str, pd.DataFrame]:
    return {str(name): cells for name, cells in leaderboard(view).groupby("dataset", sort=False)}


@cached
def _cells(view: Run) -> pd.DataFrame:
    groups = fits_frame(view).groupby([*CELL, "train_fraction"], sort=False)
    return pd.DataFrame(
        [
            {**_cell_row(view, fits), "train_fraction": key[-1], "rows": float(fits["train_rows"].mean())}
            for key, fits in groups
        ]
    )


def _cell_row(view: Run, fits: pd.DataFrame) -> dict[str, Any]:
    first = fits.iloc[0]
    metric = view.primary(first["dataset"])
    values = fits[f"metrics.{metric}"]
    hole = _why_hole(fits, metric)
    mean = np.nan if hole else float(values.mean())
    averaged = [*COSTS, *DERIVED, *(f"metrics.{name}" for name in view.plan["metrics"] if name != metric)]
    return {
        "dataset": first["dataset"],
        "rank": np.nan,
        **{name: first[name] for name in ("model", "family", "variant")},
        "metric": metric,
        "mean": mean,
        "std": np.nan if hole else float(values.std(ddof=1)),
        "n_ok": int((fits["status"] == "ok").sum()),
        "n_folds": len(fits),
        "hole": hole,
        **{name: np.nan if hole else fits[name].mean(skipna=False) for name in averaged},
        **{name: int(fits[name].fillna(0).sum()) for name in COUNTS},
        "status": _summary_of(fits["status"]),
        "score": float(
            np.format_float_scientific(view.sign(metric) * mean, TIE_DIGITS)
        ),  # equal means that differ by rounding tie
    }


def _why_hole(fits: pd.DataFrame, metric: str) -> str:
    """Say why a cell can't be averaged: fits that failed, or a primary metric that is missing."""
    failed = fits[fits["status"] != "ok"]
    if len(failed):
        return "; ".join(
            dict.fromkeys(
                f"{status}: {reason}" for status, reason in zip(failed["status"], failed["reason"], strict=True)
            )
        )
    missing = int(fits[f"metrics.{metric}"].isna().sum())
    if missing == len(fits):
        return f"no {metric}: the model gives no scores"
    return f"no {metric} on {missing} of {len(fits)} folds: undefined there" if missing else ""


def _summary_of(statuses: "pd.Series[str]") -> str:
    counts = statuses.value_counts()
    return ", ".join(f"{counts[status]} {status}" for status in (*STATUSES, NOT_RUN) if status in counts)
