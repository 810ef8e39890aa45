"""The variants of each model side by side, and what they cost: as it comes, tuned, bagged, an ensemble of trials."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bakeoff.reports.cells.tables import Cell, Column, Table, describe_metric, plain_columns, rows_of, score_cell
from bakeoff.reports.formats import decimals_for, format_seconds
from bakeoff.reports.run_data.leaderboard import cells_of
from bakeoff.reports.run_data.run import Run

VARIANTS = {
    "default": "as it comes",
    "tuned": "the best trial",
    "bagged": "as it comes, the mean of the models of several folds",
    "ensemble": "the mean of trials that were chosen together",
    "bagged-ensemble": "the same trials, each the mean of the models of several folds",
}
HOW_TO_READ_BAGS = (
    "bagged is a model as it comes, fitted on all but one of several folds of the training part, once for each: the "
    "models answer together by their mean (Breiman 1996; Erickson et al. 2020). Boosting and nets stop early on the "
    "fold left out, so that no row is lost; bagged-ensemble does so with each member of the ensemble. A bag's inner "
    "score is that of each model on the fold left out of it: a little flattered where it stopped early there.",
)
FEWEST_VARIANTS = 3  # two are beside each other in the ranking already


def build_variants(view: Run, dataset: str) -> Table | None:
    """Build the table of a data set's models by variant, the best model first; None where there are few variants."""
    cells = cells_of(view, dataset)
    named = [variant for variant in VARIANTS if variant in set(cells["variant"])]
    if len(named) < FEWEST_VARIANTS:
        return None
    metric, decimals = view.primary(dataset), decimals_for(cells["mean"], cells["std"])
    by_model: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows_of(cells):  # in the order of the ranking
        by_model.setdefault(row["model"], {})[row["variant"]] = row
    return Table(
        caption=f"{dataset}: {describe_metric(view, metric)} and cost of each model by variant",
        columns=(
            *plain_columns("Model"),
            *(Column(title=variant, numeric=True, hint=VARIANTS[variant]) for variant in named),
        ),
        rows=tuple(
            (
                Cell(text=model, family=next(iter(rows.values()))["family"]),
                *(_variant_cell(rows.get(variant), decimals) for variant in named),
            )
            for model, rows in by_model.items()
        ),
    )


def _variant_cell(row: Mapping[str, Any] | None, decimals: int) -> Cell:
    """Build the cell of a mean score, with the mean CPU or GPU time of a fit below."""
    cell = score_cell(row, decimals)
    if row is None or not math.isfinite(row["cost_s"]):
        return cell
    return replace(cell, note=format_seconds(row["cost_s"]))
