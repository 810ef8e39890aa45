"""How many fits run at once: workers x threads never exceed the cores."""

import psutil

from bakeoff.errors import UserError


def count_cores() -> int:
    """Return the cores that this process may use: its affinity, its container's quota and LOKY_MAX_CPU_COUNT count."""
    from joblib import cpu_count

    return int(cpu_count())


def default_workers(threads: int, *, reserved: int = 0) -> int:
    """Return how many fits run at once beside reserved slots."""
    return max(1, count_cores() // threads - reserved)


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


def describe_workers(workers: int, threads: int) -> str:
    """Say what was chosen: `2 fits at once, 1 thread each, on 2 cores`."""
    fits = "1 fit" if workers == 1 else f"{workers} fits"
    each = "1 thread" if threads == 1 else f"{threads} threads"
    cores = count_cores()
    return f"{fits} at once, {each} each, on {cores} core{'s' * (cores > 1)}"


def memory_warning(workers: int, memory: int) -> str | None:
    """Say that the limits of all fits together exceed the memory; None if they don't."""
    total = psutil.virtual_memory().total
    if workers * memory <= total:
        return None
    return (
        f"{workers} fits of up to {memory / 2**30:.3g} GB each may need more than the {total / 2**30:.3g} GB of this "
        "machine; a smaller limits.memory or fewer workers keep it from running out"
    )
