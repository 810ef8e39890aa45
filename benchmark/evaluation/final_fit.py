"""What is left to do when parameters are found: to refit them, or bag them, and to adjust the predictions."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.errors import describe_error
from bakeoff.evaluation.search import SearchResult
from bakeoff.fitting.bagging import Bag, fit_bags
from bakeoff.fitting.fit import fit_members
from bakeoff.fitting.score import score_primary
from bakeoff.protocol.job import Job
from bakeoff.protocol.splits import scheme_of
from bakeoff.tuning.adjustment import learn_adjustment, score_adjusted
from bakeoff.tuning.ensemble_selection import predict_inner_folds
from bakeoff.tuning.inner_cv import Folds
from bakeoff.tuning.inner_cv_scores import inner_folds
from bakeoff.tuning.out_of_fold import FoldPredictions, average_predictions, to_fold_predictions


@dataclass(frozen=True, kw_only=True)
class FinalFit:
    """A fitted model, ready to predict.

    Parameters
    ----------
    model : fitted estimator
    pipelines : sequence of fitted pipelines
        All that it is made of.
    seconds : float
        That fitting took, and what is learned from out-of-fold predictions.
    bags : tuple of Bag
        Where the pipelines are models of folds.
    diagnostics : dict
        What a record says of it.
    """

    model: Any
    pipelines: Sequence[Any]
    seconds: float
    bags: tuple[Bag, ...] = ()
    diagnostics: dict[str, Any] = field(default_factory=dict)


def fit_final(job: Job, dataset: Dataset, rows: np.ndarray, search: SearchResult) -> FinalFit:
    """Fit what a search found on some rows of a data set; nothing but those rows is looked at.

    Raises
    ------
    Exception
        Whatever the model raises.
    """
    if job.bags:
        fitted, bags = fit_bags(job, dataset, rows, search.members)
    else:
        fitted, bags = fit_members(job, dataset, rows, search.members), ()
    model = fitted.pipeline
    final = FinalFit(model=model, pipelines=getattr(model, "models", [model]), seconds=fitted.seconds, bags=bags)
    return _adjust(job, dataset, rows, search, final) if job.adjusts_predictions else final


def score_bag(job: Job, dataset: Dataset, bag: Bag) -> dict[str, Any]:
    """Score a bag by what its models say of the rows that were held out from them: what champions are chosen by.

    Of blocks of time only the latest counts: all others were predicted by models that know their future.

    Returns
    -------
    dict
        As `bakeoff.tuning.inner_cv_scores.score_default`.
    """
    began, cpu_before = time.perf_counter(), time.process_time()
    found: dict[str, Any]
    try:
        predictions = bag.predict_out_of_fold(dataset)
        counted = predictions[-1:] if scheme_of(dataset) == "ordered" else predictions
        score = float(np.mean([score_primary(job, one) for one in counted]))
        found = {"inner_score": score, "inner_metric": job.primary}
    except Exception as error:
        found = {"no_inner_score": describe_error(error)}
    spent = {"inner_s": time.perf_counter() - began, "inner_cpu_s": time.process_time() - cpu_before}
    return found | {name: round(value, 4) for name, value in spent.items()}


def _adjust(job: Job, dataset: Dataset, rows: np.ndarray, search: SearchResult, final: FinalFit) -> FinalFit:
    """Calibrate, and choose a threshold; both are part of the model, and so is what they cost."""
    began = time.perf_counter()
    folds, found = _predict_out_of_fold(job, dataset, rows, search, final.bags)
    adjustment = learn_adjustment(job, dataset, folds, found)
    diagnostics: dict[str, Any] = adjustment.diagnostics()
    if not adjustment.reason:
        diagnostics |= _score_adjusted(job, dataset, folds, found)
    seconds = time.perf_counter() - began
    if search.tuned is None and not final.bags:
        diagnostics["tune_fits"] = len(folds)
    diagnostics["adjust_s"] = round(seconds, 4)
    return replace(
        final,
        model=adjustment.wrap(job, dataset, final.model),
        seconds=final.seconds + seconds,
        diagnostics=diagnostics,
    )


def _predict_out_of_fold(
    job: Job, dataset: Dataset, rows: np.ndarray, search: SearchResult, bags: Sequence[Bag]
) -> tuple[Folds, FoldPredictions]:
    """Return what the model, or its like, says of rows that it was not trained on: of bags, their own folds."""
    if bags:
        weighted = zip(bags, search.members, strict=True)
        found = [(to_fold_predictions(bag.predict_out_of_fold(dataset)), member.weight) for bag, member in weighted]
        return bags[0].folds, average_predictions(found)
    folds = inner_folds(job, dataset, rows)
    if search.out_of_fold is not None:
        return folds, search.out_of_fold
    return folds, predict_inner_folds(job, dataset, folds, search.members[0].params)


def _score_adjusted(job: Job, dataset: Dataset, folds: Folds, found: FoldPredictions) -> dict[str, Any]:
    try:
        return {"inner_score": score_adjusted(job, dataset, folds, found), "inner_metric": job.primary}
    except ValueError as error:  # the primary metric is not defined on a fold
        return {"no_inner_score": describe_error(error)}
