"""Variants of one study: one runs it, the others wait."""

from typing import Any

import pytest

from bakeoff.engines.schedule import Schedule
from bakeoff.planning.plan import make_plan
from bakeoff.suites.suite import Suite


def order_of(variants: list[str]) -> list[list[str]]:
    """Return the variants of one fold that can run at once, round by round."""
    content: dict[str, Any] = {"name": "t", "datasets": ["wine"], "models": ["knn"], "outer_folds": 2}
    plan = make_plan(Suite.model_validate(content | {"variants": variants}))
    schedule = Schedule([job for job in plan.jobs if job.fold == 0], {})
    rounds = []
    while len(schedule):
        running = []
        while (job := schedule.next_job("cpu")) is not None:
            running.append(job)
        rounds.append(sorted(job.variant for job in running))
        for job in running:
            schedule.record_duration(job, 1.0)
    return rounds


@pytest.mark.parametrize(
    ("variants", "rounds"),
    [
        (["ensemble", "bagged-ensemble", "tuned", "bagged"], [["bagged", "tuned"], ["bagged-ensemble", "ensemble"]]),
        (["bagged-ensemble", "ensemble"], [["bagged-ensemble"], ["ensemble"]]),
        (["default", "bagged"], [["bagged", "default"]]),
        (["bagged-ensemble"], [["bagged-ensemble"]]),
    ],
)
def test_one_variant_runs_a_study(variants: list[str], rounds: list[list[str]]) -> None:
    """The tuned variant goes first, else the first in the suite; those that need no study wait for nothing."""
    assert order_of(variants) == rounds
