"""A cluster of Dask: the same scores, workers that come, go and are refused, and an end that leaves nothing running."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import yaml
from doubles import RecordingProgress
from processes import Cluster, start_bakeoff, wait_for, wait_until_gone
from runs import run_untracked, scores_of

from bakeoff.api import run_suite
from bakeoff.engines.dask_engine import ClusterRequirements, _Cluster, _WorkerInfo, dask_engine
from bakeoff.errors import UserError
from bakeoff.records.provenance import collect_versions
from bakeoff.records.run_folder import RunFolder


def waiting_suite(tmp_path: Path, **params: Any) -> dict[str, Any]:
    """Make a suite of four fits that wait, and that leave the process ids of their workers at `begun`."""
    waits = {"import": "misbehaving:Waits", "params": {"begun": str(tmp_path / "begun"), **params}}
    return {
        "name": "slow",
        "datasets": ["wine"],
        "models": [waits],
        "variants": ["default"],
        "outer_folds": 4,
        "limits": {"seconds": 60, "memory": "2GB"},
    }


def requirements(tmp_path: Path, **changes: Any) -> ClusterRequirements:
    """Make what a run asks of a cluster."""
    given = {"scratch": tmp_path, "workers": None, "threads": 1, "devices": {"cpu"}, "mixed_versions": False}
    return ClusterRequirements(**{**given, "note": print, **changes})


def test_cluster_gives_the_scores_of_this_machine(tiny_run: RunFolder, tmp_path: Path, cluster: Cluster) -> None:
    """Tuned and default fits of classical and deep models score the same on a cluster, bit for bit."""
    progress = RecordingProgress()
    folder = run_untracked(tiny_run.read_suite(), tmp_path / "run", dask=cluster.file, progress=progress)
    assert scores_of(folder) == scores_of(tiny_run)
    assert any("running on the Dask cluster at tcp://127.0.0.1" in note for note in progress.notes)
    assert "Dask cluster" in folder.read_json("provenance.json")["engine"]
    assert all(record.diagnostics["host"] for record in progress.ended)


def test_cluster_of_our_own(tmp_path: Path) -> None:
    """`local` starts a cluster on this machine and ends it with the run."""
    suite = {"name": "own", "datasets": ["wine"], "models": ["dummy", "logistic"], "variants": ["default"]}
    result = run_suite(suite | {"outer_folds": 2}, out=tmp_path / "run", tracking=False, dask="local", workers=2)
    assert (result.finished.ran, result.finished.failed) == (4, 0)  # type: ignore[union-attr]
    assert "a Dask cluster here, 2 fits at once" in result.folder.read_json("provenance.json")["engine"]


def test_dead_worker_loses_no_fit(tmp_path: Path, cluster: Cluster) -> None:
    """A worker killed in the middle of its fits: they run again elsewhere, and their records say so."""
    cluster.add_worker()
    cluster.wait_for_workers()
    begun, go = tmp_path / "begun", tmp_path / "go"

    def kill_first() -> None:
        wait_for(lambda: begun.is_file() and begun.read_text(encoding="utf-8").endswith("\n"))
        os.kill(int(begun.read_text(encoding="utf-8").split()[0]), signal.SIGKILL)
        go.touch()

    killer = threading.Thread(target=kill_first)
    killer.start()
    folder = run_untracked(waiting_suite(tmp_path, until=str(go)), tmp_path / "run", dask=cluster.file)
    killer.join()
    records = folder.read_records()[0].values()
    assert [record.status for record in records] == ["ok"] * 4
    again = [record for record in records if record.diagnostics.get("attempts", 1) > 1]
    assert len(again) in (1, 2)  # as many as the worker had slots
    assert len(begun.read_text(encoding="utf-8").splitlines()) >= 5


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_end_of_the_driver_ends_its_fits(tmp_path: Path, cluster: Cluster, how: signal.Signals) -> None:
    """Interrupted or killed, a run on a cluster leaves no fit running there, and the same command goes on."""
    go = tmp_path / "go"
    suite = waiting_suite(tmp_path, until=str(go))
    run = start(tmp_path, suite, cluster)
    wait_for((tmp_path / "begun").is_file)
    fits = [one for worker in cluster.living_workers() for one in _fits_of(worker.pid)]
    assert fits
    run.send_signal(how)
    began = time.monotonic()
    run.wait(timeout=30)
    if how == signal.SIGINT:
        assert run.returncode == 130
        assert time.monotonic() - began < 3
    assert not wait_until_gone(fits)
    go.touch()
    assert len(scores_of(run_untracked(suite, tmp_path / "run", dask=cluster.file))) == 4


def start(tmp_path: Path, suite: dict[str, Any], cluster: Cluster) -> subprocess.Popen[bytes]:
    """Start `bakeoff run` on a cluster in a process of its own."""
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(suite), encoding="utf-8")
    return start_bakeoff(tmp_path, "run", "suite.yaml", "--out", "run", "--no-tracking", "--dask", cluster.file)


def _fits_of(pid: int) -> list[psutil.Process]:
    """List the processes of fits below a worker: sessions of their own."""
    return [one for one in psutil.Process(pid).children(recursive=True) if os.getsid(one.pid) == one.pid]


@pytest.mark.slow
def test_dead_scheduler_ends_the_run_with_its_records(tmp_path: Path, new_cluster: Cluster) -> None:
    """Without its scheduler the run ends with exit code 2, blames no fit, and goes on with a new cluster."""
    out, suite = tmp_path / "run", waiting_suite(tmp_path, seconds=3.0)
    run = start(tmp_path, suite, new_cluster)
    wait_for(lambda: (out / "records.jsonl").is_file() and (out / "records.jsonl").read_text(encoding="utf-8"))
    new_cluster.scheduler.kill()
    assert run.wait(timeout=120) == 2
    output = (tmp_path / "output.txt").read_text(encoding="utf-8")
    assert "the scheduler of the Dask cluster is gone" in output
    assert "Traceback" not in output
    recorded = scores_of(RunFolder(out))
    assert 0 < len(recorded) < 4
    assert {status for status, _, _ in recorded.values()} == {"ok"}
    result = run_suite(suite, out=out, tracking=False, workers=2)
    assert (result.finished.failed, len(scores_of(RunFolder(out)))) == (0, 4)  # type: ignore[union-attr]


class FakeClient:
    """What `_Cluster` asks of Dask's client: who is there, and what each says of itself."""

    def __init__(self, *workers: Any) -> None:
        self.there = {f"tcp://{place}": worker for place, worker in enumerate(workers)}
        self.scheduler = SimpleNamespace(address="tcp://scheduler")

    def nthreads(self) -> dict[str, int]:
        """Return the slots by worker."""
        return {address: getattr(worker, "slots", 1) for address, worker in self.there.items()}

    def run(self, function: Any, *_: Any, workers: list[str], on_error: str) -> dict[str, Any]:
        """Describe workers."""
        return {address: self.there[address] for address in workers}


def worker(**changes: Any) -> Any:
    """Make a worker that is as it should be, but for the changes."""
    about = {"slots": 2, "gpus": 0, "cores": 4, "versions": collect_versions(), "token": "shared", **changes}
    return _WorkerInfo(**about)


def make_cluster(tmp_path: Path, *workers: Any, **changes: Any) -> _Cluster:
    """Make a cluster of workers that share a folder."""
    made = _Cluster(FakeClient(*workers), requirements(tmp_path, **changes))
    made._token = "shared"
    return made


def test_slots_of_all_workers_count(tmp_path: Path) -> None:
    """Slots are summed; those of GPUs are taken off where fits want GPUs."""
    workers = [worker(), worker(slots=3, gpus=1)]
    assert make_cluster(tmp_path, *workers).cpu_slots() == 5
    gpu = make_cluster(tmp_path, *workers, devices={"cpu", "cuda"})
    assert (gpu.cpu_slots(), gpu.gpu_slots()) == (4, 1)


def test_worker_without_the_folder_is_refused(tmp_path: Path) -> None:
    """A worker that does not see the run folder would find no data: it is named, with what to do."""
    with pytest.raises(UserError, match=r"tcp://1 does not see .* need one folder that they share"):
        make_cluster(tmp_path, worker(), worker(token="")).workers()


def test_worker_with_other_versions_is_refused(tmp_path: Path) -> None:
    """Other versions on a worker would give other scores: they are named, unless they are allowed."""
    old = worker(versions={"numpy": "1.0"})
    with pytest.raises(UserError, match=r"other versions than this machine \(numpy .* → 1\.0\)"):
        make_cluster(tmp_path, old).workers()
    assert make_cluster(tmp_path, old, mixed_versions=True).cpu_slots() == 2


def test_crowded_worker_is_refused(tmp_path: Path) -> None:
    """Slots times threads beyond a worker's cores are refused, with the option that would do."""
    with pytest.raises(UserError, match="2 slots x 3 threads on 4 cores; start it with --nthreads 1"):
        make_cluster(tmp_path, worker(), threads=3).workers()


def test_worker_that_cannot_answer_is_named(tmp_path: Path) -> None:
    """A worker without bakeoff is named with its error; one that is gone meanwhile is passed over."""
    bare = ModuleNotFoundError("No module named 'bakeoff'")
    with pytest.raises(UserError, match=r"tcp://0 can't be used .*No module.*is bakeoff installed there"):
        make_cluster(tmp_path, bare).workers()
    assert make_cluster(tmp_path, OSError("gone"), worker()).cpu_slots() == 2


def test_workers_come_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run waits for the first worker and says so; slots follow the workers that are there; new ones are checked."""
    monkeypatch.setattr("bakeoff.engines.dask_engine.POLL_INTERVAL_S", 0.0)
    monkeypatch.setattr("bakeoff.engines.dask_engine.FIRST_NOTE_S", 0.0)
    notes: list[str] = []
    made = make_cluster(tmp_path, note=notes.append)
    threading.Timer(0.5, lambda: made.client.there.update({"tcp://a": worker()})).start()
    made.wait_for_workers()
    assert notes == ["waiting for workers of tcp://scheduler; Ctrl-C stops"]
    assert made.cpu_slots() == 2
    made.client.there = {"tcp://b": worker(slots=1)}
    assert made.cpu_slots() == 1
    made.client.there["tcp://c"] = worker(token="other")
    with pytest.raises(UserError, match="does not see"):
        made.cpu_slots()


def test_gpu_that_nobody_announces_is_missed(tmp_path: Path, cluster: Cluster) -> None:
    """Fits for GPUs need workers that announce them."""
    wanted = requirements(tmp_path, devices={"cuda"})
    with pytest.raises(UserError, match="--resources GPU=1"), dask_engine(cluster.file, wanted):
        pass


@pytest.mark.parametrize("content", ["name: suite", "{}", "[1]", ""])
def test_file_that_is_no_scheduler_file_is_told(tmp_path: Path, content: str) -> None:
    """Another file than the scheduler's is refused at once."""
    (tmp_path / "base.yaml").write_text(content, encoding="utf-8")
    where = str(tmp_path / "base.yaml")
    with pytest.raises(UserError, match="is no scheduler file"), dask_engine(where, requirements(tmp_path)):
        pass


def test_absent_scheduler_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address where nobody listens is the user's mistake, told in one line."""
    monkeypatch.setattr("bakeoff.engines.dask_engine.CONNECT_TIMEOUT_S", 0.5)
    message = r"no scheduler answers at 'tcp://127\.0\.0\.1:9'"
    with pytest.raises(UserError, match=message), dask_engine("tcp://127.0.0.1:9", requirements(tmp_path)):
        pass
