"""Nets for texts: what their parts compute, that padding is no word, and that they learn what texts differ by."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import Generator, Tensor, nn

from bakeoff.estimators import (
    AveragedEmbeddingsClassifier,
    AveragedEmbeddingsRegressor,
    TextTransformerClassifier,
    TextTransformerRegressor,
    fit_folds,
)
from bakeoff.estimators.layers.attention import Attention
from bakeoff.estimators.text_nets.averaged_embeddings import MeanOfVectors, hash_pairs
from bakeoff.estimators.text_nets.text_net import cut_padding
from bakeoff.estimators.text_nets.text_transformer import mean_of_present

pytestmark = pytest.mark.usefixtures("one_thread")
OF_TEXTS: dict[str, Any] = {"vocabulary_size": "auto", "max_epochs": 30, "batch_size": 16, "random_state": 0}
NETS = [
    AveragedEmbeddingsClassifier(embedding_size=8, n_buckets=500, **OF_TEXTS),
    TextTransformerClassifier(embedding_size=16, n_heads=2, learning_rate=5e-3, **OF_TEXTS),
]
each_net = pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)


def seed() -> Generator:
    """Return a generator of weights."""
    return Generator().manual_seed(0)


def orders(n_rows: int = 200, n_steps: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Make texts of noise in which the words 2 and 3 stand beside each other, in an order that is the class."""
    rng = np.random.default_rng(0)
    y = np.arange(n_rows) % 2
    X = rng.integers(4, 12, (n_rows, n_steps))
    lengths = rng.integers(3, n_steps + 1, n_rows)
    for row, label, length in zip(X, y, lengths, strict=True):
        place = rng.integers(0, length - 1)
        row[place : place + 2] = (2, 3) if label else (3, 2)
        row[length:] = 0
    return X, y


@each_net
def test_order_of_words_is_learned(net: Any) -> None:
    """No word says the class of a text, the order of two neighbours does: pairs of words or places tell it."""
    X, y = orders()
    assert clone(net).fit(X[:140], y[:140]).score(X[140:], y[140:]) > 0.9


@each_net
def test_padding_is_no_word(net: Any) -> None:
    """More padding behind a text, or longer texts beside it, change nothing of its answer."""
    X, y = orders(60)
    fitted = clone(net).set_params(max_epochs=2).fit(X, y)
    short = X[(X != 0).sum(1) <= 5][:4]
    alone = fitted.predict_proba(short)
    together = fitted.predict_proba(np.concatenate([short, X]))[: len(short)]
    np.testing.assert_allclose(alone, together, atol=1e-6)


@each_net
def test_texts_without_words_and_with_new_ones_are_taken(net: Any) -> None:
    """An empty text has an answer; a word beyond the vocabulary is read as the unknown one."""
    X, y = orders(40)
    fitted = clone(net).set_params(max_epochs=1).fit(X, y)
    strange = np.zeros((2, X.shape[1]), dtype=int)
    strange[1, 0] = 999
    known = np.where(strange == 999, 1, 0)
    assert np.isfinite(fitted.predict_proba(strange)).all()
    np.testing.assert_array_equal(fitted.predict_proba(strange), fitted.predict_proba(known))


@each_net
def test_folds_train_as_one_program(net: Any) -> None:
    """Folds of one width and vocabularies of several sizes give what they give one by one."""
    X, y = orders(60)
    X[0, 0] = 40  # a word that one fold does not see
    folds = [(np.arange(20, 60), np.arange(20)), (np.arange(40), np.arange(40, 60))]
    small = clone(net).set_params(max_epochs=2, dtype="float64")
    for fitted, (train, _) in zip(fit_folds(small, X, y, folds), folds, strict=True):
        alone = clone(small).fit(X[train], y[train])
        np.testing.assert_allclose(fitted.predict_proba(X), alone.predict_proba(X), atol=1e-8)


@pytest.mark.parametrize("kind", [AveragedEmbeddingsRegressor, TextTransformerRegressor])
def test_regression_of_rows_of_numbers(kind: Any) -> None:
    """Without a vocabulary rows are numbers: a linear trend over the columns is learned."""
    X = np.random.default_rng(0).normal(size=(200, 4))
    y = X @ [1.0, -1.0, 0.5, 0.0]
    net = kind(embedding_size=16, learning_rate=0.01, max_epochs=60, batch_size=32, random_state=0)
    assert net.fit(X[:150], y[:150]).score(X[150:], y[150:]) > 0.9


def test_mean_is_over_words_and_pairs() -> None:
    """Three words have two pairs: the vector is the mean of five, and padding counts for nothing."""
    layer = MeanOfVectors(9, 50, 4, seed())
    assert layer.pairs is not None
    tokens = torch.tensor([[[2, 5, 3, 0, 0], [0, 0, 0, 0, 0]]])
    pairs = hash_pairs(tokens, 50)
    assert (pairs[0, 0, 2:] == 0).all()
    assert (pairs[0, 0, :2] > 0).all()
    words, of_pairs = layer.words.weight[0], layer.pairs.weight[0]
    expected = (words[[2, 5, 3]].sum(0) + of_pairs[pairs[0, 0, :2]].sum(0)) / 5
    found = layer(tokens)
    torch.testing.assert_close(found[0, 0], expected)
    assert (found[0, 1] == 0).all()
    alone = MeanOfVectors(9, 0, 4, seed())
    torch.testing.assert_close(alone(tokens)[0, 0], alone.words.weight[0, [2, 5, 3]].mean(0))


def test_pairs_know_their_order() -> None:
    """A pair and its mirror image fall into buckets of their own, all of them within the table."""
    tokens = torch.randint(2, 1000, (1, 1, 5000), generator=seed())
    pairs, mirrored = hash_pairs(tokens, 997), hash_pairs(tokens.flip(-1), 997).flip(-1)
    assert pairs.min() >= 1
    assert pairs.max() <= 997
    assert (pairs == mirrored).float().mean() < 0.01
    assert len(pairs.unique()) > 950


def test_padding_is_cut_where_all_rows_have_it() -> None:
    """The longest text decides; without any word one step stays."""
    tokens = torch.tensor([[[1, 0, 0, 0], [2, 0, 3, 0]]])
    assert cut_padding(tokens).shape == (1, 2, 3)
    assert cut_padding(torch.zeros(1, 2, 4)).shape == (1, 2, 1)


def test_attention_is_that_of_torch() -> None:
    """With the same weights and mask it is torch's own multi-head attention."""
    layer, other = Attention(8, 2, 0.0, seed()), nn.MultiheadAttention(8, 2, batch_first=True)
    tokens = torch.randn(1, 3, 5, 8, generator=seed())
    absent = torch.tensor([[[False] * 5, [False] * 3 + [True] * 2, [False] + [True] * 4]])
    parts = [part.layer.weight[0].T for part in (layer.queries, layer.keys, layer.contents)]
    with torch.no_grad():
        other.in_proj_weight.copy_(torch.cat(parts))
        other.in_proj_bias.zero_()
        other.out_proj.weight.copy_(layer.mix.layer.weight[0].T)
        other.out_proj.bias.zero_()
    expected: Tensor = other(tokens[0], tokens[0], tokens[0], key_padding_mask=absent[0], need_weights=False)[0]
    torch.testing.assert_close(layer(tokens, absent)[0], expected)


def test_mean_leaves_padding_out() -> None:
    """The mean of a text is that of its own tokens."""
    tokens = torch.randn(1, 2, 4, 3, generator=seed())
    absent = torch.tensor([[[False, False, True, True], [False] * 4]])
    expected = torch.stack([tokens[0, 0, :2].mean(0), tokens[0, 1].mean(0)])[None]
    torch.testing.assert_close(mean_of_present(tokens, absent), expected)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_heads": 3}, "'embedding_size' parameter of TextTransformerClassifier must be a multiple of 'n_heads'"),
        ({"n_blocks": 0}, "'n_blocks' parameter of TextTransformerClassifier must be an int"),
        ({"dropout": 1.0}, "'dropout' parameter of TextTransformerClassifier must be a float"),
    ],
)
def test_bad_parameters_are_refused(params: dict[str, Any], message: str) -> None:
    """Each error names the parameter."""
    with pytest.raises(ValueError, match=message):
        TextTransformerClassifier(**params).fit(np.eye(4), [0, 1, 0, 1])


def test_numbers_that_are_no_tokens_are_refused() -> None:
    """With a vocabulary rows hold whole numbers from 0 on."""
    with pytest.raises(ValueError, match="must hold token ids"):
        AveragedEmbeddingsClassifier(vocabulary_size="auto").fit([[0.5, 1], [2, 3]], [0, 1])
