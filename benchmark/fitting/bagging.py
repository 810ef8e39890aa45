"""Bags: the mean of the models of several folds, each of which may stop early on the fold that it was not trained on.

So no row is lost to early stopping, and each row has a prediction by a model that never saw it.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.datasets.dataset import Dataset
from bakeoff.errors import describe_error
from bakeoff.estimators.search_spaces.space import Params
from bakeoff.estimators.wrappers.held_out_stopping import MAX_ROUNDS, HeldOutRows, fit_watched
from bakeoff.fitting.fit import (
    Fitted,
    Member,
    accepts_sample_weight,
    average,
    build_model,
    early_stopping_rows,
    load_into_memory,
    predict,
    stops_early,
    take,
)
from bakeoff.protocol.job import Job
from bakeoff.protocol.predictions import Predictions
from bakeoff.protocol.splits import check_folds, inner_splits, scheme_of

BagFolds = list[tuple[np.ndarray, np.ndarray]]  # training and held-out rows


@dataclass(frozen=True)
class Bag:
    """The models of all folds, fitted with the same parameters.

    Parameters
    ----------
    models : tuple of fitted pipelines
    folds : list of (ndarray, ndarray)
        The rows that each was trained on, and those that were held out.
    """

    models: tuple[Any, ...]
    folds: BagFolds

    def predict_out_of_fold(self, dataset: Dataset) -> list[Predictions]:
        """Ask each model about the rows that it was not trained on."""
        whole = load_into_memory(dataset)
        return [predict(whole, model, held_out) for model, (_, held_out) in zip(self.models, self.folds, strict=True)]


def fit_bags(job: Job, dataset: Dataset, rows: np.ndarray, members: Sequence[Member]) -> tuple[Fitted, tuple[Bag, ...]]:
    """Fit a bag for each set of parameters; all of their models answer together.

    Raises
    ------
    UserError
        If there are too few rows for the folds.
    RuntimeError
        If one of the models can't be fitted.

    References
    ----------
    Breiman 1996, Bagging predictors; Parmanto et al. 1996, Reducing variance of committee prediction (cross-validation
    committees); Erickson et al. 2020, AutoGluon-Tabular.
    """
    folds, whole = bagging_folds(job, dataset, rows), load_into_memory(dataset)
    began = time.perf_counter()
    bags = tuple(_fit_bag(job, whole, folds, member.params) for member in members)
    seconds = time.perf_counter() - began
    weights = [member.weight / len(folds) for member in members for _ in folds]
    return Fitted(average(job, [model for bag in bags for model in bag.models], weights), seconds), bags


def bagging_folds(job: Job, dataset: Dataset, rows: np.ndarray) -> BagFolds:
    """Divide rows for a bag, by the scheme of inner folds; the same for all models.

    Rows in order of time are divided into blocks of it, each held out once: if every model were trained on the past of
    its block alone, most would know little, and none the latest rows.
    """
    n_folds = job.settings.bagging_folds
    check_folds(dataset, rows, n_folds)
    if scheme_of(dataset) != "ordered":
        inner = inner_splits(dataset, rows, folds=n_folds, seed=job.seed_for("bag"))
        return [(rows[train], rows[held_out]) for train, held_out in inner]
    assert dataset.time is not None  # that makes the scheme
    blocks = np.array_split(np.unique(dataset.time[rows]), n_folds)
    held_out_masks = [np.isin(dataset.time[rows], block) for block in blocks]
    return [(rows[~held_out], rows[held_out]) for held_out in held_out_masks]


def _fit_bag(job: Job, dataset: Dataset, folds: BagFolds, params: Params) -> Bag:
    params = _raise_rounds(job, params)
    fit = _fit_together if job.choice.spec.fits_folds_together else _fit_one_by_one
    return Bag(tuple(fit(job, dataset, folds, params)), folds)


def _raise_rounds(job: Job, params: Params) -> Params:
    """Let early stopping choose the number of boosting rounds, unless tuning or the user has."""
    spec = job.choice.spec
    name = spec.capped_params.get("trees")
    if name is None or spec.stop_on_held_out is None or job.tunes or name in job.choice.params:
        return params
    return {**params, name: int(job.choice.caps.get("trees", MAX_ROUNDS))}


@dataclass(frozen=True)
class _Member:
    """A pipeline whose preprocessing is fitted, and what its model is to be fitted on."""

    pipeline: Any
    X: Any
    y: np.ndarray
    options: dict[str, Any]


def _fit_one_by_one(job: Job, dataset: Dataset, folds: BagFolds, params: Params) -> Iterator[Any]:
    for number, fold in enumerate(folds):
        with _naming(f"model {number + 1} of {len(folds)}"):
            member = _prepare(job, dataset, fold, params, number)
            fit_watched(member.pipeline[-1], member.X, member.y, **member.options)
        yield member.pipeline


def _fit_together(job: Job, dataset: Dataset, folds: BagFolds, params: Params) -> Iterator[Any]:
    """Train the nets of all folds as one program, as `fit_folds` does; no preprocessing sees its held-out rows."""
    from bakeoff.estimators.nets.trainable import begin_training, train_nets

    nets, replicas = [], []
    for number, fold in enumerate(folds):
        with _naming(f"model {number + 1} of {len(folds)}"):
            member = _prepare(job, dataset, fold, params, number)
            replicas += begin_training(member.pipeline[-1], member.X, member.y, **member.options)
            nets.append(member.pipeline)
    with _naming(f"one of {len(folds)} models"):
        train_nets([pipeline[-1] for pipeline in nets], replicas)
    yield from nets


@contextmanager
def _naming(which: str) -> Iterator[None]:
    """Say which model an error is of; one of memory keeps its type, which has a status of its own."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise RuntimeError(f"{which} of the bag: {describe_error(error)}") from error


def _prepare(job: Job, dataset: Dataset, fold: tuple[np.ndarray, np.ndarray], params: Params, number: int) -> _Member:
    """Fit the preprocessing of one model on its training rows, and say what its `fit` is to be told."""
    train, held_out = fold
    pipeline = build_model(job, dataset, params, member=number)
    X, y = pipeline[:-1].fit_transform(take(dataset.X, train), dataset.y[train]), dataset.y[train]
    weights = dataset.weights if dataset.weights is not None and accepts_sample_weight(pipeline) else None
    options: dict[str, Any] = {} if weights is None else {"sample_weight": weights[train]}
    member, spec = _Member(pipeline, X, y, options), job.choice.spec
    if spec.stop_on_held_out is not None:
        rows = _hold_out(job, dataset, member, held_out, weights)
        return replace(member, options=options | spec.stop_on_held_out(pipeline[-1], rows))
    if spec.fits_folds_together:  # a net of this package, which never trains on rows that it watches
        if not stops_early(job, params, len(train) + len(held_out)):
            return member
        return _append(member, _hold_out(job, dataset, member, held_out, weights))
    own = early_stopping_rows(job, dataset, train, params)
    return member if own is None else replace(member, options=options | {"validation_rows": own})


def _hold_out(job: Job, dataset: Dataset, member: _Member, rows: np.ndarray, weights: np.ndarray | None) -> HeldOutRows:
    """Prepare held-out rows for a model that watches them; of a class that it does not know, it can say nothing."""
    watched = rows if job.task == "regression" else rows[np.isin(dataset.y[rows], member.y)]
    if not len(watched):
        raise ValueError("no row that was held out has a class of the training rows; lower bagging_folds")
    prepared = member.pipeline[:-1].transform(take(dataset.X, watched))
    return HeldOutRows(prepared, dataset.y[watched], None if weights is None else weights[watched])


def _append(member: _Member, rows: HeldOutRows) -> _Member:
    """Put held-out rows behind the training rows, and say so: as nets take them."""
    options = {**member.options, "validation_rows": np.arange(len(member.y), len(member.y) + len(rows.y))}
    if rows.weights is not None:
        options["sample_weight"] = np.concatenate([options["sample_weight"], rows.weights])
    stacked = (
        pd.concat([member.X, rows.X], ignore_index=True)
        if isinstance(rows.X, pd.DataFrame)
        else np.concatenate([member.X, rows.X])
    )
    return _Member(member.pipeline, stacked, np.concatenate([member.y, rows.y]), options)
