"""Attention among the tokens of a row, (E, n, tokens, size), and what stands around it."""

from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from bakeoff.estimators.layers.layers import Dropout, LayerNorm, Linear, Training

UNDECAYED = Training(decay_factor=0.0)


class TokenWise(nn.Module):
    """A layer of (E, n, values) on every token by itself."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (E, n, tokens, outputs)."""
        outputs: Tensor = self.layer(tokens.flatten(1, 2))
        return outputs.view(*tokens.shape[:3], -1)


class Attention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017) of each row's tokens, with dropout of attention weights.

    Parameters
    ----------
    first_only : bool
        Whether the first token alone asks.
    """

    def __init__(
        self, size: int, n_heads: int, dropout: float, generator: Generator, *, first_only: bool = False
    ) -> None:
        super().__init__()
        self.n_heads, self.first_only = n_heads, first_only
        self.queries, self.keys, self.contents, self.mix = (
            TokenWise(without_bias(Linear(size, size, generator))) for _ in range(4)
        )
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor, absent: Tensor | None = None) -> Tensor:
        """Return what each asking token gathers, (E, n, tokens or 1, size); nothing of those that are absent."""
        asking = tokens[:, :, :1] if self.first_only else tokens
        queries, keys, values = self.queries(asking), self.keys(tokens), self.contents(tokens)
        queries, keys, values = (
            part.unflatten(3, (self.n_heads, -1)).transpose(2, 3) for part in (queries, keys, values)
        )
        scores = queries * queries.shape[-1] ** -0.5 @ keys.mT
        if absent is not None:
            scores = scores.masked_fill(absent[:, :, None, None], -torch.inf)
        weights = self.dropout(scores.softmax(-1))
        gathered: Tensor = self.mix((weights @ values).transpose(2, 3).flatten(3))
        return gathered


def without_bias(layer: Linear) -> Linear:
    """Let a layer's bias start at zero."""
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


class UndecayedNorm(LayerNorm):
    """Layer normalisation whose scales and shifts do not decay."""

    training_of: ClassVar = dict.fromkeys(("weight", "bias"), UNDECAYED)
