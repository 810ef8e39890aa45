"""Progress bars of libraries that load weights: they must leave nothing behind when a fit's process ends at once."""

from threading import RLock


def lock_bars_by_thread() -> None:
    """Let tqdm guard its bars by a lock of this process.

    Its own is a semaphore of the system, which outlives a process that ends without cleaning up, as those of fits do.
    """
    from tqdm import tqdm

    tqdm.set_lock(RLock())
