"""A job's model on some rows of its data set: built, fitted and used to predict."""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.mapped_rows import MappedTable, MappedTexts
from bakeoff.estimators.models.pipelines import build_pipeline
from bakeoff.estimators.search_spaces.space import Params
from bakeoff.estimators.specs.spec import BuildContext
from bakeoff.estimators.training.automatic import holds_rows_out
from bakeoff.fitting.predict import predict_rows
from bakeoff.protocol.job import Job
from bakeoff.protocol.predictions import Predictions
from bakeoff.protocol.splits import validation_rows

VALIDATION_FRACTION = 0.15


@dataclass(frozen=True)
class Member:
    """One set of parameters to be fitted, and how much its predictions count beside those of others.

    Parameters
    ----------
    params : dict
    weight : float
        The weights of all members sum to 1.
    """

    params: Params
    weight: float = 1.0


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline and the seconds that fitting took."""

    pipeline: Any
    seconds: float


OnRounds = Callable[[Any, int, Callable[[Any], Any]], None]


def fit_rows(job: Job, dataset: Dataset, rows: np.ndarray, params: Params, on_rounds: OnRounds | None = None) -> Fitted:
    """Fit the job's model with given parameters on some rows of a data set; only the fit itself is timed.

    Parameters
    ----------
    job : Job
    dataset : Dataset
    rows : ndarray of int
    params : dict
    on_rounds : callable, optional
        Called with the pipeline, the percentage of its boosting rounds and how to ask the model that it is so far.
    """
    pipeline = build_model(job, dataset, params)
    X, y = take(dataset.X, rows), dataset.y[rows]
    held_out = early_stopping_rows(job, dataset, rows, params)
    options: dict[str, Any] = {} if held_out is None else {"model__validation_rows": held_out}
    if dataset.weights is not None and accepts_sample_weight(pipeline):
        options["model__sample_weight"] = dataset.weights[rows]
    watch = job.choice.spec.round_callbacks
    if on_rounds is not None and watch is not None:
        hooks = watch(pipeline[-1], partial(on_rounds, pipeline))
        options |= {f"model__{name}": hook for name, hook in hooks.items()}
    began = time.perf_counter()
    pipeline.fit(X, y, **options)
    return Fitted(pipeline, time.perf_counter() - began)


def fit_members(job: Job, dataset: Dataset, rows: np.ndarray, members: Sequence[Member]) -> Fitted:
    """Fit the job's model once for each set of parameters; several answer together, by their weights."""
    fits = [fit_rows(job, dataset, rows, member.params) for member in members]
    if len(fits) == 1:
        return fits[0]
    models = average(job, [fit.pipeline for fit in fits], [member.weight for member in members])
    return Fitted(models, sum(fit.seconds for fit in fits))


def average(job: Job, models: Sequence[Any], weights: Sequence[float]) -> Any:
    """Let fitted pipelines answer together."""
    from bakeoff.estimators.wrappers.averaging import AveragedClassifier, AveragedRegressor

    return (AveragedRegressor if job.task == "regression" else AveragedClassifier)(models, weights)


def build_model(job: Job, dataset: Dataset, params: Params, *, member: int | None = None) -> Any:
    """Build the job's unfitted pipeline; all fits of a cell are seeded alike, but for the members of a bag."""
    parts = {} if member is None else {"member": str(member)}
    seed = job.seed_for("model", model=job.choice.name, **parts)
    context = BuildContext(
        task=job.task,
        kind=job.kind,
        input_shape=dataset.input_shape,
        random_state=seed,
        threads=job.settings.threads,
        device=job.device,
    )
    return build_pipeline(job.choice.spec, context, params, dataset.categorical)


def accepts_sample_weight(pipeline: Any) -> bool:
    """Tell whether the model at the end of a pipeline can be fitted with sample weights; warn if it can't."""
    from sklearn.utils.validation import has_fit_parameter

    taken: bool = has_fit_parameter(pipeline[-1], "sample_weight")
    if not taken:
        warnings.warn("the model takes no sample weights and is fitted without; its scores are weighted", stacklevel=3)
    return taken


def early_stopping_rows(job: Job, dataset: Dataset, rows: np.ndarray, params: Params) -> np.ndarray | None:
    """Choose the rows that early stopping watches, as positions in `rows`; None for a model without it."""
    if not stops_early(job, params, len(rows)):
        return None
    seed = job.seed_for("validation")
    return validation_rows(dataset, rows, fraction=VALIDATION_FRACTION, seed=seed)


def stops_early(job: Job, params: Params, n_rows: int) -> bool:
    """Tell whether a model watches rows that are held out, of so many in all; "auto" leaves it to their number."""
    early_stopping = params.get("early_stopping")
    wanted = holds_rows_out(n_rows) if early_stopping == "auto" else bool(early_stopping)
    return job.choice.spec.takes_validation_rows and wanted


def predict(dataset: Dataset, pipeline: Any, rows: np.ndarray) -> Predictions:
    """Ask a fitted pipeline about some rows of the data set."""
    return predict_features(dataset, pipeline, take(dataset.X, rows), rows)


def predict_features(dataset: Dataset, model: Any, X: Any, rows: np.ndarray) -> Predictions:
    """Ask a fitted model about rows of the data set, given as it takes them."""
    return predict_rows(
        model,
        X,
        np.asarray(dataset.y[rows]),
        classes=dataset.classes,
        positive=dataset.positive,
        weights=None if dataset.weights is None else dataset.weights[rows],
    )


def load_into_memory(dataset: Dataset) -> Dataset:
    """Return a data set whose stored strings are read, once for all fits that follow."""
    return replace(dataset, X=take(dataset.X, np.arange(len(dataset.y))))


def take(X: Any, rows: np.ndarray) -> Any:
    """Return some rows of a frame, an array or what is stored of them; rows side by side are not copied from arrays."""
    side_by_side = len(rows) > 0 and rows[-1] - rows[0] == len(rows) - 1 and bool((np.diff(rows) == 1).all())
    chosen = slice(int(rows[0]), int(rows[-1]) + 1) if side_by_side else rows
    if isinstance(X, MappedTable | MappedTexts):
        return X.take(chosen)
    return X.iloc[chosen] if isinstance(X, pd.DataFrame) else X[chosen]
