"""The engine: any `concurrent.futures.Executor` ships calls, `run_isolated` makes each of them harmless.

`run_jobs` keeps the slots of each pool busy and yields outcomes as they end. It knows neither machines nor clusters:
`bakeoff.engines.local_engine` and `bakeoff.engines.dask_engine` build the pools.
"""

import time
from collections import defaultdict
from collections.abc import Generator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field

from bakeoff.engines.executor_pools import ExecutorPool
from bakeoff.engines.observers import Progress
from bakeoff.engines.schedule import Schedule
from bakeoff.engines.submission import Submitter, read_outcome
from bakeoff.isolation.outcome import Outcome
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
