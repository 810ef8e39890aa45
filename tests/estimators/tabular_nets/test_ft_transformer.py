"""FT-Transformer: what it learns from columns, what does not decay, and categories that are new or missing."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification, make_regression

from bakeoff.estimators import FTTransformerClassifier, FTTransformerRegressor
from bakeoff.estimators.layers.attention import ColumnTokens
from bakeoff.estimators.layers.layers import LayerNorm
from bakeoff.estimators.training.optimizers import group_parameters

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL: dict[str, Any] = {
    "n_blocks": 2,
    "embedding_size": 8,
    "n_heads": 2,
    "learning_rate": 0.01,
    "max_epochs": 30,
    "batch_size": 20,
    "random_state": 0,
}


def test_columns_that_only_matter_together_are_learned() -> None:
    """A product of two columns, beside a column that says nothing."""
    X = np.random.default_rng(0).choice([-1.0, 1.0], size=(160, 3))
    y = X[:, 0] * X[:, 1] > 0
    assert FTTransformerClassifier(**SMALL).fit(X[:100], y[:100]).score(X[100:], y[100:]) > 0.95


def test_what_does_not_decay() -> None:
    """Tokens and norms are spared, the weights and biases of maps are not."""
    X, y = make_classification(40, 4, random_state=0)
    net = FTTransformerClassifier(**SMALL | {"max_epochs": 1}).fit(X, y)
    decays = {
        id(one): bool(group["training"].decay_factor)
        for group in group_parameters(net.module_)
        for one in group["params"]
    }
    spared = {name for name, weight in net.module_.named_parameters() if not decays[id(weight)]}
    owners = {name: net.module_.get_submodule(name.rpartition(".")[0]) for name, _ in net.module_.named_parameters()}
    assert spared == {name for name, owner in owners.items() if isinstance(owner, ColumnTokens | LayerNorm)}


def test_new_and_missing_categories_are_taken() -> None:
    """Both say nothing."""
    X, y = make_regression(60, 2, random_state=0)
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(c=pd.Categorical(np.resize(["x", "y", "z"], 60)))
    net = FTTransformerRegressor(**SMALL | {"max_epochs": 3}).fit(frame, y)
    new, missing, known = (net.predict(frame.assign(c=value)) for value in ("w", None, "x"))
    np.testing.assert_array_equal(new, missing)
    assert not np.allclose(new, known)


def test_only_categories() -> None:
    """A table without numbers is learned from its categories."""
    y = np.arange(40) % 2
    X = pd.DataFrame({"a": pd.Categorical(np.where(y, "yes", "no"))})
    assert FTTransformerClassifier(**SMALL).fit(X, y).score(X, y) == 1


def test_dropout_samples_predictions() -> None:
    """Dropout of attention weights alone makes samples differ."""
    X, y = make_regression(30, 3, random_state=0)
    net = FTTransformerRegressor(**SMALL | {"hidden_dropout": 0.0, "max_epochs": 2}).fit(X, y)
    assert net.predict_samples(X, 5, random_state=0).std(axis=0).min() > 0


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (
            {"embedding_size": 9},
            "'embedding_size' parameter of FTTransformerClassifier must be a multiple of 'n_heads'",
        ),
        ({"n_blocks": 0}, "'n_blocks' parameter of FTTransformerClassifier must be an int"),
        ({"attention_dropout": 1.0}, "'attention_dropout' parameter of FTTransformerClassifier must be a float"),
    ],
    ids=str,
)
def test_errors_say_what_must_hold(params: dict[str, Any], words: str) -> None:
    """With the value that was found."""
    with pytest.raises(ValueError, match=words):
        FTTransformerClassifier(**SMALL | params).fit(np.eye(4), [0, 1, 0, 1])
