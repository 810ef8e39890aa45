"""The tables of one data set: its cells ranked by the primary metric, and all other metrics."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from bakeoff.reports.cells.strip_plots import Axis, build_axis, build_mark, build_strip_plot
from bakeoff.reports.cells.tables import (
    Cell,
    Column,
    Rows,
    Table,
    describe_metric,
    number_cell,
    plain_columns,
    rows_of,
    score_cell,
    seconds_cell,
)
from bakeoff.reports.formats import MINUS, NO_VALUE, decimals_for, format_megabytes, format_value
from bakeoff.reports.run_data.fits import fits_of
from bakeoff.reports.run_data.leaderboard import cells_of
from bakeoff.reports.run_data.published import describe_sources, number_sources, published_of, weave
from bakeoff.reports.run_data.published_file import PublishedScore
from bakeoff.reports.run_data.run import BASELINE, Run

NAME_COLUMNS = (Column(title="#", numeric=True, hint="rank by the mean"), *plain_columns("Model", "Variant"))
COST_COLUMNS = (
    Column(title="Fit", numeric=True, hint="mean wall time of the last fit, tuning left out"),
    Column(title="Tune", numeric=True, hint="mean wall time of tuning"),
    Column(title="CPU", numeric=True, hint="mean CPU time of everything in the fit's process"),
    Column(title="Memory", numeric=True, hint="mean of the largest memory of the fit's process"),
)
Folds = Mapping[tuple[str, str], list[float]]
BESIDE = "published"  # what stands for the variant of a published score, and the look of its mark
EMPTY = number_cell(math.nan, "")


def build_ranking(view: Run, dataset: str) -> Table:
    """Build the ranked table of one data set, with published scores of its primary metric among the rows."""
    metric, fits, cells = view.primary(dataset), fits_of(view, dataset), cells_of(view, dataset)
    rows = _marked_rows(view, cells)
    decimals = decimals_for(cells["mean"], cells["std"])
    folds: dict[tuple[str, str], list[float]] = {_key(row): [] for row in rows}
    for model, variant, score in zip(fits["model"], fits["variant"], fits[f"metrics.{metric}"], strict=True):
        folds[model, variant].append(float(score))
    axis = _ranking_axis(view, rows, folds)
    published = [score for score in published_of(view, dataset) if score.metric == metric]
    sources = number_sources(published)
    better = "higher" if view.greater_is_better(metric) else "lower"
    return Table(
        caption=f"{dataset}: models ranked by {metric}, {better} is better",
        columns=(
            *NAME_COLUMNS,
            Column(
                title=describe_metric(view, metric),
                numeric=True,
                hint="mean ± standard deviation over the outer folds",
            ),
            Column(title="Outer folds", is_picture=True, axis=axis),
            *COST_COLUMNS,
        ),
        rows=tuple(
            _published_row(row, sources, axis)
            if isinstance(row, PublishedScore)
            else _ranking_row(row, folds[_key(row)], axis, decimals)
            for row in weave(rows, published, sign=view.sign(metric))
        ),
        head=1,
        notes=describe_sources(published),
    )


def build_other_metrics(view: Run, dataset: str) -> Table:
    """Build the table of the metrics beside the primary one, in the order of the ranking; published scores last."""
    names, cells = view.other_metrics(dataset), cells_of(view, dataset)
    decimals = {name: decimals_for(cells[f"metrics.{name}"], ()) for name in names}
    metrics = (Column(title=describe_metric(view, name), numeric=True) for name in names)
    published = [score for score in published_of(view, dataset) if score.metric in decimals]
    predict = Column(title="Predict", numeric=True, hint="mean wall time on the outer test part")
    return Table(
        caption=f"{dataset}: other metrics, means over the outer folds",
        columns=(*NAME_COLUMNS, *metrics, predict),
        rows=(
            *(_metrics_row(row, decimals) for row in _marked_rows(view, cells)),
            *_published_metrics(published, names),
        ),
        head=1,
        notes=describe_sources(published),
    )


def _marked_rows(view: Run, cells: pd.DataFrame) -> Rows:
    """Return the rows of a data set, each with the mark of a model that is pretrained."""
    pretrained = view.plan.get("pretrained") or {}
    return [{**row, "mark": "pretrained" if row["model"] in pretrained else ""} for row in rows_of(cells)]


def _metrics_row(row: Mapping[str, Any], decimals: Mapping[str, int]) -> tuple[Cell, ...]:
    values = {name: row[f"metrics.{name}"] for name in decimals}
    cells = (number_cell(value, format_value(value, decimals[name])) for name, value in values.items())
    return *_name_cells(row), *cells, seconds_cell(row["predict_s"])


def _published_metrics(published: Sequence[PublishedScore], names: Sequence[str]) -> Iterator[tuple[Cell, ...]]:
    """Yield a row for each model of each source."""
    sources, found = number_sources(published), dict[tuple[str, str], dict[str, PublishedScore]]()
    for score in published:
        found.setdefault((score.model, score.source), {})[score.metric] = score
    for scores in found.values():
        first = next(iter(scores.values()))
        cells = (_published_cell(scores[name]) if name in scores else EMPTY for name in names)
        yield *_published_name(first, sources), *cells, EMPTY


def _published_row(score: PublishedScore, sources: Mapping[str, int], axis: Axis | None) -> tuple[Cell, ...]:
    mark = build_mark(score.value, axis, label=f"{score.model}, published: {score.text}", family=BESIDE)
    return *_published_name(score, sources), _published_cell(score), Cell(strip=mark), *(EMPTY for _ in COST_COLUMNS)


def _published_name(score: PublishedScore, sources: Mapping[str, int]) -> tuple[Cell, Cell, Cell]:
    named = Cell(text=f"{BESIDE} [{sources[score.source]}]", hint=score.source)
    return EMPTY, Cell(text=score.model, is_beside=True), named


def _published_cell(score: PublishedScore) -> Cell:
    return number_cell(score.value, score.text.replace("-", MINUS))


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["model"], row["variant"]


def _ranking_axis(view: Run, rows: Rows, folds: Folds) -> Axis | None:
    """Let the axis follow the models that matter: the dummy's folds would squeeze all others together."""
    rivals = [row for row in rows if row["model"] != BASELINE] or rows
    best = next((row["mean"] for row in rows if row["rank"] == 1), None)
    values = (value for row in rivals for value in folds[_key(row)])
    return build_axis(values, greater_is_better=bool(rows) and view.greater_is_better(rows[0]["metric"]), guide=best)


def _name_cells(row: Mapping[str, Any]) -> tuple[Cell, Cell, Cell]:
    rank = row["rank"]
    shown = f"{rank:.0f}" if math.isfinite(rank) else NO_VALUE
    model = Cell(text=row["model"], family=row["family"], note=row["mark"])
    return number_cell(rank, shown), model, Cell(text=row["variant"])


def _ranking_row(row: Mapping[str, Any], folds: list[float], axis: Axis | None, decimals: int) -> tuple[Cell, ...]:
    listed = ", ".join(format_value(value, decimals) for value in folds)
    mean = f"mean {format_value(row['mean'], decimals)}" if not row["hole"] else "no mean"
    label = f"{row['model']} {row['variant']}, folds {listed}; {mean}"
    strip = build_strip_plot(folds, axis, mean=row["mean"], label=label, family_of=lambda _: row["family"])
    return (
        *_name_cells(row),
        score_cell(row, decimals),
        Cell(strip=strip, note=row["hole"]),
        *(seconds_cell(row[name]) for name in ("fit_s", "tune_s", "cpu_s")),
        number_cell(row["peak_mb"], format_megabytes(row["peak_mb"])),
    )
