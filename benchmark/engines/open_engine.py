"""Which engine a run asks for."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bakeoff.engines.executor_pools import Engine, ExecutorPool
from bakeoff.engines.local_engine import in_process_engine, local_engine
from bakeoff.engines.options import RunOptions
from bakeoff.engines.submission import inspect_pool
from bakeoff.engines.workers import count_cores
from bakeoff.errors import UserError


def open_engine(
    options: RunOptions, *, threads: int, devices: set[str], scratch: Path, note: Callable[[str], None]
) -> AbstractContextManager[Engine]:
    """Open the engine that the options name.

    Parameters
    ----------
    options : RunOptions
    threads : int
        Of each fit.
    devices : set of str
        What the fits want: `cpu`, `cuda` or both.
    scratch : Path
        A folder that every machine of the engine must see.
    note : callable
        Takes what a user wants to know.

    Raises
    ------
    UserError
        If the engine can't be had, or more than one is named.
    """
    check_options(options)
    if options.in_process:
        return in_process_engine(devices)
    if options.dask is not None:
        from bakeoff.engines.dask_engine import ClusterRequirements, dask_engine

        requirements = ClusterRequirements(
            scratch=scratch,
            workers=options.workers,
            threads=threads,
            devices=devices,
            mixed_versions=options.mixed_versions,
            note=note,
        )
        return dask_engine(options.dask, requirements)
    if options.executor is not None:
        return _executor_engine(options, devices, scratch)
    return local_engine(options.workers, threads, devices, options.fits_per_gpu)


def check_options(options: RunOptions) -> None:
    """Refuse options that exclude each other.

    Raises
    ------
    UserError
        If more than one engine is named, or workers for one that counts its own.
    """
    if options.workers is not None and not (isinstance(options.workers, int) and options.workers > 0):
        raise UserError(f"workers is a number from 1, or None for as many as the cores allow; got {options.workers!r}")
    if options.executor is not None and not hasattr(options.executor, "submit"):
        raise UserError(f"an executor is one of concurrent.futures, with a method submit; got {options.executor!r}")
    named = {"--in-process": options.in_process, "--dask": options.dask, "an executor": options.executor}
    chosen = [name for name, value in named.items() if value not in (None, False)]
    if len(chosen) > 1:
        raise UserError(f"{' and '.join(chosen)} exclude each other; give one of them")
    if options.in_process and options.workers not in (None, 1):
        raise UserError(f"--in-process runs one fit at a time; leave --workers {options.workers} out")
    if options.dask not in (None, "local") and options.workers is not None:
        raise UserError(
            f"--workers {options.workers} has no meaning on a cluster, whose workers say themselves how many fits they "
            "run (dask worker --nthreads); leave it out"
        )


@contextmanager
def _executor_engine(options: RunOptions, devices: set[str], scratch: Path) -> Iterator[Engine]:
    """Use an executor that was handed over in Python; it is not shut down."""
    executor = options.executor
    assert executor is not None  # the caller looked
    slots = options.workers or count_cores()
    pools = tuple(ExecutorPool(device, executor, lambda: slots) for device in sorted(devices, reverse=True))
    hardware = inspect_pool(pools[0], scratch)
    yield Engine(label=f"{type(executor).__name__}, {slots} fits at once", pools=pools, hardware=hardware)
