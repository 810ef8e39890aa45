"""Sheets: the tables of the report as cells of text, the same for the page and for Markdown."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from bakeoff.reports.numbers import (
    NONE,
    decimals_for,
    format_difference,
    format_megabytes,
    format_seconds,
    format_value,
)
from bakeoff.reports.strips import Axis, Strip, build_axis, build_even_axis, build_strip
from bakeoff.reports.tables import BASELINE, FAMILIES, Run, failures, fold_scores

Rows = list[dict[str, Any]]
MIDDLE_DOT = "\N{MIDDLE DOT}"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What stands in one place of a table.

    Parameters
    ----------
    text : str
    value : float, optional
        What the column is sorted by, instead of the text; NaN comes last.
    family : str
        Marks the cell as classical or deep.
    note : str
        A smaller line below.
    strip : Strip, optional
        A picture instead of text.
    place, trace : str
        Where a fit failed, and its traceback.
    """

    text: str = ""
    value: float | None = None
    family: str = ""
    note: str = ""
    strip: Strip | None = None
    place: str = ""
    trace: str = ""

    @property
    def sort_key(self) -> str:
        """What the page's script compares; empty comes last."""
        if self.value is None:
            return self.text.casefold()
        return f"{self.value!r}" if math.isfinite(self.value) else ""


@dataclass(frozen=True, kw_only=True)
class Column:
    """The head of a column; a picture's column shows the axis and is not sorted."""

    title: str
    numeric: bool = False
    hint: str = ""
    is_picture: bool = False
    axis: Axis | None = None


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A table: its caption, columns and rows; `head` is the column that names a row."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...] = field(default=())
    head: int = 0


def describe_metric(view: Run, metric: str) -> str:
    """Return a metric's name with an arrow towards better."""
    return f"{metric} {'↑' if view.greater_is_better(metric) else '↓'}"


def build_ranking(view: Run, dataset: str, fits: pd.DataFrame, cells: pd.DataFrame) -> Sheet:
    """Build the ranked table of one data set."""
    metric, rows = view.primary(dataset), _rows(cells)
    decimals = decimals_for(cells["mean"], cells["std"])
    folds = {_key(row): fold_scores(fits, dataset, row["model"], row["variant"], metric) for row in rows}
    axis = _ranking_axis(rows, folds)
    better = "higher" if view.greater_is_better(metric) else "lower"
    columns = (
        Column(title="#", numeric=True, hint="rank by the mean"),
        Column(title="Model"),
        Column(title="Variant"),
        Column(
            title=describe_metric(view, metric),
            numeric=True,
            hint=f"mean ± standard deviation over the outer folds; {better} is better",
        ),
        Column(title="Outer folds", is_picture=True, axis=axis),
        Column(title="Fit", numeric=True, hint="mean wall time of the last fit, tuning left out"),
        Column(title="Tune", numeric=True, hint="mean wall time of tuning"),
        Column(title="CPU", numeric=True, hint="mean CPU time of everything in the fit's process"),
        Column(title="Memory", numeric=True, hint="mean of the largest memory of the fit's process"),
    )
    body = tuple(_ranking_row(row, folds[_key(row)], axis, decimals) for row in rows)
    return Sheet(
        caption=f"{dataset}: models ranked by {metric}, {better} is better", columns=columns, rows=body, head=1
    )


def build_other_metrics(view: Run, dataset: str, cells: pd.DataFrame) -> Sheet:
    """Build the table of the metrics beside the primary one, in the order of the ranking."""
    names = view.other_metrics(dataset)
    decimals = {name: decimals_for(cells[f"metrics.{name}"], ()) for name in names}
    columns = [Column(title="#", numeric=True), Column(title="Model"), Column(title="Variant")]
    columns += [Column(title=describe_metric(view, name), numeric=True) for name in names]
    columns.append(Column(title="Predict", numeric=True, hint="mean wall time on the outer test part"))
    rows = tuple(
        (
            *_name_cells(row),
            *(
                Cell(text=format_value(row[f"metrics.{name}"], decimals[name]), value=row[f"metrics.{name}"])
                for name in names
            ),
            _seconds(row["predict_s"]),
        )
        for row in _rows(cells)
    )
    return Sheet(
        caption=f"{dataset}: other metrics, means over the outer folds", columns=tuple(columns), rows=rows, head=1
    )


def build_standing(standings: pd.DataFrame) -> Sheet:
    """Build the table of the best deep against the best classical cell of each data set."""
    titles = ("Data set", "Metric", "Best deep", "Best classical")
    columns = (
        *(Column(title=title) for title in titles),
        Column(
            title="Deep − classical",
            numeric=True,
            hint="mean of the fold-by-fold differences; above zero, deep is better",
        ),  # noqa: RUF001 - a minus sign
        Column(title="Fold by fold", is_picture=True),
    )
    return Sheet(
        caption="Best deep against best classical model. Both were picked on these same outer scores; the difference is not tested.",
        columns=columns,
        rows=tuple(_standing_row(row) for row in _rows(standings)),
    )


def say_standing(row: Mapping[str, Any]) -> str:
    """Say in one sentence where deep and classical stand on a data set."""
    decimals = _decimals_of_standing(row)
    sides = [_say_champion(row, family, decimals) for family in reversed(FAMILIES)]
    if not row["differences"]:
        return f"{row['dataset']}: {', '.join(sides)}"
    difference = format_difference(row["difference"], decimals)
    return f"{row['dataset']}: {', '.join(sides)}; difference {difference} {row['metric']}. Picked on outer scores, not tested"


def leader_of(row: Mapping[str, Any]) -> str:
    """Return the family that is ahead at the digits shown; "level" at equality, "" if a family is missing."""
    if not row["differences"]:
        return ""
    shown = round(row["difference"], _decimals_of_standing(row))
    return "level" if shown == 0 else FAMILIES[int(shown > 0)]


def build_failures(view: Run) -> Sheet:
    """Build the table of fits that are not ok; folds of one cell that failed alike share a row."""
    keys = ["dataset", "model", "variant", "status", "reason"]
    frame = failures(view)
    rows = tuple(_failure_row(group) for _, group in frame.groupby(keys, sort=False)) if len(frame) else ()
    titles = ("Status", "Data set", "Model", "Variant", "Folds", "Reason", "Fit")
    return Sheet(
        caption="Fits without scores", columns=tuple(Column(title=title) for title in titles), rows=rows, head=2
    )


def build_skips(view: Run) -> Sheet:
    """Build the table of what was not planned, one row for each model and reason."""
    groups: dict[tuple[str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for skip in view.plan["skips"]:
        variants, datasets = groups.setdefault((skip["model"], skip["reason"]), ({}, {}))
        variants[skip["variant"]] = datasets[skip["dataset"]] = None
    rows = tuple(
        tuple(Cell(text=text) for text in (model, reason, ", ".join(variants), ", ".join(datasets)))
        for (model, reason), (variants, datasets) in groups.items()
    )
    titles = ("Model", "Reason", "Variants", "Data sets")
    return Sheet(caption="Left out by the plan", columns=tuple(Column(title=title) for title in titles), rows=rows)


def build_budget(spent: pd.DataFrame) -> Sheet:
    """Build the table of what each cell spent."""
    titles = ("Fits", "Trials", "Failed trials", "Tuning", "CPU")
    columns = [Column(title=title) for title in ("Data set", "Model", "Variant")]
    columns += [Column(title=title, numeric=True) for title in titles]
    rows = tuple(
        (
            *(Cell(text=row[name]) for name in ("dataset", "model", "variant")),
            *(Cell(text=str(row[name]), value=row[name]) for name in ("fits", "trials", "trials_failed")),
            _seconds(row["tune_s"]),
            _seconds(row["cpu_s"]),
            Cell(text=row["flags"]),
        )
        for row in _rows(spent)
    )
    return Sheet(
        caption="Spent, summed over the fits of a cell", columns=(*columns, Column(title="Remarks")), rows=rows, head=1
    )


def _rows(frame: pd.DataFrame) -> Rows:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["model"], row["variant"]


def _ranking_axis(rows: Rows, folds: Mapping[tuple[str, str], Iterable[float]]) -> Axis | None:
    """Let the axis follow the models that matter: the dummy's folds would squeeze all others together."""
    rivals = [row for row in rows if row["model"] != BASELINE] or rows
    best = rows[0]["mean"] if math.isfinite(rows[0]["mean"]) else None
    return build_axis((value for row in rivals for value in folds[_key(row)]), guide=best)


def _name_cells(row: Mapping[str, Any]) -> tuple[Cell, Cell, Cell]:
    rank = row["rank"]
    shown = f"{rank:.0f}" if math.isfinite(rank) else NONE
    return Cell(text=shown, value=rank), Cell(text=row["model"], family=row["family"]), Cell(text=row["variant"])


def _ranking_row(row: Mapping[str, Any], folds: Iterable[float], axis: Axis | None, decimals: int) -> tuple[Cell, ...]:
    values = list(folds)
    listed = ", ".join(format_value(value, decimals) for value in values)
    mean = f"mean {format_value(row['mean'], decimals)}" if not row["hole"] else "no mean: a hole"
    strip = build_strip(
        values, axis, mean=row["mean"], label=f"{row['model']} {row['variant']}, folds {listed}; {mean}"
    )
    return (
        *_name_cells(row),
        _score_cell(row, decimals),
        Cell(strip=strip, note=row["hole"]),
        *(_seconds(row[name]) for name in ("fit_s", "tune_s", "cpu_s")),
        Cell(text=format_megabytes(row["peak_mb"]), value=row["peak_mb"]),
    )


def _score_cell(row: Mapping[str, Any], decimals: int) -> Cell:
    if row["hole"]:
        return Cell(text=f"{row['n_ok']}/{row['n_folds']}" if row["n_ok"] < row["n_folds"] else NONE, value=math.nan)
    spread = f" ± {format_value(row['std'], decimals)}" if math.isfinite(row["std"]) else ""
    return Cell(text=format_value(row["mean"], decimals) + spread, value=row["mean"])


def _standing_row(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    decimals = _decimals_of_standing(row)
    listed = [format_difference(value, decimals) for value in row["differences"]]
    axis = build_even_axis(row["differences"])
    strip = build_strip(
        row["differences"],
        axis,
        mean=row["difference"],
        label=f"deep minus classical on each fold: {', '.join(listed)}",
    )
    leader = leader_of(row)
    return (
        Cell(text=row["dataset"]),
        Cell(text=row["metric"]),
        *(_champion_cell(row, family, decimals) for family in reversed(FAMILIES)),
        Cell(
            text=format_difference(row["difference"], decimals),
            value=row["difference"],
            family=leader if leader in FAMILIES else "",
            note=f"{leader} better" if leader in FAMILIES else leader,
        ),
        Cell(strip=strip, note=_say_folds(row["differences"])),
    )


def _say_folds(differences: tuple[float, ...]) -> str:
    ahead, behind = sum(value > 0 for value in differences), sum(value < 0 for value in differences)
    equal = f", equal on {len(differences) - ahead - behind}" if ahead + behind < len(differences) else ""
    return f"deep better on {ahead} of {len(differences)}{equal}" if differences else ""


def _champion_cell(row: Mapping[str, Any], family: str, decimals: int) -> Cell:
    if row[f"{family}_missing"]:
        return Cell(text=NONE, note=row[f"{family}_missing"])
    tied = f" {MIDDLE_DOT} {row[f'{family}_tied']} tied" if row[f"{family}_tied"] else ""
    note = f"{row[f'{family}_variant']} {MIDDLE_DOT} {format_value(row[f'{family}_mean'], decimals)}{tied}"
    return Cell(text=row[f"{family}_model"], family=family, note=note)


def _say_champion(row: Mapping[str, Any], family: str, decimals: int) -> str:
    if row[f"{family}_missing"]:
        return str(row[f"{family}_missing"])
    return f"best {family} {row[f'{family}_model']} ({row[f'{family}_variant']}) {format_value(row[f'{family}_mean'], decimals)}"


def _decimals_of_standing(row: Mapping[str, Any]) -> int:
    spread = pd.Series(row["differences"], dtype=float).std(ddof=1)
    return decimals_for([row[f"{family}_mean"] for family in FAMILIES], [float(spread)])


def _failure_row(group: pd.DataFrame) -> tuple[Cell, ...]:
    first = _rows(group)[0]
    folds = ", ".join(f"{repeat}/{fold}" for repeat, fold in zip(group["repeat"], group["fold"], strict=True))
    trace = first["traceback"]
    places = [line.strip() for line in trace.splitlines() if line.lstrip().startswith("File ")]
    named = (Cell(text=first[name]) for name in ("status", "dataset", "model", "variant"))
    fits = Cell(text=" ".join(group["fit"]), place=places[-1] if places else "Traceback", trace=trace)
    return *named, Cell(text=folds), Cell(text=first["reason"] or f"{first['status']}, no reason given"), fits


def _seconds(value: float) -> Cell:
    return Cell(text=format_seconds(value), value=value)
