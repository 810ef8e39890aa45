"""Refits: models of a run on all rows of their data, by the procedure whose outer scores the run estimated.

A variant that tunes is tuned anew on all rows, with the same budget. Each refit runs in a process of its own, under the
limits of a fit, and leaves its pipeline in the run folder; what is there is not fitted again.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.engines.dispatch import run_fits
from bakeoff.engines.observers import Progress
from bakeoff.engines.options import RunOptions
from bakeoff.engines.schedule import expected_seconds
from bakeoff.errors import UserError, describe_error
from bakeoff.evaluation.evaluate import warm_up
from bakeoff.evaluation.final_fit import fit_final
from bakeoff.evaluation.search import search_members
from bakeoff.planning.plan import Plan
from bakeoff.planning.staging import open_data_file, stage_data
from bakeoff.protocol.job import Job
from bakeoff.protocol.keys import keys_of
from bakeoff.protocol.splits import Split
from bakeoff.records.record import Record
from bakeoff.records.run_folder import RunFolder
from bakeoff.running.limits import limits_of

ALL_ROWS = -1  # repeat and fold of what is fitted on all rows
Refitted = tuple[list[tuple[Job, Path]], list[tuple[Job, str]]]


@dataclass(frozen=True)
class Refit:
    """Fits a job's model on all rows and writes the pipeline; called with the job in a process of its own.

    Parameters
    ----------
    out : Path
        A folder that every machine of the engine sees.
    """

    out: Path

    def __call__(self, job: Job) -> None:
        """Write the pipeline into `<fit>.pkl`.

        Raises
        ------
        ValueError
            If no trial ended well.
        """
        dataset, _ = open_data_file(job.data_file)
        rows = np.arange(len(dataset.y))
        warm_up(job.choice.spec.requires)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the fits of the run have told theirs
            search = search_members(job, dataset, rows)
            if search.failure:
                raise ValueError(search.failure)
            model = fit_final(job, dataset, rows, search).model
        with _model_file(self.out, job).open("wb") as file:
            cloudpickle.dump(model, file)  # classes of a script travel along


def list_refits(plan: Plan, records: Mapping[str, Record]) -> list[Job]:
    """Return a job for each data set, model and variant that ended well on every outer fold, at full size."""
    groups: dict[tuple[str, str, str], list[Job]] = {}
    for job in plan.jobs:  # also of other shards: a model that lacks folds is none to use
        if job.train_fraction == 1:
            groups.setdefault((job.dataset, job.choice.name, job.variant), []).append(job)
    return [
        _on_all_rows(jobs[0], plan)
        for jobs in groups.values()
        if all(job.keys.fit in records and records[job.keys.fit].ok for job in jobs)
    ]


def refit_models(
    folder: RunFolder, plan: Plan, jobs: Sequence[Job], *, options: RunOptions, progress: Progress
) -> Refitted:
    """Fit models on all rows.

    Parameters
    ----------
    folder : RunFolder
        Held by the caller.
    plan : Plan
    jobs : sequence of Job
        Of `list_refits`.
    options : RunOptions
    progress : Progress

    Returns
    -------
    list of (Job, Path)
        The files of the pipelines, to be read with `joblib.load`.
    list of (Job, str)
        Those that failed, with status and reason.

    Raises
    ------
    UserError
        If the options can't be used.
    """
    models_folder = folder.models
    models_folder.mkdir(exist_ok=True)
    missing = [job for job in jobs if not _model_file(models_folder, job).is_file()]
    progress.note(f"{len(missing)} of {len(jobs)} models are to be fitted on all rows")
    progress.begin(len(jobs), len(jobs) - len(missing))
    failed = list(_run(folder, plan, missing, options, progress)) if missing else []
    return [(job, _model_file(models_folder, job)) for job in jobs if _model_file(models_folder, job).is_file()], failed


def load_pipeline(path: Path) -> Any:
    """Load a refitted pipeline.

    Raises
    ------
    UserError
        If the file is damaged.
    """
    try:
        return joblib.load(path)
    except Exception as error:
        raise UserError(f"{path} can't be loaded ({describe_error(error)}); delete it, and it is made anew") from error


def _run(
    folder: RunFolder, plan: Plan, jobs: Iterable[Job], options: RunOptions, progress: Progress
) -> Iterator[tuple[Job, str]]:
    with (
        folder.scratch() as scratch,
        run_fits(
            Refit(scratch),
            [replace(job, journal=folder.journal(job.keys.study)) for job in stage_data(plan, jobs, scratch)],
            expected_seconds(folder.read_records()[0].values()),
            limits=limits_of(plan.suite),
            options=options,
            scratch=scratch,
            progress=progress,
        ) as (_, outcomes),
    ):
        for finished in outcomes:
            progress.end(finished.job.record(status=finished.outcome.status, reason=finished.outcome.reason))
            if finished.outcome.status == "ok":
                _model_file(scratch, finished.job).replace(_model_file(folder.models, finished.job))
            else:
                yield finished.job, f"{finished.outcome.status}: {finished.outcome.reason}"


def _on_all_rows(job: Job, plan: Plan) -> Job:
    """Return a fold's job with all rows to train on, and with seeds and keys of its own: it is none of the folds."""
    dataset = plan.datasets[job.dataset]
    keys = keys_of(job.settings, dataset, job.choice, job.variant, _all_rows_split(dataset))
    return replace(job, keys=keys, repeat=ALL_ROWS, fold=ALL_ROWS)


def _all_rows_split(dataset: Dataset) -> Split:
    return Split(ALL_ROWS, ALL_ROWS, np.arange(len(dataset.y)), np.arange(0))


def _model_file(models_folder: Path, job: Job) -> Path:
    return models_folder / f"{job.keys.fit}.pkl"
