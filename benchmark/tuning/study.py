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
from bakeoff.estimators.search_spaces.grid import list_grid
from bakeoff.estimators.search_spaces.space import Params, Trial
from bakeoff.plain import to_jsonable
from bakeoff.records.record import rename_fields
from bakeoff.seeds import derive_seed
from bakeoff.tuning.journal import open_journal, open_study

# A trial is pruned when its best mean so far is below the median of the others' at the same step: not among the first
# trials, nor where fewer than three others got so far.
PRUNER = {"n_startup_trials": 5, "n_min_trials": 3}
MAX_POINTS = 1000  # a space with more is searched as if it had no end
ROW = "row"  # of `TuningResult.trials`, kept with the trial


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
        (parameters, monitor) -> the score of each inner fold, bigger is better; raises if one can't be scored. It asks
        the monitor for the time before each fold or after each epoch, and may report how a trial is doing.
    step : str
        What the steps of such reports are.
    n_warmup_steps : int
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
    n_warmup_steps: int
    trials: int
    seconds: float | None
    seed: int
    journal: Path | None = None


TrialRow = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class TuningResult:
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

    trials: list[TrialRow] = field(default_factory=list)
    seconds: float = 0.0
    resumed: int = 0
    earlier_s: float = 0.0
    earlier_cpu_s: float = 0.0
    exhausted: bool = False

    @property
    def complete(self) -> list[TrialRow]:
        """The trials that ended with a score."""
        return [row for row in self.trials if row["state"] == "complete"]

    @property
    def best(self) -> TrialRow:
        """The first of the best trials; an empty row if none ended."""
        return max(self.complete, key=lambda row: row["value"], default={})

    @property
    def incumbents(self) -> list[TrialRow]:
        """The trials that were better than all before them, in their order."""
        found: list[TrialRow] = []
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


class _DuplicatePointError(Exception):
    """The sampler came back to a point that has been tried."""


class TrialMonitor:
    """What fits of inner folds ask: whether there is time left, and whether their trial is still worth while.

    Parameters
    ----------
    deadline : float
        Reading of `time.perf_counter` that is the deadline.
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

    def __init__(self, deadline: float, number: int = 0, trial: optuna.Trial | None = None, step: str = "") -> None:
        self.deadline = deadline
        self.number = number
        self.trial = trial
        self.step = step
        self.fits = 0
        self.epochs = 0

    def check_time(self) -> None:
        """Raise when the budget in seconds has ended."""
        if time.perf_counter() > self.deadline:
            raise _OutOfTimeError("the budget in seconds ended")

    def report(self, step: int, score: float) -> None:
        """Take in the mean over the inner folds so far; raise when it has fallen behind."""
        if self.trial is None:
            return
        self.trial.report(score, step)
        if self.trial.should_prune():
            raise optuna.TrialPruned(f"behind the median of the other trials at {self.step} {step}, with {score:.6g}")


ScoreFolds = Callable[[Params, TrialMonitor], Iterable[float]]


def tune(study: Study) -> TuningResult:
    """Run a study, or go on with it; the first of equals wins, so the default is kept unless beaten."""
    optuna.logging.set_verbosity(logging.CRITICAL)
    began = time.perf_counter()
    points = list_grid(study.suggest, MAX_POINTS)
    with open_journal(study.journal) as storage:
        optuna_study = open_study(storage, optuna.pruners.MedianPruner(n_warmup_steps=study.n_warmup_steps, **PRUNER))
        rows = _finished_rows(optuna_study, study)[: study.trials]
        resumed = len(rows)
        seconds_before = sum(row["seconds"] for row in rows)
        deadline = math.inf if study.seconds is None else began + study.seconds - seconds_before
        while (
            len(rows) < study.trials and time.perf_counter() < deadline and (points is None or _untried(points, rows))
        ):
            rows.append(_run_trial(optuna_study, study, rows, points, deadline))
    return TuningResult(
        trials=rows,
        seconds=seconds_before + time.perf_counter() - began,
        resumed=resumed,
        earlier_s=seconds_before,
        earlier_cpu_s=sum(row["cpu_s"] for row in rows[:resumed]),
        exhausted=points is not None and not _untried(points, rows),
    )


def _untried(points: Sequence[Params], rows: Iterable[TrialRow]) -> list[Params]:
    tried = [row["suggested"] for row in rows if "suggested" in row]
    return [point for point in points if point not in tried]


def _run_trial(
    optuna_study: optuna.Study, study: Study, rows: Sequence[TrialRow], points: Sequence[Params] | None, deadline: float
) -> TrialRow:
    """Run the next trial; what it tries depends on the study and the trials before it alone."""
    number = len(rows)
    if number == 0 and not optuna_study.get_trials(states=(optuna.trial.TrialState.WAITING,)):
        optuna_study.enqueue_trial(study.default)
    optuna_study.sampler = _sampler(derive_seed(study=study.seed, finished=number))
    row = _try_point(
        optuna_study, study, number, [] if points is None else [one["suggested"] for one in rows], deadline
    )
    if row is None:
        open_points = _untried(points or (), rows)
        seed = derive_seed(study=study.seed, finished=number, purpose="untried")
        optuna_study.enqueue_trial(open_points[seed % len(open_points)])
        row = _try_point(optuna_study, study, number, [], deadline)
    assert row is not None  # an untried point
    return row


def _try_point(
    optuna_study: optuna.Study, study: Study, number: int, tried: Sequence[Params], deadline: float
) -> TrialRow | None:
    """Run one trial; None if its point is one of those tried."""
    row: TrialRow = {"number": number, "state": "running", "value": None, "reason": ""}

    def objective(trial: optuna.Trial) -> float:
        began, cpu_before = time.perf_counter(), time.process_time()
        monitor = TrialMonitor(deadline, number, trial, study.step)
        try:
            params = study.suggest(trial)
            if dict(trial.params) in tried:
                row["state"] = "tried"
                raise _DuplicatePointError
            row.update(params=params, suggested=dict(trial.params))
            row["folds"] = list(study.score_folds(params, monitor))
            row["value"] = float(np.mean(row["folds"]))
            row["state"] = "complete"
        except optuna.TrialPruned as pruned:
            row.update(state="pruned", reason=str(pruned))
            raise
        except _DuplicatePointError:
            raise
        except Exception as error:
            reason = str(error) if isinstance(error, _OutOfTimeError) else describe_error(error)
            row.update(state="failed", reason=reason)
            raise
        finally:
            row.update(fits=monitor.fits, epochs=monitor.epochs)
            row["seconds"] = round(time.perf_counter() - began, 4)
            row["cpu_s"] = round(time.process_time() - cpu_before, 4)
            if row["state"] not in ("running", "tried"):  # the process was not told to end
                trial.set_user_attr(ROW, to_jsonable(row))
        return float(row["value"])

    optuna_study.optimize(objective, n_trials=1, catch=(Exception,))
    return None if row["state"] == "tried" else row


def _finished_rows(optuna_study: optuna.Study, study: Study) -> list[TrialRow]:
    """Return the rows of the trials that an earlier process finished, with the parameters as the space gives them."""
    rows: list[TrialRow] = [
        rename_fields(trial.user_attrs[ROW]) for trial in optuna_study.trials if ROW in trial.user_attrs
    ]
    return [
        row | {"params": study.suggest(optuna.trial.FixedTrial(row["suggested"]))} if "suggested" in row else row
        for row in rows
    ]


def _sampler(seed: int) -> optuna.samplers.BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # multivariate, in Optuna 4
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=False)
