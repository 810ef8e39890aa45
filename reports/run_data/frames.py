"""Tables of a run, as frames: pure functions over what the run folder holds.

A cell (data set x model x variant) with a failed or missing outer fold is a hole: it has no mean, no spread and no
rank, and is never averaged over the folds that survived.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import yaml

from bakeoff.errors import UserError
from bakeoff.records.record import STATUSES, Record
from bakeoff.records.run_folder import CORRUPT_RECORDS, RunFolder
from bakeoff.reports.run_data.comparable import check_comparable

CELL = ["dataset", "model", "variant"]
BASELINE = "dummy"
FAMILIES = ("classical", "deep")
COSTS = ("fit_s", "tune_s", "predict_s", "cpu_s", "peak_mb")
SPENT = ("tune_fits", "refits", "tune_epochs", "epochs", "trials_resumed", "earlier_cpu_s", "earlier_s")
SIZES = ("train_rows", "test_rows")
UNCHARGED_S = ("inner_s", "anytime_s", "importance_s")
UNCHARGED_CPU_S = ("inner_cpu_s", "anytime_cpu_s", "importance_cpu_s")
DERIVED = ("cost_s", "latency_ms")
COUNTS = ("trials", "trials_failed", "trials_pruned")
NOT_RUN = "not run"
NO_RECORD = "no record: the run was interrupted or still goes on"
OTHER_SHARD = "no record: it may belong to another shard of the run"
TIE_DIGITS = 12
DEFAULT_STATISTICS = {"rope": 0.01, "groups": "wilcoxon-holm"}  # where a suite says nothing
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run folder holds, as far as reports need it.

    Parameters
    ----------
    plan : mapping
        The current plan: `fits`, `skips`, `datasets`, `metrics`.
    records : mapping of Record
        The last record of each fit of the current plan.
    suite, provenance : mapping
    path : str
        The run folder, as it was given; "" if there is none.
    audit : mapping
        Data set -> what is odd about it: `findings`, each with `check` and `message`.
    forecast : list
        What was foreseen of the fits of each model on each data set.
    n_corrupt : int
        Lines that are no records, put aside or not.
    n_unplanned : int
        Fits that are recorded but not part of the current plan.
    n_superseded : int
        Those of them whose study went on: the plan has the fit with another budget.
    cross_model : mapping of Record
        Ensembles across models whose candidates are all among the records.
    tracked : mapping
        Where MLflow shows the run; empty if it was not tracked.
    verified : mapping
        What `bakeoff verify` found; empty if it was not asked.
    read_predictions : callable
        From the id of a fit to what it stored of its test rows, read when it is asked for; empty if there is nothing.
    read_trials : callable
        From the id of a tuned fit to the rows of its trials, likewise.
    read_curves : callable
        From the id of a net's fit to its losses by epoch, likewise.
    read_importance : callable
        From the id of a fit to what its score lost with each column shuffled, likewise.
    cache : dict
        What functions marked `cached` returned for this run.
    """

    plan: Mapping[str, Any]
    records: Mapping[str, Record]
    suite: Mapping[str, Any]
    provenance: Mapping[str, Any]
    path: str = ""
    audit: Mapping[str, Any] = field(default_factory=dict)
    forecast: Sequence[Mapping[str, Any]] = ()
    n_corrupt: int = 0
    n_unplanned: int = 0
    n_superseded: int = 0
    cross_model: Mapping[str, Record] = field(default_factory=dict)
    tracked: Mapping[str, str] = field(default_factory=dict)
    verified: Mapping[str, Any] = field(default_factory=dict)
    read_predictions: Callable[[str], Mapping[str, Any]] = lambda _: {}
    read_trials: Callable[[str], list[dict[str, Any]]] = lambda _: []
    read_curves: Callable[[str], Mapping[str, list[float]]] = lambda _: {}
    read_importance: Callable[[str], Mapping[str, list[float]]] = lambda _: {}
    cache: dict[Callable[["Run"], Any], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def rope(self) -> float:
        """Half the width of the region of practical equivalence, as a share: of 1 for scores, of the dummy's error."""
        return float(self._statistics["rope"])

    @property
    def grouping(self) -> str:
        """The test behind groups of models that can't be told apart: `wilcoxon-holm` or `nemenyi`."""
        return str(self._statistics["groups"])

    @property
    def _statistics(self) -> Mapping[str, Any]:
        return DEFAULT_STATISTICS | (self.suite.get("statistics") or {})

    def primary(self, dataset: str) -> str:
        """Return the metric that a data set is ranked by."""
        return str(self.plan["datasets"][dataset]["primary"])

    def greater_is_better(self, metric: str) -> bool:
        """Tell whether bigger values of a metric are better."""
        return bool(self.plan["metrics"][metric]["greater_is_better"])

    def sign(self, metric: str) -> int:
        """Return the sign that makes bigger values of a metric better: 1 or -1."""
        return 1 if self.greater_is_better(metric) else -1

    def other_metrics(self, dataset: str) -> list[str]:
        """Return the metrics of a data set's task beside the primary one."""
        task = self.plan["datasets"][dataset]["task"]
        fitting = (name for name, metric in self.plan["metrics"].items() if task in metric["tasks"])
        return [name for name in fitting if name != self.primary(dataset)]


def cached(make: Callable[[Run], ResultT]) -> Callable[[Run], ResultT]:
    """Compute a function of a run at its first call only; what it returns is shared, and not to be changed."""

    @wraps(make)
    def lookup(view: Run) -> ResultT:
        if make not in view.cache:
            view.cache[make] = make(view)
        found: ResultT = view.cache[make]
        return found

    return lookup


def load_run_view(folder: RunFolder) -> Run:
    """Read a run folder.

    Raises
    ------
    UserError
        If the plan, the provenance or the suite is missing or damaged, or what was recorded can't be compared.
    """
    plan = folder.read_plan()
    if not plan.get("fits"):
        raise UserError(f"{folder.path} holds no plan.json with fits; run the suite again to rebuild it")
    records, corrupt = folder.read_records()
    planned = {fit["fit"] for fit in plan["fits"]}
    kept = {fit: record for fit, record in records.items() if fit in planned}
    others = [record for fit, record in records.items() if fit not in planned]
    studies = {record.study for record in kept.values()}
    check_comparable(plan, kept)
    return Run(
        plan=plan,
        records=kept,
        suite=_read_suite(folder),
        provenance=folder.read_json("provenance.json"),
        path=str(folder.path),
        audit=folder.read_json("audit.json"),
        forecast=folder.read_forecast(),
        n_corrupt=corrupt + _count_corrupt_lines(folder),
        n_unplanned=len(others),
        n_superseded=sum(record.study in studies for record in others),
        cross_model={
            fit: one for fit, one in folder.read_cross_model_ensembles().items() if _candidates_of(one) <= kept.keys()
        },
        verified=folder.read_verified(),
        tracked=folder.read_tracked(),
        read_predictions=folder.read_predictions,
        read_trials=folder.read_trials,
        read_curves=folder.read_curves,
        read_importance=folder.read_importance,
    )


@cached
def fits_frame(view: Run) -> pd.DataFrame:
    """Return one row for each planned fit.

    Returns
    -------
    DataFrame
        The plan's columns, `train_fraction` below 1 for points of a learning curve; `status` ("not run" without a record),
        `reason`, `traceback`, `flag`; costs, counts of trials, and rows; `cost_s`, seconds of the `cost_unit` CPU or
        GPU; `latency_ms`, of the prediction of 1,000 rows; and a column `metrics.NAME` for each metric, NaN where it is
        missing.
    """
    tuned = {_place_of(fit): view.records.get(fit["fit"]) for fit in view.plan["fits"] if fit["variant"] == "tuned"}
    return pd.DataFrame([_fit_row(view, fit, tuned.get(_place_of(fit))) for fit in view.plan["fits"]])


def full_size_fits(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out the points of learning curves: what ranks or judges never mixes sizes."""
    return frame[frame["train_fraction"] == 1]


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
    frame = full_size_fits(fits_frame(view))
    cells = pd.DataFrame([_cell_row(view, fits) for _, fits in frame.groupby(CELL, sort=False)])
    cells["rank"] = cells.groupby("dataset", sort=False)["score"].rank(method="min", ascending=False)
    place = {name: place for place, name in enumerate(view.plan["datasets"])}
    order = cells.assign(place=cells["dataset"].map(place), missing=-cells["n_ok"])
    order = order.sort_values(["place", "rank", "missing"], kind="stable", na_position="last")
    return order.drop(columns=["place", "missing", "score"]).reset_index(drop=True)


def fits_of(view: Run, dataset: str) -> pd.DataFrame:
    """Return the planned fits of a data set on whole training parts, as `fits_frame` has them."""
    return _by_dataset(view)[0][dataset]


def cells_of(view: Run, dataset: str) -> pd.DataFrame:
    """Return the rows of a data set in the leaderboard."""
    return _by_dataset(view)[1][dataset]


@cached
def _by_dataset(view: Run) -> tuple[Mapping[str, pd.DataFrame], Mapping[str, pd.DataFrame]]:
    return _divide(view, full_size_fits(fits_frame(view))), _divide(view, leaderboard(view))


def _divide(view: Run, frame: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Divide rows by data set; one of which nothing was planned has none."""
    groups = dict(list(frame.groupby("dataset", sort=False)))
    return {name: groups.get(name, frame.iloc[:0]) for name in view.plan["datasets"]}


def leaderboard_by_size(view: Run) -> pd.DataFrame:
    """Return one row for each data set x model x variant x share, with the columns of the leaderboard but for `rank`.

    Returns
    -------
    DataFrame
        And `train_fraction`, and `rows`: how many were trained on, mean over the folds that ended well.
    """
    groups = fits_frame(view).groupby([*CELL, "train_fraction"], sort=False)
    rows = [
        {**_cell_row(view, fits), "train_fraction": key[-1], "rows": float(fits["train_rows"].mean())}
        for key, fits in groups
    ]
    return pd.DataFrame(rows).drop(columns=["rank", "score"])


def failures(view: Run) -> pd.DataFrame:
    """Return every planned fit that is not ok, with its status and reason."""
    frame = fits_frame(view)
    columns = [*CELL, "train_fraction", "repeat", "fold", "status", "reason", "fit", "traceback"]
    return frame.loc[frame["status"] != "ok", columns].reset_index(drop=True)


def fold_scores(frame: pd.DataFrame, dataset: str, model: str, variant: str, metric: str) -> "pd.Series[float]":
    """Return the values of a metric in one cell, by (repeat, fold); NaN where there are none."""
    rows = frame[(frame["dataset"] == dataset) & (frame["model"] == model) & (frame["variant"] == variant)]
    return rows.set_index(["repeat", "fold"])[f"metrics.{metric}"]


def _candidates_of(ensemble: Record) -> set[str]:
    return set(ensemble.diagnostics.get("candidates") or ())


def _read_suite(folder: RunFolder) -> dict[str, Any]:
    try:
        return dict(yaml.safe_load(folder.suite_file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, ValueError):
        raise UserError(f"{folder.suite_file} is missing or damaged; run the suite again to rebuild it") from None


def _count_corrupt_lines(folder: RunFolder) -> int:
    path = folder.path / CORRUPT_RECORDS
    return len(path.read_bytes().splitlines()) if path.is_file() else 0


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
        "inner_score": _inner_score(view, fit["dataset"], spent, tuned.diagnostics if tuned else {}),
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


def _inner_score(view: Run, dataset: str, spent: Mapping[str, Any], tuned: Mapping[str, Any]) -> float:
    """Return what champions are chosen by; NaN if it is of another metric than the data set is ranked by now."""
    own = (spent, "inner_score") if "inner_score" in spent else (tuned, "default_score")
    found, name = own
    return _number(found.get(name)) if found.get("inner_metric") == view.primary(dataset) else np.nan


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else np.nan


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
