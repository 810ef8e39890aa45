"""A lock on a file that says who holds it, and that ends with its holder, however that one ends."""

import fcntl
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import psutil

from bakeoff.errors import UserError


@contextmanager
def lock_file(path: Path, *, what: str) -> Iterator[None]:
    """Hold a lock file.

    The kernel holds the lock and lets go of it when the process ends, so a lock left by a killed run is none. Where
    the file system knows no locks, what the file says decides: a process of this machine that has ended holds nothing.

    Parameters
    ----------
    path : Path
        The lock file; created if need be.
    what : str
        What is held, for the message.

    Raises
    ------
    UserError
        If another process holds it.
    """
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(_locked_message(what, _read_holder(file))) from None
        except OSError:  # a file system without locks
            holder = _read_holder(file)
            if _is_alive(holder):
                raise UserError(
                    f"{_locked_message(what, holder)}. If that run has ended, delete {path}: this file system has no "
                    "locks that would tell"
                ) from None
        file.truncate(0)
        json.dump(_describe_process(), file)
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
            with suppress(OSError):  # said aloud, for processes that were forked meanwhile hold the open file too
                fcntl.flock(file, fcntl.LOCK_UN)


def _locked_message(what: str, holder: dict[str, Any]) -> str:
    who = "another process"
    if holder:
        who = f"another run (process {holder['pid']} on {holder['host']}, since {holder['since']})"
    return f"{who} is writing to {what}; wait for it or give another --out"


def _describe_process() -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": platform.node(), "since": now, "born": psutil.Process().create_time()}


def _read_holder(file: IO[str]) -> dict[str, Any]:
    with suppress(ValueError, OSError):
        file.seek(0)
        holder = json.load(file)
        if isinstance(holder, dict) and {"pid", "host", "since", "born"} <= set(holder):
            return holder
    return {}


def _is_alive(holder: dict[str, Any]) -> bool:
    """Tell whether the holder may still run: of processes on other machines nothing is known."""
    if not holder:
        return False
    if holder["host"] != platform.node():
        return True
    try:
        return abs(psutil.Process(int(holder["pid"])).create_time() - float(holder["born"])) < 1
    except (psutil.Error, ValueError, TypeError):
        return False
