"""FT-Transformer: attention as torch has it, tokens of columns, and the blocks' order of norms and shortcuts."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from nets import seeded
from sklearn.datasets import make_classification, make_regression
from torch import Tensor, nn
from torch.nn import functional

from bakeoff.estimators import FTTransformerClassifier, FTTransformerRegressor
from bakeoff.estimators.layers.attention import Attention
from bakeoff.estimators.layers.layers import LayerNorm, Linear
from bakeoff.estimators.tabular_nets.attention import AttentionBlock, ColumnTokens
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
NO_DROPOUT = (0.0, 0.0, 0.0)


def tokens_of(n_rows: int = 5, n_tokens: int = 4, size: int = 8) -> Tensor:
    """Draw tokens (1, n, tokens, size)."""
    return torch.randn(1, n_rows, n_tokens, size, generator=seeded())


@pytest.mark.parametrize("first_only", [False, True])
@torch.no_grad()
def test_attention_is_torch_s(first_only: bool) -> None:
    """With the same weights `nn.MultiheadAttention` gives the same, of all tokens or of the first."""
    ours, theirs, tokens = (
        Attention(8, 2, 0.0, seeded(), first_only=first_only),
        nn.MultiheadAttention(8, 2),
        tokens_of(),
    )
    parts = [part.layer for part in (ours.queries, ours.keys, ours.contents)]
    theirs.in_proj_weight.copy_(torch.cat([part.weight[0].T for part in parts]))
    theirs.out_proj.weight.copy_(ours.mix.layer.weight[0].T)
    theirs.in_proj_bias.zero_()
    theirs.out_proj.bias.zero_()
    by_token = tokens[0].transpose(0, 1)
    expected, _ = theirs(by_token[:1] if first_only else by_token, by_token, by_token)
    torch.testing.assert_close(ours(tokens)[0], expected.transpose(0, 1))


def by_hand(layer: Any, values: Tensor) -> Tensor:
    """Compute a norm or an affine map of one replica."""
    if isinstance(layer, LayerNorm):
        return functional.layer_norm(values, values.shape[-1:]) * layer.weight[0, 0] + layer.bias[0, 0]
    assert isinstance(layer, Linear)
    assert layer.bias is not None
    return values @ layer.weight[0] + layer.bias[0, 0]


@pytest.mark.parametrize(("first", "last"), [(True, False), (False, False), (False, True)])
def test_blocks_have_norms_in_front(first: bool, last: bool) -> None:
    """But for the first attention; of the last block only the row's token goes on."""
    block = AttentionBlock(8, 2, 5, NO_DROPOUT, seeded(), first=first, last=last)
    tokens = tokens_of()
    normed = tokens if first else by_hand(block.norm.layer, tokens)  # type: ignore[union-attr]
    kept = (tokens[:, :, :1] if last else tokens) + block.attention(normed)
    norm, widen, _, _, narrow = (getattr(part, "layer", part) for part in block.feed_forward)
    plain, gate = by_hand(widen, by_hand(norm, kept)).chunk(2, dim=-1)
    torch.testing.assert_close(block(tokens), kept + by_hand(narrow, plain * gate.relu()))


def test_tokens_of_columns() -> None:
    """The row's own vector, vectors of categories, numbers times theirs; a bias for each column."""
    layer = ColumnTokens(3, [2], 4, seeded())
    rows = torch.tensor([[[2.0, 0.5, -1.0], [0.0, 2.0, 3.0]]])
    found = layer(rows)
    assert found.shape == (1, 2, 4, 4)
    torch.testing.assert_close(found[0, :, 0], layer.row[0, 0].expand(2, 4))
    assert layer.categories is not None
    known = layer.categories.weight[0, 1] + layer.bias[0, 0, 0]
    torch.testing.assert_close(found[0, :, 1], torch.stack([known, layer.bias[0, 0, 0]]))
    torch.testing.assert_close(found[0, :, 3], rows[0, :, 2:] * layer.weight[0, 1] + layer.bias[0, 0, 2])


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
