"""What `bakeoff doctor` finds: versions, hardware and memory, as a fit's process sees them."""

from typing import Any

import psutil

from bakeoff.engines.hardware import inspect_hardware
from bakeoff.engines.workers import count_cores, default_workers
from bakeoff.records.provenance import collect_versions


def examine() -> dict[str, Any]:
    """Return the facts by name; a fit's process is started to see what fits would see."""
    outcome = inspect_hardware()
    hardware = outcome.value or {"isolation": f"FAILED: {outcome.status}: {outcome.reason}"}
    gpus = hardware.pop("gpus", [])
    return {
        **collect_versions(),
        **hardware,
        "gpu": gpus or "none that PyTorch can use",
        "usable cores": count_cores(),
        "workers by default": default_workers(1),
        "free memory": f"{psutil.virtual_memory().available / 2**30:.1f} GB",
    }
