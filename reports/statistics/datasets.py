"""Many models over many data sets: omnibus tests, pairs, and groups that can't be told apart.

Scores come as an array of shape (n_datasets, n_models), bigger is better; NaN is a hole, which `skillings_mack_test`
alone takes. Tests on ranks mix data sets of any scale; tests on differences need one common scale, which the caller
sees to.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bakeoff.reports.statistics.folds import Posterior

SAMPLES = 50_000
PRIOR = 0.5  # weight of one pseudo-observation of no difference
Group = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Omnibus:
    """A test of no difference among several models.

    Parameters
    ----------
    statistic, p_value : float
        NaN where no test is possible.
    mean_ranks : ndarray of shape (n_models,)
        1 is best; ties share the mean of their ranks.
    """

    statistic: float
    p_value: float
    mean_ranks: np.ndarray


def rank_models(scores: ArrayLike) -> np.ndarray:
    """Rank the models on each data set, 1 the best, ties by the mean of their ranks; holes stay NaN."""
    return np.asarray(stats.rankdata(-np.asarray(scores, dtype=float), axis=1, nan_policy="omit"))


def friedman_test(scores: ArrayLike) -> Omnibus:
    """Test whether several models rank alike over data sets, by Friedman's test in Iman and Davenport's form.

    Parameters
    ----------
    scores : array-like of shape (n_datasets, n_models)
        Without holes; at least two data sets and three models, else there is no p-value.

    Returns
    -------
    Omnibus
        The statistic is F with k - 1 and (k - 1)(N - 1) degrees of freedom.

    References
    ----------
    Iman & Davenport 1980; Demšar 2006, Statistical Comparisons of Classifiers over Multiple Data Sets, sec. 3.2.2.
    """
    table = _complete(scores)
    n, k = table.shape
    ranks = rank_models(table)
    if n < 2 or k < 3:
        return Omnibus(statistic=np.nan, p_value=np.nan, mean_ranks=ranks.mean(axis=0))
    if np.ptp(ranks, axis=1).max() == 0:  # all equal everywhere
        return Omnibus(statistic=0.0, p_value=1.0, mean_ranks=ranks.mean(axis=0))
    chi_square = float(stats.friedmanchisquare(*ranks.T).statistic)
    left = n * (k - 1) - chi_square
    statistic = (n - 1) * chi_square / left if left > 1e-9 * n else np.inf
    p_value = float(stats.f.sf(statistic, k - 1, (k - 1) * (n - 1)))
    return Omnibus(statistic=statistic, p_value=p_value, mean_ranks=ranks.mean(axis=0))


def skillings_mack_test(scores: ArrayLike) -> Omnibus:
    """Test whether several models rank alike where some scores are missing, by the test of Skillings and Mack.

    Parameters
    ----------
    scores : array-like of shape (n_datasets, n_models)
        NaN is a hole. Data sets with fewer than two models say nothing and are left out.

    Returns
    -------
    Omnibus
        The statistic is chi-square with k - 1 degrees of freedom (the rank of its covariance); with no hole and no tie
        it is Friedman's. Mean ranks are over the data sets that a model has.

    References
    ----------
    Skillings & Mack 1981, On the Use of a Friedman-Type Statistic in Balanced and Unbalanced Block Designs.
    """
    table = np.asarray(scores, dtype=float)
    there = np.isfinite(table)
    used = there.sum(axis=1) >= 2
    table, there = table[used], there[used]
    if not len(table) or table.shape[1] < 2:
        return Omnibus(statistic=np.nan, p_value=np.nan, mean_ranks=np.full(np.shape(scores)[1], np.nan))
    ranks, sizes = rank_models(table), there.sum(axis=1)
    means = np.array(
        [column[np.isfinite(column)].mean() if np.isfinite(column).any() else np.nan for column in ranks.T]
    )
    centred = np.where(there, ranks - (sizes[:, None] + 1) / 2, 0.0)
    sums = (np.sqrt(12 / (sizes + 1))[:, None] * centred).sum(axis=0)
    together = there.T.astype(float) @ there
    covariance = -together
    np.fill_diagonal(covariance, together.sum(axis=1) - np.diag(together))
    freedom = int(np.linalg.matrix_rank(covariance))
    statistic = float(sums @ np.linalg.pinv(covariance) @ sums)
    return Omnibus(statistic=statistic, p_value=float(stats.chi2.sf(statistic, freedom)), mean_ranks=means)


def wilcoxon_test(differences: ArrayLike) -> float:
    """Test the differences of two models over data sets by Wilcoxon's signed-rank test.

    Parameters
    ----------
    differences : array-like of shape (n_datasets,)
        On one common scale.

    Returns
    -------
    float
        Two-sided p-value, exact up to 13 data sets with ties and 50 without; differences of zero are split (Pratt's
        ranks are not used). 1 if all are zero.

    References
    ----------
    Wilcoxon 1945; Demšar 2006, sec. 3.1.3; Benavoli et al. 2016, Should We Really Use Post-Hoc Tests Based on
    Mean-Ranks?, for its use between all pairs.
    """
    values = _finite(differences)
    if not values.any():
        return 1.0
    return float(stats.wilcoxon(values, zero_method="zsplit").pvalue)


def smallest_p_value(n_datasets: int) -> float:
    """Return the smallest p-value that the signed-rank test can give with this many data sets: all of one sign."""
    return min(1.0, 2.0 ** (1 - n_datasets))


def bayesian_signed_rank_test(differences: ArrayLike, *, rope: float, seed: int, samples: int = SAMPLES) -> Posterior:
    """Return the posterior of which of two models is better over data sets, by the Bayesian signed-rank test.

    Parameters
    ----------
    differences : array-like of shape (n_datasets,)
        On one common scale.
    rope : float
        Half the width of the region of practical equivalence, on that scale.
    seed : int
        Of the Monte Carlo samples.
    samples : int
        How many of them.

    Returns
    -------
    Posterior
        Shares of the draws in which each region holds most of the mass.

    References
    ----------
    Benavoli et al. 2014, A Bayesian Wilcoxon signed-rank test based on the Dirichlet process; Benavoli et al. 2017,
    Time for a Change: a Tutorial for Comparing Multiple Classifiers Through Bayesian Analysis, sec. 4.2.
    """
    values = np.append(0.0, _finite(differences))
    sums = values[:, None] + values[None, :]
    worse, better = (np.heaviside(sign * sums - 2 * rope, 0.5) for sign in (-1, 1))  # on the edge: half to each side
    shape = np.append(PRIOR, np.ones(len(values) - 1))
    weights = np.random.default_rng(seed).dirichlet(shape, samples)
    left, right = (((weights @ region) * weights).sum(axis=1) for region in (worse, better))
    regions = np.stack([left, 1 - left - right, right])
    most = regions == regions.max(axis=0)
    shares = (most / most.sum(axis=0)).mean(axis=1)  # draws that tie count for each by their share
    return Posterior(worse=float(shares[0]), equivalent=float(shares[1]), better=float(shares[2]))


def pairwise_wilcoxon_test(scores: ArrayLike) -> np.ndarray:
    """Test every pair of models over data sets by the signed-rank test, with Holm's correction over all pairs.

    Parameters
    ----------
    scores : array-like of shape (n_datasets, n_models)
        On one common scale, without holes.

    Returns
    -------
    ndarray of shape (n_models, n_models)
        Corrected p-values, symmetric, 1 on the diagonal.
    """
    table = _complete(scores)
    pairs = list(combinations(range(table.shape[1]), 2))
    corrected = adjust_by_holm([wilcoxon_test(table[:, i] - table[:, j]) for i, j in pairs])
    return _symmetric(table.shape[1], pairs, corrected)


def nemenyi_test(scores: ArrayLike) -> np.ndarray:
    """Test every pair of models by Nemenyi's test on mean ranks; it depends on which other models are compared.

    Parameters
    ----------
    scores : array-like of shape (n_datasets, n_models)
        Without holes.

    Returns
    -------
    ndarray of shape (n_models, n_models)
        Corrected p-values, symmetric, 1 on the diagonal.

    References
    ----------
    Nemenyi 1963; Demšar 2006, sec. 3.2.2.
    """
    table = _complete(scores)
    n, k = table.shape
    ranks = rank_models(table).mean(axis=0)
    distances = np.abs(ranks[:, None] - ranks[None, :]) / np.sqrt(k * (k + 1) / (6 * n))
    p_values = np.asarray(stats.studentized_range.sf(distances * np.sqrt(2), k, np.inf))
    np.fill_diagonal(p_values, 1.0)
    return p_values


def adjust_by_holm(p_values: ArrayLike) -> np.ndarray:
    """Correct p-values of several tests by Holm 1979; those that are NaN stay so and do not count."""
    from statsmodels.stats.multitest import multipletests

    values = np.asarray(p_values, dtype=float)
    corrected, known = np.full(len(values), np.nan), np.isfinite(values)
    if known.any():
        corrected[known] = multipletests(values[known], method="holm")[1]
    return corrected


def find_homogeneous_groups(mean_ranks: ArrayLike, p_values: np.ndarray, *, alpha: float = 0.05) -> list[Group]:
    """Return the largest runs of models, in the order of their mean ranks, no two of which differ significantly.

    Parameters
    ----------
    mean_ranks : array-like of shape (n_models,)
    p_values : ndarray of shape (n_models, n_models)
        Corrected ones.
    alpha : float

    Returns
    -------
    list of tuple of int
        Columns of models, best first; groups of one are left out.
    """
    order = np.argsort(np.asarray(mean_ranks), kind="stable")
    alike = p_values[np.ix_(order, order)] >= alpha
    groups: list[tuple[int, int]] = []
    for start in range(len(order)):
        stop = start + 1
        while stop < len(order) and alike[start : stop + 1, start : stop + 1].all():
            stop += 1
        if stop - start > 1 and (not groups or stop > groups[-1][1]):
            groups.append((start, stop))
    return [tuple(int(model) for model in order[start:stop]) for start, stop in groups]


def _symmetric(size: int, pairs: list[tuple[int, int]], values: np.ndarray) -> np.ndarray:
    matrix = np.ones((size, size))
    for (i, j), value in zip(pairs, values, strict=True):
        matrix[i, j] = matrix[j, i] = value
    return matrix


def _complete(scores: ArrayLike) -> np.ndarray:
    table = np.asarray(scores, dtype=float)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise ValueError("scores are a table without holes, data sets by models")
    return table


def _finite(differences: ArrayLike) -> np.ndarray:
    values = np.asarray(differences, dtype=float)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError("differences are finite numbers, at least one, in one dimension")
    return values
