"""Two models on one test part: differences over its rows, where there are no repeated folds to compare.

For a fixed split, McNemar's test of right and wrong answers or a bootstrap over rows; for an ordered split, where
neighbouring rows depend on each other, a bootstrap over blocks of them.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bakeoff.reports.statistics.folds import CONFIDENCE, Difference, Posterior

MAX_RESAMPLES, MIN_RESAMPLES = 2000, 500
MAX_DRAWN_ROWS = 10_000_000  # in all resamples: a second's work at most, so that many rows have fewer resamples
EXACT_BELOW = 25  # discordant rows below which the exact test is taken
MIN_TAIL_DRAWS = 10
MAX_COUNTS = 200_000  # counts of rows that are held at once: they stay in the processor's cache


def mcnemar_test(right: ArrayLike, other_right: ArrayLike) -> float:
    """Test by McNemar whether two models are right equally often on the same rows.

    Parameters
    ----------
    right, other_right : array-like of bool of shape (n_rows,)

    Returns
    -------
    float
        Two-sided p-value: binomial with fewer than 25 rows on which they differ, else chi-square with continuity
        correction; 1 if they never differ.

    References
    ----------
    McNemar 1947; Dietterich 1998, Approximate Statistical Tests for Comparing Supervised Classification Learning
    Algorithms.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    one, other = np.asarray(right, dtype=bool), np.asarray(other_right, dtype=bool)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(f"both models answer the same rows; got {one.shape} and {other.shape}")
    only, only_other = int((one & ~other).sum()), int((~one & other).sum())
    discordant = only + only_other
    if not discordant:
        return 1.0
    table = [[0, only], [only_other, 0]]
    return float(mcnemar(table, exact=discordant < EXACT_BELOW, correction=True).pvalue)


def bootstrap_differences(
    difference: Callable[[np.ndarray], np.ndarray],
    units: ArrayLike,
    *,
    seed: int,
    block: int = 1,
    resamples: int = MAX_RESAMPLES,
) -> np.ndarray:
    """Bootstrap the difference of two models' scores over the rows of their test part.

    Rows that depend on each other for longer than a block still look more certain than they are.

    Parameters
    ----------
    difference : callable
        Takes how often each row was drawn, shape (n_rows, n_resamples), and returns the score of the one model minus
        that of the other, shape (n_resamples,); NaN where it is undefined.
    units : array-like of int of shape (n_rows,)
        Number of the unit, from 0, that each row belongs to, in order of time where there is one. Rows of a unit are
        drawn together.
    seed : int
    block : int
        Length of the circular blocks of units that are drawn; 1 draws single units.
    resamples : int

    Returns
    -------
    ndarray of shape (resamples,)

    References
    ----------
    Efron & Tibshirani 1993, ch. 13; Politis & Romano 1992, A circular block-resampling procedure for stationary data.
    """
    unit_of = np.asarray(units, dtype=int)
    n_units = int(unit_of.max()) + 1 if len(unit_of) else 0
    if n_units < 1 or not 1 <= block <= n_units:
        raise ValueError(f"blocks have 1 to {n_units} units; got {block}")
    random = np.random.default_rng(seed)
    at_once = max(1, MAX_COUNTS // len(unit_of))
    sizes = [min(at_once, resamples - start) for start in range(0, resamples, at_once)]
    plain = np.array_equal(unit_of, np.arange(n_units))
    drawn = (_draw(random, n_units, block, size) for size in sizes)
    return np.concatenate([difference(counts if plain else counts[unit_of]) for counts in drawn])


def summarise_bootstrap(mean: float, draws: np.ndarray, *, n: int, confidence: float = CONFIDENCE) -> Difference:
    """Return a mean difference of `n` rows with its percentile interval and its p-value.

    The p-value is twice the smaller share of resamples on the other side of zero, one added: below 0.05 where the
    interval leaves zero out. Where fewer than ten are there, shares are too coarse for many comparisons at once, and a
    normal distribution with the resamples' spread tells its tail. All is undefined if one resample in twenty is.

    References
    ----------
    Efron & Tibshirani 1993, ch. 13 and 15; Davison & Hinkley 1997, sec. 4.2, for the one that is added.
    """
    found = draws[np.isfinite(draws)]
    if len(found) < 0.95 * len(draws):
        return Difference(mean=mean, low=-math.inf, high=math.inf, p_value=math.nan, n=n)
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    tail = min(int((found <= 0).sum()), int((found >= 0).sum()))
    p_value, spread = min(1.0, 2 * (tail + 1) / (len(found) + 1)), float(found.std())
    if tail < MIN_TAIL_DRAWS and spread > 0:
        p_value = min(p_value, float(2 * stats.norm.sf(abs(mean) / spread)))
    return Difference(mean=mean, low=float(low), high=float(high), p_value=p_value, n=n)


def bootstrap_posterior(draws: np.ndarray, *, rope: float) -> Posterior:
    """Return the shares of resamples in which the first model is worse, practically equivalent, or better.

    They approximate a posterior under a prior that says nothing.

    References
    ----------
    Rubin 1981, The Bayesian bootstrap; Efron & Tibshirani 1993, sec. 24.2 to 24.5.
    """
    found = draws[np.isfinite(draws)]
    worse, better = float((found < -rope).mean()), float((found > rope).mean())
    return Posterior(worse=worse, equivalent=max(0.0, 1 - worse - better), better=better)


def count_resamples(n_rows: int) -> int:
    """Return how many resamples of so many rows are drawn: 2000, from 5,000 rows on fewer, but never below 500."""
    return max(MIN_RESAMPLES, min(MAX_RESAMPLES, MAX_DRAWN_ROWS // max(n_rows, 1)))


def block_length(n_units: int) -> int:
    """Return the usual length of blocks, the cube root of the number of units (Hall, Horowitz & Jing 1995)."""
    return max(1, math.ceil(math.cbrt(n_units)))


def _draw(random: np.random.Generator, n_units: int, block: int, resamples: int) -> np.ndarray:
    """Draw blocks with replacement; return how often each unit was drawn, shape (n_units, resamples)."""
    starts = random.integers(n_units, size=(resamples, -(-n_units // block)))
    units = ((starts[:, :, None] + np.arange(block)) % n_units).reshape(resamples, -1)[:, :n_units]
    places = (units * resamples + np.arange(resamples)[:, None]).ravel()
    return np.bincount(places, minlength=n_units * resamples).reshape(n_units, resamples).astype(float)
