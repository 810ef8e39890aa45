"""How jobs become futures: packed here, run in a process of their own wherever an executor carries them."""

import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bakeoff.engines.executor_pools import ExecutorPool
from bakeoff.engines.hardware import collect_hardware
from bakeoff.errors import RESUME_HINT, UserError, describe_error
from bakeoff.isolation.child import pack_call, unpack_value
from bakeoff.isolation.in_process import run_in_process
from bakeoff.isolation.outcome import Outcome, ResourceLimits
from bakeoff.isolation.parent import run_packed
from bakeoff.protocol.job import Job

THREAD_LOCAL = threading.local()  # a thread that stands for a GPU knows which, see `bakeoff.engines.local_engine`


@dataclass
class StopEvent:
    """Set when a run ends before its time; sent to another process, it asks there whether the task was given up."""

    _event: threading.Event = field(default_factory=threading.Event)

    def set(self) -> None:
        """End all calls that got this signal."""
        self._event.set()

    def is_set(self) -> bool:
        """Tell whether the calls are to end."""
        return self._event.is_set()

    def __reduce__(self) -> tuple[Any, ...]:
        return TaskCancelled, ()


class TaskCancelled:
    """Set when the Dask worker that runs this task was told to drop it, as when the driver is gone."""

    def is_set(self) -> bool:
        """Tell whether nobody waits for this task any more; False where there is no Dask."""
        if "distributed" not in sys.modules:
            return False
        try:
            worker = sys.modules["distributed"].get_worker()
            return worker.state.tasks[worker.get_current_task()].state in ("cancelled", "resumed")
        except (ValueError, KeyError, AttributeError):
            return False


def run_task(packed: bytes, limits: ResourceLimits, stop: StopEvent | TaskCancelled, attempts: Path) -> Outcome:
    """Run a packed call in a process of its own: what executors carry to their threads and machines."""
    with attempts.open("a", encoding="utf-8") as file:
        file.write(f"{socket.gethostname()}\n")
    return run_packed(packed, replace(limits, gpu=getattr(THREAD_LOCAL, "gpu", None)), stop)


def inspect_pool(pool: ExecutorPool, scratch: Path) -> dict[str, Any]:
    """Look at the hardware of whichever machine takes a call first, from a fit's process.

    Raises
    ------
    UserError
        If none can run it.
    """
    limits = ResourceLimits(seconds=120, memory=8 * 2**30, uses_gpu=pool.device == "cuda")
    packed = pack_call(collect_hardware)
    outcome = read_outcome(
        pool.executor.submit(run_task, packed, limits, TaskCancelled(), scratch / "hardware.attempts")
    )
    if outcome.status != "ok":
        raise UserError(
            f"the engine can't run fits ({outcome.reason}); every machine of it needs this version of bakeoff, and "
            f"must see {scratch.parent}"
        )
    return dict(outcome.value)


JobFunction = Callable[[Job], Any]


@dataclass(kw_only=True)
class Submitter:
    """How jobs become futures.

    Parameters
    ----------
    function : callable
        What is called with each job.
    limits : ResourceLimits
    scratch : Path
        A folder that every machine of the engine sees.
    retries : int
        How often a fit that was lost is run again.
    isolated : bool
        Each call in a process of its own; False calls in the thread of the executor, without limits.
    """

    function: JobFunction
    limits: ResourceLimits
    scratch: Path
    retries: int
    isolated: bool
    stop: StopEvent = field(default_factory=StopEvent)

    def submit(self, pool: ExecutorPool, job: Job) -> "Future[Outcome]":
        """Hand a job to a pool.

        Raises
        ------
        UserError
            If the executor takes no more calls.
        """
        limits = replace(self.limits, uses_gpu=pool.device == "cuda")
        if not self.isolated:
            return pool.executor.submit(run_in_process, self.function, job, limits=limits)
        try:
            packed = pack_call(self.function, job)
        except Exception as error:  # a model that was handed over in Python may hold anything
            unsent: Future[Outcome] = Future()
            reason = f"the fit can't be sent to its process: {describe_error(error)}"
            unsent.set_result(Outcome("error", reason=reason))
            return unsent
        try:
            return pool.executor.submit(run_task, packed, limits, self.stop, self.attempts_file(job))
        except RuntimeError as error:  # a broken or closed pool
            raise UserError(f"the engine takes no more fits ({describe_error(error)}); {RESUME_HINT}") from None

    def attempts_file(self, job: Job) -> Path:
        """Return the file with a line for each attempt at a job: some engines run lost tasks again silently."""
        return self.scratch / f"{job.keys.fit}.attempts"

    def read_hosts(self, job: Job) -> tuple[str, ...]:
        """Return the hosts of the attempts at a job."""
        path = self.attempts_file(job)
        return tuple(path.read_text(encoding="utf-8").split()) if path.is_file() else ()


def read_outcome(future: "Future[Outcome]") -> Outcome:
    """Return how a call ended; `lost` where its executor failed."""
    try:
        return unpack_value(future.result())
    except CancelledError:
        return Outcome("lost", reason="its worker or the cluster's scheduler is gone")
    except Exception as error:
        return Outcome("lost", reason=f"its worker failed: {describe_error(error)}")
