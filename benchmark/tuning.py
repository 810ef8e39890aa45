"""Tuning: an Optuna study over the inner folds of one training part, the same budget for every model.

Trial 0 is the model's default. A trial that fails on any inner fold is a failed trial: never averaged over the folds
that survived. A trial whose mean over all inner folds falls behind while it trains is pruned; it counts as one.
"""

import logging
import math
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna

from bakeoff.estimators.space import Params, Trial
from bakeoff.isolation import describe_error

# A trial is pruned when its best mean so far is below the median of the others' at the same epoch: not among the first
# trials, nor in its first epochs, nor where fewer than three others got so far.
N_STARTUP_TRIALS = 5
PRUNER = {"n_startup_trials": N_STARTUP_TRIALS, "n_warmup_steps": 10, "n_min_trials": 3}


@dataclass(frozen=True, kw_only=True)
class Study:
    """What to tune.

    Parameters
    ----------
    suggest : callable
        trial -> parameters.
    default : mapping
        The point of trial 0, as answers to what the space asks.
    score_folds : callable
        (parameters, watch) -> the score of each inner fold, bigger is better; raises if one can't be scored. It asks
        the watch for the time before each fold or after each epoch, and may report how a trial is doing.
    trials : int
    seconds : float, optional
        The study begins no inner fold and no epoch after that; a trial cut short by it fails.
    seed : int
    """

    suggest: Callable[[Trial], Params]
    default: Params
    score_folds: "ScoreFolds"
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


class Watch:
    """What a trial asks while it runs: whether there is time left, and whether it is still worth while.

    Parameters
    ----------
    trial : optuna.Trial
    ends : float
        Reading of `time.perf_counter` at which the budget in seconds ends.
    prunes : bool
        Whether any trial of the study can be pruned: if not, reports serve no purpose.
    """

    def __init__(self, trial: optuna.Trial, ends: float, *, prunes: bool) -> None:
        self.trial, self.ends, self.prunes = trial, ends, prunes

    def check_time(self) -> None:
        """Raise when the budget in seconds has ended."""
        if time.perf_counter() > self.ends:
            raise _OutOfTimeError("the budget in seconds ended")

    def report(self, epoch: int, score: float) -> None:
        """Take in the mean over the inner folds after an epoch; raise when it has fallen behind."""
        self.trial.report(score, epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned(f"behind the median of the other trials at epoch {epoch}, with {score:.6g}")


ScoreFolds = Callable[[Params, Watch], Iterable[float]]


def tune(study: Study) -> Tuned:
    """Run a study and return its best parameters; the first of equals wins, so the default is kept unless beaten."""
    optuna.logging.set_verbosity(logging.CRITICAL)
    began = time.perf_counter()
    ends = math.inf if study.seconds is None else began + study.seconds
    results: list[dict[str, Any]] = []

    def objective(trial: optuna.Trial) -> float:
        row: dict[str, Any] = {"number": trial.number, "state": "failed", "value": None, "reason": ""}
        results.append(row)
        trial_began = time.perf_counter()
        try:
            params = study.suggest(trial)
            row |= {"params": params, "asked": dict(trial.params)}
            row["folds"] = list(study.score_folds(params, Watch(trial, ends, prunes=study.trials > N_STARTUP_TRIALS)))
            row["value"] = float(np.mean(row["folds"]))
            row["state"] = "complete"
        except optuna.TrialPruned as pruned:
            row |= {"state": "pruned", "reason": str(pruned)}
            raise
        except Exception as error:
            row["reason"] = str(error) if isinstance(error, _OutOfTimeError) else describe_error(error)
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
    search = optuna.create_study(direction="maximize", sampler=sampler, pruner=optuna.pruners.MedianPruner(**PRUNER))
    search.enqueue_trial(study.default)
    return search
