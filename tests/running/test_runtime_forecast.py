"""The forecast: what a run will take, from one fold of each model; and how far off it was."""

import json
from pathlib import Path
from typing import Any

import pytest
from doubles import RecordingProgress

from bakeoff.api import run_suite
from bakeoff.engines.observers import Silent
from bakeoff.engines.options import RunOptions
from bakeoff.errors import UserError
from bakeoff.planning.plan import make_plan
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports.run_data.run import load_run_view
from bakeoff.reports.sections.forecast import render_forecast
from bakeoff.running.forecast import Forecast, make_forecast, makespan
from bakeoff.suites.suite_file import to_suite

# Models whose time is known.
SLEEPY: dict[str, Any] = {
    "name": "sleepy",
    "datasets": ["wine"],
    "models": [
        {"import": "misbehaving:Waits", "name": "Short", "params": {"seconds": 0.2}},
        {"import": "misbehaving:Waits", "name": "Long", "params": {"seconds": 1.0}},
        {"import": "misbehaving:Waits", "name": "Endless", "params": {"seconds": 600.0}},
        {"import": "misbehaving:Raises", "name": "Broken"},
    ],
    "variants": ["default"],
    "outer_folds": 4,
    "limits": {"seconds": 30, "memory": "2GB"},
}


def forecast(suite: dict[str, Any], limit_s: float = 3) -> Forecast:
    """Make a forecast with two workers."""
    return make_forecast(make_plan(to_suite(suite)), limit_s=limit_s, options=RunOptions(workers=2), progress=Silent())


def test_span_is_the_longest_first() -> None:
    """Fits go to the slot that is free next, the longest first."""
    assert makespan([], 2) == 0
    assert makespan([1, 1, 1, 3], 2) == 3
    assert makespan([2, 2, 2], 2) == 4
    assert makespan([5, 1], 0) == 6


def test_forecast_knows_what_fits_take() -> None:
    """Seconds, memory, what fails and what comes to the limit; the total is a range where a dry run was stopped."""
    made = forecast(SLEEPY)
    rows = {row.model: row for row in made.rows}
    assert [row.model for row in made.rows] == ["Short", "Long", "Endless", "Broken"]
    assert rows["Short"].seconds == pytest.approx(0.2, abs=0.5)
    assert rows["Long"].seconds == pytest.approx(1.0, abs=0.5)
    assert (rows["Endless"].stopped, rows["Endless"].status) == (True, "timeout")
    assert rows["Broken"].reason == "ValueError: in a mood"
    assert all(row.fits == 4 for row in made.rows)
    assert made.least_wall_s < 15
    assert 60 <= made.most_wall_s < 70  # four endless fits of at most 30 s on two slots, beside the others


def test_tuned_fits_are_extrapolated(tmp_path: Path) -> None:
    """A tuned fit is tried with two trials and expected to take as many times as long as it has trials."""
    suite = {"name": "tuned", "datasets": ["wine"], "models": ["logistic"], "outer_folds": 2, "inner_folds": 2}
    few = forecast({**suite, "tuning": {"trials": 2}}, 30)
    many = forecast({**suite, "tuning": {"trials": 200}}, 30)
    each = {made.rows[1].variant: made.rows[1].seconds for made in (few, many)}
    assert set(each) == {"tuned"}
    assert many.rows[1].seconds > 10 * few.rows[1].seconds
    assert not (tmp_path / "studies").exists()


def test_run_starts_with_the_longest_and_tells_how_far_off_it_was(tmp_path: Path) -> None:
    """What was foreseen orders the fits; afterwards report and terminal compare it with what was needed."""
    suite = {**SLEEPY, "models": SLEEPY["models"][:2]}
    folder = RunFolder(tmp_path / "run")
    folder.create()
    folder.write_json("forecast.json", forecast(suite).as_dict())
    progress = RecordingProgress()
    run_suite(suite, out=folder.path, tracking=False, workers=2, progress=progress)
    assert [job.choice.name for job in progress.started] == ["Long"] * 4 + ["Short"] * 4
    assert progress.left[0] > progress.left[-1]
    said = render_forecast(load_run_view(folder))
    assert said is not None
    assert "of fits were foreseen" in said
    assert said in folder.markdown.read_text(encoding="utf-8")


@pytest.mark.parametrize("damage", [None, "{", "[]", '{"rows": [{}]}', '{"rows": 3}'])
def test_damaged_or_absent_forecast_is_passed_over(tmp_path: Path, damage: str | None) -> None:
    """Without a forecast that can be read a run goes on as without any."""
    folder = RunFolder(tmp_path / "run")
    folder.create()
    if damage is not None:
        (folder.path / "forecast.json").write_text(damage, encoding="utf-8")
    suite = {"name": "plain", "datasets": ["wine"], "models": ["dummy"], "variants": ["default"], "outer_folds": 2}
    run_suite(suite, out=folder.path, tracking=False, workers=2)
    assert render_forecast(load_run_view(folder)) is None


def test_forecast_of_another_plan_is_not_compared(tmp_path: Path) -> None:
    """Models that were not foreseen are left out of the comparison."""
    folder = RunFolder(tmp_path / "run")
    folder.create()
    folder.write_json("forecast.json", forecast({**SLEEPY, "models": SLEEPY["models"][:1]}).as_dict())
    suite = {**SLEEPY, "models": ["dummy"]}
    run_suite(suite, out=folder.path, tracking=False, workers=2)
    assert render_forecast(load_run_view(folder)) is None
    assert json.loads((folder.path / "forecast.json").read_text(encoding="utf-8"))["rows"]


def test_forecast_needs_an_engine() -> None:
    """Too many workers are refused before anything is fitted."""
    plan = make_plan(to_suite(SLEEPY))
    with pytest.raises(UserError, match="exceed the"):
        make_forecast(plan, limit_s=1, options=RunOptions(workers=10_000), progress=Silent())
