"""Minibatches of several replicas at once, gathered by index from rows that lie one after the other on the device."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import torch
from torch import Generator, Tensor

from bakeoff.estimators.layers.networks import pad_to_largest
from bakeoff.estimators.training.rows import Rows

GATHERED_VALUES = 2**18  # values copied at once: several small steps share one gather


@dataclass(frozen=True)
class Batch:
    """One batch of each replica.

    Parameters
    ----------
    inputs : Tensor of shape (E, n, features)
    targets : Tensor of shape (E, n) or (E, n, outputs)
    weights : Tensor of shape (E, n), optional
    counts : Tensor of shape (E,)
        Rows of each replica that count.
    sizes : list of int, optional
        The same, where they differ: what lies behind them is padding of weight zero.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor | None
    counts: Tensor
    sizes: list[int] | None = None

    def weighted_sums(self, values: Tensor) -> Tensor:
        """Weighted sums over the rows (E, n) of each replica."""
        return values.sum(1) if self.weights is None else (values * self.weights).sum(1)


class BatchStore:
    """The rows of several replicas, one after the other, narrower ones filled up with zero columns.

    Rows that several replicas share, the members of an ensemble, are held once.
    """

    def __init__(self, rows: Sequence[Rows]) -> None:
        parts = list({id(part): part for part in rows}.values())
        self.inputs = torch.cat(pad_to_largest([part.inputs for part in parts])) if len(parts) > 1 else parts[0].inputs
        self.targets = torch.cat([part.targets for part in parts])
        self.weights = None
        if any(part.weights is not None for part in parts):
            ones = [part.inputs.new_ones(len(part)) if part.weights is None else part.weights for part in parts]
            self.weights = torch.cat(ones)
        self.variances = None
        if self.targets.ndim == 2:
            self.variances = torch.stack([variance(part) for part in rows])
        self.lengths = [len(part) for part in rows]
        ends = accumulate(map(len, parts), initial=0)
        starts = {id(part): start for part, start in zip(parts, ends, strict=False)}
        self.starts = [starts[id(part)] for part in rows]

    @property
    def counts(self) -> Tensor:
        """Number of rows of each replica, (E,)."""
        return torch.tensor(self.lengths, dtype=self.inputs.dtype, device=self.inputs.device)

    def view(self, replica: int, width: int) -> Rows:
        """Return the rows of one replica and its own columns, without copying."""
        rows = slice(self.starts[replica], self.starts[replica] + self.lengths[replica])
        weights = None if self.weights is None else self.weights[rows]
        return Rows(self.inputs[rows, :width], self.targets[rows], weights)

    def keep(self, replicas: Sequence[int]) -> None:
        """Forget all replicas but these; their rows stay where they are."""
        self.lengths = [self.lengths[replica] for replica in replicas]
        self.starts = [self.starts[replica] for replica in replicas]
        if self.variances is not None:
            self.variances = self.variances[list(replicas)]

    def ordered(self) -> list[Tensor]:
        """Return the row numbers of each replica."""
        return [torch.arange(start, start + n) for start, n in zip(self.starts, self.lengths, strict=True)]

    def shuffled(self, generators: Sequence[Generator]) -> list[Tensor]:
        """Return the row numbers of each replica in an order that its own generator draws."""
        return [
            torch.randperm(n, generator=generator).add_(start)
            for start, n, generator in zip(self.starts, self.lengths, generators, strict=True)
        ]

    def iter_chunks(self, n_rows: int) -> Iterator[Batch]:
        """Go through the rows of all replicas in order, at most so many of each at once."""
        whole = self.ordered()
        for begin in range(0, max(self.lengths), n_rows):
            orders = [order[begin : begin + n_rows] for order in whole]
            longest = max(map(len, orders))
            padded = [fill_up(order, longest, start) for order, start in zip(orders, self.starts, strict=True)]
            index = torch.stack(padded)[None].to(self.inputs.device)
            yield mark_padding(next(self._gather(index)), [len(order) for order in orders])

    def iter_batches(self, orders: Sequence[Tensor], batch_size: int) -> Iterator[Batch]:
        """Cut the rows of all replicas, in the given orders, into equally many batches."""
        steps = count_batches(len(orders[0]), batch_size) - 1
        head = steps * batch_size
        if steps:
            whole = torch.stack([order[:head].view(steps, batch_size) for order in orders], dim=1)
            yield from self._gather(whole.to(self.inputs.device))
        sizes = [len(order) - head for order in orders]
        tails = [fill_up(order[head:], max(sizes), start) for order, start in zip(orders, self.starts, strict=True)]
        index = torch.stack(tails)[None].to(self.inputs.device)
        yield mark_padding(next(self._gather(index)), sizes)

    def _gather(self, index: Tensor) -> Iterator[Batch]:
        """Gather batches by row numbers (steps, E, n), as many at once as are cheap to hold."""
        _, replicas, n_rows = index.shape
        counts = self.inputs.new_full((replicas,), n_rows)
        at_once = max(GATHERED_VALUES // (replicas * n_rows * self.inputs.shape[1]), 1)
        for rows in torch.split(index, at_once):
            flat = rows.flatten()
            inputs = self.inputs.index_select(0, flat).view(*rows.shape, -1)
            targets = self.targets.index_select(0, flat).view(*rows.shape, *self.targets.shape[1:])
            weights = None if self.weights is None else self.weights.index_select(0, flat).view(rows.shape)
            for step in range(len(rows)):
                yield Batch(inputs[step], targets[step], None if weights is None else weights[step], counts)


def mark_padding(batch: Batch, sizes: list[int]) -> Batch:
    """Take the padding out of the count, where replicas have different numbers of rows."""
    if min(sizes) == max(sizes):
        return batch
    counts = torch.tensor(sizes, dtype=batch.counts.dtype, device=batch.counts.device)
    present = (torch.arange(max(sizes), device=counts.device) < counts[:, None]).to(counts.dtype)
    weights = present if batch.weights is None else batch.weights * present
    return replace(batch, weights=weights, counts=counts, sizes=sizes)


def variance(rows: Rows) -> Tensor:
    """Weighted variance of each target (outputs,); NaN where it is zero, for there is no R² then."""
    weights = rows.targets.new_ones(len(rows)) if rows.weights is None else rows.weights
    mean = (weights @ rows.targets) / weights.sum()
    spread = (weights @ (rows.targets - mean).square()) / weights.sum()
    return spread.where(spread > 0, torch.nan)


def fill_up(index: Tensor, size: int, row: int) -> Tensor:
    """Repeat one row number until there are `size`: a real row, whose weight will be zero."""
    return index if len(index) == size else torch.cat([index, index.new_full((size - len(index),), row)])


def count_batches(n_rows: int, batch_size: int) -> int:
    """Batches of an epoch; a last batch of one row joins its neighbour, for batch norm's sake."""
    whole, rest = divmod(n_rows, batch_size)
    return max(whole + (rest > 1), 1)
