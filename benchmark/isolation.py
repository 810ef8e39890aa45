"""One call in one process of its own: a hard deadline, a memory limit, thread limits; whatever happens is data.

The process is forked from a forkserver that has imported the heavy libraries once, leads a process group that is killed
as a whole, and dies with its parent. Knows no engine and no suite.
"""

import ctypes
import faulthandler
import multiprocessing as mp
import os
import resource
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import popen_forkserver
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import cloudpickle
import psutil

from bakeoff.records import Status, clean_text

START_TIMEOUT_S = 120.0
POLL_S = (0.02, 0.25)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
CRASH_CHARACTERS = 6000
RESERVED = 2 * 2**30
MEMORY_WORDS = ("bad_alloc", "can't allocate memory", "cannot allocate memory", "out of memory", "unable to allocate")
STARTING = threading.Lock()


@dataclass(frozen=True)
class Outcome:
    """How a call ended.

    Parameters
    ----------
    status : str
        ok, error, timeout, memory, crashed or cancelled.
    value : object
        What the call returned, if ok.
    reason, traceback : str
        Why not, for a person; and the traceback (of Python, or of the crash) for a developer.
    wall_s, cpu_s : float
        Seconds from the call's start; CPU seconds of the process and its ended children.
    peak_mb : float
        Greatest memory of the process tree beyond what the preload holds, in MiB.
    """

    status: Status
    value: Any = None
    reason: str = ""
    traceback: str = ""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What a call may use.

    Parameters
    ----------
    seconds : float
        Wall seconds from its first message.
    memory : int
        Bytes over its whole process tree.
    threads : int
    """

    seconds: float
    memory: int
    threads: int = 1


def run_isolated(
    function: Callable[..., Any], *args: Any, allowance: Allowance, stop: threading.Event | None = None
) -> Outcome:
    """Call `function(*args)` in a process of its own and wait for its end, whatever that is.

    Parameters
    ----------
    function : callable
        Sent by cloudpickle, so it may come from a notebook or a script.
    allowance : Allowance
    stop : threading.Event, optional
        Ends the call as cancelled when set.
    """
    with tempfile.TemporaryFile() as log:
        family: set[psutil.Process] = set()
        process, messages = _start(cloudpickle.dumps((function, args)), allowance, log.fileno())
        try:
            outcome = _watch(process, messages, allowance, stop, family)
        finally:
            _kill_tree(process, family)
            messages.close()
        if outcome.status == "crashed":
            outcome = replace(outcome, traceback=_read_crash(log))
    return outcome


def _read_crash(log: IO[bytes]) -> str:
    """Return the end of what the process wrote, without faulthandler's list of extension modules."""
    log.seek(0)
    text, _, _ = log.read().decode(errors="replace").partition("\nExtension modules:")
    return text[-CRASH_CHARACTERS:].strip()


class _Popen(popen_forkserver.Popen):
    """Starts a child that does not import the caller's `__main__` again: a script without a guard stays safe."""

    def _launch(self, process_obj: Any) -> None:
        with _empty_main():
            super()._launch(process_obj)  # type: ignore[misc]  # private, and the only hook there is


class _Process(mp.context.ForkServerProcess):
    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802 - multiprocessing's name
        return _Popen(process_obj)


@contextmanager
def _empty_main() -> Iterator[None]:
    with STARTING:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def _start(call: bytes, allowance: Allowance, log: int) -> tuple[_Process, Connection]:
    mp.get_context("forkserver").set_forkserver_preload(["bakeoff.preloaded"])  # counts when the forkserver starts
    receiver, sender = mp.Pipe(duplex=False)
    process = _Process(target=_child, args=(sender, call, allowance, mp.reduction.DupFd(log)))
    process.start()
    sender.close()
    return process, receiver


def _watch(
    process: _Process,
    messages: Connection,
    allowance: Allowance,
    stop: threading.Event | None,
    family: set[psutil.Process],
) -> Outcome:
    """Wait for the outcome, the deadline, the memory limit or a crash; note every descendant that is seen meanwhile."""
    began, deadline, peak, poll = time.monotonic(), START_TIMEOUT_S, 0, POLL_S[0]
    inherited: int | None = None  # bytes that the preload holds, known once the call has started
    while True:
        message = _receive(messages, process, poll)
        if isinstance(message, Outcome):
            return replace(message, peak_mb=round(max(message.peak_mb, peak / 2**20), 1))
        wall = time.monotonic() - began
        spent: dict[str, Any] = {"wall_s": round(wall, 3), "peak_mb": round(peak / 2**20, 1)}
        if message == "ended":
            return Outcome("crashed", reason=_crash_reason(process), **spent)
        if isinstance(message, int):
            began, deadline, inherited = time.monotonic(), allowance.seconds, message
            continue
        poll = min(poll * 1.5, POLL_S[1])
        if stop is not None and stop.is_set():
            return Outcome("cancelled", reason="the run was stopped", **spent)
        if wall > deadline:
            late = f"did not start within {deadline:g} s"
            reason = late if inherited is None else f"killed at its limit of {allowance.seconds:g} s"
            return Outcome("timeout", reason=reason, **spent)
        tree = _find_tree(process.pid)
        family.update(tree)
        used = 0 if inherited is None else _tree_memory(tree, inherited, allowance.memory)
        peak = max(peak, used)
        if used > allowance.memory:
            return Outcome(
                "memory", reason=_too_much(peak, allowance.memory), **{**spent, "peak_mb": round(peak / 2**20, 1)}
            )


def _receive(messages: Connection, process: _Process, timeout: float) -> Any:
    """Return the child's message, "ended" if it will send no more, or None after the timeout."""
    ready = wait([messages, process.sentinel], timeout)
    if messages in ready:
        try:
            return messages.recv()
        except (EOFError, OSError):
            return "ended"
    return "ended" if ready else None


def _crash_reason(process: _Process) -> str:
    process.join(5)
    code = process.exitcode
    if code is not None and code < 0:
        return f"the process was killed by {signal.Signals(-code).name}"
    return f"the process ended with exit code {code} before it gave a result"


def _too_much(used: int, limit: int) -> str:
    return f"used {used / 2**20:,.0f} MB of {limit / 2**20:,.0f} MB"


def _find_tree(pid: int | None) -> list[psutil.Process]:
    """Return a process and its descendants; whoever left the process group is among them (see `_adopt_orphans`)."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _tree_memory(tree: list[psutil.Process], inherited: int, limit: int) -> int:
    """Return the bytes that a process and its descendants hold beyond what the preload holds.

    Resident memory counts shared pages, so it is an upper bound, and a cheap one. Only beyond the limit is the
    unique set size read, which takes the kernel tens of milliseconds: shared pages kill nobody.
    """
    resident = _sum_over(tree, lambda member: member.memory_info().rss) - inherited
    if resident <= limit:
        return max(resident, 0)
    return _sum_over(tree, lambda member: member.memory_full_info().uss)


def _sum_over(tree: list[psutil.Process], read: Callable[[psutil.Process], int]) -> int:
    total = 0
    for member in tree:
        with suppress(psutil.Error):  # it ended between the listing and the reading
            total += read(member)
    return total


def _kill_tree(process: _Process, family: set[psutil.Process]) -> None:
    """Kill the call's process group and every descendant that was seen, sessions of their own or not."""
    assert process.pid is not None  # it was started
    family.update(_find_tree(process.pid))
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for member in family:
        with suppress(psutil.Error):  # psutil compares start times: a reused number is left alone
            member.kill()
    process.join()


def _child(sender: Connection, call: bytes, allowance: Allowance, log: Any) -> None:
    """Run in the child: give up the terminal, set the limits, call, send the outcome."""
    os.setsid()
    _adopt_orphans()
    _die_with_parent()
    descriptor = log.detach()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    faulthandler.enable()
    _limit_threads(allowance.threads)
    try:
        function, args = cloudpickle.loads(call)
        _limit_memory(allowance.memory)
        inherited = psutil.Process().memory_info().rss
        sender.send(inherited)
        outcome = _call(function, args, allowance, inherited)
    except BaseException as error:
        outcome = Outcome("error", reason=describe_error(error), traceback=traceback.format_exc())
    _send(sender, outcome)
    signal.pause()  # the parent kills the whole tree, which must not fall apart before


def _call(function: Callable[..., Any], args: tuple[Any, ...], allowance: Allowance, inherited: int) -> Outcome:
    began, cpu_before = time.perf_counter(), _cpu_seconds()
    status: Status = "ok"
    value, reason, trace = None, "", ""
    try:
        value = function(*args)
    except BaseException as error:
        status = "memory" if _is_memory_error(error) else "error"
        limit = f" (limit {allowance.memory / 2**20:,.0f} MB)" if status == "memory" else ""
        reason, trace = describe_error(error) + limit, traceback.format_exc()
    wall = time.perf_counter() - began
    cpu = _cpu_seconds() - cpu_before
    peak = max(0, _peak_resident() - inherited)
    return Outcome(status, value, reason, trace, round(wall, 4), round(cpu, 4), peak / 2**20)


def _send(sender: Connection, outcome: Outcome) -> None:
    try:
        sender.send(outcome)
    except Exception as error:
        reason = f"the result can't be sent back: {describe_error(error)}"
        sender.send(Outcome("error", reason=reason, traceback=traceback.format_exc()))


def describe_error(error: BaseException) -> str:
    """Return type and message of an exception in one line."""
    text = clean_text(" ".join(str(error).split()))
    return f"{type(error).__name__}: {text[:500]}" if text else type(error).__name__


def _is_memory_error(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in MEMORY_WORDS)


def _peak_resident() -> int:
    """Return the greatest resident size of this process in bytes; a fork begins a new count."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _cpu_seconds() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in usage)


def _adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, so that none leaves the tree by forking twice."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def _die_with_parent() -> None:
    """End when the forkserver ends (the kernel sees to it) and when the parent ends (a thread does)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = mp.parent_process()
    assert parent is not None  # this is a child

    def watch() -> None:
        parent.join()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _limit_threads(threads: int) -> None:
    """Set the threads of every library before its first parallel region, and of grandchildren."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
    os.environ.update(dict.fromkeys(names, str(threads)))
    find_thread_pools().limit(limits=threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


@cache
def find_thread_pools() -> Any:
    """Look up the thread pools among the loaded libraries; the preload does so once for all of its forks."""
    import threadpoolctl

    return threadpoolctl.ThreadpoolController()


def _limit_memory(memory: int) -> None:
    """Make one huge allocation a MemoryError, before the watch could see it.

    The kernel counts reserved pages here, and allocators reserve gigabytes that they never touch: hence the slack. What
    is really used is held to the limit by the watch.
    """
    if sys.platform == "linux":
        most = psutil.Process().memory_info().data + 2 * memory + RESERVED
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
