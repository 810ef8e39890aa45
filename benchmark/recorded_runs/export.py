"""Export: a model of a run, refitted on all rows, as a file."""

import shutil
from pathlib import Path

from bakeoff.engines.observers import Progress, Silent
from bakeoff.engines.options import RunOptions
from bakeoff.errors import UserError, unknown_name
from bakeoff.protocol.job import Job
from bakeoff.recorded_runs.extension import rebuild_plan
from bakeoff.records.run_folder import RunFolder
from bakeoff.running.refit import list_refits, load_pipeline, refit_models


def export_model(
    folder: RunFolder,
    *,
    dataset: str,
    model: str,
    variant: str = "default",
    out: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Refit a model on all rows of a data set and save it for `joblib.load`.

    For a variant that tunes, the study is run anew on all rows, with the same budget: that is the procedure whose outer
    scores the run estimated. Returns the path of the file.

    Raises
    ------
    UserError
        If the run has no such model that ended well on every outer fold, its data can't be loaded again or have
        changed, the refit fails, or the file can't be written.
    """
    path = out or folder.path / f"{dataset}-{model}-{variant}.joblib"
    if not path.parent.is_dir():
        raise UserError(f"the folder {path.parent} does not exist; create it or give another --out")
    plan = rebuild_plan(folder)
    _check_known(plan.jobs, dataset, model, variant)
    with folder.locked():
        jobs = list_refits(plan, folder.read_records()[0])
        named = [job for job in jobs if (job.dataset, job.choice.name, job.variant) == (dataset, model, variant)]
        if not named:
            raise UserError(f"{model} ({variant}) did not end well on every outer fold of {dataset!r}; see the report")
        files, failed = refit_models(folder, plan, named, options=RunOptions(workers=1), progress=progress or Silent())
    if failed:
        raise UserError(f"{model} can't be fitted on all rows of {dataset!r}: {failed[0][1].partition(': ')[2]}")
    load_pipeline(files[0][1])
    try:
        shutil.copyfile(files[0][1], path)
    except OSError as error:
        raise UserError(f"{path} can't be written ({error.strerror}); give another --out") from None
    return path


def _check_known(jobs: tuple[Job, ...], dataset: str, model: str, variant: str) -> None:
    jobs = tuple(job for job in jobs if job.train_fraction == 1)
    for what, name, known in (
        ("data set", dataset, {job.dataset for job in jobs}),
        ("model", model, {job.choice.name for job in jobs if job.dataset == dataset}),
        ("variant", variant, {job.variant for job in jobs if (job.dataset, job.choice.name) == (dataset, model)}),
    ):
        if name not in known:
            raise UserError("in this run " + unknown_name(what, name, known))
