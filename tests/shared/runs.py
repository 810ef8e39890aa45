"""Plans, jobs and runs as tests make them, and what must not depend on how a run went."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bakeoff.api import run_suite
from bakeoff.datasets.dataset import Dataset
from bakeoff.planning.plan import InMemoryInputs, make_plan
from bakeoff.planning.staging import write_data_file
from bakeoff.protocol.job import Job
from bakeoff.records.run_folder import RunFolder
from bakeoff.suites.suite import Suite

MakeStore = Callable[[Path], str]  # the fixture `empty_mlflow_store`


def run_untracked(suite: Any, out: Path, **options: Any) -> RunFolder:
    """Run a suite without tracking."""
    return run_suite(suite, out=out, tracking=False, **options).folder


def scores_of(folder: RunFolder) -> dict[str, Any]:
    """Return what must not depend on how and where fits ran: status, metrics and parameters by fit."""
    records, bad = folder.read_records()
    assert bad == 0
    return {fit: (record.status, record.metrics, record.params) for fit, record in records.items()}


def prepare_job(
    folder: Path, dataset: Dataset, suite: dict[str, Any], *, models: Any = None, variant: str | None = None
) -> Job:
    """Plan a suite over a data set in memory, and return its first job, or the first of a variant, with its data.

    Parameters
    ----------
    folder : Path
        Where the data are written.
    dataset : Dataset
        The one data set of the suite.
    suite : dict
        The keys of the suite but its name and its data set.
    models : dict of str to ModelSpec, optional
        Models in memory that the suite names.
    variant : str, optional
        The variant of the job.
    """
    content = {"name": "test", "datasets": [{"memory": "made"}], **suite}
    plan = make_plan(Suite.model_validate(content), InMemoryInputs({"made": dataset}, models or {}))
    path = folder / f"{dataset.digest[:8]}.joblib"
    write_data_file(path, dataset, plan.splits["made"])
    return replace(next(job for job in plan.jobs if variant in (None, job.variant)), data_file=path)
