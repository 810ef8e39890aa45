"""The text transformer: padding is inert, order is seen, and folds of unlike vocabularies train together."""

from typing import Any

import numpy as np
import pytest
import torch
from nets import seeded
from small_nets import TEXT_TRANSFORMER
from texts import ordered_pairs, telling_words
from torch import nn

from bakeoff.estimators import TextTransformerClassifier, TextTransformerRegressor, fit_folds
from bakeoff.estimators.text_nets.present_tokens import longest_text, mean_of_present
from bakeoff.estimators.text_nets.text_transformer import waves_of_places

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL: dict[str, Any] = {
    **TEXT_TRANSFORMER,
    "vocabulary_size": "auto",
    "embedding_size": 16,
    "hidden_size": 32,
    "learning_rate": 0.01,
    "max_epochs": 40,
    "batch_size": 10,
    "random_state": 0,
}


def padded(rows: Any, n_columns: int) -> Any:
    """Append columns of padding."""
    return np.hstack([rows, np.zeros((len(rows), n_columns))])


def test_order_of_words_is_learned() -> None:
    """Texts of the same words that stand in another order are told apart."""
    X, y = ordered_pairs(400)
    net = TextTransformerClassifier(**SMALL).fit(X[:320], y[:320])
    assert net.score(X[320:], y[320:]) > 0.75  # who does not see the order has a half


def test_numbers_are_learned_from_texts() -> None:
    """A regressor reads which word a text holds."""
    X, y = telling_words()
    net = TextTransformerRegressor(**SMALL).fit(X[:60], 5.0 * y[:60])
    assert net.score(X[60:], 5.0 * y[60:]) > 0.8


def test_padding_is_inert() -> None:
    """Texts padded further are the same texts: in training, and one beside longer ones."""
    X, y = telling_words(40)
    params = SMALL | {"max_epochs": 3}
    net, wide = (TextTransformerClassifier(**params).fit(rows, y) for rows in (X, padded(X, 5)))
    np.testing.assert_allclose(net.predict_proba(X), wide.predict_proba(padded(X, 5)), atol=1e-10)
    alone = np.vstack([net.predict_proba(row[None]) for row in X])
    np.testing.assert_allclose(net.predict_proba(X), alone, atol=1e-10)


def test_a_text_without_words_is_taken() -> None:
    """Its answer is finite: what the head makes of nothing."""
    X, y = telling_words(40)
    net = TextTransformerClassifier(**SMALL | {"max_epochs": 2}).fit(X, y)
    assert np.isfinite(net.predict_proba(np.zeros((2, X.shape[1])))).all()


def test_folds_may_differ_in_words_and_width() -> None:
    """Folds with vocabularies and longest texts of their own are what they are alone."""
    X, y = telling_words(40)
    X[:10] = padded(X[:10, :4], 5)
    X[30, 0] = 20
    splits = [(np.arange(30), []), (np.arange(10, 40), []), (np.r_[0:20, 30:40], [])]
    net = TextTransformerClassifier(**SMALL | {"max_epochs": 4, "dropout": 0.2, "word_dropout": 0.1})
    together = fit_folds(net, X, y, splits)
    assert [fold.n_tokens_ for fold in together] == [9, 21, 21]
    for fold, (train, _) in zip(together, splits, strict=True):
        alone = TextTransformerClassifier(**net.get_params()).fit(X[train], y[train])
        np.testing.assert_allclose(fold.predict_proba(X), alone.predict_proba(X), atol=1e-8)


def test_waves_of_places() -> None:
    """The first pair of waves turns by one radian a word, the last by one in 10,000 or so; odd sizes lose a cosine."""
    waves = waves_of_places(6, torch.zeros(8, dtype=torch.float64))
    places = torch.arange(6, dtype=torch.float64)
    torch.testing.assert_close(waves[:, 0], places.sin())
    torch.testing.assert_close(waves[:, 4], places.cos())
    torch.testing.assert_close(waves[:, 3], (places / 10_000**0.75).sin())
    assert waves_of_places(6, torch.zeros(7)).shape == (6, 7)


def test_padding_is_left_out() -> None:
    """The longest text ends at its last word; the mean is that of the tokens that are there."""
    rows = torch.tensor([[[4.0, 0.0, 5.0, 0.0], [6.0, 0.0, 0.0, 0.0]]])
    assert longest_text(rows) == 3
    assert longest_text(torch.zeros(1, 2, 3)) == 1
    tokens = torch.randn(1, 2, 4, 3, generator=seeded())
    means = mean_of_present(tokens, rows != 0)
    torch.testing.assert_close(means[0, 0], (tokens[0, 0, 0] + tokens[0, 0, 2]) / 2)
    torch.testing.assert_close(means[0, 1], tokens[0, 1, 0])


@pytest.mark.parametrize("name", ["dropout", "word_dropout"])
def test_each_dropout_samples_predictions(name: str) -> None:
    """Dropout of values and of words each make samples differ."""
    X, y = telling_words(40)
    net = TextTransformerRegressor(**SMALL | {"max_epochs": 2, name: 0.3}).fit(X, y)
    assert net.predict_samples(X, 5, random_state=0).std(axis=0).min() > 0


def test_weights_are_those_of_an_encoder() -> None:
    """Vectors of words, and for each block four maps of attention, two norms and a gated feed-forward part."""
    X, y = telling_words(40)
    net = TextTransformerClassifier(**SMALL | {"max_epochs": 1, "n_blocks": 2}).fit(X, y)
    block = 4 * (16 * 16 + 16) + 2 * 2 * 16 + (16 * 64 + 64) + (32 * 16 + 16)
    assert net.n_parameters_ == 9 * 16 + 2 * block + 2 * 16 + (16 * 2 + 2)
    assert isinstance(net.module_, nn.Module)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"embedding_size": 9}, "'embedding_size' parameter of TextTransformerClassifier must be a multiple"),
        ({"n_blocks": 0}, "'n_blocks' parameter of TextTransformerClassifier must be an int"),
        ({"word_dropout": 1.0}, "'word_dropout' parameter of TextTransformerClassifier must be a float"),
    ],
    ids=str,
)
def test_errors_say_what_must_hold(params: dict[str, Any], words: str) -> None:
    """With the value that was found."""
    with pytest.raises(ValueError, match=words):
        TextTransformerClassifier(**SMALL | params).fit(np.ones((4, 4)), [0, 1, 0, 1])
