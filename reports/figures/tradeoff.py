"""Score against what it costs: training time, latency and memory of each model, and who is nowhere beaten on both."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from bakeoff.reports.figures.figure import Axis, Figure, Trace, key_of
from bakeoff.reports.figures.palette import colours
from bakeoff.reports.formats import decimals_for, format_megabytes, format_seconds, format_value
from bakeoff.reports.sheets import Rows, describe_metric, rows_of
from bakeoff.reports.tables import BASELINE, Run, leaderboard

COSTS = {
    "cost_s": ("training time with tuning (CPU or GPU s)", "training time", format_seconds),
    "latency_ms": ("latency (ms for 1,000 rows)", "latency", lambda value: f"{value:.3g} ms for 1,000 rows"),
    "peak_mb": ("peak memory (MB)", "memory", format_megabytes),
}


def build_tradeoffs(view: Run, dataset: str) -> Iterator[Figure]:
    """Draw the score of a data set's models against each cost; the better variant of a model is drawn strong."""
    board = leaderboard(view)
    cells = board[(board["dataset"] == dataset) & board["mean"].notna() & (board["model"] != BASELINE)]
    for cost in COSTS:
        known = cells[cells[cost] > 0]
        if len(known) > 1:
            yield _tradeoff(view, dataset, cost, rows_of(known.sort_values(cost)))


def find_front(costs: Sequence[float], scores: Sequence[float]) -> list[int]:
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
    front = find_front([cell[cost] for cell in cells], [view.sign(metric) * cell["mean"] for cell in cells])
    best = {cell["model"]: cell["variant"] for cell in sorted(cells, key=lambda cell: -cell["rank"])}
    named = [f"{cells[place]['model']} ({cells[place]['variant']})" for place in front]
    on_front = Trace(
        x=[cells[place][cost] for place in front],
        y=[cells[place]["mean"] for place in front],
        style="line",
        is_dashed=True,
    )
    return Figure(
        key=key_of(dataset, "score-and", what),
        title=f"{dataset}: {metric} and {what}",
        said=f"{describe_metric(view, metric)} against {what}. On the Pareto front: {', '.join(named)}.",
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
