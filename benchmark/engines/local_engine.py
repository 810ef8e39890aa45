"""Fits on this machine: threads that wait for the processes of their fits, or the calling thread itself."""

import os
import queue
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from bakeoff.engines.executor_pools import Engine, ExecutorPool
from bakeoff.engines.hardware import collect_hardware, inspect_hardware
from bakeoff.engines.submission import THREAD_LOCAL
from bakeoff.engines.workers import check_workers, default_workers, describe_workers
from bakeoff.errors import UserError

NO_GPU = (
    "device: cuda needs a GPU that PyTorch can use, and there is none; use device: cpu. `bakeoff doctor` shows what "
    "was found"
)


@contextmanager
def local_engine(workers: int | None, threads: int, devices: set[str], fits_per_gpu: int = 1) -> Iterator[Engine]:
    """Open the engine of this machine.

    Parameters
    ----------
    workers : int, optional
        Fits on the CPU at once; as many as the cores allow if left out.
    threads : int
        Of each fit.
    devices : set of str
        What the fits want: `cpu`, `cuda` or both.
    fits_per_gpu : int

    Raises
    ------
    UserError
        If workers x threads exceed the cores, or a GPU is wanted and there is none.
    """
    if workers is not None:
        check_workers(workers, threads)
    outcome = inspect_hardware()  # which also warms the forkserver up
    hardware = outcome.value or {"error": outcome.reason}
    gpus = _list_gpu_ids(len(hardware.get("gpus", ()))) * fits_per_gpu if "cuda" in devices else []
    if "cuda" in devices and not gpus:
        raise UserError(NO_GPU)
    most = default_workers(threads, reserved=len(gpus))  # fits on GPUs need cores too
    chosen = min(workers or most, most)
    label = f"this machine, {describe_workers(chosen, threads)}"
    with ThreadPoolExecutor(chosen, thread_name_prefix="fit") as cpu, _gpu_pool(gpus) as gpu:
        pools = [ExecutorPool("cpu", cpu, lambda: chosen)]
        if gpus:
            pools.insert(0, ExecutorPool("cuda", gpu, lambda: len(gpus)))
            label += f"; {fits_per_gpu} on each of {len(gpus) // fits_per_gpu} GPUs"
        yield Engine(label=label, pools=tuple(pools), hardware=hardware)


@contextmanager
def in_process_engine(devices: set[str]) -> Iterator[Engine]:
    """Open the engine for debuggers: every fit in the calling thread, one after the other, without limits.

    Raises
    ------
    UserError
        If a GPU is wanted and there is none.
    """
    hardware = collect_hardware()
    if "cuda" in devices and not hardware["gpus"]:
        raise UserError(NO_GPU)
    executor = _SynchronousExecutor()
    pools = tuple(ExecutorPool(device, executor, lambda: 1) for device in sorted(devices))
    yield Engine(label="in this process, one fit at a time, without limits", pools=pools, hardware=hardware)


class _SynchronousExecutor(Executor):
    """Calls at once, in the thread that submits."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Call, and return a future that is done."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def _gpu_pool(gpus: list[str]) -> ThreadPoolExecutor:
    """Return a pool whose every thread stands for a GPU, and knows which."""
    free: queue.SimpleQueue[str] = queue.SimpleQueue()
    for gpu in gpus:
        free.put(gpu)

    def take_gpu() -> None:
        THREAD_LOCAL.gpu = free.get()

    return ThreadPoolExecutor(max(len(gpus), 1), thread_name_prefix="gpu", initializer=take_gpu)


def _list_gpu_ids(number: int) -> list[str]:
    """Return the GPUs as CUDA_VISIBLE_DEVICES names them: those that this process sees."""
    seen = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return seen[:number] or [str(index) for index in range(number)]
