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

LOOK_S = 1.0
TRANSIENT = ("lost",)


@dataclass(frozen=True)
class FinishedFit:
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
    flow = _Flow(schedule, pools, submitter, progress)
    try:
        while flow.running or schedule:
            flow.fill()
            for future in flow.wait():
                ended = flow.end(future)
                if ended is not None:
                    yield ended
                    flow.report_remaining()
    finally:
        submitter.stop.set()
        for future in flow.running:
            future.cancel()


@dataclass
class _Flow:
    """The jobs that run, on their way from the schedule to their ends."""

    schedule: Schedule
    pools: tuple[ExecutorPool, ...]
    submitter: Submitter
    progress: Progress
    running: "dict[Future[Outcome], tuple[ExecutorPool, Job]]" = field(default_factory=dict)
    losses: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def fill(self) -> None:
        """Start jobs in all slots that are free."""
        for pool in self.pools:
            busy = sum(other is pool for other, _ in self.running.values())
            for _ in range(pool.slots() - busy):
                job = self.schedule.take(pool.device)
                if job is None:
                    break
                self.progress.start(job)
                self.running[self.submitter.submit(pool, job)] = pool, job

    def wait(self) -> "set[Future[Outcome]]":
        """Wait for the next end, or a moment."""
        if not self.running:
            time.sleep(LOOK_S)  # a cluster whose workers have all left
        return wait(self.running, timeout=LOOK_S, return_when=FIRST_COMPLETED).done

    def end(self, future: "Future[Outcome]") -> FinishedFit | None:
        """Return how a job ended; None if it goes back into the schedule."""
        pool, job = self.running.pop(future)
        outcome, losses = read_outcome(future), self.losses[job.keys.fit]
        if outcome.status in TRANSIENT:
            pool.slots()  # raises if it is the engine that is gone, not the fit
            losses.append(outcome.reason)
            if len(losses) <= self.submitter.retries:
                self.progress.retry(job, outcome.reason)
                self.schedule.put_back(job)
                return None
        self.schedule.learn(job, outcome.wall_s)
        return FinishedFit(job, outcome, self.submitter.read_starts(job), tuple(losses))

    def report_remaining(self) -> None:
        """Tell how long the rest is likely to take."""
        left = self.schedule.left_s([job for _, job in self.running.values()], sum(pool.slots() for pool in self.pools))
        if left is not None:
            self.progress.expect(left)
