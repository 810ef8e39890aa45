"""Learning rates, weight decay and dropout by parameter and over time, and what early stopping watches."""

from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification
from torch import Tensor, nn

from bakeoff.estimators import MLPClassifier, TorchClassifier
from bakeoff.estimators.layers.layers import Dropout, ReplicaContext, Training
from bakeoff.estimators.training.optimizers import REGULARISATION_SCHEDULES, SCHEDULES, group_parameters
from bakeoff.estimators.training.stopping import Monitor, Plateau

pytestmark = pytest.mark.usefixtures("one_thread")


class Scaled(nn.Module):
    """A linear map whose bias does not decay and learns at a tenth of the rate, and whose scale does not learn."""

    training_of: ClassVar = {"bias": Training(rate_factor=0.1, decay_factor=0.0), "scale": Training(rate_factor=0.0)}

    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_outputs, n_features))
        self.bias = nn.Parameter(torch.ones(n_outputs))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, rows: Tensor) -> Tensor:
        """Return (n, outputs) of rows (n, features)."""
        return nn.functional.linear(rows, self.weight, self.bias) * self.scale


def train(**params: Any) -> Scaled:
    """Train for one step of all rows."""
    X, y = make_classification(40, 5, weights=[0.7], random_state=0)
    common = {"max_epochs": 1, "batch_size": 40, "random_state": 0, "learning_rate": 0.1}
    net = TorchClassifier(module=Scaled, **{**common, **params}).fit(X, y)
    module: Scaled = net.module_
    return module


def test_parameters_learn_at_their_own_rates() -> None:
    """With Adam the first step of each weight is its learning rate."""
    module = train(optimizer="adam")
    np.testing.assert_allclose((module.weight - 1).abs().detach(), 0.1, rtol=1e-3)
    np.testing.assert_allclose((module.bias - 1).abs().detach(), 0.01, rtol=1e-3)
    assert module.scale.item() == 1


def test_some_parameters_do_not_decay() -> None:
    """Decoupled decay takes rate times decay of a weight, and nothing of a parameter that does not decay."""
    with_decay, without = (train(optimizer="adamw", weight_decay=decay) for decay in (0.5, 0.0))
    np.testing.assert_allclose((without.weight - with_decay.weight).detach(), 0.1 * 0.5, rtol=1e-5)
    np.testing.assert_array_equal(without.bias.detach(), with_decay.bias.detach())


def test_ordinary_nets_have_one_group() -> None:
    """Where no layer wishes otherwise, all weights are trained alike, in the order of the network."""
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    [group] = group_parameters(network)
    assert [id(weight) for weight in group["params"]] == [id(weight) for weight in network.parameters()]


def test_log_cosine_goes_through_four_waves() -> None:
    """It starts and ends at zero, is one in the middle of each wave, and the waves double in length (plus one)."""
    rate = SCHEDULES["log-cosine"]
    zeros = [(2**wave - 1) / 15 for wave in range(5)]
    peaks = [(2 ** (wave + 0.5) - 1) / 15 for wave in range(4)]
    assert [rate(progress) for progress in zeros] == pytest.approx([0] * 5, abs=1e-12)
    assert [rate(progress) for progress in peaks] == pytest.approx([1] * 4)


def test_flat_cosine_holds_then_falls() -> None:
    """One for the first half, a half at three quarters, nothing at the end."""
    factor = REGULARISATION_SCHEDULES["flat-cosine"]
    assert [factor(progress) for progress in (0, 0.25, 0.5, 0.75, 1)] == pytest.approx([1, 1, 1, 0.5, 0])


def test_dropout_follows_its_schedule() -> None:
    """A factor of the context scales the share that is dropped, and what is kept makes up for it."""
    layer = Dropout(0.5)
    layer.lanes = ReplicaContext([torch.Generator().manual_seed(0)], dropout_factor=0.5)
    values = layer(torch.ones(1, 100, 100))
    assert (values == 0).double().mean().item() == pytest.approx(0.25, abs=0.02)
    assert values.max().item() == pytest.approx(1 / 0.75)
    layer.lanes.dropout_factor = 0.0
    assert (layer(torch.ones(1, 2, 2)) == 1).all()


def test_weight_decay_follows_its_schedule() -> None:
    """At the end of a schedule that falls to nothing, less has decayed."""
    X, y = make_classification(40, 5, random_state=0)
    common: dict[str, Any] = {"hidden_layer_sizes": (), "optimizer": "adamw", "weight_decay": 1.0, "max_epochs": 30}
    nets = [
        MLPClassifier(weight_decay_schedule=schedule, learning_rate=0.02, random_state=0, **common).fit(X, y)
        for schedule in ("constant", "flat-cosine")
    ]
    constant, falling = (next(net.module_.parameters()).norm().item() for net in nets)
    assert constant < 0.95 * falling


def test_last_of_the_best_scores_counts() -> None:
    """Watching the score, an epoch that is as good as the best takes its place; watching the loss, it does not."""
    for keeps_last, expected in ((True, [True, False, True]), (False, [True, False, False])):
        plateau = Plateau(patience=9, tol=0.0, keeps_last=keeps_last)
        assert [plateau.update(loss) for loss in (0.2, 0.3, 0.2)] == expected


def test_monitor_watches_the_score() -> None:
    """Losses may rise while the score does: the better score is the better epoch."""
    monitor = Monitor(Plateau(9, 0.0, keeps_last=True), 10, watches_score=True)
    rows = [(1.0, 0.5), (2.0, 0.7), (0.5, 0.6)]
    improved = [
        monitor.observe({"training_loss": 1.0, "validation_loss": loss, "validation_score": score})
        for loss, score in rows
    ]
    assert improved == [True, True, False]


def test_best_score_is_what_is_kept() -> None:
    """A net that watches the score ends with weights of its best score on the held-out rows."""
    X, y = make_classification(120, 5, flip_y=0.3, random_state=0)
    held_out = np.arange(40)
    common: dict[str, Any] = {"max_epochs": 30, "n_iter_no_change": 30, "learning_rate": 0.1, "random_state": 0}
    by_score, by_loss = (
        MLPClassifier(monitor=monitor, **common).fit(X, y, validation_rows=held_out) for monitor in ("score", "loss")
    )
    assert by_score.score(X[held_out], y[held_out]) == pytest.approx(max(by_score.validation_scores_))
    last_best = max(
        place for place, score in enumerate(by_score.validation_scores_) if score == max(by_score.validation_scores_)
    )
    first_lowest = int(np.argmin(by_loss.validation_loss_curve_))
    assert last_best != first_lowest
    assert not np.allclose(by_score.predict_proba(X), by_loss.predict_proba(X))


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"max_epochs": 3}, True),
        ({"max_epochs": 3, "early_stopping": True}, True),
        ({"max_epochs": 3, "schedule": "one-cycle"}, False),
        ({"max_epochs": 500, "n_iter_no_change": 3, "tol": 0.01}, False),
    ],
    ids=str,
)
def test_short_trainings_are_told(params: dict[str, Any], expected: bool) -> None:
    """A net that used up its epochs while its loss fell says so; one that ended by its plateau or schedule does not."""
    X, y = make_classification(80, 5, n_informative=4, n_redundant=0, random_state=0)
    net = MLPClassifier(random_state=0, learning_rate=0.005, **params).fit(X, y)
    assert net.stopped_while_improving_ is expected
