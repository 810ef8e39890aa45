"""The engine: any `concurrent.futures.Executor` ships calls, `run_isolated` makes each of them harmless.

The only module that knows processes, threads and (later) clusters. `run_jobs` yields outcomes as they end.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

import psutil

from bakeoff.errors import UserError
from bakeoff.isolation import Allowance, Outcome, run_isolated

JobT = TypeVar("JobT")


def default_workers(threads: int) -> int:
    """Return how many fits run at once: workers x threads never exceed the cores."""
    return max(1, count_cores() // threads)


def check_workers(workers: int, threads: int) -> None:
    """Refuse more threads than cores.

    Raises
    ------
    UserError
        If workers x threads exceed the cores.
    """
    cores = count_cores()
    if workers * threads > max(cores, threads):
        raise UserError(
            f"{workers} workers x {threads} threads exceed the {cores} cores of this machine; use at most "
            f"{default_workers(threads)} workers"
        )


def count_cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else psutil.cpu_count() or 1


def local_executor(slots: int) -> Executor:
    """Return the executor of this machine: threads that wait for the processes of their fits."""
    return ThreadPoolExecutor(slots, thread_name_prefix="fit")


def run_jobs(
    jobs: Sequence[JobT],
    function: Callable[[JobT], Any],
    *,
    executor: Executor,
    allowance: Allowance,
    on_start: Callable[[JobT], None],
) -> Iterator[tuple[JobT, Outcome]]:
    """Run `function` on each job in a process of its own; yield (job, outcome) as they end.

    Closing the iterator stops what runs and drops what waits. A call whose executor fails is `lost`.
    """
    stop = threading.Event()

    def work(job: JobT) -> Outcome:
        on_start(job)
        return run_isolated(function, job, allowance=allowance, stop=stop)

    futures: dict[Future[Outcome], JobT] = {executor.submit(work, job): job for job in jobs}
    try:
        for future in as_completed(futures):
            job = futures.pop(future)
            yield job, _outcome(future)
    finally:
        stop.set()
        for future in futures:
            future.cancel()


def _outcome(future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except Exception as error:
        return Outcome("lost", reason=f"the worker failed: {type(error).__name__}: {error}")
