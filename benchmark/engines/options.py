"""How to run, beside what: nothing here enters a key; and what a run came to."""

from concurrent.futures import Executor
from dataclasses import dataclass

from bakeoff.records.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How to run.

    Parameters
    ----------
    workers : int, optional
        Fits at once; as many as the cores allow if left out.
    dask : str, optional
        Run on a cluster of Dask: address of its scheduler, path of its scheduler file, or `local`.
    executor : Executor, optional
        Run through any other executor, `workers` fits at once; it must carry pickled calls to machines that see the run
        folder.
    in_process : bool
        Run every fit in this process, one after the other, without limits: for debuggers.
    fits_per_gpu : int
    retries : int
        How often a fit that was lost by no fault of its own (its worker died, the disk was full) is run again.
    retry_failed : bool
        Run failed fits again.
    fail_fast : bool
        Stop at the first fit that fails.
    mixed_versions : bool
        Go on with a run that other library versions began, and take workers with other versions.
    """

    workers: int | None = None
    dask: str | None = None
    executor: Executor | None = None
    in_process: bool = False
    fits_per_gpu: int = 1
    retries: int = 1
    retry_failed: bool = False
    fail_fast: bool = False
    mixed_versions: bool = False


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """What a run came to.

    Parameters
    ----------
    folder : RunFolder
    ran, reused, failed : int
        Fits run now, found recorded, and failed among all of the plan.
    tracked_at : str, optional
        Where tracking shows the run.
    not_logged : int
        Models that were to be logged and are not.
    """

    folder: RunFolder
    ran: int
    reused: int
    failed: int
    tracked_at: str | None = None
    not_logged: int = 0
