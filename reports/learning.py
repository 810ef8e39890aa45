"""Learning curves: the champions at each size of the training part, and from how many rows on deep is ahead.

A champion is chosen at each size by the inner scores of that size, as in the verdict, and the sizes share their outer
test rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bakeoff.reports.by_rows import BY_ROWS
from bakeoff.reports.champions import FOLD, Champion
from bakeoff.reports.statistics.crossing import Crossing, bootstrap_crossing, leave_unsampled
from bakeoff.reports.statistics.folds import Difference, compare_corrected, leave_untested
from bakeoff.reports.tables import FAMILIES, Run, fits_frame, once
from bakeoff.reports.verdict import choose_sides, why_no_champion

SEED = 0


@dataclass(frozen=True, kw_only=True)
class Size:
    """What the outer folds say at one size of the training part.

    Parameters
    ----------
    share : float
        Of the training part.
    rows : float
        Rows trained on, mean over the folds; NaN if no fit ended well.
    sides : mapping of Champion
        By family, as far as it has one.
    difference : Difference, optional
        Deep minus classical, bigger is better.
    why : str
        Why there is none; "" otherwise.
    """

    share: float
    rows: float
    sides: Mapping[str, Champion]
    difference: Difference | None = None
    why: str = ""

    @property
    def differences(self) -> np.ndarray:
        """Deep minus classical on each outer fold."""
        classical, deep = (self.sides[family].scores for family in FAMILIES)
        return np.subtract(deep, classical)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The learning curve of one data set.

    Parameters
    ----------
    dataset, metric : str
    sizes : tuple of Size
        By share, the whole training part last.
    overtaking : mapping of Crossing
        From how many rows on each family stays ahead of the other; empty with fewer than two sizes to compare.
    """

    dataset: str
    metric: str
    sizes: tuple[Size, ...]
    overtaking: Mapping[str, Crossing]

    @property
    def compared(self) -> tuple[Size, ...]:
        """The sizes at which both families have a champion."""
        return _compared(self.sizes)


@once
def judge_curves(view: Run) -> list[Curve]:
    """Judge every data set of a run that has a learning curve."""
    frame = fits_frame(view)
    drawn = set(frame.loc[frame["share"] < 1, "dataset"])
    return [_judge(view, frame[frame["dataset"] == name], name) for name in view.plan["datasets"] if name in drawn]


def share_of_test(train_rows: float, test_rows: float, share: float) -> float:
    """Return the share of test rows that the corrected t-test corrects by: that of the whole parts, at every size.

    The correction stands for what folds have in common. Smaller parts of the training rows have less of that, so what
    holds for the whole parts is on the safe side; the ratio of rows at the size itself would make intervals endless.
    """
    return test_rows / (test_rows + train_rows / share)


def _judge(view: Run, fits: pd.DataFrame, dataset: str) -> Curve:
    is_sample = view.plan["datasets"][dataset]["scheme"] not in BY_ROWS
    metric = view.primary(dataset)
    shares = sorted(set(fits["share"]))
    sizes = tuple(_size(view, fits[fits["share"] == share], metric, share, is_sample=is_sample) for share in shares)
    compared = _compared(sizes)
    overtaking = _overtaking(compared, is_sample=is_sample) if len(compared) > 1 else {}
    return Curve(dataset=dataset, metric=metric, sizes=sizes, overtaking=overtaking)


def _size(view: Run, fits: pd.DataFrame, metric: str, share: float, *, is_sample: bool) -> Size:
    folds = fits.groupby(FOLD)[["train_rows", "test_rows"]].first()
    train_rows, test_rows = map(float, folds.mean())
    sides = choose_sides(view, fits, metric)
    if len(sides) < len(FAMILIES):
        missing = [family for family in FAMILIES if family not in sides]
        return Size(share=share, rows=train_rows, sides=sides, why=why_no_champion(fits, missing))
    size = Size(share=share, rows=train_rows, sides=sides)
    found = (
        compare_corrected(size.differences, test_share=share_of_test(train_rows, test_rows, share))
        if is_sample
        else leave_untested(size.differences)
    )
    return Size(share=share, rows=train_rows, sides=sides, difference=found)


def _compared(sizes: Sequence[Size]) -> tuple[Size, ...]:
    return tuple(size for size in sizes if size.difference is not None)


def _overtaking(sizes: Sequence[Size], *, is_sample: bool) -> dict[str, Crossing]:
    """Find for each family from where on it stays ahead."""
    rows = [size.rows for size in sizes]
    ahead = np.column_stack([size.differences for size in sizes])
    signs = {"deep": 1, "classical": -1}
    if not is_sample:
        return {family: leave_unsampled(rows, sign * ahead) for family, sign in signs.items()}
    return {family: bootstrap_crossing(rows, sign * ahead, seed=SEED) for family, sign in signs.items()}
