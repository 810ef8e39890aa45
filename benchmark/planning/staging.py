"""Data sets on their way to the fits: written once by the parent, opened memory-mapped by every process.

Tables and texts are numbers and bytes, see `bakeoff.datasets.mapped_rows`; `bakeoff.fitting.fit.take` takes rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.mapped_rows import MappedColumn, MappedTable, MappedTexts, are_strings
from bakeoff.planning.plan import Plan
from bakeoff.protocol.job import Job
from bakeoff.protocol.splits import Split


def write_data_file(path: Path, dataset: Dataset, splits: Sequence[Split]) -> None:
    """Write a data set and its splits where fits can open them; given folds are the splits already."""
    parts = {name: _store(name, part) for name, part in vars(dataset).items() if name != "given_folds"}
    joblib.dump((parts, MappedSplits(splits)), path)


class MappedSplits:
    """Splits side by side in one array: to open a thousand costs as little as to open one.

    Parameters
    ----------
    splits : sequence of Split
    """

    def __init__(self, splits: Sequence[Split]) -> None:
        parts = [part for split in splits for part in (split.train, split.test)]
        self._rows = np.concatenate(parts) if parts else np.empty(0, dtype=int)
        self._bounds = np.cumsum([0, *map(len, parts)])
        self._places = [(split.repeat, split.fold, split.train_fraction) for split in splits]

    def __len__(self) -> int:
        """Return the number of splits."""
        return len(self._places)

    def __getitem__(self, index: int) -> Split:
        """Return a split."""
        repeat, fold, train_fraction = self._places[index]
        begin, middle, end = self._bounds[2 * index : 2 * index + 3]
        return Split(repeat, fold, self._rows[begin:middle], self._rows[middle:end], train_fraction)


def stage_data(plan: Plan, jobs: Iterable[Job], scratch: Path) -> list[Job]:
    """Write each data set that jobs need, once, and tell the jobs where."""
    jobs = list(jobs)
    paths = {name: scratch / f"{place}.joblib" for place, name in enumerate(sorted({job.dataset for job in jobs}))}
    for name, path in paths.items():
        write_data_file(path, plan.datasets[name], plan.splits[name])
    return [replace(job, data_file=paths[job.dataset]) for job in jobs]


@lru_cache(maxsize=1)
def open_data_file(path: Path) -> tuple[Dataset, MappedSplits]:
    """Open a data set and its splits; the rows of X stay on the disk until they are taken."""
    parts, splits = joblib.load(path, mmap_mode="r")
    dataset = object.__new__(Dataset)  # checked before it was written
    for name, part in parts.items():
        whole = part.take(slice(None)) if isinstance(part, MappedColumn) else part
        object.__setattr__(dataset, name, whole)
    return dataset, splits


def _store(name: str, part: Any) -> Any:
    if isinstance(part, pd.DataFrame):
        return MappedTable(part)
    if hasattr(part, "dtype") and are_strings(part):
        return MappedTexts(part) if name == "X" else MappedColumn(part)
    return part
