"""Data sets on their way to the fits: written once by the parent, opened memory-mapped by every process."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import joblib

from bakeoff.datasets.dataset import Dataset
from bakeoff.splits import Split


def write_prepared(path: Path, dataset: Dataset, splits: Sequence[Split]) -> None:
    """Write a data set and its splits where fits can open them."""
    joblib.dump((dataset, list(splits)), path)


@lru_cache(maxsize=1)
def open_prepared(path: Path) -> tuple[Dataset, list[Split]]:
    """Open a data set and its splits; arrays stay on the disk until their rows are read."""
    dataset, splits = joblib.load(path, mmap_mode="r")
    return dataset, splits
