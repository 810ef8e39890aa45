"""Two models on one test part: differences over its rows, where there are no repeated folds to compare.

For a fixed split, McNemar's test of right and wrong answers or a bootstrap over rows; for an ordered split, where
neighbouring rows depend on each other, a bootstrap over blocks of them.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from bakeoff.reports.statistics.folds import CONFIDENCE, Difference

RESAMPLES = 2000
SMALL = 25  # discordant rows below which the exact test is taken
Rows = np.ndarray


def compare_answers(right: ArrayLike, other_right: ArrayLike) -> float:
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
    return float(mcnemar(table, exact=discordant < SMALL, correction=True).pvalue)


def bootstrap_difference(
    score_difference: Callable[[Rows], float],
    n_rows: int,
    *,
    seed: int,
    block: int = 1,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Difference:
    """Bootstrap the difference of two models' scores over the rows of their test part.

    Parameters
    ----------
    score_difference : callable
        Takes row numbers, some of them more than once, and returns the score of the one model on them minus that of the
        other; NaN where it is undefined.
    n_rows : int
    seed : int
    block : int
        Length of the circular blocks that are drawn; 1 draws single rows.
    resamples : int
    confidence : float

    Returns
    -------
    Difference
        Percentile interval; the p-value is twice the smaller share of resamples on the other side of zero, plus one.
        Undefined if more than one in twenty resamples is.

    References
    ----------
    Efron & Tibshirani 1993, ch. 13 and 15; Politis & Romano 1992, A circular block-resampling procedure for stationary
    data.
    """
    if n_rows < 1 or not 1 <= block <= n_rows:
        raise ValueError(f"blocks have 1 to {n_rows} rows; got {block}")
    random = np.random.default_rng(seed)
    drawn = np.array([score_difference(_draw(random, n_rows, block)) for _ in range(resamples)])
    found = drawn[np.isfinite(drawn)]
    mean = float(score_difference(np.arange(n_rows)))
    if len(found) < 0.95 * resamples:
        return Difference(mean=mean, low=-math.inf, high=math.inf, p_value=math.nan, n=n_rows)
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    tail = min(int((found <= 0).sum()), int((found >= 0).sum()))
    p_value = min(1.0, 2 * (tail + 1) / (len(found) + 1))
    return Difference(mean=mean, low=float(low), high=float(high), p_value=p_value, n=n_rows)


def block_length(n_rows: int) -> int:
    """Return the usual length of blocks, the cube root of the number of rows (Hall, Horowitz & Jing 1995)."""
    return max(1, math.ceil(math.cbrt(n_rows)))


def _draw(random: np.random.Generator, n_rows: int, block: int) -> Rows:
    starts = random.integers(n_rows, size=-(-n_rows // block))
    rows: Rows = ((starts[:, None] + np.arange(block)) % n_rows).ravel()
    return rows[:n_rows]
