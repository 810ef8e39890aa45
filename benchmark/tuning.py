"""Tuning: an Optuna study over the inner folds of one training part, the same budget for every model.

Trial 0 is the model's default. A trial that fails on any inner fold is a failed trial: never averaged over the folds
that survived. A trial that falls behind the others, judged by its mean over the inner folds, is pruned; it counts as
one. A finite space is never tried twice at one point, and a study that has tried them all is at its end.
A study that was cut short, or is to be longer, goes on from its journal, and comes out as if it had not been.
"""

import logging
import math
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from bakeoff.errors import describe_error
from bakeoff.estimators.points import list_points
from bakeoff.estimators.space import Params, Trial
from bakeoff.journal import open_journal, open_study
from bakeoff.records import to_plain
from bakeoff.seeds import derive_seed

# A trial is pruned when its best mean so far is below the median of the others' at the same step: not among the first
# trials, nor where fewer than three others got so far.
PRUNER = {"n_startup_trials": 5, "n_min_trials": 3}
MOST_POINTS = 1000  # a space with more is searched as if it had no end
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
    step : str
        What the steps of such reports are.
    warmup : int
        Steps in which no trial is pruned.
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
    step: str
    warmup: int
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
    trials : list of dict
    seconds : float
        Spent, by earlier processes too.
    resumed : int
        Trials that an earlier process had finished.
    earlier_s, earlier_cpu_s : float
        Wall and CPU seconds that those took.
    exhausted : bool
        Whether every point of the space has been tried.
    """

    trials: list[Row] = field(default_factory=list)
    seconds: float = 0.0
    resumed: int = 0
    earlier_s: float = 0.0
    earlier_cpu_s: float = 0.0
    exhausted: bool = False

    @property
    def complete(self) -> list[Row]:
        """The trials that ended with a score."""
        return [row for row in self.trials if row["state"] == "complete"]

    @property
    def best(self) -> Row:
        """The first of the best trials; an empty row if none ended."""
        return max(self.complete, key=lambda row: row["value"], default={})

    @property
    def bests(self) -> list[Row]:
        """The trials that were better than all before them, in their order."""
        found: list[Row] = []
        for row in self.complete:
            if not found or row["value"] > found[-1]["value"]:
                found.append(row)
        return found

    @property
    def params(self) -> Params | None:
        """The best parameters; None if no trial ended."""
        return self.best.get("params")

    @property
    def score(self) -> float | None:
        """Their mean over the inner folds, bigger is better."""
        return self.best.get("value")


class _OutOfTimeError(Exception):
    """The budget in seconds ended within a trial."""


class _TriedError(Exception):
    """The sampler came back to a point that has been tried."""


class Watch:
    """What fits of inner folds ask: whether there is time left, and whether their trial is still worth while.

    Parameters
    ----------
    ends : float
        Reading of `time.perf_counter` at which the budget in seconds ends.
    number : int
        Of the trial.
    trial : optuna.Trial, optional
        Who is told how it goes; nobody if left out.
    step : str
        What the steps of reports are.

    Attributes
    ----------
    fits, epochs : int
        Counted by who fits.
    """

    def __init__(self, ends: float, number: int = 0, trial: optuna.Trial | None = None, step: str = "") -> None:
        self.ends = ends
        self.number = number
        self.trial = trial
        self.step = step
        self.fits = 0
        self.epochs = 0

    def check_time(self) -> None:
        """Raise when the budget in seconds has ended."""
        if time.perf_counter() > self.ends:
            raise _OutOfTimeError("the budget in seconds ended")

    def report(self, step: int, score: float) -> None:
        """Take in the mean over the inner folds so far; raise when it has fallen behind."""
        if self.trial is None:
            return
        self.trial.report(score, step)
        if self.trial.should_prune():
            raise optuna.TrialPruned(f"behind the median of the other trials at {self.step} {step}, with {score:.6g}")


ScoreFolds = Callable[[Params, Watch], Iterable[float]]


def tune(study: Study) -> Tuned:
    """Run a study, or go on with it; the first of equals wins, so the default is kept unless beaten."""
    optuna.logging.set_verbosity(logging.CRITICAL)
    began = time.perf_counter()
    points = list_points(study.suggest, MOST_POINTS)
    with open_journal(study.journal) as storage:
        search = open_study(storage, optuna.pruners.MedianPruner(n_warmup_steps=study.warmup, **PRUNER))
        rows = _finished_rows(search, study)[: study.trials]
        resumed = len(rows)
        seconds_before = sum(row["seconds"] for row in rows)
        ends = math.inf if study.seconds is None else began + study.seconds - seconds_before
        while len(rows) < study.trials and time.perf_counter() < ends and (points is None or _untried(points, rows)):
            rows.append(_run_trial(search, study, rows, points, ends))
    return Tuned(
        trials=rows,
        seconds=seconds_before + time.perf_counter() - began,
        resumed=resumed,
        earlier_s=seconds_before,
        earlier_cpu_s=sum(row["cpu_s"] for row in rows[:resumed]),
        exhausted=points is not None and not _untried(points, rows),
    )


def _untried(points: Sequence[Params], rows: Iterable[Row]) -> list[Params]:
    tried = [row["asked"] for row in rows if "asked" in row]
    return [point for point in points if point not in tried]


def _run_trial(
    search: optuna.Study, study: Study, rows: Sequence[Row], points: Sequence[Params] | None, ends: float
) -> Row:
    """Run the next trial; what it tries depends on the study and the trials before it alone."""
    number = len(rows)
    if number == 0 and not search.get_trials(states=(optuna.trial.TrialState.WAITING,)):
        search.enqueue_trial(study.default)
    search.sampler = _sampler(derive_seed(study=study.seed, finished=number))
    row = _try_point(search, study, number, [] if points is None else [one["asked"] for one in rows], ends)
    if row is None:
        open_points = _untried(points or (), rows)
        seed = derive_seed(study=study.seed, finished=number, purpose="untried")
        search.enqueue_trial(open_points[seed % len(open_points)])
        row = _try_point(search, study, number, [], ends)
    assert row is not None  # an untried point
    return row


def _try_point(search: optuna.Study, study: Study, number: int, tried: Sequence[Params], ends: float) -> Row | None:
    """Run one trial; None if its point is one of those tried."""
    row: Row = {"number": number, "state": "running", "value": None, "reason": ""}

    def objective(trial: optuna.Trial) -> float:
        began, cpu_before = time.perf_counter(), time.process_time()
        watch = Watch(ends, number, trial, study.step)
        try:
            params = study.suggest(trial)
            if dict(trial.params) in tried:
                row["state"] = "tried"
                raise _TriedError
            row.update(params=params, asked=dict(trial.params))
            row["folds"] = list(study.score_folds(params, watch))
            row["value"] = float(np.mean(row["folds"]))
            row["state"] = "complete"
        except optuna.TrialPruned as pruned:
            row.update(state="pruned", reason=str(pruned))
            raise
        except _TriedError:
            raise
        except Exception as error:
            reason = str(error) if isinstance(error, _OutOfTimeError) else describe_error(error)
            row.update(state="failed", reason=reason)
            raise
        finally:
            row.update(fits=watch.fits, epochs=watch.epochs)
            row["seconds"] = round(time.perf_counter() - began, 4)
            row["cpu_s"] = round(time.process_time() - cpu_before, 4)
            if row["state"] not in ("running", "tried"):  # the process was not told to end
                trial.set_user_attr(ROW, to_plain(row))
        return float(row["value"])

    search.optimize(objective, n_trials=1, catch=(Exception,))
    return None if row["state"] == "tried" else row


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
