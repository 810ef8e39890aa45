"""Records and the run folder: nothing is lost, nothing is half-written, and damage is put aside."""

import errno
import json
import os
import platform
import re
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from bakeoff.errors import UserError
from bakeoff.records.record import Record, latest, parse_record
from bakeoff.records.run_folder import RunFolder, open_run

RECORD = Record(
    fit="f1",
    study="s1",
    cell="c1",
    dataset="d",
    data_digest="dd",
    split_digest="sd",
    task="binary",
    kind="tabular",
    model="m",
    family="classical",
    variant="default",
    repeat=0,
    fold=0,
    status="ok",
    metrics={"accuracy": 0.9},
    params={"hidden_layer_sizes": (4, 4)},
)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """Create an empty run folder."""
    folder = RunFolder(tmp_path / "run")
    folder.create()
    return folder


def test_record_round_trip() -> None:
    """A record read back equals the one written, up to JSON's lists."""
    again = parse_record(RECORD.to_json())
    assert again == replace(RECORD, params={"hidden_layer_sizes": [4, 4]})


def test_non_finite_numbers_become_null() -> None:
    """JSON has no NaN: such a number is written as null, and the line stays valid JSON."""
    line = replace(RECORD, diagnostics={"loss": np.float32("nan")}).to_json()
    assert json.loads(line)["diagnostics"] == {"loss": None}


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "[" * 100_000, '{"schema": 99}', '{"schema": 1}', RECORD.to_json()[:-20]]
)
def test_damaged_line_is_refused(line: str) -> None:
    """A line that is no record is a ValueError, never a half-filled record."""
    with pytest.raises(ValueError):  # noqa: PT011 - json's own messages differ
        parse_record(line)


@pytest.mark.parametrize("change", ['"fit":[1]', '"diagnostics":"x"', '"metrics":null', '"fold":"1"'])
def test_wrong_types_are_damage(change: str) -> None:
    """A field of another type than a record's is damage, not a crash later on."""
    key = change.split(":")[0]
    fields = json.loads(RECORD.to_json()) | json.loads("{" + change + "}")
    assert key.strip('"') in fields
    with pytest.raises(ValueError, match="wrong type"):
        parse_record(json.dumps(fields))


def test_text_is_cleaned() -> None:
    """Lone surrogates and control characters never reach the file."""
    line = replace(RECORD, reason="bad \udcff", diagnostics={"warnings": ["\x1b[31m"]}).to_json()
    again = parse_record(line.encode("utf-8").decode())
    assert again.reason == "bad ?"
    assert again.diagnostics["warnings"] == ["?[31m"]


def test_unknown_status_is_refused() -> None:
    """A status that this version does not know is damage."""
    with pytest.raises(ValueError, match="unknown status 'fine'"):
        parse_record(RECORD.to_json().replace('"ok"', '"fine"'))


def test_last_record_of_a_fit_wins() -> None:
    """A retried fit replaces its failure."""
    failed = replace(RECORD, status="error", reason="bad luck")
    assert latest([failed, RECORD])["f1"].ok
    assert not latest([RECORD, failed])["f1"].ok


def test_corrupt_lines_are_put_aside(folder: RunFolder) -> None:
    """A half-written last line is kept aside, the rest is used, and the next append starts on a fresh line."""
    folder.append(RECORD)
    with (folder.path / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write(RECORD.to_json()[:40])
    assert folder.repair_records() == 1
    folder.append(replace(RECORD, fit="f2"))
    records, bad = folder.read_records()
    assert (set(records), bad) == ({"f1", "f2"}, 0)
    assert (folder.path / "records.corrupt.jsonl").read_text(encoding="utf-8") == RECORD.to_json()[:40] + "\n"


def test_lock_refuses_a_second_writer(folder: RunFolder) -> None:
    """Two runs never write to one folder; the message says which process holds it, where and since when."""
    words = rf"process {os.getpid()} on {re.escape(platform.node())}, since \d{{4}}-"
    with folder.locked(), pytest.raises(UserError, match=words), RunFolder(folder.path).locked():
        pass
    with folder.locked():  # and it is free again
        pass


def test_lock_ends_with_its_run_whoever_was_forked(folder: RunFolder) -> None:
    """A pool's worker that was forked while the lock was held does not hold it on."""
    with folder.locked():
        pid = os.fork()
        if pid == 0:
            time.sleep(5)
            os._exit(0)
    try:
        with folder.locked():
            assert f'"pid": {os.getpid()}' in (folder.path / ".lock").read_text(encoding="utf-8")
            assert os.waitpid(pid, os.WNOHANG) == (0, 0)  # it lives
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.mark.parametrize("left", ["", "junk", "[]", '{"pid": 1}', '{"pid": 1, "host": "h", "since": "s", "born": 0}'])
def test_stale_lock_is_no_lock(folder: RunFolder, left: str) -> None:
    """What a killed run left in the lock file holds nobody up."""
    (folder.path / ".lock").write_text(left, encoding="utf-8")
    with folder.locked():
        assert str(os.getpid()) in (folder.path / ".lock").read_text(encoding="utf-8")


def test_without_locks_in_the_file_system_the_holder_is_looked_at(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process of this machine that has ended holds nothing; one that lives, or is elsewhere, does."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("bakeoff.records.lock.fcntl.flock", refuse)
    lock = folder.path / ".lock"
    holder = {"pid": os.getpid(), "host": platform.node(), "since": "s", "born": psutil.Process().create_time()}
    for living in (holder, {**holder, "host": "elsewhere"}):
        lock.write_text(json.dumps(living), encoding="utf-8")
        with pytest.raises(UserError, match=r"If that run has ended, delete .*\.lock"), folder.locked():
            pass
    lock.write_text(json.dumps({**holder, "born": 1.0}), encoding="utf-8")  # the number was given to another process
    with folder.locked():
        pass


def test_scratch_of_a_killed_run_is_cleared_away(folder: RunFolder) -> None:
    """What a run left when it was killed is gone with the next one."""
    (folder.path / "prepared-old").mkdir()
    (folder.path / "prepared-old" / "0.joblib").touch()
    with folder.scratch() as scratch:
        assert [path.name for path in folder.path.glob("prepared-*")] == [scratch.name]
    assert not list(folder.path.glob("prepared-*"))


def test_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    """A folder that holds somebody's files is never turned into a run."""
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UserError, match="holds files but no run"):
        RunFolder(tmp_path).create()
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_open_run_needs_a_run(tmp_path: Path) -> None:
    """Opening what is no run says what a run is."""
    with pytest.raises(UserError, match="there is no run in"):
        open_run(tmp_path)


def test_predictions_travel_without_pickle(folder: RunFolder) -> None:
    """Predictions of any label type are read back with allow_pickle off."""
    labels: Any = np.array(["yes", "no"], dtype=object)
    folder.write_predictions("f1", {"y_true": labels, "scores": np.eye(2)})
    with np.load(folder.path / "predictions" / "f1.npz") as arrays:
        assert list(arrays["y_true"]) == ["yes", "no"]
        assert arrays["scores"].shape == (2, 2)


def test_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that did not get to the disk as a whole is taken back, and the error told; the file goes on well."""
    folder = RunFolder(tmp_path)
    folder.append(RECORD)
    before = (tmp_path / "records.jsonl").read_bytes()

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            folder.append(replace(RECORD, fit="another"))
    assert (tmp_path / "records.jsonl").read_bytes() == before
    folder.append(replace(RECORD, fit="another"))
    assert folder.read_records()[1] == 0
    assert set(folder.read_records()[0]) == {RECORD.fit, "another"}
