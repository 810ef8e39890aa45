"""Provenance: under which code, versions and hardware a run was made; gathered in a fit's process, as fits see it."""

import os
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from bakeoff.isolation import run_isolated
from bakeoff.outcome import Allowance, Outcome

LIBRARIES = (
    "bakeoff",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "xgboost",
    "torch",
    "optuna",
    "lightgbm",
    "catboost",
)


@cache
def collect_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that scores depend on, those that are installed."""
    versions = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            continue
    return versions


def changed_versions(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """List what differs; a library that came or went concerns only the models that need it."""
    both = sorted({*before} & {*now})
    return [f"{name} {before[name]} → {now[name]}" for name in both if before[name] != now[name]]


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
    return run_isolated(collect_hardware, allowance=Allowance(seconds=120, memory=8 * 2**30))


def git_commit(folder: Path) -> str | None:
    """Return the commit that a folder is at, with `+changes` if files differ; None outside a repository."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603, S607 - fixed words
        return done.stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.is_file() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
