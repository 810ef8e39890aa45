"""A hidden layer of TabM with all that stands around it, and gradients that write over what is no longer needed.

Layer by layer, every scaling, activation and mask would fill a tensor of its own in memory, forward and backward: at
TabM's 32 members that costs more than the products.
"""

from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.estimators.layers.quick_dropout import QuickDropout
from bakeoff.estimators.tabular_nets.members import MemberLinear


class MemberBlock(nn.Module):
    """A linear map of members, ReLU and dropout: (E, n, members, inputs) to (E, n, members, outputs)."""

    def __init__(self, linear: MemberLinear, dropout: float) -> None:
        super().__init__()
        self.linear, self.dropout = linear, QuickDropout(dropout)

    def forward(self, values: Tensor) -> Tensor:
        """Return the outputs."""
        linear = self.linear
        outputs: Tensor
        if not torch.is_grad_enabled():
            outputs = self.dropout(linear(values).relu_())
            return outputs
        mask = self.dropout.draw(values.new_empty(()).expand(*values.shape[:3], linear.bias.shape[-1]))
        outputs = FusedBlock.apply(values, linear.scale_in, linear.shared.weight, linear.scale_out, linear.bias, mask)  # type: ignore[no-untyped-call]  # torch's own
        return outputs


class FusedBlock(torch.autograd.Function):
    """relu((values * scale_in) @ weight * scale_out + bias) * mask, with its gradients.

    Shapes: values (E, n, members, inputs), weight (E, inputs, outputs), scales (E, 1, members, …) or None, bias (E, 1,
    members or 1, outputs), mask as the outputs, not below zero, or None.
    """

    @staticmethod
    def forward(
        ctx: Any,
        values: Tensor,
        scale_in: Tensor | None,
        weight: Tensor,
        scale_out: Tensor | None,
        bias: Tensor,
        mask: Tensor | None,
    ) -> Tensor:
        """Return the outputs, (E, n, members, outputs)."""
        scaled = values if scale_in is None else values * scale_in
        product = torch.bmm(scaled.flatten(1, 2), weight).view(*values.shape[:3], -1)
        outputs = product + bias if scale_out is None else torch.addcmul(bias, product, scale_out)
        outputs.relu_()
        if mask is not None:
            outputs.mul_(mask)
        kept = product if scale_out is not None else None
        ctx.save_for_backward(values, scale_in, scaled, weight, kept, scale_out, mask, outputs)
        ctx.shape_of_bias = bias.shape
        return outputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of values, scales, weight and bias."""
        values, scale_in, scaled, weight, product, scale_out, mask, outputs = ctx.saved_tensors
        # Outputs are above zero where the activation and the mask let values pass.
        gradient = torch.ops.aten.threshold_backward(gradient, outputs, 0)
        if mask is not None:
            gradient.mul_(mask)
        of_bias = gradient.sum_to_size(ctx.shape_of_bias)
        of_scale_out = None
        if scale_out is not None:
            of_scale_out = torch.mul(gradient, product).sum(1, keepdim=True)
            gradient.mul_(scale_out)
        flat = gradient.flatten(1, 2)
        of_weight = torch.bmm(scaled.flatten(1, 2).mT, flat)
        of_values = torch.bmm(flat, weight.mT).view(values.shape)
        of_scale_in = None
        if scale_in is not None:
            of_scale_in = torch.mul(of_values, values).sum(1, keepdim=True)
            of_values.mul_(scale_in)
        return of_values, of_scale_in, of_weight, of_scale_out, of_bias, None
