"""Score or rank against cost: each model's training time, latency and memory, and who is nowhere beaten on both."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from bakeoff.reports.cells.tables import Rows, describe_metric, rows_of
from bakeoff.reports.drawing.figure import Axis, Figure, Trace, slugify
from bakeoff.reports.drawing.palette import colours
from bakeoff.reports.formats import decimals_for, format_megabytes, format_seconds, format_value
from bakeoff.reports.run_data.leaderboard import cells_of, leaderboard
from bakeoff.reports.run_data.run import BASELINE, Run
from bakeoff.reports.verdicts.per_task import TaskRanking

COSTS = {
    "cost_s": ("training time with tuning (CPU or GPU s)", "training time", format_seconds),
    "latency_ms": ("latency (ms for 1,000 rows)", "latency", lambda value: f"{value:.3g} ms for 1,000 rows"),
    "peak_mb": ("peak memory (MB)", "memory", format_megabytes),
}


def build_tradeoffs(view: Run, dataset: str) -> Iterator[Figure]:
    """Draw the score of a data set's models against each cost; the better variant of a model is drawn strong."""
    cells = cells_of(view, dataset)
    cells = cells[cells["mean"].notna() & (cells["model"] != BASELINE)]
    for cost in COSTS:
        known = cells[cells[cost] > 0]
        if len(known) > 1:
            yield _tradeoff(view, dataset, cost, rows_of(known.sort_values(cost)))


def build_rank_tradeoff(view: Run, ranking: TaskRanking) -> Figure | None:
    """Draw mean ranks over the data sets of a task against the cost, for models with a mean on all of them.

    The cost is a multiple of the cheapest model's on the same data set, averaged by the geometric mean.
    """
    board = leaderboard(view)
    costs = board.pivot_table(index=["model", "variant"], columns="dataset", values="cost_s")
    costs = costs.reindex(index=[ranking.names[place] for place in ranking.complete], columns=list(ranking.datasets))
    logs = costs.where(costs > 0).map(math.log)
    ratios = (logs - logs.min()).mean(axis=1, skipna=False).map(math.exp).dropna()
    places = [place for place in ranking.complete if ranking.names[place] in ratios.index]
    if len(places) < 2:
        return None
    times = [float(ratios[ranking.names[place]]) for place in places]
    ranks = [float(ranking.omnibus.mean_ranks[place]) for place in places]
    front = find_pareto_front(times, [-rank for rank in ranks])
    named = ", ".join(" ".join(ranking.names[places[one]]) for one in front)
    best = {ranking.names[place][0]: place for _, place in sorted(zip(ranks, places, strict=True), reverse=True)}
    what = f"{ranking.task}: mean rank and training time over {len(ranking.datasets)} data sets"
    return Figure(
        key=slugify(ranking.task, "rank-and-training-time"),
        title=what,
        caption=f"{what}, tuning included. On the Pareto front: {named}.",
        x=Axis(title="training time, as a multiple of the cheapest model's (geometric mean)", is_log=True),
        y=Axis(title="mean rank", is_reversed=True),
        traces=(
            Trace(x=[times[one] for one in front], y=[ranks[one] for one in front], style="line", is_dashed=True),
            *(
                _ranked(view, ranking, place, time, rank, is_named=best[ranking.names[place][0]] == place)
                for place, time, rank in zip(places, times, ranks, strict=True)
            ),
        ),
    )


def find_pareto_front(costs: Sequence[float], scores: Sequence[float]) -> list[int]:
    """Return the places of the Pareto front, cheapest first: nothing is both cheaper (or equal) and better.

    Parameters
    ----------
    costs, scores : sequence of float
        Smaller costs and bigger scores are better.
    """
    front: list[int] = []
    for place in sorted(range(len(costs)), key=lambda one: (costs[one], -scores[one])):
        if not front or scores[place] > scores[front[-1]]:
            front.append(place)
    return front


def _tradeoff(view: Run, dataset: str, cost: str, cells: Rows) -> Figure:
    metric = view.primary(dataset)
    title, what, shown = COSTS[cost]
    decimals = decimals_for([cell["mean"] for cell in cells], [cell["std"] for cell in cells])
    front = find_pareto_front([cell[cost] for cell in cells], [view.sign(metric) * cell["mean"] for cell in cells])
    best = {cell["model"]: cell["variant"] for cell in sorted(cells, key=lambda cell: -cell["rank"])}
    named = [f"{cells[place]['model']} ({cells[place]['variant']})" for place in front]
    on_front = Trace(
        x=[cells[place][cost] for place in front],
        y=[cells[place]["mean"] for place in front],
        style="line",
        is_dashed=True,
    )
    return Figure(
        key=slugify(dataset, "score-and", what),
        title=f"{dataset}: {metric} and {what}",
        caption=f"{describe_metric(view, metric)} against {what}. On the Pareto front: {', '.join(named)}.",
        x=Axis(title=title, is_log=True),
        y=Axis(title=describe_metric(view, metric)),
        traces=(
            on_front,
            *(
                _point(view, cell, cost, shown, decimals, is_named=best[cell["model"]] == cell["variant"])
                for cell in cells
            ),
        ),
    )


def _ranked(view: Run, ranking: TaskRanking, place: int, time: float, rank: float, *, is_named: bool) -> Trace:
    model, variant = ranking.names[place]
    return Trace(
        name=model if is_named else "",
        x=[time],
        y=[rank],
        style="points",
        colour=colours(view)[model],
        family=ranking.families[place],
        texts=[f"{model} ({variant}): mean rank {rank:.2f}, {time:.3g} times the cheapest"],
        is_faint=not is_named,
    )


def _point(view: Run, cell: dict[str, Any], cost: str, shown: Any, decimals: int, *, is_named: bool) -> Trace:
    std = cell["std"] if math.isfinite(cell["std"]) else 0.0
    text = f"{cell['model']} ({cell['variant']}): {format_value(cell['mean'], decimals)}, {shown(cell[cost])}"
    return Trace(
        name=cell["model"] if is_named else "",
        x=[cell[cost]],
        y=[cell["mean"]],
        low=[cell["mean"] - std],
        high=[cell["mean"] + std],
        style="points",
        colour=colours(view)[cell["model"]],
        family=cell["family"],
        texts=[text],
        is_faint=not is_named,
    )
