"""Parts of convolutional networks: blocks over maps (n, E * channels, *sides) of E replicas, and a body around them.

The replicas' maps lie beside each other, as grouped convolutions want them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from bakeoff.estimators.activations import ACTIVATIONS
from bakeoff.estimators.layers.layers import BatchNorm, Convolution, Embedding, Residual

POOLINGS = ("max", "average")


@dataclass(frozen=True, kw_only=True)
class BlockOptions:
    """What the blocks of a network have in common; the estimators have checked every value.

    Parameters
    ----------
    kernel_sizes : tuple of int
        Widths of the convolutions that run in parallel.
    block_depth : int
        Convolutions in a row.
    stride, dilation : int
        Stride of the first convolution, and spacing of all kernels.
    same : bool
        Whether zeros around the maps keep their sides.
    pooling : {"max", "average"} or None
        After the block.
    pool_size : int
    residual : bool
        Whether a shortcut leads around the convolutions.
    activation : str
        After each convolution.
    batch_norm : bool
        Between convolution and activation.
    """

    kernel_sizes: tuple[int, ...]
    block_depth: int
    stride: int
    dilation: int
    same: bool
    pooling: str | None
    pool_size: int
    residual: bool
    activation: str
    batch_norm: bool

    def side_after(self, side: int) -> int:
        """Length of a side behind a block; zero or less where a kernel does not fit."""
        for number in range(self.block_depth):
            reach = 0 if self.same else self.dilation * (max(self.kernel_sizes) - 1)
            side = (side - reach - 1) // (self.stride if number == 0 else 1) + 1
        return side // min(self.pool_size, side) if self.pooling and side > 0 else side


def build_block(n_inputs: int, n_outputs: int, n_sides: int, options: BlockOptions, generator: Generator) -> nn.Module:
    """Build a block: convolutions, each with norm and activation, a shortcut around them, then pooling."""
    layers: list[nn.Module] = []
    width, stride = n_inputs, options.stride
    for _ in range(options.block_depth):
        layers += [ACTIVATIONS[options.activation]()] if layers else []
        layers.append(build_convolution(width, n_outputs, n_sides, options, generator, stride=stride))
        layers += [BatchNorm(n_outputs, maps=True)] if options.batch_norm else []
        width, stride = n_outputs, 1
    inner: nn.Module = nn.Sequential(*layers)
    if options.residual:
        inner = Residual(inner, build_shortcut(n_inputs, n_outputs, n_sides, options, generator))
    pool = [Pool(options.pooling, options.pool_size)] if options.pooling else []
    return nn.Sequential(inner, ACTIVATIONS[options.activation](), *pool)


def build_convolution(
    n_inputs: int, n_outputs: int, n_sides: int, options: BlockOptions, generator: Generator, *, stride: int
) -> nn.Module:
    """Build a convolution, or several in parallel that share its channels as evenly as can be, the first ones first."""
    n_kernels = len(options.kernel_sizes)
    shares = [(n_outputs + n_kernels - 1 - number) // n_kernels for number in range(n_kernels)]
    branches = [
        Convolution(
            n_inputs,
            share,
            (size,) * n_sides,
            generator,
            stride=stride,
            dilation=options.dilation,
            same=options.same,
            bias=not options.batch_norm,  # batch norm takes it out again
        )
        for share, size in zip(shares, options.kernel_sizes, strict=True)
    ]
    return branches[0] if n_kernels == 1 else Parallel(branches)


def build_shortcut(
    n_inputs: int, n_outputs: int, n_sides: int, options: BlockOptions, generator: Generator
) -> nn.Module | None:
    """Build the projection of what goes into a block to the shape of what comes out; None where it has that shape."""
    if n_inputs == n_outputs and options.stride == 1:
        return None
    bias = not options.batch_norm
    projection = Convolution(n_inputs, n_outputs, (1,) * n_sides, generator, stride=options.stride, bias=bias)
    return nn.Sequential(projection, BatchNorm(n_outputs, maps=True)) if options.batch_norm else projection


class Parallel(nn.Module):
    """Layers over the same maps, their channels beside each other in each replica."""

    def __init__(self, branches: Sequence[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, maps: Tensor) -> Tensor:
        """Return (n, E * outputs, ...), with the outputs of all branches."""
        replicas = len(next(self.parameters()))
        parts = [branch(maps).unflatten(1, (replicas, -1)) for branch in self.branches]
        return torch.cat(parts, dim=2).flatten(1, 2)


class Pool(nn.Module):
    """Maximum or average over windows without overlap; where a side is shorter than a window, over all of it."""

    def __init__(self, kind: str, size: int) -> None:
        super().__init__()
        self.kind, self.size = kind, size

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps with shorter sides."""
        window = [min(self.size, side) for side in maps.shape[2:]]
        if max(window) == 1:
            return maps
        pool: Any = getattr(functional, f"{'max' if self.kind == 'max' else 'avg'}_pool{len(window)}d")
        pooled: Tensor = pool(maps, window)
        return pooled


class GlobalPool(nn.Module):
    """Maximum or average of each whole map, so that the next layer's weights do not depend on the sides."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, maps: Tensor) -> Tensor:
        """Return (n, E * channels)."""
        values = maps.flatten(2)
        return values.amax(2) if self.kind == "max" else values.mean(2)


class FoldValues(nn.Module):
    """Rows of values (E, n, features) to maps (n, E * channels, *sides).

    Parameters
    ----------
    shape : (channels, *sides)
    """

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)
        # No values, but a place in the network's signature: what follows may fit several shapes of rows.
        self.register_buffer("sides", torch.empty(1, 0, *self.shape[1:]), persistent=False)

    def forward(self, rows: Tensor) -> Tensor:
        """Return the maps."""
        channels, *sides = self.shape
        return rows.transpose(0, 1).reshape(rows.shape[1], len(rows) * channels, *sides)


class FoldTokens(nn.Module):
    """Rows of token ids (E, n, steps) to maps of their learned vectors, (n, E * size, steps)."""

    def __init__(self, n_tokens: int, size: int, n_steps: int, generator: Generator) -> None:
        super().__init__()
        self.embedding = Embedding(n_tokens, size, generator)
        self.register_buffer("sides", torch.empty(1, 0, n_steps), persistent=False)  # as in FoldValues

    def forward(self, rows: Tensor) -> Tensor:
        """Return the maps."""
        vectors: Tensor = self.embedding(rows)
        return vectors.permute(1, 0, 3, 2).flatten(1, 2)


class ConvolutionalBody(nn.Module):
    """Rows (E, n, features) to outputs (E, n, outputs): fold, convolve, unfold, dense head.

    Parameters
    ----------
    fold : nn.Module
        Rows to maps (n, E * channels, *sides).
    blocks : nn.Module
        Maps to maps.
    head : nn.Module
        All values of a replica's maps, (E, n, values), to its outputs.
    """

    def __init__(self, fold: nn.Module, blocks: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.fold, self.blocks, self.head = fold, blocks, head

    def forward(self, rows: Tensor) -> Tensor:
        """Return (E, n, outputs)."""
        maps: Tensor = self.blocks(self.fold(rows))
        outputs: Tensor = self.head(maps.reshape(len(maps), len(rows), -1).transpose(0, 1))
        return outputs
