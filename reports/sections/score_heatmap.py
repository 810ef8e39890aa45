"""The map of scores: data sets by models, shaded by how good a model is on a data set; holes with their reasons."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from bakeoff.reports.cells.tables import Cell, Column, Table, describe_metric, index_leaderboard
from bakeoff.reports.formats import decimals_for, format_value
from bakeoff.reports.run_data.run import BASELINE, Run

CONTRAST = 4  # most models are far above the baseline: it is the top of the scale where they differ
NOT_PLANNED = Cell(text="", note="not planned", value=math.nan)


def build_score_heatmap(view: Run) -> Table | None:
    """Build the map; None with a single data set, whose ranking says it all."""
    if len(view.plan["datasets"]) < 2:
        return None
    names, cells = index_leaderboard(view)
    return Table(
        caption="Mean scores; the darker, the closer to the best of the row, from its baseline or its worst up",
        columns=(
            Column(title="Data set"),
            *(Column(title=model, numeric=True, hint=f"{model}, {variant}", below=variant) for model, variant in names),
        ),
        rows=tuple(
            (
                Cell(text=dataset, note=describe_metric(view, view.primary(dataset))),
                *_row(view, [cells.get((dataset, *name)) for name in names]),
            )
            for dataset in view.plan["datasets"]
        ),
    )


def _row(view: Run, cells: list[dict[str, Any] | None]) -> list[Cell]:
    known = [cell for cell in cells if cell is not None]
    if not known:
        return [NOT_PLANNED] * len(cells)
    sign = view.sign(known[0]["metric"])
    means = pd.Series([sign * row["mean"] for row in known]).dropna()
    floor = next((sign * row["mean"] for row in known if row["model"] == BASELINE and math.isfinite(row["mean"])), None)
    low, high = (means.min() if floor is None else floor, means.max()) if len(means) else (math.nan, math.nan)
    decimals = decimals_for([row["mean"] for row in known], [row["std"] for row in known])
    return [NOT_PLANNED if cell is None else _cell(cell, sign, low, high, decimals) for cell in cells]


def _cell(cell: Mapping[str, Any], sign: int, low: float, high: float, decimals: int) -> Cell:
    if cell["hole"]:
        done = f"{cell['n_ok']}/{cell['n_folds']}"
        return Cell(text=done, value=math.nan, heat=math.nan, hint=f"{cell['status']}: {cell['hole']}")
    share = (sign * cell["mean"] - low) / (high - low) if high > low else 1.0
    return Cell(
        text=format_value(cell["mean"], decimals),
        value=cell["mean"],
        heat=min(max(float(share), 0.0), 1.0) ** CONTRAST,
        hint="best of the row" if share == 1 else "",
    )
