"""Fits on inner folds, and what they predict: fold by fold, boosting in step, or the nets of all folds as one program.

Each way reports how a trial does, so that one that falls behind is ended: after each fold, at shares of the boosting
rounds, or after each epoch.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.search_spaces.space import Params
from bakeoff.estimators.specs.spec import ModelSpec
from bakeoff.estimators.wrappers.boosting_callbacks import CHECKPOINTS, PartialModel
from bakeoff.fitting.fit import build_model, early_stopping_rows, fit_rows, predict, predict_features, take
from bakeoff.fitting.score import score_primary
from bakeoff.protocol.job import Job
from bakeoff.protocol.predictions import Predictions
from bakeoff.tuning.stepwise import StepwiseCall
from bakeoff.tuning.study import TrialMonitor

Folds = list[tuple[np.ndarray, np.ndarray]]
ScoredPredictions = tuple[Predictions, float]  # of one inner fold, with its primary score
InnerCV = Callable[[Job, Dataset, Folds, Params, TrialMonitor], Iterator[ScoredPredictions]]


def choose_inner_cv(spec: ModelSpec) -> tuple[InnerCV, str, int]:
    """Return how a model is fitted on inner folds, what the steps of its reports are, and those without pruning."""
    if spec.fits_folds_together:
        return fit_batched, "epoch", 10
    if spec.round_callbacks is not None:
        return fit_in_lockstep, "% of the rounds:", 0
    return fit_sequentially, "fold", 0


def predict_folds(job: Job, dataset: Dataset, folds: Folds, params: Params) -> list[Predictions]:
    """Fit on every fold, to the end; return what each model says of the rows that it was not fitted on."""
    if job.choice.spec.fits_folds_together:
        pipelines: Iterable[Any] = _fit_together(job, dataset, folds, params)
    else:
        pipelines = (fit_rows(job, dataset, train, params).pipeline for train, _ in folds)
    return [predict(dataset, pipeline, test) for pipeline, (_, test) in zip(pipelines, folds, strict=True)]


def fit_sequentially(
    job: Job, dataset: Dataset, folds: Folds, params: Params, monitor: TrialMonitor
) -> Iterator[ScoredPredictions]:
    """Fit fold after fold; the mean of those that are done may end the trial."""
    scores: list[float] = []
    for train, test in folds:
        if scores:
            monitor.report(len(scores), float(np.mean(scores)))
        monitor.check_time()
        monitor.fits += 1
        predictions = predict(dataset, fit_rows(job, dataset, train, params).pipeline, test)
        scores.append(score_primary(job, predictions))
        yield predictions, scores[-1]


def fit_in_lockstep(
    job: Job, dataset: Dataset, folds: Folds, params: Params, monitor: TrialMonitor
) -> Iterator[ScoredPredictions]:
    """Boost all folds to the same share of their rounds before any goes on; their mean there may end the trial."""
    monitor.fits += len(folds)
    calls = [StepwiseCall(partial(_fit_stepwise, job, dataset, fold, params)) for fold in folds]
    try:
        for share in CHECKPOINTS:
            monitor.check_time()
            scores = [call.advance() for call in calls]
            monitor.report(round(100 * share), float(np.mean(scores)))
        yield from (
            (predictions, score_primary(job, predictions)) for predictions in (call.advance() for call in calls)
        )
    finally:
        for call in calls:
            call.stop()


def _fit_stepwise(
    job: Job, dataset: Dataset, fold: tuple[np.ndarray, np.ndarray], params: Params, pause: Callable[[float], None]
) -> Predictions:
    train, test = fold

    def score_so_far(pipeline: Any, percent: int, predict_so_far: Callable[[Any], Any]) -> None:
        del percent
        prepared = pipeline[:-1].transform(take(dataset.X, test))
        classes = np.unique(dataset.y[train]) if len(dataset.classes) else dataset.classes
        pause(score_primary(job, predict_features(dataset, PartialModel(predict_so_far, classes), prepared, test)))

    return predict(dataset, fit_rows(job, dataset, train, params, on_rounds=score_so_far).pipeline, test)


def fit_batched(
    job: Job, dataset: Dataset, folds: Folds, params: Params, monitor: TrialMonitor
) -> Iterator[ScoredPredictions]:
    """Train the nets of all folds at once; after each epoch their mean score may end the trial.

    What a fold counts with in the end is the weights that its own held-out rows chose.
    """
    tests: dict[int, Any] = {}

    def predict_fold(number: int, pipeline: Any) -> ScoredPredictions:
        test = folds[number][1]
        if number not in tests:
            tests[number] = pipeline[:-1].transform(take(dataset.X, test))
        predictions = predict_features(dataset, pipeline[-1], tests[number], test)
        return predictions, score_primary(job, predictions)

    def after_epoch(epoch: int, pipelines: list[Any]) -> None:
        monitor.epochs += len(pipelines)
        monitor.check_time()
        monitor.report(epoch, float(np.mean([predict_fold(*pair)[1] for pair in enumerate(pipelines)])))

    monitor.check_time()
    monitor.fits += len(folds)
    fitted = _fit_together(job, dataset, folds, params, after_epoch)
    yield from (predict_fold(number, pipeline) for number, pipeline in enumerate(fitted))


def _fit_together(
    job: Job,
    dataset: Dataset,
    folds: Folds,
    params: Params,
    on_epoch: Callable[[int, list[Any]], None] | None = None,
) -> list[Any]:
    from bakeoff.estimators.nets.folds import fit_folds

    held_out = [early_stopping_rows(job, dataset, train, params) for train, _ in folds]
    watched = [None if held is None else train[held] for (train, _), held in zip(folds, held_out, strict=True)]
    return fit_folds(
        build_model(job, dataset, params),
        dataset.X,
        dataset.y,
        folds,
        sample_weight=dataset.weights,
        validation=None if all(rows is None for rows in watched) else watched,
        on_epoch=on_epoch,
    )
