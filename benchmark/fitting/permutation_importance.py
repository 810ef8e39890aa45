"""Permutation importance: how much worse a fitted model does on the outer test part with one column shuffled.

It asks the model that the fit has scored, and changes nothing about it; what it takes is no part of the model's cost.
"""

import time
import warnings
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.datasets.dataset import Dataset
from bakeoff.errors import describe_error
from bakeoff.fitting.fit import predict_features, take
from bakeoff.fitting.score import score_primary
from bakeoff.protocol.job import Job

N_REPEATS = 5
Importances = dict[str, list[float]]


def measure_importance(
    job: Job, dataset: Dataset, pipeline: Any, rows: np.ndarray, deadline: float
) -> tuple[Importances, dict[str, Any]]:
    """Shuffle each column of some rows of a tabular data set, five times, and ask a fitted model again.

    All models of a fold meet the same shuffles. Columns that say the same share their importance: with one of them
    shuffled, a model may lean on the other.

    Parameters
    ----------
    job : Job
    dataset : Dataset
    pipeline : fitted estimator
    rows : ndarray of int
    deadline : float
        By `time.perf_counter`; past it there is nothing but the reason.

    Returns
    -------
    dict of list of float
        By column, what the primary score lost at each shuffle, in units of the metric, positive where the model did
        worse; empty if it can't be known.
    dict
        `importance_s` and `importance_cpu_s`; `no_importance` with the reason where there is none.

    References
    ----------
    Breiman 2001, Random Forests; Fisher, Rudin & Dominici 2019, All Models are Wrong, but Many are Useful.
    """
    began, cpu_before = time.perf_counter(), time.process_time()
    about: dict[str, Any] = {}
    losses: Importances = {}
    try:
        losses = _measure(job, dataset, pipeline, rows, deadline)
    except Exception as error:
        about = {"no_importance": describe_error(error)}
    spent = {"importance_s": time.perf_counter() - began, "importance_cpu_s": time.process_time() - cpu_before}
    return losses, about | {name: round(value, 4) for name, value in spent.items()}


def _measure(job: Job, dataset: Dataset, pipeline: Any, rows: np.ndarray, deadline: float) -> Importances:
    from sklearn.inspection import permutation_importance

    def score(model: Any, X: pd.DataFrame, _: np.ndarray) -> float:
        if time.perf_counter() > deadline:
            raise TimeoutError("the limit of the fit left no time")
        return score_primary(job, predict_features(dataset, model, X, rows))

    X = take(dataset.X, rows)
    seed = job.seed_for("importance")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the outer fit has told its own
        found = permutation_importance(
            pipeline, X, dataset.y[rows], scoring=score, n_repeats=N_REPEATS, random_state=seed
        )
    return {str(name): lost.tolist() for name, lost in zip(X.columns, found.importances, strict=True)}
