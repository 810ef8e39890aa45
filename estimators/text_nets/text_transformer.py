"""A small transformer encoder that learns from nothing but the training texts."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.attention import Attention, TokenWise, UndecayedNorm
from bakeoff.estimators.layers.layers import Dropout, Embedding, Linear, normal
from bakeoff.estimators.layers.networks import Network
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.parameters import Rule, integer, real
from bakeoff.estimators.text_nets.text_net import TextNet, cut_padding
from bakeoff.estimators.training.rows import Rows

POSITION_SCALE = 0.02


@dataclass(kw_only=True, eq=False, repr=False)
class TextTransformerArchitecture(TextNet):
    """Vectors of tokens and of their places, blocks of attention among them, the mean over the tokens, a linear head.

    With no `vocabulary_size` a row is a series of numbers, and a token is a step's number times a learned vector.

    Parameters
    ----------
    embedding_size : int, default=64
        Width of the vectors; a multiple of `n_heads`.
    n_blocks : int, default=2
        Blocks of attention and a feed-forward part, each with a norm in front and a shortcut around it.
    n_heads : int, default=4
        Heads of attention.
    hidden_factor : int, default=2
        Hidden values of the feed-forward parts, times `embedding_size`.
    dropout : float in [0, 1), default=0.1
        Share dropped while training: of the vectors, of attention weights, of hidden values and of what blocks add.
    """

    embedding_size: int = 64
    n_blocks: int = 2
    n_heads: int = 4
    hidden_factor: int = 2
    dropout: float = 0.1

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {
            "n_blocks": integer(1),
            "n_heads": integer(1),
            "hidden_factor": integer(1),
            "dropout": real("[0, 1)"),
        }

    def _conflicts(self) -> list[str]:
        if self.embedding_size % self.n_heads:
            words = f"The 'embedding_size' parameter of {type(self).__name__} must be a multiple of 'n_heads'."
            return [*super()._conflicts(), words]
        return super()._conflicts()

    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> Network:
        size, n_steps = self.embedding_size, rows.inputs.shape[1]
        n_tokens = None if self.vocabulary_size is None else self.n_tokens_
        tokens = PlacedTokens(n_tokens, n_steps, size, generator)
        blocks = [
            EncoderBlock(size, self.n_heads, self.hidden_factor * size, self.dropout, generator)
            for _ in range(self.n_blocks)
        ]
        head = nn.Sequential(UndecayedNorm(size), Dropout(self.dropout), Linear(size, n_outputs, generator))
        return Network(Encoder(tokens, blocks, Dropout(self.dropout), head))


class PlacedTokens(nn.Module):
    """Ids or numbers (E, n, steps) to vectors that say what stands at a step and which one it is.

    Parameters
    ----------
    n_tokens : int, optional
        Number of token ids, padding included; None reads numbers.
    n_steps, size : int
    """

    def __init__(self, n_tokens: int | None, n_steps: int, size: int, generator: Generator) -> None:
        super().__init__()
        self.words = None if n_tokens is None else Embedding(n_tokens, size, generator)
        self.value = None if n_tokens is not None else normal((1, 1, size), 1.0, generator)
        self.places = normal((1, n_steps, size), POSITION_SCALE if n_tokens is not None else 1.0, generator)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the vectors (E, n, steps, size), and where there are none (E, n, steps)."""
        if self.words is None:
            assert self.value is not None
            return rows[..., None] * self.value + self.places, None
        tokens = cut_padding(rows)
        absent = tokens == 0
        absent[..., 0] = False  # a text without any word is one padding token
        return self.words(tokens) + self.places[:, :, : tokens.shape[2]], absent


class EncoderBlock(nn.Module):
    """Attention, then a feed-forward part, each with a norm in front and a shortcut around it."""

    def __init__(self, size: int, n_heads: int, hidden_size: int, dropout: float, generator: Generator) -> None:
        super().__init__()
        self.norm = TokenWise(UndecayedNorm(size))
        self.attention = Attention(size, n_heads, dropout, generator)
        self.feed_forward = nn.Sequential(
            TokenWise(UndecayedNorm(size)),
            TokenWise(Linear(size, hidden_size, generator)),
            nn.GELU(),
            Dropout(dropout),
            TokenWise(Linear(hidden_size, size, generator)),
        )
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor, absent: Tensor | None) -> Tensor:
        """Return the tokens in the same shape."""
        tokens = tokens + self.dropout(self.attention(self.norm(tokens), absent))
        total: Tensor = tokens + self.dropout(self.feed_forward(tokens))
        return total


class Encoder(nn.Module):
    """Rows (E, n, steps) to outputs (E, n, outputs): tokens, blocks, the mean over what is there, a head."""

    def __init__(self, tokens: PlacedTokens, blocks: list[EncoderBlock], dropout: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.tokens, self.blocks, self.dropout, self.head = tokens, nn.ModuleList(blocks), dropout, head

    def forward(self, rows: Tensor) -> Tensor:
        """Return the outputs."""
        tokens, absent = self.tokens(rows)
        tokens = self.dropout(tokens)
        for block in self.blocks:
            tokens = block(tokens, absent)
        outputs: Tensor = self.head(mean_of_present(tokens, absent))
        return outputs


def mean_of_present(tokens: Tensor, absent: Tensor | None) -> Tensor:
    """Return the mean (E, n, size) over the steps of (E, n, steps, size) that are not absent."""
    if absent is None:
        return tokens.mean(2)
    kept = ~absent
    return torch.einsum("enst,ens->ent", tokens, kept.to(tokens)) / kept.sum(2, keepdim=True)


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class TextTransformerClassifier(TextTransformerArchitecture, NetClassifier):
    """Classify texts with a transformer encoder.

    References
    ----------
    Vaswani et al. 2017, "Attention is all you need", NeurIPS; norms in front of the parts: Xiong et al. 2020, "On layer
    normalization in the transformer architecture", ICML.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from bakeoff.estimators import TextTransformerClassifier, TokenIds
    >>> texts = ["a good film", "a bad film", "good acting", "bad acting"] * 20
    >>> net = TextTransformerClassifier(vocabulary_size="auto", embedding_size=16, max_epochs=20, random_state=0)
    >>> make_pipeline(TokenIds(), net).fit(texts, ["+", "-", "+", "-"] * 20).predict(["good", "bad"])
    array(['+', '-'], dtype='<U1')
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class TextTransformerRegressor(TextTransformerArchitecture, NetRegressor):
    """Predict numbers from texts with a transformer encoder.

    References
    ----------
    Vaswani et al. 2017, "Attention is all you need", NeurIPS.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from bakeoff.estimators import TextTransformerRegressor, TokenIds
    >>> texts = ["a good film", "a bad film", "good acting", "bad acting"] * 20
    >>> net = TextTransformerRegressor(vocabulary_size="auto", embedding_size=16, max_epochs=20, random_state=0)
    >>> good, bad = make_pipeline(TokenIds(), net).fit(texts, [1, 0, 1, 0] * 20).predict(["good", "bad"])
    >>> bool(good > bad)
    True
    """
