"""Data sets: what one is (`Dataset`), how to get one (`load`), and what is odd about one (`audit`)."""

from bakeoff.datasets.audit import Finding, audit
from bakeoff.datasets.dataset import KINDS, TASKS, Dataset, Kind, Task
from bakeoff.datasets.load import load

__all__ = ["KINDS", "TASKS", "Dataset", "Finding", "Kind", "Task", "audit", "load"]
