"""Layers of RealMLP, whose initial weights, biases and scales are taken from the training rows.

Source: Holzmüller, Grinsztajn and Steinwart 2024, "Better by default: strong pre-tuned MLPs and boosted trees on
tabular data", NeurIPS, and the authors' package pytabkit.
"""

import math
from typing import Any, ClassVar, Self

import torch
from torch import Generator, Tensor, nn

from bakeoff.estimators.layers.layers import FEW_VALUES, NARROW, Layer, NarrowProduct, Training, normal, uniform
from bakeoff.estimators.layers.quick_dropout import QuickDropout
from bakeoff.estimators.tabular_nets.weighted_rows import WeightedRows

SLOW_RATE = 0.1
BIAS_ROWS = 5
MISH_LINEAR = 20.0  # from here on Mish is the identity in double precision, too
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def at_rate(factor: float) -> Training:
    """Return how a part with a factor on its rate is trained: the authors' optimizer applies it to the decay again."""
    return Training(rate_factor=factor, decay_factor=factor)


class Scale(nn.Module):
    """Values (E, n, values), each times a learned factor that starts at one: a soft choice of features."""

    def __init__(self, n_values: int, *, rate_factor: float) -> None:
        super().__init__()
        self.training_of = {"weight": at_rate(rate_factor)}
        self.weight = nn.Parameter(torch.ones(1, 1, n_values))

    def forward(self, values: Tensor) -> Tensor:
        """Return the scaled values, in the same shape."""
        return values * self.weight


class NTKLinear(nn.Module):
    """Affine map (E, n, inputs) to (E, n, outputs) in the neural tangent parametrisation: weights of size one.

    The weights are divided by √inputs where they are used, so that one learning rate suits layers of all widths.
    """

    def __init__(self, weight: Tensor, bias: Tensor, *, rate_factor: float = 1.0) -> None:
        super().__init__()
        self.training_of = {
            "weight": at_rate(rate_factor),
            "bias": Training(rate_factor=SLOW_RATE * rate_factor, decay_factor=0.0),
        }
        self.gain = max(len(weight), 1) ** -0.5
        self.weight, self.bias = nn.Parameter(weight[None]), nn.Parameter(bias[None, None])

    @classmethod
    def from_rows(cls, rows: WeightedRows, n_outputs: int, generator: Generator, *, rate_factor: float = 1.0) -> Self:
        """Draw weights so that each output has a standard deviation of one over the rows, and biases from outputs.

        A bias is less a random convex mix of what five rows give ("he+5"), so that kinks lie where there are rows.
        """
        n_inputs = rows.values.shape[1]
        weight = torch.randn((n_inputs, n_outputs), generator=generator).to(rows.values.dtype)
        outputs = rows.with_values(rows.values @ weight * max(n_inputs, 1) ** -0.5)
        spread = outputs.standard_deviation()
        spread = spread.where(spread > 0, 1.0)
        outputs = outputs.with_values(outputs.values / spread)
        picked = outputs.quantiles(torch.rand((BIAS_ROWS, n_outputs), generator=generator))
        shares = torch.empty(BIAS_ROWS, n_outputs).exponential_(generator=generator)
        bias = -(picked * (shares / shares.sum(0))).sum(0)
        return cls(weight / spread, bias, rate_factor=rate_factor)

    def forward(self, rows: Tensor) -> Tensor:
        """Return (E, n, outputs)."""
        if self.weight.shape[2] < NARROW and rows.numel() > FEW_VALUES and rows.device.type == "cpu":
            product: Tensor = NarrowProduct.apply(rows, self.weight * self.gain)  # type: ignore[no-untyped-call]  # torch's own
            return product + self.bias
        outputs: Tensor = ScaledProduct.apply(rows, self.weight, self.bias, self.gain)  # type: ignore[no-untyped-call]  # as above
        return outputs


class ScaledProduct(torch.autograd.Function):
    """bias + gain * rows @ weight and its gradients, the gain within the products: no pass over memory for it."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor, gain: float) -> Tensor:
        """Return (E, n, outputs) of rows (E, n, inputs)."""
        ctx.save_for_backward(rows, weight)
        ctx.gain = gain
        return torch.baddbmm(bias, rows, weight, alpha=gain)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        """Return the gradients of rows, where they have any, weight and bias."""
        rows, weight = ctx.saved_tensors
        of_rows = scaled_product(gradient, weight.mT, ctx.gain) if ctx.needs_input_grad[0] else None
        return of_rows, scaled_product(rows.mT, gradient, ctx.gain), gradient.sum(1, keepdim=True), None


def scaled_product(left: Tensor, right: Tensor, gain: float) -> Tensor:
    """Return gain * left @ right."""
    product = left.new_empty(len(left), left.shape[1], right.shape[2])
    return torch.baddbmm(product, left, right, beta=0, alpha=gain, out=product)


class ParametricActivation(nn.Module):
    """An activation f mixed with the identity, x + a (f(x) - x), a learned for each unit from one on; then dropout."""

    training_of: ClassVar = {"weight": at_rate(SLOW_RATE)}

    def __init__(self, name: str, n_values: int, dropout: float) -> None:
        super().__init__()
        self.function = PARAMETRIC[name]
        self.weight = nn.Parameter(torch.ones(1, 1, n_values))
        self.dropout = QuickDropout(dropout)

    def forward(self, values: Tensor) -> Tensor:
        """Return the activations, in the same shape."""
        activations: Tensor = self.function.apply(values, self.weight, self.dropout.draw(values))  # type: ignore[no-untyped-call]  # torch's own
        return activations


class Parametric(torch.autograd.Function):
    """What the activations share: x + a g(x), times a mask, and the gradients, given g and its derivative."""

    @staticmethod
    def gap_and_slope(values: Tensor) -> tuple[Tensor, Tensor, float]:
        """Return g and its derivative, both over a factor, and the factor."""
        raise NotImplementedError

    @classmethod
    def forward(cls, ctx: Any, values: Tensor, weight: Tensor, mask: Tensor | None) -> Tensor:
        """Return the activations."""
        gap, slope, ctx.factor = cls.gap_and_slope(values)
        ctx.save_for_backward(gap, slope, weight, mask)
        outputs = torch.addcmul(values, gap, weight, value=ctx.factor)
        return outputs if mask is None else outputs.mul_(mask)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the gradients of values and weight."""
        gap, slope, weight, mask = ctx.saved_tensors
        gradient = gradient if mask is None else gradient * mask
        product = gradient * gap
        of_weight = product.sum(1, keepdim=True).mul_(ctx.factor)
        torch.mul(slope, weight, out=product)
        return torch.addcmul(gradient, gradient, product, value=ctx.factor, out=product), of_weight, None


class ParametricMish(Parametric):
    """With Mish (Misra 2020), by one exponential: four times as fast on a CPU as torch's own.

    Mish is x tanh(log(1 + eˣ)) = x (1 - 2 q) with q = 1 / ((eˣ + 1)² + 1).
    """

    @staticmethod
    def gap_and_slope(values: Tensor) -> tuple[Tensor, Tensor, float]:
        """Return x q and q (1 - 2 x q eˣ (eˣ + 1)); few buffers, since memory is what takes the time."""
        power = values.clamp(max=MISH_LINEAR).exp_()
        part = power + 1
        power.mul_(part)
        part.square_().add_(1).reciprocal_()
        gap = values * part
        return gap, part.addcmul_(part, power.mul_(gap), value=-2), -2.0


class ParametricSELU(Parametric):
    """With SELU (Klambauer et al. 2017, "Self-normalizing neural networks")."""

    @staticmethod
    def gap_and_slope(values: Tensor) -> tuple[Tensor, Tensor, float]:
        """Return SELU(x) - x and its derivative."""
        fall = values.clamp(max=0)
        power = fall.exp()
        selu = torch.sub(values, fall, out=fall).add_(power, alpha=SELU_ALPHA).sub_(SELU_ALPHA)
        gap = selu.mul_(SELU_SCALE).sub_(values)
        # Where x > 0 the power is one, and the slope of SELU its scale alone.
        above = torch.gt(values, 0, out=torch.empty_like(values))  # a third of the time that a mask of bools takes
        slope = power.mul_(SELU_SCALE * SELU_ALPHA).sub_(1).sub_(above, alpha=SELU_SCALE * (SELU_ALPHA - 1))
        return gap, slope, 1.0


class ParametricReLU(Parametric):
    """With the rectifier."""

    @staticmethod
    def gap_and_slope(values: Tensor) -> tuple[Tensor, Tensor, float]:
        """Return min(x, 0) and its derivative."""
        fall = values.clamp(max=0)
        return fall, fall.sign().neg_(), -1.0


PARAMETRIC: dict[str, type[Parametric]] = {"mish": ParametricMish, "relu": ParametricReLU, "selu": ParametricSELU}


class PeriodicLinear(nn.Module):
    """Numbers (E, n, columns) to vectors (E, n, columns * size): the number itself, and a linear map of its waves.

    The waves are cos(2π f x + b) with learned f and b of each column ("PBLD": periodic, bias, linear, dense).
    """

    def __init__(
        self, columns: int, n_frequencies: int, size: int, scale: float, generator: Generator, *, rate_factor: float
    ) -> None:
        super().__init__()
        self.training_of = dict.fromkeys(("frequencies", "phases", "weight", "bias"), at_rate(rate_factor))
        bound = n_frequencies**-0.5
        self.frequencies = normal((columns, 1, n_frequencies), scale, generator)
        self.phases = uniform((columns, 1, n_frequencies), math.pi, generator)
        self.weight = uniform((columns, n_frequencies, size - 1), bound, generator)
        self.bias = uniform((columns, 1, size - 1), bound, generator)

    def forward(self, numbers: Tensor) -> Tensor:
        """Return the vectors: first the maps of all columns, then the numbers."""
        by_column = numbers.mT.unsqueeze(-1)
        waves = torch.addcmul(self.phases, by_column, self.frequencies * (2 * math.pi)).cos().flatten(0, 1)
        maps = torch.baddbmm(self.bias.flatten(0, 1), waves, self.weight.flatten(0, 1))
        maps = maps.view(*by_column.shape[:3], -1).transpose(1, 2).flatten(2)
        return torch.cat([maps, numbers], dim=-1)


class Clamp(Layer):
    """Outputs (E, n, outputs), kept outside training within the range of the training targets."""

    low: Tensor
    high: Tensor

    def __init__(self, n_outputs: int, targets: Tensor) -> None:
        super().__init__()
        self.register_buffer("low", targets.new_full((1, 1, n_outputs), -torch.inf))
        self.register_buffer("high", targets.new_full((1, 1, n_outputs), torch.inf))
        if targets.shape[1:] == (n_outputs,):  # else the net is being loaded, and the limits with it
            self.low.copy_(targets.amin(0))
            self.high.copy_(targets.amax(0))

    def widen(self, targets: Tensor) -> None:
        """Take in the range of more targets (n, outputs)."""
        torch.minimum(self.low, targets.amin(0), out=self.low)
        torch.maximum(self.high, targets.amax(0), out=self.high)

    def forward(self, outputs: Tensor) -> Tensor:
        """Return the outputs, in the same shape."""
        return outputs if self.training else outputs.clamp(self.low, self.high)
