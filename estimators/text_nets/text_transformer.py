"""A transformer encoder over the words of texts, trained from nothing."""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.attention import AttentionBlock, ColumnTokens, UndecayedNorm
from bakeoff.estimators.layers.layers import Dropout, Embedding, Linear
from bakeoff.estimators.layers.networks import Network
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.nets.vocabulary import TokenArchitecture
from bakeoff.estimators.parameters import Rule, integer, real
from bakeoff.estimators.text_nets.present_tokens import longest_text, mean_of_present
from bakeoff.estimators.training.rows import Rows

LONGEST_WAVE = 10_000
NO_DROPOUT = (0.0, 0.0, 0.0)


@dataclass(kw_only=True, eq=False, repr=False)
class TextTransformerArchitecture(TokenArchitecture):
    """Vectors of words and their places, blocks of attention among the words, the mean of all words, a linear head.

    Padding is neither attended to nor averaged. Without a `vocabulary_size` the columns of X are plain numbers, and
    each column is a token, as in FT-Transformer.

    Parameters
    ----------
    embedding_size : int, default=64
        Length of the vectors; a multiple of `n_heads`.
    n_blocks : int, default=2
        Blocks of attention and a feed-forward part, each with a norm in front.
    n_heads : int, default=4
        Heads of attention.
    hidden_size : int, default=128
        Hidden values of the feed-forward parts.
    dropout : float in [0, 1), default=0.3
        Share dropped while training: of the values of the words' vectors, the same of all words of a text (Gal and
        Ghahramani 2016, "A theoretically grounded application of dropout"), and of their mean before the head.
    word_dropout : float in [0, 1), default=0.1
        Share of whole words dropped while training (Iyyer et al. 2015).
    """

    embedding_size: int = 64
    n_blocks: int = 2
    n_heads: int = 4
    hidden_size: int = 128
    dropout: float = 0.3
    word_dropout: float = 0.1

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {
            "n_blocks": integer(1),
            "n_heads": integer(1),
            "hidden_size": integer(1),
            "dropout": real("[0, 1)"),
            "word_dropout": real("[0, 1)"),
        }

    def _conflicts(self) -> list[str]:
        if self.embedding_size % self.n_heads:
            words = f"The 'embedding_size' parameter of {type(self).__name__} must be a multiple of 'n_heads'."
            return [*super()._conflicts(), words]
        return super()._conflicts()

    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> Network:
        size, n_columns = self.embedding_size, rows.inputs.shape[1]
        tokens: nn.Module
        if self.vocabulary_size is None:
            tokens = ColumnTokens(n_columns, [], size, generator)
        else:
            tokens = WordTokens(self.n_tokens_, size, generator)
        blocks = [
            AttentionBlock(size, self.n_heads, self.hidden_size, NO_DROPOUT, generator, first=False, last=False)
            for _ in range(self.n_blocks)
        ]
        head = nn.Sequential(UndecayedNorm(size), Dropout(float(self.dropout)), Linear(size, n_outputs, generator))
        if self.vocabulary_size is None:
            return Network(nn.Sequential(tokens, *blocks, MeanToken(), head))
        return Network(TextEncoder(n_columns, tokens, blocks, head, float(self.dropout), float(self.word_dropout)))


class WordTokens(nn.Module):
    """Token ids (E, n, steps) to vectors of the words, each with a wave for its place added, (E, n, steps, size)."""

    def __init__(self, n_tokens: int, size: int, generator: Generator) -> None:
        super().__init__()
        self.embedding = Embedding(n_tokens, size, generator)
        self.scale = math.sqrt(size)

    def forward(self, rows: Tensor) -> Tensor:
        """Return the tokens."""
        vectors: Tensor = self.embedding(rows) * self.scale
        return vectors + waves_of_places(rows.shape[2], vectors)


def waves_of_places(n_steps: int, like: Tensor) -> Tensor:
    """Return sines and cosines of the places of words, (steps, size), at wavelengths from 2π to 10000 · 2π."""
    size = like.shape[-1]
    places = torch.arange(n_steps, dtype=like.dtype, device=like.device)[:, None]
    exponents = torch.arange(0, size, 2, dtype=like.dtype, device=like.device) / size
    angles = places * LONGEST_WAVE**-exponents
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, :size]


class MeanToken(nn.Module):
    """Tokens (E, n, tokens, size) to their mean, (E, n, size)."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the mean."""
        return tokens.mean(2)


class TextEncoder(nn.Module):
    """Token ids (E, n, steps) to outputs (E, n, outputs): tokens, blocks of attention, the mean of the words, a head.

    No draw of dropout depends on how far the longest text of a batch reaches.
    """

    def __init__(
        self,
        n_steps: int,
        tokens: nn.Module,
        blocks: list[AttentionBlock],
        head: nn.Module,
        dropout: float,
        word_dropout: float,
    ) -> None:
        super().__init__()
        self.tokens, self.blocks, self.head = tokens, nn.ModuleList(blocks), head
        self.dropout, self.word_dropout = Dropout(dropout), Dropout(word_dropout)
        self.register_buffer("sides", torch.empty(1, 0, n_steps), persistent=False)  # what is dropped depends on them

    def forward(self, rows: Tensor) -> Tensor:
        """Return (E, n, outputs)."""
        longest = longest_text(rows)
        present = (self.word_dropout((rows != 0).to(rows.dtype)) != 0)[..., :longest]
        tokens: Tensor = self.tokens(rows[..., :longest])
        tokens = tokens * self.dropout(tokens.new_ones(*rows.shape[:2], tokens.shape[3]))[:, :, None]
        for block in self.blocks:
            tokens = block(tokens, present)
        outputs: Tensor = self.head(mean_of_present(tokens, present))
        return outputs


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class TextTransformerClassifier(TextTransformerArchitecture, NetClassifier):
    """Classify texts with a small transformer.

    References
    ----------
    Vaswani et al. 2017, "Attention is all you need", NeurIPS.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from bakeoff.estimators import TextTransformerClassifier, TokenIds
    >>> X, y = ["dog bites man", "man bites dog"] * 20, ["news", "no"] * 20
    >>> net = TextTransformerClassifier(vocabulary_size="auto", dropout=0.0, batch_size=8, random_state=0)
    >>> make_pipeline(TokenIds(), net).fit(X, y).predict(["a man bites a dog"]).shape
    (1,)
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class TextTransformerRegressor(TextTransformerArchitecture, NetRegressor):
    """Predict numbers from texts with a small transformer.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from bakeoff.estimators import TextTransformerRegressor, TokenIds
    >>> X, y = ["very good", "good", "bad", "very bad"] * 10, [2, 1, -1, -2] * 10
    >>> net = TextTransformerRegressor(vocabulary_size="auto", max_epochs=5, random_state=0)
    >>> make_pipeline(TokenIds(), net).fit(X, y).predict(["not very good"]).shape
    (1,)
    """
