"""Learning curves in sentences and tables."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import stdev

import pandas as pd

from bakeoff.plain import format_percent
from bakeoff.reports.cells.tables import Cell, Column, Table, describe_metric, plain_columns, rows_of, score_cell
from bakeoff.reports.formats import NO_VALUE, decimals_for, format_difference
from bakeoff.reports.run_data.leaderboard import leaderboard_by_size
from bakeoff.reports.run_data.run import Run, cached
from bakeoff.reports.statistics.crossing import Crossing
from bakeoff.reports.verdicts.learning_curves import LearningCurve, SizeComparison, build_learning_curves

NOT_WITHIN = "not within this data"
HOW_TO_READ_CURVES = (
    "A learning curve trains every model on nested parts of each outer training part, too, and judges all of them on "
    "the same outer test folds. Champions are chosen anew at each size, by the inner scores of that size. Only the "
    "whole training part is ranked and judged elsewhere in this report.",
    "Deep overtakes classical where the mean of the fold-by-fold differences turns positive for good, linear in the "
    "logarithm of the rows between two sizes. The interval is that of 2,000 resamples of the outer folds (95 %, "
    "percentiles); since folds share rows it is rather too narrow. “Not within this data” means that deep is not ahead "
    "with all rows, or not in half of the resamples. The interval of each difference is that of the corrected "
    "resampled t-test, corrected at every size as for the whole parts, which have more in common than smaller ones.",
)


@dataclass(frozen=True, kw_only=True)
class LearningSection:
    """What the report says of learning curves; the last are all models at all sizes, a table for each data set."""

    sentences: tuple[str, ...]
    table: Table
    sizes: tuple[Table, ...]


def build_learning(view: Run) -> LearningSection | None:
    """Gather what the report says of learning curves; None for a run without any."""
    curves = build_learning_curves(view)
    if not curves:
        return None
    board = leaderboard_by_size(view)
    return LearningSection(
        sentences=tuple(render_learning_curves(view).values()),
        table=build_crossings(view, curves),
        sizes=tuple(build_sizes(view, curve.dataset, board) for curve in curves),
    )


def render_learning_curve(curve: LearningCurve) -> str:
    """Say in one sentence from how many training rows on deep is ahead of classical, or classical of deep."""
    if not curve.crossings:
        why = next((size.why for size in curve.sizes if size.why), "")
        return f"{curve.dataset}: no learning curve to compare: {why}."
    deep, classical = curve.crossings["deep"], curve.crossings["classical"]
    if deep.is_within:
        return f"{curve.dataset}: {_render_crossing('deep', 'classical', deep, curve)}."
    head = f"{curve.dataset}: deep does not overtake classical within this data"
    if classical.is_within:
        return f"{head}; {_render_crossing('classical', 'deep', classical, curve)}."
    return f"{head}, and neither stays ahead up to {_format_rows(curve.compared[-1].rows)} training rows."


@cached
def render_learning_curves(view: Run) -> Mapping[str, str]:
    """Say it for each data set that has a learning curve."""
    return {curve.dataset: render_learning_curve(curve) for curve in build_learning_curves(view)}


def build_crossings(view: Run, curves: Sequence[LearningCurve]) -> Table:
    """Build the table of learning curves, one row for each data set."""
    shares = sorted({size.train_fraction for curve in curves for size in curve.sizes})
    hint = "deep ahead by: mean over the folds with its 95 % interval, corrected for folds that share rows"
    return Table(
        caption="Deep ahead by, with growing shares of each training part",
        columns=(
            *plain_columns("Data set", "Deep overtakes classical"),
            *(Column(title=format_percent(train_fraction), numeric=True, hint=hint) for train_fraction in shares),
        ),
        rows=tuple(_crossing_row(view, curve, shares) for curve in curves),
    )


def build_sizes(view: Run, dataset: str, board: pd.DataFrame) -> Table:
    """Build the table of a data set's models at all sizes, best with most rows first; from `leaderboard_by_size`."""
    cells = board[board["dataset"] == dataset]
    metric = view.primary(dataset)
    decimals = decimals_for(cells["mean"], cells["std"])
    rows_at = dict(cells.groupby("train_fraction")["rows"].mean())
    order = cells.assign(score=view.sign(metric) * cells["mean"]).sort_values(
        ["train_fraction", "score"], ascending=False, kind="stable", na_position="last"
    )
    found = {(row["model"], row["variant"], row["train_fraction"]): row for row in rows_of(cells)}
    families = dict(zip(cells["model"], cells["family"], strict=True))
    names = dict.fromkeys(zip(order["model"], order["variant"], strict=True))
    return Table(
        caption=f"{dataset}: {describe_metric(view, metric)} by training rows, mean ± deviation over the outer folds",
        columns=(
            *plain_columns("Model", "Variant"),
            *(
                Column(
                    title=f"{_format_rows(rows)} rows",
                    numeric=True,
                    hint=f"{format_percent(train_fraction)} of the training part",
                )
                for train_fraction, rows in rows_at.items()
            ),
        ),
        rows=tuple(
            (
                Cell(text=model, family=families[model]),
                Cell(text=variant),
                *(score_cell(found.get((model, variant, train_fraction)), decimals) for train_fraction in rows_at),
            )
            for model, variant in names
        ),
    )


def _render_crossing(leader: str, other: str, crossing: Crossing, curve: LearningCurve) -> str:
    first, last = (_format_rows(curve.compared[place].rows) for place in (0, -1))
    interval = _format_interval(crossing, curve)
    if crossing.at == -math.inf:
        return f"{leader} is ahead of {other} at every size tried, from {first} to {last} training rows{interval}"
    return f"{leader} overtakes {other} at about {_format_rounded(crossing.at)} training rows{interval}"


def _format_interval(crossing: Crossing, curve: LearningCurve) -> str:
    """Say the interval of a crossing, unless it is ahead everywhere in all of it; "" without one."""
    if math.isnan(crossing.low) or crossing.high == -math.inf:
        return ""
    low = (
        f"below {_format_rows(curve.compared[0].rows)}" if crossing.low == -math.inf else _format_rounded(crossing.low)
    )
    high = "beyond this data" if crossing.high == math.inf else f"{_format_rounded(crossing.high)} rows"
    return f" (95 %: from {low}{' rows' if crossing.high == math.inf else ''} to {high})"


def _crossing_row(view: Run, curve: LearningCurve, shares: Sequence[float]) -> tuple[Cell, ...]:
    sizes = {size.train_fraction: size for size in curve.sizes}
    means = [size.difference.mean for size in curve.sizes if size.difference]
    decimals = decimals_for(means, [stdev(size.differences) for size in curve.compared if len(size.differences) > 1])
    return (
        Cell(text=curve.dataset, note=describe_metric(view, curve.metric)),
        _answer_cell(curve),
        *(_difference_cell(sizes.get(train_fraction), decimals) for train_fraction in shares),
    )


def _answer_cell(curve: LearningCurve) -> Cell:
    if not curve.crossings:
        return Cell(text=NO_VALUE, value=math.nan, note=next((size.why for size in curve.sizes if size.why), ""))
    deep, classical = curve.crossings["deep"], curve.crossings["classical"]
    if not deep.is_within:
        note = _render_classical(classical, curve) if classical.is_within else ""
        return Cell(text=NOT_WITHIN, value=math.inf, family="classical" if classical.is_within else "", note=note)
    text = "at every size tried" if deep.at == -math.inf else f"at about {_format_rounded(deep.at)} rows"
    return Cell(text=text, value=deep.at, family="deep", note=_format_interval(deep, curve).strip(" ()"))


def _render_classical(classical: Crossing, curve: LearningCurve) -> str:
    if classical.at == -math.inf:
        return "classical ahead at every size tried"
    return f"classical overtakes at about {_format_rounded(classical.at)} rows{_format_interval(classical, curve)}"


def _difference_cell(size: SizeComparison | None, decimals: int) -> Cell:
    if size is None or size.difference is None:
        return Cell(text=NO_VALUE, value=math.nan, note=size.why if size else "")
    found = size.difference
    ends = [format_difference(value, decimals) for value in (found.low, found.high)]
    interval = f"\n[{ends[0]}, {ends[1]}]" if math.isfinite(found.low) else ""
    return Cell(
        text=format_difference(found.mean, decimals), value=found.mean, note=f"{_format_rows(size.rows)} rows{interval}"
    )


def _format_rows(rows: float) -> str:
    return f"{rows:,.0f}" if math.isfinite(rows) else NO_VALUE


def _format_rounded(rows: float) -> str:
    """Return a number of rows with two digits that count."""
    digits = 1 - math.floor(math.log10(rows))
    return f"{round(rows, min(digits, 0)):,.0f}"
