"""The critical-difference diagram: mean ranks over the data sets of a task, and who can't be told apart."""

import math
from collections.abc import Iterator, Mapping

from bakeoff.reports.drawing.figure import Axis, Figure, Trace, slugify
from bakeoff.reports.drawing.palette import colours
from bakeoff.reports.run_data.run import Run
from bakeoff.reports.sections.task_table import GROUPINGS, render_rank_tests
from bakeoff.reports.verdicts.per_task import TaskRanking

ROW_PX, PADDING_PX = 24, 110
STEP = 0.03  # between two bars of groups, as a share of the number of models


def build_rank_diagram(view: Run, ranking: TaskRanking) -> Figure:
    """Draw mean ranks with their bootstrap intervals, one model a row, and a bar for each group of equals.

    References
    ----------
    Demsar 2006, Statistical Comparisons of Classifiers over Multiple Data Sets; Benavoli et al. 2016 for the groups.
    """
    ranks = ranking.omnibus.mean_ranks
    order = sorted(range(len(ranks)), key=lambda place: (ranks[place], place))
    row_of = {place: row for row, place in enumerate(order)}
    what = f"{ranking.task}: mean ranks over {len(ranking.datasets)} data sets"
    return Figure(
        key=slugify(ranking.task, "ranks"),
        title=what,
        caption=f"{what}, 1 is best. A bar joins models that can't be told apart by {GROUPINGS[ranking.grouping]}. "
        f"{render_rank_tests(view)[ranking.task]}",
        x=Axis(title="mean rank, with its 95 % interval"),
        y=Axis(names=tuple(" ".join(ranking.names[place]) for place in order), is_reversed=True),
        traces=(*_bars(ranking, row_of), *(_point(view, ranking, place, row_of[place]) for place in order)),
        height=ROW_PX * len(order) + PADDING_PX,
    )


def _point(view: Run, ranking: TaskRanking, place: int, row: int) -> Trace:
    (model, variant), rank = ranking.names[place], float(ranking.omnibus.mean_ranks[place])
    low = high = math.nan
    if ranking.standings is not None and place in ranking.complete:
        _, low, high = map(float, ranking.standings.mean_rank[:, ranking.complete.index(place)])
    return Trace(
        x=[rank],
        y=[row],
        low=[low],
        high=[high],
        error_axis="x",
        style="points",
        colour=colours(view)[model],
        family=ranking.families[place],
        texts=[f"{model} ({variant}): mean rank {rank:.2f}"],
    )


def _bars(ranking: TaskRanking, row_of: Mapping[int, int]) -> Iterator[Trace]:
    """Draw each group of two or more left of the ranks."""
    groups = [group for group in ranking.groups or [] if len(group) > 1]
    step = STEP * len(ranking.names)
    for number, group in enumerate(groups, start=1):
        rows = sorted(row_of[place] for place in group)
        named = ", ".join(" ".join(ranking.names[place]) for place in sorted(group, key=row_of.__getitem__))
        yield Trace(
            x=[1 - number * step] * len(rows), y=rows, style="both", texts=[f"can't be told apart: {named}"] * len(rows)
        )
