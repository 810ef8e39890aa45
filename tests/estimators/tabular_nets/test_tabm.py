"""TabM: members that share weights compute what separate nets with these weights do, and answer together."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import make_classification, make_regression
from torch import Generator, Tensor

from bakeoff.estimators import TabMClassifier, TabMRegressor
from bakeoff.estimators.layers.embeddings import PiecewiseLinearSum
from bakeoff.estimators.layers.layers import ReplicaContext
from bakeoff.estimators.tabular_nets.member_block import MemberBlock
from bakeoff.estimators.tabular_nets.members import FirstScaling, MemberHeads, MemberLinear, OneHot
from bakeoff.estimators.training.objectives import CrossEntropy, MeanOverMembers, SquaredError
from bakeoff.estimators.training.optimizers import group_parameters

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL: dict[str, Any] = {"n_members": 3, "hidden_layer_sizes": (6, 5), "random_state": 0, "max_epochs": 5}


def seed() -> Generator:
    """Return a generator of weights."""
    return Generator().manual_seed(0)


def table(n_rows: int = 60) -> tuple[pd.DataFrame, np.ndarray]:
    """Make a table of numbers and two columns of categories."""
    X, y = make_classification(n_rows, 4, n_informative=3, n_redundant=0, random_state=0)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(X, columns=list("abcd"))
    return frame.assign(e=pd.Categorical(rng.choice(["x", "y", "z"], n_rows)), f=pd.Categorical(y > rng.random())), y


@torch.no_grad()
def member_by_hand(net: Any, rows: Tensor, member: int) -> Tensor:
    """Compute the outputs of one member of a fitted net over numbers, weight by weight."""
    _, first, *blocks, heads = net.module_.body
    values = rows * first.weight[0, :, member]
    for block in blocks:
        layer = block.linear
        scale_in = 1 if layer.scale_in is None else layer.scale_in[0, 0, member]
        scale_out = 1 if layer.scale_out is None else layer.scale_out[0, 0, member]
        bias = layer.bias[0, 0, min(member, layer.bias.shape[2] - 1)]
        values = ((values * scale_in) @ layer.shared.weight[0] * scale_out + bias).relu()
    return values @ heads.weight[0, member] + heads.bias[0, member]


@pytest.mark.parametrize("arch_type", ["tabm", "tabm-mini"])
def test_members_are_nets_with_shared_weights(arch_type: str) -> None:
    """The probabilities are the mean of those that each member gives by hand; the members differ."""
    X, y = make_classification(60, 4, n_informative=3, n_redundant=0, random_state=0)
    net = TabMClassifier(arch_type=arch_type, **SMALL).fit(X, y)
    alone = [member_by_hand(net, torch.from_numpy(X), member).softmax(1) for member in range(3)]
    assert not torch.allclose(alone[0], alone[1], rtol=1e-3)
    np.testing.assert_allclose(net.predict_proba(X), torch.stack(alone).mean(0), rtol=1e-7)


def test_regressor_averages_numbers() -> None:
    """The prediction is the mean of the members' numbers, in the units of y."""
    X, y = make_regression(60, 4, random_state=0)
    net = TabMRegressor(**SMALL).fit(X, y)
    alone = [member_by_hand(net, torch.from_numpy(X), member) for member in range(3)]
    mean = torch.stack(alone).mean(0).numpy()[:, 0]
    np.testing.assert_allclose(net.predict(X), mean * net.target_scale_ + net.target_mean_)


def test_loss_is_the_mean_of_the_members_losses() -> None:
    """While training, each member answers for itself; afterwards all do as one."""
    objective = MeanOverMembers(CrossEntropy())
    outputs, targets = torch.randn(2, 3, 5, 4, generator=seed()), torch.arange(10).view(2, 5) % 4
    losses = objective.losses(outputs, targets, training=True)
    each = [CrossEntropy().losses(outputs[:, member], targets, training=True) for member in range(3)]
    torch.testing.assert_close(losses, torch.stack(each).mean(0))
    together = objective.losses(outputs[:, 0], targets, training=False)
    torch.testing.assert_close(together, each[0])
    several = torch.randn(2, 5, 4, generator=seed())
    expected = [SquaredError().losses(outputs[:, member], several, training=True) for member in range(3)]
    found = MeanOverMembers(SquaredError()).losses(outputs, several, training=True)
    torch.testing.assert_close(found, torch.stack(expected).mean(0))


def test_columns_share_their_draw() -> None:
    """All values that a column became are scaled alike, members by draws of their own."""
    layer = FirstScaling([1, 1, 3], 4, seed(), signs=True)
    assert layer.weight.shape == (1, 5, 4)
    assert set(layer.weight.detach().flatten().tolist()) == {-1.0, 1.0}
    assert torch.equal(layer.weight[0, 2], layer.weight[0, 3])
    assert torch.equal(layer.weight[0, 2], layer.weight[0, 4])
    assert len({tuple(column) for column in layer.weight[0].T.tolist()}) > 1
    normal = FirstScaling([1] * 500, 4, seed(), signs=False).weight
    assert normal.std().item() == pytest.approx(1, abs=0.1)


def test_categories_become_ones() -> None:
    """A new or missing category is all zeros; columns lie side by side."""
    codes = torch.tensor([[[1.0, 3.0], [2.0, 0.0], [0.0, 1.0]]])
    assert OneHot([2, 3])(codes).tolist() == [[[1, 0, 0, 0, 1], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0]]]


def test_scales_start_at_one_and_biases_alike() -> None:
    """Before training all members of a layer are one net."""
    layer = MemberLinear(4, 3, 5, seed(), scaled=True, first=False)
    values = torch.randn(1, 7, 1, 4, generator=seed()).expand(-1, -1, 5, -1)
    outputs = layer(values)
    torch.testing.assert_close(outputs, outputs[:, :, :1].expand_as(outputs))


def test_heads_differ_while_training_and_average_afterwards() -> None:
    """Evaluation gives logits of the mean probability."""
    heads = MemberHeads(4, 3, 5, seed(), "softmax")
    values = torch.randn(1, 7, 5, 4, generator=seed())
    apart = heads.train()(values)
    assert apart.shape == (1, 5, 7, 3)
    together = heads.eval()(values)
    torch.testing.assert_close(together.softmax(-1), apart.softmax(-1).mean(1))


def test_what_does_not_decay() -> None:
    """Biases, scales and the straight part of embeddings are spared, the weights of layers and bends are not."""
    X, y = table()
    net = TabMClassifier(numeric_embedding="piecewise-linear", embedding_size=4, **SMALL).fit(X, y)
    decays = {
        id(weight): bool(group["training"].decay_factor)
        for group in group_parameters(net.module_)
        for weight in group["params"]
    }
    spared = {name for name, weight in net.module_.named_parameters() if not decays[id(weight)]}
    kept = {name for name, weight in net.module_.named_parameters() if decays[id(weight)]}
    assert {name.rpartition(".")[2] for name in spared} == {"weight", "bias", "scale_in", "scale_out"}
    assert {".".join(name.split(".")[-2:]) for name in kept} >= {"numbers.bends", "shared.weight"}
    assert sum(name.endswith("shared.weight") for name in kept) == 2


def test_piecewise_sum_starts_straight() -> None:
    """Before training the embedding is a linear map of the number; a bend adds what the bins say."""
    values = torch.randn(50, 3, generator=seed())
    layer = PiecewiseLinearSum(values, 4, 8, seed()).float()
    straight = torch.addcmul(layer.bias, values[None, ..., None], layer.weight).flatten(2)
    torch.testing.assert_close(layer(values[None]), straight)
    with torch.no_grad():
        layer.bends[0, 1] = 1.0
    added = (layer(values[None]) - straight).view(50, 3, 4)
    expected = layer.encoding(values[None])[0, :, 1].sum(1)
    torch.testing.assert_close(added[:, 1], expected[:, None].expand(-1, 4))
    assert added[:, [0, 2]].abs().max().item() == 0


@pytest.mark.parametrize("embedding", [None, "piecewise-linear", "periodic"])
def test_new_and_missing_categories_are_taken(embedding: str | None) -> None:
    """Both say nothing: the answer is that of zeros in their place."""
    X, y = table()
    net = TabMClassifier(numeric_embedding=embedding, embedding_size=4, **SMALL).fit(X, y)
    new, missing, known = (net.predict_proba(X.assign(e=e)) for e in ("new", None, "x"))
    np.testing.assert_array_equal(new, missing)
    assert not np.allclose(new, known)


def test_only_categories() -> None:
    """A table without numbers is learned from its categories."""
    y = np.arange(40) % 2
    X = pd.DataFrame({"a": pd.Categorical(np.where(y, "yes", "no"))})
    net = TabMClassifier(**{**SMALL, "max_epochs": 30, "learning_rate": 0.02}).fit(X, y)
    assert net.score(X, y) == 1


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"n_members": 0}, "'n_members' parameter of TabMClassifier must be an int"),
        ({"arch_type": "packed"}, "'arch_type' parameter of TabMClassifier must be a str among"),
        ({"hidden_layer_sizes": ()}, "'hidden_layer_sizes' parameter of TabMClassifier must be a tuple of at least"),
        ({"numeric_embedding": "linear"}, "'numeric_embedding' parameter of TabMClassifier must be None or a str"),
    ],
    ids=str,
)
def test_errors_say_what_must_hold(params: dict[str, Any], words: str) -> None:
    """All at once, with the value that was found."""
    with pytest.raises(ValueError, match=words):
        TabMClassifier(**params).fit(np.eye(4), [0, 1, 0, 1])


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_fused_blocks_are_their_layers(first: bool, scaled: bool, share: float) -> None:
    """Outputs and gradients are those of the linear map, ReLU and the same mask one after another."""
    linear = MemberLinear(4, 5, 3, seed(), scaled=scaled, first=first).double()
    drawn = iter(torch.randn(9, 1, 1, 3, 5, generator=seed(), dtype=torch.float64))
    with torch.no_grad():
        for scale in (linear.scale_in, linear.scale_out):
            if scale is not None:
                scale.copy_(next(drawn)[..., : scale.shape[-1]])
    linear = stack_alike(linear)
    block = MemberBlock(linear, share)
    values = torch.randn(2, 7, 3, 4, generator=seed(), dtype=torch.float64, requires_grad=True)
    block.dropout.lanes = ReplicaContext([Generator().manual_seed(number) for number in range(2)])
    mask = block.dropout.draw(values.new_empty(2, 7, 3, 5))
    block.dropout.lanes = ReplicaContext([Generator().manual_seed(number) for number in range(2)])
    plain = linear(values).relu() * (1 if mask is None else mask)
    fused = block(values)
    torch.testing.assert_close(fused, plain)
    upstream = torch.randn(fused.shape, generator=seed(), dtype=torch.float64)
    wanted = [values, *linear.parameters()]
    found = torch.autograd.grad((fused * upstream).sum(), wanted)
    expected = torch.autograd.grad((plain * upstream).sum(), wanted)
    for gradient, other in zip(found, expected, strict=True):
        torch.testing.assert_close(gradient, other)


def stack_alike(linear: MemberLinear) -> MemberLinear:
    """Make two replicas of one."""
    for weight in linear.parameters():
        weight.data = torch.cat([weight.data, weight.data + 0.1])
    return linear
