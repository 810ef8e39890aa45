"""What all data sets of a task say, in tables and in sentences."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bakeoff.reports.cells.tables import Cell, Column, Table, number_cell, plain_columns
from bakeoff.reports.formats import NO_VALUE, format_value
from bakeoff.reports.run_data.run import Run, cached
from bakeoff.reports.sections.verdict_table import (
    ANSWERS,
    format_p_value,
    format_posterior,
    render_headline,
    render_verdict,
)
from bakeoff.reports.verdicts.per_dataset import ALPHA, judge_datasets
from bakeoff.reports.verdicts.per_task import TaskRanking, TaskVerdict, judge_tasks, rank_tasks

GROUPINGS = {"wilcoxon-holm": "Wilcoxon's signed-rank test with Holm's correction", "nemenyi": "Nemenyi's test"}
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def render_task_verdict(verdict: TaskVerdict) -> str:
    """Say in one sentence what the data sets of a task say of deep against classical."""
    leader = "classical" if verdict.median < 0 else "deep"
    known = [format_posterior(verdict.posterior)] if verdict.posterior else []
    reason = "; ".join(
        [verdict.why] if verdict.why else [f"p {format_p_value(verdict.p_value)}, signed-rank test", *known]
    )
    return (
        f"Over the {len(verdict.datasets)} {verdict.task} data sets: {ANSWERS[verdict.answer]}; {leader} ahead by "
        f"{format_value(abs(verdict.median), 4)} in the median ({reason})."
    )


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """What a run comes to: in a sentence, for each task with several data sets, and for each data set."""

    headline: str
    tasks: tuple[str, ...]
    datasets: tuple[str, ...]

    @property
    def sentences(self) -> list[str]:
        """All but the headline."""
        return [*self.tasks, *self.datasets]


@cached
def summarise_run(view: Run) -> RunSummary:
    """Say what a run comes to."""
    verdicts = judge_datasets(view)
    return RunSummary(
        headline=render_headline(verdicts),
        tasks=tuple(map(render_task_verdict, judge_tasks(view))),
        datasets=tuple(map(render_verdict, verdicts)),
    )


def render_rank_test(ranking: TaskRanking) -> str:
    """Say whether the models of a task rank alike, and what holes change about it."""
    test = "Skillings and Mack's test" if ranking.holes else "Friedman's test"
    if not math.isfinite(ranking.omnibus.p_value):
        return "Too few models or data sets to test whether they rank alike."
    text = f"{_render_alike(ranking.omnibus.p_value)} ({test}, p {format_p_value(ranking.omnibus.p_value)})"
    if ranking.worst is None:
        return f"{text}."
    same = (ranking.worst.p_value < ALPHA) == (ranking.omnibus.p_value < ALPHA)
    but = "which says the same" if same else "which says otherwise: trust neither"
    holes = f"{ranking.holes} {'cell has' if ranking.holes == 1 else 'cells have'} failed folds"
    return f"{text}; {holes}, and ranking those last gives p {format_p_value(ranking.worst.p_value)}, {but}."


@cached
def render_rank_tests(view: Run) -> Mapping[str, str]:
    """Say it for each task."""
    return {ranking.task: render_rank_test(ranking) for ranking in rank_tasks(view)}


def build_overall(ranking: TaskRanking) -> Table:
    """Build the table of the models of a task over its data sets, best mean rank first."""
    order = np.argsort(ranking.omnibus.mean_ranks, kind="stable")
    letters = _letters(ranking)
    return Table(
        caption=f"{ranking.task}: models over {len(ranking.datasets)} data sets",
        columns=(
            *plain_columns("Model", "Variant"),
            Column(title="Mean rank", numeric=True, hint="1 is best; with its 95 % bootstrap interval over data sets"),
            Column(title="Win rate", numeric=True, hint="share of duels with other models that are won, ties as half"),
            Column(title="Elo", numeric=True, hint="mean 1000; 400 points are odds of ten to one"),
            Column(
                title="Group",
                hint=f"models that share a letter can't be told apart: {GROUPINGS[ranking.grouping]} at 5 %",
            ),
        ),
        rows=tuple(_row(ranking, int(place), letters) for place in order),
    )


def _row(ranking: TaskRanking, place: int, letters: Sequence[str]) -> tuple[Cell, ...]:
    model, variant = ranking.names[place]
    head = (Cell(text=model, family=ranking.families[place]), Cell(text=variant))
    if ranking.standings is None or place not in ranking.complete:
        rank = float(ranking.omnibus.mean_ranks[place])
        missing = (Cell(text=NO_VALUE, value=math.nan),) * 2
        return *head, number_cell(rank, format_value(rank, 1)), *missing, Cell(text=NO_VALUE)
    column = ranking.complete.index(place)
    found = ranking.standings
    return (
        *head,
        _interval_cell(found.mean_rank[:, column], 1),
        _interval_cell(found.win_rate[:, column], 2),
        _interval_cell(found.elo[:, column], 0),
        Cell(text=letters[place] or NO_VALUE),
    )


def _interval_cell(values: np.ndarray, decimals: int) -> Cell:
    shown, low, high = (format_value(float(value), decimals) for value in values)
    return Cell(text=shown, value=float(values[0]), note=f"[{low}, {high}]")


def _letters(ranking: TaskRanking) -> list[str]:
    """Give each group a letter, and a model those of its groups; one that differs from all has a letter of its own."""
    if ranking.groups is None:
        return [""] * len(ranking.names)
    grouped = {place for group in ranking.groups for place in group}
    groups = [*ranking.groups, *((place,) for place in ranking.complete if place not in grouped)]
    groups.sort(key=lambda group: min(ranking.omnibus.mean_ranks[place] for place in group))
    return [
        "".join(LETTERS[number % len(LETTERS)] for number, group in enumerate(groups) if place in group)
        for place in range(len(ranking.names))
    ]


def _render_alike(p_value: float) -> str:
    return "The models do not rank alike" if p_value < ALPHA else "The models can't be told apart by their ranks"
