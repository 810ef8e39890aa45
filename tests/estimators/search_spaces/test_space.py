"""Search spaces: how trials answer, and what fixing, narrowing and capping do to the questions."""

from typing import Any

import pytest

from bakeoff.estimators.search_spaces.space import (
    FixedTrial,
    NarrowedTrial,
    Params,
    Range,
    RecordingTrial,
    Trial,
    list_space,
    suggest_or_zero,
)


def space(trial: Trial, task: str) -> Params:
    """Ask for one of each, with a question behind a choice."""
    params: Params = {
        "rate": trial.suggest_float("rate", 0.01, 1, log=True),
        "trees": trial.suggest_int("trees", 10, 500),
        "shape": trial.suggest_categorical("shape", ["flat", "deep"]),
        "max_features": trial.suggest_categorical("max_features", ["sqrt", 0.2, 0.5, 1.0]),
    }
    if params["shape"] == "deep":
        params["depth"] = trial.suggest_int("depth", 1, 9, log=True)
    if task == "regression":
        params["loss"] = trial.suggest_categorical("loss", ["l1", "l2"])
    return params


def asked(**changes: Any) -> dict[str, tuple[Any, ...]]:
    """List what is asked of the trial behind a narrowed one."""
    return list_space(lambda trial, task: space(NarrowedTrial(trial, **changes), task), "binary")


PLAIN = {
    "rate": ("float", 0.01, 1, True),
    "trees": ("int", 10, 500, False),
    "shape": ("categorical", "flat", "deep"),
    "max_features": ("categorical", "sqrt", 0.2, 0.5, 1.0),
    "depth": ("int", 1, 9, True),
}


def test_list_space_finds_what_stands_behind_a_choice() -> None:
    """A question that only one choice leads to is listed, and so is one that only one task asks."""
    assert list_space(space, "binary") == PLAIN
    assert list_space(space, "regression") == PLAIN | {"loss": ("categorical", "l1", "l2")}


def test_narrowed_by_nothing_asks_the_same() -> None:
    """Without fixed values, ranges and caps every question is passed on as it is."""
    assert asked() == PLAIN


def test_fixed_is_answered_and_not_asked() -> None:
    """A fixed parameter is answered with the user's value, and a fixed choice opens or closes what is behind it."""
    listing = RecordingTrial()
    params = space(NarrowedTrial(listing, {"rate": None, "trees": 7, "shape": "deep", "max_features": "all"}), "binary")
    assert params == {"rate": None, "trees": 7, "shape": "deep", "max_features": "all", "depth": 1}
    assert listing.ranges == {"depth": PLAIN["depth"]}
    assert "depth" not in asked(fixed={"shape": "flat"})


@pytest.mark.parametrize(
    ("name", "given", "question"),
    [
        ("rate", Range(0.1, 0.5), ("float", 0.1, 0.5, True)),
        ("rate", Range(0, 0.5), ("float", 0, 0.5, False)),
        ("rate", Range(-2, 5), ("float", -2, 5, False)),
        ("rate", Range(choices=(0.1, 0.3)), ("categorical", 0.1, 0.3)),
        ("trees", Range(20, 40), ("int", 20, 40, False)),
        ("trees", Range(20, 2000, log=True), ("int", 20, 2000, True)),
        ("trees", Range(choices=(30, 60)), ("categorical", 30, 60)),
        ("depth", Range(2, 4), ("int", 2, 4, True)),
        ("shape", Range(choices=("deep",)), ("categorical", "deep")),
        ("max_features", Range(choices=("sqrt", 0.7)), ("categorical", "sqrt", 0.7)),
        ("max_features", Range(0.3, 1.0), ("categorical", 0.5, 1.0)),
    ],
)
def test_ranges_replace_the_question(name: str, given: Range, question: tuple[Any, ...]) -> None:
    """A user's range or choices take the place of the space's own; a logarithm stays where the range allows it."""
    assert asked(ranges={name: given})[name] == question


def test_a_linear_question_becomes_logarithmic() -> None:
    """`log: true` in a user's range holds for a float that the space asks for linearly."""
    listing = RecordingTrial()
    NarrowedTrial(listing, ranges={"x": Range(1, 100, log=True)}).suggest_float("x", 0, 1)
    assert listing.ranges == {"x": ("float", 1, 100, True)}


def test_choices_of_a_number_answer_as_numbers() -> None:
    """Choices for a number come back as a number of the type that was asked for."""
    narrowed = NarrowedTrial(RecordingTrial(), ranges={"a": Range(choices=(1, 2)), "b": Range(choices=(3.0, 4.0))})
    assert isinstance(narrowed.suggest_float("a", 0, 9), float)
    assert isinstance(narrowed.suggest_int("b", 0, 9), int)


def test_a_range_without_any_choice_is_refused() -> None:
    """A range in which none of the choices lies is an error, and not ignored."""
    with pytest.raises(ValueError, match=r"none of the choices .* of 'max_features' is in \[2, 3\]"):
        asked(ranges={"max_features": Range(2, 3)})


@pytest.mark.parametrize(
    ("cap", "question"),
    [(1000, ("int", 10, 500, False)), (50, ("int", 10, 50, False)), (5, ("int", 5, 5, False))],
)
def test_caps_bound_the_question(cap: int, question: tuple[Any, ...]) -> None:
    """A cap lowers the upper bound, and the lower one too where that lies above it."""
    assert asked(caps={"trees": cap})["trees"] == question


def test_caps_and_ranges_together() -> None:
    """The cap bounds a user's range as well, for floats too."""
    assert asked(caps={"trees": 50}, ranges={"trees": Range(20, 400)})["trees"] == ("int", 20, 50, False)
    assert asked(caps={"rate": 0.5})["rate"] == ("float", 0.01, 0.5, True)


POINT = {"rate": 0.1, "trees": 100, "shape": "flat", "max_features": 0.2}


def test_point_answers() -> None:
    """A point inside the space answers with its values, bounds included."""
    assert space(FixedTrial(POINT), "binary") == POINT
    assert space(FixedTrial(POINT | {"rate": 1, "trees": 10}), "binary")["rate"] == 1.0


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"rate": 2}, r"default of 'rate' is 2, which is not in \[0.01, 1\]"),
        ({"trees": 9}, r"default of 'trees' is 9, which is not in \[10, 500\]"),
        ({"rate": float("nan")}, "default of 'rate' is nan"),
        ({"shape": "round"}, r"default of 'shape' is 'round', which is none of \['flat', 'deep'\]"),
        ({"shape": "deep"}, "default of 'depth' is None"),
    ],
)
def test_point_refuses_values_outside(change: dict[str, Any], problem: str) -> None:
    """A value outside the range, none of the choices, or no value at all, is refused."""
    with pytest.raises(ValueError, match=problem):
        space(FixedTrial(POINT | change), "binary")


def test_point_misses_a_name() -> None:
    """A point without a name that is asked for is refused, choices included."""
    for name in POINT:
        with pytest.raises(ValueError, match=f"default of '{name}' is None"):
            space(FixedTrial({key: value for key, value in POINT.items() if key != name}), "binary")


def test_point_refuses_the_default_outside_a_narrowed_range() -> None:
    """A default outside the user's range is refused, as trial 0 could not be run."""
    with pytest.raises(ValueError, match="default of 'trees' is 100"):
        space(NarrowedTrial(FixedTrial(POINT), ranges={"trees": Range(200, 300)}), "binary")


def test_suggest_or_zero() -> None:
    """Zero is a choice of its own; otherwise the value is asked for logarithmically."""
    assert suggest_or_zero(FixedTrial({"x_is_zero": True}), "x", 0.1, 10) == 0
    assert suggest_or_zero(FixedTrial({"x_is_zero": False, "x": 3}), "x", 0.1, 10) == 3
    listed = list_space(lambda trial, _: {"x": suggest_or_zero(trial, "x", 0.1, 10)}, "binary")
    assert listed == {"x_is_zero": ("categorical", True, False), "x": ("float", 0.1, 10, True)}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "either low and high, or a list of choices"),
        ({"low": 1}, "either low and high"),
        ({"low": 1, "high": 2, "choices": (1, 2)}, "either low and high"),
        ({"choices": ()}, "either low and high"),
        ({"low": 2, "high": 1}, "low < high, got low=2 and high=1"),
        ({"low": 1, "high": 1}, "low < high"),
        ({"low": float("nan"), "high": 1}, "low < high"),
        ({"low": 0, "high": 1, "log": True}, "log: true needs low > 0"),
    ],
)
def test_range_errors(options: dict[str, Any], problem: str) -> None:
    """What is no range is refused when it is made."""
    with pytest.raises(ValueError, match=problem):
        Range(**options)


def test_range_contains() -> None:
    """A range holds its bounds and no text; choices hold themselves."""
    assert 1 in Range(1, 2)
    assert 2.0 in Range(1, 2)
    assert 2.1 not in Range(1, 2)
    assert "1" not in Range(1, 2)
    assert "a" in Range(choices=("a", None))
    assert None in Range(choices=("a", None))
    assert "b" not in Range(choices=("a", None))
