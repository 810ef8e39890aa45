"""Tuning: an Optuna study over the inner folds of one training part, the same budget for every model.

Trial 0 is the model's default. A trial that fails on any inner fold is a failed trial: never averaged over the folds
that survived.
"""

import logging
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna

from bakeoff.estimators.space import Params, Trial
from bakeoff.isolation import describe_error

ScoreFold = Callable[[Params, int], float]


@dataclass(frozen=True, kw_only=True)
class Study:
    """What to tune.

    Parameters
    ----------
    suggest : callable
        trial -> parameters.
    default : mapping
        The point of trial 0, as answers to what the space asks.
    score_fold : callable
        (parameters, inner fold) -> score, bigger is better; raises if the fold can't be scored.
    n_folds : int
    trials : int
    seconds : float, optional
        The study starts no inner fold after that; a trial cut short by it fails.
    seed : int
    """

    suggest: Callable[[Trial], Params]
    default: Params
    score_fold: ScoreFold
    n_folds: int
    trials: int
    seconds: float | None
    seed: int


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What came out of a study: the best parameters (None if no trial ended), every trial, and the seconds spent."""

    params: Params | None
    score: float | None
    trials: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


class _OutOfTimeError(Exception):
    """The budget in seconds ended within a trial."""


def tune(study: Study) -> Tuned:
    """Run a study and return its best parameters; the first of equals wins, so the default is kept unless beaten."""
    optuna.logging.set_verbosity(logging.CRITICAL)
    began = time.perf_counter()
    results: list[dict[str, Any]] = []

    def objective(trial: optuna.Trial) -> float:
        row: dict[str, Any] = {"number": trial.number, "state": "failed", "value": None, "reason": ""}
        results.append(row)
        trial_began = time.perf_counter()
        try:
            params = study.suggest(trial)
            row |= {"params": params, "asked": dict(trial.params)}
            row["folds"] = list(_score_folds(study, params, began))
            row["value"] = float(np.mean(row["folds"]))
            row["state"] = "complete"
        except Exception as error:
            row["reason"] = (
                "the budget in seconds ended" if isinstance(error, _OutOfTimeError) else describe_error(error)
            )
            raise
        finally:
            row["seconds"] = round(time.perf_counter() - trial_began, 4)
        return float(row["value"])

    _study(study).optimize(objective, n_trials=study.trials, timeout=study.seconds, catch=(Exception,))
    complete = [row for row in results if row["state"] == "complete"]
    best = max(complete, key=lambda row: row["value"], default={})
    return Tuned(
        params=best.get("params"), score=best.get("value"), trials=results, seconds=time.perf_counter() - began
    )


def _study(study: Study) -> optuna.Study:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # multivariate, in Optuna 4
        sampler = optuna.samplers.TPESampler(seed=study.seed, multivariate=True, constant_liar=False)
    search = optuna.create_study(direction="maximize", sampler=sampler, pruner=optuna.pruners.NopPruner())
    search.enqueue_trial(study.default)
    return search


def _score_folds(study: Study, params: Params, began: float) -> Sequence[float]:
    scores = []
    for fold in range(study.n_folds):
        if study.seconds is not None and time.perf_counter() - began > study.seconds:
            raise _OutOfTimeError
        scores.append(study.score_fold(params, fold))
    return scores
