"""Export: refit a model of a run on all rows, by the same procedure as its fits, and save the pipeline."""

from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np

from bakeoff.errors import UserError, describe_error, unknown_name
from bakeoff.fitting import fit_members
from bakeoff.folder import REBUILD, RunFolder
from bakeoff.job import Job
from bakeoff.plan import Plan, make_plan
from bakeoff.search import search_members
from bakeoff.suite_file import to_suite


def export_model(
    folder: RunFolder, *, dataset: str, model: str, variant: str = "default", out: Path | None = None
) -> Path:
    """Refit a model on all rows of a data set and save it with joblib.

    For a variant that tunes, the study is run anew on all rows, with the same budget: that is the procedure whose outer
    scores the run estimated. Returns the path of the file.

    Raises
    ------
    UserError
        If the run has no such fit, its data can't be loaded again or have changed, or the file can't be written.
    """
    path = out or folder.path / f"{dataset}-{model}-{variant}.joblib"
    if not path.parent.is_dir():
        raise UserError(f"the folder {path.parent} does not exist; create it or give another --out")
    plan = make_plan(to_suite(folder.read_suite()))
    job = _find(plan, dataset, model, variant)
    _check_digest(folder, plan, dataset)
    pipeline = _refit(plan, job)
    try:
        joblib.dump(pipeline, path)
    except OSError as error:
        raise UserError(f"{path} can't be written ({error.strerror}); give another --out") from None
    return path


def _find(plan: Plan, dataset: str, model: str, variant: str) -> Job:
    jobs = [job for job in plan.jobs if job.share == 1]
    for what, name, known in (
        ("data set", dataset, {job.dataset for job in jobs}),
        ("model", model, {job.choice.name for job in jobs if job.dataset == dataset}),
        ("variant", variant, {job.variant for job in jobs if (job.dataset, job.choice.name) == (dataset, model)}),
    ):
        if name not in known:
            raise UserError("in this run " + unknown_name(what, name, known))
    return next(job for job in jobs if (job.dataset, job.choice.name, job.variant) == (dataset, model, variant))


def _check_digest(folder: RunFolder, plan: Plan, dataset: str) -> None:
    recorded = folder.read_json("plan.json").get("datasets", {}).get(dataset, {}).get("digest")
    if recorded is None:
        raise UserError(f"plan.json of {folder.path} does not know {dataset!r}; {REBUILD}")
    if plan.datasets[dataset].digest != recorded:
        raise UserError(f"the data set {dataset!r} has changed since the run; run the suite again before exporting")


def _refit(plan: Plan, job: Job) -> object:
    data = plan.datasets[job.dataset]
    whole = replace(job, repeat=-1, fold=-1)  # seeds of its own: this is none of the folds
    rows = np.arange(len(data.y))
    search = search_members(whole, data, rows)
    if search.failure:
        raise UserError(f"no trial ended well: {search.failure}")
    try:
        return fit_members(whole, data, rows, search.members).pipeline
    except Exception as error:
        raise UserError(
            f"{job.choice.name} can't be fitted on all rows of {job.dataset!r}: {describe_error(error)}"
        ) from error
