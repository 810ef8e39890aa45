"""The hardware that fits run on, gathered in a fit's process, as fits see it."""

import os
import platform
from pathlib import Path
from typing import Any

import psutil

from bakeoff.isolation.outcome import Outcome, ResourceLimits
from bakeoff.isolation.parent import run_isolated


def collect_hardware() -> dict[str, Any]:
    """Return CPU, memory, BLAS, threads and GPUs as a fit's process sees them; imports torch."""
    import threadpoolctl
    import torch

    pools = threadpoolctl.threadpool_info()
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "host": platform.node(),
        "platform": platform.platform(),
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "blas": sorted({f"{pool['internal_api']} {pool.get('version') or ''}".strip() for pool in pools}),
        "torch_threads": torch.get_num_threads(),
        "gpus": gpus,
        "cuda": torch.version.cuda,
    }


def inspect_hardware() -> Outcome:
    """Collect the hardware in a process like a fit's; the first call starts the forkserver and its preload."""
    return run_isolated(collect_hardware, limits=ResourceLimits(seconds=120, memory=8 * 2**30))


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.is_file() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
