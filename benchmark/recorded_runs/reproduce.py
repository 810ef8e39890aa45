"""Fits run once more: one in the foreground, or a sample of a run as a certificate that its scores can be had again."""

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.engines.dispatch import FinishedFit
from bakeoff.errors import UserError
from bakeoff.evaluation.evaluate import evaluate
from bakeoff.isolation.child import unpack_value
from bakeoff.isolation.in_process import run_in_process
from bakeoff.isolation.outcome import Outcome, ResourceLimits
from bakeoff.isolation.parent import run_isolated
from bakeoff.planning.plan import Plan, make_plan
from bakeoff.planning.staging import stage_data
from bakeoff.protocol.job import Job
from bakeoff.records.provenance import changed_versions, collect_versions
from bakeoff.records.record import Record
from bakeoff.records.run_folder import VERIFIED, RunFolder
from bakeoff.running.limits import limits_of
from bakeoff.running.recording import to_record
from bakeoff.seeds import derive_seed
from bakeoff.suites.suite_file import to_suite


@dataclass(frozen=True)
class RerunResult:
    """A fit that ran once more.

    Parameters
    ----------
    before, now : Record
    """

    before: Record
    now: Record

    @property
    def same(self) -> bool:
        """Whether status, metrics and parameters are equal, to the last bit."""
        return _result_of(self.before) == _result_of(self.now)

    @property
    def differences(self) -> dict[str, tuple[float | None, float | None]]:
        """The metrics that differ: before and now, None for a missing one."""
        names = dict.fromkeys([*self.before.metrics, *self.now.metrics])
        pairs = {name: (self.before.metrics.get(name), self.now.metrics.get(name)) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


Call = Callable[[Job, ResourceLimits], Outcome]


def rerun_fit(folder: RunFolder, fit: str, *, debug: bool = False) -> RerunResult:
    """Run one recorded fit again in this process, without limits; a study is run anew from its first trial.

    Parameters
    ----------
    folder : RunFolder
    fit : str
        Its id, or the beginning of it.
    debug : bool
        Let an exception of the model through instead of recording it, for a debugger.

    Raises
    ------
    UserError
        If there is no such fit, more than one, or its data are not those of the run any more.
    Exception
        Whatever the model raises, with `debug`.
    """
    record = _find_record(folder, fit)
    return next(iter(_rerun(folder, [record], _call_uncaught if debug else _call_in_process)))


def verify_run(
    folder: RunFolder, *, sample: int, seed: int = 0, callback: Callable[[RerunResult], None]
) -> dict[str, Any]:
    """Run a random sample of the fits that ended well again, each in a process of its own, and keep what came of it.

    Parameters
    ----------
    folder : RunFolder
    sample : int
        Number of fits.
    seed : int
        Of the sample.
    callback : callable
        Called with each fit as it ends.

    Returns
    -------
    dict
        What `verified.json` in the run folder holds: when, the versions, how many fits were repeated and were equal to
        the last bit, and which were not.

    Raises
    ------
    UserError
        If no fit ended well, or the data are not those of the run any more.
    """
    records = [record for record in folder.read_records()[0].values() if record.ok]
    if not records:
        raise UserError(f"no fit of {folder.path} ended well; there is nothing to verify")
    random = np.random.default_rng(derive_seed(seed=seed, purpose="verify"))
    chosen = random.choice(len(records), size=min(sample, len(records)), replace=False)
    repeated = []
    for one in _rerun(folder, [records[place] for place in sorted(chosen)], _call_isolated):
        callback(one)
        repeated.append(one)
    versions = collect_versions()
    certificate = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions,
        "repeated": len(repeated),
        "of": len(records),
        "equal": sum(one.same for one in repeated),
        "different": [{"fit": one.before.fit, "label": one.before.label} for one in repeated if not one.same],
    }
    folder.write_json(VERIFIED, certificate)
    return certificate


def _result_of(record: Record) -> dict[str, Any]:
    """Return what a fit came to, as it stands in its line."""
    written = json.loads(record.to_json())
    return {name: written[name] for name in ("status", "metrics", "params")}


def describe_changes(record: Record) -> list[str]:
    """List the versions under which a fit ran and that are others now: then its scores may differ, too."""
    return changed_versions(record.versions, collect_versions())


def _find_record(folder: RunFolder, fit: str) -> Record:
    records = folder.read_records()[0]
    found = [record for key, record in records.items() if key.startswith(fit)]
    if len(found) == 1 and fit:
        return found[0]
    if len(found) > 1:
        raise UserError(f"{len(found)} fits of {folder.path} begin with {fit!r}; give more of the id")
    raise UserError(f"there is no record of the fit {fit!r} in {folder.path}; the report names each failed fit's id")


def _rerun(folder: RunFolder, records: Sequence[Record], call: Call) -> Iterable[RerunResult]:
    plan = make_plan(to_suite(folder.read_suite()))
    jobs = _find_jobs(folder, plan, records)
    limits = limits_of(plan.suite)
    with tempfile.TemporaryDirectory(prefix="bakeoff-") as scratch:
        prepared = {job.keys.fit: job for job in stage_data(plan, jobs.values(), Path(scratch))}
        for record in records:
            job = prepared[record.fit]
            yield RerunResult(record, to_record(FinishedFit(job, call(job, limits)), collect_versions()))


def _find_jobs(folder: RunFolder, plan: Plan, records: Sequence[Record]) -> Mapping[str, Job]:
    """Find the jobs of records; what the suite comes to now must be what it came to then."""
    jobs = {job.keys.fit: job for job in plan.jobs}
    for record in records:
        dataset = plan.datasets.get(record.dataset)
        if dataset is not None and dataset.digest != record.data_digest:
            raise UserError(f"the data set {record.dataset!r} has changed since the run; its fits can't be run again")
        if record.fit not in jobs:
            raise UserError(
                f"the suite in {folder.path} no longer comes to the fit {record.fit} ({record.label}); an own model, "
                "the suite or this version of bakeoff has changed"
            )
    return {record.fit: jobs[record.fit] for record in records}


def _call_in_process(job: Job, limits: ResourceLimits) -> Outcome:
    return unpack_value(run_in_process(evaluate, job, limits=limits))


def _call_isolated(job: Job, limits: ResourceLimits) -> Outcome:
    return run_isolated(evaluate, job, limits=limits)


def _call_uncaught(job: Job, limits: ResourceLimits) -> Outcome:
    return unpack_value(run_in_process(evaluate, job, limits=limits, catch=_NeverError))


class _NeverError(Exception):
    """What nobody raises."""
