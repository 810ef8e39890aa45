"""Attention among the tokens of a row, columns or words: multi-head attention, feed-forward parts, pre-norm blocks.

Source: Vaswani et al. 2017, "Attention is all you need", NeurIPS; blocks and tokens of columns as in Gorishniy,
Rubachev, Khrulkov and Babenko 2021, "Revisiting deep learning models for tabular data", NeurIPS (FT-Transformer), and
the authors' package rtdl_revisiting_models. Tokens are (E, n, tokens, size).
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from bakeoff.estimators.layers.embeddings import CategoryEmbedding
from bakeoff.estimators.layers.layers import Dropout, LayerNorm, Linear, Training, uniform

UNDECAYED = Training(decay_factor=0.0)


class CategoryTokens(CategoryEmbedding):
    """Learned vectors of categories, as `CategoryEmbedding`, that do not decay."""

    training_of: ClassVar = {"weight": UNDECAYED}


class ColumnTokens(nn.Module):
    """Rows (E, n, columns), codes of categories first, to tokens: one that stands for the row, then one per column.

    A number is a vector times its value; each column has a bias of its own.
    """

    training_of: ClassVar = dict.fromkeys(("row", "weight", "bias"), UNDECAYED)

    def __init__(self, n_columns: int, cardinalities: Sequence[int], size: int, generator: Generator) -> None:
        super().__init__()
        self.n_categorical = len(cardinalities)
        bound = size**-0.5
        self.row = uniform((1, 1, size), bound, generator)
        self.weight = uniform((n_columns - self.n_categorical, size), bound, generator)
        self.bias = uniform((1, n_columns, size), bound, generator)
        self.categories = CategoryTokens(cardinalities, size, generator) if cardinalities else None

    def forward(self, rows: Tensor) -> Tensor:
        """Return the tokens (E, n, columns + 1, size)."""
        codes, numbers = rows[..., : self.n_categorical], rows[..., self.n_categorical :]
        vectors = numbers[..., None] * self.weight[:, None]
        if self.categories is not None:
            vectors = torch.cat([self.categories(codes).unflatten(2, (self.n_categorical, -1)), vectors], dim=2)
        return torch.cat([self.row.expand(-1, rows.shape[1], -1, -1), vectors + self.bias], dim=2)


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
    row_only : bool
        Whether the first token alone asks: of the last block nothing else is needed.
    """

    def __init__(self, size: int, n_heads: int, dropout: float, generator: Generator, *, row_only: bool) -> None:
        super().__init__()
        self.n_heads, self.row_only = n_heads, row_only
        self.queries, self.keys, self.contents, self.mix = (
            TokenWise(without_bias(Linear(size, size, generator))) for _ in range(4)
        )
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor, present: Tensor | None = None) -> Tensor:
        """Return what each asking token gathers, (E, n, tokens or 1, size), of those `present` (E, n, tokens)."""
        asking = tokens[:, :, :1] if self.row_only else tokens
        queries, keys, values = self.queries(asking), self.keys(tokens), self.contents(tokens)
        queries, keys, values = (
            part.unflatten(3, (self.n_heads, -1)).transpose(2, 3) for part in (queries, keys, values)
        )
        scores = queries * queries.shape[-1] ** -0.5 @ keys.mT
        if present is not None:  # the lowest number, not minus infinity: a row may be empty
            scores = scores.masked_fill(~present[:, :, None, None], torch.finfo(scores.dtype).min)
        weights = self.dropout(scores.softmax(-1))
        gathered: Tensor = self.mix((weights @ values).transpose(2, 3).flatten(3))
        return gathered


def without_bias(layer: Linear) -> Linear:
    """Let a layer's bias start at zero."""
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


class ReGLU(nn.Module):
    """Half of the values, times the other half after a ReLU (Shazeer 2020)."""

    def forward(self, values: Tensor) -> Tensor:
        """Return half as many values."""
        plain, gate = values.chunk(2, dim=-1)
        return plain * gate.relu()


class AttentionBlock(nn.Module):
    """Attention, then a feed-forward part, each with a norm in front and a shortcut around it.

    Parameters
    ----------
    first : bool
        Whether it is the first block, which goes without the norm in front of its attention: that matters.
    last : bool
        Whether it is the last one, of which only the first token goes on.
    """

    def __init__(
        self,
        size: int,
        n_heads: int,
        hidden_size: int,
        dropouts: tuple[float, float, float],
        generator: Generator,
        *,
        first: bool,
        last: bool,
    ) -> None:
        super().__init__()
        of_attention, of_hidden, of_shortcut = dropouts
        self.last = last
        self.norm = nn.Identity() if first else TokenWise(UndecayedNorm(size))
        self.attention = Attention(size, n_heads, of_attention, generator, row_only=last)
        self.feed_forward = nn.Sequential(
            TokenWise(UndecayedNorm(size)),
            TokenWise(Linear(size, 2 * hidden_size, generator)),
            ReGLU(),
            Dropout(of_hidden),
            TokenWise(Linear(hidden_size, size, generator)),
        )
        self.dropout = Dropout(of_shortcut)

    def forward(self, tokens: Tensor, present: Tensor | None = None) -> Tensor:
        """Return the tokens, (E, n, tokens, size), or of the last block the first of them.

        Nothing is gathered from tokens that are not `present` (E, n, tokens).
        """
        kept = tokens[:, :, :1] if self.last else tokens
        kept = kept + self.dropout(self.attention(self.norm(tokens), present))
        total: Tensor = kept + self.dropout(self.feed_forward(kept))
        return total


class UndecayedNorm(LayerNorm):
    """Layer normalisation whose scales and shifts do not decay."""

    training_of: ClassVar = dict.fromkeys(("weight", "bias"), UNDECAYED)


class FirstToken(nn.Module):
    """Tokens (E, n, tokens, size) to the first of each row, (E, n, size)."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the first token."""
        return tokens[:, :, 0]
