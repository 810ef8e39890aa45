"""What a cell of records becomes in MLflow: tags, parameters and metrics, as plain rows that know no MLflow."""

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from bakeoff.plain import format_percent
from bakeoff.records.record import Record

Cell = tuple[str, str, str, float]
FOLD_METRIC_PREFIX = "outer_fold"  # prefix of the metrics that have a step for each fold
MAX_TAG_LENGTH = 4000
CHILD_RUNS_NOTE = (
    "\n\nThe children hold one data set × model × variant each, and one share of the training part where there is a "
    "learning curve: sort by `score` (bigger is better), filter by tags, or choose a data set under “Views”."
)


def child_tags(cell: Cell, records: list[Record]) -> dict[str, str]:
    """Return what a child run is filtered by, and each failure with its reason."""
    dataset, model, variant, train_fraction = cell
    failed = [record for record in records if not record.ok]
    tags = {
        "dataset": dataset,
        "model": model,
        "variant": variant,
        "train_fraction": f"{train_fraction:.12g}",
        "family": records[0].family,
        "task": records[0].task,
        "kind": records[0].kind,
        "folds": f"{len(records) - len(failed)}/{len(records)}",
    }
    for record in failed:
        tags[f"failure.{record.repeat + 1}.{record.fold + 1}"] = f"{record.status}: {record.reason}"[:MAX_TAG_LENGTH]
    return tags


def verdict_tags(verdict: Mapping[str, Any]) -> dict[str, str]:
    """Return the headline of a `verdict.json`, and the answer over the data sets of each task that has several."""
    if not verdict:
        return {}
    tasks = {f"verdict.{one['task']}": str(one["answer"]) for one in verdict["tasks"]}
    return {"verdict": str(verdict["headline"])[:MAX_TAG_LENGTH], **tasks}


def describe_parent(summary: str, links: Mapping[str, str], max_length: int) -> str:
    """Return what the page of the parent run says: the verdict as far as it fits, in whole lines, and what lies below.

    Parameters
    ----------
    summary : str
        Markdown.
    links : mapping
        From what is to be seen to where it is; as many as fit into a half.
    max_length : int
        In characters.
    """
    named = [f"[{_plain(what)}]({where})" for what, where in links.items()]
    while len(", ".join(named)) > max_length / 2:
        named.pop()
    see = f"\n\nSee {', '.join(named)}." if named else ""
    lines = summary.splitlines()
    while len("\n".join(lines)) > max_length - len(see + CHILD_RUNS_NOTE):
        lines.pop()
    return "\n".join(lines).rstrip() + see + CHILD_RUNS_NOTE


def _plain(text: str) -> str:
    """Escape what Markdown would read as a link or as HTML."""
    return "".join(f"\\{mark}" if mark in "[]()<>*_`\\" else mark for mark in text)


def child_params(records: list[Record]) -> dict[str, str]:
    """Return the parameters that all folds share; where tuning chose differently, say so and leave them to `folds`."""
    fitted = [record for record in records if record.ok]
    names = dict.fromkeys(name for record in fitted for name in record.params)
    params = {}
    for name in names:
        values = [str(record.params.get(name)) for record in fitted]
        params[name] = values[0] if len(set(values)) == 1 else " | ".join(values)
    return params


def child_metrics(records: list[Record], primary: tuple[str, bool]) -> Iterable[tuple[str, float, int]]:
    """Yield score and means first, since MLflow's pages show what was logged first, then each fold as a step."""
    rows = [{**record.metrics, **_costs(record)} for record in records]
    names = [primary[0], *(name for name in dict.fromkeys(key for row in rows for key in row) if name != primary[0])]
    for name in names:
        yield from _summary(name, [row.get(name) for row in rows], primary)
    for step, row in enumerate(rows):
        yield from ((f"{FOLD_METRIC_PREFIX}/{name}", float(row[name]), step) for name in names if name in row)


def _summary(name: str, values: list[float | None], primary: tuple[str, bool]) -> Iterable[tuple[str, float, int]]:
    """Yield mean and standard deviation where every fold has the metric: nothing is averaged over survivors."""
    known = [float(value) for value in values if value is not None]
    if len(known) < len(values):
        return
    mean = statistics.fmean(known)
    if name == primary[0]:
        yield "score", mean if primary[1] else -mean, 0
    yield name, mean, 0
    if len(known) > 1:
        yield f"{name}_std", statistics.stdev(known), 0


def _costs(record: Record) -> dict[str, float]:
    names = ("fit_s", "tune_s", "predict_s", "cpu_s", "peak_mb", "train_rows")
    return {name: float(record.diagnostics[name]) for name in names if record.diagnostics.get(name) is not None}


def cell_of(record: Record) -> Cell:
    """Return data set, model, variant and share of a record."""
    return record.dataset, record.model, record.variant, record.train_fraction


def name_of_cell(cell: Cell) -> str:
    """Return what a child run is called, what differs most first: lists of runs cut long names.

    The share stands in the name where it is not the whole training part.
    """
    dataset, model, variant, train_fraction = cell
    return " · ".join([model, variant, *([format_percent(train_fraction)] if train_fraction < 1 else []), dataset])


def group_by_cell(records: Iterable[Record]) -> dict[Cell, list[Record]]:
    """Group records by cell, in the order of their first record."""
    cells: dict[Cell, list[Record]] = {}
    for record in records:
        cells.setdefault(cell_of(record), []).append(record)
    return cells


def group_fits_by_cell(planned: Mapping[str, Cell]) -> dict[Cell, set[str]]:
    """Group fit ids by cell."""
    cells: dict[Cell, set[str]] = {}
    for fit, cell in planned.items():
        cells.setdefault(cell, set()).add(fit)
    return cells
