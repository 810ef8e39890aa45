"""Columns of a table as RealMLP takes them: scaled by quartiles and softly clipped, categories as ones or vectors.

Source: Holzmüller, Grinsztajn and Steinwart 2024, "Better by default", NeurIPS, section 3 and appendix A.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from bakeoff.estimators.layers.embeddings import CategoryEmbedding
from bakeoff.estimators.layers.layers import normal
from bakeoff.estimators.tabular_nets.weighted_rows import WeightedRows

CLIP = 3.0
QUARTILES = (0.25, 0.5, 0.75)


def smooth_clip(values: Tensor) -> Tensor:
    """Squeeze values between -3 and 3, small ones hardly."""
    return values * (values / CLIP).square_().add_(1).rsqrt_()


def robust_statistics(rows: WeightedRows) -> tuple[Tensor, Tensor]:
    """Return the median of each column and what to divide by: the quartile distance, half the range where it is 0."""
    low, median, high = rows.quantiles(torch.tensor(QUARTILES)[:, None].expand(-1, rows.values.shape[1]))
    halves = (rows.values.amax(0) - rows.values.amin(0)) / 2
    return median, (high - low).where(high > low, halves)


class RobustScaling(nn.Module):
    """Numbers (E, n, columns) less their median, over their quartile distance, softly clipped; constants become 0."""

    median: Tensor
    factor: Tensor

    def __init__(self, rows: WeightedRows) -> None:
        super().__init__()
        median, spread = robust_statistics(rows)
        self.register_buffer("median", median[None, None])
        self.register_buffer("factor", (1 / spread).where(spread > 0, 0.0)[None, None])

    def forward(self, numbers: Tensor) -> Tensor:
        """Return the scaled numbers, in the same shape."""
        return smooth_clip((numbers - self.median) * self.factor)


class RobustOneHot(nn.Module):
    """Codes (E, n, columns) to ones and zeros (E, n, values), each value scaled and clipped as a number would be.

    Two categories become 1 and -1 in one value. Code 0, a new or missing category, is 0 before the scaling.

    Parameters
    ----------
    rows : WeightedRows
        Codes of the training rows.
    cardinalities : sequence of int
        Codes of each column, 0 not counted.
    """

    offsets: Tensor
    places: Tensor
    marks: Tensor
    absent: Tensor

    def __init__(self, rows: WeightedRows, cardinalities: Sequence[int]) -> None:
        super().__init__()
        starts = torch.tensor([0, *cardinalities]).add(1).cumsum(0)[:-1] - 1  # each column has a code 0, too
        places, marks, width = code_tables(cardinalities)
        self.register_buffer("offsets", starts[None, None])
        self.register_buffer("places", torch.tensor(places)[None])
        self.register_buffer("marks", torch.tensor(marks, dtype=rows.values.dtype)[None])
        self.register_buffer("absent", rows.values.new_zeros(1, 1, width))
        scaling = RobustScaling(rows.with_values(self(rows.values[None])[0]))
        alone = rows.values.new_zeros(1, len(marks), width).scatter_(2, self.places[..., None], self.marks[..., None])
        self.marks = scaling(alone).gather(2, self.places[..., None])[..., 0]
        self.absent = scaling(self.absent)

    def forward(self, codes: Tensor) -> Tensor:
        """Return the values."""
        index = (codes.long() + self.offsets).flatten(1)
        places, marks = (table.gather(1, index).view(codes.shape) for table in (self.places, self.marks))
        return self.absent.expand(*codes.shape[:2], -1).clone().scatter_(2, places, marks)


def code_tables(cardinalities: Sequence[int]) -> tuple[list[int], list[float], int]:
    """Return in which value each code of each column is marked, by what, and how many values there are."""
    places: list[int] = []
    marks: list[float] = []
    width = 0
    for count in cardinalities:
        is_pair = count == 2
        places += [width, *([width] * 2 if is_pair else range(width, width + count))]
        marks += [0.0, *([1.0, -1.0] if is_pair else [1.0] * count)]
        width += 1 if is_pair else count
    return places, marks, width


class CategoryVectors(CategoryEmbedding):
    """Learned vectors of categories that start at N(0, 1); otherwise as `CategoryEmbedding`."""

    def __init__(self, cardinalities: Sequence[int], size: int, generator: Generator) -> None:
        super().__init__(cardinalities, size, generator)
        self.weight = normal((sum(cardinalities), size), 1.0, generator)


class RobustColumns(nn.Module):
    """Rows (E, n, columns), codes of categories first, to values (E, n, values).

    Parameters
    ----------
    numbers : nn.Module, optional
        What numbers go through.
    ones, vectors : nn.Module, optional
        What becomes of categories of few and of many kinds.
    few, many : sequence of int
        The columns of either sort.
    """

    few: Tensor
    many: Tensor

    def __init__(
        self,
        numbers: nn.Module | None,
        ones: nn.Module | None,
        vectors: nn.Module | None,
        few: Sequence[int],
        many: Sequence[int],
    ) -> None:
        super().__init__()
        self.numbers, self.ones, self.vectors = numbers, ones, vectors
        self.n_categorical = len(few) + len(many)
        self.register_buffer("few", torch.tensor(few, dtype=torch.long)[None, None])
        self.register_buffer("many", torch.tensor(many, dtype=torch.long)[None, None])

    def forward(self, rows: Tensor) -> Tensor:
        """Return numbers, then ones, then vectors."""
        parts = [] if self.numbers is None else [self.numbers(rows[..., self.n_categorical :])]
        for block, columns in ((self.ones, self.few), (self.vectors, self.many)):
            if block is not None:
                parts.append(block(rows.gather(2, columns.expand(-1, rows.shape[1], -1))))
        return torch.cat(parts, dim=-1) if len(parts) > 1 else parts[0]
