"""Splits: every scheme divides as it promises, outside and inside, reproducibly and for every model alike."""

from typing import Any

import numpy as np
import pytest

from bakeoff.datasets import Dataset
from bakeoff.errors import UserError
from bakeoff.protocol.splits import Split, inner_splits, outer_splits, scheme_of, validation_rows

N_ROWS = 60
RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], [30, 18, 12])
GROUPS = RNG.permutation(np.repeat(np.arange(12), 5))
TIMES = RNG.permutation(np.repeat(np.arange(20), 3))  # three rows a time, in no order
SCHEMES: dict[str, dict[str, Any]] = {
    "stratified": {"y": LABELS, "task": "multiclass"},
    "shuffled": {"y": np.arange(N_ROWS) / 7, "task": "regression"},
    "grouped": {"y": LABELS, "task": "multiclass", "groups": GROUPS},
    "grouped regression": {"y": np.arange(N_ROWS) / 7, "task": "regression", "groups": GROUPS},
    "ordered": {"y": LABELS[RNG.permutation(N_ROWS)], "task": "multiclass", "time": TIMES},
    "predefined": {"y": LABELS, "task": "multiclass", "test_rows": np.arange(N_ROWS) % 4 == 0},
}


def dataset_of(scheme: str, name: str = "toy", **changes: Any) -> Dataset:
    """Build a data set whose scheme is the one that is named."""
    return Dataset(**{"name": name, "X": np.zeros((N_ROWS, 1)), **SCHEMES[scheme], **changes})


def split(dataset: Dataset, folds: int = 5, repeats: int = 1, seed: int = 0) -> list[Split]:
    """Divide a data set for the outer loop."""
    return outer_splits(dataset, folds=folds, repeats=repeats, seed=seed)


def parts_within(dataset: Dataset, rows: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """List all divisions inside a training part as row numbers: inner folds, and held-out rows for early stopping."""
    inner = inner_splits(dataset, rows, folds=3, seed=1)
    held_out = validation_rows(dataset, rows, fraction=0.15, seed=1)
    divisions = [*inner, (np.setdiff1d(np.arange(len(rows)), held_out), held_out)]
    return [(rows[train], rows[test]) for train, test in divisions]


@pytest.mark.parametrize("scheme", ["stratified", "shuffled", "grouped", "grouped regression"])
def test_test_parts_partition_the_rows(scheme: str) -> None:
    """In each repeat every row is tested once, and trains wherever it is not tested."""
    splits = split(dataset_of(scheme), repeats=2)
    assert [(part.repeat, part.fold) for part in splits] == [(r, f) for r in range(2) for f in range(5)]
    for repeat in range(2):
        tested = np.concatenate([part.test for part in splits if part.repeat == repeat])
        assert sorted(tested) == list(range(N_ROWS))
    for part in splits:
        np.testing.assert_array_equal(np.union1d(part.train, part.test), np.arange(N_ROWS))
        assert len(part.train) + len(part.test) == N_ROWS


@pytest.mark.parametrize("scheme", SCHEMES)
def test_rows_within_a_training_part(scheme: str) -> None:
    """Inner folds and held-out rows divide the training part and never reach the outer test rows."""
    dataset = dataset_of(scheme)
    for part in split(dataset):
        for train, test in parts_within(dataset, part.train):
            assert len(train)
            assert len(test)
            assert not np.intersect1d(train, test).size
            assert np.isin(np.concatenate([train, test]), part.train).all()
        if scheme_of(dataset) != "ordered":
            inner = parts_within(dataset, part.train)[:3]
            np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in inner])), part.train)


def test_scheme_follows_from_the_data() -> None:
    """Time goes before groups, groups before classes."""
    found = {name: scheme_of(dataset_of(name)) for name in SCHEMES}
    assert found == {
        "stratified": "stratified",
        "shuffled": "shuffled",
        "grouped": "grouped",
        "grouped regression": "grouped",
        "ordered": "ordered",
        "predefined": "stratified",
    }


def test_stratified_keeps_class_shares() -> None:
    """Each test part, inner fold and held-out part holds every class in its share, up to a row."""
    dataset = dataset_of("stratified")
    for part in split(dataset):
        for rows in (part.test, *(test for _, test in parts_within(dataset, part.train))):
            counts = np.bincount(LABELS[rows], minlength=3)
            assert (np.abs(counts - np.array([0.5, 0.3, 0.2]) * len(rows)) <= 1).all()


@pytest.mark.parametrize("scheme", ["grouped", "grouped regression"])
@pytest.mark.parametrize("seed", range(3))
def test_grouped_never_divides_a_group(scheme: str, seed: int) -> None:
    """No group stands on both sides: of outer splits, of inner splits, of the rows held out for early stopping."""
    dataset = dataset_of(scheme)
    for part in split(dataset, repeats=2, seed=seed):
        for train, test in [(part.train, part.test), *parts_within(dataset, part.train)]:
            assert len(test)
            assert not np.intersect1d(GROUPS[train], GROUPS[test]).size


def test_ordered_trains_on_the_past_alone() -> None:
    """All training times come before all test times, equal times stay together, and held-out rows are the latest."""
    dataset = dataset_of("ordered")
    splits = split(dataset, repeats=3)
    assert len(splits) == 5
    for part in splits:
        for train, test in [(part.train, part.test), *parts_within(dataset, part.train)]:
            assert len(test)
            assert TIMES[train].max() < TIMES[test].min()
            np.testing.assert_array_equal(test, np.flatnonzero(np.isin(TIMES, TIMES[test])))
        *_, (earlier, held_out) = parts_within(dataset, part.train)
        assert TIMES[held_out].max() == TIMES[part.train].max()
        assert len(earlier) + len(held_out) == len(part.train)
    assert max(TIMES[part.test].max() for part in splits) == 19


@pytest.mark.parametrize("n_times", [2, 3, 5])
def test_held_out_rows_of_a_short_history(n_times: int) -> None:
    """With only a few points in time, the last one is held out."""
    dataset = dataset_of("ordered")
    assert dataset.time is not None
    rows = np.flatnonzero(dataset.time < n_times)
    held_out = rows[validation_rows(dataset, rows, fraction=0.15, seed=0)]
    np.testing.assert_array_equal(held_out, np.flatnonzero(dataset.time == n_times - 1))


@pytest.mark.parametrize("rare", [1, 2, 3])
def test_held_out_share_with_a_rare_class(rare: int) -> None:
    """A class of a few rows does not make the held-out part larger than its share."""
    y = np.repeat([0, 1, 2], [40, N_ROWS - 40 - rare, rare])
    rows = np.arange(N_ROWS)
    held_out = validation_rows(dataset_of("stratified", y=y), rows, fraction=0.15, seed=0)
    assert 0.1 < len(held_out) / N_ROWS < 0.2


def test_predefined_split_is_taken_as_it_is() -> None:
    """A data set with a split of its own has one fold, whatever folds and repeats are asked for."""
    dataset = dataset_of("predefined")
    (only,) = split(dataset, folds=7, repeats=3)
    np.testing.assert_array_equal(only.test, np.arange(0, N_ROWS, 4))
    np.testing.assert_array_equal(only.train, np.setdiff1d(np.arange(N_ROWS), only.test))


@pytest.mark.parametrize("scheme", ["stratified", "shuffled", "grouped", "grouped regression"])
def test_seeds_and_repeats(scheme: str) -> None:
    """One seed gives one division; another seed or another repeat gives another, though a fold may come again."""
    dataset = dataset_of(scheme)
    first, again, other = ([part.digest for part in split(dataset, repeats=2, seed=seed)] for seed in (0, 0, 1))
    assert first == again
    assert not {frozenset(first[:5]), frozenset(first[5:])} & {frozenset(other[:5]), frozenset(other[5:])}
    assert set(first[:5]) != set(first[5:])


@pytest.mark.parametrize(
    ("scheme", "changes", "folds", "problem"),
    [
        ("stratified", {}, 13, "rows in its smallest class; the data set 'toy' has 12: use at most 12 folds"),
        ("stratified", {"y": np.arange(N_ROWS) == 3, "task": "binary"}, 2, "has 1: 2 folds are the least"),
        ("shuffled", {}, 61, "at least 61 rows; the data set 'toy' has 60: use at most 60"),
        ("grouped", {}, 13, "groups.* has 12: use at most 12 folds"),
        ("grouped", {"groups": np.arange(N_ROWS)}, 31, "largest class; the data set 'toy' has 30"),
        ("grouped regression", {}, 13, "groups.* has 12: use at most 12 folds"),
        ("ordered", {}, 20, "points in time, less one; the data set 'toy' has 19: use at most 19"),
    ],
)
def test_too_many_folds(scheme: str, changes: dict[str, Any], folds: int, problem: str) -> None:
    """More folds than the data allow are refused with the greatest number possible, and that number works."""
    dataset = dataset_of(scheme, **changes)
    with pytest.raises(UserError, match=problem):
        split(dataset, folds=folds)
    if "at most" in problem:
        assert len(split(dataset, folds=folds - 1)) == folds - 1


def test_splits_depend_on_their_own_data_alone() -> None:
    """What was split before changes nothing; the same rows under another name are divided in another way."""
    alone = [part.digest for part in split(dataset_of("stratified"))]
    np.random.seed(7)
    split(dataset_of("shuffled", name="other"))
    assert [part.digest for part in split(dataset_of("stratified"))] == alone
    assert [part.digest for part in split(dataset_of("stratified", name="other"))] != alone


def test_digest_tells_the_sides_apart() -> None:
    """The digest of a split changes when a row moves to the other side, or the sides are swapped."""
    one = Split(0, 0, np.array([0, 1]), np.array([2, 3]))
    moved = Split(0, 0, np.array([0, 1, 2]), np.array([3]))
    swapped = Split(0, 0, np.array([2, 3]), np.array([0, 1]))
    assert len({one.digest, moved.digest, swapped.digest}) == 3
