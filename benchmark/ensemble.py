"""Ensembles, chosen greedily by what their members predict on the inner folds: of one model's own trials, or of any."""

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.space import Params
from bakeoff.fitting import Member, read_whole
from bakeoff.inner_fits import Folds, score_primary, way_of
from bakeoff.inner_scores import inner_folds
from bakeoff.job import Job
from bakeoff.out_of_fold import Answers, OutOfFold, to_answers, to_predictions
from bakeoff.tuning import Row, Tuned, Watch

MOST_MEMBERS = 10
NameT = TypeVar("NameT", bound=Hashable)


@dataclass(frozen=True)
class Ensemble:
    """What was chosen.

    Parameters
    ----------
    members : tuple of Member
    score : float
        Mean over the inner folds, bigger is better.
    """

    members: tuple[Member, ...]
    score: float


def build_ensemble(job: Job, dataset: Dataset, rows: np.ndarray, tuned: Tuned, kept: OutOfFold) -> Ensemble:
    """Choose at most ten of a study's trials, with repetition, so that their mean predicts the inner folds best.

    Parameters
    ----------
    job : Job
    dataset : Dataset
    rows : ndarray of int
        The training part that was tuned on.
    tuned : Tuned
        With at least one complete trial.
    kept : OutOfFold
        What the trials predicted; what is missing is computed again.

    References
    ----------
    Caruana et al. 2004, Ensemble selection from libraries of models (ICML): forward selection with replacement, of
    which the best prefix is kept.
    """
    folds = inner_folds(job, dataset, rows)
    trials = _unlike(tuned.complete)
    answers = {
        place: kept.find(row["number"]) or answer_folds(job, dataset, folds, row["params"])
        for place, row in enumerate(trials)
    }
    weights, score = weigh(job, dataset, folds, answers)
    return Ensemble(tuple(Member(trials[place]["params"], weight) for place, weight in weights.items()), score)


def answer_folds(job: Job, dataset: Dataset, folds: Folds, params: Params) -> Answers:
    """Fit some parameters of the job's model on each inner fold, and return what they say of its test rows."""
    ask_folds, _, _ = way_of(job.choice.spec)
    scored = ask_folds(job, read_whole(dataset), folds, params, Watch(math.inf))
    return to_answers([predictions for predictions, _ in scored])


def weigh(
    job: Job, dataset: Dataset, folds: Folds, candidates: Mapping[NameT, Answers]
) -> tuple[dict[NameT, float], float]:
    """Choose, with repetition, at most ten candidates whose mean predicts the inner folds best.

    Answers of another kind than those of the best candidate can't be averaged with them and are left out.

    Returns
    -------
    dict
        The weight of each member; they sum to 1.
    float
        Mean score over the inner folds, bigger is better.
    """
    alone = {name: _score(job, dataset, folds, one, one.folds) for name, one in candidates.items()}
    kind = candidates[max(alone, key=lambda name: alone[name])].kind
    names = [name for name, one in candidates.items() if one.kind == kind]
    counts, score = _select(job, dataset, folds, [candidates[name] for name in names])
    total = sum(counts.values())
    return {names[place]: count / total for place, count in sorted(counts.items())}, score


def _unlike(trials: Sequence[Row]) -> list[Row]:
    """Keep the first of trials with the same parameters."""
    firsts: list[Row] = []
    for row in trials:
        if all(row["params"] != other["params"] for other in firsts):
            firsts.append(row)
    return firsts


def _select(job: Job, dataset: Dataset, folds: Folds, answers: Sequence[Answers]) -> tuple[Counter[int], float]:
    """Add, again and again, what helps most; return how often each was added in the best prefix, and its score."""
    sums = [np.zeros_like(fold) for fold in answers[0].folds]
    chosen: list[int] = []
    scores: list[float] = []
    for size in range(1, MOST_MEMBERS + 1):
        reached = [
            _score(
                job, dataset, folds, one, [(so_far + new) / size for so_far, new in zip(sums, one.folds, strict=True)]
            )
            for one in answers
        ]
        best = int(np.argmax(reached))
        sums = [so_far + new for so_far, new in zip(sums, answers[best].folds, strict=True)]
        chosen.append(best)
        scores.append(reached[best])
    size = int(np.argmax(scores)) + 1
    return Counter(chosen[:size]), scores[size - 1]


def _score(job: Job, dataset: Dataset, folds: Folds, like: Answers, means: Sequence[np.ndarray]) -> float:
    return float(
        np.mean(
            [
                score_primary(job, to_predictions(dataset, test, like.kind, mean))
                for (_, test), mean in zip(folds, means, strict=True)
            ]
        )
    )
