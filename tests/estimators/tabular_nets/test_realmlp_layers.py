"""Layers of RealMLP: what they compute, how they start, and that neither order nor repetition of rows matters."""

import numpy as np
import pytest
import torch
from nets import seeded
from torch import Tensor
from torch.nn import functional

from bakeoff.estimators.layers.layers import ReplicaContext
from bakeoff.estimators.layers.quick_dropout import QuickDropout
from bakeoff.estimators.tabular_nets.realmlp_layers import PARAMETRIC, Clamp, NTKLinear, PeriodicLinear, ScaledProduct
from bakeoff.estimators.tabular_nets.robust_columns import RobustOneHot, RobustScaling, smooth_clip
from bakeoff.estimators.tabular_nets.weighted_rows import WeightedRows

FUNCTIONS = {"mish": functional.mish, "relu": functional.relu, "selu": functional.selu}


def random_rows(n_rows: int = 60, n_values: int = 3) -> Tensor:
    """Draw rows in double precision."""
    return torch.randn(n_rows, n_values, generator=seeded(), dtype=torch.float64)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", PARAMETRIC)
def test_activations_are_torch_s_mixed_with_the_identity(name: str, masked: bool) -> None:
    """Values as torch gives them, and gradients as finite differences do."""
    values = (4 * random_rows(14, 5)).view(2, 7, 5).requires_grad_()
    weight = torch.linspace(0.2, 1.4, 10, dtype=torch.float64).view(2, 1, 5).requires_grad_()
    mask = 1.5 * torch.ones(2, 7, 5, dtype=torch.float64).bernoulli_(0.6, generator=seeded()) if masked else None
    expected = torch.lerp(values, FUNCTIONS[name](values), weight) * (1 if mask is None else mask)
    torch.testing.assert_close(PARAMETRIC[name].apply(values, weight, mask), expected)
    assert torch.autograd.gradcheck(PARAMETRIC[name].apply, (values, weight, mask))


@pytest.mark.parametrize("name", PARAMETRIC)
def test_activations_of_huge_values_stay_finite(name: str) -> None:
    """No exponential overflows, there and back."""
    values = torch.tensor([[[-1e3, -200.0, 200.0, 1e30]]], requires_grad=True)
    outputs = PARAMETRIC[name].apply(values, torch.ones(1, 1, 4), None)
    (gradient,) = torch.autograd.grad(outputs.sum(), values)
    torch.testing.assert_close(outputs, FUNCTIONS[name](values), rtol=1e-6, atol=1e-3)
    assert gradient.isfinite().all()


def test_linear_starts_at_the_rows() -> None:
    """Outputs vary by one over the rows, and each bias is less a mix of what some rows give."""
    rows = WeightedRows(random_rows(500) * torch.tensor([1.0, 10.0, 0.1]) + 3)
    layer = NTKLinear.from_rows(rows, 40, seeded())
    before = layer(rows.values[None]) - layer.bias
    torch.testing.assert_close(before.std(1, correction=0), torch.ones(1, 40, dtype=torch.float64))
    assert ((-layer.bias >= before.amin(1)) & (-layer.bias <= before.amax(1))).all()
    assert layer.bias.unique().numel() == 40


def test_gradients_of_the_scaled_product() -> None:
    """As finite differences have them."""
    rows, weight, bias = (random_rows(8, n).view(2, 4, n)[:, :k].requires_grad_() for n, k in ((3, 4), (5, 3), (5, 1)))
    torch.testing.assert_close(ScaledProduct.apply(rows, weight, bias, 0.5), bias + 0.5 * rows @ weight)
    assert torch.autograd.gradcheck(lambda *parts: ScaledProduct.apply(*parts, 0.5), (rows, weight, bias))


def test_linear_starts_where_rows_do_not_differ() -> None:
    """Outputs without any spread are left as they are drawn."""
    layer = NTKLinear.from_rows(WeightedRows(torch.zeros(4, 2)), 3, seeded())
    assert layer.weight.isfinite().all()
    assert layer(torch.ones(1, 2, 2)).isfinite().all()


def test_neither_order_nor_repetition_of_rows_matters() -> None:
    """A row of weight two is a row that stands twice, in all that is learned from rows before training."""
    values, weights = random_rows(30), torch.arange(30) % 4
    weights[0] = 1
    present = weights > 0
    weighted = WeightedRows(values[present], weights[present] / weights.sum())
    order = torch.randperm(int(weights.sum()), generator=seeded(1))
    repeated = WeightedRows(values.repeat_interleave(weights, dim=0)[order])
    for one, other in zip(
        *(NTKLinear.from_rows(rows, 50, seeded()).parameters() for rows in (weighted, repeated)), strict=True
    ):
        torch.testing.assert_close(one, other)
    for one, other in zip(*(RobustScaling(rows).buffers() for rows in (weighted, repeated)), strict=True):
        torch.testing.assert_close(one, other)


def test_quantiles_are_those_of_numpy() -> None:
    """The smallest value that enough of the rows do not exceed."""
    values, shares = random_rows(41, 2), torch.tensor([[0.1, 0.5], [0.77, 1.0]])
    found = WeightedRows(values).quantiles(shares)
    for column in range(2):
        expected = np.quantile(values[:, column], shares[:, column], method="inverted_cdf")
        np.testing.assert_array_equal(found[:, column], expected)


def test_numbers_are_scaled_by_their_quartiles() -> None:
    """Where the quartiles are equal half the range takes their place; a constant becomes zero."""
    plain, rare, constant = torch.arange(101.0), torch.zeros(101), torch.full((101,), 7.0)
    rare[3] = 8.0
    scaling = RobustScaling(WeightedRows(torch.stack([plain, rare, constant], dim=1)))
    found = scaling(torch.tensor([[[50.0, 0.0, 7.0], [100.0, 8.0, 9.0]]]))
    expected = smooth_clip(torch.tensor([[[0.0, 0.0, 0.0], [1.0, 2.0, 0.0]]]))
    torch.testing.assert_close(found, expected)
    assert smooth_clip(torch.tensor([-1e6, 0.01, 1e6])).tolist() == pytest.approx([-3, 0.01, 3], rel=1e-4)


def test_categories_become_scaled_ones() -> None:
    """Two share one value; scaling and clipping follow as for numbers; code 0 is zero before them."""
    codes = torch.tensor([[1.0, 1.0], [2.0, 1.0], [1.0, 2.0], [1.0, 3.0], [2.0, 1.0], [1.0, 1.0]])
    layer = RobustOneHot(WeightedRows(codes), [2, 3])
    raw = torch.tensor([[1.0, 1, 0, 0], [-1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1], [-1, 1, 0, 0], [1, 1, 0, 0]])
    scaling = RobustScaling(WeightedRows(raw))
    torch.testing.assert_close(layer(codes[None]), scaling(raw[None]))
    torch.testing.assert_close(layer(torch.zeros(1, 1, 2)), scaling(torch.zeros(1, 1, 4)))


def test_waves_of_numbers() -> None:
    """Maps of cosines of each column, then the numbers themselves."""
    layer = PeriodicLinear(2, 5, 4, 1.0, seeded(), rate_factor=0.1)
    numbers = torch.randn(1, 7, 2, generator=seeded())
    found = layer(numbers)
    assert found.shape == (1, 7, 8)
    assert torch.equal(found[..., 6:], numbers)
    angles = 2 * torch.pi * numbers[0, :, 1:] * layer.frequencies[0, 1, 0] + layer.phases[0, 1, 0]
    torch.testing.assert_close(found[0, :, 3:6], angles.cos() @ layer.weight[0, 1] + layer.bias[0, 1])


def test_clamp_holds_outside_training() -> None:
    """Targets met later widen it."""
    clamp = Clamp(1, torch.tensor([[-1.0], [2.0]]))
    outputs = torch.tensor([[[-5.0], [0.5], [5.0]]])
    assert torch.equal(clamp.train()(outputs), outputs)
    assert clamp.eval()(outputs).flatten().tolist() == [-1.0, 0.5, 2.0]
    clamp.widen(torch.tensor([[0.0], [3.0]]))
    assert clamp(outputs).flatten().tolist() == [-1.0, 0.5, 3.0]


def test_quick_dropout_drops_its_share() -> None:
    """The others are scaled up; a schedule lowers the share; nothing is dropped in evaluation."""
    layer = QuickDropout(0.25)
    layer.lanes = ReplicaContext([seeded()])
    values = torch.ones(1, 200, 500)
    dropped = layer(values)
    assert dropped.unique().tolist() == [0.0, pytest.approx(4 / 3)]
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.005)
    layer.lanes.dropout_factor = 0.2
    assert (layer(values) == 0).float().mean().item() == pytest.approx(0.05, abs=0.005)
    layer.lanes.dropout_factor = 0.0
    assert torch.equal(layer(values), values)
    assert torch.equal(layer.eval()(values), values)


def test_quick_dropout_of_a_replica_is_the_same_alone() -> None:
    """Neither other replicas nor the padding of a batch change what is drawn."""
    layer = QuickDropout(0.5)
    layer.lanes = ReplicaContext([seeded(1), seeded(2)], sizes=[3, 5])
    together = layer(torch.ones(2, 5, 3))
    layer.lanes = ReplicaContext([seeded(1)])
    assert torch.equal(layer(torch.ones(1, 3, 3)), together[:1, :3])
