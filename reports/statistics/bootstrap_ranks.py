"""Bootstrap intervals over data sets of mean ranks, win rates and Elo ratings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bakeoff.reports.statistics.datasets import rank_models
from bakeoff.reports.statistics.folds import CONFIDENCE

RESAMPLES = 2000
ELO_MEAN, ELO_SCALE = 1000.0, 400.0
STEPS = 200
PRIOR_DRAWS = 0.5  # between every two models, so that one that always wins has a finite rating


@dataclass(frozen=True, kw_only=True)
class BootstrapRanks:
    """Estimates and percentile intervals, each of shape (3, n_models): the estimate, its low end, its high end.

    Parameters
    ----------
    mean_rank : ndarray
        1 is best.
    win_rate : ndarray
        Share of duels with other models over the data sets that are won, a tie as half.
    elo : ndarray
        Mean 1000; 400 points are odds of ten to one.
    """

    mean_rank: np.ndarray
    win_rate: np.ndarray
    elo: np.ndarray


def bootstrap_ranks(
    scores: ArrayLike, *, seed: int, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> BootstrapRanks:
    """Draw data sets with replacement and see how ranks, win rates and ratings vary.

    Parameters
    ----------
    scores : array-like of shape (n_datasets, n_models)
        Bigger is better, without holes.
    seed : int
    resamples : int
    confidence : float

    References
    ----------
    Efron & Tibshirani 1993, ch. 13; Bradley & Terry 1952 and Hunter 2004 (MM algorithm) for the ratings.
    """
    table = np.asarray(scores, dtype=float)
    n, k = table.shape
    if k < 2:
        raise ValueError(f"standings need at least two models; got {k}")
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    weights = np.vstack([np.ones(n), draws]) / n
    duels = (table[:, :, None] > table[:, None, :]) + 0.5 * (table[:, :, None] == table[:, None, :])
    wins = np.tensordot(weights, duels, axes=1)
    wins[:, range(k), range(k)] = 0
    tail = (1 - confidence) / 2

    def summarise(values: np.ndarray) -> np.ndarray:
        return np.vstack([values[0], np.quantile(values[1:], [tail, 1 - tail], axis=0)])

    return BootstrapRanks(
        mean_rank=summarise(weights @ rank_models(table)),
        win_rate=summarise(wins.sum(axis=2) / (k - 1)),
        elo=summarise(_rate(wins * n)),
    )


def _rate(wins: np.ndarray) -> np.ndarray:
    """Fit Bradley and Terry's model to tables of wins, shape (n_tables, n_models, n_models)."""
    k = wins.shape[1]
    won = wins + PRIOR_DRAWS * (1 - np.eye(k))
    games = won + won.transpose(0, 2, 1)
    strength = np.ones(wins.shape[:2])
    for _ in range(STEPS):
        strength = won.sum(axis=2) / (games / (strength[:, :, None] + strength[:, None, :])).sum(axis=2)
        strength /= np.exp(np.log(strength).mean(axis=1, keepdims=True))
    return ELO_MEAN + ELO_SCALE * np.log10(strength)
