"""Layers of E networks side by side: each weight carries a leading replica axis, and no replica sees another.

Dense layers take and give (E, n, values). Layers over images and series keep the replicas' channels beside each
other, (n, E * channels, ...), as grouped convolutions want them. Every random number comes from the generator of its
own replica, so that a replica is the same alone or among others.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

NARROW = 12  # outputs: fewer make a product with many rows slow
FEW_VALUES = 2**15  # up to here the calls cost more than the products


@dataclass(frozen=True)
class Training:
    """How a parameter wants to be trained; a layer names those that differ in its `training_of`.

    Parameters
    ----------
    rate_factor : float
        Times the learning rate.
    decay_factor : float
        Times the weight decay, of which the learning rate is a factor already; 0 where it does not decay.
    """

    rate_factor: float = 1.0
    decay_factor: float = 1.0


@dataclass
class ReplicaContext:
    """What the layers of one network share while it trains.

    Parameters
    ----------
    generators : list of torch.Generator
        One for each replica.
    sizes : list of int, optional
        Rows of each replica in the present batch, where they differ: the rest is padding.
    weights : Tensor of shape (E, n), optional
        Of the rows of the present batch, where they differ; zero for padding.
    dropout_factor : float
        What a schedule makes of all shares of dropout at the present step.
    """

    generators: list[Generator] = field(default_factory=list)
    sizes: list[int] | None = None
    weights: Tensor | None = None
    dropout_factor: float = 1.0

    def __getstate__(self) -> dict[str, Any]:
        """Leave the generators behind: they belong to a training."""
        return {"generators": [], "sizes": None, "weights": None, "dropout_factor": 1.0}


class Layer(nn.Module):
    """A layer that needs the context of the replicas: random numbers or the padding of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes = ReplicaContext()


def uniform(shape: tuple[int, ...], bound: float, generator: Generator) -> nn.Parameter:
    """Draw a weight of one replica from U(-bound, bound), with the replica axis in front."""
    values = torch.rand((1, *shape), generator=generator, dtype=torch.float32)
    return nn.Parameter(values.mul_(2 * bound).sub_(bound))


def normal(shape: tuple[int, ...], scale: float, generator: Generator) -> nn.Parameter:
    """Draw a weight of one replica from N(0, scale²), with the replica axis in front."""
    return nn.Parameter(torch.randn((1, *shape), generator=generator, dtype=torch.float32).mul_(scale))


class Linear(nn.Module):
    """Affine map (E, n, inputs) to (E, n, outputs), with torch's own initial weights (LeCun's uniform).

    With `stretches` replicas may differ in their inputs: the narrower ones meet zeros at the end.
    """

    def __init__(
        self, n_inputs: int, n_outputs: int, generator: Generator, *, bias: bool = True, stretches: bool = False
    ) -> None:
        super().__init__()
        self.stretches = stretches
        bound = 1 / math.sqrt(max(n_inputs, 1))
        self.weight = uniform((n_inputs, n_outputs), bound, generator)
        self.bias = uniform((1, n_outputs), bound, generator) if bias else None

    def forward(self, rows: Tensor) -> Tensor:
        """Return (E, n, outputs)."""
        if self.weight.shape[2] < NARROW and rows.numel() > FEW_VALUES and rows.device.type == "cpu":
            product: Tensor = NarrowProduct.apply(rows, self.weight)  # type: ignore[no-untyped-call]  # torch's own
            return product if self.bias is None else product + self.bias
        if self.bias is None:
            return torch.bmm(rows, self.weight)
        return torch.baddbmm(self.bias, rows, self.weight)


class NarrowProduct(torch.autograd.Function):
    """rows @ weight with few columns, (E, n, inputs) by (E, inputs, outputs), and its gradients.

    With the narrow side first, as (weightᵀ @ rowsᵀ)ᵀ, MKL's batched products are up to five times as fast.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor) -> Tensor:
        """Return (E, n, outputs)."""
        ctx.save_for_backward(rows, weight)
        return torch.bmm(weight.mT, rows.mT).mT.contiguous()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients of rows and weight."""
        rows, weight = ctx.saved_tensors
        of_rows = gradient * weight.mT if weight.shape[2] == 1 else torch.bmm(gradient, weight.mT)
        return of_rows, torch.bmm(gradient.mT, rows).mT


class Convolution(nn.Module):
    """Convolution over one or two sides: (n, E * inputs, ...) to (n, E * outputs, ...), one group for each replica.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Channels of one replica.
    kernel : tuple of int
        Size along each side.
    stride, dilation : int
    same : bool
        Pad with zeros so that a stride of one keeps the sides; of an odd total the larger half comes last.
    """

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        kernel: tuple[int, ...],
        generator: Generator,
        *,
        stride: int = 1,
        dilation: int = 1,
        same: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_inputs * math.prod(kernel))
        self.weight = uniform((n_outputs, n_inputs, *kernel), bound, generator)
        self.bias = uniform((n_outputs,), bound, generator) if bias else None
        self.stride, self.dilation = stride, dilation
        reach = [dilation * (size - 1) if same else 0 for size in kernel]
        self.margins = [margin for total in reversed(reach) for margin in (total // 2, total - total // 2)]
        self.even = all(total % 2 == 0 for total in reach)
        self.padding = tuple(total // 2 for total in reach) if self.even else (0,) * len(kernel)

    def forward(self, maps: Tensor) -> Tensor:
        """Return (n, E * outputs, ...)."""
        if len(self.weight) > 1 and maps.ndim == 4:
            # Grouped convolutions of images are up to 1.7 times as fast on a CPU with the channels last in memory.
            maps = maps.contiguous(memory_format=torch.channels_last)
        convolve: Any = functional.conv1d if self.weight.ndim == 4 else functional.conv2d
        outputs: Tensor = convolve(
            maps if self.even else functional.pad(maps, self.margins),
            self.weight.flatten(0, 1),
            None if self.bias is None else self.bias.flatten(),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=len(self.weight),
        )
        return outputs


class Embedding(nn.Module):
    """Learned vectors of token ids: (E, n, steps) whole numbers to (E, n, steps, size); id 0 is padding and stays zero.

    Replicas may differ in their number of tokens.
    """

    stretches = True

    def __init__(self, n_tokens: int, size: int, generator: Generator, *, padding: bool = True) -> None:
        super().__init__()
        self.padding = padding
        # Words start small: 5 to 15 points better than torch's N(0, 1) after the few epochs that texts are trained for.
        self.weight = normal((n_tokens, size), 0.1 if padding else size**-0.5, generator)
        if padding:
            with torch.no_grad():
                self.weight[:, 0] = 0

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (E, n, steps, size)."""
        replicas, n_tokens, size = self.weight.shape
        offsets = n_tokens * torch.arange(replicas, device=tokens.device)
        vectors = functional.embedding(tokens.long() + offsets[:, None, None], self.weight.flatten(0, 1))
        if self.padding:
            vectors = vectors * (tokens != 0).unsqueeze(-1)
        return vectors.view(*tokens.shape, size)


class BatchNorm(Layer):
    """Batch normalisation (Ioffe and Szegedy 2015) of each replica by its own rows.

    Takes (E, n, values), or (n, E * channels, ...) with `maps=True`. Rows count by their weights, and the running
    variance divides by all of them instead of by one less: a weight of two is the same as the row twice.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, n_values: int, *, maps: bool = False, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.maps, self.momentum, self.eps = maps, momentum, eps
        self.weight = nn.Parameter(torch.ones(1, n_values))
        self.bias = nn.Parameter(torch.zeros(1, n_values))
        self.register_buffer("mean", torch.zeros(1, n_values))
        self.register_buffer("variance", torch.ones(1, n_values))

    def forward(self, values: Tensor) -> Tensor:
        """Return the normalised values, in the same shape."""
        maps = values if self.maps else values.transpose(0, 1).flatten(1)
        if not self.training:
            maps = self._plain(maps)
        elif self.lanes.weights is None:
            maps = self._tracked(maps)
        else:
            maps = self._weighted(maps, self.lanes.weights)
        return maps if self.maps else maps.view(len(maps), len(self.weight), -1).transpose(0, 1)

    def _plain(self, maps: Tensor, variance: Tensor | None = None) -> Tensor:
        return functional.batch_norm(
            maps,
            self.mean.flatten(),  # a view: the running mean is updated in place
            self.variance.flatten() if variance is None else variance,
            self.weight.flatten(),
            self.bias.flatten(),
            self.training,
            self.momentum,
            self.eps,
        )

    def _tracked(self, maps: Tensor) -> Tensor:
        """Normalise by the moments of the batch; torch divides its variance by one less than the values."""
        moved = self.variance.flatten().clone()
        normalised = self._plain(maps, moved)
        n_values = maps.numel() / maps.shape[1]
        with torch.no_grad():
            kept = self.variance * (1 - self.momentum)
            self.variance.copy_(kept + (moved.view_as(kept) - kept) * ((n_values - 1) / n_values))
        return normalised

    def _weighted(self, maps: Tensor, weights: Tensor) -> Tensor:
        """Do the same by hand with weights (E, n), zero for padding."""
        replicas, n_values = self.weight.shape
        columns = maps.reshape(len(maps), replicas, n_values, -1)
        mask = weights.T[:, :, None, None]
        totals = mask.sum(0, keepdim=True) * columns.shape[-1]
        mean = (columns * mask).sum((0, 3), keepdim=True) / totals
        variance = ((columns - mean).square() * mask).sum((0, 3), keepdim=True) / totals
        self._track(mean.view_as(self.mean), variance.view_as(self.variance))
        scale = self.weight.view_as(mean[0]) * (variance + self.eps).rsqrt()
        return ((columns - mean) * scale + self.bias.view_as(mean[0])).view_as(maps)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor) -> None:
        self.mean.lerp_(mean, self.momentum)
        self.variance.lerp_(variance, self.momentum)


class LayerNorm(nn.Module):
    """Layer normalisation (Ba et al. 2016) of (E, n, values) over the values of a row."""

    def __init__(self, n_values: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, 1, n_values))
        self.bias = nn.Parameter(torch.zeros(1, 1, n_values))

    def forward(self, rows: Tensor) -> Tensor:
        """Return the normalised rows, in the same shape."""
        return torch.addcmul(self.bias, functional.layer_norm(rows, rows.shape[-1:]), self.weight)


class Dropout(Layer):
    """Dropout (Srivastava et al. 2014) of (E, n, ...).

    With `maps=True` it drops whole channels of (n, E * channels, ...).
    """

    def __init__(self, share: float, *, maps: bool = False) -> None:
        super().__init__()
        self.share, self.maps = share, maps

    def forward(self, values: Tensor) -> Tensor:
        """Return the values with some of them zero and the others scaled up."""
        share = self.share * self.lanes.dropout_factor
        if not self.training or share == 0:
            return values
        return values * (
            self._mask_of_maps(values, share) if self.maps else self._mask(tuple(values.shape), values, share)
        )

    def _mask(self, shape: tuple[int, ...], like: Tensor, share: float) -> Tensor:
        mask = torch.zeros(shape, dtype=like.dtype, device=like.device)
        sizes = self.lanes.sizes or [shape[1]] * shape[0]
        for rows, size, generator in zip(mask, sizes, self.lanes.generators, strict=True):
            rows[:size].bernoulli_(1 - share, generator=generator)
        return mask.div_(1 - share)

    def _mask_of_maps(self, maps: Tensor, share: float) -> Tensor:
        replicas = len(self.lanes.generators)
        mask = self._mask((replicas, len(maps), maps.shape[1] // replicas), maps, share)
        return mask.transpose(0, 1).reshape(*maps.shape[:2], *(1,) * (maps.ndim - 2))


class Residual(nn.Module):
    """Adds what goes into a block to what comes out, projected where the shapes differ (He et al. 2016)."""

    def __init__(self, block: nn.Module, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.block, self.shortcut = block, shortcut

    def forward(self, values: Tensor) -> Tensor:
        """Return block(values) + values."""
        total: Tensor = self.block(values) + (values if self.shortcut is None else self.shortcut(values))
        return total
