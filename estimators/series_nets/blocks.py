"""Parts of nets for series: Inception modules, fixed filters, separable convolutions, residual blocks, one-step LSTMs.

As in `convolutional`, maps are (n, E * channels, length), the replicas' channels beside each other.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from bakeoff.estimators.layers.convolutional import Parallel
from bakeoff.estimators.layers.layers import BatchNorm, Convolution, Residual, uniform

TREND_SIZES = (2, 4, 8, 16, 32, 64)
PEAK_SIZES = (6, 12, 24, 48, 96)
N_FIXED_FILTERS = 2 * len(TREND_SIZES) + len(PEAK_SIZES)


class MaxPoolSame(nn.Module):
    """Maximum over windows of three steps, one by one, so that the length stays."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps in the same shape."""
        return functional.max_pool1d(maps, 3, stride=1, padding=1)


def inception_module(
    n_inputs: int, n_filters: int, kernel_sizes: Sequence[int], bottleneck: int, generator: Generator
) -> nn.Sequential:
    """Build a module of InceptionTime: long, middling and short kernels behind a bottleneck, and a pooled branch.

    Gives (len(kernel_sizes) + 1) * n_filters channels. Source: Ismail Fawaz et al. 2020, figure 2.
    """

    def convolution(n_inputs: int, n_outputs: int, size: int) -> Convolution:
        return Convolution(n_inputs, n_outputs, (size,), generator, bias=False)

    narrow: list[nn.Module] = [convolution(n_inputs, bottleneck, 1)] if n_inputs > 1 else []
    width = bottleneck if n_inputs > 1 else n_inputs
    kernels = nn.Sequential(*narrow, Parallel([convolution(width, n_filters, size) for size in kernel_sizes]))
    pooled = nn.Sequential(MaxPoolSame(), convolution(n_inputs, n_filters, 1))
    n_outputs = (len(kernel_sizes) + 1) * n_filters
    return nn.Sequential(Parallel([kernels, pooled]), BatchNorm(n_outputs, maps=True), nn.ReLU())


def inception_body(
    n_inputs: int, depth: int, n_filters: int, kernel_sizes: Sequence[int], bottleneck: int, generator: Generator
) -> nn.Sequential:
    """Stack modules; a shortcut leads around each three of them."""
    width, n_outputs = n_inputs, (len(kernel_sizes) + 1) * n_filters
    parts: list[nn.Module] = []
    for start in range(0, depth, 3):
        modules = []
        before = width
        for _ in range(min(3, depth - start)):
            modules.append(inception_module(width, n_filters, kernel_sizes, bottleneck, generator))
            width = n_outputs
        block = nn.Sequential(*modules)
        if len(modules) < 3:
            parts.append(block)
        else:
            parts += [Residual(block, _projection(before, width, generator)), nn.ReLU()]
    return nn.Sequential(*parts)


def _projection(n_inputs: int, n_outputs: int, generator: Generator) -> nn.Sequential:
    """Build a shortcut: a convolution of width one, normalised."""
    narrow = Convolution(n_inputs, n_outputs, (1,), generator, bias=False)
    return nn.Sequential(narrow, BatchNorm(n_outputs, maps=True))


def convolutional_block(
    n_inputs: int, n_outputs: int, kernel_sizes: Sequence[int], generator: Generator
) -> list[nn.Module]:
    """Build convolutions in a row, each with a norm and, but for the last, an activation behind it."""
    layers: list[nn.Module] = []
    for (before, after), size in zip(pairwise([n_inputs] + [n_outputs] * len(kernel_sizes)), kernel_sizes, strict=True):
        layers += [nn.ReLU()] if layers else []
        layers += [Convolution(before, after, (size,), generator, bias=False), BatchNorm(after, maps=True)]
    return layers


def residual_block(n_inputs: int, n_outputs: int, kernel_sizes: Sequence[int], generator: Generator) -> nn.Sequential:
    """Build a block of the ResNet for series (Wang et al. 2017); where the channels stay, the shortcut is a norm."""
    inner = nn.Sequential(*convolutional_block(n_inputs, n_outputs, kernel_sizes, generator))
    same = n_inputs == n_outputs
    shortcut = BatchNorm(n_outputs, maps=True) if same else _projection(n_inputs, n_outputs, generator)
    return nn.Sequential(Residual(inner, shortcut), nn.ReLU())


class FirstKernels(nn.Module):
    """Learned kernels of several widths over a series, and fixed ones beside them: the first layer of LITE.

    Gives len(sizes) * n_filters + `N_FIXED_FILTERS` channels. The fixed ones answer to rises, falls and peaks of
    several widths, summed over the channels (Ismail-Fawaz et al. 2022), and are never trained.
    """

    fixed: Tensor

    def __init__(self, n_inputs: int, n_filters: int, sizes: Sequence[int], generator: Generator) -> None:
        super().__init__()
        self.n_inputs = n_inputs
        self.weights = nn.ParameterList(
            uniform((n_filters, n_inputs, size), (n_inputs * size) ** -0.5, generator) for size in sizes
        )
        self.register_buffer("fixed", fixed_filters()[None])

    def forward(self, maps: Tensor) -> Tensor:
        """Return (n, E * outputs, length)."""
        replicas, longest = len(self.fixed), max(weight.shape[-1] for weight in self.weights)
        learned = torch.cat([widen(weight, longest) for weight in self.weights], dim=1)
        values = maps.view(len(maps), replicas, self.n_inputs, -1)
        parts = (correlate(values, learned), correlate(values.sum(2, keepdim=True), self.fixed[:, :, None]))
        return torch.cat(parts, dim=2).flatten(1, 2)


def correlate(values: Tensor, kernels: Tensor) -> Tensor:
    """Slide kernels (E, outputs, channels, size) along series (n, E, channels, length): (n, E, outputs, length).

    Of few channels, as one product over all windows: several times as fast on a CPU as grouped convolutions, whose
    gradients are slow for one channel in a group.
    """
    n_rows, replicas, _, length = values.shape
    reach = kernels.shape[-1] - 1
    padded = functional.pad(values, (reach // 2, reach - reach // 2))
    if values.device.type != "cpu":
        flat = functional.conv1d(padded.flatten(1, 2), kernels.flatten(0, 1), groups=replicas)
        return flat.view(n_rows, replicas, -1, length)
    windows = padded.unfold(3, reach + 1, 1).permute(1, 0, 3, 2, 4).reshape(replicas, n_rows * length, -1)
    products = torch.bmm(windows, kernels.flatten(2).mT)
    return products.view(replicas, n_rows, length, -1).permute(1, 0, 3, 2)


def widen(kernels: Tensor, size: int) -> Tensor:
    """Fill kernels up with zeros on both sides so that they see the same steps as before."""
    missing = size - kernels.shape[-1]
    left = (size - 1) // 2 - (kernels.shape[-1] - 1) // 2
    return functional.pad(kernels, (left, missing - left))


def fixed_filters() -> Tensor:
    """Return all fixed filters, (N_FIXED_FILTERS, size of the longest)."""
    longest = max(PEAK_SIZES) * 3 // 2
    filters = [*map(trend_filters, TREND_SIZES), *map(peak_filter, PEAK_SIZES)]
    return torch.cat([widen(kernels, longest) for kernels in filters])


def trend_filters(size: int) -> Tensor:
    """Return a filter for rises and one for falls, (2, size): signs in turn."""
    signs = torch.ones(size)
    signs[::2] = -1
    return torch.stack([signs, -signs])


def peak_filter(size: int) -> Tensor:
    """Return a filter for peaks, (1, 3 * size / 2): a parabola between two lower ones upside down."""
    rise = torch.linspace(0, 1, size // 4 + 1)[1:].square()
    bump = torch.cat([rise, rise.flip(0)])
    return torch.cat([-bump, 2 * bump, -bump])[None]


class SeparableConvolution(nn.Module):
    """A convolution of each channel by itself, then one of width one across the channels."""

    def __init__(self, n_inputs: int, n_outputs: int, size: int, dilation: int, generator: Generator) -> None:
        super().__init__()
        self.weight = uniform((n_inputs, 1, size), size**-0.5, generator)
        self.across = Convolution(n_inputs, n_outputs, (1,), generator, bias=False)
        total = dilation * (size - 1)
        self.dilation, self.margins = dilation, (total // 2, total - total // 2)

    def forward(self, maps: Tensor) -> Tensor:
        """Return (n, E * outputs, length)."""
        kernels = self.weight.flatten(0, 1)
        padded = functional.pad(maps, self.margins)
        if maps.device.type == "cpu":
            own: Tensor = ChannelwiseProduct.apply(padded, kernels, self.dilation)  # type: ignore[no-untyped-call]  # torch's own
        else:
            own = functional.conv1d(padded, kernels, dilation=self.dilation, groups=len(kernels))
        outputs: Tensor = self.across(own)
        return outputs


class ChannelwiseProduct(torch.autograd.Function):
    """Convolution of each channel by itself, (n, channels, steps) with (channels, 1, size), and its gradients.

    oneDNN's own backward pass takes up to a hundred times as long as its forward pass. That of the maps is a forward
    pass with the kernels turned round; that of the kernels is a correlation over all rows, by the Fourier transform.
    """

    @staticmethod
    def forward(ctx: Any, padded: Tensor, kernels: Tensor, dilation: int) -> Tensor:
        """Return (n, channels, length)."""
        ctx.save_for_backward(padded, kernels)
        ctx.dilation = dilation
        return functional.conv1d(padded, kernels, dilation=dilation, groups=len(kernels))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the gradients of the maps and of the kernels."""
        padded, kernels = ctx.saved_tensors
        dilation, reach, n_steps = ctx.dilation, ctx.dilation * (kernels.shape[-1] - 1), padded.shape[-1]
        turned = kernels.flip(-1)
        of_maps = functional.conv1d(
            functional.pad(gradient, (reach, reach)), turned, dilation=dilation, groups=len(kernels)
        )
        spectra = (torch.fft.rfft(padded) * torch.fft.rfft(gradient, n=n_steps).conj()).sum(0)
        lags = torch.fft.irfft(spectra, n=n_steps)
        return of_maps, lags[:, None, : reach + 1 : dilation], None


class ChannelLSTM(nn.Module):
    """An LSTM that reads a series channel by channel, each as one step of all its values; gives its last state.

    Rows (E, n, channels * length) to states (E, n, size): the "dimension shuffle" of Karim et al. 2017 (LSTM fully
    convolutional networks for time series classification). So few steps are quicker as plain products.
    """

    def __init__(self, n_channels: int, length: int, size: int, generator: Generator) -> None:
        super().__init__()
        self.n_channels, self.size = n_channels, size
        self.inputs = uniform((length, 4 * size), length**-0.5, generator)
        self.states = uniform((size, 4 * size), size**-0.5, generator)
        self.bias = nn.Parameter(torch.zeros(1, 1, 4 * size))
        with torch.no_grad():
            self.bias[..., size : 2 * size] = 1  # forget gates start open (Jozefowicz et al. 2015)

    def forward(self, rows: Tensor) -> Tensor:
        """Return the states."""
        replicas, n_rows, _ = rows.shape
        steps = rows.view(replicas, n_rows, self.n_channels, -1)
        state = cell = rows.new_zeros(replicas, n_rows, self.size)
        for step in steps.unbind(2):
            gates = torch.baddbmm(self.bias, step, self.inputs) + torch.bmm(state, self.states)
            enter, forget, leave, new = gates.chunk(4, dim=-1)
            cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
            state = leave.sigmoid() * cell.tanh()
        return state
