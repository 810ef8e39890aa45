"""The engine: any `concurrent.futures.Executor` ships calls, `run_isolated` makes each of them harmless.

`run_jobs` keeps the slots of each lane busy and yields outcomes as they end. It knows neither machines nor clusters:
`bakeoff.local_engine` and `bakeoff.dask_engine` build the lanes.
"""

import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bakeoff.child import pack_call, unpack_value
from bakeoff.errors import UserError, describe_error
from bakeoff.in_process import run_here
from bakeoff.isolation import run_packed
from bakeoff.job import Job
from bakeoff.observers import Progress
from bakeoff.outcome import Allowance, Outcome
from bakeoff.provenance import collect_hardware
from bakeoff.schedule import Schedule

LOOK_S = 1.0
TRANSIENT = ("lost",)
THREAD = threading.local()  # a thread that stands for a GPU knows which, see `bakeoff.local_engine`


@dataclass(frozen=True)
class Lane:
    """Slots of one kind.

    Parameters
    ----------
    device : {"cpu", "cuda"}
        The fits that it takes.
    executor : Executor
    slots : callable
        Returns how many fits run at once, at the moment; raises a UserError if the engine is gone.
    """

    device: str
    executor: Executor
    slots: Callable[[], int]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Where fits run.

    Parameters
    ----------
    label : str
        What it is, for a person: `this machine, 2 fits at once, 1 thread each`.
    lanes : tuple of Lane
    hardware : mapping
        Of the machine that runs the first fit.
    """

    label: str
    lanes: tuple[Lane, ...]
    hardware: dict[str, Any]


@dataclass(frozen=True)
class Ended:
    """A fit that ended: how, where, and what came before.

    Parameters
    ----------
    job : Job
    outcome : Outcome
    starts : tuple of str
        The host of each start; more than one if the fit was lost and run again.
    losses : tuple of str
        Why it was lost before, as far as the engine says so.
    """

    job: Job
    outcome: Outcome
    starts: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()


@dataclass
class Stop:
    """Set when a run ends before its time; sent to another process, it asks there whether the task was given up."""

    _event: threading.Event = field(default_factory=threading.Event)

    def set(self) -> None:
        """End all calls that got this signal."""
        self._event.set()

    def is_set(self) -> bool:
        """Tell whether the calls are to end."""
        return self._event.is_set()

    def __reduce__(self) -> tuple[Any, ...]:
        return TaskGivenUp, ()


class TaskGivenUp:
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


def ship(packed: bytes, allowance: Allowance, stop: Stop | TaskGivenUp, starts: Path) -> Outcome:
    """Run a packed call in a process of its own: what executors carry to their threads and machines."""
    with starts.open("a", encoding="utf-8") as file:
        file.write(f"{socket.gethostname()}\n")
    return run_packed(packed, replace(allowance, gpu=getattr(THREAD, "gpu", None)), stop)


def inspect_through(lane: Lane, scratch: Path) -> dict[str, Any]:
    """Look at the hardware of whichever machine takes a call first, from a fit's process."""
    allowance = Allowance(seconds=120, memory=8 * 2**30, uses_gpu=lane.device == "cuda")
    packed = pack_call(collect_hardware)
    outcome = _outcome(lane.executor.submit(ship, packed, allowance, TaskGivenUp(), scratch / "hardware.starts"))
    return dict(outcome.value or {"error": outcome.reason})


Function = Callable[[Job], Any]


@dataclass(kw_only=True)
class Shipping:
    """How jobs become futures.

    Parameters
    ----------
    function : callable
        What is called with each job.
    allowance : Allowance
    scratch : Path
        A folder that every machine of the engine sees.
    retries : int
        How often a fit that was lost is run again.
    isolated : bool
        Each call in a process of its own; False calls in the thread of the executor, without limits.
    """

    function: Function
    allowance: Allowance
    scratch: Path
    retries: int
    isolated: bool
    stop: Stop = field(default_factory=Stop)

    def submit(self, lane: Lane, job: Job) -> "Future[Outcome]":
        """Hand a job to a lane.

        Raises
        ------
        UserError
            If the executor takes no more calls.
        """
        allowance = replace(self.allowance, uses_gpu=lane.device == "cuda")
        if not self.isolated:
            return lane.executor.submit(run_here, self.function, job, allowance=allowance)
        try:
            packed = pack_call(self.function, job)
        except Exception as error:  # a model that was handed over in Python may hold anything
            unsent: Future[Outcome] = Future()
            unsent.set_result(Outcome("error", reason=f"the fit can't be sent to its process: {describe_error(error)}"))
            return unsent
        try:
            return lane.executor.submit(ship, packed, allowance, self.stop, self.starts_file(job))
        except RuntimeError as error:  # a broken or closed pool
            kept = "what is recorded is kept, and the same command goes on from there"
            raise UserError(f"the engine takes no more fits ({describe_error(error)}); {kept}") from None

    def starts_file(self, job: Job) -> Path:
        """Return where each start of a job leaves a line: some engines run lost tasks again and say nothing of it."""
        return self.scratch / f"{job.keys.fit}.starts"

    def read_starts(self, job: Job) -> tuple[str, ...]:
        """Return the hosts of the starts of a job."""
        path = self.starts_file(job)
        return tuple(path.read_text(encoding="utf-8").split()) if path.is_file() else ()


def run_jobs(
    schedule: Schedule, lanes: tuple[Lane, ...], shipping: Shipping, progress: Progress
) -> Generator[Ended, None, None]:
    """Run all jobs of a schedule, as many at once as the lanes have slots; yield each as it ends.

    Closing the generator stops what runs. A call whose executor fails is `lost`, and run again as often as allowed.

    Raises
    ------
    UserError
        If a lane's engine is gone; what has not ended can be run elsewhere.
    """
    flow = _Flow(schedule, lanes, shipping, progress)
    try:
        while flow.running or schedule:
            flow.fill()
            for future in flow.wait():
                ended = flow.end(future)
                if ended is not None:
                    yield ended
                    flow.tell_time()
    finally:
        shipping.stop.set()
        for future in flow.running:
            future.cancel()


@dataclass
class _Flow:
    """The jobs that run, on their way from the schedule to their ends."""

    schedule: Schedule
    lanes: tuple[Lane, ...]
    shipping: Shipping
    progress: Progress
    running: "dict[Future[Outcome], tuple[Lane, Job]]" = field(default_factory=dict)
    losses: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def fill(self) -> None:
        """Start jobs in all slots that are free."""
        for lane in self.lanes:
            busy = sum(other is lane for other, _ in self.running.values())
            for _ in range(lane.slots() - busy):
                job = self.schedule.take(lane.device)
                if job is None:
                    break
                self.progress.start(job)
                self.running[self.shipping.submit(lane, job)] = lane, job

    def wait(self) -> "set[Future[Outcome]]":
        """Wait for the next end, or a moment."""
        if not self.running:
            time.sleep(LOOK_S)  # a cluster whose workers have all left
        return wait(self.running, timeout=LOOK_S, return_when=FIRST_COMPLETED).done

    def end(self, future: "Future[Outcome]") -> Ended | None:
        """Return how a job ended; None if it goes back into the schedule."""
        lane, job = self.running.pop(future)
        outcome, losses = _outcome(future), self.losses[job.keys.fit]
        if outcome.status in TRANSIENT:
            lane.slots()  # raises if it is the engine that is gone, not the fit
            losses.append(outcome.reason)
            if len(losses) <= self.shipping.retries:
                self.progress.retry(job, outcome.reason)
                self.schedule.put_back(job)
                return None
        self.schedule.learn(job, outcome.wall_s)
        return Ended(job, outcome, self.shipping.read_starts(job), tuple(losses))

    def tell_time(self) -> None:
        """Tell how long the rest is likely to take."""
        left = self.schedule.left_s([job for _, job in self.running.values()], sum(lane.slots() for lane in self.lanes))
        if left is not None:
            self.progress.expect(left)


def _outcome(future: "Future[Outcome]") -> Outcome:
    try:
        return unpack_value(future.result())
    except CancelledError:
        return Outcome("lost", reason="its worker or the cluster's scheduler is gone")
    except Exception as error:
        return Outcome("lost", reason=f"its worker failed: {describe_error(error)}")
