"""Splits: one scheme per data set, the same folds for every model, hashed; inner parts follow the outer scheme.

The scheme follows from the data: predefined where the set has a split of its own, given where it came with published
folds, ordered where it has a time, grouped where it has groups, else stratified (classes) or shuffled (regression).
"""

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.errors import UserError
from bakeoff.seeds import derive_seed

Scheme = Literal["predefined", "given", "ordered", "grouped", "stratified", "shuffled"]


@dataclass(frozen=True, eq=False)
class Split:
    """One division of row numbers into training and test part.

    Parameters
    ----------
    repeat, fold : int
    train, test : ndarray of int
        Row numbers, ascending.
    train_fraction : float
        Of the fold's training part that `train` holds: below 1 for a point of a learning curve, see
        `bakeoff.protocol.learning_curve`.
    """

    repeat: int
    fold: int
    train: np.ndarray
    test: np.ndarray
    train_fraction: float = 1.0

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the row numbers on both sides."""
        sha = hashlib.sha256(self.train.astype("<i8").tobytes())
        sha.update(b"|" + self.test.astype("<i8").tobytes())
        return sha.hexdigest()


def scheme_of(dataset: Dataset) -> Scheme:
    """Return the scheme for splits inside a training part: `predefined` and `given` have none of their own."""
    if dataset.time is not None:
        return "ordered"
    if dataset.groups is not None:
        return "grouped"
    return "shuffled" if dataset.task == "regression" else "stratified"


def outer_scheme_of(dataset: Dataset) -> Scheme:
    """Return the scheme of the outer splits; a single published fold is one predefined split."""
    if dataset.given_folds is not None:
        return "given" if len(dataset.given_folds.parts) > 1 else "predefined"
    return "predefined" if dataset.test_rows is not None else scheme_of(dataset)


def outer_splits(dataset: Dataset, *, folds: int, repeats: int, seed: int) -> list[Split]:
    """Divide a data set for the outer loop.

    A predefined split is one fold, an ordered scheme is not repeated: its folds leave nothing to shuffle. Published
    folds are taken as they are, whatever `folds` and `repeats` say.

    Raises
    ------
    UserError
        If the rows, groups or classes are too few for the folds.
    """
    rows = np.arange(len(dataset.y))
    if dataset.test_rows is not None:
        return [Split(0, 0, rows[~dataset.test_rows], rows[dataset.test_rows])]
    if dataset.given_folds is not None:
        return [Split(part.repeat, part.fold, part.train, part.test) for part in dataset.given_folds.parts]
    check_folds(dataset, rows, folds)
    repeats = 1 if scheme_of(dataset) == "ordered" else repeats
    return [
        Split(repeat, fold, train, test)
        for repeat in range(repeats)
        for fold, (train, test) in enumerate(
            divide(dataset, rows, folds, derive_seed(seed=seed, dataset=dataset.name, repeat=repeat, purpose="outer"))
        )
    ]


def inner_splits(dataset: Dataset, rows: np.ndarray, *, folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide a training part for tuning; returns positions within `rows`."""
    return [
        (np.searchsorted(rows, train), np.searchsorted(rows, test))
        for train, test in divide(dataset, rows, folds, seed)
    ]


def validation_rows(dataset: Dataset, rows: np.ndarray, *, fraction: float, seed: int) -> np.ndarray:
    """Choose the part of a training part that early stopping watches: whole groups, the latest rows, or stratified.

    Returns
    -------
    ndarray of int
        Positions within `rows`.
    """
    scheme = scheme_of(dataset)
    if scheme == "ordered":
        assert dataset.time is not None  # that makes the scheme
        times = np.unique(dataset.time[rows])
        return np.flatnonzero(dataset.time[rows] >= times[-max(1, round(fraction * len(times)))])
    most = _class_sizes(dataset, rows).max() if scheme == "stratified" else max_folds(dataset, rows)
    with warnings.catch_warnings():
        # A class with fewer members than there are folds must not make the part larger.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        _, test = next(divide(dataset, rows, max(2, min(round(1 / fraction), int(most))), seed))
    return np.searchsorted(rows, test)


def divide(dataset: Dataset, rows: np.ndarray, folds: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (train, test) row numbers of each fold over `rows`, by the data set's scheme."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    scheme, y = scheme_of(dataset), dataset.y[rows]
    if scheme == "ordered":
        yield from _by_time(dataset, rows, folds)
        return
    groups = None if dataset.groups is None else dataset.groups[rows]
    if scheme == "grouped":
        regression = dataset.task == "regression"
        splitter = (GroupKFold if regression else StratifiedGroupKFold)(folds, shuffle=True, random_state=seed)
    else:
        splitter = (StratifiedKFold if scheme == "stratified" else KFold)(folds, shuffle=True, random_state=seed)
    for train, test in splitter.split(rows, y, groups):
        yield rows[train], rows[test]


def check_folds(dataset: Dataset, rows: np.ndarray, folds: int) -> None:
    """Refuse more folds than the rows, groups, points in time or members of a class allow.

    Raises
    ------
    UserError
        With the number that was found and the greatest that is possible.
    """
    most = max_folds(dataset, rows)
    if folds <= most:
        return
    advice = f"use at most {most} folds" if most > 1 else "2 folds are the least"
    raise UserError(
        f"{folds} folds need at least {folds} {describe_fold_limit(dataset)}; the data set "
        f"{dataset.name!r} has {most}: {advice}"
    )


def describe_fold_limit(dataset: Dataset) -> str:
    """Name what limits the number of folds."""
    return {
        "ordered": "points in time, less one",
        "grouped": "groups, and as many rows in its largest class",
        "stratified": "rows in its smallest class",
        "shuffled": "rows",
    }[scheme_of(dataset)]


def max_folds(dataset: Dataset, rows: np.ndarray) -> int:
    """Return the greatest number of folds in which every fold gets a group, a time or a member of each class."""
    scheme = scheme_of(dataset)
    if scheme == "ordered":
        assert dataset.time is not None  # that makes the scheme
        return len(np.unique(dataset.time[rows])) - 1
    if scheme == "grouped":
        assert dataset.groups is not None  # that makes the scheme
        n_groups = len(np.unique(dataset.groups[rows]))
        return n_groups if dataset.task == "regression" else min(n_groups, int(_class_sizes(dataset, rows).max()))
    if scheme == "shuffled":
        return len(rows)
    return int(_class_sizes(dataset, rows).min())


def _class_sizes(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    return np.unique(dataset.y[rows], return_counts=True)[1]


def _by_time(dataset: Dataset, rows: np.ndarray, folds: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Train on the past, test on what follows; rows of one time are never divided."""
    from sklearn.model_selection import TimeSeriesSplit

    assert dataset.time is not None  # that makes the scheme
    times, place = np.unique(dataset.time[rows], return_inverse=True)
    for train, test in TimeSeriesSplit(folds).split(times):
        yield rows[np.isin(place, train)], rows[np.isin(place, test)]
