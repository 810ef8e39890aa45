"""Scores of parameters on the inner folds: those of a study's trials, and of a default by itself."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.errors import describe_error
from bakeoff.estimators.space import Params
from bakeoff.fitting import read_whole
from bakeoff.inner_fits import Folds, ask_one_by_one, way_of
from bakeoff.job import Job
from bakeoff.metrics import Predictions
from bakeoff.seeds import derive_seed
from bakeoff.splits import check_folds, inner_splits
from bakeoff.tuning import Study, Tuned, Watch, tune

Keep = Callable[[int, list[Predictions]], None]


def tune_rows(job: Job, dataset: Dataset, rows: np.ndarray, keep: Keep | None = None) -> Tuned:
    """Tune the job's model on some rows of a data set, by inner folds that follow the outer scheme.

    Parameters
    ----------
    job : Job
    dataset : Dataset
    rows : ndarray of int
    keep : callable, optional
        Given the number of each complete trial and what it predicts on each inner fold.
    """
    folds = inner_folds(job, dataset, rows)
    ask_folds, step, warmup = way_of(job.choice.spec)
    dataset = read_whole(dataset)

    def score_folds(params: Params, watch: Watch) -> list[float]:
        scored = list(ask_folds(job, dataset, folds, params, watch))
        if keep is not None:
            keep(watch.number, [predictions for predictions, _ in scored])
        return [score for _, score in scored]

    return tune(
        Study(
            suggest=lambda trial: job.choice.params_of(trial, job.task),
            default=job.choice.default_point(job.task),
            score_folds=score_folds,
            step=step,
            warmup=warmup,
            trials=job.trials,
            seconds=job.seconds,
            seed=derive_seed(**_place(job), model=job.choice.name, purpose="tuning"),
            journal=job.journal,
        )
    )


def score_default(job: Job, dataset: Dataset, rows: np.ndarray, *, seconds: float) -> dict[str, Any]:
    """Score the default parameters on the same inner folds: what champions are chosen by, no part of the model's cost.

    The folds go one by one, so that they take no more memory than the fit itself did.

    Returns
    -------
    dict
        `inner_score`, `inner_metric`, `inner_s` and `inner_cpu_s`; without the first two if a fold failed or the
        seconds did not suffice, and then with `no_inner_score`, which says why.
    """
    began, cpu_before = time.perf_counter(), time.process_time()
    found: dict[str, Any]
    try:
        folds = inner_folds(job, dataset, rows)
        watch = Watch(ends=began + seconds)
        scored = ask_one_by_one(job, dataset, folds, job.choice.default_params(job.task), watch)
        scores = [score for _, score in scored]
        found = {"inner_score": float(np.mean(scores)), "inner_metric": job.primary}
    except Exception as error:
        found = {"no_inner_score": describe_error(error)}
    spent = {"inner_s": time.perf_counter() - began, "inner_cpu_s": time.process_time() - cpu_before}
    return found | {name: round(value, 4) for name, value in spent.items()}


def inner_folds(job: Job, dataset: Dataset, rows: np.ndarray) -> Folds:
    """Divide rows of a data set for tuning; training and test rows of each fold, as numbers of the data set's rows."""
    check_folds(dataset, rows, job.inner_folds)
    inner = inner_splits(dataset, rows, folds=job.inner_folds, seed=derive_seed(**_place(job), purpose="inner"))
    return [(rows[train], rows[test]) for train, test in inner]


def _place(job: Job) -> dict[str, Any]:
    return {"seed": job.seed, "dataset": job.dataset, "repeat": job.repeat, "fold": job.fold}
