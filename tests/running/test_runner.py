"""Runs: resumed, retried, narrowed and interrupted, they end with the records of an undisturbed one."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from doubles import RecordingProgress
from processes import start_bakeoff, wait_for, wait_until_gone
from runs import run_untracked, scores_of

from bakeoff.api import merge
from bakeoff.engines.observers import Progress
from bakeoff.engines.options import RunOptions
from bakeoff.errors import UserError
from bakeoff.planning.plan import make_plan
from bakeoff.records.record import Record
from bakeoff.records.run_folder import RunFolder
from bakeoff.running.runner import Run
from bakeoff.suites.suite_file import parse_suite, to_suite

SMALL: dict[str, Any] = {
    "name": "small",
    "datasets": ["wine"],
    "models": ["dummy", "logistic"],
    "outer_folds": 2,
    "inner_folds": 2,
    "tuning": {"trials": 2},
    "limits": {"seconds": 60, "memory": "2GB"},
}

ERROR_RATE = {"import": "sklearn.metrics:zero_one_loss", "name": "error_rate", "greater_is_better": False}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the small suite once."""
    return run_untracked(SMALL, tmp_path_factory.mktemp("runs") / "small").path


@pytest.fixture
def small(finished: Path, tmp_path: Path) -> RunFolder:
    """Copy the small run to where `run` goes on with it."""
    return RunFolder(Path(shutil.copytree(finished, tmp_path / "run")))


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """Name a file that makes the estimator of `moody` fail while it is there."""
    return tmp_path / "bad"


def moody(bad: Path) -> dict[str, Any]:
    """Make a suite's entry of an estimator that fails while a file is there."""
    return {"import": "misbehaving:Raises", "name": "moody", "params": {"path": str(bad)}}


def run(tmp_path: Path, suite: dict[str, Any], progress: Progress | None = None, **options: Any) -> RunFolder:
    """Run a suite in the folder `run`."""
    return run_untracked(suite, tmp_path / "run", progress=progress, **options)


def test_second_run_executes_nothing(small: RunFolder, tmp_path: Path) -> None:
    """The same command again finds every fit recorded."""
    again = RecordingProgress()
    run(tmp_path, SMALL, again)
    assert again.begun == (6, 6)
    assert not again.ended


def test_workers_and_order_do_not_change_scores(tiny_run: RunFolder, tmp_path: Path) -> None:
    """One worker and the models in reverse give the scores of two workers, bit for bit."""
    suite = tiny_run.read_suite() | {"datasets": ["diabetes"], "models": ["mlp", "ridge", "dummy"]}
    assert_same_scores(run(tmp_path, suite, workers=1), tiny_run)


def assert_same_scores(some: RunFolder, whole: RunFolder) -> None:
    """Fail unless the fits of one data set have the scores that they have in a run with another one."""
    found = scores_of(some)
    assert len(found) == 10
    assert found == {fit: scores_of(whole)[fit] for fit in found}


def test_editing_a_suite_runs_only_what_is_new(small: RunFolder, tmp_path: Path) -> None:
    """A model more runs that model; a fold more runs everything; limits and trials leave default fits alone."""
    more = RecordingProgress()
    run(tmp_path, {**SMALL, "models": ["dummy", "logistic", "decision_tree"]}, more)
    assert {record.model for record in more.ended} == {"decision_tree"}
    budget = RecordingProgress()
    run(tmp_path, {**SMALL, "tuning": {"trials": 3}, "limits": {"seconds": 50, "memory": "1GB"}}, budget)
    assert {(record.model, record.variant) for record in budget.ended} == {("logistic", "tuned")}
    folds = RecordingProgress()
    run(tmp_path, {**SMALL, "outer_folds": 3}, folds)
    assert len(folds.ended) == 9


def test_failed_fits_wait_for_retry(tmp_path: Path, bad: Path) -> None:
    """A failed fit is recorded with its reason, not run again by itself, and run again on request."""
    suite = {**SMALL, "models": ["dummy", moody(bad)], "variants": ["default"]}
    bad.touch()
    first = RecordingProgress()
    folder = run(tmp_path, suite, first)
    assert sorted(record.reason for record in first.ended if not record.ok) == ["ValueError: in a mood"] * 2
    bad.unlink()
    second = RecordingProgress()
    run(tmp_path, suite, second)
    assert not second.ended
    third = RecordingProgress()
    run(tmp_path, suite, third, retry_failed=True)
    assert [record.status for record in third.ended] == ["ok", "ok"]
    assert all(status == "ok" for status, _, _ in scores_of(folder).values())


def test_crash_takes_no_other_fit_along(tmp_path: Path) -> None:
    """A fit that aborts its process is one crashed row; all others are there."""
    suite = {**SMALL, "models": [{"import": "misbehaving:Aborts"}, "dummy", "logistic"], "variants": ["default"]}
    progress = RecordingProgress()
    run(tmp_path, suite, progress, workers=2)
    found = sorted((record.model, record.status) for record in progress.ended)
    assert found == [("Aborts", "crashed")] * 2 + [("dummy", "ok")] * 2 + [("logistic", "ok")] * 2


def test_fail_fast_stops(tmp_path: Path, bad: Path) -> None:
    """With --fail-fast nothing new starts after a failure, and the report is written all the same."""
    bad.touch()
    suite = {**SMALL, "models": [moody(bad), "dummy", "logistic"], "outer_folds": 5}
    progress = RecordingProgress()
    folder = run(tmp_path, suite, progress, workers=1, fail_fast=True)
    assert len(progress.ended) == 1
    assert "in a mood" in folder.markdown.read_text(encoding="utf-8")


def test_own_metric_is_added_to_finished_fits(small: RunFolder, tmp_path: Path) -> None:
    """A metric named after the run is computed from stored predictions; no fit runs again."""
    progress = RecordingProgress()
    folder = run(tmp_path, {**SMALL, "metrics": [ERROR_RATE]}, progress)
    assert not progress.ended
    for _, metrics, _ in scores_of(folder).values():
        assert metrics["error_rate"] == pytest.approx(1 - metrics["accuracy"])


def test_other_statistics_run_nothing_and_rewrite_the_reports(tiny_run: RunFolder, tmp_path: Path) -> None:
    """How reports judge is in no key: the same suite with another region and other groups runs no fit again."""
    copy = RunFolder(tmp_path / "copy")
    shutil.copytree(tiny_run.path, copy.path)
    suite = to_suite(copy.read_suite() | {"statistics": {"rope": 0.2, "groups": "nemenyi"}})
    before = (copy.path / "records.jsonl").read_bytes()
    finished = Run(make_plan(suite), copy, RunOptions(workers=1)).execute()
    assert (finished.ran, (copy.path / "records.jsonl").read_bytes()) == (0, before)
    report = copy.markdown.read_text(encoding="utf-8")
    assert "equivalent means within 0.2 of the score" in report
    assert "by Nemenyi's test" in report
    assert "within 0.01 of the score" in tiny_run.markdown.read_text(encoding="utf-8")


def test_other_suite_in_the_folder_is_refused(small: RunFolder, tmp_path: Path) -> None:
    """A folder belongs to the suite that began it."""
    with pytest.raises(UserError, match="holds a run of the suite 'small', not of 'other'"):
        run(tmp_path, {**SMALL, "name": "other"})


def test_other_versions_are_refused(small: RunFolder, tmp_path: Path) -> None:
    """Going on under other library versions needs an explicit word."""
    provenance = small.read_json("provenance.json")
    small.write_json("provenance.json", {**provenance, "versions": {**provenance["versions"], "numpy": "1.0"}})
    with pytest.raises(UserError, match=r"begun under other versions \(numpy 1\.0 → "):
        run(tmp_path, SMALL)
    run(tmp_path, SMALL, mixed_versions=True)


def test_a_new_extra_is_no_other_version(small: RunFolder, tmp_path: Path) -> None:
    """A library that was not there before changes no finished fit: the run goes on."""
    provenance = small.read_json("provenance.json")
    small.write_json("provenance.json", {**provenance, "versions": {"torch": provenance["versions"]["torch"]}})
    progress = RecordingProgress()
    run(tmp_path, SMALL, progress)
    assert not progress.ended


def test_corrupt_line_is_put_aside_and_run_again(small: RunFolder, tmp_path: Path) -> None:
    """A damaged line is kept aside with a warning, and its fit runs again to the same scores."""
    before = scores_of(small)
    path = small.path / "records.jsonl"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[:-30], encoding="utf-8")
    progress = RecordingProgress()
    run(tmp_path, SMALL, progress)
    assert len(progress.ended) == 1
    assert any("corrupt" in message for message in progress.warnings)
    assert scores_of(small) == before


@pytest.mark.parametrize("name", ["suite.yaml", "plan.json", "provenance.json"])
@pytest.mark.parametrize("damage", [b"", b"[1]", b"null", b"\xff\xfe{[", b"{", None])
def test_damaged_files_are_rebuilt(small: RunFolder, tmp_path: Path, name: str, damage: bytes | None) -> None:
    """Whatever happened to a file of the folder, reading it is a clear error and the same run writes it anew."""
    if damage is None:
        (small.path / name).unlink()
    else:
        (small.path / name).write_bytes(damage)
    if name == "suite.yaml":
        with pytest.raises(UserError, match="is damaged or gone"):
            small.read_suite()
    elif damage is not None:
        with pytest.raises(UserError, match="is damaged"):
            small.read_json(name)
    progress = RecordingProgress()
    run(tmp_path, SMALL, progress)
    assert not progress.ended
    assert small.read_suite()["name"] == "small"
    assert small.read_json("plan.json")["fits"]
    assert small.read_json("provenance.json")["versions"]


def test_damaged_predictions_are_passed_over(small: RunFolder, tmp_path: Path) -> None:
    """Predictions that can't be read leave a late metric missing; nothing fails."""
    for path in (small.path / "predictions").iterdir():
        path.write_bytes(b"junk")
    run(tmp_path, {**SMALL, "metrics": [ERROR_RATE]})
    assert all("error_rate" not in metrics for _, metrics, _ in scores_of(small).values())


def test_full_disk_is_told_and_keeps_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the run ends with a clear error, and what is recorded counts when it goes on."""
    append, written = RunFolder.append, []

    def append_three(folder: RunFolder, record: Record) -> None:
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        written.append(record.fit)
        append(folder, record)

    monkeypatch.setattr(RunFolder, "append", append_three)
    with pytest.raises(UserError, match="No space left on device; what is recorded is kept"):
        run(tmp_path, SMALL)
    monkeypatch.undo()
    progress = RecordingProgress()
    run(tmp_path, SMALL, progress)
    assert progress.begun == (6, 3)


def test_absent_gpu_is_a_users_mistake(tmp_path: Path) -> None:
    """A suite for CUDA on a machine without it says so before any fit runs."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("needs a machine without CUDA")
    with pytest.raises(UserError, match="needs a GPU"):
        run(tmp_path, {**SMALL, "models": ["dummy", "mlp"], "device": "cuda"})


def test_too_many_workers_are_refused(tmp_path: Path) -> None:
    """Workers times threads never exceed the cores, and a refused run writes nothing."""
    with pytest.raises(UserError, match="exceed the"):
        run(tmp_path, SMALL, workers=10_000)
    assert not (tmp_path / "run").exists()


def count_records(out: Path) -> int:
    """Count the fits that a run has recorded."""
    path = out / "records.jsonl"
    return len(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else 0


@dataclass(frozen=True)
class HaltedRun:
    """A run in a process of its own, some fits of which are recorded, while one waits until the file `go` is there."""

    process: subprocess.Popen[bytes]
    family: list[psutil.Process]
    suite: dict[str, Any]
    go: Path


@pytest.fixture
def halted_run(tmp_path: Path) -> HaltedRun:
    """Start a run, and wait until it waits."""
    begun, go = tmp_path / "begun", tmp_path / "go"
    waits = {"import": "misbehaving:Waits", "params": {"until": str(go), "begun": str(begun)}}
    suite = {**SMALL, "models": ["dummy", "logistic", waits], "variants": ["default"], "outer_folds": 4}
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(suite), encoding="utf-8")
    process = start_bakeoff(tmp_path, "run", "suite.yaml", "--out", "run", "--no-tracking")
    wait_for(lambda: begun.is_file() and count_records(tmp_path / "run") >= 2)
    family = psutil.Process(process.pid).children(recursive=True)
    assert family  # the forkserver at least
    return HaltedRun(process, family, suite, go)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_interrupted_run_resumes(halted_run: HaltedRun, tmp_path: Path, how: signal.Signals) -> None:
    """Killed or stopped halfway and run again, a run ends with all records, none lost or doubled, no process left."""
    halted_run.process.send_signal(how)
    code = halted_run.process.wait(timeout=10)
    assert code == (-how if how == signal.SIGKILL else 130)
    assert wait_until_gone(halted_run.family) == []
    recorded = count_records(tmp_path / "run")
    halted_run.go.touch()
    progress = RecordingProgress()
    folder = run(tmp_path, halted_run.suite, progress)
    assert progress.begun == (12, recorded)
    assert count_records(folder.path) == len(scores_of(folder)) == 12
    assert not list(folder.path.glob("prepared-*"))


def test_second_ctrl_c_ends_at_once(halted_run: HaltedRun, tmp_path: Path) -> None:
    """Whoever presses Ctrl-C twice has the prompt back; nothing that was recorded is lost."""
    halted_run.process.send_signal(signal.SIGINT)
    halted_run.process.send_signal(signal.SIGINT)
    assert halted_run.process.wait(timeout=10) == 130
    assert wait_until_gone(halted_run.family) == []
    assert len(scores_of(RunFolder(tmp_path / "run"))) >= 2


@pytest.mark.slow
def test_killed_study_goes_on_and_says_so(tmp_path: Path) -> None:
    """A tuned fit whose run was killed goes on with its trials; its record says so, and equals an undisturbed one."""
    ranges = {"n_neighbors": {"low": 1, "high": 40, "integer": True}}
    suite = {
        "name": "slow",
        "datasets": ["wine"],
        "models": [{"import": "misbehaving:SlowNeighbors", "space": ranges}],
        "variants": ["tuned"],
        "outer_folds": 2,
        "inner_folds": 2,
        "tuning": {"trials": 12},
    }
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(suite), encoding="utf-8")

    def start(out: str) -> subprocess.Popen[bytes]:
        return start_bakeoff(tmp_path, "run", "suite.yaml", "--out", out, "--no-tracking")

    assert start("calm").wait(timeout=120) == 0
    killed = start("killed")
    journals = tmp_path / "killed" / "studies"
    wait_for(lambda: sum(path.read_text(encoding="utf-8").count('"row"') for path in journals.glob("*.log")) >= 6)
    killed.kill()
    killed.wait(timeout=30)
    assert start("killed").wait(timeout=120) == 0
    calm, again = RunFolder(tmp_path / "calm"), RunFolder(tmp_path / "killed")
    assert scores_of(again) == scores_of(calm)
    records = list(again.read_records()[0].values())
    resumed = [record.diagnostics.get("trials_resumed", 0) for record in records]
    assert 2 <= sum(resumed) < 24
    for record in records:
        assert record.diagnostics["trials"] == 12
        assert record.diagnostics["tune_s"] > record.diagnostics["tune_fits"] * 0.2  # of both processes
        assert record.diagnostics["tune_fits"] >= 12
    for path in (calm.path / "trials").iterdir():
        assert choices_in(path) == choices_in(again.path / "trials" / path.name)
    assert "went on with a study" in again.markdown.read_text(encoding="utf-8")


def choices_in(path: Path) -> list[Any]:
    """Return what the trials of a fit tried, and how they scored."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(row["number"], row["state"], row["params"], row.get("folds"), row["value"]) for row in rows]


def test_every_engine_gives_the_same_scores(tiny_run: RunFolder, tmp_path: Path) -> None:
    """In this process, resumed with other models, and in shards that are merged: the same scores, bit for bit."""
    suite = tiny_run.read_suite() | {"datasets": ["wine"], "models": ["dummy", "logistic", "mlp"]}
    assert_same_scores(run_untracked(suite, tmp_path / "here", in_process=True), tiny_run)
    run(tmp_path, suite, models=["dummy", "mlp"])
    assert_same_scores(run(tmp_path, suite), tiny_run)
    parts = [run_untracked(suite, tmp_path / f"part{k}", shard=f"{k}/2").path for k in (1, 2)]
    assert_same_scores(merge(parts, tmp_path / "merged").folder, tiny_run)


def test_records_that_vanish_are_told(tmp_path: Path) -> None:
    """Whoever deletes the records while a run goes on hears of it, and the same command makes up for it."""

    class Vandal(RecordingProgress):
        def end(self, record: Record) -> None:
            super().end(record)
            if len(self.ended) == 3:
                (tmp_path / "run" / "records.jsonl").unlink()

    with pytest.raises(UserError, match="3 records have vanished"):
        run(tmp_path, SMALL, Vandal(), workers=1)
    progress = RecordingProgress()
    run(tmp_path, SMALL, progress)
    assert progress.begun == (6, 3)


def test_lost_fits_are_run_again_without_being_asked_for(small: RunFolder, tmp_path: Path) -> None:
    """A fit that was lost by no fault of its own never counts as done; one that failed does."""
    records = list(small.read_records()[0].values())
    changed = [replace(records[0], status="lost"), replace(records[1], status="timeout"), *records[2:]]
    small.write_records(changed)
    progress = RecordingProgress()
    run(tmp_path, SMALL, progress)
    assert [record.fit for record in progress.ended] == [records[0].fit]


@pytest.mark.slow
def test_ten_kills_change_nothing(tmp_path: Path) -> None:
    """Killed at ten random moments and resumed each time, the records equal those of an undisturbed run."""
    smoke = ("run", "smoke", "--no-tracking", "--out")
    calm, out = tmp_path / "calm", tmp_path / "run"
    assert start_bakeoff(tmp_path, *smoke, "calm").wait(timeout=300) == 0
    moments = random.Random(time.time_ns())
    for _ in range(10):
        process = start_bakeoff(tmp_path, *smoke, "run")
        wait_for((out / "records.jsonl").is_file)
        time.sleep(moments.uniform(0, 8))
        family = [process.pid, *(one.pid for one in psutil.Process(process.pid).children(recursive=True))]
        process.kill()
        process.wait(timeout=60)
        assert wait_until_gone([psutil.Process(pid) for pid in family if psutil.pid_exists(pid)]) == []
    assert start_bakeoff(tmp_path, *smoke, "run").wait(timeout=300) == 0
    assert scores_of(RunFolder(out)) == scores_of(RunFolder(calm))
    assert count_records(out) == 28


@pytest.mark.slow
def test_full_disk_loses_nothing(tmp_path: Path) -> None:
    """On a disk that is full the run ends with that reason; with room again it goes on to the same records."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)], check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs leave to mount a small disk")
    try:
        with pytest.raises(UserError, match="No space left on device"):
            run_untracked({**SMALL, "outer_folds": 5, "repeats": 20}, disk / "run")
        before = scores_of(RunFolder(disk / "run"))
        subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)
        suite = {**SMALL, "outer_folds": 5, "repeats": 2}
        after = scores_of(run_untracked(suite, disk / "run"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    calm = scores_of(run(tmp_path, suite))
    assert {fit: after[fit] for fit in calm} == calm
    assert all(after[fit] == outcome for fit, outcome in before.items() if outcome[0] == "ok")


@pytest.mark.slow
def test_endless_svm_ends_at_its_limit(tmp_path: Path) -> None:
    """A kernel machine that would take an hour is one marked row; all else is done, and the report says so."""
    suite = {
        "name": "hour",
        "datasets": [{"name": "xor", "rows": 130_000, "difficulty": "hard"}],
        "models": ["dummy", "logistic", "rbf_svm", "hist_gradient_boosting"],
        "variants": ["default"],
        "outer_folds": 2,
        "limits": {"seconds": 30, "memory": "4GB"},
    }
    folder = run(tmp_path, suite, workers=2)
    found = {(record.model, record.status) for record in folder.read_records()[0].values()}
    assert found == {("dummy", "ok"), ("logistic", "ok"), ("hist_gradient_boosting", "ok"), ("rbf_svm", "timeout")}
    assert "killed at its limit of 30 s" in folder.markdown.read_text(encoding="utf-8")
    assert "killed at its limit of 30 s" in folder.html.read_text(encoding="utf-8")


def test_copied_run_can_go_on_elsewhere(tiny_run: RunFolder, tmp_path: Path) -> None:
    """A run folder holds no absolute path that matters: a copy is found complete."""
    shutil.copytree(tiny_run.path, tmp_path / "copy")
    suite = parse_suite((tmp_path / "copy" / "suite.yaml").read_text(encoding="utf-8"), "copy")
    finished = Run(make_plan(suite), RunFolder(tmp_path / "copy"), RunOptions()).execute()
    assert (finished.ran, finished.failed) == (0, 0)


def test_unwritable_folder_is_a_users_mistake(tmp_path: Path) -> None:
    """A folder that can't be made is named, with what to do."""
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="can't be written"):
        run_untracked(SMALL, tmp_path / "file" / "run")
    if os.geteuid() != 0:  # root may write everywhere
        (tmp_path / "shut").mkdir(mode=0o500)
        with pytest.raises(UserError, match="can't be written"):
            run_untracked(SMALL, tmp_path / "shut" / "run")
