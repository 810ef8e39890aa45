"""One row for each planned fit: how it ended, its scores, and what it is charged for."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.records.record import Record
from bakeoff.reports.run_data.run import Run, cached

CELL = ["dataset", "model", "variant"]
COSTS = ("fit_s", "tune_s", "predict_s", "cpu_s", "peak_mb")
SPENT = ("tune_fits", "refits", "tune_epochs", "epochs", "trials_resumed", "earlier_cpu_s", "earlier_s")
SIZES = ("train_rows", "test_rows")
UNCHARGED_S = ("inner_s", "anytime_s", "importance_s")
UNCHARGED_CPU_S = ("inner_cpu_s", "anytime_cpu_s", "importance_cpu_s")
COUNTS = ("trials", "trials_failed", "trials_pruned")
NOT_RUN = "not run"
NO_RECORD = "no record: the run was interrupted or still goes on"
OTHER_SHARD = "no record: it may belong to another shard of the run"


@cached
def fits_frame(view: Run) -> pd.DataFrame:
    """Return one row for each planned fit.

    Returns
    -------
    DataFrame
        The plan's columns, `train_fraction` below 1 for points of a learning curve; `status` ("not run" without a
        record), `reason`, `traceback`, `flag`; costs, counts of trials, and rows; `cost_s`, seconds of the `cost_unit`
        CPU or GPU; `latency_ms`, of the prediction of 1,000 rows; and a column `metrics.NAME` for each metric, NaN
        where it is missing.
    """
    tuned = {_place_of(fit): view.records.get(fit["fit"]) for fit in view.plan["fits"] if fit["variant"] == "tuned"}
    return pd.DataFrame([_fit_row(view, fit, tuned.get(_place_of(fit))) for fit in view.plan["fits"]])


@cached
def full_size_fits(view: Run) -> pd.DataFrame:
    """Return the fits without the points of learning curves: what ranks or judges never mixes sizes."""
    frame = fits_frame(view)
    return frame[frame["train_fraction"] == 1]


def fits_of(view: Run, dataset: str, train_fraction: float = 1.0) -> pd.DataFrame:
    """Return the planned fits of a data set at one size of the training part, as `fits_frame` has them."""
    found = _by_size(view).get((dataset, train_fraction))
    return fits_frame(view).iloc[:0] if found is None else found


def train_fractions_of(view: Run, dataset: str) -> list[float]:
    """Return the sizes that a data set's fits were planned at, as shares of the training part, smallest first."""
    return sorted(train_fraction for name, train_fraction in _by_size(view) if name == dataset)


@cached
def _by_size(view: Run) -> Mapping[tuple[Any, ...], pd.DataFrame]:
    return dict(iter(fits_frame(view).groupby(["dataset", "train_fraction"], sort=False)))


@cached
def failures(view: Run) -> pd.DataFrame:
    """Return every planned fit that is not ok, with its status and reason."""
    frame = fits_frame(view)
    columns = [*CELL, "train_fraction", "repeat", "fold", "status", "reason", "fit", "traceback"]
    return frame.loc[frame["status"] != "ok", columns].reset_index(drop=True)


def fold_scores(fits: pd.DataFrame, model: str, variant: str, metric: str) -> "pd.Series[float]":
    """Return the values of a metric in one cell by (repeat, fold), NaN where there are none; from a data set's fits."""
    rows = fits[(fits["model"] == model) & (fits["variant"] == variant)]
    return rows.set_index(["repeat", "fold"])[f"metrics.{metric}"]


def fraction_tested(view: Run, dataset: str) -> float:
    """Return the share of a data set's rows that an outer fold tests, mean over the folds: 1/k.

    Of published folds the plan says it: a run may hold some of them only, or several holdouts in place of k folds.
    """
    given = view.plan["datasets"][dataset].get("test_fraction")
    return 1 / (1 + int(fits_of(view, dataset)["fold"].max())) if given is None else float(given)


def _place_of(fit: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(fit[name] for name in ("dataset", "model", "repeat", "fold", "train_fraction"))


def _fit_row(view: Run, fit: Mapping[str, Any], tuned: Record | None) -> dict[str, Any]:
    """Return the row of a fit; the first trial of its tuned sibling says how the default does on inner folds."""
    record = view.records.get(fit["fit"])
    spent = record.diagnostics if record else {}
    metrics = record.metrics if record and record.ok else {}
    return {
        **fit,
        "status": record.status if record else NOT_RUN,
        "reason": record.reason if record else OTHER_SHARD if view.plan.get("shard") else NO_RECORD,
        "traceback": record.traceback if record else "",
        "flag": spent.get("flag") or "",
        "at_edge": tuple(map(str, spent.get("at_edge") or ())),
        **{name: _number(spent.get(name)) for name in (*COSTS, *COUNTS, *SPENT, *SIZES)},
        **_cost(spent),
        "latency_ms": 1e6 * _number(spent.get("predict_s")) / (spent.get("test_rows") or math.nan),
        "inner_score": _inner_score(view, fit, spent, tuned.diagnostics if tuned else {}),
        **{f"metrics.{name}": _number(metrics.get(name)) for name in view.plan["metrics"]},
    }


def _cost(spent: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a fit is charged for: seconds of its GPU if it held one, else of CPUs; no scoring for reports."""
    uncharged_cpu_s = math.fsum(spent.get(name) or 0.0 for name in UNCHARGED_CPU_S)
    aside_s = math.fsum(spent.get(name) or 0.0 for name in UNCHARGED_S)
    cpu_s = _number(spent.get("cpu_s")) - uncharged_cpu_s
    about = {"cpu_s": cpu_s, "uncharged_cpu_s": uncharged_cpu_s}
    if spent.get("device_s") is None:
        return {**about, "cost_s": cpu_s, "cost_unit": "CPU"}
    return {
        **about,
        "cost_s": _number(spent["device_s"]) + (spent.get("earlier_s") or 0.0) - aside_s,
        "cost_unit": "GPU",
    }


def _inner_score(view: Run, fit: Mapping[str, Any], spent: Mapping[str, Any], tuned: Mapping[str, Any]) -> float:
    """Return what champions are chosen by; NaN if it is of another metric than the data set is ranked by now."""
    is_first_trial = fit["variant"] == "default" and "inner_score" not in spent
    found, name = (tuned, "default_score") if is_first_trial else (spent, "inner_score")
    return _number(found.get(name)) if found.get("inner_metric") == view.primary(fit["dataset"]) else np.nan


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else np.nan
