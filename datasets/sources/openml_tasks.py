"""Tasks of OpenML: a data set with its target and published folds, on which AMLB, TabArena and others report."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.given_folds import GivenFold, GivenFolds
from bakeoff.datasets.options import DataOptions, TaskOptions
from bakeoff.datasets.sources.openml import import_client, load_openml, translate_errors
from bakeoff.errors import UserError

OWN_DIVISION = ("groups", "time", "split", "n_train", "lags")  # options that divide the rows, or make others


def load_openml_task(task_id: int, options: TaskOptions) -> Dataset:
    """Load the data set of a task by its number on OpenML, with the task's target and all of its folds.

    Parameters
    ----------
    task_id : int
    options : TaskOptions
        `folds` and `repeats` take the first ones only.

    Raises
    ------
    UserError
        If the task is neither supervised classification nor regression, the options contradict it, its folds do not fit
        its data set, or as `load_openml`.
    """
    name = f"openml-task:{task_id}"
    task = _fetch_task(task_id, name)
    target = _check_options(name, str(task.target_name), options)
    is_classification = task.task_type_id.name == "SUPERVISED_CLASSIFICATION"
    if options.task is not None and (options.task == "regression") == is_classification:
        what = "classification" if is_classification else "regression"
        raise UserError(f"{name} is a task of {what}, not {options.task}; leave out task")
    folds = _read_folds(task, name).take(repeats=options.repeats, folds=options.folds)
    plain = DataOptions.model_validate(options.model_dump(exclude={"folds", "repeats"}) | {"target": target})
    dataset = load_openml(int(task.dataset_id), plain, is_classification=is_classification)
    return replace(dataset, given_folds=folds, source=f"{folds.source}, on {dataset.source}")


def _fetch_task(task_id: int, name: str) -> Any:
    """Fetch a task and the file of its folds; refuse one of another type."""
    openml = import_client()
    supervised = (openml.tasks.TaskType.SUPERVISED_CLASSIFICATION, openml.tasks.TaskType.SUPERVISED_REGRESSION)
    try:
        with translate_errors(name):
            task = openml.tasks.get_task(task_id, download_data=False, download_splits=False)
    except NotImplementedError as error:  # a type that OpenML's client does not know
        raise UserError(_wrong_type(name, str(error).strip().rstrip("."))) from None
    if task.task_type_id not in supervised:
        raise UserError(_wrong_type(name, f"it is one of {task.task_type}"))
    if not task.estimation_procedure["data_splits_url"]:
        raise UserError(f"{name} has no published folds; take its data set: openml:{task.dataset_id}")
    with translate_errors(name), warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the client leaves the file of the folds open
        return openml.tasks.get_task(task_id, download_data=False, download_splits=True)


def _wrong_type(name: str, found: str) -> str:
    return f"{name} must be a task of supervised classification or regression; {found}"


def _check_options(name: str, target: str, options: TaskOptions) -> str:
    """Return the task's target, unless the options want another one, or to divide the rows in another way."""
    if options.target not in (None, target):
        raise UserError(f"{name} predicts {target!r}, not {options.target!r}; leave out target, or take openml:NUMBER")
    unused = [key for key in OWN_DIVISION if getattr(options, key) is not None]
    if unused:
        raise UserError(f"{name} comes with its own folds; leave out {', '.join(unused)}, or take openml:NUMBER")
    return target


def _read_folds(task: Any, name: str) -> GivenFolds:
    """Return what the file of the task's splits says, which is on the disk by now."""
    with translate_errors(name):
        repeats, folds, _ = task.get_split_dimensions()
        places = [(repeat, fold) for repeat in range(repeats) for fold in range(folds)]
        parts = [task.get_train_test_split_indices(repeat=repeat, fold=fold) for repeat, fold in places]
    return GivenFolds(
        source=f"OpenML task {task.task_id}",
        parts=tuple(
            GivenFold(repeat, fold, *(np.sort(np.asarray(rows, dtype=np.int64)) for rows in part))
            for (repeat, fold), part in zip(places, parts, strict=True)
        ),
        n_published=(repeats, folds),
    )
