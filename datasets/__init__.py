"""Data sets: what one is (`Dataset`), the named ones, and those read from files."""

from bakeoff.datasets.dataset import KINDS, TASKS, Dataset, Kind, Task

__all__ = ["KINDS", "TASKS", "Dataset", "Kind", "Task"]
