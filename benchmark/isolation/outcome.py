"""What a call in a process of its own may use, and how it ended."""

from dataclasses import dataclass
from typing import Any

from bakeoff.records.record import Status


@dataclass(frozen=True)
class Outcome:
    """How a call ended.

    Parameters
    ----------
    status : str
        ok, error, timeout, memory, crashed, lost or cancelled.
    value : object
        What the call returned, if ok; pickled on its way.
    reason, traceback : str
        Why not, for a person; and the traceback (of Python, or of the crash) for a developer.
    wall_s, cpu_s : float
        Seconds from the call's start; CPU seconds of the process and its ended children.
    peak_mb : float, optional
        Greatest memory of the process tree beyond what the preload holds and what lies mapped from files, in MiB;
        None where it can't be told.
    """

    status: Status
    value: Any = None
    reason: str = ""
    traceback: str = ""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float | None = 0.0


@dataclass(frozen=True, kw_only=True)
class ResourceLimits:
    """What a call may use.

    Parameters
    ----------
    seconds : float
        Wall seconds from its first message.
    memory : int
        Bytes over its whole process tree.
    threads : int
    uses_gpu : bool
        Whether it is meant for a GPU; CUDA reserves address space far beyond what it uses, so no rlimit is set then.
    gpu : str, optional
        The GPU that it sees, as CUDA_VISIBLE_DEVICES names it; None leaves what the environment says.
    """

    seconds: float
    memory: int
    threads: int = 1
    uses_gpu: bool = False
    gpu: str | None = None


def format_bytes(number: int) -> str:
    """Return bytes as a person says them: 400 MB, 2.1 GB."""
    return f"{number / 2**30:.3g} GB" if number >= 2**30 else f"{number / 2**20:.0f} MB"
