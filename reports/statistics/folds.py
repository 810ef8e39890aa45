"""Two models on one data set: differences of scores over the folds of repeated k-fold cross-validation.

Folds share training rows, so their differences are correlated and a plain t-test rejects far too often. Everything here
corrects for it by the share of test rows, the heuristic of Nadeau & Bengio.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

CONFIDENCE = 0.95
MAX_FOLDS = 10_000


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A mean difference, its interval and its p-value.

    Parameters
    ----------
    mean, low, high : float
        In units of the score.
    p_value : float
        Two-sided, of no difference; NaN where no test is possible.
    n : int
        Number of differences.
    """

    mean: float
    low: float
    high: float
    p_value: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """Probabilities that the first model is worse, practically equivalent, or better; they sum to 1."""

    worse: float
    equivalent: float
    better: float


def corrected_t_test(differences: ArrayLike, *, test_fraction: float, confidence: float = CONFIDENCE) -> Difference:
    """Test the differences of two models by the corrected resampled t-test.

    Parameters
    ----------
    differences : array-like of shape (n_folds,)
        Score of the one minus score of the other on each outer fold, all repeats together.
    test_fraction : float
        Share of all rows that are tested in a fold: 1/k.
    confidence : float
        Of the interval.

    Returns
    -------
    Difference
        Differences that are all zero have p = 1. Others that do not vary have p = 0, as in `scipy.stats.ttest_1samp`;
        a single one has no test.

    Raises
    ------
    ValueError
        If the share is not between 0 and 1, or a difference is not finite.

    References
    ----------
    Nadeau & Bengio 2003, Inference for the Generalization Error, eq. for the corrected resampled t-test; Bouckaert &
    Frank 2004 for repeated k-fold cross-validation.
    """
    values = _check(differences, test_fraction)
    mean, n = float(values.mean()), len(values)
    if n < 2:
        return untested_difference(values)
    scale = _standard_error(values, test_fraction)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * scale
    if scale == 0:
        return Difference(mean=mean, low=mean, high=mean, p_value=float(mean == 0), n=n)
    p_value = float(2 * stats.t.sf(abs(mean) / scale, n - 1))
    return Difference(mean=mean, low=mean - half, high=mean + half, p_value=p_value, n=n)


def untested_difference(differences: ArrayLike) -> Difference:
    """Return the mean of differences that no test here is made for: an endless interval, and NaN for the p-value."""
    values = np.asarray(differences, dtype=float)
    return Difference(mean=float(values.mean()), low=-math.inf, high=math.inf, p_value=math.nan, n=len(values))


def bayesian_correlated_t_test(differences: ArrayLike, *, test_fraction: float, rope: float) -> Posterior:
    """Return the posterior of the mean difference by the Bayesian correlated t-test.

    Parameters
    ----------
    differences : array-like of shape (n_folds,)
    test_fraction : float
        Share of all rows that are tested in a fold: 1/k; also the correlation of two folds.
    rope : float
        Half the width of the region of practical equivalence, in units of the score.

    Raises
    ------
    ValueError
        If there are fewer than two differences, or an argument is out of range.

    References
    ----------
    Corani & Benavoli 2015, A Bayesian approach for comparing cross-validated algorithms on multiple data sets, eq. 8.
    """
    values = _check(differences, test_fraction)
    if len(values) < 2:
        raise ValueError("a posterior needs at least two differences")
    if rope < 0:
        raise ValueError(f"the region of equivalence has a width from 0; got {rope}")
    mean, scale = float(values.mean()), _standard_error(values, test_fraction)
    if scale == 0:
        worse, better = float(mean < -rope), float(mean > rope)
    else:
        worse = float(stats.t.cdf(-rope, len(values) - 1, loc=mean, scale=scale))
        better = float(stats.t.sf(rope, len(values) - 1, loc=mean, scale=scale))
    return Posterior(worse=worse, equivalent=max(0.0, 1 - worse - better), better=better)


def count_folds_to_significance(differences: ArrayLike, *, test_fraction: float, alpha: float = 0.05) -> int | None:
    """Return how many folds in all would separate two models if their differences went on alike.

    More repeats test the same rows again: the correction leaves a variance that no number of them takes away.

    Parameters
    ----------
    differences : array-like of shape (n_folds,)
    test_fraction : float
        Share of all rows that are tested in a fold: 1/k.
    alpha : float
        Level of the corrected resampled t-test.

    Returns
    -------
    int or None
        Never fewer than there are; None if no number up to ten thousand would.
    """
    values = _check(differences, test_fraction)
    if len(values) < 2:
        raise ValueError("a forecast needs at least two differences")
    mean, spread = abs(float(values.mean())), float(values.std(ddof=1))

    def separates(folds: int) -> bool:
        error = spread * math.sqrt(1 / folds + test_fraction / (1 - test_fraction))
        return mean > float(stats.t.ppf(1 - alpha / 2, folds - 1)) * error

    if not separates(MAX_FOLDS):
        return None
    low, high = len(values), MAX_FOLDS
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if separates(middle) else (middle + 1, high)
    return low


def _standard_error(values: np.ndarray, test_fraction: float) -> float:
    spread = float(values.std(ddof=1))
    if spread <= np.finfo(float).eps * 16 * float(np.abs(values).max()):  # equal but for rounding
        return 0.0
    return spread * math.sqrt(1 / len(values) + test_fraction / (1 - test_fraction))


def _check(differences: ArrayLike | Sequence[float], test_fraction: float) -> np.ndarray:
    values = np.asarray(differences, dtype=float)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError("differences are finite numbers, at least one, in one dimension")
    if not 0 < test_fraction < 1:
        raise ValueError(f"the share of test rows lies between 0 and 1; got {test_fraction}")
    return values
