"""What a spec declares of sizes, kinds of input and pretraining, and what comes of it."""

from dataclasses import replace
from typing import Any

import pytest

from bakeoff.estimators import make
from bakeoff.estimators.models.pretrained import CAUTION, describe_spec
from bakeoff.estimators.models.registry import all_specs, get_spec
from bakeoff.estimators.search_spaces.space import Range
from bakeoff.estimators.specs.spec import ModelChoice
from bakeoff.tasks import TASKS, Kind, Task

PRETRAINED = [spec for spec in all_specs().values() if spec.pretrained]
LIMITED = replace(
    get_spec("ridge"), max_cpu_rows=50, max_features=20, max_classes=3, max_rows=99, max_rows_reason="slow"
)


@pytest.mark.parametrize(
    ("n_train", "sizes", "reason"),
    [
        (50, {"n_features": 20, "n_classes": 3, "device": "cpu"}, None),
        (51, {"device": "cuda"}, None),
        (51, {}, None),
        (51, {"device": "cpu"}, "ridge takes up to 50 training rows without a GPU, got 51"),
        (10, {"n_features": 2_100}, "ridge takes up to 20 columns, got 2,100"),
        (10, {"n_classes": 4}, "ridge takes up to 3 classes, got 4"),
        (100, {"device": "cuda"}, "slow (limit 99 training rows, got 100)"),
    ],
)
def test_limits_are_told_in_one_line(n_train: int, sizes: dict[str, Any], reason: str | None) -> None:
    """Rows, rows without a GPU, columns and classes beyond what a model declares are a reason to leave it out."""
    assert LIMITED.why_not("regression", "tabular", n_train, **sizes) == reason


def test_limits_are_listed() -> None:
    """A listing says every limit, and nothing of a model without."""
    assert LIMITED.limits == ["99 training rows", "50 training rows without a GPU", "20 columns", "3 classes"]
    assert get_spec("ridge").limits == []


def test_pretrained_models_say_so() -> None:
    """Each declares what it was trained on, its licence, its weights and an extra; no other model does any of it."""
    assert {spec.name for spec in PRETRAINED} == {"tabicl", "tabpfn"}
    for spec in all_specs().values():
        marks = {bool(spec.pretrained), bool(spec.licence), spec.find_weights is not None}
        assert marks == {spec in PRETRAINED}, spec.name
        assert bool(describe_spec(spec)) == (spec in PRETRAINED)
    for spec in PRETRAINED:
        assert spec.extra
        assert spec.limits
        assert CAUTION in describe_spec(spec)
        assert spec.licence in describe_spec(spec)
    assert "no commercial use" in describe_spec(get_spec("tabpfn"))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(("kind", "neighbors"), [("series", 1), ("tabular", 5), ("image", 5), ("text", 5), (None, 5)])
def test_one_neighbor_is_the_default_on_series(task: Task, kind: Kind | None, neighbors: int) -> None:
    """1-NN is what series are compared with (Bagnall et al. 2017); elsewhere the default is the library's."""
    choice = ModelChoice(spec=get_spec("knn"))
    assert choice.default_params(task, kind)["n_neighbors"] == neighbors
    assert choice.default_point(task, kind) == {"n_neighbors": neighbors, "weights": "uniform", "p": 2}
    if kind:
        assert make("knn", task=task, kind=kind, input_shape=(1, 4))[-1].n_neighbors == neighbors


def test_what_a_user_gives_comes_before_the_kind_s_default() -> None:
    """Fixed parameters and a range's own default hold on every kind."""
    assert ModelChoice(spec=get_spec("knn"), params={"n_neighbors": 7}).default_params("binary", "series") == {
        "n_neighbors": 7,
        "weights": "uniform",
        "p": 2,
    }
    narrowed = ModelChoice(spec=get_spec("knn"), ranges={"n_neighbors": Range(3, 9, default=4)})
    assert narrowed.default_params("binary", "series")["n_neighbors"] == 4


def test_defaults_by_kind_lie_in_the_space() -> None:
    """Every model's default can be run on every task and kind that it takes."""
    found = 0
    for spec in all_specs().values():
        for task in spec.tasks:
            for kind in spec.kind_defaults:
                assert kind in spec.kinds
                assert isinstance(ModelChoice(spec=spec).default_params(task, kind), dict)
                found += 1
    assert found >= 3
