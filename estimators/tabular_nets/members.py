"""Layers whose members share most of their weights: the parameter-efficient ensembles of TabM.

Source: Gorishniy, Kotelnikov and Babenko 2025, "TabM: Advancing tabular deep learning with parameter-efficient
ensembling", ICLR, after Wen et al. 2020, "BatchEnsemble", ICLR. Beside the leading axis of replicas values have one of
members, behind the rows: (E, n, members, values).
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from bakeoff.estimators.layers.averaging import Link, average_outputs
from bakeoff.estimators.layers.layers import NARROW, NarrowProduct, Training, uniform

UNDECAYED = Training(decay_factor=0.0)


class OneHot(nn.Module):
    """Codes (E, n, columns) to zeros and ones (E, n, categories); code 0, a new or missing category, is all zeros."""

    offsets: Tensor

    def __init__(self, cardinalities: Sequence[int]) -> None:
        super().__init__()
        ends = torch.tensor(cardinalities).cumsum(0)
        self.register_buffer("offsets", torch.stack([ends - torch.tensor(cardinalities), ends])[None])

    def forward(self, codes: Tensor) -> Tensor:
        """Return (E, n, categories), as wide as the widest replica needs."""
        starts, width = self.offsets[:, :1], int(self.offsets[:, 1, -1].max())
        places = (starts + codes.long() - 1).where(codes != 0, width)
        ones = codes.new_zeros(*codes.shape[:2], width + 1).scatter_(2, places, 1.0)
        return ones[..., :width]


class TableColumns(nn.Module):
    """Rows (E, n, columns) to values (E, n, values): numbers as they are or embedded, then categories as ones."""

    def __init__(self, cardinalities: Sequence[int], numbers: nn.Module | None) -> None:
        super().__init__()
        self.n_categorical = len(cardinalities)
        self.numbers = numbers
        self.categories = OneHot(cardinalities) if cardinalities else None

    def forward(self, rows: Tensor) -> Tensor:
        """Return (E, n, values)."""
        codes, numbers = rows[..., : self.n_categorical], rows[..., self.n_categorical :]
        values = numbers if self.numbers is None else self.numbers(numbers)
        return values if self.categories is None else torch.cat([values, self.categories(codes)], dim=-1)


class FirstScaling(nn.Module):
    """Values (E, n, values) to members (E, n, members, values), each scaled by draws of its own.

    Parameters
    ----------
    sizes : sequence of int
        How many values each column of the table became: they share a draw.
    n_members : int
    signs : bool
        Draw -1 or 1; otherwise from N(0, 1), which suits embedded numbers.
    """

    stretches = True  # by categories, which come last
    training_of: ClassVar = {"weight": UNDECAYED}

    def __init__(self, sizes: Sequence[int], n_members: int, generator: Generator, *, signs: bool) -> None:
        super().__init__()
        draws = torch.randn((len(sizes), n_members), generator=generator)
        draws = draws.sign() if signs else draws
        self.weight = nn.Parameter(draws.repeat_interleave(torch.tensor(sizes), dim=0)[None])

    def forward(self, values: Tensor) -> Tensor:
        """Return (E, n, members, values)."""
        return values[:, :, None] * self.weight.mT[:, None]


class MemberLinear(nn.Module):
    """One weight for all members; each has its own scales of inputs and outputs, which start at one, and its own bias.

    Parameters
    ----------
    scaled : bool
        Whether members have scales and biases of their own; if not, they share the bias, too ("TabM-mini").
    """

    training_of: ClassVar = dict.fromkeys(("bias", "scale_in", "scale_out"), UNDECAYED)

    def __init__(
        self, n_inputs: int, n_outputs: int, n_members: int, generator: Generator, *, scaled: bool, first: bool
    ) -> None:
        super().__init__()
        bound = max(n_inputs, 1) ** -0.5
        self.shared = SharedWeight(n_inputs, n_outputs, bound, generator, stretches=first)
        bias = uniform((1, 1, n_outputs), bound, generator)
        self.bias = nn.Parameter(bias.detach().repeat(1, 1, n_members if scaled else 1, 1))
        # Of the first layer the scales of inputs are `FirstScaling`.
        self.scale_in = nn.Parameter(torch.ones(1, 1, n_members, n_inputs)) if scaled and not first else None
        self.scale_out = nn.Parameter(torch.ones(1, 1, n_members, n_outputs)) if scaled else None

    def forward(self, values: Tensor) -> Tensor:
        """Return (E, n, members, outputs)."""
        if self.scale_in is not None:
            values = values * self.scale_in
        product: Tensor = self.shared(values.flatten(1, 2)).view(*values.shape[:3], -1)
        return product + self.bias if self.scale_out is None else torch.addcmul(self.bias, product, self.scale_out)


class SharedWeight(nn.Module):
    """A linear map without bias, (E, n, inputs) to (E, n, outputs)."""

    def __init__(self, n_inputs: int, n_outputs: int, bound: float, generator: Generator, *, stretches: bool) -> None:
        super().__init__()
        self.stretches = stretches
        self.weight = uniform((n_inputs, n_outputs), bound, generator)

    def forward(self, rows: Tensor) -> Tensor:
        """Return (E, n, outputs)."""
        return torch.bmm(rows, self.weight)


class MemberHeads(nn.Module):
    """A linear map of each member's own: training sees what each answers, all else their average.

    Parameters
    ----------
    link : {"softmax", "sigmoid", "identity"}
        What is averaged: probabilities of classes or labels, or numbers.
    """

    training_of: ClassVar = {"bias": UNDECAYED}

    def __init__(self, n_inputs: int, n_outputs: int, n_members: int, generator: Generator, link: Link) -> None:
        super().__init__()
        bound = max(n_inputs, 1) ** -0.5
        self.weight = uniform((n_members, n_inputs, n_outputs), bound, generator)
        self.bias = uniform((n_members, 1, n_outputs), bound, generator)
        self.link: Link = link

    def forward(self, values: Tensor) -> Tensor:
        """Return (E, members, n, outputs) while training, else (E, n, outputs)."""
        by_member = values.transpose(1, 2)
        rows, weight = by_member.flatten(0, 1), self.weight.flatten(0, 1)
        narrow = weight.shape[2] < NARROW and rows.device.type == "cpu"
        product: Tensor = NarrowProduct.apply(rows, weight) if narrow else torch.bmm(rows, weight)  # type: ignore[no-untyped-call]  # torch's own
        outputs = product.view(*by_member.shape[:3], -1) + self.bias
        return outputs if self.training else average_outputs(outputs, 1, self.link)
