"""The way through: plan → the fits not yet recorded → engine → records → tracking → report."""

import tempfile
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from bakeoff.datasets.audit import audit
from bakeoff.engine import check_workers, default_workers, local_executor, run_jobs
from bakeoff.errors import UserError
from bakeoff.evaluate import Result, evaluate
from bakeoff.folder import RunFolder, write_whole
from bakeoff.isolation import Allowance, Outcome
from bakeoff.job import Job
from bakeoff.plan import Plan
from bakeoff.prepared import write_prepared
from bakeoff.provenance import collect_versions, git_commit, inspect_hardware
from bakeoff.records import Record
from bakeoff.rescore import add_metrics
from bakeoff.suite_file import dump_suite


class Progress(Protocol):
    """Who wants to know how a run goes."""

    def begin(self, total: int, done: int) -> None:
        """Take the number of fits, and how many are recorded already."""

    def start(self, job: Job) -> None:
        """Take a fit that starts now; called from several threads."""

    def end(self, record: Record) -> None:
        """Take the record of a fit that ended."""

    def warn(self, message: str) -> None:
        """Take a caution that does not stop the run."""

    def note(self, message: str) -> None:
        """Take what a user wants to know of the data or the plan."""


class Tracker(Protocol):
    """Who mirrors a run elsewhere while it goes on; never raises."""

    def open(self, folder: RunFolder, plan: dict[str, Any]) -> None:
        """Take the run folder and the plan's summary before the first fit."""

    def add(self, record: Record) -> None:
        """Take a record."""

    def close(self, *, finished: bool) -> str | None:
        """Write what is left; return where the run can be seen, or None if tracking failed."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to run, beside what: nothing here enters a key.

    Parameters
    ----------
    workers : int, optional
        Fits at once; as many as the cores allow if left out.
    retry_failed : bool
        Run failed fits again.
    fail_fast : bool
        Stop at the first fit that fails.
    mixed_versions : bool
        Go on with a run that other library versions began.
    """

    workers: int | None = None
    retry_failed: bool = False
    fail_fast: bool = False
    mixed_versions: bool = False


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What a run came to.

    Parameters
    ----------
    folder : RunFolder
    ran, reused, failed : int
        Fits run now, found recorded, and failed among all of the plan.
    seen_at : str, optional
        Where tracking shows the run.
    """

    folder: RunFolder
    ran: int
    reused: int
    failed: int
    seen_at: str | None = None


class Silent:
    """Progress that tells nobody."""

    def begin(self, total: int, done: int) -> None:
        """Say nothing."""

    def start(self, job: Job) -> None:
        """Say nothing."""

    def end(self, record: Record) -> None:
        """Say nothing."""

    def warn(self, message: str) -> None:
        """Say nothing."""

    def note(self, message: str) -> None:
        """Say nothing."""


@dataclass
class Run:
    """One run of a plan in a folder."""

    plan: Plan
    folder: RunFolder
    options: Options
    progress: Progress = field(default_factory=Silent)
    tracker: Tracker | None = None

    def execute(self) -> Finished:
        """Run what is not yet recorded, and leave records, mirror and reports.

        Raises
        ------
        UserError
            Before anything is written, if the folder or the options can't be used.
        """
        workers = self.options.workers or default_workers(self.plan.suite.threads)
        check_workers(workers, self.plan.suite.threads)
        check_same_suite(self.folder, self.plan.suite.name)
        self.folder.create()
        try:
            with self.folder.locked():
                return self._execute(workers)
        except OSError as error:
            kept = "what is recorded is kept, and the same command goes on from there"
            raise UserError(f"the run in {self.folder.path} can't go on: {error}; {kept}") from error

    def _execute(self, workers: int) -> Finished:
        versions = collect_versions()
        self._check_versions(versions)
        self._write_plan(versions)
        recorded = self._mend()
        self._add_metrics(recorded)
        open_jobs = [job for job in self.plan.jobs if self._is_open(recorded.get(job.keys.fit))]
        reused = len(self.plan.jobs) - len(open_jobs)
        self._tell(recorded)
        self.progress.begin(len(self.plan.jobs), reused)
        if self.tracker is not None:
            self.tracker.open(self.folder, self.plan.summary())
        finished = False
        try:
            ran = self._run(open_jobs, workers, versions) if open_jobs else 0
            finished = True
        finally:
            seen_at = self._close(finished)
        records, _ = self.folder.read_records()
        failed = sum(not records[job.keys.fit].ok for job in self.plan.jobs if job.keys.fit in records)
        return Finished(folder=self.folder, ran=ran, reused=reused, failed=failed, seen_at=seen_at)

    def _run(self, jobs: Sequence[Job], workers: int, versions: dict[str, str]) -> int:
        """Run the fits and record each as it ends; return how many ended."""
        limits = self.plan.suite.limits
        allowance = Allowance(seconds=limits.seconds, memory=limits.memory, threads=self.plan.suite.threads)
        ran = 0
        with tempfile.TemporaryDirectory(prefix="bakeoff-") as scratch:
            ready = _prepare(self.plan, jobs, Path(scratch))
            self._check_device()
            with local_executor(workers) as executor:
                outcomes = run_jobs(
                    ready, evaluate, executor=executor, allowance=allowance, on_start=self.progress.start
                )
                with closing(outcomes):  # type: ignore[type-var]  # a generator closes
                    for job, outcome in outcomes:
                        record = self._keep(job, outcome, versions)
                        ran += 1
                        if self.options.fail_fast and not record.ok:
                            break
        return ran

    def _keep(self, job: Job, outcome: Outcome, versions: dict[str, str]) -> Record:
        """Write what a fit left, its record last: a fit counts as done when its line is on the disk."""
        record = to_record(job, outcome, versions)
        if isinstance(outcome.value, Result):
            self._keep_details(record.fit, outcome.value)
        self.folder.append(record)
        if self.tracker is not None:
            self.tracker.add(record)
        self.progress.end(record)
        return record

    def _keep_details(self, fit: str, result: Result) -> None:
        if result.predictions:
            self.folder.write_predictions(fit, result.predictions)
        if result.trials:
            self.folder.write_trials(fit, result.trials)
        if result.curves:
            self.folder.write_json(f"curves/{fit}.json", result.curves)

    def _is_open(self, record: Record | None) -> bool:
        return record is None or (self.options.retry_failed and not record.ok)

    def _mend(self) -> dict[str, Record]:
        bad = self.folder.mend_records()
        if bad:
            self.progress.warn(
                f"{bad} corrupt lines of records.jsonl were put aside into records.corrupt.jsonl; these fits run again"
            )
        return self.folder.read_records()[0]

    def _tell(self, recorded: Mapping[str, Record]) -> None:
        """Tell what was inferred of the data, which models that were asked for are left out, and what is not shown."""
        for dataset in self.plan.datasets.values():
            for note in dataset.notes:
                self.progress.note(note)
        for note in self.plan.notes():
            self.progress.note(note)
        outside = len(set(recorded) - {job.keys.fit for job in self.plan.jobs})
        if outside:
            self.progress.note(
                f"{outside} recorded fits of this folder are outside this plan: kept, but not in its report"
            )

    def _add_metrics(self, recorded: Mapping[str, Record]) -> None:
        """Compute metrics that the suite names only now, from stored predictions."""
        for job in self.plan.jobs:
            record = recorded.get(job.keys.fit)
            added = add_metrics(self.folder, job, record) if record is not None else None
            if added is not None:
                self.folder.append(added)

    def _check_versions(self, versions: dict[str, str]) -> None:
        before = self._known("provenance.json").get("versions", versions)
        # A library that came or went since concerns only the models that need it.
        changed = [
            f"{name} {before[name]} → {versions[name]}"
            for name in sorted({*before} & {*versions})
            if before[name] != versions[name]
        ]
        if changed and not self.options.mixed_versions:
            raise UserError(
                f"the run in {self.folder.path} was begun under other versions ({', '.join(changed)}); "
                "install those, give another --out, or allow it with --mixed-versions"
            )

    def _write_plan(self, versions: dict[str, str]) -> None:
        known = self._known("provenance.json")
        provenance = {
            "run": known.get("run", uuid.uuid4().hex),
            "begun": known.get("begun", datetime.now(UTC).isoformat(timespec="seconds")),
            "versions": versions,
            "git_commit": git_commit(Path.cwd()),
            "seed": self.plan.suite.seed,
            "threads": self.plan.suite.threads,
            "hardware": known.get("hardware", {}),
        }
        self.folder.write_json("plan.json", self.plan.summary())
        self.folder.write_json("audit.json", self._audit())
        self.folder.write_json("provenance.json", provenance)
        write_whole(self.folder.suite_file, dump_suite(self.plan.suite))

    def _audit(self) -> dict[str, Any]:
        """Look for what is odd about each data set, unless an earlier start has looked at the same content."""
        known = self._known("audit.json")
        folds = self.plan.suite.outer_folds
        return {
            name: known[name]
            if known.get(name, {}).get("digest") == dataset.digest
            else {
                "digest": dataset.digest,
                "findings": [one.as_dict() for one in audit(dataset, folds=folds, seed=self.plan.suite.seed)],
            }
            for name, dataset in self.plan.datasets.items()
        }

    def _known(self, name: str) -> dict[str, Any]:
        """Return what an earlier start left in a file, if it can be read."""
        try:
            return self.folder.read_json(name)
        except UserError:
            return {}

    def _check_device(self) -> None:
        """Look at the hardware from a fit's process, which also warms the forkserver up, and refuse an absent GPU."""
        outcome = inspect_hardware()
        hardware = outcome.value or {"error": outcome.reason}
        self.folder.write_json("provenance.json", self.folder.read_json("provenance.json") | {"hardware": hardware})
        if self.plan.suite.device == "cuda" and not hardware.get("gpus"):
            raise UserError(
                "device: cuda needs a GPU that PyTorch can use, and there is none; use device: cpu. "
                "`bakeoff doctor` shows what was found"
            )

    def _close(self, finished: bool) -> str | None:
        """Write the reports from what is recorded, however the run ended, and then the mirror."""
        from bakeoff.reports import write_reports

        write_reports(self.folder)
        return self.tracker.close(finished=finished) if self.tracker is not None else None


def check_same_suite(folder: RunFolder, name: str) -> None:
    """Refuse the folder of another suite.

    Raises
    ------
    UserError
        If the folder holds a run of a suite with another name.
    """
    if not folder.exists:
        return
    try:
        there = folder.read_suite()["name"]
    except UserError:
        return  # fits are found by their keys, and the suite is written anew
    if there != name:
        raise UserError(
            f"the folder {folder.path} holds a run of the suite {there!r}, not of {name!r}; give another --out"
        )


def to_record(job: Job, outcome: Outcome, versions: dict[str, str]) -> Record:
    """Turn how a fit's process ended into its record."""
    result = outcome.value if isinstance(outcome.value, Result) else None
    cost = {"wall_s": outcome.wall_s, "cpu_s": outcome.cpu_s, "peak_mb": round(outcome.peak_mb, 1)}
    return job.record(
        status="error" if result and result.failure else outcome.status,
        reason=result.failure if result and result.failure else outcome.reason,
        traceback=outcome.traceback,
        metrics=result.metrics if result else {},
        diagnostics=cost | (result.diagnostics if result else {"threads": job.threads, "device": job.device}),
        params=result.params if result else {},
        versions=versions,
    )


def _prepare(plan: Plan, jobs: Sequence[Job], scratch: Path) -> list[Job]:
    """Write each data set that is needed once, and tell the jobs where."""
    paths = {name: scratch / f"{place}.joblib" for place, name in enumerate(sorted({job.dataset for job in jobs}))}
    for name, path in paths.items():
        write_prepared(path, plan.datasets[name], plan.splits[name])
    return [replace(job, prepared=paths[job.dataset]) for job in jobs]
