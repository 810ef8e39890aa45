"""How nets train: the same bits for the same seed; known steps of optimizers, schedules and penalties; row weights."""

import math
from collections.abc import Iterator
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression
from torch import Tensor, nn

from bakeoff.estimators import (
    CNNClassifier,
    CNNRegressor,
    LSTMClassifier,
    LSTMRegressor,
    MLPClassifier,
    MLPRegressor,
    TorchClassifier,
    TorchRegressor,
)
from bakeoff.estimators.training.batches import count_batches
from bakeoff.estimators.training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.usefixtures("one_thread")


class Noisy(nn.Sequential):
    """A module of one's own that draws random numbers and keeps running means."""

    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__(
            nn.Linear(n_features, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, n_outputs)
        )


class Bare(nn.Module):
    """A linear map whose weights start where a test wants them, and whose bias stays there."""

    def __init__(self, n_features: int, n_outputs: int, weight: float = 0.0, bias: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((n_outputs, n_features), weight))
        self.register_buffer("bias", torch.tensor(bias or (0.0,) * n_outputs))

    def forward(self, rows: Tensor) -> Tensor:
        """Return (n, outputs)."""
        return rows @ self.weight.T + self.bias


FULL: dict[str, Any] = {
    "batch_size": 16,
    "early_stopping": True,
    "max_epochs": 3,
    "random_state": 0,
    "schedule": "cosine",
}
NOISE: dict[str, Any] = {"dropout": 0.3, "batch_norm": True}
NETS = [
    *(kind(hidden_layer_sizes=(8,), **NOISE, **FULL) for kind in (MLPClassifier, MLPRegressor)),
    *(kind(channels=(3,), hidden_layer_sizes=(8,), **NOISE, **FULL) for kind in (CNNClassifier, CNNRegressor)),
    *(kind(hidden_size=5, num_layers=2, **NOISE, **FULL) for kind in (LSTMClassifier, LSTMRegressor)),
    *(kind(module=Noisy, **FULL) for kind in (TorchClassifier, TorchRegressor)),
]
each_net = pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)

# One step of plain gradient descent with all rows.
STEP: dict[str, Any] = {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.5, "max_epochs": 1, "batch_size": 1000}


def data_for(net: Any, n_samples: int = 60) -> tuple[Any, Any]:
    """Build a small task that suits the estimator."""
    if is_classifier(net):
        return make_classification(n_samples, 6, n_informative=4, n_classes=3, random_state=0)
    return make_regression(n_samples, 6, noise=1.0, random_state=0)


def weights_of(net: Any) -> list[Any]:
    """All weights and buffers of the fitted network."""
    return [tensor.numpy() for tensor in net.module_.state_dict().values()]


def assert_same_weights(one: Any, other: Any, tolerance: float = 0.0) -> None:
    """Fail unless both networks hold the same bits, or almost."""
    for left, right in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_allclose(left, right, rtol=0, atol=tolerance)


def gradient_of(weight: Any, X: Any, y: Any) -> Any:
    """Gradient of the mean cross-entropy of two classes by the weights of a linear map without bias."""
    scores = np.exp(X @ weight.T)
    return (scores / scores.sum(axis=1, keepdims=True) - np.eye(2)[y]).T @ X / len(X)


def stepped(weight: float = 0.0, **params: Any) -> tuple[Any, Any]:
    """Weights of a linear net for two classes after one step, and its gradient before it."""
    X, y = make_classification(40, 4, random_state=0)
    net = TorchClassifier(module=Bare, module_params={"weight": weight}, **{**STEP, **params}).fit(X, y)
    return net.module_.weight.detach().numpy(), gradient_of(np.full((2, 4), weight), X, y)


@each_net
def test_same_seed_gives_same_bits(net: Any) -> None:
    """Two fits with one seed give identical weights and curves; another seed does not."""
    X, y = data_for(net)
    one, two, other = (clone(net).set_params(random_state=seed).fit(X, y) for seed in (0, 0, 1))
    assert_same_weights(one, two)
    assert one.history_.equals(two.history_)
    assert one.loss_curve_ != other.loss_curve_
    states = [clone(net).set_params(random_state=np.random.RandomState(0)).fit(X, y) for _ in range(2)]
    assert_same_weights(*states)


@each_net
def test_global_generators_untouched(net: Any) -> None:
    """Training with noise, shuffles and held-out rows neither moves nor reads torch's and numpy's global state."""
    X, y = data_for(net)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    one = clone(net).fit(X, y)
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
    with torch.random.fork_rng():
        torch.manual_seed(123)
        assert_same_weights(one, clone(net).fit(X, y))


@pytest.fixture(scope="module")
def workers() -> Iterator[joblib.Parallel]:
    """Start worker processes of one thread each."""
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1), joblib.Parallel(n_jobs=2) as parallel:
        yield parallel


def test_worker_processes_give_the_same_bits(workers: joblib.Parallel) -> None:
    """With as many threads, a fit in another process is this one's to the last bit."""
    nets = [net for net in NETS if not isinstance(net, TorchClassifier | TorchRegressor)]
    distant = workers(joblib.delayed(clone(net).fit)(*data_for(net)) for net in nets)
    for net, other in zip(nets, distant, strict=True):
        assert_same_weights(clone(net).fit(*data_for(net)), other)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu"])
def test_optimizers_and_activations_lower_the_loss(optimizer: str, activation: str) -> None:
    """Every optimizer makes progress with every activation."""
    X, y = data_for(NETS[0])
    rate = 1.0 if optimizer == "adadelta" else 0.01
    net = MLPClassifier(optimizer=optimizer, activation=activation, learning_rate=rate, max_epochs=10, random_state=0)
    losses = net.fit(X, y).loss_curve_
    assert losses[-1] < 0.97 * losses[0]


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop", "adagrad", "adadelta"])
def test_first_step_of_each_optimizer(optimizer: str) -> None:
    """An adaptive optimizer's first step is known: its size hardly depends on the gradient's, its sign does."""
    weight, gradient = stepped(optimizer=optimizer, learning_rate=0.1)
    size = {"rmsprop": 10.0, "adadelta": (1e-6 / 0.1) ** 0.5}.get(optimizer, 1.0)  # by torch's other defaults
    np.testing.assert_allclose(weight, -0.1 * size * np.sign(gradient), rtol=0.01)


def test_momentum() -> None:
    """The second step of "sgd" adds the momentum's share of the first; Nesterov's looks ahead by as much again."""
    first, gradient = stepped()
    np.testing.assert_allclose(first, -0.5 * gradient)
    second = gradient_of(first, *make_classification(40, 4, random_state=0))
    heavy, _ = stepped(max_epochs=2, momentum=0.9, nesterovs_momentum=False)
    np.testing.assert_allclose(heavy, first - 0.5 * (second + 0.9 * gradient))
    ahead, _ = stepped(momentum=0.9, nesterovs_momentum=True)
    np.testing.assert_allclose(ahead, -0.5 * 1.9 * gradient)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [1.0] * 10),
        ("cosine", [(1 + math.cos(math.pi * epoch / 10)) / 2 for epoch in range(10)]),
        (
            "one-cycle",
            [
                *(0.04 + 0.96 * (1 - math.cos(math.pi * epoch / 3)) / 2 for epoch in range(3)),
                *(4e-6 + (1 - 4e-6) * (1 + math.cos(math.pi * (epoch - 3) / 7)) / 2 for epoch in range(3, 10)),
            ],
        ),
    ],
)
def test_schedules(schedule: str, expected: list[float]) -> None:
    """The learning rates of the epochs are those of the formula."""
    net = MLPClassifier(learning_rate=0.2, schedule=schedule, max_epochs=10, n_iter_no_change=10, random_state=0)
    rates = net.fit(*data_for(net)).history_["learning_rate"]
    np.testing.assert_allclose(rates, 0.2 * np.array(expected))


def test_schedules_go_by_steps() -> None:
    """Within an epoch the rate goes on falling: the history shows that of its last step."""
    net = MLPClassifier(learning_rate=0.2, schedule="cosine", max_epochs=2, batch_size=15)
    rates = net.fit(*data_for(net)).history_["learning_rate"]
    np.testing.assert_allclose(rates, [0.1 * (1 + math.cos(math.pi * step / 8)) for step in (3, 7)])


def test_plateau_schedule() -> None:
    """After half of the patience without progress the rate is a tenth; after all of it training stops."""
    X, y = data_for(NETS[0])
    net = MLPClassifier(learning_rate=0.2, schedule="plateau", tol=100.0, n_iter_no_change=4, random_state=0).fit(X, y)
    np.testing.assert_allclose(net.history_["learning_rate"], [0.2, 0.2, 0.2, 0.02, 0.02, 0.02])
    assert_same_weights(net.set_params(max_epochs=3).fit(X, y), clone(net).set_params(schedule="constant").fit(X, y))


def test_rates_change_the_steps() -> None:
    """The rate in the history is the one that is stepped with: a plateau's smaller step is a tenth as long."""
    base, _ = stepped(max_epochs=2, schedule="plateau", tol=100.0, n_iter_no_change=2)
    small, _ = stepped(max_epochs=3, schedule="plateau", tol=100.0, n_iter_no_change=2)
    full, _ = stepped(max_epochs=3, tol=100.0, n_iter_no_change=2)
    np.testing.assert_allclose(small - base, 0.1 * (full - base))


def test_penalties_enter_the_step() -> None:
    """The gradient has weight_decay times the weight, and l1 times its sign, on top of the loss's."""
    plain, gradient = stepped(weight=-2.0)
    np.testing.assert_allclose(plain, -2.0 - 0.5 * gradient)
    np.testing.assert_allclose(stepped(weight=-2.0, weight_decay=0.1)[0], plain + 0.5 * 0.1 * 2.0)
    np.testing.assert_allclose(stepped(weight=-2.0, l1=0.1)[0], plain + 0.5 * 0.1)
    decoupled = {"optimizer": "adamw", "learning_rate": 0.5}
    before, after = (stepped(weight=-2.0, weight_decay=decay, **decoupled)[0] for decay in (0.0, 0.1))
    np.testing.assert_allclose(after - before, 0.5 * 0.1 * 2.0)


def test_longest_gradient() -> None:
    """A step is no longer than learning_rate * max_grad_norm, and keeps its direction; a shorter one is left alone."""
    plain, _ = stepped()
    clipped, _ = stepped(max_grad_norm=0.01)
    assert np.linalg.norm(clipped) <= 0.5 * 0.01
    np.testing.assert_allclose(clipped / 0.005, plain / np.linalg.norm(plain), rtol=1e-3)
    np.testing.assert_array_equal(stepped(max_grad_norm=100.0)[0], plain)


def test_penalties_shrink_what_is_learned() -> None:
    """l1 leaves more weights near zero, weight decay shorter ones."""
    X, y = data_for(NETS[0])
    params = {"learning_rate": 0.02, "max_epochs": 100, "random_state": 0}
    plain, sparse, short = (
        np.abs(np.concatenate([part.ravel() for part in weights_of(MLPClassifier(**params, **penalty).fit(X, y))]))
        for penalty in ({}, {"l1": 0.02}, {"weight_decay": 0.05})
    )
    assert (sparse < 0.01).mean() > 5 * (plain < 0.01).mean()
    assert np.linalg.norm(short) < 0.5 * np.linalg.norm(plain)


def test_label_smoothing() -> None:
    """Training smooths the labels, by a known loss; validation does not."""
    X, y = np.zeros((4, 2)), np.array([0, 1, 2, 0])
    logs = np.log(np.exp([1.0, 0, 0]) / np.exp([1.0, 0, 0]).sum())
    params = {"module": Bare, "module_params": {"bias": (1.0, 0.0, 0.0)}, "label_smoothing": 0.3, **STEP}
    net = TorchClassifier(**{**params, "learning_rate": 1e-12}).fit(X, y, validation_data=(X[:1], y[:1]))
    assert net.loss_curve_ == pytest.approx([-0.7 * logs[y].mean() - 0.3 * logs.mean()])
    assert net.validation_loss_curve_ == pytest.approx([-logs[0]])


def test_label_smoothing_of_multilabel() -> None:
    """Each label by itself is smoothed towards a half."""
    X, Y = np.zeros((2, 2)), np.array([[1, 0], [1, 1]])
    yes, no = math.log(1 + math.exp(-1)), math.log(1 + math.exp(1))  # of labels whose logit is one
    params = {"module": Bare, "module_params": {"bias": (1.0, 1.0)}, "label_smoothing": 0.2, **STEP}
    net = TorchClassifier(**params).fit(X, Y)
    assert net.loss_curve_ == pytest.approx([0.75 * (0.9 * yes + 0.1 * no) + 0.25 * (0.1 * yes + 0.9 * no)])


def test_class_weight_multiplies_sample_weight() -> None:
    """A dict of class weights equals the same weights by row; "balanced" equals its own formula."""
    X, y = make_classification(60, 4, weights=[0.8], random_state=0)
    net = MLPClassifier(max_epochs=3, batch_size=16, random_state=0)
    rows = np.linspace(1, 2, 60)
    by_row = clone(net).fit(X, y, sample_weight=rows * np.where(y == 1, 3.0, 1.0))
    assert_same_weights(by_row, clone(net).set_params(class_weight={1: 3.0}).fit(X, y, sample_weight=rows))
    balanced = clone(net).fit(X, y, sample_weight=(60 / (2 * np.bincount(y)))[y])
    assert_same_weights(balanced, clone(net).set_params(class_weight="balanced").fit(X, y))


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_zero_weight_is_absence(kind: type) -> None:
    """Rows of weight zero change no bit of the fit, minibatches and early stopping included."""
    net = kind(batch_size=16, max_epochs=3, early_stopping=True, random_state=0)
    X, y = data_for(net)
    weights = (np.arange(60) % 3 > 0).astype(float)
    assert_same_weights(clone(net).fit(X, y, sample_weight=weights * 8), clone(net).fit(X[weights > 0], y[weights > 0]))


@each_net
def test_weight_two_is_a_row_twice(net: Any) -> None:
    """Where each batch is all rows, weights of two are rows that come twice."""
    if isinstance(net, TorchClassifier | TorchRegressor):
        net = clone(net).set_params(module=nn.Linear)
    else:
        net = clone(net).set_params(dropout=0.0, batch_norm=False)
    net.set_params(batch_size=1000, early_stopping=False, l1=0.001)
    X, y = data_for(net)
    twice = np.concatenate([np.arange(60), np.arange(20)])
    weighted = clone(net).fit(X, y, sample_weight=np.where(np.arange(60) < 20, 2.0, 1.0))
    assert_same_weights(weighted, clone(net).fit(X[twice], y[twice]), tolerance=1e-10)


def test_weights_of_multilabel_rows() -> None:
    """Multilabel rows are weighted too."""
    X, Y = make_multilabel_classification(60, 6, n_classes=3, random_state=0)
    net = MLPClassifier(max_epochs=3, random_state=0)
    twice = np.concatenate([np.arange(60), np.arange(20)])
    weighted = clone(net).fit(X, Y, sample_weight=np.where(np.arange(60) < 20, 2.0, 1.0))
    assert_same_weights(weighted, clone(net).fit(X[twice], Y[twice]), tolerance=1e-10)


@each_net
def test_batch_norm_meets_no_batch_of_one_row(net: Any) -> None:
    """A last minibatch of one row joins its neighbour."""
    X, y = data_for(net, 33)
    assert clone(net).set_params(early_stopping=False).fit(X, y).n_iter_ == 3


def test_number_of_batches() -> None:
    """None is larger than one row over, none is a lone row unless batches are."""
    cases = {(33, 16): 2, (34, 16): 3, (32, 16): 2, (3, 16): 1, (1, 16): 1, (3, 1): 3}
    assert {case: count_batches(*case) for case in cases} == cases


def test_defaults_of_an_architecture_win() -> None:
    """A default that an architecture changes reaches its public classes; class_weight is for classifiers."""
    for kind in (LSTMClassifier, LSTMRegressor):
        assert kind().get_params()["activation"] == "tanh"
        assert kind().get_params()["learning_rate"] == 5e-3
    for net in NETS:
        assert ("class_weight" in net.get_params()) == is_classifier(net)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_modes_of_the_caller(mode: Any) -> None:
    """A fit inside no_grad or inference_mode is the fit outside, and goes on outside."""
    net = MLPClassifier(max_epochs=2, random_state=0)
    X, y = make_classification(random_state=0)
    with mode():
        inside = clone(net).fit(X, y)
    np.testing.assert_array_equal(inside.predict_proba(X), clone(net).fit(X, y).predict_proba(X))
    inside.partial_fit(X, y)


def test_threads_give_the_same_bits() -> None:
    """Modules that draw from torch's global generator do not disturb each other in threads."""

    def fit(seed: int) -> Any:
        return LSTMClassifier(hidden_size=3, dropout=0.5, max_epochs=10, random_state=seed).fit(X, y).predict_proba(X)

    X, y = make_classification(40, 6, random_state=0)
    alone, state = [fit(seed) for seed in range(4)], torch.get_rng_state()
    together = joblib.Parallel(n_jobs=4, backend="threading")(joblib.delayed(fit)(seed) for seed in range(4))
    np.testing.assert_array_equal(together, alone)
    assert torch.equal(torch.get_rng_state(), state)


def test_modules_of_ones_own_are_copied_and_filled() -> None:
    """A function that gives one module again and again is not trained itself; lazy layers get their weights."""
    X, y = make_classification(random_state=0)
    module = nn.Linear(20, 2)
    before = module.weight.detach().clone()
    TorchClassifier(module=lambda *_: module, max_epochs=2).fit(X, y)
    assert torch.equal(module.weight, before)
    lazy = TorchClassifier(module=lambda _, n_outputs: nn.LazyLinear(n_outputs), max_epochs=2, random_state=0)
    np.testing.assert_array_equal(lazy.fit(X, y).predict(X), clone(lazy).fit(X, y).predict(X))


def test_parameters_may_change_between_partial_fits() -> None:
    """The new weight decay counts; another optimizer starts afresh."""
    X, y = make_classification(random_state=0)
    net, other = (MLPClassifier(random_state=0).partial_fit(X, y, classes=[0, 1]) for _ in range(2))
    other.set_params(weight_decay=10.0).partial_fit(X, y)
    assert not np.allclose(other.predict_proba(X), net.partial_fit(X, y).predict_proba(X), atol=1e-9)
    assert net.set_params(optimizer="sgd").partial_fit(X, y).n_iter_ == 3


def test_numpy_bools_stop() -> None:
    """A callback may answer with numpy's True."""
    net = MLPClassifier(callbacks=lambda *_: np.True_, max_epochs=3)
    assert net.fit(*make_classification(random_state=0)).n_iter_ == 1
