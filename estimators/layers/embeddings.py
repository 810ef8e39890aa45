"""Learned vectors of tabular columns: of categories, and of numbers after Gorishniy et al. 2022.

"On Embeddings for Numerical Features in Tabular Deep Learning" (NeurIPS): a number becomes a short vector before it
meets the dense layers, by its place among the quantiles of its column or by waves of learned frequencies.
"""

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Generator, Tensor, nn

from bakeoff.estimators.layers.layers import Training, normal, uniform

N_FREQUENCIES = 48
FREQUENCY_SCALE = 0.1


class CategoryEmbedding(nn.Module):
    """Codes (E, n, columns) to vectors (E, n, columns * size); code 0, a new or missing category, is the zero vector.

    Parameters
    ----------
    cardinalities : sequence of int
        Codes of each column, 0 not counted. Replicas may differ in them.
    size : int
        Length of a vector.
    """

    stretches = True
    offsets: Tensor

    def __init__(self, cardinalities: Sequence[int], size: int, generator: Generator) -> None:
        super().__init__()
        self.weight = uniform((sum(cardinalities), size), size**-0.5, generator)
        offsets = np.cumsum([0, *cardinalities[:-1]])
        self.register_buffer("offsets", torch.tensor(offsets)[None, None])

    def forward(self, codes: Tensor) -> Tensor:
        """Return (E, n, columns * size)."""
        places = (codes.long() - 1).clamp(min=0) + self.offsets
        index = places.flatten(1)[..., None].expand(-1, -1, self.weight.shape[2])
        vectors = self.weight.gather(1, index).view(*codes.shape, -1)
        return (vectors * (codes != 0)[..., None]).flatten(2)


class PerColumn(nn.Module):
    """An affine map of each column's own: (E, n, columns, inputs) to (E, n, columns, outputs)."""

    def __init__(self, columns: int, n_inputs: int, n_outputs: int, generator: Generator) -> None:
        super().__init__()
        self.weight = uniform((columns, n_inputs, n_outputs), n_inputs**-0.5, generator)
        self.bias = uniform((columns, 1, n_outputs), n_inputs**-0.5, generator)

    def forward(self, values: Tensor) -> Tensor:
        """Return (E, n, columns, outputs)."""
        replicas, n_rows, columns, _ = values.shape
        by_column = values.transpose(1, 2).flatten(0, 1)
        outputs = torch.baddbmm(self.bias.flatten(0, 1), by_column, self.weight.flatten(0, 1))
        return outputs.view(replicas, columns, n_rows, -1).transpose(1, 2)


class PiecewiseLinear(nn.Module):
    """Place of a number among the quantiles of its column: 1 for each bin below it, a share of the bin it is in.

    The first and last bin go on beyond the training rows, so that no two numbers look the same (section 3.2).
    """

    left: Tensor
    width: Tensor
    lowest: Tensor
    highest: Tensor

    def __init__(self, values: Tensor, n_bins: int) -> None:
        super().__init__()
        bins = [column_bins(column, n_bins) for column in values.T.double()]
        for name, rows in zip(("left", "width", "lowest", "highest"), zip(*bins, strict=True), strict=True):
            self.register_buffer(name, torch.stack(rows)[None])

    @property
    def n_values(self) -> int:
        """Values that a number becomes."""
        return int(self.left.shape[-1])

    def forward(self, numbers: Tensor) -> Tensor:
        """Return (E, n, columns, bins) of numbers (E, n, columns)."""
        shares = (numbers[..., None] - self.left[:, None]) / self.width[:, None]
        return shares.maximum(self.lowest[:, None]).minimum(self.highest[:, None])


def column_bins(values: Tensor, n_bins: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return left edge, width and limits of each bin of one column; bins that equal quantiles leave over give 0."""
    edges = torch.from_numpy(np.unique(np.quantile(values.cpu().numpy(), np.linspace(0, 1, n_bins + 1))))
    left, lowest = edges.new_zeros(2, n_bins)  # in double precision, like the rest: edges may lie close together
    width, highest = edges.new_full((n_bins,), torch.inf), edges.new_ones(n_bins)
    lowest[0], highest[max(len(edges) - 2, 0)] = -torch.inf, torch.inf
    left[: len(edges) - 1], width[: len(edges) - 1] = edges[:-1], edges.diff()
    return left, width, lowest, highest


class Periodic(nn.Module):
    """Cosines and sines of a number at learned frequencies (section 3.3)."""

    n_values = 2 * N_FREQUENCIES

    def __init__(self, columns: int, generator: Generator) -> None:
        super().__init__()
        self.frequencies = normal((1, columns, N_FREQUENCIES), FREQUENCY_SCALE, generator)

    def forward(self, numbers: Tensor) -> Tensor:
        """Return (E, n, columns, 2 * frequencies) of numbers (E, n, columns)."""
        angles = 2 * math.pi * self.frequencies * numbers[..., None]
        return torch.cat([angles.cos(), angles.sin()], dim=-1)


class PiecewiseLinearSum(nn.Module):
    """Numbers (E, n, columns) to vectors (E, n, columns * size): a linear map of the number, bent at the quantiles.

    What the bins add starts at zero, and no activation follows: version "B" of the authors' rtdl_num_embeddings, the
    one that TabM uses.
    """

    training_of: ClassVar = dict.fromkeys(("weight", "bias"), Training(decay_factor=0.0))

    def __init__(self, values: Tensor, size: int, n_bins: int, generator: Generator) -> None:
        super().__init__()
        columns = values.shape[1]
        self.encoding = PiecewiseLinear(values, n_bins)
        self.weight = uniform((1, columns, size), size**-0.5, generator)
        self.bias = uniform((1, columns, size), size**-0.5, generator)
        self.bends = nn.Parameter(torch.zeros(1, columns, self.encoding.n_values, size))

    def forward(self, numbers: Tensor) -> Tensor:
        """Return (E, n, columns * size)."""
        straight = torch.addcmul(self.bias, numbers[..., None], self.weight)
        by_column = self.encoding(numbers).transpose(1, 2).flatten(0, 1)
        bent = torch.bmm(by_column, self.bends.flatten(0, 1)).view(len(numbers), -1, *straight.shape[1::2])
        return (straight + bent.transpose(1, 2)).flatten(2)


NUMERIC_EMBEDDINGS = ("piecewise-linear", "periodic")


class NumericEmbedding(nn.Module):
    """Numbers (E, n, columns) to vectors (E, n, columns * size): an encoding, an affine map per column, a ReLU."""

    def __init__(self, kind: str, values: Tensor, size: int, n_bins: int, generator: Generator) -> None:
        super().__init__()
        columns = values.shape[1]
        self.encoding = PiecewiseLinear(values, n_bins) if kind == "piecewise-linear" else Periodic(columns, generator)
        self.vectors = PerColumn(columns, self.encoding.n_values, size, generator)

    def forward(self, numbers: Tensor) -> Tensor:
        """Return (E, n, columns * size)."""
        vectors: Tensor = self.vectors(self.encoding(numbers))
        return vectors.relu().flatten(2)


class ColumnEmbeddings(nn.Module):
    """What stands before the dense layers: categories in the first columns, numbers in the others."""

    def __init__(self, n_categorical: int, categories: nn.Module | None, numbers: nn.Module | None) -> None:
        super().__init__()
        self.n_categorical = n_categorical
        self.categories, self.numbers = categories, numbers

    def forward(self, rows: Tensor) -> Tensor:
        """Return (E, n, values) of rows (E, n, columns)."""
        codes, numbers = rows[..., : self.n_categorical], rows[..., self.n_categorical :]
        parts = [numbers if self.numbers is None else self.numbers(numbers)]
        if self.categories is not None:
            parts.insert(0, self.categories(codes))
        return torch.cat(parts, dim=-1) if len(parts) > 1 else parts[0]
