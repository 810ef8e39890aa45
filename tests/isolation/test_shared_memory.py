"""Data sets lie in memory once for all fits, and shared pages are charged to none of them."""

import json
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

from bakeoff.api import run_suite
from bakeoff.isolation.outcome import ResourceLimits
from bakeoff.isolation.parent import run_isolated

MB = 2**20
cloudpickle.register_pickle_by_value(sys.modules[__name__])

# A dummy model that reads every value of X, waits for the other fit, and notes what memory is its own.
PROBE = """
import json, os, time
from pathlib import Path
import psutil
from sklearn.dummy import DummyClassifier

class Probe(DummyClassifier):
    def fit(self, X, y):
        before = psutil.Process().memory_full_info()
        total = sum(float(X[start : start + 1000].sum()) for start in range(0, len(X), 1000))
        here = Path({folder!r})
        (here / f"ready-{{os.getpid()}}").touch()
        deadline = time.monotonic() + 60
        while len(list(here.glob("ready-*"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.5)
        after = psutil.Process().memory_full_info()
        told = {{"bytes": int(X.nbytes), "own": after.uss - before.uss, "share": after.pss - before.pss,
                 "resident": after.rss - before.rss, "total": total}}
        (here / f"probe-{{os.getpid()}}.json").write_text(json.dumps(told))
        return super().fit(X, y)
"""


def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: dict[str, Any], memory: str) -> list[dict[str, Any]]:
    """Run two dummy fits at once over the same data and return what each found."""
    (tmp_path / "probes.py").write_text(PROBE.format(folder=str(tmp_path)), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    suite = {
        "name": "probes",
        "datasets": [data],
        "models": [{"import": "probes:Probe", "name": "one"}, {"import": "probes:Probe", "name": "two"}],
        "variants": ["default"],
        "limits": {"seconds": 200, "memory": memory},
    }
    folder = run_suite(suite, out=tmp_path / "run", tracking=False, workers=2).folder
    for record in folder.read_records()[0].values():
        assert record.status == "ok", record.reason
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(tmp_path.glob("probe-*.json"))]


def check_shared(found: list[dict[str, Any]]) -> None:
    """Both fits had all rows resident; neither had a copy of its own; together they hold the data once."""
    assert len(found) == 2
    size = found[0]["bytes"]
    for one in found:
        assert one["resident"] > 0.9 * size
        assert one["own"] < 0.1 * size
    assert 0.4 * size < sum(one["share"] for one in found) < 1.3 * size


def test_two_fits_share_one_copy_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The raw data exist once for two workers, and a limit below their size kills neither fit."""
    random = np.random.default_rng(0)
    rows, test = 5000, 500
    X = random.integers(0, 256, size=(rows, 64, 64)).astype("uint8")  # 80 MB as float32
    np.savez(tmp_path / "made.npz", X=X, y=np.arange(rows) % 2)
    data = {"file": str(tmp_path / "made.npz"), "n_train": rows - test}
    check_shared(probe(tmp_path, monkeypatch, data, "64MB"))


@pytest.mark.slow
def test_mnist_exists_once_with_two_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_folder: Path) -> None:
    """The raw data of MNIST lie in memory once, whatever the number of workers."""
    data = {"file": str(data_folder / "images" / "mnist.npz"), "n_train": 60000}
    check_shared(probe(tmp_path, monkeypatch, data, "100MB"))


def test_pages_shared_with_a_child_kill_nobody() -> None:
    """A fit that forks holds its pages once, however many processes see them."""

    def fork_with_much() -> int:
        import os
        import time

        held = bytearray(150 * MB)
        children = []
        for _ in range(4):
            pid = os.fork()
            if pid == 0:
                time.sleep(1.5)
                os._exit(0)
            children.append(pid)
        for pid in children:
            os.waitpid(pid, 0)
        return len(held)

    outcome = run_isolated(fork_with_much, limits=ResourceLimits(seconds=60, memory=400 * MB))
    assert outcome.status == "ok", outcome.reason


def test_peak_is_what_a_call_used() -> None:
    """The peak counts what a call held at most, though it let go of it, and nothing of the preload."""

    def hold_and_let_go() -> None:
        held = bytearray(200 * MB)
        del held

    assert run_isolated(int, limits=ResourceLimits(seconds=60, memory=2**30)).peak_mb == pytest.approx(0, abs=20)
    peak = run_isolated(hold_and_let_go, limits=ResourceLimits(seconds=60, memory=2**30)).peak_mb
    assert peak == pytest.approx(200, abs=25)
