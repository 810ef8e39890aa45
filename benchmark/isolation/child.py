"""The far side of `run_isolated`: what a call's own process does, from its fork to its answer."""

import ctypes
import errno
import faulthandler
import multiprocessing as mp
import os
import pickle
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cloudpickle
import psutil

from bakeoff.errors import describe_error
from bakeoff.isolation.outcome import Outcome, ResourceLimits, format_bytes
from bakeoff.isolation.process_tree import read_anonymous_bytes
from bakeoff.records.record import Status

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
RLIMIT_SLACK_BYTES = 2 * 2**30
# Named, not imported: what a fit needs stands above this room, and is loaded in the forkserver alone.
PRELOAD = "bakeoff.evaluation.preload"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
# Where memory runs out, the kernel ends a fit before the program that started it.
OOM_SCORE_ADJ = "500"
OUT_OF_MEMORY_PHRASES = (
    "bad_alloc",
    "can't allocate memory",
    "cannot allocate memory",
    "out of memory",
    "unable to allocate",
)


def pack_call(function: Callable[..., Any], *args: Any) -> bytes:
    """Pickle a call with the places where its modules are found; nothing of it is imported before its own process."""
    return pickle.dumps((sys.path, cloudpickle.dumps((function, args))))


def run_call(sender: Connection, packed: bytes, limits: ResourceLimits, log: int) -> None:
    """Give up the terminal, set the limits, call, and send the outcome."""
    os.setsid()
    _become_subreaper()
    _die_with_parent()
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.enable()
    _raise_oom_score()
    if limits.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = limits.gpu
    limit_threads(limits.threads)
    try:
        function, args = unpack_call(packed)
        if not limits.uses_gpu:
            _limit_memory(limits.memory)
        myself = psutil.Process()
        sender.send(read_anonymous_bytes(myself))
        outcome = measure_call(function, args, limits, myself)
    except BaseException as error:
        outcome = Outcome("error", reason=describe_error(error), traceback=traceback.format_exc())
    sender.send(outcome)
    signal.pause()  # the parent kills the whole tree, which must not fall apart before


def unpack_call(packed: bytes) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Unpickle a call after looking where its sender looked for modules, last."""
    places, call = pickle.loads(packed)  # noqa: S301 - from the process that started this one
    sys.path += [place for place in places if place not in sys.path]
    function, args = cloudpickle.loads(call)
    return function, args


def measure_call(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    limits: ResourceLimits,
    myself: psutil.Process,
    catch: type[BaseException] = BaseException,
) -> Outcome:
    """Call and measure; the value is pickled here, so that only who wants it needs its modules."""
    before, began, cpu_before = myself.memory_info(), time.perf_counter(), _cpu_seconds()
    status: Status = "ok"
    value, reason, trace = None, "", ""
    try:
        value = function(*args)
    except catch as error:
        status = _status_of(error)
        limit = f" (limit {format_bytes(limits.memory)})" if status == "memory" else ""
        reason, trace = describe_error(error) + limit, traceback.format_exc()
    wall = time.perf_counter() - began
    cpu = _cpu_seconds() - cpu_before
    mapped = max(0, myself.memory_info().shared - before.shared)  # data sets in memory once for all fits
    peak = max(0, _peak_resident() - before.rss - mapped)
    outcome = Outcome(status, None, reason, trace, round(wall, 4), round(cpu, 4), peak / 2**20)
    return _pack_value(outcome, value) if status == "ok" else outcome


def _pack_value(outcome: Outcome, value: Any) -> Outcome:
    try:
        return replace(outcome, value=pickle.dumps(value))
    except Exception as error:
        reason = f"the result can't be sent back: {describe_error(error)}"
        return replace(outcome, status="error", reason=reason, traceback=traceback.format_exc())


def unpack_value(outcome: Outcome) -> Outcome:
    """Unpickle what a call returned.

    Raises
    ------
    Exception
        Whatever the value's own modules raise.
    """
    return replace(outcome, value=pickle.loads(outcome.value)) if outcome.status == "ok" else outcome  # noqa: S301 - ours


def _status_of(error: BaseException) -> Status:
    """Return the status that an exception of a fit stands for: a full disk is not the fit's fault."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "lost"
    if isinstance(error, MemoryError) or any(word in describe_error(error).lower() for word in OUT_OF_MEMORY_PHRASES):
        return "memory"
    return "error"


def _peak_resident() -> int:
    """Return the greatest resident size of this process in bytes; a fork begins a new count."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _cpu_seconds() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in usage)


def _become_subreaper() -> None:
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


def _raise_oom_score() -> None:
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE_ADJ, encoding="ascii")


def limit_threads(threads: int) -> None:
    """Set the threads of every library before its first parallel region, and of grandchildren."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
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
        most = psutil.Process().memory_info().data + 2 * memory + RLIMIT_SLACK_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
