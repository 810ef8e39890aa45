"""Several networks that answer as one: the mean of their probabilities or numbers, given as outputs again."""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from bakeoff.estimators.layers.layers import ReplicaContext
from bakeoff.estimators.layers.networks import Network

Link = Literal["softmax", "sigmoid", "identity"]


def average_outputs(outputs: Tensor, dim: int, link: Link) -> Tensor:
    """Average outputs (..., outputs) over one axis so that the link of the result is the mean of the members' links.

    Logits give logits again: of classes the logarithm of the mean probability, of labels its log-odds.
    """
    if link == "identity":
        return outputs.mean(dim)
    if link == "softmax":
        return _log_mean(outputs.log_softmax(-1), dim)
    return _log_mean(functional.logsigmoid(outputs), dim) - _log_mean(functional.logsigmoid(-outputs), dim)


def _log_mean(logs: Tensor, dim: int) -> Tensor:
    return logs.logsumexp(dim) - math.log(logs.shape[dim])


class AveragedNetworks(nn.Module):
    """Trained networks of one architecture: rows (n, features) to their averaged outputs (n, outputs)."""

    def __init__(self, members: Sequence[nn.Module], link: Link) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.link: Link = link

    def forward(self, rows: Tensor) -> Tensor:
        """Return (n, outputs)."""
        return average_outputs(torch.stack([member(rows) for member in self.members]), 0, self.link)

    def set_context(self, context: ReplicaContext) -> None:
        """Let all layers share the context."""
        for member in self.members:
            if isinstance(member, Network):
                member.set_context(context)
