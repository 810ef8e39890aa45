"""What a run says of deep against classical as plain values, for programs: the content of `verdict.json`."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from bakeoff.reports.run_data.run import FAMILIES, Run
from bakeoff.reports.sections.task_table import summarise_run
from bakeoff.reports.verdicts.per_dataset import Verdict, judge_datasets
from bakeoff.reports.verdicts.per_task import TaskRanking, judge_tasks, rank_tasks
from bakeoff.reports.verdicts.selection import SelectedModel

SCHEMA = 1
ENDS = ("value", "low", "high")


def build_verdict_record(view: Run) -> dict[str, Any]:
    """Return everything that the report's verdicts and rankings say.

    Returns
    -------
    dict
        `headline` and `sentences`; `statistics`, what they rest on; `datasets`, `tasks` and `rankings`. Differences are
        deep minus classical, bigger is better; means and scores of champions are in the metric's own units.
    """
    summary = summarise_run(view)
    return {
        "schema": SCHEMA,
        "headline": summary.headline,
        "sentences": summary.sentences,
        "statistics": {"rope": view.rope, "groups": view.grouping},
        "datasets": [_verdict(one, view.sign(one.metric)) for one in judge_datasets(view)],
        "tasks": [asdict(one) for one in judge_tasks(view)],
        "rankings": [_ranking(one) for one in rank_tasks(view)],
    }


def _verdict(verdict: Verdict, sign: int) -> dict[str, Any]:
    named = ("dataset", "task", "metric", "answer", "why", "test", "scale", "rope", "more_folds", "cost_ratio")
    return {
        **{name: getattr(verdict, name) for name in named},
        "cost_unit": dict(zip(("deep", "classical"), verdict.cost_units, strict=True)),
        "difference": asdict(verdict.difference) if verdict.difference else None,
        "posterior": asdict(verdict.posterior) if verdict.posterior else None,
        "champions": {family: _champion(verdict.selected.get(family), sign) for family in FAMILIES},
        "use": _champion(verdict.use, sign),
    }


def _champion(selection: SelectedModel | None, sign: int) -> Mapping[str, Any] | None:
    if selection is None:
        return None
    folds = zip(selection.chosen, selection.fits, selection.scores, strict=True)
    return {
        **dict(zip(("model", "variant"), selection.most_chosen, strict=True)),
        "mean": sign * selection.mean,
        "cost_s": selection.cost_s,
        "cost_unit": selection.cost_unit,
        "folds": [
            {"model": model, "variant": variant, "fit": fit, "score": sign * score}
            for (model, variant), fit, score in folds
        ],
    }


def _ranking(ranking: TaskRanking) -> dict[str, Any]:
    worst = None if ranking.worst is None else ranking.worst.p_value
    return {
        "task": ranking.task,
        "datasets": ranking.datasets,
        "holes": ranking.holes,
        "omnibus": {"statistic": ranking.omnibus.statistic, "p_value": ranking.omnibus.p_value, "holes_last": worst},
        "grouping": ranking.grouping,
        "models": [_standing(ranking, place) for place in range(len(ranking.names))],
        "groups": None
        if ranking.groups is None
        else [[_named(ranking, one) for one in group] for group in ranking.groups],
    }


def _standing(ranking: TaskRanking, place: int) -> dict[str, Any]:
    """Return where a model stands; without intervals, win rate and rating if it is missing somewhere."""
    known = {**_named(ranking, place), "family": ranking.families[place]}
    rank = float(ranking.omnibus.mean_ranks[place])
    if ranking.standings is None or place not in ranking.complete:
        return {**known, "mean_rank": {"value": rank, "low": None, "high": None}, "win_rate": None, "elo": None}
    column, found = ranking.complete.index(place), ranking.standings
    shares = {"mean_rank": found.mean_rank, "win_rate": found.win_rate, "elo": found.elo}
    return {**known, **{name: _with_ends(values[:, column]) for name, values in shares.items()}}


def _named(ranking: TaskRanking, place: int) -> dict[str, str]:
    return dict(zip(("model", "variant"), ranking.names[place], strict=True))


def _with_ends(values: np.ndarray) -> dict[str, float]:
    return dict(zip(ENDS, map(float, values), strict=True))
