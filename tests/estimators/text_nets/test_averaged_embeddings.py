"""Averaged embeddings: means of vectors of words and pairs, by hand and as they are learned."""

from typing import Any

import numpy as np
import pytest
import torch
from nets import seeded
from small_nets import AVERAGED
from texts import ordered_pairs, telling_words
from torch import nn

from bakeoff.estimators import AveragedEmbeddingsClassifier, AveragedEmbeddingsRegressor, fit_folds
from bakeoff.estimators.text_nets.averaged_embeddings import (
    HASH_FACTOR,
    PairVectors,
    WordsAndPairs,
    WordVectors,
    frequent_buckets,
)
from bakeoff.estimators.training.optimizers import group_parameters

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL: dict[str, Any] = {
    **AVERAGED,
    "vocabulary_size": "auto",
    "n_buckets": 997,
    "learning_rate": 0.02,
    "max_epochs": 40,
    "batch_size": 10,
    "random_state": 0,
}


def small_layer() -> WordsAndPairs:
    """Build a layer of 6 words and 7 buckets, of which the second is unknown."""
    known = torch.ones(7)
    known[1] = 0
    pairs = PairVectors(known, 4, 1.0)
    nn.init.normal_(pairs.weight, generator=seeded())
    return WordsAndPairs(WordVectors(6, 4, seeded()), pairs, 4, 0.0)


def test_means_are_those_of_words_and_pairs() -> None:
    """Padding is no word and in no pair; words and known pairs count alike."""
    layer = small_layer()
    assert layer.pairs is not None
    words, pairs = layer.words.weight[0], layer.pairs.weight[0]
    rows = torch.tensor([[[2.0, 5.0, 3.0, 0.0], [4.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]])
    buckets = [(2 * HASH_FACTOR + 5) % 7, (5 * HASH_FACTOR + 3) % 7]
    assert 1 not in buckets
    means = layer(rows)[0]
    torch.testing.assert_close(means[0], torch.cat([words[[2, 5, 3]], pairs[buckets]]).mean(0))
    torch.testing.assert_close(means[1], words[4])
    assert not means[2].any()
    layer.pairs.known[0, buckets[1]] = 0
    torch.testing.assert_close(layer(rows)[0, 0], torch.cat([words[[2, 5, 3]], pairs[buckets[:1]]]).mean(0))


def test_gradients_reach_only_what_a_text_holds() -> None:
    """Vectors of other words and pairs stay as they are."""
    layer = small_layer()
    layer(torch.tensor([[[2.0, 5.0, 0.0, 0.0]]])).sum().backward()
    assert layer.words.weight.grad is not None
    assert layer.words.weight.grad[0].any(1).tolist() == [False, False, True, False, False, True]


def test_only_frequent_pairs_are_known() -> None:
    """A pair that stands in the texts once is not, nor is one with padding."""
    rows = torch.tensor([[2.0, 3.0, 4.0, 0.0], [5.0, 2.0, 3.0, 0.0], [4.0, 0.0, 0.0, 0.0]])
    once, twice = (frequent_buckets(rows, 97, count).nonzero()[:, 0].tolist() for count in (1, 2))
    assert twice == [(2 * HASH_FACTOR + 3) % 97]
    assert once == sorted({(one * HASH_FACTOR + two) % 97 for one, two in ((2, 3), (3, 4), (5, 2))})


def test_pairs_learn_at_a_rate_of_their_own() -> None:
    """The optimizer has a group for them."""
    X, y = ordered_pairs(40)
    net = AveragedEmbeddingsClassifier(**SMALL | {"max_epochs": 1, "pair_rate_factor": 0.25}).fit(X, y)
    factors = {group["training"].rate_factor: len(group["params"]) for group in group_parameters(net.module_)}
    assert factors == {1.0: 3, 0.25: 1}


def test_pairs_see_the_order_of_words() -> None:
    """Texts of the same words in another order are told apart with pairs, and are alike without."""
    X, y = ordered_pairs()
    for n_buckets, low, high in ((997, 0.95, 1.0), (0, 0.0, 0.75)):
        net = AveragedEmbeddingsClassifier(**SMALL | {"n_buckets": n_buckets}).fit(X[:80], y[:80])
        assert low <= net.score(X[80:], y[80:]) <= high


def test_numbers_are_learned_from_texts() -> None:
    """A regressor reads which share of a text a word has."""
    X, _ = telling_words()
    y = 5 * (X == 2).sum(1) / (X != 0).sum(1)
    net = AveragedEmbeddingsRegressor(**SMALL | {"n_buckets": 0}).fit(X[:60], y[:60])
    assert net.score(X[60:], y[60:]) > 0.9


@pytest.mark.parametrize("width", [1, 2])
def test_texts_of_a_word_or_two_are_taken(width: int) -> None:
    """Where there are no pairs, words alone answer; a text without words gets an answer, too."""
    X = np.full((20, width), 2.0)
    X[::2, 0] = 3
    net = AveragedEmbeddingsClassifier(**SMALL).fit(X, np.arange(20) % 2)
    assert net.score(X, np.arange(20) % 2) == 1
    assert np.isfinite(net.predict_proba(np.zeros((2, width)))).all()


def test_padding_is_inert() -> None:
    """Texts padded further are the same texts."""
    X, y = telling_words(40)
    wide = np.hstack([X, np.zeros((40, 5))])
    net, other = (AveragedEmbeddingsClassifier(**SMALL).fit(rows, y) for rows in (X, wide))
    np.testing.assert_allclose(net.predict_proba(X), other.predict_proba(wide), atol=1e-12)


def test_folds_may_differ_in_words() -> None:
    """Folds with vocabularies of their own are what they are alone."""
    X, y = telling_words(40)
    X[30, 0] = 20
    splits = [(np.arange(30), []), (np.arange(10, 40), [])]
    net = AveragedEmbeddingsClassifier(**SMALL | {"dropout": 0.3})
    together = fit_folds(net, X, y, splits)
    assert [fold.n_tokens_ for fold in together] == [9, 21]
    for fold, (train, _) in zip(together, splits, strict=True):
        alone = AveragedEmbeddingsClassifier(**net.get_params()).fit(X[train], y[train])
        np.testing.assert_allclose(fold.predict_proba(X), alone.predict_proba(X), atol=1e-10)


def test_dropout_samples_predictions() -> None:
    """Dropped words and pairs make samples differ."""
    X, y = telling_words(40)
    net = AveragedEmbeddingsRegressor(**SMALL | {"max_epochs": 2, "dropout": 0.5}).fit(X, y)
    assert net.predict_samples(X, 8, random_state=0).std(axis=0).min() > 0


@pytest.mark.parametrize("params", [{"n_buckets": -1}, {"dropout": 1.0}], ids=str)
def test_errors_say_what_must_hold(params: dict[str, Any]) -> None:
    """With the value that was found."""
    (name,) = params
    with pytest.raises(ValueError, match=f"'{name}' parameter of AveragedEmbeddingsClassifier must be"):
        AveragedEmbeddingsClassifier(**SMALL | params).fit(np.ones((4, 4)), [0, 1, 0, 1])
