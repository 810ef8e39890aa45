"""Small texts of token ids that only the order of words tells apart, or only words."""

from typing import Any

import numpy as np


def ordered_pairs(n_rows: int = 120, width: int = 9) -> tuple[Any, Any]:
    """Make texts in which 2 stands right before 3 or right after it, among other words and before padding."""
    rng = np.random.default_rng(0)
    y = np.arange(n_rows) % 2
    rows = np.zeros((n_rows, width))
    for row, label in zip(rows, y, strict=True):
        length = rng.integers(4, width + 1)
        row[:length] = rng.integers(4, 9, length)
        start = rng.integers(length - 1)
        row[start : start + 2] = (2, 3) if label else (3, 2)
    return rows, y


def telling_words(n_rows: int = 80, width: int = 9) -> tuple[Any, Any]:
    """Make texts that hold a 2 somewhere or a 3, among other words and before padding."""
    rng = np.random.default_rng(0)
    y = np.arange(n_rows) % 2
    rows = np.zeros((n_rows, width))
    for row, label in zip(rows, y, strict=True):
        length = rng.integers(2, width + 1)
        row[:length] = rng.integers(4, 9, length)
        row[rng.integers(length)] = 2 + label
    return rows, y
