"""Smaller training parts, for learning curves: nested, the same for every model, judged on the same test rows.

The rows of a training part have an order in which they join. A share takes the first of them, so that each part holds
every smaller one: stratified by class, by whole groups, or from the latest point in time backwards.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.errors import UserError
from bakeoff.plain import format_percent
from bakeoff.protocol.splits import Split, describe_fold_limit, max_folds, scheme_of
from bakeoff.seeds import derive_seed

ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class NestedSubsets:
    """The order in which the rows of a training part join it.

    Parameters
    ----------
    rows : ndarray of int
        All rows of the part, ascending.
    join_steps : ndarray of int
        For each row, when it joins: rows that can't be divided join at once.
    sizes : ndarray of int
        How many rows there are after each of these steps, ascending.
    """

    rows: np.ndarray
    join_steps: np.ndarray
    sizes: np.ndarray

    def nearest_step(self, train_fraction: float) -> int:
        """Return after how many steps the part is nearest to a share of its rows."""
        return 1 + int(np.abs(self.sizes - train_fraction * len(self.rows)).argmin())

    def subset(self, steps: int) -> np.ndarray:
        """Return the rows that have joined after so many steps, ascending."""
        return self.rows[self.join_steps < steps]


def nest_subsets(dataset: Dataset, rows: np.ndarray, *, seed: int) -> NestedSubsets:
    """Order the rows of a training part.

    Parameters
    ----------
    dataset : Dataset
    rows : ndarray of int
        Row numbers, ascending.
    seed : int
        Of the order, which an ordered scheme does not need.
    """
    units = _units(dataset, rows)
    n_units = int(units.max()) + 1
    order = (
        np.arange(n_units)[::-1]
        if scheme_of(dataset) == "ordered"
        else _stratified_order(_labels(dataset, rows, units), seed)
    )
    join_steps = np.empty(n_units, dtype=int)
    join_steps[order] = np.arange(n_units)
    return NestedSubsets(rows, join_steps[units], np.bincount(units)[order].cumsum())


def learning_curve_splits(
    dataset: Dataset, splits: Sequence[Split], shares: Sequence[float], *, seed: int, min_folds: int
) -> list[Split]:
    """Return each split with each smaller training part, share by share.

    Parameters
    ----------
    dataset : Dataset
    splits : sequence of Split
        With the whole training parts.
    shares : sequence of float
    seed : int
        The suite's.
    min_folds : int
        The folds into which a part must be divisible: those that tuning and early stopping make inside it.

    Raises
    ------
    UserError
        If a share leaves too few rows of some class, groups or points in time in some fold; with the least that does
        not.
    """
    if not shares:
        return []
    subsets = [nest_subsets(dataset, split.train, seed=_seed_of(dataset, split, seed)) for split in splits]
    enough = partial(_is_enough, dataset, min_folds)
    small = [
        train_fraction
        for train_fraction in shares
        if not all(enough(nested, nested.nearest_step(train_fraction)) for nested in subsets)
    ]
    if small:
        raise UserError(_too_few_rows_message(dataset, small, min_folds, _min_fraction(subsets, enough)))
    return [
        Split(split.repeat, split.fold, nested.subset(nested.nearest_step(train_fraction)), split.test, train_fraction)
        for train_fraction in shares
        for split, nested in zip(splits, subsets, strict=True)
    ]


def _seed_of(dataset: Dataset, split: Split, seed: int) -> int:
    return derive_seed(seed=seed, dataset=dataset.name, repeat=split.repeat, fold=split.fold, purpose="learning curve")


def _units(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """Return the number of what each row joins with: a point in time (ascending), a group, or itself."""
    scheme = scheme_of(dataset)
    if scheme not in ("ordered", "grouped"):
        return np.arange(len(rows))
    values = dataset.time if scheme == "ordered" else dataset.groups
    assert values is not None  # that makes the scheme
    numbers: np.ndarray = np.unique(values[rows], return_inverse=True)[1]
    return numbers


def _labels(dataset: Dataset, rows: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Return the class that most rows of each unit have; one for all in regression."""
    if dataset.task == "regression":
        return np.zeros(int(units.max()) + 1, dtype=int)
    classes = np.unique(dataset.y[rows], return_inverse=True)[1]
    counts = np.zeros((int(units.max()) + 1, int(classes.max()) + 1), dtype=int)
    np.add.at(counts, (units, classes), 1)
    most: np.ndarray = counts.argmax(axis=1)
    return most


def _stratified_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """Order units at random such that each beginning holds every label in its share, up to one."""
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    drawn = labels[shuffled]
    places = np.empty(len(labels))
    for label in np.unique(drawn):
        members = np.flatnonzero(drawn == label)
        places[members] = (np.arange(len(members)) + 0.5) / len(members)
    order: np.ndarray = shuffled[np.argsort(places, kind="stable")]
    return order


def _is_enough(dataset: Dataset, min_folds: int, nested: NestedSubsets, steps: int) -> bool:
    """Tell whether a part has every class of the whole one and can be divided."""
    rows = nested.subset(steps)
    return _n_classes(dataset, rows) == _n_classes(dataset, nested.rows) and max_folds(dataset, rows) >= min_folds


def _n_classes(dataset: Dataset, rows: np.ndarray) -> int:
    return 0 if dataset.task == "regression" else len(np.unique(dataset.y[rows]))


def _min_fraction(subsets: Sequence[NestedSubsets], enough: Callable[[NestedSubsets, int], bool]) -> float:
    """Return the least share that is enough in every fold, rounded up to two digits; 1 or more if none is."""
    train_fraction = max(_min_fraction_of(nested, partial(enough, nested)) for nested in subsets)
    if train_fraction >= 1:
        return train_fraction
    digit = 10.0 ** (math.floor(math.log10(train_fraction)) - 1)
    return round(math.ceil(train_fraction / digit - ROUNDING) * digit, 12)


def _min_fraction_of(nested: NestedSubsets, enough: Callable[[int], bool]) -> float:
    steps = 1 + bisect_left(range(1, len(nested.sizes)), True, key=enough)
    return float(nested.sizes[steps - 1] / len(nested.rows))


def _too_few_rows_message(dataset: Dataset, small: Sequence[float], min_folds: int, least: float) -> str:
    classes = "" if dataset.task == "regression" else "every class and "
    advice = f"the least share is {format_percent(least)}" if least < 1 else "no share below 100 % does"
    return (
        f"learning_curve: {', '.join(map(format_percent, small))} of a training part of {dataset.name!r} is too "
        f"little: it must hold {classes}at least {min_folds} {describe_fold_limit(dataset)}; {advice}"
    )
