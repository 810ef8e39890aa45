"""A run folder is read once for all that is asked of it, and anew when something in it has changed."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bakeoff.api import load_run
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports import write_reports
from bakeoff.reports.run_data.run import cached, load_current_run, load_run_view

READERS = ("read_records", "read_trials", "read_predictions", "read_curves", "read_importance", "read_suite")


@pytest.fixture
def folder(tiny_run: RunFolder, tmp_path: Path) -> RunFolder:
    """Return a copy of the tiny run whose files may be changed."""
    return RunFolder(Path(shutil.copytree(tiny_run.path, tmp_path / "run")))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[Any, ...]]:
    """Return how often each reader of a run folder was called, by its name and arguments."""
    counts: Counter[tuple[Any, ...]] = Counter()

    def watch(name: str) -> None:
        read = getattr(RunFolder, name)

        def counted(self: RunFolder, *args: Any) -> Any:
            counts[name, *args] += 1
            return read(self, *args)

        monkeypatch.setattr(RunFolder, name, counted)

    for name in READERS:
        watch(name)
    return counts


def test_a_report_reads_each_file_once(folder: RunFolder, reads: Counter[tuple[Any, ...]]) -> None:
    """No trials, predictions, losses or records are opened twice for one report; what follows it reads nothing."""
    write_reports(folder)
    assert {name for name, *_ in reads} >= {"read_records", "read_trials", "read_predictions", "read_curves"}
    assert set(reads.values()) == {1}
    result = load_run(folder.path)
    assert repr(result)
    assert result._repr_html_()
    assert result.as_dict()["verdict"]["headline"]
    assert set(reads.values()) == {1}


def test_a_result_reads_a_folder_that_changed(folder: RunFolder, reads: Counter[tuple[Any, ...]]) -> None:
    """A run that goes on is seen; a line more in the records, or another plan, is read at the next property."""
    result = load_run(folder.path)
    before = result.leaderboard
    assert result.verdict
    assert len(result.fits)
    assert not len(result.failures)
    assert reads["read_records",] == 1
    record = next(iter(folder.read_records()[0].values()))
    folder.append(replace(record, status="crashed", reason="in a mood", metrics={}))
    assert list(result.failures["reason"]) == ["in a mood"]
    assert not result.leaderboard.equals(before)
    plan = folder.read_plan()
    folder.write_json("plan.json", plan | {"fits": [fit for fit in plan["fits"] if fit["model"] == record.model]})
    assert set(result.leaderboard["model"]) == {record.model}


def test_frames_of_a_result_are_the_users(folder: RunFolder) -> None:
    """What a user does to a frame is not seen in the next one."""
    result = load_run(folder.path)
    for name in ("leaderboard", "fits", "failures", "anytime"):
        frame = getattr(result, name)
        frame["dataset"] = "mine"
    for name in ("leaderboard", "fits"):
        assert set(getattr(result, name)["dataset"]) == {"wine", "diabetes"}
    result.verdicts.clear()
    assert len(result.verdicts) == 2


def test_a_run_in_two_folders_is_two(folder: RunFolder, tiny_run: RunFolder) -> None:
    """Runs are told apart by their files, and one that was read is found again."""
    one, other = load_current_run(folder), load_current_run(tiny_run)
    assert one.path != other.path
    assert load_current_run(RunFolder(folder.path)) is one
    assert load_run_view(folder) is not one


def test_functions_are_computed_once_for_each_argument(tiny_run: RunFolder) -> None:
    """Results are told apart by function, run and arguments."""
    asked = []

    @cached
    def ask(view: Any, name: str, number: float = 1.0) -> str:
        asked.append((name, number))
        return f"{view.path} {name} {number}"

    view, again = load_run_view(tiny_run), load_run_view(tiny_run)
    assert ask(view, "a") == ask(view, "a") != ask(view, "b")
    assert ask(view, "a", number=2.0) != ask(view, "a")
    assert asked == [("a", 1.0), ("b", 1.0), ("a", 2.0)]
    ask(again, "a")
    assert len(asked) == 4
