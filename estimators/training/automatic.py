"""What "auto" stands for in a net's training, by the number of its training rows alone: a stated rule, never a search.

Batch sizes from 2,800 rows on are those of TabM's author (pytabkit; Gorishniy et al. 2025); below, batches shrink so
that a short training still takes many steps. The epochs give every training some thousand steps. Rows are held out for
early stopping where a tenth of them can tell good weights from bad: on samples of the training parts of sixteen tables
it made no difference up to 100 rows, and was the better rule from 200 on (`tests/performance/small_data.py`,
docs/results.md). Fewer rows train without.
"""

from collections.abc import Sequence
from math import ceil

# (rows below which it holds, rows per batch)
BATCH_SIZES: Sequence[tuple[float, int]] = (
    (200, 8),
    (800, 16),
    (2_800, 32),
    (4_500, 64),
    (6_400, 128),
    (32_000, 256),
    (108_000, 512),
    (float("inf"), 1024),
)
CONVOLUTIONAL_BATCH = 128  # at most: each row of a series or an image is many positions, so that more gain no speed
STEPS = 5_000
FEWEST_EPOCHS = 10
ENOUGH_TO_HOLD_OUT = 200


def batch_size_for(n_rows: int) -> int:
    """Rows per batch."""
    return next(size for limit, size in BATCH_SIZES if n_rows < limit)


def epochs_for(n_rows: int, batch_size: int, most: int) -> int:
    """Epochs that take some thousand steps, at least 10, at most so many."""
    return min(max(ceil(STEPS * batch_size / n_rows), FEWEST_EPOCHS), most)


def holds_rows_out(n_rows: int) -> bool:
    """Whether early stopping pays."""
    return n_rows >= ENOUGH_TO_HOLD_OUT
