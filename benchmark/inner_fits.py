"""Fits on inner folds, and what they predict: fold by fold, boosting in step, or the nets of all folds as one program.

Each way reports how a trial does, so that one that falls behind is ended: after each fold, at shares of the boosting
rounds, or after each epoch.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.rounds import SHARES, SoFar
from bakeoff.estimators.space import Params
from bakeoff.estimators.spec import ModelSpec
from bakeoff.fitting import ask, build_model, fit_rows, predict, rows_for_stopping, take
from bakeoff.job import Job
from bakeoff.metrics import Predictions, compute_metrics
from bakeoff.paced import Paced
from bakeoff.tuning import Watch

Folds = list[tuple[np.ndarray, np.ndarray]]
Scored = tuple[Predictions, float]  # of one inner fold, with its primary score
AskFolds = Callable[[Job, Dataset, Folds, Params, Watch], Iterator[Scored]]


def way_of(spec: ModelSpec) -> tuple[AskFolds, str, int]:
    """Return how a model is fitted on inner folds, what the steps of its reports are, and those without pruning."""
    if spec.fits_folds_together:
        return ask_together, "epoch", 10
    if spec.watch_rounds is not None:
        return ask_in_step, "% of the rounds:", 0
    return ask_one_by_one, "fold", 0


def score_primary(job: Job, predictions: Predictions) -> float:
    """Return the primary score, bigger is better.

    Raises
    ------
    ValueError
        If these predictions can't have it.
    """
    metric = job.metrics[job.primary]
    values = compute_metrics(predictions, {job.primary: metric})
    if job.primary not in values:
        raise ValueError(
            f"the primary metric {job.primary} can't be computed: the model gives no "
            f"{metric.needs}, or a class is absent"
        )
    return metric.score(values[job.primary])


def ask_one_by_one(job: Job, dataset: Dataset, folds: Folds, params: Params, watch: Watch) -> Iterator[Scored]:
    """Fit fold after fold; the mean of those that are done may end the trial."""
    scores: list[float] = []
    for train, test in folds:
        if scores:
            watch.report(len(scores), float(np.mean(scores)))
        watch.check_time()
        watch.fits += 1
        predictions = predict(dataset, fit_rows(job, dataset, train, params).pipeline, test)
        scores.append(score_primary(job, predictions))
        yield predictions, scores[-1]


def ask_in_step(job: Job, dataset: Dataset, folds: Folds, params: Params, watch: Watch) -> Iterator[Scored]:
    """Boost all folds to the same share of their rounds before any goes on; their mean there may end the trial."""
    watch.fits += len(folds)
    calls = [Paced(partial(_fit_in_step, job, dataset, fold, params)) for fold in folds]
    try:
        for share in SHARES:
            watch.check_time()
            scores = [call.advance() for call in calls]
            watch.report(round(100 * share), float(np.mean(scores)))
        yield from (
            (predictions, score_primary(job, predictions)) for predictions in (call.advance() for call in calls)
        )
    finally:
        for call in calls:
            call.stop()


def _fit_in_step(
    job: Job, dataset: Dataset, fold: tuple[np.ndarray, np.ndarray], params: Params, pause: Callable[[float], None]
) -> Predictions:
    train, test = fold

    def score_so_far(pipeline: Any, percent: int, ask_model: Callable[[Any], Any]) -> None:
        del percent
        prepared = pipeline[:-1].transform(take(dataset.X, test))
        classes = np.unique(dataset.y[train]) if len(dataset.classes) else dataset.classes
        pause(score_primary(job, ask(dataset, SoFar(ask_model, classes), prepared, test)))

    return predict(dataset, fit_rows(job, dataset, train, params, on_rounds=score_so_far).pipeline, test)


def ask_together(job: Job, dataset: Dataset, folds: Folds, params: Params, watch: Watch) -> Iterator[Scored]:
    """Train the nets of all folds at once; after each epoch their mean score may end the trial.

    What a fold counts with in the end is the weights that its own held-out rows chose.
    """
    from bakeoff.estimators.folds import fit_folds

    tests: dict[int, Any] = {}

    def ask_fold(number: int, pipeline: Any) -> Scored:
        test = folds[number][1]
        if number not in tests:
            tests[number] = pipeline[:-1].transform(take(dataset.X, test))
        predictions = ask(dataset, pipeline[-1], tests[number], test)
        return predictions, score_primary(job, predictions)

    def after_epoch(epoch: int, pipelines: list[Any]) -> None:
        watch.epochs += len(pipelines)
        watch.check_time()
        watch.report(epoch, float(np.mean([ask_fold(*pair)[1] for pair in enumerate(pipelines)])))

    watch.check_time()
    watch.fits += len(folds)
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
    yield from (ask_fold(number, pipeline) for number, pipeline in enumerate(fitted))
