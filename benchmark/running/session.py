"""Fits of a suite on the engine that the options name: what a run and its forecast share."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from bakeoff.engines.engine import Ended, run_jobs
from bakeoff.engines.observers import Progress
from bakeoff.engines.open_engine import open_engine
from bakeoff.engines.options import RunOptions
from bakeoff.engines.pools import Engine
from bakeoff.engines.schedule import Group, Schedule
from bakeoff.engines.submission import Function, Shipping
from bakeoff.evaluation.evaluate import evaluate
from bakeoff.isolation.outcome import Allowance
from bakeoff.protocol.job import Job
from bakeoff.suites.suite import Suite


def allowance_of(suite: Suite) -> Allowance:
    """Return what a suite lets each of its fits use."""
    return Allowance(seconds=suite.limits.seconds, memory=suite.limits.memory, threads=suite.threads)


@contextmanager
def running_fits(
    jobs: Sequence[Job],
    expected: Mapping[Group, float],
    *,
    function: Function = evaluate,
    allowance: Allowance,
    options: RunOptions,
    scratch: Path,
    progress: Progress,
) -> Iterator[tuple[Engine, Iterable[Ended]]]:
    """Open the engine and start the fits; the block takes their ends as they come, and stops the rest when it is left.

    Parameters
    ----------
    jobs : sequence of Job
        Prepared ones.
    expected : mapping
        Seconds by (data set, model, variant), as far as they are known.
    function : callable
        What is called with each job, in a process of its own.
    allowance : Allowance
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
    shipping = Shipping(
        function=function,
        allowance=allowance,
        scratch=scratch,
        retries=options.retries,
        isolated=not options.in_process,
    )
    devices = {job.device for job in jobs}
    with (
        open_engine(options, threads=allowance.threads, devices=devices, scratch=scratch, note=progress.note) as engine,
        closing(run_jobs(Schedule(jobs, expected), engine.lanes, shipping, progress)) as outcomes,
    ):
        yield engine, outcomes
