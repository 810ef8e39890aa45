"""Tracking: a run folder mirrored to MLflow. The only module that knows MLflow.

One parent run for a run folder, one child for each data set x model x variant x share of the training part, with the
folds as steps. Everything is found again by tags, so mirroring twice logs nothing twice; a cell that changed (a retried
fit) is logged anew in place of the old. The records stay the source of truth: `bakeoff track RUN` rebuilds all of this.
"""

import logging
import os
import queue
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bakeoff.errors import UserError
from bakeoff.folder import REBUILD, VERDICT, RunFolder
from bakeoff.records import Record
from bakeoff.seeds import digest_parts
from bakeoff.summary import summarise_predictions
from bakeoff.tracking_rows import (
    Cell,
    by_cell,
    by_cell_of_fits,
    cell_of,
    child_metrics,
    child_params,
    child_tags,
    describe_parent,
    name_of_cell,
    verdict_tags,
)

RUN_TAG, CELL_TAG, CONTENT_TAG = "bakeoff.run", "bakeoff.cell", "bakeoff.content"
LONGEST_PARAM = 6000
LONGEST_NOTE = 4800
# Opens the experiment on MLflow's pages for models; without it, it may open on those for language models.
KIND = {"mlflow.experimentKind": "custom_model_development"}
FILES = (
    "report.html",
    "report.md",
    "leaderboard.csv",
    "leaderboard.parquet",
    VERDICT,
    "suite.yaml",
    "plan.json",
    "provenance.json",
    "records.jsonl",
)
BATCH = 100
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


@dataclass(frozen=True)
class Mirrored:
    """What mirroring a run folder did: children written and found unchanged, and where to look."""

    written: int
    unchanged: int
    uri: str
    experiment: str


def default_uri(folder: RunFolder) -> str:
    """Return the tracking URI of the environment, or a SQLite file beside the runs."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder.path.resolve().parent / 'mlflow.db'}"


def mirror(folder: RunFolder, uri: str) -> Mirrored:
    """Bring MLflow up to date with a run folder.

    Raises
    ------
    UserError
        If the tracking server can't be reached or refuses.
    """
    try:
        with _Mirror(folder, uri) as mirrored:
            cells = by_cell(mirrored.current_records())
            written = sum(mirrored.write(cell, records) for cell, records in cells.items())
            mirrored.finish()
    except UserError:
        raise
    except Exception as error:  # MLflow raises its own, requests' and SQLAlchemy's
        raise UserError(
            f"can't track to {uri}: {_first_line(error)}. Check the URI and that the server runs"
        ) from error
    return Mirrored(written, len(cells) - written, uri, mirrored.experiment)


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
    _thread: threading.Thread | None = None
    _failed: bool = False

    def open(self, folder: RunFolder, plan: dict[str, Any]) -> None:
        """Start mirroring; what was recorded before comes first."""
        self._folder = folder
        self._uri = self.uri or default_uri(folder)
        self._planned = {
            fit["fit"]: (fit["dataset"], fit["model"], fit["variant"], fit["share"]) for fit in plan["fits"]
        }
        self._thread = threading.Thread(target=self._mirror, name="tracking", daemon=True)
        self._thread.start()

    def add(self, record: Record) -> None:
        """Note a record; its child run is written when all its folds are there."""
        self._queue.put(record)

    def close(self, *, finished: bool) -> str | None:
        """Write what is left, reports included; after an interruption leave that to `bakeoff track`."""
        self._queue.put(None)
        if self._thread is None or not finished:
            return None
        self._thread.join()
        return None if self._failed else self._uri

    def _mirror(self) -> None:
        try:
            with _Mirror(self._folder, self._uri) as mirrored:
                open_fits = by_cell_of_fits(self._planned)
                for record in iter(self._queue.get, None):
                    cell = self._planned[record.fit]
                    open_fits[cell].discard(record.fit)
                    if not open_fits[cell]:
                        mirrored.write(cell, [one for one in mirrored.current_records() if cell_of(one) == cell])
                for cell, records in by_cell(mirrored.current_records()).items():
                    mirrored.write(cell, records)
                mirrored.finish()
        except Exception as error:  # tracking never takes a run down with it
            self._failed = True
            self.warn(
                f"tracking to {self._uri} failed ({_first_line(error)}); the run goes on. "
                f"`bakeoff track {self._folder.path}` catches up"
            )


class _Mirror:
    """One run folder and its parent run in MLflow."""

    def __init__(self, folder: RunFolder, uri: str) -> None:
        self.folder = folder
        self.uri = uri
        self.plan = folder.read_json("plan.json")
        self.provenance = folder.read_json("provenance.json")
        if not (self.plan.get("fits") and self.provenance.get("run")):
            raise UserError(f"plan.json or provenance.json of {folder.path} is gone; {REBUILD}")
        self.run_id = str(self.provenance["run"])

    def __enter__(self) -> "_Mirror":
        self.client = _connect(self.uri)
        self.experiment, self.experiment_id = self._find_experiment()
        self.parent = self._find_parent()
        self.known = self._find_children()
        return self

    def __exit__(self, *_: object) -> None:
        del self.client

    def current_records(self) -> list[Record]:
        """Return the latest record of each fit of the current plan."""
        records, _ = self.folder.read_records()
        return [records[fit["fit"]] for fit in self.plan["fits"] if fit["fit"] in records]

    def write(self, cell: Cell, records: list[Record]) -> bool:
        """Write one child run, unless it is there with the same content; return whether it was written."""
        content = digest_parts(records=[record.to_json() for record in records])
        before = self.known.get(cell)
        if before and before.data.tags.get(CONTENT_TAG) == content:
            return False
        if before:
            self.client.delete_run(before.info.run_id)
        run = self._create(
            name_of_cell(cell),
            child_tags(cell, records),
            {CELL_TAG: "child", "mlflow.parentRunId": self.parent.info.run_id},
        )
        self._log(run.info.run_id, child_params(records), list(child_metrics(records, self._primary(cell[0]))))
        self._log_dataset(run.info.run_id, cell[0])
        self._log_artifacts(run.info.run_id, records)
        # The content tag comes last: a child that was cut short is written again.
        self.client.set_tag(run.info.run_id, CONTENT_TAG, content)
        self.client.set_terminated(run.info.run_id, "FINISHED" if all(record.ok for record in records) else "FAILED")
        self.known[cell] = self.client.get_run(run.info.run_id)
        return True

    def finish(self) -> None:
        """Bring the parent run up to date: counts, verdict, reports and provenance."""
        records = self.current_records()
        counts = {
            "fits_ok": sum(record.ok for record in records),
            "fits_failed": sum(not record.ok for record in records),
        }
        parent = self.parent.info.run_id
        current = by_cell(records)
        for cell, run in self.known.items():
            if cell not in current:
                self.client.delete_run(run.info.run_id)
        self._log(parent, {}, [(name, float(value), 0) for name, value in counts.items()])
        for name, value in verdict_tags(self.folder.read_verdict()).items():
            self.client.set_tag(parent, name, value)
        self.client.set_tag(parent, "mlflow.note.content", describe_parent(self.folder.read_summary(), LONGEST_NOTE))
        for name in FILES:
            if (self.folder.path / name).is_file():
                self.client.log_artifact(parent, str(self.folder.path / name))
        self.client.set_terminated(parent, "FINISHED")

    def _primary(self, dataset: str) -> tuple[str, bool]:
        name = self.plan["datasets"][dataset]["primary"]
        return name, bool(self.plan["metrics"][name]["greater_is_better"])

    def _find_experiment(self) -> tuple[str, str]:
        name = str(self.folder.read_suite()["name"])
        found = self.client.get_experiment_by_name(name)
        if found is not None and found.lifecycle_stage == "deleted":
            self.client.restore_experiment(found.experiment_id)
        if found is not None:
            return name, found.experiment_id
        return name, self.client.create_experiment(name, artifact_location=self._artifacts(), tags=KIND)

    def _artifacts(self) -> str | None:
        """Keep artifacts beside a SQLite file; a server knows its own place."""
        if not self.uri.startswith("sqlite:///"):
            return None
        return (Path(self.uri.removeprefix("sqlite:///")).resolve().parent / "mlartifacts").as_uri()

    def _find_parent(self) -> Any:
        found = self._search(f"tags.`{RUN_TAG}` = '{self.run_id}' AND tags.`{CELL_TAG}` = 'parent'")
        if found:
            return found[0]
        name = f"{self.experiment} ({self.run_id[:8]})"
        run = self._create(
            name,
            {CELL_TAG: "parent", "bakeoff.folder": str(self.folder.path.resolve())},
        )
        params = {f"version.{name}": value for name, value in self.provenance["versions"].items()}
        self._log(
            run.info.run_id,
            params | {"seed": str(self.provenance["seed"]), "git_commit": str(self.provenance["git_commit"])},
            [],
        )
        return run

    def _find_children(self) -> dict[Cell, Any]:
        runs = self._search(f"tags.`mlflow.parentRunId` = '{self.parent.info.run_id}'")
        return {
            (tags["dataset"], tags["model"], tags["variant"], float(tags.get("share", 1))): run
            for run in runs
            if "dataset" in (tags := run.data.tags)
        }

    def _search(self, condition: str) -> list[Any]:
        found: list[Any] = []
        token: str | None = None
        while True:
            page = self.client.search_runs([self.experiment_id], condition, max_results=1000, page_token=token)
            found += page
            token = page.token
            if not token:
                return found

    def _create(self, name: str, *tags: Mapping[str, str]) -> Any:
        together = {key: value for part in tags for key, value in part.items()}
        return self.client.create_run(self.experiment_id, run_name=name, tags={**together, RUN_TAG: self.run_id})

    def _log(self, run_id: str, params: Mapping[str, str], metrics: list[tuple[str, float, int]]) -> None:
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        items = [Param(key, value[:LONGEST_PARAM]) for key, value in params.items()]
        for start in range(0, max(len(items), 1), BATCH):
            self.client.log_batch(run_id, params=items[start : start + BATCH])
        self.client.log_batch(run_id, metrics=[Metric(key, value, now, step) for key, value, step in metrics])

    def _log_dataset(self, run_id: str, name: str) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        about = self.plan["datasets"][name]
        shape = {"num_rows": about["rows"], "num_features": about["features"], "task": about["task"]}
        # Our own digest: MLflow's covers the first 10,000 rows only.
        entity = Dataset(
            name=name,
            digest=about["digest"][:32],
            source_type="bakeoff",
            source=str({"source": about["source"], "licence": about["licence"]}),
            profile=str(shape),
        )
        self.client.log_inputs(run_id, [DatasetInput(entity, [InputTag("mlflow.data.context", "cross-validation")])])

    def _log_artifacts(self, run_id: str, records: list[Record]) -> None:
        rows = [self.folder.path / "trials" / f"{record.fit}.jsonl" for record in records]
        text = "".join(path.read_text(encoding="utf-8") for path in rows if path.is_file())
        if text:
            self.client.log_text(run_id, text, "trials.jsonl")
        summary = [
            {
                "fold": f"{record.repeat + 1}.{record.fold + 1}",
                "status": record.status,
                "reason": record.reason,
                **record.metrics,
            }
            for record in records
        ]
        self.client.log_dict(run_id, {"folds": summary}, "folds.json")
        arrays = (self.folder.read_predictions(record.fit) for record in records)
        predictions = summarise_predictions(arrays, regression=records[0].task == "regression")
        if predictions:
            self.client.log_dict(run_id, predictions, "predictions.json")


def _connect(uri: str) -> Any:
    """Return a client; loads MLflow (two seconds) and creates a SQLite store (three) when first used."""
    _check_sqlite(uri)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's imports warn of other packages' deprecations
        from mlflow import MlflowClient
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=uri)


def _check_sqlite(uri: str) -> None:
    """Refuse a SQLite file that can't be written at once: MLflow would try again for minutes."""
    if not uri.startswith("sqlite:///"):
        return
    try:
        with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as store:
            store.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        raise UserError(f"can't track to {uri}: {error}; give a file that can be written") from None


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:300]}"
