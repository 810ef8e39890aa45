"""Scores of parameters on the inner folds: those of a study's trials, and of a default by itself."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.errors import describe_error
from bakeoff.estimators.search_spaces.space import Params
from bakeoff.fitting.fit import load_into_memory
from bakeoff.protocol.job import Job
from bakeoff.protocol.predictions import Predictions
from bakeoff.protocol.splits import check_folds, inner_splits
from bakeoff.tuning.inner_cv import Folds, choose_inner_cv, fit_sequentially
from bakeoff.tuning.study import Study, TrialMonitor, TuningResult, tune

OnTrial = Callable[[int, list[Predictions]], None]


def tune_rows(job: Job, dataset: Dataset, rows: np.ndarray, keep: OnTrial | None = None) -> TuningResult:
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
    cross_validate, step, n_warmup_steps = choose_inner_cv(job.choice.spec)
    dataset = load_into_memory(dataset)

    def score_folds(params: Params, monitor: TrialMonitor) -> list[float]:
        scored = list(cross_validate(job, dataset, folds, params, monitor))
        if keep is not None:
            keep(monitor.number, [predictions for predictions, _ in scored])
        return [score for _, score in scored]

    return tune(
        Study(
            suggest=lambda trial: job.choice.params_of(trial, job.task),
            default=job.choice.default_point(job.task, job.kind),
            score_folds=score_folds,
            step=step,
            n_warmup_steps=n_warmup_steps,
            trials=job.settings.trials,
            seconds=job.settings.tuning_s,
            seed=job.seed_for("tuning", model=job.choice.name),
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
        monitor = TrialMonitor(deadline=began + seconds)
        params = job.choice.default_params(job.task, job.kind)
        scored = fit_sequentially(job, dataset, folds, params, monitor)
        scores = [score for _, score in scored]
        found = {"inner_score": float(np.mean(scores)), "inner_metric": job.primary}
    except Exception as error:
        found = {"no_inner_score": describe_error(error)}
    spent = {"inner_s": time.perf_counter() - began, "inner_cpu_s": time.process_time() - cpu_before}
    return found | {name: round(value, 4) for name, value in spent.items()}


def inner_folds(job: Job, dataset: Dataset, rows: np.ndarray) -> Folds:
    """Divide rows of a data set for tuning; training and test rows of each fold, as numbers of the data set's rows."""
    check_folds(dataset, rows, job.settings.inner_folds)
    inner = inner_splits(dataset, rows, folds=job.settings.inner_folds, seed=job.seed_for("inner"))
    return [(rows[train], rows[test]) for train, test in inner]
