"""Ensembles, chosen greedily by what their members predict on the inner folds: of one model's own trials, or of any."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.search_spaces.space import Params
from bakeoff.fitting.fit import Member, load_into_memory
from bakeoff.fitting.score import score_primary
from bakeoff.protocol.job import Job
from bakeoff.tuning.inner_cv import Folds, predict_folds
from bakeoff.tuning.inner_cv_scores import inner_folds
from bakeoff.tuning.out_of_fold import (
    FoldPredictions,
    OutOfFoldStore,
    average_predictions,
    to_fold_predictions,
    to_predictions,
)
from bakeoff.tuning.study import TrialRow, TuningResult

MAX_MEMBERS = 10
NameT = TypeVar("NameT", bound=Hashable)


@dataclass(frozen=True)
class Ensemble:
    """What was chosen.

    Parameters
    ----------
    members : tuple of Member
    score : float
        Mean over the inner folds, bigger is better.
    out_of_fold : FoldPredictions
        What they say together of the test rows of the inner folds.
    """

    members: tuple[Member, ...]
    score: float
    out_of_fold: FoldPredictions


def build_ensemble(job: Job, dataset: Dataset, rows: np.ndarray, tuned: TuningResult, kept: OutOfFoldStore) -> Ensemble:
    """Choose at most ten of a study's trials, with repetition, so that their mean predicts the inner folds best.

    Parameters
    ----------
    job : Job
    dataset : Dataset
    rows : ndarray of int
        The training part that was tuned on.
    tuned : TuningResult
        With at least one complete trial.
    kept : OutOfFoldStore
        What the trials predicted; what is missing is computed again.

    References
    ----------
    Caruana et al. 2004, Ensemble selection from libraries of models (ICML): forward selection with replacement, of
    which the best prefix is kept.
    """
    folds = inner_folds(job, dataset, rows)
    trials = _drop_duplicates(tuned.complete)
    fold_predictions = {
        place: kept.find(row["number"]) or predict_inner_folds(job, dataset, folds, row["params"])
        for place, row in enumerate(trials)
    }
    weights, score = select_ensemble(job, dataset, folds, fold_predictions)
    members = tuple(Member(trials[place]["params"], weight) for place, weight in weights.items())
    return Ensemble(members, score, average_predictions([(fold_predictions[place], w) for place, w in weights.items()]))


def predict_inner_folds(job: Job, dataset: Dataset, folds: Folds, params: Params) -> FoldPredictions:
    """Fit some parameters of the job's model on each inner fold, and return what they say of its test rows."""
    return to_fold_predictions(predict_folds(job, load_into_memory(dataset), folds, params))


def select_ensemble(
    job: Job, dataset: Dataset, folds: Folds, candidates: Mapping[NameT, FoldPredictions]
) -> tuple[dict[NameT, float], float]:
    """Choose, with repetition, at most ten candidates whose mean predicts the inner folds best.

    FoldPredictions of another kind than those of the best candidate can't be averaged with them and are left out.

    Returns
    -------
    dict
        The weight of each member; they sum to 1.
    float
        Mean score over the inner folds, bigger is better.
    """
    single_scores = {name: _score(job, dataset, folds, one, one.folds) for name, one in candidates.items()}
    kind = candidates[max(single_scores, key=lambda name: single_scores[name])].kind
    names = [name for name, one in candidates.items() if one.kind == kind]
    counts, score = _forward_selection(job, dataset, folds, [candidates[name] for name in names])
    total = sum(counts.values())
    return {names[place]: count / total for place, count in sorted(counts.items())}, score


def _drop_duplicates(trials: Sequence[TrialRow]) -> list[TrialRow]:
    """Keep the first of trials with the same parameters."""
    firsts: list[TrialRow] = []
    for row in trials:
        if all(row["params"] != other["params"] for other in firsts):
            firsts.append(row)
    return firsts


def _forward_selection(
    job: Job, dataset: Dataset, folds: Folds, fold_predictions: Sequence[FoldPredictions]
) -> tuple[Counter[int], float]:
    """Add, again and again, what helps most; return how often each was added in the best prefix, and its score."""
    sums = [np.zeros_like(fold) for fold in fold_predictions[0].folds]
    chosen: list[int] = []
    scores: list[float] = []
    for size in range(1, MAX_MEMBERS + 1):
        candidate_scores = [
            _score(
                job, dataset, folds, one, [(so_far + new) / size for so_far, new in zip(sums, one.folds, strict=True)]
            )
            for one in fold_predictions
        ]
        best = int(np.argmax(candidate_scores))
        sums = [so_far + new for so_far, new in zip(sums, fold_predictions[best].folds, strict=True)]
        chosen.append(best)
        scores.append(candidate_scores[best])
    size = int(np.argmax(scores)) + 1
    return Counter(chosen[:size]), scores[size - 1]


def _score(job: Job, dataset: Dataset, folds: Folds, like: FoldPredictions, means: Sequence[np.ndarray]) -> float:
    return float(
        np.mean(
            [
                score_primary(job, to_predictions(dataset, test, like.kind, mean))
                for (_, test), mean in zip(folds, means, strict=True)
            ]
        )
    )
