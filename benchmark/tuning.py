"""Tuning: an Optuna study over the inner folds of one training part, the same budget for every model.

Trial 0 is the model's default. A trial that fails on any inner fold is a failed trial: never averaged over the folds
that survived. A trial whose mean over all inner folds falls behind while it trains is pruned; it counts as one.
A study that was cut short goes on from its journal, and comes out as if it had not been.
"""

import logging
import math
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from bakeoff.errors import describe_error
from bakeoff.estimators.space import Params, Trial
from bakeoff.journal import open_journal, open_study
from bakeoff.records import to_plain
from bakeoff.seeds import derive_seed

# A trial is pruned when its best mean so far is below the median of the others' at the same epoch: not among the first
# trials, nor in its first epochs, nor where fewer than three others got so far.
PRUNER = {"n_startup_trials": 5, "n_warmup_steps": 10, "n_min_trials": 3}
ROW = "row"  # of `Tuned.trials`, kept with the trial


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
    journal : Path, optional
        Where finished trials are noted, and found again; in memory if left out.
    """

    suggest: Callable[[Trial], Params]
    default: Params
    score_folds: "ScoreFolds"
    trials: int
    seconds: float | None
    seed: int
    journal: Path | None = None


Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What came out of a study.

    Parameters
    ----------
    params : dict, optional
        The best parameters; None if no trial ended.
    score : float, optional
    trials : list of dict
    seconds : float
        Spent, by earlier processes too.
    resumed : int
        Trials that an earlier process had finished.
    earlier_cpu_s : float
        CPU seconds that those took.
    """

    params: Params | None
    score: float | None
    trials: list[Row] = field(default_factory=list)
    seconds: float = 0.0
    resumed: int = 0
    earlier_cpu_s: float = 0.0


class _OutOfTimeError(Exception):
    """The budget in seconds ended within a trial."""


class Deadline:
    """When a budget in seconds ends.

    Parameters
    ----------
    ends : float
        Reading of `time.perf_counter`.
    """

    def __init__(self, ends: float) -> None:
        self.ends = ends

    def check_time(self) -> None:
        """Raise when the budget in seconds has ended."""
        if time.perf_counter() > self.ends:
            raise _OutOfTimeError("the budget in seconds ended")


class Watch(Deadline):
    """What a trial asks while it runs: whether there is time left, and whether it is still worth while.

    Parameters
    ----------
    trial : optuna.Trial
    ends : float
        Reading of `time.perf_counter` at which the budget in seconds ends.
    """

    def __init__(self, trial: optuna.Trial, ends: float) -> None:
        super().__init__(ends)
        self.trial = trial

    def report(self, epoch: int, score: float) -> None:
        """Take in the mean over the inner folds after an epoch; raise when it has fallen behind."""
        self.trial.report(score, epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned(f"behind the median of the other trials at epoch {epoch}, with {score:.6g}")


ScoreFolds = Callable[[Params, Watch], Iterable[float]]


def tune(study: Study) -> Tuned:
    """Run a study, or go on with it; the first of equals wins, so the default is kept unless beaten."""
    optuna.logging.set_verbosity(logging.CRITICAL)
    began = time.perf_counter()
    with open_journal(study.journal) as storage:
        search = open_study(storage, optuna.pruners.MedianPruner(**PRUNER))
        rows = _finished_rows(search, study)[: study.trials]
        resumed = len(rows)
        seconds_before = sum(row["seconds"] for row in rows)
        ends = math.inf if study.seconds is None else began + study.seconds - seconds_before
        while len(rows) < study.trials and time.perf_counter() < ends:
            rows.append(_run_trial(search, study, number=len(rows), ends=ends))
    complete = [row for row in rows if row["state"] == "complete"]
    best = max(complete, key=lambda row: row["value"], default={})
    return Tuned(
        params=best.get("params"),
        score=best.get("value"),
        trials=rows,
        seconds=seconds_before + time.perf_counter() - began,
        resumed=resumed,
        earlier_cpu_s=sum(row["cpu_s"] for row in rows[:resumed]),
    )


def _run_trial(search: optuna.Study, study: Study, *, number: int, ends: float) -> Row:
    """Run the next trial; its sampler depends on the study and the number of finished trials alone."""
    row: Row = {"number": number, "state": "running", "value": None, "reason": ""}

    def objective(trial: optuna.Trial) -> float:
        began, cpu_before = time.perf_counter(), time.process_time()
        try:
            params = study.suggest(trial)
            row.update(params=params, asked=dict(trial.params))
            row["folds"] = list(study.score_folds(params, Watch(trial, ends)))
            row["value"] = float(np.mean(row["folds"]))
            row["state"] = "complete"
        except optuna.TrialPruned as pruned:
            row.update(state="pruned", reason=str(pruned))
            raise
        except Exception as error:
            reason = str(error) if isinstance(error, _OutOfTimeError) else describe_error(error)
            row.update(state="failed", reason=reason)
            raise
        finally:
            row["seconds"] = round(time.perf_counter() - began, 4)
            row["cpu_s"] = round(time.process_time() - cpu_before, 4)
            if row["state"] != "running":  # the process was not told to end
                trial.set_user_attr(ROW, to_plain(row))
        return float(row["value"])

    if number == 0 and not search.get_trials(states=(optuna.trial.TrialState.WAITING,)):
        search.enqueue_trial(study.default)
    search.sampler = _sampler(derive_seed(study=study.seed, finished=number))
    search.optimize(objective, n_trials=1, catch=(Exception,))
    return row


def _finished_rows(search: optuna.Study, study: Study) -> list[Row]:
    """Return the rows of the trials that an earlier process finished, with the parameters as the space gives them."""
    rows: list[Row] = [trial.user_attrs[ROW] for trial in search.trials if ROW in trial.user_attrs]
    return [
        row | {"params": study.suggest(optuna.trial.FixedTrial(row["asked"]))} if "asked" in row else row
        for row in rows
    ]


def _sampler(seed: int) -> optuna.samplers.BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # multivariate, in Optuna 4
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=False)
