"""Scores of one set of parameters on the inner folds: fold by fold, or for nets all folds as one program."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.errors import describe_error
from bakeoff.estimators.space import Params
from bakeoff.fitting import ask, build_model, fit_rows, predict, rows_for_stopping, take
from bakeoff.job import Job
from bakeoff.metrics import Predictions, compute_metrics
from bakeoff.seeds import derive_seed
from bakeoff.splits import check_folds, inner_splits
from bakeoff.tuning import Deadline, ScoreFolds, Study, Tuned, Watch, tune

Folds = list[tuple[np.ndarray, np.ndarray]]


def tune_rows(job: Job, dataset: Dataset, rows: np.ndarray) -> Tuned:
    """Tune the job's model on some rows of a data set, by inner folds that follow the outer scheme."""
    folds = _inner_folds(job, dataset, rows)
    together = job.choice.spec.fits_folds_together
    dataset = replace(
        dataset, X=take(dataset.X, np.arange(len(dataset.y)))
    )  # stored strings are read once, not by trial
    score_folds: ScoreFolds = partial(_score_together if together else _score_one_by_one, job, dataset, folds)
    return tune(
        Study(
            suggest=lambda trial: job.choice.params_of(trial, job.task),
            default=job.choice.default_point(job.task),
            score_folds=score_folds,
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
        folds = _inner_folds(job, dataset, rows)
        scores = _score_one_by_one(job, dataset, folds, job.choice.default_params(job.task), Deadline(began + seconds))
        found = {"inner_score": float(np.mean(list(scores))), "inner_metric": job.primary}
    except Exception as error:
        found = {"no_inner_score": describe_error(error)}
    spent = {"inner_s": time.perf_counter() - began, "inner_cpu_s": time.process_time() - cpu_before}
    return found | {name: round(value, 4) for name, value in spent.items()}


def _place(job: Job) -> dict[str, Any]:
    return {"seed": job.seed, "dataset": job.dataset, "repeat": job.repeat, "fold": job.fold}


def _inner_folds(job: Job, dataset: Dataset, rows: np.ndarray) -> Folds:
    check_folds(dataset, rows, job.inner_folds)
    inner = inner_splits(dataset, rows, folds=job.inner_folds, seed=derive_seed(**_place(job), purpose="inner"))
    return [(rows[train], rows[test]) for train, test in inner]


def _score_one_by_one(job: Job, dataset: Dataset, folds: Folds, params: Params, watch: Deadline) -> Iterator[float]:
    for train, test in folds:
        watch.check_time()
        fitted = fit_rows(job, dataset, train, params)
        yield _score(job, predict(dataset, fitted.pipeline, test))


def _score_together(job: Job, dataset: Dataset, folds: Folds, params: Params, watch: Watch) -> list[float]:
    """Train the nets of all folds at once; after each epoch their mean score may end the trial.

    What a fold counts with in the end is the score of the weights that its own held-out rows chose.
    """
    from bakeoff.estimators.folds import fit_folds

    tests: dict[int, Any] = {}

    def score(number: int, pipeline: Any) -> float:
        test = folds[number][1]
        if number not in tests:
            tests[number] = pipeline[:-1].transform(take(dataset.X, test))
        return _score(job, ask(dataset, pipeline[-1], tests[number], test))

    def after_epoch(epoch: int, pipelines: list[Any]) -> None:
        watch.check_time()
        watch.report(epoch, float(np.mean([score(*pair) for pair in enumerate(pipelines)])))

    watch.check_time()
    held_out = [rows_for_stopping(job, dataset, train, params) for train, _ in folds]
    fitted = fit_folds(
        build_model(job, dataset, params),
        dataset.X,
        dataset.y,
        folds,
        sample_weight=dataset.weights,
        validation=[train[held] for (train, _), held in zip(folds, held_out, strict=True) if held is not None] or None,
        on_epoch=after_epoch,
    )
    return [score(number, pipeline) for number, pipeline in enumerate(fitted)]


def _score(job: Job, predictions: Predictions) -> float:
    """Return the primary score, bigger is better."""
    metric = job.metrics[job.primary]
    values = compute_metrics(predictions, {job.primary: metric})
    if job.primary not in values:
        raise ValueError(
            f"the primary metric {job.primary} can't be computed: the model gives no "
            f"{metric.needs}, or a class is absent"
        )
    return metric.score(values[job.primary])
