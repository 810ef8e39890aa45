"""Over all data sets of a task: whether deep and classical differ, and how the models rank.

Each task is judged alone, since only its data sets share a scale: scores between 0 and 1, or errors as a share of the
dummy's.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bakeoff.reports.run_data.leaderboard import leaderboard
from bakeoff.reports.run_data.run import BASELINE, Run, cached
from bakeoff.reports.statistics.bootstrap_ranks import BootstrapRanks, bootstrap_ranks
from bakeoff.reports.statistics.datasets import (
    Group,
    Omnibus,
    bayesian_signed_rank_test,
    find_homogeneous_groups,
    friedman_test,
    nemenyi_test,
    pairwise_wilcoxon_test,
    skillings_mack_test,
    smallest_p_value,
    wilcoxon_test,
)
from bakeoff.reports.statistics.folds import Posterior
from bakeoff.reports.verdicts.per_dataset import ALPHA, Answer, Verdict, judge_datasets, name_answer

SEED = 0
WILCOXON = "wilcoxon-holm"
Name = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class TaskVerdict:
    """What the data sets of one task say of deep against classical.

    Parameters
    ----------
    task : str
    datasets : tuple of str
        Those that could be compared.
    answer : str
        As in `Verdict`.
    why : str
        Why nothing can be told; "" otherwise.
    median : float
        Of the differences on the common scale, deep minus classical.
    p_value : float
        Of the signed-rank test; NaN with fewer than two data sets.
    posterior : Posterior, optional
    rope : float
        Half the width of the region of practical equivalence on the common scale.
    """

    task: str
    datasets: tuple[str, ...]
    answer: Answer
    why: str
    median: float
    p_value: float
    posterior: Posterior | None
    rope: float


@dataclass(frozen=True, kw_only=True)
class TaskRanking:
    """How the models of one task rank over its data sets.

    Parameters
    ----------
    task : str
    names : tuple of (model, variant)
    families : tuple of str
        Of the models.
    datasets : tuple of str
    scores : ndarray of shape (n_datasets, n_models)
        Means, bigger is better, NaN for what is missing.
    scale : ndarray of shape (n_datasets, 1)
        What brings the scores of each data set to the common scale; NaN where it is not known.
    holes : int
        Planned cells without a mean. What was not planned, such as a net for images on a table, is missing but no hole.
    omnibus : Omnibus
        Friedman's test, or that of Skillings and Mack where something is missing.
    worst : Omnibus, optional
        The same with every hole ranked last: a check, since timeouts are no accident. None without holes.
    standings : BootstrapRanks, optional
        Of the models with a mean everywhere, in the order of `complete`.
    complete : tuple of int
        Places in `names` of the models with a mean everywhere.
    groups : list of tuple of int, optional
        Places in `names` of models that can't be told apart; None where the test needs a scale that is not known.
    grouping : str
        The test behind them: `wilcoxon-holm`, on the common scale, or `nemenyi`, on ranks.
    """

    task: str
    names: tuple[Name, ...]
    families: tuple[str, ...]
    datasets: tuple[str, ...]
    scores: np.ndarray
    scale: np.ndarray
    holes: int
    omnibus: Omnibus
    worst: Omnibus | None
    standings: BootstrapRanks | None
    complete: tuple[int, ...]
    groups: list[Group] | None
    grouping: str


@cached
def judge_tasks(view: Run) -> list[TaskVerdict]:
    """Judge deep against classical over the data sets of each task that has two or more."""
    by_task: dict[str, list[Verdict]] = {}
    for verdict in judge_datasets(view):
        if verdict.difference is not None and math.isfinite(verdict.scale):
            by_task.setdefault(verdict.task, []).append(verdict)
    return [_judge(task, found, view.rope) for task, found in by_task.items() if len(found) > 1]


@cached
def rank_tasks(view: Run) -> list[TaskRanking]:
    """Rank the models of each task that has two or more data sets with the same primary metric."""
    board = leaderboard(view)
    baseline = board[board["model"] == BASELINE]
    dummy = {str(name): float(mean) for name, mean in zip(baseline["dataset"], baseline["mean"], strict=True)}
    rivals = board[board["model"] != BASELINE]
    tasks = rivals["dataset"].map({name: about["task"] for name, about in view.plan["datasets"].items()})
    return [
        _rank(view, str(task), cells, dummy)
        for task, cells in rivals.groupby(tasks, sort=False)
        if len(set(cells["dataset"])) > 1 and len(cells[["model", "variant"]].drop_duplicates()) > 1
    ]


def _judge(task: str, verdicts: Sequence[Verdict], rope: float) -> TaskVerdict:
    differences = np.array([one.difference.mean / one.scale for one in verdicts if one.difference is not None])
    p_value = wilcoxon_test(differences)
    posterior = bayesian_signed_rank_test(differences, rope=rope, seed=SEED)
    median = float(np.median(differences))
    answer, why = name_answer(median, p_value, posterior), ""
    if smallest_p_value(len(differences)) >= ALPHA and answer != "equivalent":
        answer, why = "can't tell", f"too few data sets: {len(differences)} can't give p below {ALPHA:g}"
    return TaskVerdict(
        task=task,
        datasets=tuple(one.dataset for one in verdicts),
        answer=answer,
        why=why,
        median=median,
        p_value=p_value,
        posterior=posterior,
        rope=rope,
    )


def _rank(view: Run, task: str, cells: pd.DataFrame, baseline: Mapping[str, float]) -> TaskRanking:
    names: list[Name] = list(dict.fromkeys(zip(cells["model"], cells["variant"], strict=True)))
    datasets = [str(name) for name in dict.fromkeys(cells["dataset"])]
    scores, planned = _scores(view, cells, datasets, names)
    whole = np.flatnonzero(np.isfinite(scores).all(axis=0))
    failed = planned & np.isnan(scores)
    omnibus = friedman_test(scores) if np.isfinite(scores).all() else skillings_mack_test(scores)
    families = dict(zip(cells["model"], cells["family"], strict=True))
    scale = _scale(view, datasets, baseline)
    return TaskRanking(
        task=task,
        names=tuple(names),
        families=tuple(str(families[model]) for model, _ in names),
        datasets=tuple(datasets),
        scores=scores,
        scale=scale,
        holes=int(failed.sum()),
        omnibus=omnibus,
        worst=_with_failures_last(scores, failed) if failed.any() else None,
        standings=bootstrap_ranks(scores[:, whole], seed=SEED) if len(whole) > 1 else None,
        complete=tuple(map(int, whole)),
        groups=_groups(scores, scale, omnibus.mean_ranks, whole, view.grouping),
        grouping=view.grouping,
    )


def _scores(view: Run, cells: pd.DataFrame, datasets: list[str], names: list[Name]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean scores, bigger is better, NaN for a hole, and which cells were planned: data sets by models."""
    scores, planned = np.full((len(datasets), len(names)), np.nan), np.zeros((len(datasets), len(names)), dtype=bool)
    for cell in cells.to_dict("records"):
        place = datasets.index(cell["dataset"]), names.index((cell["model"], cell["variant"]))
        scores[place] = view.sign(cell["metric"]) * cell["mean"]
        planned[place] = True
    return scores, planned


def _scale(view: Run, datasets: Iterable[str], baseline: Mapping[str, float]) -> np.ndarray:
    """Return what brings each data set to the common scale, shape (n_datasets, 1); NaN where it is not known."""
    is_error = [not view.greater_is_better(view.primary(name)) for name in datasets]
    shares = [baseline.get(name, np.nan) if wrong else 1.0 for name, wrong in zip(datasets, is_error, strict=True)]
    return np.array(shares)[:, None]


def _with_failures_last(scores: np.ndarray, failed: np.ndarray) -> Omnibus:
    filled = np.where(failed, np.nanmin(scores, axis=1, keepdims=True) - 1, scores)
    return friedman_test(filled) if np.isfinite(filled).all() else skillings_mack_test(filled)


def _groups(
    scores: np.ndarray, scale: np.ndarray, mean_ranks: np.ndarray, whole: np.ndarray, grouping: str
) -> list[Group] | None:
    """Group the models without holes that can't be told apart: by ranks, or by differences on the common scale."""
    if len(whole) < 2 or (grouping == WILCOXON and not np.isfinite(scale).all()):
        return None
    p_values = (
        pairwise_wilcoxon_test((scores / scale)[:, whole]) if grouping == WILCOXON else nemenyi_test(scores[:, whole])
    )
    alike = find_homogeneous_groups(mean_ranks[whole], p_values, alpha=ALPHA)
    return [tuple(int(whole[place]) for place in group) for group in alike]
