"""Smaller training parts: nested, by the data set's scheme, the same for every model, with keys of their own."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import bakeoff.protocol.keys
from bakeoff.datasets import Dataset
from bakeoff.errors import UserError
from bakeoff.estimators.models.registry import get_spec
from bakeoff.estimators.specs.spec import ModelChoice
from bakeoff.planning.inputs import InMemoryInputs
from bakeoff.planning.plan import Plan, make_plan
from bakeoff.protocol.keys import keys_of
from bakeoff.protocol.learning_curve import learning_curve_splits
from bakeoff.protocol.splits import Split, outer_splits
from bakeoff.suites.custom import build_custom_spec
from bakeoff.suites.suite import Suite
from bakeoff.suites.suite_file import parse_suite, set_learning_curve, to_suite

N_ROWS = 300
RNG = np.random.default_rng(0)
LABELS = RNG.permutation(np.repeat(["a", "b", "c"], [180, 90, 30]))
GROUPS = RNG.permutation(np.repeat(np.arange(60), 5))
TIMES = RNG.permutation(np.repeat(np.arange(100), 3))
SCHEMES: dict[str, dict[str, Any]] = {
    "stratified": {"y": LABELS, "task": "multiclass"},
    "shuffled": {"y": np.arange(N_ROWS) / 7, "task": "regression"},
    "grouped": {"y": LABELS, "task": "multiclass", "groups": GROUPS},
    "grouped regression": {"y": np.arange(N_ROWS) / 7, "task": "regression", "groups": GROUPS},
    "ordered": {"y": np.arange(N_ROWS) / 7, "task": "regression", "time": TIMES},
    "predefined": {"y": LABELS, "task": "multiclass", "test_rows": np.arange(N_ROWS) % 4 == 0},
}
SHARES = (0.2, 0.3, 0.31, 0.5, 0.9)
SUITE: dict[str, Any] = {
    "name": "grown",
    "datasets": ["wine"],
    "models": ["dummy", "logistic", "mlp"],
    "outer_folds": 3,
    "inner_folds": 2,
    "learning_curve": ["20%", 0.5],
}


def dataset_of(scheme: str, **changes: Any) -> Dataset:
    """Build a data set whose scheme is the one that is named."""
    return Dataset(**{"name": "toy", "X": np.zeros((N_ROWS, 1)), **SCHEMES[scheme], **changes})


def grow(dataset: Dataset, shares: tuple[float, ...] = SHARES, *, seed: int = 0, folds: int = 3) -> list[list[Split]]:
    """Return the splits of each fold, with growing training parts and the whole one last."""
    whole = outer_splits(dataset, folds=3, repeats=2, seed=seed)
    small = learning_curve_splits(dataset, whole, shares, seed=seed, min_folds=folds)
    return [[*small[place :: len(whole)], split] for place, split in enumerate(whole)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("scheme", SCHEMES)
def test_parts_are_nested(scheme: str, seed: int) -> None:
    """Every part holds all smaller ones, has its share of rows, and is judged on the fold's own test rows."""
    largest_unit = {"grouped": 5, "grouped regression": 5, "ordered": 3}.get(scheme, 1)
    for fold in grow(dataset_of(scheme), seed=seed):
        whole = fold[-1]
        assert [split.train_fraction for split in fold] == [*SHARES, 1.0]
        assert len({split.digest for split in fold}) >= len(SHARES)
        for small, large in pairwise(fold):
            assert np.isin(small.train, large.train).all()
            assert (np.diff(small.train) > 0).all()
            assert abs(len(small.train) - small.train_fraction * len(whole.train)) <= largest_unit / 2
            assert (small.repeat, small.fold) == (whole.repeat, whole.fold)
            np.testing.assert_array_equal(small.test, whole.test)


def test_classes_keep_their_shares() -> None:
    """Each class stands in each part as in the whole training part, up to a row."""
    for fold in grow(dataset_of("stratified")):
        for split in fold:
            for label in "abc":
                expected = split.train_fraction * (LABELS[fold[-1].train] == label).sum()
                assert abs((LABELS[split.train] == label).sum() - expected) <= 1


@pytest.mark.parametrize("scheme", ["grouped", "grouped regression"])
def test_groups_join_whole(scheme: str) -> None:
    """A group of the training part is in a smaller part with all its rows, or with none."""
    for fold in grow(dataset_of(scheme)):
        for split in fold:
            inside = np.isin(GROUPS[fold[-1].train], GROUPS[split.train])
            np.testing.assert_array_equal(fold[-1].train[inside], split.train)


def test_ordered_parts_are_the_latest_rows() -> None:
    """In order of time a smaller part is what lies right before the test rows, points in time undivided."""
    for fold in grow(dataset_of("ordered")):
        whole = fold[-1].train
        for split in fold:
            np.testing.assert_array_equal(whole[TIMES[whole] >= TIMES[split.train].min()], split.train)


def test_parts_follow_from_names_alone() -> None:
    """One seed gives one part, whatever other shares are asked for; another seed, fold or name gives another."""
    dataset = dataset_of("stratified")
    first = [fold[1].digest for fold in grow(dataset)]
    assert [fold[0].digest for fold in grow(dataset, (0.3,))] == first
    (whole, *_) = outer_splits(dataset, folds=3, repeats=1, seed=0)
    others = [(replace(dataset, name="other"), whole, 0), (dataset, replace(whole, fold=1), 0), (dataset, whole, 1)]
    parts = [learning_curve_splits(data, [split], [0.3], seed=seed, min_folds=2)[0] for data, split, seed in others]
    assert len({first[0], *(part.digest for part in parts)}) == 4


@pytest.mark.parametrize(
    ("scheme", "changes", "train_fraction", "problem"),
    [
        ("stratified", {}, 0.05, "every class and at least 3 rows in its smallest class; the least share is 13 %"),
        ("shuffled", {}, 0.002, "0.2 % of a training part of 'toy' is too little: it must hold at least 3 rows"),
        ("grouped regression", {}, 0.05, "at least 3 groups, .* the least share is 7.5 %"),
        ("ordered", {}, 0.04, "at least 3 points in time, less one; the least share is 16 %"),
        ("grouped", {"y": np.where(GROUPS == 7, "rare", "b"), "task": "binary"}, 0.2, "must hold every class"),
        ("predefined", {}, 0.01, "every class and at least 3 rows"),
    ],
)
def test_too_small_shares_are_refused(
    scheme: str, changes: dict[str, Any], train_fraction: float, problem: str
) -> None:
    """A share that loses a class or can't be divided is refused with the least share, which is accepted."""
    dataset = dataset_of(scheme, **changes)
    if "rare" in dataset.y:  # a class of one group, so that some fold has none: one split will do
        dataset = replace(dataset, test_rows=GROUPS % 3 == 0)
    with pytest.raises(UserError, match=problem) as caught:
        grow(dataset, (train_fraction, 0.9))
    if "the least share is" in str(caught.value):
        least = float(str(caught.value).rpartition("is ")[2].removesuffix(" %")) / 100
        assert all(len(fold) == 2 for fold in grow(dataset, (least,)))
        with pytest.raises(UserError):
            grow(dataset, (least * 0.8,))


def plan_of(memory: InMemoryInputs | None = None, **changes: Any) -> Plan:
    """Plan the suite of this module with changes."""
    return make_plan(to_suite({**SUITE, **changes}), memory)


def test_every_planned_variant_is_trained_at_every_size() -> None:
    """Each model and variant has each share of each fold once, on the same rows, with keys that differ."""
    plan = plan_of()
    cells: dict[tuple[str, str], set[tuple[int, int, float]]] = {}
    rows: dict[tuple[int, int, float], set[str]] = {}
    for job in plan.jobs:
        place = (job.repeat, job.fold, job.train_fraction)
        cells.setdefault((job.choice.name, job.variant), set()).add(place)
        rows.setdefault(place, set()).add(job.split_digest)
        assert plan.splits["wine"][job.split_index].digest == job.split_digest
    assert set(cells) == {("dummy", "default"), ("logistic", "default"), ("mlp", "default")} | {
        ("logistic", "tuned"),
        ("mlp", "tuned"),
    }
    assert all(
        places == {(0, fold, train_fraction) for fold in range(3) for train_fraction in (0.2, 0.5, 1.0)}
        for places in cells.values()
    )
    assert all(len(digests) == 1 for digests in rows.values())
    for key in ("cell", "study", "fit"):
        assert len({getattr(job.keys, key) for job in plan.jobs}) == len(plan.jobs)
    assert {fit["fit"]: fit["train_fraction"] for fit in plan.summary()["fits"]} == {
        job.keys.fit: job.train_fraction for job in plan.jobs
    }


def test_fits_on_the_whole_part_keep_their_keys() -> None:
    """A learning curve adds fits and changes none: recorded ones are found again."""
    without = {job.keys: job.label for job in plan_of(learning_curve=[]).jobs}
    within = {job.keys: job.label for job in plan_of().jobs if job.train_fraction == 1}
    assert within == without
    labels = {job.label for job in plan_of().jobs if job.train_fraction < 1}
    assert "wine / mlp / tuned / 20 % / repeat 1 fold 2" in labels


def test_keys_are_those_of_earlier_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of a fit are constants: if this fails, no run of an earlier version resumes."""
    monkeypatch.setattr(bakeoff.protocol.keys, "PREPROCESSOR_VERSION", 1)
    own = build_custom_spec(name="own", build=lambda _: None, fingerprint="f")
    data = Dataset(name="toy", X=np.arange(12.0).reshape(6, 2), y=np.array([0, 1, 0, 1, 0, 1]), task="binary")
    suite = Suite.model_validate({"name": "toy", "datasets": [{"memory": "toy"}], "models": [{"memory": "own"}]})
    split = Split(0, 1, np.array([0, 1, 2, 3]), np.array([4, 5]))
    keys = keys_of(suite.fit_settings, data, ModelChoice(spec=own), "default", split)
    assert (keys.cell, keys.study, keys.fit) == ("7bee5463f1bf6969", "c02fdfee17647cec", "d63b90d6acccfa5a")
    part = keys_of(suite.fit_settings, data, ModelChoice(spec=own), "default", replace(split, train_fraction=0.5))
    assert not {part.cell, part.study, part.fit} & {keys.cell, keys.study, keys.fit}


def test_limits_of_a_model_hold_at_each_size() -> None:
    """A model for at most sixty rows is trained on the parts that have no more, and left out of the others."""
    small = replace(get_spec("logistic"), name="small", max_rows=60, max_rows_reason="it is slow")
    plan = plan_of(InMemoryInputs(models={"small": small}), models=["dummy", {"memory": "small"}], variants=["default"])
    assert {job.train_fraction for job in plan.jobs if job.choice.name == "small"} == {0.2, 0.5}
    assert [skip.reason for skip in plan.skips] == ["it is slow (limit 60 training rows, got 119)"]
    with pytest.raises(UserError, match="nothing is left to run: it is slow"):
        plan_of(InMemoryInputs(models={"small": small}), models=[{"memory": "small"}], variants=["default"])


def test_problems_of_all_data_sets_at_once() -> None:
    """Every data set whose parts are too small is named, each with its least share."""
    with pytest.raises(UserError) as caught:
        plan_of(datasets=["wine", "iris", "diabetes"], learning_curve=[0.01, 0.02, 0.3], inner_folds=5)
    assert [problem.partition(" is too little")[0] for problem in caught.value.problems] == [
        "learning_curve: 1 %, 2 % of a training part of 'wine'",
        "learning_curve: 1 %, 2 % of a training part of 'iris'",
        "learning_curve: 1 % of a training part of 'diabetes'",
    ]


def test_shares_are_read_as_people_write_them() -> None:
    """Percents and numbers in any order, doubled or not, are the same ascending shares."""
    suite = parse_suite("name: a\ndatasets: [wine]\nlearning_curve: [50%, 0.05, ' 7 %', '0.05', 12.5%]", "a.yaml")
    assert suite.learning_curve == (0.05, 0.07, 0.125, 0.5)
    assert set_learning_curve(suite, ["10%"]).learning_curve == (0.1,)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([1.0], r"learning_curve\[0\]: a share of the training part lies between 0 and 1, .*; got 1.0"),
        (["100%"], r"learning_curve\[0\]: .*the whole part is always the last point; got '100%'"),
        ([0], r"learning_curve\[0\]: a share of the training part lies"),
        ([0.1, 5], r"learning_curve\[1\]: .*such as 0.05 or 5%.*; got 5"),
        (["half"], r"learning_curve\[0\]: a share is a number such as 0.05 or 5%; got 'half'"),
        (["x%"], r"learning_curve\[0\]: a share is a number such as 0.05 or 5%; got 'x%'"),
        (["nan"], r"learning_curve\[0\]: a share of the training part lies"),
        (list(np.linspace(0.1, 0.9, 21)), "learning_curve: .*at most 20 items"),
    ],
)
def test_shares_that_are_none(given: list[Any], problem: str) -> None:
    """What is no share of a part is refused with its place, in a suite and beside it."""
    with pytest.raises(UserError, match=problem):
        to_suite({**SUITE, "learning_curve": given})
    with pytest.raises(UserError, match=problem):
        set_learning_curve(to_suite(SUITE), given)
