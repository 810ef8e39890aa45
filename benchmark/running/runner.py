"""The way through: plan → the fits not yet recorded → engine → records → tracking → report."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bakeoff.datasets.profiling.audit import audit
from bakeoff.engines.dispatch import FinishedFit, run_fits
from bakeoff.engines.executor_pools import Engine
from bakeoff.engines.observers import Progress, Silent, Tracker
from bakeoff.engines.open_engine import check_options
from bakeoff.engines.options import RunOptions, RunSummary
from bakeoff.engines.schedule import Group, expected_seconds
from bakeoff.engines.workers import check_workers, memory_warning
from bakeoff.errors import RESUME_HINT, UserError
from bakeoff.evaluation.evaluate import FitResult, evaluate
from bakeoff.planning.plan import Plan
from bakeoff.planning.staging import stage_data
from bakeoff.protocol.job import Job
from bakeoff.records.fit_files import write_atomic
from bakeoff.records.provenance import changed_versions, collect_versions, git_commit
from bakeoff.records.record import UNFINISHED, Record
from bakeoff.records.run_folder import RunFolder
from bakeoff.running.limits import limits_of
from bakeoff.running.recording import to_record
from bakeoff.running.rescore import add_metrics
from bakeoff.suites.suite_file import dump_suite


@dataclass
class Run:
    """One run of a plan in a folder."""

    plan: Plan
    folder: RunFolder
    options: RunOptions
    progress: Progress = field(default_factory=Silent)
    tracker: Tracker | None = None

    def execute(self) -> RunSummary:
        """Run what is not yet recorded, and leave records, mirror and reports.

        Raises
        ------
        UserError
            Before anything is written, if the folder or the options can't be used.
        """
        check_options(self.options)
        if self.options.workers is not None and self.options.executor is None:
            check_workers(self.options.workers, self.plan.suite.threads)
        check_same_suite(self.folder, self.plan.suite.name)
        self.folder.create()
        try:
            with self.folder.locked():
                versions, recorded = self._begin()
                pending = [job for job in self.plan.jobs_to_run if self._needs_run(recorded.get(job.keys.fit))]
                reused = len(self.plan.jobs_to_run) - len(pending)
                self.progress.begin(len(self.plan.jobs_to_run), reused)
                if self.tracker is not None:
                    self.tracker.open(self.folder, self.plan.summary())
                ran = self._run(pending, recorded, versions) if pending else 0
                return self._finish(ran, reused)
        except OSError as error:
            raise UserError(f"the run in {self.folder.path} can't go on: {error}; {RESUME_HINT}") from error

    def _begin(self) -> tuple[dict[str, str], dict[str, Record]]:
        """Write the plan, and read what is recorded; return the versions and the records."""
        versions = collect_versions()
        self._check_versions(versions)
        self._write_plan(versions)
        recorded = self._repair_records()
        self._add_metrics(recorded)
        self._report_notes(recorded)
        return versions, recorded

    def _finish(self, ran: int, reused: int) -> RunSummary:
        """Write reports and mirror, and say what the run came to."""
        tracked_at = self._close(finished=True)  # not after Ctrl-C, which is to end the run at once
        records, _ = self.folder.read_records()
        own = [job.keys.fit for job in self.plan.jobs_to_run]
        n_missing = len(set(own) - set(records)) if not self.options.fail_fast else 0
        if n_missing:
            raise UserError(
                f"{n_missing} records have vanished from {self.folder.path} while the run went on: something else "
                "writes there; the same command runs these fits again"
            )
        failed = sum(not records[fit].ok for fit in own if fit in records)
        return RunSummary(folder=self.folder, ran=ran, reused=reused, failed=failed, tracked_at=tracked_at)

    def _run(self, jobs: Sequence[Job], recorded: Mapping[str, Record], versions: dict[str, str]) -> int:
        """Run the fits and record each as it ends; return how many ended. Reports are written whatever stops it."""
        ran = 0
        try:
            with (
                self.folder.scratch() as scratch,
                run_fits(
                    evaluate,
                    self._prepare(jobs, scratch),
                    self._expected(recorded),
                    limits=limits_of(self.plan.suite),
                    options=self.options,
                    scratch=scratch,
                    progress=self.progress,
                ) as (engine, outcomes),
            ):
                self._report_engine(engine)
                for finished in outcomes:
                    record = self._record(finished, versions)
                    ran += 1
                    if self.options.fail_fast and not record.ok:
                        break
        except Exception:
            with suppress(OSError):  # the disk may be full
                self._close(finished=False)
            raise
        return ran

    def _prepare(self, jobs: Sequence[Job], scratch: Path) -> list[Job]:
        """Tell jobs where their data lie, and where their studies are noted."""
        return [
            replace(job, journal=self.folder.journal(job.keys.study)) if job.tunes else job
            for job in stage_data(self.plan, jobs, scratch)
        ]

    def _expected(self, recorded: Mapping[str, Record]) -> dict[Group, float]:
        """Return what is expected of a fit: from its group's records, else from a forecast."""
        rows = self.folder.read_forecast()
        forecast: dict[Group, float] = {
            (row["dataset"], row["model"], row["variant"], row["train_fraction"]): float(row["bound_s"]) for row in rows
        }
        return forecast | expected_seconds(recorded.values())

    def _report_engine(self, engine: Engine) -> None:
        """Say what was chosen, and write down what it runs on."""
        self.progress.note(f"running on {engine.label}")
        memory_note = memory_warning(sum(pool.slots() for pool in engine.pools), self.plan.suite.limits.memory)
        if memory_note and self.options.dask is None and self.options.executor is None:
            self.progress.note(memory_note)
        hardware = {"hardware": engine.hardware, "engine": engine.label}
        self.folder.write_json("provenance.json", self.folder.read_json("provenance.json") | hardware)

    def _record(self, finished: FinishedFit, versions: dict[str, str]) -> Record:
        """Write what a fit left, its record last: a fit counts as done when its line is on the disk."""
        record = to_record(finished, versions)
        if isinstance(finished.outcome.value, FitResult):
            self._write_details(record.fit, finished.outcome.value)
        self.folder.append(record)
        if self.tracker is not None:
            self.tracker.add(record)
        self.progress.end(record)
        return record

    def _write_details(self, fit: str, result: FitResult) -> None:
        if result.predictions:
            self.folder.write_predictions(fit, result.predictions)
        if result.trials:
            self.folder.write_trials(fit, result.trials)
        if result.curves:
            self.folder.write_json(f"curves/{fit}.json", result.curves)
        if result.importance:
            self.folder.write_json(f"importance/{fit}.json", result.importance)

    def _needs_run(self, record: Record | None) -> bool:
        """Tell whether a fit is to be run; one that was lost says nothing of its model and never counts as done."""
        return record is None or record.status in UNFINISHED or (self.options.retry_failed and not record.ok)

    def _repair_records(self) -> dict[str, Record]:
        bad = self.folder.repair_records()
        if bad:
            self.progress.warn(
                f"{bad} corrupt lines of records.jsonl were put aside into records.corrupt.jsonl; these fits run again"
            )
        return self.folder.read_records()[0]

    def _report_notes(self, recorded: Mapping[str, Record]) -> None:
        """Tell what was inferred of the data, which models that were asked for are left out, and what is not shown."""
        for dataset in self.plan.datasets.values():
            for note in dataset.notes:
                self.progress.note(note)
        for note in self.plan.notes():
            self.progress.note(note)
        without_importance = sum(self._lacks_importance(job, recorded) for job in self.plan.jobs_to_run)
        if without_importance:
            self.progress.note(
                f"{without_importance} recorded fits have no importance of columns: it is measured when a fit runs; "
                "give another --out to run them again"
            )
        outside = len(set(recorded) - {job.keys.fit for job in self.plan.jobs})
        if outside:
            self.progress.note(
                f"{outside} recorded fits of this folder are outside this plan: kept, but not in its report"
            )

    def _lacks_importance(self, job: Job, recorded: Mapping[str, Record]) -> bool:
        record = recorded.get(job.keys.fit)
        return (
            job.compute_importance and record is not None and record.ok and not self.folder.has_importance(job.keys.fit)
        )

    def _add_metrics(self, recorded: Mapping[str, Record]) -> None:
        """Compute metrics that the suite names only now, from stored predictions."""
        for job in self.plan.jobs:
            record = recorded.get(job.keys.fit)
            added = add_metrics(self.folder, job, record) if record is not None else None
            if added is not None:
                self.folder.append(added)

    def _check_versions(self, versions: dict[str, str]) -> None:
        before = self._read_previous("provenance.json").get("versions", versions)
        changed = changed_versions(before, versions)
        if changed and not self.options.mixed_versions:
            raise UserError(
                f"the run in {self.folder.path} was begun under other versions ({', '.join(changed)}); "
                "install those, give another --out, or allow it with --mixed-versions"
            )

    def _write_plan(self, versions: dict[str, str]) -> None:
        known = self._read_previous("provenance.json")
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
        write_atomic(self.folder.suite_file, dump_suite(self.plan.suite))

    def _audit(self) -> dict[str, Any]:
        """Look for what is odd about each data set, unless an earlier start has looked at the same content."""
        known = self._read_previous("audit.json")
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

    def _read_previous(self, name: str) -> dict[str, Any]:
        """Return what an earlier start left in a file, if it can be read."""
        try:
            return self.folder.read_json(name)
        except UserError:
            return {}

    def _close(self, finished: bool) -> str | None:
        """Write the reports from what is recorded, and then the mirror."""
        from bakeoff.reports import write_reports

        if self.tracker is not None and finished:
            self.tracker.wait_until_open()
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
