"""Two models on test parts that no test over folds is made for: one fixed split, or folds in order of time.

What is drawn anew are the test rows of the fits as they are, so that all of it speaks of these fitted models on these
rows, not of other training parts.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bakeoff.protocol.metrics import METRICS, compute_metrics
from bakeoff.protocol.predictions import Predictions
from bakeoff.reports.run_data.run import Run
from bakeoff.reports.statistics.bootstrap_metrics import build_scorer
from bakeoff.reports.statistics.folds import Difference, Posterior, untested_difference
from bakeoff.reports.statistics.rows import (
    block_length,
    bootstrap_differences,
    bootstrap_posterior,
    count_resamples,
    mcnemar_test,
    summarise_bootstrap,
)

ROW_TESTED_SCHEMES = ("predefined", "ordered")  # schemes of splits
BOOTSTRAP, BLOCKS, MCNEMAR = "bootstrap over test rows", "block bootstrap over time", "McNemar's test"
MIN_UNITS = 10
TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class ComparedFits:
    """The fits of one side, by outer fold, and the run that they are of."""

    view: Run
    fits: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RowTest:
    """What test rows say of a difference.

    Parameters
    ----------
    difference : Difference
        Of the mean over the folds; without a test its interval is endless.
    posterior : Posterior, optional
    test : str
        What the p-value is from; "" without a test.
    why : str
        Why there is no test; "" otherwise.
    """

    difference: Difference
    posterior: Posterior | None = None
    test: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class _Fold:
    """Both sides' predictions of one test part, and the unit that each row belongs to."""

    sides: tuple[Predictions, Predictions]
    units: np.ndarray
    in_time: bool

    @property
    def n_units(self) -> int:
        return int(self.units.max()) + 1


class _NoTestError(Exception):
    """Says why there is no test."""


def compare_rows(dataset: str, one: ComparedFits, other: ComparedFits, *, rope: float) -> RowTest:
    """Test the difference of two sides, the one minus the other, bigger is better, over the rows of their test parts.

    The difference is that of the primary metric, averaged over the folds. Rows are drawn with replacement; where they
    have a time, in blocks of neighbouring times, within each fold. For accuracy on one split of unweighted rows
    without a time the p-value is that of McNemar's test.

    Parameters
    ----------
    dataset : str
    one, other : ComparedFits
        With a fit for each outer fold.
    rope : float
        Half the width of the region of practical equivalence, in units of the metric.
    """
    metric = one.view.primary(dataset)
    differences = _recorded(one, metric) - _recorded(other, metric)
    try:
        folds = [_read(dataset, metric, one, other, place) for place in range(len(one.fits))]
    except _NoTestError as reason:
        return RowTest(difference=untested_difference(differences), why=str(reason))
    resamples = count_resamples(max(len(fold.units) for fold in folds))
    draws = one.view.sign(metric) * np.mean(
        [_draw(fold, metric, seed, resamples) for seed, fold in enumerate(folds)], axis=0
    )
    n_rows = sum(len(fold.units) for fold in folds)
    difference = summarise_bootstrap(float(differences.mean()), draws, n=n_rows)
    if math.isnan(difference.p_value):
        return RowTest(difference=difference, why=f"{metric} is undefined on many resamples: too few rows of a class")
    found = RowTest(
        difference=difference,
        posterior=bootstrap_posterior(draws, rope=rope),
        test=BLOCKS if folds[0].in_time else BOOTSTRAP,
    )
    return _with_mcnemar(found, folds[0]) if metric == "accuracy" and len(folds) == 1 else found


def _with_mcnemar(found: RowTest, fold: _Fold) -> RowTest:
    if fold.in_time or fold.sides[0].weights is not None:
        return found
    p_value = mcnemar_test(*(side.y_true == side.y_pred for side in fold.sides))
    return replace(found, difference=replace(found.difference, p_value=p_value), test=MCNEMAR)


def _draw(fold: _Fold, metric: str, seed: int, resamples: int) -> np.ndarray:
    one, other = (build_scorer(metric, side) for side in fold.sides)
    block = block_length(fold.n_units) if fold.in_time else 1
    return bootstrap_differences(
        lambda counts: one(counts) - other(counts), fold.units, seed=seed, block=block, resamples=resamples
    )


def _recorded(side: ComparedFits, metric: str) -> np.ndarray:
    return side.view.sign(metric) * np.array([side.view.records[fit].metrics[metric] for fit in side.fits])


def _read(dataset: str, metric: str, one: ComparedFits, other: ComparedFits, place: int) -> _Fold:
    """Read what both sides said of one test part.

    Raises
    ------
    _NoTestError
        If the metric is no standard one, or what was stored does not bear a test.
    """
    if metric not in METRICS:
        raise _NoTestError(f"{metric} is a metric of one's own, which is not drawn anew row by row")
    about = one.view.plan["datasets"][dataset]
    stored = [side.view.read_predictions(side.fits[place]) for side in (one, other)]
    sides = [_predictions(side, place, metric, arrays) for side, arrays in zip((one, other), stored, strict=True)]
    if not np.array_equal(stored[0]["rows"], stored[1]["rows"]):
        raise _NoTestError(f"the fits {one.fits[place]} and {other.fits[place]} were tested on different rows")
    times = stored[0].get("time")
    if times is None and about["scheme"] == "ordered":
        raise _NoTestError(f"the fit {one.fits[place]} did not store the times of its test rows; run it again")
    fold = _Fold(
        sides=(sides[0], sides[1]),
        units=np.arange(len(stored[0]["rows"])) if times is None else np.unique(times, return_inverse=True)[1],
        in_time=times is not None,
    )
    if fold.n_units < MIN_UNITS:
        what = "points in time" if fold.in_time else "rows"
        raise _NoTestError(f"a test part has {fold.n_units} {what}; a test needs {MIN_UNITS}")
    return fold


def _predictions(side: ComparedFits, place: int, metric: str, arrays: Mapping[str, Any]) -> Predictions:
    """Return what a fit predicted, if it is what the fit was scored by."""
    fit = side.fits[place]
    if not arrays:
        raise _NoTestError(f"the predictions of the fit {fit} are missing or damaged")
    record = side.view.records[fit]
    positive = side.view.plan["datasets"][record.dataset].get("positive")
    try:
        found = Predictions.from_arrays(arrays, positive)
        value = compute_metrics(found, {metric: METRICS[metric]}).get(metric, math.nan)
        whole = len(arrays["rows"]) == len(found.y_true)
    except (KeyError, IndexError, ValueError, TypeError):
        whole, value = False, math.nan
    if not whole or not math.isclose(value, record.metrics[metric], rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        raise _NoTestError(f"the predictions of the fit {fit} do not give its recorded {metric}")
    return found
