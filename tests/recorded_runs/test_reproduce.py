"""Fits run once more: the same to the last bit, or what differs, and a certificate in the report."""

import dataclasses
import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from runs import run_untracked

from bakeoff.errors import UserError
from bakeoff.recorded_runs.reproduce import RerunResult, rerun_fit, verify_run
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports import write_reports

SUITE: dict[str, Any] = {
    "name": "again",
    "datasets": ["wine"],
    "models": ["logistic", "mlp"],
    "outer_folds": 2,
    "inner_folds": 2,
    "tuning": {"trials": 3},
    "caps": {"epochs": 3},
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a small run with tuned and default fits once."""
    return run_untracked(SUITE, tmp_path_factory.mktemp("runs") / "again", workers=1).path


@pytest.fixture
def folder(recorded: Path, tmp_path: Path) -> RunFolder:
    """Copy the run."""
    return RunFolder(Path(shutil.copytree(recorded, tmp_path / "run")))


def test_every_fit_comes_out_the_same(folder: RunFolder) -> None:
    """A sample as large as the run is equal to the last bit, in the certificate and in the report."""
    told: list[RerunResult] = []
    found = verify_run(folder, sample=99, callback=told.append)
    assert (found["repeated"], found["equal"], found["of"]) == (8, 8, 8)
    assert found["different"] == []
    assert all(one.same and not one.differences for one in told)
    write_reports(folder)
    assert "8 of 8 fits run again came out the same to the last bit" in folder.markdown.read_text(encoding="utf-8")


def test_another_score_is_told(folder: RunFolder, bakeoff: Any) -> None:
    """A record that can't be had again is named, with both values, and the exit code says so."""
    records = list(folder.read_records()[0].values())
    changed = dataclasses.replace(records[0], metrics={**records[0].metrics, "accuracy": 0.123})
    folder.write_records([changed, *records[1:]])
    repeated = rerun_fit(folder, changed.fit[:10])
    assert not repeated.same
    assert repeated.differences == {"accuracy": (0.123, records[0].metrics["accuracy"])}
    assert bakeoff("rerun", str(folder.path), changed.fit) == 1
    assert "accuracy: 0.123 before" in bakeoff.out
    assert bakeoff("rerun", str(folder.path), records[1].fit) == 0
    assert bakeoff("verify", str(folder.path), "--sample", "8") == 1
    assert "7 of 8 fits came out the same" in bakeoff.out
    certificate = json.loads((folder.path / "verified.json").read_text(encoding="utf-8"))
    assert [one["fit"] for one in certificate["different"]] == [changed.fit]


@pytest.mark.parametrize("fit", ["zzz", ""])
def test_unknown_fit_is_refused(folder: RunFolder, fit: str) -> None:
    """An id that is none, or that begins several, is refused in words."""
    with pytest.raises(UserError, match=r"no record of the fit|fits of .* begin with"):
        rerun_fit(folder, fit)


def test_changed_data_are_refused(tmp_path: Path) -> None:
    """A fit on data that are not those of the run is not compared."""
    data = tmp_path / "data.csv"
    data.write_text("a,y\n" + "".join(f"{number},{'no' if number % 3 else 'yes'}\n" for number in range(30)))
    suite = SUITE | {"datasets": [{"file": str(data), "target": "y"}], "models": ["dummy"], "variants": ["default"]}
    folder = run_untracked(suite, tmp_path / "run", workers=1)
    data.write_text(data.read_text().replace("0,yes", "0,no"))
    fit = next(iter(folder.read_records()[0]))
    with pytest.raises(UserError, match="has changed since the run"):
        rerun_fit(folder, fit)


def test_failed_fit_opens_the_debugger(tmp_path: Path, bakeoff: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --pdb a failing model stops in the debugger, where its own lines can be seen."""
    suite = SUITE | {"models": [{"import": "misbehaving:Raises"}], "variants": ["default"]}
    folder = run_untracked(suite, tmp_path / "run", workers=1)
    fit = next(iter(folder.read_records()[0]))
    assert bakeoff("rerun", str(folder.path), fit) == 0  # it fails as it did
    monkeypatch.setattr(sys, "stdin", io.StringIO("list\nquit\n"))
    assert bakeoff("rerun", str(folder.path), fit, "--pdb") == 1
    assert "raise ValueError" in bakeoff.out
