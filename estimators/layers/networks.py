"""Networks of E replicas: how they are stacked from single ones, thinned out, and taken apart again."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bakeoff.estimators.layers.layers import Layer, ReplicaContext


class Network(nn.Module):
    """E networks of one architecture side by side.

    Takes (E, n, features) and gives (E, n, outputs); a network of one replica also takes plain rows (n, features).

    Parameters
    ----------
    body : nn.Module
        Made of the layers in `bakeoff.estimators.layers.layers`.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.set_context(ReplicaContext())

    def forward(self, rows: Tensor) -> Tensor:
        """Return (E, n, outputs), or (n, outputs) of plain rows."""
        outputs: Tensor = self.body(rows[None])[0] if rows.ndim == 2 else self.body(rows)
        return outputs

    def set_context(self, context: ReplicaContext) -> None:
        """Let all layers share the context."""
        self.lanes = context
        for layer in self.modules():
            if isinstance(layer, Layer):
                layer.lanes = context


class SingleNetwork(nn.Module):
    """A plain module, (n, features) to (n, outputs), in the shape of a network of one replica.

    Recurrent networks (their fused kernels outrun any batched recurrence on a CPU) and people's own modules go replica
    by replica.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.lanes = ReplicaContext()

    def forward(self, rows: Tensor) -> Tensor:
        """Return (1, n, outputs) of rows (1, n, features)."""
        outputs: Tensor = self.module(rows[0]).unsqueeze(0)
        return outputs

    def set_context(self, context: ReplicaContext) -> None:
        """Keep the context; a plain module draws from torch's global generator."""
        self.lanes = context


AnyNetwork = Network | SingleNetwork


def state_tensors(network: nn.Module) -> list[Tensor]:
    """All weights and buffers of a network, in a fixed order."""
    return [*network.parameters(), *network.buffers()]


def signature(network: nn.Module) -> tuple[object, ...]:
    """Return what networks must share to be stacked: the shapes of all tensors, but for axes that stretch."""
    stretching = {
        id(weight) for layer in network.modules() if getattr(layer, "stretches", False) for weight in layer.parameters()
    }
    return tuple(
        tuple(tensor.shape[2:] if id(tensor) in stretching else tensor.shape) for tensor in state_tensors(network)
    )


def stack(networks: Sequence[AnyNetwork]) -> AnyNetwork:
    """Join networks of one replica to one of many; where shapes differ, zeros fill up the ends.

    Padding is inert: inputs meet it as zeros, so that its gradients vanish and its weights stay zero.
    """
    if len(networks) == 1:
        return networks[0]
    joined = copy.deepcopy(networks[0])
    for target, *parts in zip(*map(state_tensors, [joined, *networks]), strict=True):
        target.data = torch.cat(pad_to_largest([part.data for part in parts]))
    return joined


def pad_to_largest(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Fill tensors up with zeros at the ends until all have one shape, but for the first axis."""
    shape = [max(sizes) for sizes in zip(*(tensor.shape[1:] for tensor in tensors), strict=True)]
    return [pad(tensor, shape) for tensor in tensors]


def pad(tensor: Tensor, shape: Sequence[int]) -> Tensor:
    """Fill a tensor up with zeros at the ends of all axes but the first."""
    if list(tensor.shape[1:]) == list(shape):
        return tensor
    padded = tensor.new_zeros((len(tensor), *shape))
    padded[(slice(None), *map(slice, tensor.shape[1:]))] = tensor
    return padded


def share_weights(network: AnyNetwork, live: Sequence[Tensor], replica: int) -> None:
    """Let a network of one replica look at its part of stacked tensors, in its own shapes and without copying."""
    for own, tensor in zip(state_tensors(network), live, strict=True):
        if isinstance(network, SingleNetwork):
            own.data = tensor.data
        elif own is not tensor:
            own.data = tensor.data[replica : replica + 1][tuple(map(slice, own.shape))]


def unshare_weights(network: AnyNetwork) -> None:
    """Give a network its own contiguous memory again, and forget its gradients."""
    for own in state_tensors(network):
        own.data = own.data.clone(memory_format=torch.contiguous_format)
        own.grad = None


def keep_replicas(network: AnyNetwork, optimizer: torch.optim.Optimizer, kept: Tensor) -> None:
    """Keep some replicas of a stacked network and of its optimizer's memory, in place."""
    for weight in network.parameters():
        memory = optimizer.state.get(weight, {})
        for name, value in memory.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                memory[name] = value.index_select(0, kept)
    for tensor in state_tensors(network):
        tensor.grad = None
        tensor.data = tensor.data.index_select(0, kept)
