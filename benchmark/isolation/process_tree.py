"""The tree of a call's processes: found, weighed and killed as a whole, whatever it forked."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

ProcessSet = set[psutil.Process]


def find_tree(pid: int | None) -> list[psutil.Process]:
    """Return a process and its descendants; who left the process group is there too: the root adopts orphans."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process, *_find_children(process)]
    return []


def _find_children(process: psutil.Process) -> list[psutil.Process]:
    """Ask the kernel for the children of one process; psutil reads about every process of the machine instead."""
    tasks = Path(f"/proc/{process.pid}/task")
    try:
        numbers = [int(word) for task in tasks.iterdir() for word in (task / "children").read_text().split()]
    except OSError:  # it ended meanwhile, or the kernel keeps no such lists
        return process.children(recursive=True) if not (tasks / str(process.pid) / "children").exists() else []
    found: list[psutil.Process] = []
    for number in numbers:
        found += find_tree(number)
    return found


def measure_memory(tree: list[psutil.Process], inherited: int, limit: int) -> int:
    """Return the bytes that a process and its descendants hold beyond what the first of them inherited.

    Counted are anonymous pages, not those mapped from files: the data sets of all fits lie in memory once. Pages that
    processes of the tree share count for each, so this is an upper bound, and a cheap one. Only beyond the limit is the
    unique set size read, which takes the kernel ten milliseconds each: shared pages kill nobody.
    """
    anonymous = _sum_over(tree, read_anonymous_bytes) - inherited
    if anonymous <= limit:
        return max(anonymous, 0)
    return min(anonymous, _sum_over(tree, lambda member: member.memory_full_info().uss))


def read_anonymous_bytes(process: psutil.Process) -> int:
    """Return the resident bytes of a process that are mapped from no file."""
    memory = process.memory_info()
    return int(memory.rss - getattr(memory, "shared", 0))


def measure_cpu_seconds(tree: list[psutil.Process]) -> float:
    """Return the CPU seconds of processes and of their children that have ended."""
    total = 0.0
    for member in tree:
        with suppress(psutil.Error):
            total += sum(member.cpu_times()[:4])  # user and system, then those of ended children
    return total


def kill_tree(pid: int, descendants: ProcessSet) -> None:
    """Kill a call's process group and every descendant that was seen, sessions of their own or not."""
    descendants.update(find_tree(pid))
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    for member in descendants:
        with suppress(psutil.Error):  # psutil compares start times: a reused number is left alone
            member.kill()


def _sum_over(tree: list[psutil.Process], read: Callable[[psutil.Process], int]) -> int:
    total = 0
    for member in tree:
        with suppress(psutil.Error):  # it ended between the listing and the reading
            total += read(member)
    return total
