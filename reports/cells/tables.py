"""The tables of the report as cells of text, the same for the page and for Markdown."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bakeoff.plain import format_percent
from bakeoff.reports.cells.strip_plots import Axis, StripPlot
from bakeoff.reports.formats import NO_VALUE, format_seconds, format_value
from bakeoff.reports.run_data.fits import failures
from bakeoff.reports.run_data.leaderboard import leaderboard
from bakeoff.reports.run_data.run import Run

Rows = list[dict[str, Any]]
Name = tuple[str, str]  # model, variant


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
    heat : float, optional
        How good, from 0 to 1: the shade of the cell; NaN is hatched.
    note : str
        A smaller line below.
    hint : str
        What a pointer that rests there is told, and a screen reader.
    strip : StripPlot, optional
        A picture instead of text.
    location, traceback : str
        Where a fit failed, and its traceback.
    is_beside : bool
        Of the cell that names a row: the row stands beside those of the run, in grey.
    """

    text: str = ""
    value: float | None = None
    family: str = ""
    heat: float | None = None
    note: str = ""
    hint: str = ""
    strip: StripPlot | None = None
    location: str = ""
    traceback: str = ""
    is_beside: bool = False

    @property
    def sort_key(self) -> str:
        """What the page's script compares; empty comes last."""
        if self.value is None:
            return self.text.casefold()
        return f"{self.value!r}" if math.isfinite(self.value) else ""


@dataclass(frozen=True, kw_only=True)
class Column:
    """The head of a column, a line below it, and how its cells are set; pictures show the axis and are not sorted."""

    title: str
    numeric: bool = False
    hint: str = ""
    below: str = ""
    is_picture: bool = False
    is_code: bool = False
    axis: Axis | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: its caption, columns and rows, and notes below; `head` is the column that names a row."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...] = ()
    head: int = 0
    notes: tuple[str, ...] = ()

    def is_beside(self, row: Sequence[Cell]) -> bool:
        """Tell whether a row stands beside those of the run."""
        return row[self.head].is_beside


def describe_metric(view: Run, metric: str) -> str:
    """Return a metric's name with an arrow towards better."""
    return f"{metric} {'↑' if view.greater_is_better(metric) else '↓'}"


def plain_columns(*titles: str) -> tuple[Column, ...]:
    """Build columns of text."""
    return tuple(Column(title=title) for title in titles)


def number_cell(value: float, text: str) -> Cell:
    """Build a cell that is sorted by its value and shown as a text."""
    return Cell(text=text, value=value)


def seconds_cell(value: float) -> Cell:
    """Build the cell of a duration."""
    return number_cell(value, format_seconds(value))


def index_leaderboard(view: Run) -> tuple[list[Name], Mapping[tuple[str, str, str], dict[str, Any]]]:
    """Return (model, variant) in the order of the suite, and the leaderboard's rows by (data set, model, variant)."""
    board = leaderboard(view)
    places = {model: place for place, model in enumerate(dict.fromkeys(fit["model"] for fit in view.plan["fits"]))}
    names = dict.fromkeys(zip(board["model"], board["variant"], strict=True))
    cells = {(row["dataset"], row["model"], row["variant"]): row for row in rows_of(board)}
    return sorted(names, key=lambda name: places[name[0]]), cells


def score_cell(row: Mapping[str, Any] | None, decimals: int) -> Cell:
    """Build the cell of a mean over the outer folds with its deviation; of a hole, how many folds ended well."""
    if row is None:
        return number_cell(math.nan, NO_VALUE)
    if row["hole"]:
        return number_cell(math.nan, f"{row['n_ok']}/{row['n_folds']}" if row["n_ok"] < row["n_folds"] else NO_VALUE)
    spread = f" ± {format_value(row['std'], decimals)}" if math.isfinite(row["std"]) else ""
    return number_cell(row["mean"], format_value(row["mean"], decimals) + spread)


def rows_of(frame: pd.DataFrame) -> Rows:
    """Return the rows of a frame as mappings."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def build_failures(view: Run) -> Table:
    """Build the table of fits that are not ok; folds of one cell and size that failed alike share a row."""
    keys = ["dataset", "model", "variant", "train_fraction", "status", "reason"]
    frame = failures(view)
    rows = tuple(_failure_row(group) for _, group in frame.groupby(keys, sort=False)) if len(frame) else ()
    columns = plain_columns("Status", "Data set", "Model", "Variant", "Repeat.fold", "Reason")
    return Table(
        caption="Fits without scores", columns=(*columns, Column(title="Fit", is_code=True)), rows=rows, head=2
    )


def build_skips(view: Run) -> Table:
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
    return Table(caption="Left out by the plan", columns=plain_columns(*titles), rows=rows)


def _failure_row(group: pd.DataFrame) -> tuple[Cell, ...]:
    first = rows_of(group)[0]
    folds = ", ".join(f"{repeat + 1}.{fold + 1}" for repeat, fold in zip(group["repeat"], group["fold"], strict=True))
    part = f"{format_percent(first['train_fraction'])}: " if first["train_fraction"] < 1 else ""
    traceback = first["traceback"]
    places = [line.strip() for line in traceback.splitlines() if line.lstrip().startswith("File ")]
    named = (Cell(text=first[name]) for name in ("status", "dataset", "model", "variant"))
    fits = Cell(text=" ".join(group["fit"]), location=places[-1] if places else "Traceback", traceback=traceback)
    return *named, Cell(text=part + folds), Cell(text=first["reason"] or f"{first['status']}, no reason given"), fits
