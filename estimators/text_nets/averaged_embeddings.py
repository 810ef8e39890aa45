"""Averaged vectors of words and of pairs of words, with a linear head: fastText."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.layers import Dropout, Linear, Training, uniform
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

    Unlike fastText it leaves out pairs that stand in the training texts once only, and the vectors of the others start
    at zero and learn more slowly than those of words: most pairs are rare, and soon known by heart.
    Without a `vocabulary_size` the columns of X are plain numbers, counts of words say, and each has a vector.

    Parameters
    ----------
    embedding_size : int, default=16
        Length of the vectors.
    n_buckets : int, default=65536
        Vectors of pairs of words, which share them by a hash of the pair; 0 leaves pairs out.
    pair_min_count : int, default=2
        Times that a pair must stand in the training texts.
    pair_rate_factor : float, default=0.3
        Learning rate of the pairs' vectors, times `learning_rate`.
    dropout : float in [0, 1), default=0.5
        Share of words and pairs dropped while training (Iyyer et al. 2015); of plain numbers, share of columns.
    """

    embedding_size: int = 16
    n_buckets: int = 2**16
    pair_min_count: int = 2
    pair_rate_factor: float = 0.3
    dropout: float = 0.5

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {
            "n_buckets": integer(0),
            "pair_min_count": integer(1),
            "pair_rate_factor": real("(0, inf)"),
            "dropout": real("[0, 1)"),
        }

    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> Network:
        size, dropout = self.embedding_size, float(self.dropout)
        head = Linear(size, n_outputs, generator)
        if self.vocabulary_size is None:
            plain = Linear(rows.inputs.shape[1], size, generator, bias=False)
            return Network(nn.Sequential(Dropout(dropout), plain, head))
        pairs = None
        if self.n_buckets:
            known = frequent_buckets(rows.inputs, self.n_buckets, self.pair_min_count)
            pairs = PairVectors(known, size, float(self.pair_rate_factor))
        words = WordVectors(self.n_tokens_, size, generator)
        return Network(nn.Sequential(WordsAndPairs(words, pairs, rows.inputs.shape[1], dropout), head))


def codes_of_pairs(words: Tensor) -> Tensor:
    """Return a number (…, steps - 1) for each pair of neighbours among the words (…, steps); fastText's hash."""
    return words[..., :-1] * HASH_FACTOR + words[..., 1:]


def frequent_buckets(rows: Tensor, n_buckets: int, min_count: int) -> Tensor:
    """Return 1 for each bucket (n_buckets,) of a pair that stands so often in the texts (n, steps), else 0."""
    words = rows.long()
    paired = (words[:, :-1] != 0) & (words[:, 1:] != 0)
    codes, counts = torch.unique(codes_of_pairs(words)[paired], return_counts=True)
    known = rows.new_zeros(n_buckets)
    known[codes[counts >= min_count] % n_buckets] = 1
    return known


def weighted_sums(vectors: Tensor, index: Tensor, weights: Tensor) -> Tensor:
    """Return the sums (E, n, size) of the vectors (E, vectors, size) at `index` (E, n, terms), times their weights."""
    replicas, n_vectors, size = vectors.shape
    offsets = n_vectors * torch.arange(replicas, device=index.device)
    sums: Tensor = functional.embedding_bag(
        (index + offsets[:, None, None]).flatten(0, 1),
        vectors.flatten(0, 1),
        mode="sum",
        per_sample_weights=weights.flatten(0, 1),
    )
    return sums.view(replicas, -1, size)


class WordVectors(nn.Module):
    """Learned vectors of words, which start as fastText's do; replicas may differ in their number of words."""

    stretches = True

    def __init__(self, n_tokens: int, size: int, generator: Generator) -> None:
        super().__init__()
        self.weight = uniform((n_tokens, size), 1 / size, generator)


class PairVectors(nn.Module):
    """Learned vectors of the buckets of pairs, which start at zero, and which of them are `known` (n_buckets,)."""

    known: Tensor

    def __init__(self, known: Tensor, size: int, rate_factor: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, len(known), size))
        self.register_buffer("known", known[None].clone())
        self.training_of = {"weight": Training(rate_factor=rate_factor)}


class WordsAndPairs(nn.Module):
    """Token ids (E, n, steps) to the mean (E, n, size) of the vectors of their words and pairs; of no word, zero."""

    def __init__(self, words: WordVectors, pairs: PairVectors | None, n_steps: int, dropout: float) -> None:
        super().__init__()
        self.words, self.pairs = words, pairs
        self.dropout = Dropout(dropout)
        self.register_buffer("sides", torch.empty(1, 0, n_steps), persistent=False)  # what is dropped depends on them

    def forward(self, rows: Tensor) -> Tensor:
        """Return the means."""
        present = (rows != 0).to(rows.dtype)
        longest = longest_text(rows)
        words = rows[..., :longest].long()
        sums = weighted_sums(self.words.weight, words, self.dropout(present)[..., :longest])
        counts = present.sum(2, keepdim=True)
        if self.pairs is not None and longest > 1:
            buckets = codes_of_pairs(words) % self.pairs.known.shape[1]
            known = self.pairs.known.gather(1, buckets.flatten(1)).view(buckets.shape)
            kept = self.dropout(present[..., :-1] * present[..., 1:])[..., : longest - 1] * known
            sums = sums + weighted_sums(self.pairs.weight, buckets, kept)
            counts = counts + (present[..., : longest - 1] * present[..., 1:longest] * known).sum(2, keepdim=True)
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
