"""fastText's classifier: the mean of the vectors of a text's words and pairs of words, and a linear head."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.layers import Dropout, Embedding, Linear
from bakeoff.estimators.layers.networks import Network
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.parameters import Rule, integer, real
from bakeoff.estimators.text_nets.text_net import TextNet, cut_padding
from bakeoff.estimators.training.rows import Rows

FIRST, SECOND = 1_000_003, 7_919  # primes that scatter pairs of ids


@dataclass(kw_only=True, eq=False, repr=False)
class AveragedEmbeddingsArchitecture(TextNet):
    """Learned vectors of words and of pairs of neighbours, their mean, a linear head.

    With no `vocabulary_size` a row holds a weight for each word, as TF-IDF gives it, and the text's vector is the
    weighted sum of the words' vectors.

    Parameters
    ----------
    embedding_size : int, default=32
        Width of the learned vectors.
    n_buckets : int, default=100_000
        Vectors that the pairs of words share, by a hash of their ids; 0 leaves the pairs out.
    dropout : float in [0, 1), default=0.0
        Share of the mean's values dropped while training.
    learning_rate : float, default=5e-3
        Step size of the optimizer.
    """

    embedding_size: int = 32
    learning_rate: float = 5e-3
    n_buckets: int = 100_000
    dropout: float = 0.0

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {"n_buckets": integer(0), "dropout": real("[0, 1)")}

    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> Network:
        size = self.embedding_size
        body: nn.Module
        if self.vocabulary_size is None:
            body = Linear(rows.inputs.shape[1], size, generator)
        else:
            body = MeanOfVectors(self.n_tokens_, self.n_buckets, size, generator)
        return Network(nn.Sequential(body, Dropout(self.dropout), Linear(size, n_outputs, generator)))


class MeanOfVectors(nn.Module):
    """Token ids (E, n, steps) to the mean vector of each row's words and pairs, (E, n, size).

    Parameters
    ----------
    n_tokens, n_buckets, size : int
        Rows of the two tables of vectors, and their width.
    """

    def __init__(self, n_tokens: int, n_buckets: int, size: int, generator: Generator) -> None:
        super().__init__()
        self.n_buckets = n_buckets
        self.words = Embedding(n_tokens, size, generator)
        self.pairs = Embedding(n_buckets + 1, size, generator) if n_buckets else None

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the means; a text without any word is the zero vector."""
        tokens = cut_padding(tokens)
        total, count = self.words(tokens).sum(2), (tokens != 0).sum(2)
        if self.pairs is not None:
            pairs = hash_pairs(tokens, self.n_buckets)
            total, count = total + self.pairs(pairs).sum(2), count + (pairs != 0).sum(2)
        mean: Tensor = total / count.clamp(min=1).unsqueeze(-1)
        return mean


def hash_pairs(tokens: Tensor, n_buckets: int) -> Tensor:
    """Return the bucket of each pair of neighbours, from 1 on, (E, n, steps - 1); 0 where one of the two is padding."""
    ids = tokens.long()
    before, after = ids[..., :-1], ids[..., 1:]
    buckets = 1 + (before * FIRST + after * SECOND) % n_buckets
    return torch.where((before != 0) & (after != 0), buckets, 0)


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class AveragedEmbeddingsClassifier(AveragedEmbeddingsArchitecture, NetClassifier):
    """Classify texts by the mean of learned vectors: fastText's classifier.

    References
    ----------
    Joulin, Grave, Bojanowski and Mikolov 2017, "Bag of tricks for efficient text classification", EACL.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from bakeoff.estimators import AveragedEmbeddingsClassifier, TokenIds
    >>> texts = ["a good film", "a bad film", "good acting", "bad acting"] * 20
    >>> net = AveragedEmbeddingsClassifier(vocabulary_size="auto", n_buckets=50, max_epochs=20, random_state=0)
    >>> make_pipeline(TokenIds(), net).fit(texts, ["+", "-", "+", "-"] * 20).predict(["good", "bad"])
    array(['+', '-'], dtype='<U1')
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class AveragedEmbeddingsRegressor(AveragedEmbeddingsArchitecture, NetRegressor):
    """Predict numbers from texts by the mean of learned vectors.

    References
    ----------
    Joulin, Grave, Bojanowski and Mikolov 2017, "Bag of tricks for efficient text classification", EACL.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from bakeoff.estimators import AveragedEmbeddingsRegressor, TokenIds
    >>> texts = ["a good film", "a bad film", "good acting", "bad acting"] * 20
    >>> net = AveragedEmbeddingsRegressor(vocabulary_size="auto", n_buckets=50, max_epochs=20, random_state=0)
    >>> good, bad = make_pipeline(TokenIds(), net).fit(texts, [1, 0, 1, 0] * 20).predict(["good", "bad"])
    >>> bool(good > bad)
    True
    """
