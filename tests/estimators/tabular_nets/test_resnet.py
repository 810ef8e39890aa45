"""The residual net for tables: blocks as they are published, categories as vectors."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import make_classification, make_regression

from bakeoff.estimators import TabularResNetClassifier, TabularResNetRegressor
from bakeoff.estimators.layers.layers import BatchNorm

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL: dict[str, Any] = {
    "n_blocks": 2,
    "block_size": 8,
    "learning_rate": 0.01,
    "max_epochs": 30,
    "batch_size": 20,
    "random_state": 0,
}


def normed(layer: Any, values: torch.Tensor) -> torch.Tensor:
    """Normalise by running moments."""
    assert isinstance(layer, BatchNorm)
    return (values - layer.mean[0]) * (layer.variance[0] + layer.eps).rsqrt() * layer.weight[0] + layer.bias[0]


@torch.no_grad()
def test_blocks_are_those_of_the_paper() -> None:
    """Each block is x + linear(relu(linear(norm(x)))); then come norm, relu, linear."""
    X, y = make_regression(60, 3, random_state=0)
    net = TabularResNetRegressor(hidden_factor=1.5, **SMALL).fit(X, y)
    first, *blocks, norm, _, head = net.module_.body
    values = torch.from_numpy(X) @ first.weight[0]
    for residual in blocks:
        inner, widen, _, _, narrow, _ = residual.block
        assert widen.weight.shape == (1, 8, 12)
        hidden = (normed(inner, values) @ widen.weight[0] + widen.bias[0]).relu()
        values = values + hidden @ narrow.weight[0]
    outputs = normed(norm, values).relu() @ head.weight[0] + head.bias[0]
    expected = outputs[:, 0].numpy() * net.target_scale_ + net.target_mean_
    np.testing.assert_allclose(net.predict(X), expected)


def test_columns_that_only_matter_together_are_learned() -> None:
    """A product of two columns, beside a column that says nothing."""
    X = np.random.default_rng(0).choice([-1.0, 1.0], size=(160, 3))
    y = X[:, 0] * X[:, 1] > 0
    assert TabularResNetClassifier(**SMALL).fit(X[:100], y[:100]).score(X[100:], y[100:]) > 0.95


def test_categories_become_vectors() -> None:
    """Of the length asked for; new and missing ones say nothing."""
    X, y = make_classification(60, 4, random_state=0)
    frame = pd.DataFrame(X, columns=list("abcd")).assign(e=pd.Categorical(np.resize(["x", "y", "z"], 60)))
    net = TabularResNetClassifier(embedding_size=5, **SMALL).fit(frame, y)
    assert net.module_.body[1].weight.shape == (1, 4 + 5, 8)
    new, missing, known = (net.predict_proba(frame.assign(e=value)) for value in ("w", None, "x"))
    np.testing.assert_array_equal(new, missing)
    assert not np.allclose(new, known)


@pytest.mark.parametrize(
    "params", [{"hidden_dropout": 0.5, "residual_dropout": 0.0}, {"residual_dropout": 0.5}], ids=str
)
def test_dropout_samples_predictions(params: dict[str, float]) -> None:
    """Either dropout makes samples differ."""
    X, y = make_regression(30, 3, random_state=0)
    net = TabularResNetRegressor(**SMALL | {"hidden_dropout": 0.0, "max_epochs": 2} | params).fit(X, y)
    assert net.predict_samples(X, 20, random_state=0).std(axis=0).min() > 0


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"batch_size": 1}, "'batch_size' parameter of TabularResNetClassifier must be 2 or more"),
        ({"n_blocks": 0}, "'n_blocks' parameter of TabularResNetClassifier must be an int"),
        ({"hidden_factor": 0}, "'hidden_factor' parameter of TabularResNetClassifier must be a float"),
    ],
    ids=str,
)
def test_errors_say_what_must_hold(params: dict[str, Any], words: str) -> None:
    """With the value that was found."""
    with pytest.raises(ValueError, match=words):
        TabularResNetClassifier(**SMALL | params).fit(np.eye(4), [0, 1, 0, 1])


def test_a_row_alone_cannot_be_normalised() -> None:
    """The error says so."""
    with pytest.raises(ValueError, match="at least two training rows"):
        TabularResNetRegressor(**SMALL).fit(np.ones((1, 2)), [1.0])
