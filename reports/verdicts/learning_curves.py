"""Learning curves: the champions at each size of the training part, and from how many rows on deep is ahead.

A champion is chosen at each size by the inner scores of that size, as in the verdict, and the sizes share their outer
test rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bakeoff.reports.run_data.fits import fits_of, fraction_tested, train_fractions_of
from bakeoff.reports.run_data.run import FAMILIES, Run, cached
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
    sizes = {name: train_fractions_of(view, name) for name in view.plan["datasets"]}
    return [_judge(view, name, found) for name, found in sizes.items() if found and found[0] < 1]


def _judge(view: Run, dataset: str, train_fractions: Sequence[float]) -> LearningCurve:
    is_sample = view.plan["datasets"][dataset]["scheme"] not in ROW_TESTED_SCHEMES
    sizes = tuple(_size(view, dataset, train_fraction, is_sample=is_sample) for train_fraction in train_fractions)
    compared = _compared(sizes)
    crossings = _find_crossings(compared, is_sample=is_sample) if len(compared) > 1 else {}
    return LearningCurve(dataset=dataset, metric=view.primary(dataset), sizes=sizes, crossings=crossings)


def _size(view: Run, dataset: str, train_fraction: float, *, is_sample: bool) -> SizeComparison:
    """Compare the champions at one size.

    The correction of the t-test stands for what folds have in common. Smaller parts of the training rows have less of
    that, so the test fraction of the whole parts is on the safe side; that of the size would make intervals endless.
    """
    fits = fits_of(view, dataset, train_fraction)
    train_rows = float(fits.groupby(FOLD_KEYS)["train_rows"].first().mean())
    selected = select_by_family(view, dataset, train_fraction)
    if len(selected) < len(FAMILIES):
        missing = [family for family in FAMILIES if family not in selected]
        return SizeComparison(
            train_fraction=train_fraction, rows=train_rows, selected=selected, why=why_none_selected(fits, missing)
        )
    size = SizeComparison(train_fraction=train_fraction, rows=train_rows, selected=selected)
    found = (
        corrected_t_test(size.differences, test_fraction=fraction_tested(view, dataset))
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
