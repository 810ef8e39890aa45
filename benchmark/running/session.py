"""Fits of a suite on the engine that the options name: what a run and its forecast share."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from bakeoff.engines.dispatch import FinishedFit, run_jobs
from bakeoff.engines.executor_pools import Engine
from bakeoff.engines.observers import Progress
from bakeoff.engines.open_engine import open_engine
from bakeoff.engines.options import RunOptions
from bakeoff.engines.schedule import Group, Schedule
from bakeoff.engines.submission import JobFunction, Submitter
from bakeoff.evaluation.evaluate import evaluate
from bakeoff.isolation.outcome import ResourceLimits
from bakeoff.protocol.job import Job
from bakeoff.suites.suite import Suite


def limits_of(suite: Suite) -> ResourceLimits:
    """Return what a suite lets each of its fits use."""
    return ResourceLimits(seconds=suite.limits.seconds, memory=suite.limits.memory, threads=suite.threads)


@contextmanager
def run_fits(
    jobs: Sequence[Job],
    expected: Mapping[Group, float],
    *,
    function: JobFunction = evaluate,
    limits: ResourceLimits,
    options: RunOptions,
    scratch: Path,
    progress: Progress,
) -> Iterator[tuple[Engine, Iterable[FinishedFit]]]:
    """Open the engine and start the fits; the block takes their ends as they come, and stops the rest when it is left.

    Parameters
    ----------
    jobs : sequence of Job
        Prepared ones.
    expected : mapping
        Seconds by (data set, model, variant), as far as they are known.
    function : callable
        What is called with each job, in a process of its own.
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
