"""Which parameters mattered: known answers, scales that do not matter, and too little to tell."""

import numpy as np
import pytest

from bakeoff.reports.figures.parameter_importance import MIN_TRIALS, Trial, compute_parameter_importance


def build_trials(n: int = 120, *, power: float = 1.0) -> list[Trial]:
    """Make trials whose value depends on `rate`, a little on `kind`, and not at all on `noise`."""
    random = np.random.default_rng(0)
    trials: list[Trial] = []
    for _ in range(n):
        rate, kind = float(random.random()), str(random.choice(["a", "b", "c"]))
        value = -((rate - 0.7) ** 2) + (0.01 if kind == "a" else 0.0)
        trials.append(({"noise": int(random.integers(0, 9)), "kind": kind, "rate": 10 ** (power * rate)}, value))
    return trials


def test_what_decides_comes_first() -> None:
    """The parameter that makes the value is found, with most of the importance; shares sum to 1."""
    found = compute_parameter_importance(build_trials())
    assert next(iter(found)) == "rate"
    assert found["rate"] > 0.5
    assert sum(found.values()) == pytest.approx(1)
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_scale_of_a_range_does_not_matter() -> None:
    """A logarithmic range gives the same as a linear one."""
    assert compute_parameter_importance(build_trials(power=1)) == compute_parameter_importance(build_trials(power=6))


def test_what_only_some_trials_have_is_left_out() -> None:
    """A conditional parameter, and one that never varied, have no importance."""
    trials = [
        ({**asked, "fixed": 3, **({"depth": 2} if place % 2 else {})}, value)
        for place, (asked, value) in enumerate(build_trials())
    ]
    assert set(compute_parameter_importance(trials)) == {"rate", "kind", "noise"}


def test_too_little_to_tell() -> None:
    """With few trials, or none that differ, there is no importance."""
    assert compute_parameter_importance(build_trials(MIN_TRIALS - 1)) == {}
    assert compute_parameter_importance([(asked, 1.0) for asked, _ in build_trials()]) == {}
    assert compute_parameter_importance([]) == {}
