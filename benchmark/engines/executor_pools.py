"""Where fits run: pools, each an executor with a number of slots."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ExecutorPool:
    """Slots of one kind.

    Parameters
    ----------
    device : {"cpu", "cuda"}
        The fits that it takes.
    executor : Executor
    slots : callable
        Returns how many fits run at once, at the moment; raises a UserError if the engine is gone.
    """

    device: str
    executor: Executor
    slots: Callable[[], int]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Where fits run.

    Parameters
    ----------
    label : str
        What it is, for a person: `this machine, 2 fits at once, 1 thread each`.
    pools : tuple of ExecutorPool
    hardware : mapping
        Of the machine that runs the first fit.
    """

    label: str
    pools: tuple[ExecutorPool, ...]
    hardware: dict[str, Any]
