"""Two runs of the same models on the same splits: which models changed, and whether the change is more than chance."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from bakeoff.errors import UserError
from bakeoff.records.record import Record
from bakeoff.reports.run_data.comparable import raise_problems
from bakeoff.reports.run_data.fits import CELL, fraction_tested
from bakeoff.reports.run_data.run import Run
from bakeoff.reports.statistics.datasets import adjust_by_holm
from bakeoff.reports.statistics.folds import Difference, corrected_t_test
from bakeoff.reports.verdicts.per_dataset import ALPHA
from bakeoff.reports.verdicts.row_tests import ROW_TESTED_SCHEMES, ComparedFits, RowTest, compare_rows

Change = Literal["worse", "better", "same", "can't tell", "fails now", "failed before", "fails in both"]
WORSE: tuple[Change, ...] = ("worse", "fails now")
Cell = tuple[str, str, str]
Fold = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class CellChange:
    """What became of one data set x model x variant from one run to another.

    Parameters
    ----------
    dataset, model, variant, metric : str
    before, after : float
        Means over the outer folds, NaN if a fold failed.
    difference : Difference, optional
        After minus before, bigger is better; None without both.
    p_value : float
        Corrected by Holm over all cells; NaN where there is no test.
    change : str
        `worse` and `better` are significant; `same` is equal on every fold.
    why : str
        Why there is no test, if nothing failed; "" otherwise.
    """

    dataset: str
    model: str
    variant: str
    metric: str
    before: float
    after: float
    difference: Difference | None
    p_value: float
    change: Change
    why: str = ""

    @property
    def is_worse(self) -> bool:
        """Whether a gate should close."""
        return self.change in WORSE

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def compare_runs(before: Run, after: Run) -> list[CellChange]:
    """Compare the cells that two runs share.

    Raises
    ------
    UserError
        If they share none, or shared ones differ in data, splits, folds or metric: all of it at once.
    """
    one, other = _by_cell(before), _by_cell(after)
    shared = [cell for cell in one if cell in other]
    if not shared:
        raise UserError("the runs share no data set with a model and a variant; there is nothing to compare")
    problems = [problem for cell in shared for problem in _clashes(cell, (before, after), (one[cell], other[cell]))]
    raise_problems(problems)
    pairs = [(_scores(before, one[cell]), _scores(before, other[cell])) for cell in shared]
    tests = [
        _test(
            cell,
            *pair,
            before=ComparedFits(view=before, fits=_fits(one[cell])),
            after=ComparedFits(view=after, fits=_fits(other[cell])),
        )
        for cell, pair in zip(shared, pairs, strict=True)
    ]
    p_values = adjust_by_holm([math.nan if test is None else test.difference.p_value for test in tests])
    return [
        _change(before, cell, pair, test, float(p_value))
        for cell, pair, test, p_value in zip(shared, pairs, tests, p_values, strict=True)
    ]


def _by_cell(view: Run) -> dict[Cell, dict[Fold, Record]]:
    """Return the records of each planned cell by repeat and fold, without points of learning curves."""
    cells: dict[Cell, dict[Fold, Record]] = {}
    for fit in view.plan["fits"]:
        record = view.records.get(fit["fit"])
        if record is not None and record.train_fraction == 1:
            cell = (fit["dataset"], fit["model"], fit["variant"])
            cells.setdefault(cell, {})[fit["repeat"], fit["fold"]] = record
    return cells


def _clashes(
    cell: Cell, views: tuple[Run, Run], records: tuple[Mapping[Fold, Record], Mapping[Fold, Record]]
) -> Iterable[str]:
    """Yield why the fits of a cell can't be compared."""
    dataset, (one, other) = cell[0], records
    metrics = [view.primary(dataset) for view in views]
    if metrics[0] != metrics[1]:
        yield f"{dataset!r} is ranked by {metrics[0]} in the one run and by {metrics[1]} in the other"
    if one.keys() != other.keys():
        yield f"{' / '.join(cell)} has other folds in the one run ({len(one)}) than in the other ({len(other)})"
        return
    if any(one[fold].data_digest != other[fold].data_digest for fold in one):
        yield f"the data of {dataset!r} differ between the runs"
    elif any(one[fold].split_digest != other[fold].split_digest for fold in one):
        yield f"the splits of {dataset!r} differ between the runs; were seed, folds or repeats others?"


def _scores(view: Run, records: Mapping[Fold, Record]) -> np.ndarray:
    """Return outer scores by fold, bigger is better, NaN where a fit failed or has no such metric."""
    metric = view.primary(next(iter(records.values())).dataset)
    return np.array([view.sign(metric) * records[fold].metrics.get(metric, math.nan) for fold in sorted(records)])


def _fits(records: Mapping[Fold, Record]) -> tuple[str, ...]:
    return tuple(records[fold].fit for fold in sorted(records))


def _test(
    cell: Cell, one: np.ndarray, other: np.ndarray, *, before: ComparedFits, after: ComparedFits
) -> RowTest | None:
    """Test the differences over folds, or over test rows where folds are no sample; None with a failed fold."""
    if not np.isfinite([one, other]).all():
        return None
    if before.view.plan["datasets"][cell[0]]["scheme"] in ROW_TESTED_SCHEMES:
        return compare_rows(cell[0], after, before, rope=0.0)
    tested = fraction_tested(before.view, cell[0])
    return RowTest(difference=corrected_t_test(other - one, test_fraction=tested))


def _change(
    view: Run, cell: Cell, pair: tuple[np.ndarray, np.ndarray], test: RowTest | None, p_value: float
) -> CellChange:
    metric = view.primary(cell[0])
    return CellChange(
        **dict(zip(CELL, cell, strict=True)),
        metric=metric,
        before=view.sign(metric) * float(pair[0].mean()),
        after=view.sign(metric) * float(pair[1].mean()),
        difference=test.difference if test else None,
        p_value=p_value,
        change=_name_change(*pair, test.difference if test else None, p_value),
        why=test.why if test else "",
    )


def _name_change(one: np.ndarray, other: np.ndarray, test: Difference | None, p_value: float) -> Change:
    if test is None:
        failed = [not np.isfinite(scores).all() for scores in (one, other)]
        return "fails in both" if all(failed) else "fails now" if failed[1] else "failed before"
    if (one == other).all():
        return "same"
    if p_value < ALPHA:
        return "better" if test.mean > 0 else "worse"
    return "can't tell"
