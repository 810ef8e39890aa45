"""Ensembles across models, as the run folder holds them, against the best single model: both chosen by inner folds."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.records.record import Record
from bakeoff.reports.cells.tables import Cell, Column, Table, plain_columns
from bakeoff.reports.formats import decimals_for, format_difference, format_value
from bakeoff.reports.run_data.fits import fits_of, fraction_tested
from bakeoff.reports.run_data.run import Run, cached
from bakeoff.reports.sections.verdict_table import MIDDLE_DOT, format_interval, format_p_value, format_ratio
from bakeoff.reports.statistics.folds import corrected_t_test
from bakeoff.reports.verdicts.per_dataset import ALPHA, CORRECTED_T_TEST, complete_candidates
from bakeoff.reports.verdicts.row_tests import ROW_TESTED_SCHEMES, ComparedFits, RowTest, compare_rows
from bakeoff.reports.verdicts.selection import SelectedModel, select_best

SHOWN_MEMBERS = 4
Weights = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class EnsembleComparison:
    """An ensemble across models against the best single model of one data set.

    Parameters
    ----------
    dataset, metric : str
    scores : tuple of float
        Of the ensemble on each outer fold, bigger is better.
    single : SelectedModel
        The best model by inner scores, on each outer fold.
    found : RowTest
        The ensemble minus the single model.
    weights : dict
        Mean weight over the folds by model, largest first.
    cost_s : float
        Mean over the folds of the seconds that the members took, tuning included.
    left_out : tuple of str
        Models that could not be asked again on some fold.
    """

    dataset: str
    metric: str
    scores: tuple[float, ...]
    single: SelectedModel
    found: RowTest
    weights: Weights
    cost_s: float
    left_out: tuple[str, ...]

    @property
    def answer(self) -> str:
        """What can be said of the difference."""
        p_value = self.found.difference.p_value
        if not p_value < ALPHA:
            return "can't tell"
        return "better" if self.found.difference.mean > 0 else "worse"


@dataclass(frozen=True, kw_only=True)
class EnsembleSection:
    """What the report says of ensembles across models."""

    summary: str
    table: Table


@cached
def compare_ensembles(view: Run) -> list[EnsembleComparison]:
    """Compare the ensembles of each data set that has one on every outer fold."""
    by_dataset: dict[str, list[Record]] = defaultdict(list)
    for record in view.cross_model.values():
        by_dataset[record.dataset].append(record)
    comparisons = (_compare_ensemble(view, fits_of(view, name), by_dataset[name]) for name in view.plan["datasets"])
    return [comparison for comparison in comparisons if comparison is not None]


def build_ensemble_section(view: Run) -> EnsembleSection | None:
    """Build the section of ensembles across models; None if the run has none."""
    comparisons = compare_ensembles(view)
    if not comparisons:
        return None
    return EnsembleSection(
        summary=render_ensemble_comparisons(comparisons),
        table=Table(
            caption="An ensemble across all models against the best single one",
            columns=(
                *plain_columns("Data set", "Ensemble is"),
                Column(title="Ahead by", numeric=True, hint="mean of the fold-by-fold differences with its interval"),
                Column(title="Ensemble", numeric=True),
                *plain_columns("Best single model", "Members"),
                Column(title="Cost", numeric=True, hint="seconds of all members over those of the single model"),
            ),
            rows=tuple(_row(view, comparison) for comparison in comparisons),
        ),
    )


def render_ensemble_comparisons(comparisons: Sequence[EnsembleComparison]) -> str:
    """Say in one sentence what ensembles across models come to."""
    answers = [comparison.answer for comparison in comparisons]
    counted = ", ".join(f"{word} on {answers.count(word)}" for word in dict.fromkeys(answers))
    return (
        f"An ensemble of all models, weighted by inner folds, against the best single model: {counted} of "
        f"{len(comparisons)} {'data set' if len(comparisons) == 1 else 'data sets'}."
    )


def _compare_ensemble(view: Run, fits: pd.DataFrame, records: Sequence[Record]) -> EnsembleComparison | None:
    folds = list(dict.fromkeys(zip(fits["repeat"], fits["fold"], strict=True)))
    by_fold = {(record.repeat, record.fold): record for record in records if record.ok}
    if not folds or set(by_fold) != set(folds):
        return None
    dataset, ordered = str(fits["dataset"].iloc[0]), [by_fold[fold] for fold in sorted(folds)]
    metric = view.primary(dataset)
    single = select_best(complete_candidates(view, dataset))
    if single is None or len(single.scores) < len(folds) or any(metric not in one.metrics for one in ordered):
        return None
    scores = tuple(view.sign(metric) * one.metrics[metric] for one in ordered)
    cost_of = dict(zip(fits["fit"], fits["cost_s"], strict=True))
    return EnsembleComparison(
        dataset=dataset,
        metric=metric,
        scores=scores,
        single=single,
        found=_test(view, dataset, [one.fit for one in ordered], scores, single, fraction_tested(view, dataset)),
        weights=_mean_weights(ordered),
        cost_s=float(np.mean([sum(cost_of[member["fit"]] for member in _members(one)) for one in ordered])),
        left_out=tuple(dict.fromkeys(name for one in ordered for name in one.diagnostics.get("left_out") or ())),
    )


def _test(
    view: Run, dataset: str, fits: Sequence[str], scores: Sequence[float], single: SelectedModel, test_fraction: float
) -> RowTest:
    if view.plan["datasets"][dataset]["scheme"] in ROW_TESTED_SCHEMES:
        both = _with_ensembles(view)
        sides = (ComparedFits(view=both, fits=tuple(fits)), ComparedFits(view=both, fits=single.fits))
        return compare_rows(dataset, *sides, rope=0.0)
    differences = np.subtract(scores, single.scores)
    return RowTest(difference=corrected_t_test(differences, test_fraction=test_fraction), test=CORRECTED_T_TEST)


@cached
def _with_ensembles(view: Run) -> Run:
    return replace(view, records={**view.records, **view.cross_model})


def _members(record: Record) -> list[dict[str, Any]]:
    members: list[dict[str, Any]] = record.params["members"]
    return members


def _mean_weights(records: Sequence[Record]) -> Weights:
    sums: Weights = defaultdict(float)
    for record in records:
        for member in _members(record):
            sums[member["model"]] += member["weight"] / len(records)
    return dict(sorted(sums.items(), key=lambda pair: -pair[1]))


def _row(view: Run, comparison: EnsembleComparison) -> tuple[Cell, ...]:
    sign, difference = view.sign(comparison.metric), comparison.found.difference
    spread = (
        float(np.std(np.subtract(comparison.scores, comparison.single.scores), ddof=1))
        if len(comparison.scores) > 1
        else math.nan
    )
    mean = float(np.mean(comparison.scores))
    decimals = decimals_for([mean, comparison.single.mean], [spread])
    (model, variant), ratio = (
        comparison.single.most_chosen,
        comparison.cost_s / comparison.single.cost_s if comparison.single.cost_s else math.nan,
    )
    single = f"{variant} {MIDDLE_DOT} {format_value(sign * comparison.single.mean, decimals)}"
    p_value = comparison.found.why if math.isnan(difference.p_value) else f"p {format_p_value(difference.p_value)}"
    return (
        Cell(text=comparison.dataset, note=comparison.metric),
        Cell(text=comparison.answer, note=p_value),
        Cell(
            text=format_difference(difference.mean, decimals),
            value=difference.mean,
            note=format_interval(difference, decimals).strip(),
        ),
        Cell(text=format_value(sign * mean, decimals), value=sign * mean),
        Cell(text=model, note=single),
        Cell(
            text=_format_members(comparison.weights),
            note=f"left out: {', '.join(comparison.left_out)}" if comparison.left_out else "",
        ),
        Cell(text=format_ratio(ratio), value=ratio),
    )


def _format_members(weights: Weights) -> str:
    shown = [f"{name} {weight:.0%}" for name, weight in list(weights.items())[:SHOWN_MEMBERS]]
    return ", ".join(shown + ([f"{len(weights) - SHOWN_MEMBERS} more"] if len(weights) > SHOWN_MEMBERS else []))
