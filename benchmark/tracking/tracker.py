"""Tracking: a run folder mirrored to MLflow, while the run goes on or afterwards.

The records stay the source of truth: `bakeoff track RUN` rebuilds all of it.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bakeoff.engines.observers import Progress
from bakeoff.engines.options import RunOptions
from bakeoff.errors import UserError
from bakeoff.planning.plan import Plan
from bakeoff.records.record import Record
from bakeoff.records.run_folder import RunFolder
from bakeoff.running.refit import list_refits, refit_models
from bakeoff.tracking.client import default_uri, describe_tracking_error, first_line
from bakeoff.tracking.mirror import Mirror
from bakeoff.tracking.models import ModelError
from bakeoff.tracking.rows import group_by_cell, group_fits_by_cell


@dataclass(frozen=True)
class MirrorResult:
    """What mirroring a run folder did: children (or models) written, found unchanged or failed, and where to look."""

    written: int
    unchanged: int
    uri: str
    experiment: str
    failed: int = 0


def mirror_run(folder: RunFolder, uri: str) -> MirrorResult:
    """Bring MLflow up to date with a run folder.

    Raises
    ------
    UserError
        If the tracking server can't be reached or refuses.
    """
    try:
        with Mirror(folder, uri) as mirrored:
            cells = group_by_cell(mirrored.current_records())
            written = sum(mirrored.write(cell, records) for cell, records in cells.items())
            mirrored.finish()
    except UserError:
        raise
    except Exception as error:  # MLflow raises its own, requests' and SQLAlchemy's
        raise describe_tracking_error(uri, error) from error
    return MirrorResult(written, len(cells) - written, uri, mirrored.experiment)


def track_models(folder: RunFolder, plan: Plan, uri: str, *, options: RunOptions, progress: Progress) -> MirrorResult:
    """Refit the models of a mirrored run on all rows and log each to its child run.

    Models that failed on an outer fold are left out; those that fail now are told.

    Returns
    -------
    MirrorResult
        Counts of models.

    Raises
    ------
    UserError
        If the options can't be used, or the tracking server can't be reached or refuses.
    """
    with folder.locked():
        jobs = list_refits(plan, folder.read_records()[0])
        files, failed = refit_models(folder, plan, jobs, options=options, progress=progress)
    if not jobs:
        progress.warn("no model is logged: none has ended well on every outer fold yet")
    done = []
    try:
        with Mirror(folder, uri) as mirrored:
            for job, file in files:
                try:
                    done.append(mirrored.write_model(job, file, plan.datasets[job.dataset]))
                except ModelError as error:
                    failed.append((job, str(error)))
    except UserError:
        raise
    except Exception as error:
        raise describe_tracking_error(uri, error) from error
    for job, why in failed:
        progress.warn(f"{job.label}: no model is logged: {why}")
    return MirrorResult(sum(done), len(done) - sum(done), uri, mirrored.experiment, len(failed))


@dataclass
class MlflowTracker:
    """Mirrors a run while it goes on, in a thread of its own, so that no fit waits for a database.

    Parameters
    ----------
    uri : str, optional
        Tracking URI; the environment's or a SQLite file beside the runs if left out.
    warn : callable
        Takes the message if tracking fails; the run goes on, and `bakeoff track` catches up.
    """

    warn: Callable[[str], None]
    uri: str | None = None
    _queue: "queue.SimpleQueue[Record | None]" = field(default_factory=queue.SimpleQueue)
    _opened: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _failed: bool = False

    def open(self, folder: RunFolder, plan: dict[str, Any]) -> None:
        """Start mirroring; what was recorded before comes first."""
        self._folder = folder
        self._uri = self.uri or default_uri(folder)
        self._planned = {
            fit["fit"]: (fit["dataset"], fit["model"], fit["variant"], fit["train_fraction"]) for fit in plan["fits"]
        }
        self._thread = threading.Thread(target=self._mirror, name="tracking", daemon=True)
        self._thread.start()

    def add(self, record: Record) -> None:
        """Note a record; its child run is written when all its folds are there."""
        self._queue.put(record)

    def wait_until_open(self) -> None:
        """Wait until the run folder says where MLflow shows the run, or tracking has failed."""
        self._opened.wait()

    def close(self, *, finished: bool) -> str | None:
        """Write what is left, reports included; after an interruption leave that to `bakeoff track`."""
        self._queue.put(None)
        if self._thread is None or not finished:
            return None
        self._thread.join()
        return None if self._failed else self._uri

    def _mirror(self) -> None:
        try:
            with Mirror(self._folder, self._uri) as mirrored:
                self._opened.set()
                open_fits = group_fits_by_cell(self._planned)
                records = {record.fit: record for record in mirrored.current_records()}
                for record in iter(self._queue.get, None):
                    cell, records[record.fit] = self._planned[record.fit], record
                    open_fits[cell].discard(record.fit)
                    if not open_fits[cell]:
                        mirrored.write(cell, [records[fit] for fit, one in self._planned.items() if one == cell])
                for cell, those in group_by_cell(mirrored.current_records()).items():
                    mirrored.write(cell, those)
                mirrored.finish()
        except Exception as error:  # tracking never takes a run down with it
            self._failed = True
            self.warn(
                f"tracking to {self._uri} failed ({first_line(error)}); the run goes on. "
                f"`bakeoff track {self._folder.path}` catches up"
            )
        finally:
            self._opened.set()
