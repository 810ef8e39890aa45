"""Averaged vectors of words and of pairs of words, with a linear head: fastText."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.layers import Dropout, Linear, uniform
from bakeoff.estimators.layers.networks import Network
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.nets.vocabulary import TokenArchitecture
from bakeoff.estimators.parameters import Rule, integer, real
from bakeoff.estimators.text_nets.present_tokens import longest_text
from bakeoff.estimators.training.rows import Rows

HASH_FACTOR = 116_049_371  # fastText's own


@dataclass(kw_only=True, eq=False, repr=False)
class AveragedEmbeddingsArchitecture(TokenArchitecture):
    """The mean of learned vectors of words and of neighbouring pairs of words, then a linear head.

    Without a `vocabulary_size` the columns of X are plain numbers, counts of words say, and each has a vector.

    Parameters
    ----------
    embedding_size : int, default=32
        Length of the vectors.
    n_buckets : int, default=32768
        Vectors of pairs of words, which share them by a hash of the pair; 0 leaves pairs out.
    dropout : float in [0, 1), default=0.3
        Share of words and pairs dropped while training (Iyyer et al. 2015); of plain numbers, share of columns.
    """

    embedding_size: int = 32
    n_buckets: int = 2**15
    dropout: float = 0.3

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {"n_buckets": integer(0), "dropout": real("[0, 1)")}

    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> Network:
        size, dropout = self.embedding_size, float(self.dropout)
        body: nn.Module
        if self.vocabulary_size is None:
            body = nn.Sequential(Dropout(dropout), Linear(rows.inputs.shape[1], size, generator, bias=False))
        else:
            body = WordsAndPairs(self.n_tokens_, self.n_buckets, size, rows.inputs.shape[1], dropout, generator)
        return Network(nn.Sequential(body, Linear(size, n_outputs, generator)))


class VectorSum(nn.Module):
    """Learned vectors (vectors, size), summed as they are weighted."""

    def __init__(self, n_vectors: int, size: int, generator: Generator, *, stretches: bool) -> None:
        super().__init__()
        self.stretches = stretches
        self.weight = uniform((n_vectors, size), 1 / size, generator)

    def forward(self, index: Tensor, weights: Tensor) -> Tensor:
        """Return the sums (E, n, size) of the vectors `index` (E, n, terms) times their `weights`."""
        replicas, n_vectors, size = self.weight.shape
        offsets = n_vectors * torch.arange(replicas, device=index.device)
        sums: Tensor = functional.embedding_bag(
            (index + offsets[:, None, None]).flatten(0, 1),
            self.weight.flatten(0, 1),
            mode="sum",
            per_sample_weights=weights.flatten(0, 1),
        )
        return sums.view(replicas, -1, size)


class WordsAndPairs(nn.Module):
    """Token ids (E, n, steps) to the mean (E, n, size) of the vectors of their words and pairs; of no word, zero."""

    def __init__(
        self, n_tokens: int, n_buckets: int, size: int, n_steps: int, dropout: float, generator: Generator
    ) -> None:
        super().__init__()
        self.words = VectorSum(n_tokens, size, generator, stretches=True)
        self.pairs = VectorSum(n_buckets, size, generator, stretches=False) if n_buckets else None
        self.n_buckets = n_buckets
        self.dropout = Dropout(dropout)
        self.register_buffer("sides", torch.empty(1, 0, n_steps), persistent=False)  # what is dropped depends on them

    def forward(self, rows: Tensor) -> Tensor:
        """Return the means."""
        present = (rows != 0).to(rows.dtype)
        longest = longest_text(rows)
        words = rows[..., :longest].long()
        sums = self.words(words, self.dropout(present)[..., :longest])
        counts = present.sum(2, keepdim=True)
        if self.pairs is not None and longest > 1:
            paired = present[..., :-1] * present[..., 1:]
            buckets = (words[..., :-1] * HASH_FACTOR + words[..., 1:]) % self.n_buckets
            sums = sums + self.pairs(buckets, self.dropout(paired)[..., : longest - 1])
            counts = counts + paired.sum(2, keepdim=True)
        means: Tensor = sums / counts.clamp(min=1)
        return means


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class AveragedEmbeddingsClassifier(AveragedEmbeddingsArchitecture, NetClassifier):
    """Classify texts by averaged vectors of words and pairs of words (fastText).

    References
    ----------
    Joulin et al. 2017, "Bag of tricks for efficient text classification", EACL. Iyyer et al. 2015, "Deep unordered
    composition rivals syntactic methods for text classification", ACL.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from bakeoff.estimators import AveragedEmbeddingsClassifier, TokenIds
    >>> X, y = ["not good", "not bad", "good", "bad"] * 10, ["-", "+", "+", "-"] * 10
    >>> net = AveragedEmbeddingsClassifier(vocabulary_size="auto", n_buckets=97, learning_rate=0.05, random_state=0)
    >>> make_pipeline(TokenIds(), net).fit(X, y).predict(["not good"]).tolist()
    ['-']
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class AveragedEmbeddingsRegressor(AveragedEmbeddingsArchitecture, NetRegressor):
    """Predict numbers from averaged vectors of words and pairs of words (fastText).

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from bakeoff.estimators import AveragedEmbeddingsRegressor, TokenIds
    >>> X, y = ["very good", "good", "bad", "very bad"] * 10, [2, 1, -1, -2] * 10
    >>> net = AveragedEmbeddingsRegressor(vocabulary_size="auto", n_buckets=97, max_epochs=5, random_state=0)
    >>> make_pipeline(TokenIds(), net).fit(X, y).predict(["not very good"]).shape
    (1,)
    """
