"""Data sets: what one is (`Dataset`), how to get one (`load`), and what is odd about one (`audit`)."""

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.profiling.audit import Finding, audit
from bakeoff.datasets.sources.load import load
from bakeoff.tasks import KINDS, TASKS, Kind, Task

__all__ = ["KINDS", "TASKS", "Dataset", "Finding", "Kind", "Task", "audit", "load"]
