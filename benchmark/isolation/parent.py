"""One call in one process of its own: a hard deadline, a memory limit, thread limits; whatever happens is data.

The process is forked from a forkserver that has imported the heavy libraries once, leads a process group that is killed
as a whole, and dies with its parent. Knows no engine and no suite.
"""

import fcntl
import multiprocessing as mp
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import forkserver, popen_forkserver
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import IO, Any, Protocol

import psutil

from bakeoff.isolation.child import PRELOAD, pack_call, run_call, unpack_value
from bakeoff.isolation.outcome import Outcome, ResourceLimits, format_bytes
from bakeoff.isolation.process_tree import ProcessSet, find_tree, kill_tree, measure_cpu_seconds, measure_memory

START_TIMEOUT_S = 120.0
POLL_S = (0.02, 0.25)
MAX_LOG_BYTES = 16 * 2**20
FORKSERVER_GONE_CODE = 255  # what multiprocessing takes for the exit code when the forkserver is gone
EXIT_TIMEOUT_S = 2.0
FORKSERVER_KILLED = "the process that starts all fits was killed"
CRASH_BYTES, CRASH_CHARACTERS = 2**16, 6000
START_LOCK, POLL_LOCK = threading.Lock(), threading.Lock()


class StopSignal(Protocol):
    """Whether a call is to end before its time; `threading.Event` is one."""

    def is_set(self) -> bool:
        """Tell whether the call is to end."""


def run_isolated(
    function: Callable[..., Any], *args: Any, limits: ResourceLimits, stop: StopSignal | None = None
) -> Outcome:
    """Call `function(*args)` in a process of its own and wait for its end, whatever that is.

    Parameters
    ----------
    function : callable
        Sent by cloudpickle, so it may come from a notebook or a script.
    limits : ResourceLimits
    stop : StopSignal, optional
        Ends the call as cancelled when set.
    """
    return unpack_value(run_packed(pack_call(function, *args), limits, stop))


def run_packed(packed: bytes, limits: ResourceLimits, stop: StopSignal | None = None) -> Outcome:
    """Run what `pack_call` made, as `run_isolated` does; its value stays pickled, so its modules are not needed."""
    with tempfile.TemporaryFile() as log:
        fcntl.fcntl(log, fcntl.F_SETFL, os.O_APPEND)  # cut short, it begins anew
        descendants: ProcessSet = set()
        try:
            process, messages = _start(packed, limits, log.fileno())
        except (EOFError, ConnectionError):
            _has_ended(_forkserver_pid())  # else the next start would still find it
            return Outcome("lost", reason=FORKSERVER_KILLED)
        assert process.pid is not None  # it was started
        try:
            outcome = _monitor(process, messages, limits, stop, descendants, log)
        finally:
            kill_tree(process.pid, descendants)
            # Killed is killed: nobody waits for the kernel to take a large process apart.
            threading.Thread(target=process.join, daemon=True).start()
            messages.close()
        if outcome.status == "crashed":
            outcome = replace(outcome, traceback=_read_crash(log))
    return outcome


def _read_crash(log: IO[bytes]) -> str:
    """Return the end of what the process wrote, without faulthandler's list of extension modules."""
    log.seek(max(0, os.fstat(log.fileno()).st_size - CRASH_BYTES))
    text, _, _ = log.read().decode(errors="replace").partition("\nExtension modules:")
    return text[-CRASH_CHARACTERS:].strip()


class _Popen(popen_forkserver.Popen):
    """Starts a child that does not import the caller's `__main__` again: a script without a guard stays safe."""

    def _launch(self, process_obj: Any) -> None:
        with _empty_main():
            super()._launch(process_obj)  # type: ignore[misc]  # private, and the only hook there is

    def poll(self, flag: int = os.WNOHANG) -> int | None:
        """Read the exit code: it can be read once, and every thread that starts a process asks for those of all."""
        if flag != os.WNOHANG:
            wait([self.sentinel])
        with POLL_LOCK:
            code: int | None = super().poll(os.WNOHANG)
        return code


class _Process(mp.context.ForkServerProcess):
    forkserver_pid = 0

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802 - multiprocessing's name
        return _Popen(process_obj)


@contextmanager
def _empty_main() -> Iterator[None]:
    with START_LOCK:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


@dataclass(frozen=True)
class _Descriptor:
    """An open file that travels with the process to be started, where it arrives as its number there.

    multiprocessing's own `DupFd`, made before the start, would send it through a server with a handshake.
    """

    number: int

    def __reduce__(self) -> tuple[Any, ...]:
        return _detach, (mp.reduction.DupFd(self.number),)


def _detach(sent: Any) -> int:
    return int(sent.detach())


def _start(packed: bytes, limits: ResourceLimits, log: int) -> tuple[_Process, Connection]:
    mp.current_process()._config["daemon"] = False  # type: ignore[attr-defined]  # workers of Dask are daemons
    mp.get_context("forkserver").set_forkserver_preload([PRELOAD])  # counts when the forkserver starts
    receiver, sender = mp.Pipe(duplex=False)
    process = _Process(target=run_call, args=(sender, packed, limits, _Descriptor(log)))
    process.start()
    process.forkserver_pid = _forkserver_pid()
    sender.close()
    return process, receiver


def _monitor(
    process: _Process,
    messages: Connection,
    limits: ResourceLimits,
    stop: StopSignal | None,
    descendants: ProcessSet,
    log: IO[bytes],
) -> Outcome:
    """Wait for the outcome, the deadline, the memory limit or a crash; note every descendant that is seen meanwhile."""
    began, deadline, peak, cpu, poll = time.monotonic(), START_TIMEOUT_S, 0, 0.0, POLL_S[0]
    inherited: int | None = None  # bytes that the preload holds, known once the call has started
    while True:
        message = _receive(messages, process, poll)
        if isinstance(message, Outcome):
            return replace(message, peak_mb=round(max(message.peak_mb or 0, peak / 2**20), 1))
        wall = time.monotonic() - began
        if isinstance(message, int):
            began, deadline, inherited = time.monotonic(), limits.seconds, message
            continue
        tree = find_tree(process.pid)
        descendants.update(tree)
        used = 0 if inherited is None else measure_memory(tree, inherited, limits.memory)
        peak, cpu = max(peak, used), max(cpu, measure_cpu_seconds(tree))
        spent: dict[str, Any] = {"wall_s": round(wall, 3), "cpu_s": round(cpu, 3), "peak_mb": round(peak / 2**20, 1)}
        if message == "ended":
            return _crash_outcome(process, spent)
        if stop is not None and stop.is_set():
            return Outcome("cancelled", reason="the run was stopped", **spent)
        if wall > deadline:
            return _timeout_outcome(limits, started=inherited is not None, spent=spent)
        if used > limits.memory:
            reason = f"used {format_bytes(used)} of {format_bytes(limits.memory)}"
            return Outcome("memory", reason=reason, **spent)
        poll = min(poll * 1.5, POLL_S[1])
        _truncate_log(log)


def _receive(messages: Connection, process: _Process, timeout: float) -> Any:
    """Return the child's message, "ended" if it will send no more, or None after the timeout."""
    ready = wait([messages, process.sentinel], timeout)
    if messages in ready:
        try:
            return messages.recv()
        except (EOFError, OSError):
            return "ended"
    return "ended" if ready else None


def _timeout_outcome(limits: ResourceLimits, *, started: bool, spent: dict[str, Any]) -> Outcome:
    """Return a timeout, or `lost` for a process that never got to its call: that says nothing of the fit."""
    if started:
        return Outcome("timeout", reason=f"killed at its limit of {limits.seconds:g} s", **spent)
    return Outcome("lost", reason=f"its process did not start within {START_TIMEOUT_S:g} s", **spent)


def _crash_outcome(process: _Process, spent: dict[str, Any]) -> Outcome:
    """Return a crash; or `lost` if the forkserver was killed, which takes all fits with it, innocent ones too."""
    process.join(5)
    code = process.exitcode
    if code == FORKSERVER_GONE_CODE and _has_ended(process.forkserver_pid):
        return Outcome("lost", reason=FORKSERVER_KILLED, **spent)
    if code is not None and code < 0:
        return Outcome("crashed", reason=f"the process was killed by {signal.Signals(-code).name}", **spent)
    return Outcome("crashed", reason=f"the process ended with exit code {code} before it gave a result", **spent)


def _has_ended(pid: int) -> bool:
    """Tell whether a process ends within a moment: the kernel takes its time to take a large one apart."""
    deadline = time.monotonic() + EXIT_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except (psutil.Error, ValueError):
            return True
        time.sleep(0.01)
    return False


def _forkserver_pid() -> int:
    return forkserver._forkserver._forkserver_pid or 0  # type: ignore[attr-defined]  # who else knows it?


def _truncate_log(log: IO[bytes]) -> None:
    """Keep what a call prints from filling the disk."""
    if os.fstat(log.fileno()).st_size > MAX_LOG_BYTES:
        os.ftruncate(log.fileno(), 0)
