"""Fits on an engine: any `concurrent.futures.Executor` carries calls, `run_isolated` makes each of them harmless.

`run_fits` opens the engine that the options name; `run_jobs` keeps the slots of each pool busy and yields outcomes as
they end. It knows neither machines nor clusters: `local_engine` and `dask_engine` build the pools.
"""

import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bakeoff.engines.executor_pools import Engine, ExecutorPool
from bakeoff.engines.observers import Progress
from bakeoff.engines.open_engine import open_engine
from bakeoff.engines.options import RunOptions
from bakeoff.engines.schedule import Group, Schedule
from bakeoff.engines.submission import JobFunction, Submitter, read_outcome
from bakeoff.isolation.outcome import Outcome, ResourceLimits
from bakeoff.protocol.job import Job

POLL_INTERVAL_S = 1.0
TRANSIENT = ("lost",)


@dataclass(frozen=True)
class FinishedFit:
    """A fit that ended: how, where, and what came before.

    Parameters
    ----------
    job : Job
    outcome : Outcome
    hosts : tuple of str
        The host of each attempt; more than one if the fit was lost and run again.
    lost_reasons : tuple of str
        Why it was lost before, as far as the engine says so.
    """

    job: Job
    outcome: Outcome
    hosts: tuple[str, ...] = ()
    lost_reasons: tuple[str, ...] = ()


@contextmanager
def run_fits(
    function: JobFunction,
    jobs: Sequence[Job],
    expected: Mapping[Group, float],
    *,
    limits: ResourceLimits,
    options: RunOptions,
    scratch: Path,
    progress: Progress,
) -> Iterator[tuple[Engine, Iterable[FinishedFit]]]:
    """Open the engine and start the fits; the block takes their ends as they come, and stops the rest when it is left.

    Parameters
    ----------
    function : callable
        What is called with each job, in a process of its own.
    jobs : sequence of Job
        Staged ones.
    expected : mapping
        Seconds by (data set, model, variant), as far as they are known.
    limits : ResourceLimits
        Of each fit; its threads are those that the engine counts with.
    options : RunOptions
    scratch : Path
        A folder that every machine of the engine sees.
    progress : Progress

    Raises
    ------
    UserError
        If the engine can't be had, or is gone.
    """
    submitter = Submitter(
        function=function,
        limits=limits,
        scratch=scratch,
        retries=options.retries,
        isolated=not options.in_process,
    )
    devices = {job.device for job in jobs}
    with (
        open_engine(options, threads=limits.threads, devices=devices, scratch=scratch, note=progress.note) as engine,
        closing(run_jobs(Schedule(jobs, expected), engine.pools, submitter, progress)) as outcomes,
    ):
        yield engine, outcomes


def run_jobs(
    schedule: Schedule, pools: tuple[ExecutorPool, ...], submitter: Submitter, progress: Progress
) -> Generator[FinishedFit, None, None]:
    """Run all jobs of a schedule, as many at once as the pools have slots; yield each as it ends.

    Closing the generator stops what runs. A call whose executor fails is `lost`, and run again as often as allowed.

    Raises
    ------
    UserError
        If a pool's engine is gone; what has not ended can be run elsewhere.
    """
    dispatcher = _Dispatcher(schedule, pools, submitter, progress)
    try:
        while dispatcher.running or schedule:
            dispatcher.fill_slots()
            for future in dispatcher.wait():
                finished = dispatcher.collect(future)
                if finished is not None:
                    yield finished
                    dispatcher.report_remaining()
    finally:
        submitter.stop.set()
        for future in dispatcher.running:
            future.cancel()


@dataclass
class _Dispatcher:
    """The jobs that run, on their way from the schedule to their ends."""

    schedule: Schedule
    pools: tuple[ExecutorPool, ...]
    submitter: Submitter
    progress: Progress
    running: "dict[Future[Outcome], tuple[ExecutorPool, Job]]" = field(default_factory=dict)
    lost_reasons: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def fill_slots(self) -> None:
        """Start jobs in all slots that are free."""
        for pool in self.pools:
            busy = sum(other is pool for other, _ in self.running.values())
            for _ in range(pool.slots() - busy):
                job = self.schedule.next_job(pool.device)
                if job is None:
                    break
                self.progress.start(job)
                self.running[self.submitter.submit(pool, job)] = pool, job

    def wait(self) -> "set[Future[Outcome]]":
        """Wait for the next end, or a moment."""
        if not self.running:
            time.sleep(POLL_INTERVAL_S)  # a cluster whose workers have all left
        return wait(self.running, timeout=POLL_INTERVAL_S, return_when=FIRST_COMPLETED).done

    def collect(self, future: "Future[Outcome]") -> FinishedFit | None:
        """Return how a job ended; None if it goes back into the schedule."""
        pool, job = self.running.pop(future)
        outcome, lost_reasons = read_outcome(future), self.lost_reasons[job.keys.fit]
        if outcome.status in TRANSIENT:
            pool.slots()  # raises if it is the engine that is gone, not the fit
            lost_reasons.append(outcome.reason)
            if len(lost_reasons) <= self.submitter.retries:
                self.progress.retry(job, outcome.reason)
                self.schedule.requeue(job)
                return None
        self.schedule.record_duration(job, outcome.wall_s)
        return FinishedFit(job, outcome, self.submitter.read_hosts(job), tuple(lost_reasons))

    def report_remaining(self) -> None:
        """Tell how long the rest is likely to take."""
        remaining_s = self.schedule.remaining_s(
            [job for _, job in self.running.values()], sum(pool.slots() for pool in self.pools)
        )
        if remaining_s is not None:
            self.progress.expect(remaining_s)
