"""One call in one process: whatever happens to it comes back as data, and nothing is left behind."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import cloudpickle
import psutil
import pytest

from bakeoff.isolation.outcome import Outcome, ResourceLimits
from bakeoff.isolation.parent import run_isolated

MB = 2**20
ROOMY = ResourceLimits(seconds=30, memory=1024 * MB)
# The process of a call can't import a test module by name.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def fail() -> None:
    """Raise as a fit would."""
    raise ValueError("bad hyperparameters")


def segfault() -> None:
    """Read from address zero."""
    ctypes.string_at(0)


def hang() -> None:
    """Hold the interpreter and ignore a polite request to end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        pass


def allocate_slowly() -> None:
    """Grow by small steps, so that the watch sees it."""
    held = []
    while True:
        held.append(bytearray(5 * MB))
        time.sleep(0.005)


def allocate_at_once() -> int:
    """Ask for more than the limit in one piece."""
    import numpy as np

    return int(np.ones(2**32).sum())


def leave_child(path: str) -> None:
    """Start a process that would live on, and say which."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    Path(path).write_text(str(child.pid), encoding="ascii")


def leave_detached_child(path: str) -> None:
    """Start a process in a session of its own, through a parent that ends at once."""
    code = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
open({path!r}, "w").write(str(child.pid))
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def read_threads() -> tuple[int, str, int]:
    """Return the threads of torch, of OpenMP's environment and of BLAS."""
    import threadpoolctl
    import torch

    blas = [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    return torch.get_num_threads(), os.environ["OMP_NUM_THREADS"], max(blas)


def hold_in_grandchildren() -> None:
    """Hold memory in three processes of the fit's own, each of them below the limit."""
    code = f"import time; held = bytearray({200 * MB}); time.sleep(60)"
    for child in [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]:
        child.wait()


def test_value_comes_back() -> None:
    """A call that goes well returns its value with what it cost."""
    outcome = run_isolated(divmod, 7, 2, limits=ROOMY)
    assert (outcome.status, outcome.value) == ("ok", (3, 1))
    assert outcome.peak_mb < 100  # the preload is not charged to the call


@pytest.mark.parametrize(
    ("function", "status", "reason"),
    [
        (fail, "error", "ValueError: bad hyperparameters"),
        (segfault, "crashed", "SIGSEGV"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "crashed", "SIGKILL"),
        (lambda: os._exit(3), "crashed", "exit code 3"),
        (lambda: sys.exit(4), "error", "SystemExit: 4"),
        (lambda: threading.Lock(), "error", "can't be sent back"),
        (allocate_at_once, "memory", "limit 1 GB"),
    ],
)
def test_failure_is_data(function: object, status: str, reason: str) -> None:
    """An exception, a crash, an exit or a result that can't travel ends that call alone, with a reason."""
    outcome = run_isolated(function, limits=ROOMY)  # type: ignore[arg-type]
    assert outcome.status == status
    assert reason in outcome.reason


def test_unprintable_messages_are_cleaned() -> None:
    """A message with a lone surrogate or control characters is told in text that can be written anywhere."""

    def fail_strangely() -> None:
        raise RuntimeError("bad \udcff and \x1b[31mred")

    assert run_isolated(fail_strangely, limits=ROOMY).reason == "RuntimeError: bad ? and ?[31mred"


def test_segfault_leaves_python_traceback() -> None:
    """The crash log of a segfault names the line of Python that caused it."""
    assert "segfault" in run_isolated(segfault, limits=ROOMY).traceback


def test_deadline_kills_what_ignores_signals() -> None:
    """A call that holds the interpreter and ignores SIGTERM ends at its deadline."""
    began = time.monotonic()
    outcome = run_isolated(hang, limits=ResourceLimits(seconds=1, memory=1024 * MB))
    assert (outcome.status, outcome.reason) == ("timeout", "killed at its limit of 1 s")
    assert outcome.cpu_s > 0.2  # what a killed call spent is no less spent
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("function", [allocate_slowly, hold_in_grandchildren])
def test_memory_limit_holds_for_the_tree(function: object) -> None:
    """Memory beyond the limit ends the call, also where a process of its own holds it."""
    outcome = run_isolated(function, limits=ResourceLimits(seconds=60, memory=400 * MB))  # type: ignore[arg-type]
    assert outcome.status == "memory"
    assert "400 MB" in outcome.reason


@pytest.mark.parametrize("leave", [leave_child, leave_detached_child])
def test_no_child_is_left_behind(leave: Callable[[str], None], tmp_path: Path) -> None:
    """A process that a call started and left ends with the call, in a session of its own or not."""
    path = tmp_path / "pid"
    assert run_isolated(leave, str(path), limits=ROOMY).status == "ok"
    deadline = time.monotonic() + 10
    while psutil.pid_exists(int(path.read_text(encoding="ascii"))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(int(path.read_text(encoding="ascii")))


def test_threads_are_limited() -> None:
    """Torch, BLAS and grandchildren get the threads that their limits name."""
    outcome = run_isolated(read_threads, limits=ResourceLimits(seconds=60, memory=1024 * MB, threads=1))
    assert outcome.value == (1, "1", 1)


def test_stop_cancels() -> None:
    """A set event ends a running call as cancelled."""
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    assert run_isolated(time.sleep, 60, limits=ROOMY, stop=stop).status == "cancelled"


def test_output_does_not_reach_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """What a fit prints stays out of the caller's output, however much it is."""
    outcome: Outcome = run_isolated(lambda: sys.stdout.write("x" * 10_000_000) and None, limits=ROOMY)
    assert outcome.status == "ok"
    assert "x" not in capfd.readouterr().out


def test_script_without_guard_is_safe(tmp_path: Path) -> None:
    """A plain script that starts a call at its top level runs once: children do not import it again."""
    script = tmp_path / "script.py"
    script.write_text(
        "from bakeoff.isolation.parent import run_isolated\n"
        "from bakeoff.isolation.outcome import ResourceLimits\n"
        "def double(x):\n    return 2 * x\n"
        "print('once', run_isolated(double, 21, limits=ResourceLimits(seconds=60, memory=2**30)).value)\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["once", "42"]


def test_exception_without_a_message_keeps_its_name() -> None:
    """An exception whose own message fails is told by its type."""

    class SilentError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no str")

    def fail_silently() -> None:
        raise SilentError

    assert run_isolated(fail_silently, limits=ROOMY).reason == "SilentError"
