"""Where two learning curves cross: from how many training rows on the one stays ahead of the other."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bakeoff.reports.statistics.folds import CONFIDENCE

RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """From how many rows on one side stays ahead.

    Parameters
    ----------
    at : float
        Rows; minus infinity if it is ahead at every size, infinity if it is not ahead at the largest.
    low, high : float
        Ends of its interval, of the same kind; NaN without one.
    chance : float
        Share of the resamples in which it is ahead at the largest size; NaN without any.
    """

    at: float
    low: float = math.nan
    high: float = math.nan
    chance: float = math.nan

    @property
    def is_within(self) -> bool:
        """Whether it comes to be ahead within the sizes, and in at least half of the resamples."""
        return self.at < math.inf and not self.chance < 0.5


def find_crossings(rows: ArrayLike, differences: ArrayLike) -> np.ndarray:
    """Return from how many rows on differences stay positive, linear in the logarithm of the rows between two sizes.

    Parameters
    ----------
    rows : array-like of shape (n_sizes,)
        Ascending.
    differences : array-like of shape (n_curves, n_sizes)

    Returns
    -------
    ndarray of shape (n_curves,)
        Minus infinity for a curve that is positive everywhere, infinity for one that is not at its end.
    """
    places, curves = np.log(np.asarray(rows, dtype=float)), np.asarray(differences, dtype=float)
    n_sizes = curves.shape[1]
    behind = curves <= 0
    last = n_sizes - 1 - behind[:, ::-1].argmax(axis=1)  # the last size at which it is behind, if there is one
    found = np.where(behind.any(axis=1), math.inf, -math.inf)
    crossing = np.flatnonzero(behind.any(axis=1) & (last < n_sizes - 1))
    before, after = curves[crossing, last[crossing]], curves[crossing, last[crossing] + 1]
    start, end = places[last[crossing]], places[last[crossing] + 1]
    found[crossing] = np.exp(start - before / (after - before) * (end - start))
    return found


def bootstrap_crossing(
    rows: ArrayLike, differences: ArrayLike, *, seed: int, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> Crossing:
    """Find where the mean of the folds' curves crosses zero for good, and how that varies with the folds.

    Folds are drawn with replacement, each with all its sizes, and the mean curve of each draw has a crossing of its
    own: the interval is that of their percentiles (Efron & Tibshirani 1993, ch. 13), open where these have none. Folds
    share rows, so that it is rather too narrow than too wide.

    Parameters
    ----------
    rows : array-like of shape (n_sizes,)
        Ascending.
    differences : array-like of shape (n_folds, n_sizes)
        Positive where the side in question is ahead.
    seed : int
    resamples : int
    confidence : float
    """
    folds = np.asarray(differences, dtype=float)
    n = len(folds)
    at = float(find_crossings(rows, folds.mean(axis=0, keepdims=True))[0])
    if n < 2:
        return Crossing(at=at)
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    found = find_crossings(rows, draws @ folds)
    tail = (1 - confidence) / 2
    low, high = np.quantile(found, [tail, 1 - tail], method="inverted_cdf")  # which never lies between infinities
    return Crossing(at=at, low=float(low), high=float(high), chance=float((found < math.inf).mean()))


def crossing_without_interval(rows: ArrayLike, differences: ArrayLike) -> Crossing:
    """Return where the mean curve crosses, of folds that are no sample to draw from."""
    return Crossing(at=float(find_crossings(rows, np.asarray(differences).mean(axis=0, keepdims=True))[0]))
