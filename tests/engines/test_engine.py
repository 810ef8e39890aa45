"""The engine: slots kept busy, the longest first, what is lost run again, and any executor will do."""

import os
import signal
import sys
import threading
import time
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cloudpickle
import psutil
import pytest
from doubles import RecordingProgress

from bakeoff.engines.dispatch import FinishedFit, run_jobs
from bakeoff.engines.executor_pools import ExecutorPool
from bakeoff.engines.local_engine import in_process_engine, local_engine
from bakeoff.engines.open_engine import open_engine
from bakeoff.engines.options import RunOptions
from bakeoff.engines.schedule import Schedule
from bakeoff.engines.submission import Submitter
from bakeoff.engines.workers import check_workers, count_cores, describe_workers, memory_warning
from bakeoff.errors import UserError
from bakeoff.isolation.child import THREAD_VARIABLES
from bakeoff.isolation.outcome import ResourceLimits

ROOMY = ResourceLimits(seconds=30, memory=2**30)
# The process of a call can't import a test module by name.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


@dataclass(frozen=True)
class Task:
    """What the engine needs of a job."""

    name: str
    seconds: float = 0.0
    model: str = "m"
    device: str = "cpu"
    variant: str = "default"
    tunes: bool = False

    @property
    def keys(self) -> Any:
        """Return its key."""
        return SimpleNamespace(fit=self.name, study=self.name)

    @property
    def group(self) -> tuple[str, str, str]:
        """Return its group."""
        return "data", self.model, "default"


def nap(task: Task) -> str:
    """Sleep as long as the task says."""
    time.sleep(task.seconds)
    return task.name


def read_gpu(task: Task) -> str | None:
    """Return the GPUs that a fit's process may see."""
    time.sleep(0.3)
    return os.environ.get("CUDA_VISIBLE_DEVICES")


def make_submitter(tmp_path: Path, function: Any = nap, **options: Any) -> Submitter:
    """Make the way from jobs to futures."""
    given = {"limits": ROOMY, "retries": 1, "isolated": True, **options}
    return Submitter(function=function, scratch=tmp_path, **given)


def run(
    tmp_path: Path,
    tasks: list[Any],
    pools: tuple[ExecutorPool, ...],
    progress: RecordingProgress | None = None,
    **options: Any,
) -> list[FinishedFit]:
    """Run tasks to their ends."""
    ways = make_submitter(tmp_path, **options)
    with closing(run_jobs(Schedule(tasks, {}), pools, ways, progress or RecordingProgress())) as ended:
        return list(ended)


def only_pool(executor: Executor, slots: int = 2) -> tuple[ExecutorPool, ...]:
    """Make one pool of an executor."""
    return (ExecutorPool("cpu", executor, lambda: slots),)


def test_every_job_ends_once(tmp_path: Path) -> None:
    """All jobs of a schedule end, each with its own value, its host, and no loss."""
    with ThreadPoolExecutor(2) as pool:
        ended = run(tmp_path, [Task(str(number)) for number in range(9)], only_pool(pool))
    assert sorted(one.outcome.value for one in ended) == list("012345678")
    assert all(len(one.hosts) == 1 and not one.lost_reasons for one in ended)


def test_unknown_groups_come_first_and_then_the_longest() -> None:
    """One fit of each group of which nothing is known; then the groups by the seconds that a fit took."""
    tasks: list[Any] = [Task(f"{model}{fold}", model=model) for model in "abc" for fold in range(2)]
    schedule = Schedule(tasks, {("data", "c", "default"): 5.0})
    taken = [schedule.next_job("cpu").name for _ in range(2)]  # type: ignore[union-attr]
    schedule.record_duration(tasks[0], 1.0)
    schedule.record_duration(tasks[2], 9.0)
    while schedule:
        taken.append(schedule.next_job("cpu").name)  # type: ignore[union-attr]
    assert taken == ["a0", "b0", "b1", "c0", "c1", "a1"]
    assert schedule.next_job("cpu") is None


def test_time_left_counts_slots_and_what_is_known() -> None:
    """What is left is the sum over waiting fits by their groups' means, divided by the slots."""
    tasks: list[Any] = [Task(f"{model}{fold}", model=model) for model in "ab" for fold in range(4)]
    schedule = Schedule(tasks, {})
    assert schedule.remaining_s([], 2) is None
    first = schedule.next_job("cpu")
    assert first is not None
    schedule.record_duration(first, 2.0)
    schedule.record_duration(first, 4.0)
    assert schedule.remaining_s([], 2) == pytest.approx((3 * 3 + 4 * 3) / 2)


def test_fits_wait_for_lanes_of_their_device(tmp_path: Path) -> None:
    """Fits for GPUs run as many at once as there are GPUs, each seeing its own; the others go beside them."""
    tasks = [Task(f"gpu{number}", device="cuda") for number in range(6)] + [Task("cpu")]

    def claim(number: int) -> Any:
        free: list[str] = ["3", "5"]
        lock = threading.Lock()

        def take() -> None:
            from bakeoff.engines.submission import THREAD_LOCAL

            with lock:
                THREAD_LOCAL.gpu = free.pop()

        return ThreadPoolExecutor(number, initializer=take)

    with ThreadPoolExecutor(1) as cpu, claim(2) as gpu:
        pools = (ExecutorPool("cuda", gpu, lambda: 2), ExecutorPool("cpu", cpu, lambda: 1))
        ended = run(tmp_path, tasks, pools, function=read_gpu)
    seen = {one.job.keys.fit: one.outcome.value for one in ended}
    assert {seen[f"gpu{number}"] for number in range(6)} == {"3", "5"}
    assert seen["cpu"] == os.environ.get("CUDA_VISIBLE_DEVICES")


def test_local_engine_names_each_gpu_once_per_slot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two fits on each of the GPUs that this process sees, and workers left for the fits on the CPU."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    hardware = SimpleNamespace(value={"gpus": ["one", "two"]}, reason="")
    monkeypatch.setattr("bakeoff.engines.local_engine.inspect_hardware", lambda: hardware)
    with local_engine(1, 1, {"cpu", "cuda"}, fits_per_gpu=2) as engine:
        slots = {one.device: one.slots() for one in engine.pools}
        tasks = [Task(f"{number}", device="cuda") for number in range(4)]
        ended = run(tmp_path, tasks, engine.pools, function=read_gpu)
    assert slots == {"cuda": 4, "cpu": 1}
    assert sorted(one.outcome.value for one in ended) == ["4", "4", "7", "7"]
    assert "2 on each of 2 GPUs" in engine.label


class Forgetful(ThreadPoolExecutor):
    """An executor that loses the first calls that it gets."""

    def __init__(self, losses: int, error: BaseException) -> None:
        super().__init__(2)
        self.losses, self.error = losses, error

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Lose the call, or carry it."""
        if self.losses:
            self.losses -= 1
            lost: Future[Any] = Future()
            lost.set_exception(self.error)
            return lost
        return super().submit(fn, *args, **kwargs)


@pytest.mark.parametrize("error", [OSError("the machine is gone"), CancelledError()])
def test_lost_fits_are_run_again_and_said_to_be(tmp_path: Path, error: BaseException) -> None:
    """A call whose executor fails is run again once, the loss is told and stays with the outcome."""
    progress = RecordingProgress()
    with Forgetful(1, error) as pool:
        ended = run(tmp_path, [Task("one")], only_pool(pool), progress)
    assert [one.outcome.status for one in ended] == ["ok"]
    assert len(ended[0].lost_reasons) == len(progress.retried) == 1
    assert "gone" in ended[0].lost_reasons[0]


def test_what_is_lost_again_stays_lost(tmp_path: Path) -> None:
    """After the retries a fit is lost, with its reason; without retries at once."""
    for retries, losses in ((1, 2), (0, 1)):
        with Forgetful(losses, OSError("no route")) as pool:
            (ended,) = run(tmp_path, [Task("one")], only_pool(pool), retries=retries)
        assert (ended.outcome.status, len(ended.lost_reasons)) == ("lost", losses)
        assert "no route" in ended.outcome.reason


def test_an_engine_that_is_gone_is_no_loss_of_a_fit(tmp_path: Path) -> None:
    """Where the pool itself raises, the error reaches the run, and no fit is blamed."""
    checks = iter([2, 2])

    def slots() -> int:
        try:
            return next(checks)
        except StopIteration:
            raise UserError("the scheduler is gone") from None

    with Forgetful(9, OSError("no route")) as pool, pytest.raises(UserError, match="the scheduler is gone"):
        run(tmp_path, [Task("one"), Task("two")], (ExecutorPool("cpu", pool, slots),))


def test_pool_that_is_closed_ends_the_run_in_words(tmp_path: Path) -> None:
    """An executor that takes no more calls ends the run, and no fit is blamed."""
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(UserError, match="the engine takes no more fits"):
        run(tmp_path, [Task("one")], only_pool(pool))


def test_fit_that_cannot_be_sent_is_an_error(tmp_path: Path) -> None:
    """A model that can't be pickled is one row with that reason, and the others run."""
    held = threading.Lock()
    with ThreadPoolExecutor(1) as pool:
        (ended,) = run(tmp_path, [Task("one")], only_pool(pool), function=lambda task: held)
    assert ended.outcome.status == "error"
    assert "the fit can't be sent to its process: TypeError" in ended.outcome.reason


def test_closing_stops_what_runs(tmp_path: Path) -> None:
    """Closing the generator ends running fits within a second and leaves no process."""
    with ThreadPoolExecutor(2) as pool:
        tasks: list[Any] = [Task("short"), Task("long", seconds=60), Task("longer", seconds=60)]
        ended = run_jobs(Schedule(tasks, {}), only_pool(pool), make_submitter(tmp_path), RecordingProgress())
        next(ended)
        began = time.monotonic()
        ended.close()
    assert time.monotonic() - began < 2
    left = [child for child in psutil.Process().children(recursive=True) if "long" in str(child)]
    assert not left


def test_in_process_runs_here_with_few_threads(tmp_path: Path) -> None:
    """In process a fit is a call in this thread: an exception is an outcome, threads are limited and put back."""
    import torch

    torch.set_num_threads(2)
    environment = {name: os.environ.get(name) for name in THREAD_VARIABLES}

    def look(task: Task) -> tuple[int, int, str]:
        if task.name == "bad":
            raise ValueError("in a mood")
        return os.getpid(), torch.get_num_threads(), os.environ["OMP_NUM_THREADS"]

    with in_process_engine({"cpu"}) as engine:
        tasks = [Task("good", model="a"), Task("bad", model="b")]
        good, bad = run(tmp_path, tasks, engine.pools, function=look, isolated=False)
    assert good.outcome.value == (os.getpid(), 1, "1")
    assert good.outcome.peak_mb is None
    assert (bad.outcome.status, bad.outcome.reason) == ("error", "ValueError: in a mood")
    assert torch.get_num_threads() == 2
    assert {name: os.environ.get(name) for name in THREAD_VARIABLES} == environment


def test_ctrl_c_in_process_is_no_failure_of_a_fit(tmp_path: Path) -> None:
    """In process Ctrl-C ends the run instead of counting as a fit's error."""

    def interrupt(task: Task) -> None:
        raise KeyboardInterrupt

    with in_process_engine({"cpu"}) as engine, pytest.raises(KeyboardInterrupt):
        run(tmp_path, [Task("one")], engine.pools, function=interrupt, isolated=False)


def test_engines_exclude_each_other(tmp_path: Path) -> None:
    """Two engines, or workers where they mean nothing, are refused in words."""
    common: dict[str, Any] = {"threads": 1, "devices": {"cpu"}, "scratch": tmp_path, "note": print}
    for options, words in (
        (RunOptions(in_process=True, dask="local"), "exclude each other"),
        (RunOptions(in_process=True, workers=2), "one fit at a time"),
        (RunOptions(dask="tcp://127.0.0.1:1", workers=2), "no meaning on a cluster"),
        (RunOptions(dask="nowhere.json"), "neither an address"),
        (RunOptions(workers=0), "a number from 1"),
        (RunOptions(workers="x"), "a number from 1"),  # type: ignore[arg-type]
        (RunOptions(executor=5), "with a method submit"),  # type: ignore[arg-type]
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("bakeoff.engines.dask_engine.CONNECT_TIMEOUT_S", 0.2)
            with pytest.raises(UserError, match=words), open_engine(options, **common):
                pass


def test_executor_that_cannot_run_fits_is_refused(tmp_path: Path) -> None:
    """Machines that do not see the run folder are told before any fit is tried there."""
    common: dict[str, Any] = {"threads": 1, "devices": {"cpu"}, "note": print}
    with ThreadPoolExecutor(1) as pool:
        options = RunOptions(executor=pool, workers=1)
        message = "the engine can't run fits .* must see"
        with pytest.raises(UserError, match=message), open_engine(options, scratch=tmp_path / "no" / "such", **common):
            pass
        with open_engine(options, scratch=tmp_path, **common) as engine:
            assert engine.hardware["cpu"]
            assert engine.label == "ThreadPoolExecutor, 1 fits at once"


def test_missing_dask_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Dask the error says what to install."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    common: dict[str, Any] = {"threads": 1, "devices": {"cpu"}, "scratch": tmp_path, "note": print}
    with (
        pytest.raises(UserError, match=r"pip install 'bakeoff\[dask\]'"),
        open_engine(RunOptions(dask="local"), **common),
    ):
        pass


def test_workers_never_exceed_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is chosen is said; too much is refused with the most that fits; memory that may not do is told."""
    monkeypatch.setattr("bakeoff.engines.workers.count_cores", lambda: 8)
    assert describe_workers(4, 2) == "4 fits at once, 2 threads each, on 8 cores"
    check_workers(4, 2)
    check_workers(1, 16)  # one fit may ask for more, as the suite says
    with pytest.raises(UserError, match="5 workers x 2 threads exceed the 8 cores of this machine; use at most 4"):
        check_workers(5, 2)
    assert memory_warning(1, 2**20) is None
    assert "smaller limits.memory or fewer workers" in str(memory_warning(1000, 2**40))


def test_cores_are_those_that_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit on cores, such as a container's, counts."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert count_cores() == 1


def test_killed_forkserver_blames_no_fit(tmp_path: Path) -> None:
    """A fit that kills the process that starts all fits takes the others with it: they are lost, and run again."""
    marker = tmp_path / "done"

    def kill_parent_once(task: Task) -> str:
        if task.name == "killer" and not marker.exists():
            marker.touch()
            time.sleep(0.5)
            os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(1.5)
        return task.name

    with ThreadPoolExecutor(2) as pool:
        ended = run(tmp_path, [Task("killer"), Task("innocent")], only_pool(pool), function=kill_parent_once, retries=3)
    assert sorted(one.outcome.value for one in ended) == ["innocent", "killer"]
    assert all("was killed" in one.lost_reasons[0] for one in ended)


def test_sigkill_of_a_child_names_the_signal(tmp_path: Path) -> None:
    """A fit killed from outside is crashed, not lost: it may be the memory of the machine that it used up."""

    def die(task: Task) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with ThreadPoolExecutor(1) as pool:
        (ended,) = run(tmp_path, [Task("one")], only_pool(pool, 1), function=die)
    assert (ended.outcome.status, ended.lost_reasons) == ("crashed", ())
