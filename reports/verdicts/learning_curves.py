"""Learning curves: the champions at each size of the training part, and from how many rows on deep is ahead.

A champion is chosen at each size by the inner scores of that size, as in the verdict, and the sizes share their outer
test rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bakeoff.reports.run_data.frames import FAMILIES, Run, cached, fits_frame
from bakeoff.reports.statistics.crossing import Crossing, bootstrap_crossing, crossing_without_interval
from bakeoff.reports.statistics.folds import Difference, corrected_t_test, untested_difference
from bakeoff.reports.verdicts.per_dataset import select_by_family, why_none_selected
from bakeoff.reports.verdicts.row_tests import ROW_TESTED_SCHEMES
from bakeoff.reports.verdicts.selection import FOLD_KEYS, SelectedModel

SEED = 0


@dataclass(frozen=True, kw_only=True)
class SizeComparison:
    """What the outer folds say at one size of the training part.

    Parameters
    ----------
    train_fraction : float
        Of the training part.
    rows : float
        Rows trained on, mean over the folds; NaN if no fit ended well.
    selected : mapping of SelectedModel
        By family, as far as it has one.
    difference : Difference, optional
        Deep minus classical, bigger is better.
    why : str
        Why there is none; "" otherwise.
    """

    train_fraction: float
    rows: float
    selected: Mapping[str, SelectedModel]
    difference: Difference | None = None
    why: str = ""

    @property
    def differences(self) -> np.ndarray:
        """Deep minus classical on each outer fold."""
        classical, deep = (self.selected[family].scores for family in FAMILIES)
        return np.subtract(deep, classical)


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """The learning curve of one data set.

    Parameters
    ----------
    dataset, metric : str
    sizes : tuple of SizeComparison
        By share, the whole training part last.
    crossings : mapping of Crossing
        From how many rows on each family stays ahead of the other; empty with fewer than two sizes to compare.
    """

    dataset: str
    metric: str
    sizes: tuple[SizeComparison, ...]
    crossings: Mapping[str, Crossing]

    @property
    def compared(self) -> tuple[SizeComparison, ...]:
        """The sizes at which both families have a champion."""
        return _compared(self.sizes)


@cached
def build_learning_curves(view: Run) -> list[LearningCurve]:
    """Judge every data set of a run that has a learning curve."""
    frame = fits_frame(view)
    drawn = set(frame.loc[frame["train_fraction"] < 1, "dataset"])
    return [_judge(view, frame[frame["dataset"] == name], name) for name in view.plan["datasets"] if name in drawn]


def corrected_test_fraction(train_rows: float, test_rows: float, train_fraction: float) -> float:
    """Return the share of test rows that the corrected t-test corrects by: that of the whole parts, at every size.

    The correction stands for what folds have in common. Smaller parts of the training rows have less of that, so what
    holds for the whole parts is on the safe side; the ratio of rows at the size itself would make intervals endless.
    """
    return test_rows / (test_rows + train_rows / train_fraction)


def _judge(view: Run, fits: pd.DataFrame, dataset: str) -> LearningCurve:
    is_sample = view.plan["datasets"][dataset]["scheme"] not in ROW_TESTED_SCHEMES
    metric = view.primary(dataset)
    shares = sorted(set(fits["train_fraction"]))
    sizes = tuple(
        _size(view, fits[fits["train_fraction"] == train_fraction], metric, train_fraction, is_sample=is_sample)
        for train_fraction in shares
    )
    compared = _compared(sizes)
    crossings = _find_crossings(compared, is_sample=is_sample) if len(compared) > 1 else {}
    return LearningCurve(dataset=dataset, metric=metric, sizes=sizes, crossings=crossings)


def _size(view: Run, fits: pd.DataFrame, metric: str, train_fraction: float, *, is_sample: bool) -> SizeComparison:
    folds = fits.groupby(FOLD_KEYS)[["train_rows", "test_rows"]].first()
    train_rows, test_rows = map(float, folds.mean())
    selected = select_by_family(view, fits, metric)
    if len(selected) < len(FAMILIES):
        missing = [family for family in FAMILIES if family not in selected]
        return SizeComparison(
            train_fraction=train_fraction, rows=train_rows, selected=selected, why=why_none_selected(fits, missing)
        )
    size = SizeComparison(train_fraction=train_fraction, rows=train_rows, selected=selected)
    found = (
        corrected_t_test(size.differences, test_fraction=corrected_test_fraction(train_rows, test_rows, train_fraction))
        if is_sample
        else untested_difference(size.differences)
    )
    return SizeComparison(train_fraction=train_fraction, rows=train_rows, selected=selected, difference=found)


def _compared(sizes: Sequence[SizeComparison]) -> tuple[SizeComparison, ...]:
    return tuple(size for size in sizes if size.difference is not None)


def _find_crossings(sizes: Sequence[SizeComparison], *, is_sample: bool) -> dict[str, Crossing]:
    """Find for each family from where on it stays ahead."""
    rows = [size.rows for size in sizes]
    ahead = np.column_stack([size.differences for size in sizes])
    signs = {"deep": 1, "classical": -1}
    if not is_sample:
        return {family: crossing_without_interval(rows, sign * ahead) for family, sign in signs.items()}
    return {family: bootstrap_crossing(rows, sign * ahead, seed=SEED) for family, sign in signs.items()}
