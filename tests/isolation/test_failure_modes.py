"""The fault table: whatever a fit does is one row with a reason; the others are done, and nothing is left behind."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bakeoff.api import RunResult, run_suite
from bakeoff.engines.dispatch import run_jobs
from bakeoff.engines.observers import Silent
from bakeoff.engines.open_engine import open_engine
from bakeoff.engines.options import RunOptions
from bakeoff.engines.schedule import Schedule
from bakeoff.engines.submission import Submitter
from bakeoff.isolation.outcome import ResourceLimits
from bakeoff.planning.plan import make_plan
from bakeoff.protocol.job import Job
from bakeoff.records.record import Record
from bakeoff.suites.suite import Suite

ENGINES = ("local", "dask")

# A user's module: every estimator does something terrible in its `fit`.
FAULTY = """
import ctypes, os, signal, subprocess, sys, time
from pathlib import Path
from sklearn.dummy import DummyClassifier

SLEEP = [sys.executable, "-c", "import time; time.sleep(300)"]
HOLD = [sys.executable, "-c", "import time; held = bytearray(250 * 2**20); time.sleep(300)"]

class Raises(DummyClassifier):
    def fit(self, X, y):
        raise ValueError("bad hyperparameters")

class Segfaults(DummyClassifier):
    def fit(self, X, y):
        ctypes.string_at(0)

class Killed(DummyClassifier):
    def fit(self, X, y):
        os.kill(os.getpid(), signal.SIGKILL)

class Hangs(DummyClassifier):
    def fit(self, X, y):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen(SLEEP)
        while True:
            pass

class Grows(DummyClassifier):
    def fit(self, X, y):
        held = []
        while True:
            held.append(bytearray(5 * 2**20))
            time.sleep(0.005)

class GrowsElsewhere(DummyClassifier):
    def fit(self, X, y):
        for child in [subprocess.Popen(HOLD) for _ in range(3)]:
            child.wait()

class Shouts(DummyClassifier):
    def fit(self, X, y):
        line = "x" * 2**20
        for _ in range(100):
            print(line)
        return super().fit(X, y)

class LeavesChild(DummyClassifier):
    def fit(self, X, y):
        subprocess.Popen(SLEEP, start_new_session=True)
        return super().fit(X, y)

class Quits(DummyClassifier):
    def fit(self, X, y):
        os._exit(3)
"""
NAMES = [line.split("(")[0].removeprefix("class ") for line in FAULTY.splitlines() if "(DummyClassifier)" in line]
SUITE: dict[str, Any] = {
    "name": "faults",
    "datasets": ["wine"],
    "models": [
        *({"import": f"faulty:{name}"} for name in NAMES),
        {"name": "mlp", "as": "diverges", "params": {"learning_rate": 1e30, "optimizer": "sgd"}},
        "dummy",
        "logistic",
    ],
    "variants": ["default"],
    "outer_folds": 2,
    "limits": {"seconds": 6, "memory": "600MB"},
}

# What each must leave: status, and words of its reason.
TABLE = {
    "Raises": ("error", "ValueError: bad hyperparameters"),
    "Segfaults": ("crashed", "SIGSEGV"),
    "Killed": ("crashed", "SIGKILL"),
    "Hangs": ("timeout", "killed at its limit of 6 s"),
    "Grows": ("memory", "of 600 MB"),
    "GrowsElsewhere": ("memory", "of 600 MB"),
    "Shouts": ("ok", ""),
    "LeavesChild": ("ok", ""),
    "Quits": ("crashed", "exit code 3"),
    "diverges": ("error", "The loss stopped being finite"),
    "dummy": ("ok", ""),
    "logistic": ("ok", ""),
}


@pytest.fixture(scope="module", params=ENGINES)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunResult]:
    """Run the suite of faults once on each engine."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "faulty.py").write_text(FAULTY, encoding="utf-8")
    engine: dict[str, Any] = {"workers": 2}
    if request.param == "dask":
        engine = {"dask": request.getfixturevalue("cluster").file}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        yield run_suite(SUITE, out=folder / "run", tracking=False, **engine)


@pytest.fixture
def job() -> Job:
    """Plan one fit."""
    content = {"name": "one", "datasets": ["wine"], "models": ["dummy"], "variants": ["default"]}
    return make_plan(Suite.model_validate(content)).jobs[0]


def records_of(outcome: RunResult, model: str) -> list[Record]:
    """Return the records of a model."""
    return [record for record in outcome.folder.read_records()[0].values() if record.model == model]


def test_table_is_complete(outcome: RunResult) -> None:
    """Every fit of the suite has one record, and every model one row of this table."""
    assert set(TABLE) == {record.model for record in outcome.folder.read_records()[0].values()}
    assert len(outcome.folder.read_records()[0]) == 2 * len(TABLE)
    assert len((outcome.folder.path / "records.jsonl").read_text(encoding="utf-8").splitlines()) == 2 * len(TABLE)


@pytest.mark.parametrize("model", TABLE)
def test_fault_is_one_row_with_its_reason(outcome: RunResult, model: str) -> None:
    """What a fit did is its status, with a reason that a person understands; both folds say the same."""
    status, words = TABLE[model]
    for record in records_of(outcome, model):
        assert record.status == status, record.reason
        assert words in record.reason
        assert record.diagnostics["host"]
        assert "attempts" not in record.diagnostics  # a fit's own fault is not run again


@pytest.mark.parametrize("engine", ENGINES)
def test_result_that_cannot_travel_is_an_error(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, job: Job
) -> None:
    """A call that goes well and returns what can't be pickled is an error with that reason."""
    options = RunOptions(dask=request.getfixturevalue("cluster").file) if engine == "dask" else RunOptions(workers=1)
    limits = ResourceLimits(seconds=60, memory=2**30)
    with open_engine(options, threads=1, devices={"cpu"}, scratch=tmp_path, note=print) as opened:
        ways = Submitter(
            function=lambda job: threading.Lock(), limits=limits, scratch=tmp_path, retries=1, isolated=True
        )
        (ended,) = run_jobs(Schedule([job], {}), opened.pools, ways, Silent())
    assert (ended.outcome.status, ended.lost_reasons) == ("error", ())
    assert "the result can't be sent back: TypeError" in ended.outcome.reason


def test_crashes_keep_their_traceback(outcome: RunResult) -> None:
    """A segfault's record names the line of Python that caused it."""
    assert all("faulty.py" in record.traceback for record in records_of(outcome, "Segfaults"))


def test_failures_are_told_in_the_report(outcome: RunResult) -> None:
    """Each kind of failure stands in the report with its reason."""
    text = outcome.folder.markdown.read_text(encoding="utf-8")
    for model, (status, _) in TABLE.items():
        if status != "ok":
            assert records_of(outcome, model)[0].reason.split("(")[0][:40] in text, model


def test_nothing_is_left_behind(outcome: RunResult) -> None:
    """No process that a fit started lives on, on any engine."""
    deadline = time.monotonic() + 10
    while left := [one for one in psutil.process_iter(["cmdline"]) if _is_ours(one)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def _is_ours(process: psutil.Process) -> bool:
    words = " ".join(process.info["cmdline"] or ())
    return "time.sleep(300)" in words and "-c" in words


def test_scratch_is_cleared_away(outcome: RunResult) -> None:
    """The data of fits are gone from the run folder when the run has ended."""
    assert not list(Path(outcome.path).glob("prepared-*"))
