"""The forecast of a run: one fold of each model on each data set under a small limit, and what follows from it."""

import heapq
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bakeoff.engines.dispatch import run_fits
from bakeoff.engines.observers import Progress
from bakeoff.engines.options import RunOptions
from bakeoff.evaluation.evaluate import evaluate
from bakeoff.planning.plan import Plan
from bakeoff.planning.staging import stage_data
from bakeoff.protocol.job import Job
from bakeoff.records.record import Record, Status
from bakeoff.running.limits import limits_of
from bakeoff.running.recording import to_record

DRY_RUN_TRIALS = 2  # of a tuned fit that are tried; the rest is expected to take as long each


@dataclass(frozen=True, kw_only=True)
class ForecastRow:
    """What is expected of the fits of one model on one data set.

    Parameters
    ----------
    dataset, model, variant : str
    train_fraction : float
        Of the training part.
    fits : int
    seconds : float
        Of one fit.
    stopped : bool
        Whether the dry run came to its limit: a fit takes at least `seconds`.
    peak_mb : float, optional
    status, reason : str
        How the dry run ended.
    """

    dataset: str
    model: str
    variant: str
    train_fraction: float
    fits: int
    seconds: float
    stopped: bool
    peak_mb: float | None
    status: Status
    reason: str


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is expected of a run.

    Parameters
    ----------
    rows : tuple of ForecastRow
    slots : int
        Fits at once.
    limit_s : float
        The limit of each dry run.
    most_s : float
        The suite's own limit of a fit.
    """

    rows: tuple[ForecastRow, ...]
    slots: int
    limit_s: float
    most_s: float

    @property
    def least_wall_s(self) -> float:
        """Seconds that the run takes if fits that were stopped end right after the limit."""
        return makespan([row.seconds for row in self.rows for _ in range(row.fits)], self.slots)

    @property
    def most_wall_s(self) -> float:
        """Seconds that the run takes if fits that were stopped come to the suite's limit."""
        return makespan([self.bound(row) for row in self.rows for _ in range(row.fits)], self.slots)

    @property
    def peak_mb(self) -> float:
        """Memory of the largest fits that may run at once, in MiB."""
        peaks = [row.peak_mb or 0.0 for row in self.rows for _ in range(min(row.fits, self.slots))]
        return sum(heapq.nlargest(self.slots, peaks))

    def bound(self, row: ForecastRow) -> float:
        """Return the seconds that a fit may take at most, as far as is known."""
        return self.most_s if row.stopped else row.seconds

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        totals = {"least_wall_s": self.least_wall_s, "most_wall_s": self.most_wall_s, "peak_mb": self.peak_mb}
        return asdict(self) | totals | {"rows": [asdict(row) | {"bound_s": self.bound(row)} for row in self.rows]}


def make_forecast(plan: Plan, *, limit_s: float, options: RunOptions, progress: Progress) -> Forecast:
    """Fit one fold of each model on each data set and size, tuned ones with two trials, and extrapolate.

    Parameters
    ----------
    plan : Plan
    limit_s : float
        Seconds after which a dry run is stopped.
    options : RunOptions
        Of the run; dry runs share the machine as its fits will.
    progress : Progress

    Raises
    ------
    UserError
        If the engine can't be had.
    """
    limits, groups = plan.suite.limits, Counter(job.group for job in plan.jobs)
    first: dict[tuple[str, str, str, float], Job] = {}
    for job in plan.jobs:
        first.setdefault(job.group, job)
    seconds = min(limit_s, limits.seconds)
    with tempfile.TemporaryDirectory(prefix="bakeoff-") as folder:
        scratch = Path(folder)
        dry_runs = [
            replace(
                job, settings=replace(job.settings, trials=min(DRY_RUN_TRIALS, job.settings.trials), limit_s=seconds)
            )
            for job in stage_data(plan, first.values(), scratch)
        ]
        progress.begin(len(dry_runs), 0)
        fit_limits = replace(limits_of(plan.suite), seconds=seconds)
        rows = []
        with run_fits(
            evaluate, dry_runs, {}, limits=fit_limits, options=options, scratch=scratch, progress=progress
        ) as (engine, outcomes):
            for finished in outcomes:
                record = to_record(finished, {})
                progress.end(record)
                rows.append(_extrapolate(first[finished.job.group], record, groups[finished.job.group], limits.seconds))
            slots = sum(pool.slots() for pool in engine.pools)
    places = {group: place for place, group in enumerate(first)}
    rows.sort(key=lambda row: places[row.dataset, row.model, row.variant, row.train_fraction])
    return Forecast(rows=tuple(rows), slots=slots, limit_s=seconds, most_s=limits.seconds)


def _extrapolate(job: Job, record: Record, fits: int, most_s: float) -> ForecastRow:
    """Extrapolate from a dry run to a whole fit."""
    spent = record.diagnostics
    seconds = float(spent["wall_s"])
    if spent.get("trials"):
        tuning = spent["tune_s"] / spent["trials"] * job.settings.trials
        seconds += min(tuning, job.settings.tuning_s or tuning) - spent["tune_s"]
    return ForecastRow(
        dataset=job.dataset,
        model=job.choice.name,
        variant=job.variant,
        train_fraction=job.train_fraction,
        fits=fits,
        seconds=round(min(seconds, most_s), 3),
        stopped=record.status == "timeout" and seconds < most_s,
        peak_mb=spent.get("peak_mb"),
        status=record.status,
        reason=record.reason,
    )


def makespan(seconds: Iterable[float], slots: int) -> float:
    """Return how long fits take, the longest first, each in the slot that is free next (Graham 1969)."""
    finish_times = [0.0] * max(slots, 1)
    for one in sorted(seconds, reverse=True):
        heapq.heapreplace(finish_times, finish_times[0] + one)
    return round(max(finish_times), 1)
