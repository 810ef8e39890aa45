"""Learning curves: the champions of both families by training rows."""

import math
from collections.abc import Sequence
from statistics import stdev

from bakeoff.reports.cells.tables import describe_metric
from bakeoff.reports.drawing.figure import Axis, Figure, Trace, slugify
from bakeoff.reports.formats import decimals_for, format_value
from bakeoff.reports.run_data.run import FAMILIES, Run
from bakeoff.reports.sections.learning_table import render_learning_curves
from bakeoff.reports.verdicts.learning_curves import LearningCurve, SizeComparison
from bakeoff.reports.verdicts.selection import SelectedModel, format_selection

Guide = tuple[tuple[float, float], tuple[float, float]]


def build_learning_curve_figure(view: Run, curve: LearningCurve) -> Figure | None:
    """Draw the champions of a data set at each size; None if there are fewer than two sizes."""
    sizes = [size for size in curve.sizes if size.selected]
    if len({size.rows for size in sizes}) < 2:
        return None
    sign = view.sign(curve.metric)
    traces = tuple(_trace(family, sizes, sign) for family in FAMILIES if any(family in size.selected for size in sizes))
    return Figure(
        key=slugify(curve.dataset, "learning-curve"),
        title=f"{curve.dataset}: {curve.metric} by training rows",
        caption=render_learning_curves(view)[curve.dataset],
        x=Axis(title="training rows", is_log=True),
        y=Axis(title=describe_metric(view, curve.metric)),
        traces=traces,
        guides=_guides(curve, traces),
    )


def _trace(family: str, sizes: Sequence[SizeComparison], sign: int) -> Trace:
    found = [(size, size.selected[family]) for size in sizes if family in size.selected]
    means, spreads = [sign * side.mean for _, side in found], [_spread(side) for _, side in found]
    decimals = decimals_for(means, spreads)
    return Trace(
        name=f"{family} champion",
        x=[size.rows for size, _ in found],
        y=means,
        low=[mean - spread for mean, spread in zip(means, spreads, strict=True)],
        high=[mean + spread for mean, spread in zip(means, spreads, strict=True)],
        colour=family,
        family=family,
        texts=[
            f"{size.rows:,.0f} rows: {format_selection(side)} {format_value(mean, decimals)}"
            for (size, side), mean in zip(found, means, strict=True)
        ],
    )


def _guides(curve: LearningCurve, traces: Sequence[Trace]) -> tuple[Guide, ...]:
    """Mark where one family overtakes the other for good, and the ends of the interval that lie within the data."""
    shown = next((one for one in curve.crossings.values() if one.is_within), None)
    rows = [size.rows for size in curve.compared]
    places = [] if shown is None else [one for one in (shown.at, shown.low, shown.high) if rows[0] <= one <= rows[-1]]
    ends = min(min(trace.low) for trace in traces), max(max(trace.high) for trace in traces)
    return tuple(((place, ends[0]), (place, ends[1])) for place in places)


def _spread(side: SelectedModel) -> float:
    return stdev(side.scores) if len(side.scores) > 1 and all(map(math.isfinite, side.scores)) else 0.0
