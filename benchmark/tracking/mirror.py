"""A run folder and what stands for it in MLflow: one parent run, and a child for each cell, with the folds as steps.

Everything is found again by tags, so mirroring twice logs nothing twice; a cell that changed (a retried fit) is logged
anew in place of the old.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bakeoff.datasets.dataset import Dataset
from bakeoff.errors import UserError
from bakeoff.protocol.job import Job
from bakeoff.records.fit_files import REBUILD
from bakeoff.records.record import Record
from bakeoff.records.run_folder import TRACKED, VERDICT, RunFolder
from bakeoff.seeds import digest_parts
from bakeoff.tracking.client import address_of_server, connect, default_artifact_location
from bakeoff.tracking.models import log_model
from bakeoff.tracking.prediction_summary import summarise_predictions
from bakeoff.tracking.rows import (
    Cell,
    child_metrics,
    child_params,
    child_tags,
    describe_parent,
    group_by_cell,
    name_of_cell,
    verdict_tags,
)
from bakeoff.tracking.views import path_of_experiment, path_of_run, view_tags

RUN_TAG, CELL_TAG, CONTENT_TAG = "bakeoff.run", "bakeoff.cell", "bakeoff.content"
MODEL_TAG, FIT_TAG = "bakeoff.model", "bakeoff.model_fit"
MAX_PARAM_LENGTH = 6000
MAX_NOTE_LENGTH = 4800
# Opens the experiment on MLflow's pages for models; without it, it may open on those for language models.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
ARTIFACT_FILES = (
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
PARAMS_PER_BATCH = 100


class Mirror:
    """One run folder and its parent run in MLflow.

    Parameters
    ----------
    folder : RunFolder
    uri : str
        Of the tracking store.

    Raises
    ------
    UserError
        If the plan of the folder is gone.
    """

    def __init__(self, folder: RunFolder, uri: str) -> None:
        self.folder = folder
        self.uri = uri
        self.plan = folder.read_plan()
        self.provenance = folder.read_json("provenance.json")
        if not (self.plan.get("fits") and self.provenance.get("run")):
            raise UserError(f"plan.json or provenance.json of {folder.path} is gone; {REBUILD}")
        self.run_id = str(self.provenance["run"])

    def __enter__(self) -> "Mirror":
        self.client = connect(self.uri)
        self.experiment, self.experiment_id = self._find_experiment()
        self.parent = self._find_parent()
        self.child_runs = self._find_children()
        path = path_of_run(self.experiment_id, self.parent.info.run_id)
        tracked = {"server": address_of_server(self.uri), "experiment": self.experiment, "path": path}
        self.folder.write_json(TRACKED, tracked)
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
        before = self.child_runs.get(cell)
        if before and before.data.tags.get(CONTENT_TAG) == content:
            return False
        if before:
            self._delete(before)
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
        self.child_runs[cell] = self.client.get_run(run.info.run_id)
        return True

    def write_model(self, job: Job, pipeline: Path, dataset: Dataset) -> bool:
        """Log the pipeline of a file to its child run, unless it is there; return whether it was written."""
        cell = job.group
        run = self.child_runs[cell]
        if run.data.tags.get(FIT_TAG) == job.keys.fit:
            return False
        if MODEL_TAG in run.data.tags:
            self.client.delete_logged_model(run.data.tags[MODEL_TAG])
        model = log_model(self.client, run, cell, pipeline, dataset, job.choice.spec.requires)
        self.client.set_tag(run.info.run_id, MODEL_TAG, model)
        self.client.set_tag(run.info.run_id, FIT_TAG, job.keys.fit)
        return True

    def finish(self) -> None:
        """Bring the parent run up to date: counts, verdict, reports, figures and provenance; and the views."""
        records = self.current_records()
        counts = {
            "fits_ok": sum(record.ok for record in records),
            "fits_failed": sum(not record.ok for record in records),
        }
        parent = self.parent.info.run_id
        current = group_by_cell(records)
        for cell, run in self.child_runs.items():
            if cell not in current:
                self._delete(run)
        self._log(parent, {}, [(name, float(value), 0) for name, value in counts.items()])
        for name, value in verdict_tags(self.folder.read_verdict()).items():
            self.client.set_tag(parent, name, value)
        there = self.client.get_experiment(self.experiment_id).tags
        for name, value in view_tags(self.plan["datasets"], int(time.time() * 1000)).items():
            if name not in there:  # who changed a view keeps it
                self.client.set_experiment_tag(self.experiment_id, name, value)
        note = describe_parent(self.folder.read_summary(), self._links(), MAX_NOTE_LENGTH)
        self.client.set_tag(parent, "mlflow.note.content", note)
        for name in ARTIFACT_FILES:
            if (self.folder.path / name).is_file():
                self.client.log_artifact(parent, str(self.folder.path / name))
        self._log_figures()
        self.client.set_terminated(parent, "FINISHED")

    def _links(self) -> dict[str, str]:
        """Return what the parent's page links to: the report, and each data set's models by score."""
        report = path_of_run(self.experiment_id, self.parent.info.run_id, "report.html")
        views = {name: path_of_experiment(self.experiment_id, name) for name in self.plan["datasets"]}
        return {"the report": report, **views}

    def _log_figures(self) -> None:
        from bakeoff.reports import write_main_figures
        from bakeoff.reports.run_data.run import load_current_run

        with TemporaryDirectory() as place:
            if write_main_figures(load_current_run(self.folder), Path(place)):
                self.client.log_artifacts(self.parent.info.run_id, place, "figures")

    def _delete(self, run: Any) -> None:
        """Delete a child run, and the model that it logged."""
        if MODEL_TAG in run.data.tags:
            self.client.delete_logged_model(run.data.tags[MODEL_TAG])
        self.client.delete_run(run.info.run_id)

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
        return name, self.client.create_experiment(
            name, artifact_location=default_artifact_location(self.uri), tags=EXPERIMENT_TAGS
        )

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
            (
                tags["dataset"],
                tags["model"],
                tags["variant"],
                float(tags.get("train_fraction", tags.get("share", 1))),
            ): run
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
        items = [Param(key, value[:MAX_PARAM_LENGTH]) for key, value in params.items()]
        for start in range(0, max(len(items), 1), PARAMS_PER_BATCH):
            self.client.log_batch(run_id, params=items[start : start + PARAMS_PER_BATCH])
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
