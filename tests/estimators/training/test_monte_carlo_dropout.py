"""Monte-Carlo dropout: only dropout is random, the seed rules it, and the net stays as it was."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import NotFittedError
from torch import Tensor, nn

from bakeoff.estimators.nets.cnn import CNNClassifier, CNNRegressor
from bakeoff.estimators.nets.custom import TorchClassifier, TorchRegressor
from bakeoff.estimators.nets.lstm import LSTMClassifier, LSTMRegressor
from bakeoff.estimators.nets.mlp import MLPClassifier, MLPRegressor

X, CODES = make_classification(40, 6, n_informative=4, n_classes=3, random_state=0)
NUMBERS = make_regression(40, 6, n_targets=2, random_state=0)[1]


def build_noisy(n_features: int, n_outputs: int) -> nn.Module:
    """Build a module of one's own with batch norm and dropout."""
    return nn.Sequential(nn.Linear(n_features, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, n_outputs))


def build_transformer(n_features: int, n_outputs: int) -> nn.Module:
    """Build a transformer, which in evaluation mode takes fused shortcuts around its dropout."""
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.5, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 1)
    return nn.Sequential(
        nn.Unflatten(1, (n_features, 1)), nn.Linear(1, 4), encoder, nn.Flatten(), nn.Linear(4 * n_features, n_outputs)
    )


class Attending(nn.Module):
    """Attention is the one place with dropout."""

    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(n_features, 1, dropout=0.5, batch_first=True)
        self.head = nn.Linear(n_features, n_outputs)

    def forward(self, rows: Tensor) -> Tensor:
        """Return (n, outputs)."""
        steps = torch.stack([rows, -rows], dim=1)
        outputs: Tensor = self.head(self.attention(steps, steps, steps, need_weights=False)[0].mean(1))
        return outputs


class Recurring(nn.Module):
    """The recurrence is the one place with dropout."""

    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__()
        self.recurrence = nn.GRU(n_features, 4, num_layers=2, dropout=0.5, batch_first=True)
        self.head = nn.Linear(4, n_outputs)

    def forward(self, rows: Tensor) -> Tensor:
        """Return (n, outputs)."""
        outputs: Tensor = self.head(self.recurrence(rows[:, None])[0][:, 0])
        return outputs


CASES: list[tuple[type, dict[str, Any]]] = [
    (MLPClassifier, {"dropout": 0.5, "batch_norm": True}),
    (MLPRegressor, {"dropout": 0.5}),
    (CNNClassifier, {"channels": (4,), "dropout": 0.5, "batch_norm": True}),
    (CNNRegressor, {"channels": (4,), "hidden_layer_sizes": (), "dropout": 0.5}),
    (LSTMClassifier, {"hidden_size": 4, "dropout": 0.5, "batch_norm": True}),
    (LSTMRegressor, {"hidden_size": 4, "num_layers": 2, "dropout": 0.5}),
    (TorchClassifier, {"module": build_noisy}),
    (TorchRegressor, {"module": build_transformer}),
    (TorchRegressor, {"module": Attending}),
    (TorchRegressor, {"module": Recurring}),
]


@pytest.fixture(params=CASES, ids=lambda case: case[1].get("module", case[0]).__name__)
def net(request: pytest.FixtureRequest) -> Any:
    """Return a fitted net with dropout."""
    kind, params = request.param
    targets = CODES if kind.__name__.endswith("Classifier") else NUMBERS
    return kind(max_epochs=3, batch_size=16, random_state=0, **params).fit(X, targets)


def point_predictions(net: Any) -> NDArray[Any]:
    """Probabilities, or numbers."""
    return np.asarray(net.predict_proba(X) if hasattr(net, "classes_") else net.predict(X))


def test_shape_and_spread(net: Any) -> None:
    """Samples have the shape of predictions behind their own axis, and no two are alike."""
    samples = net.predict_samples(X, 5, random_state=0)
    assert samples.shape == (5, *point_predictions(net).shape)
    assert len(np.unique(samples, axis=0)) == 5
    if hasattr(net, "classes_"):
        np.testing.assert_allclose(samples.sum(axis=2), 1)


def test_seed(net: Any) -> None:
    """The same seed gives the same samples, another one others, and none anew each time."""
    one, two, other, none, again = (net.predict_samples(X, 3, random_state=seed) for seed in (1, 1, 2, None, None))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
    assert not np.array_equal(none, again)


def test_global_generators_untouched(net: Any) -> None:
    """Sampling draws nothing from torch's and numpy's global generators, with or without a seed."""
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
    net.predict_samples(X, 2, random_state=0)
    net.predict_samples(X, 2)
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # type: ignore[index]


def test_net_stays_as_it_was(net: Any) -> None:
    """Afterwards the net predicts the same bits, in evaluation mode throughout, with the moments of its batch norm."""
    before, state = point_predictions(net), {name: value.clone() for name, value in net.module_.state_dict().items()}
    net.predict_samples(X, 2, random_state=0)
    assert not any(layer.training for layer in net.module_.modules())
    np.testing.assert_array_equal(point_predictions(net), before)
    assert all(torch.equal(value, state[name]) for name, value in net.module_.state_dict().items())


def test_net_stays_as_it_was_after_an_error() -> None:
    """An error in the middle of sampling leaves mode and global generators alone too."""

    class Breaking(nn.Module):
        def forward(self, rows: Tensor) -> Tensor:
            """Fail once dropout is on."""
            torch.rand(1)
            if len(rows) == 3:
                raise RuntimeError("broken")
            return rows

    net = TorchClassifier(module=nn.Sequential(nn.Linear(6, 3), nn.Dropout(0.5), Breaking()), max_epochs=1).fit(
        X, CODES
    )
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="broken"):
        net.predict_samples(X[:3], 2)
    assert not any(layer.training for layer in net.module_.modules())
    assert torch.equal(torch.get_rng_state(), before)


def test_moments_of_a_linear_net() -> None:
    """Behind dropout p, sum of w * x has the mean without dropout and the variance p / (1 - p) * sum of (w * x)²."""
    module = nn.Sequential(nn.Dropout(0.25), nn.Linear(6, 1, bias=False))
    net = TorchRegressor(module=module, max_epochs=1, random_state=0).fit(X, NUMBERS[:, 0])
    samples = net.predict_samples(X, 20_000, random_state=0)
    weights = net.module_[1].weight.detach().numpy()
    deviations = net.target_scale_ * np.sqrt(((X * weights) ** 2).sum(axis=1) / 3)
    np.testing.assert_allclose(samples.std(axis=0), deviations, rtol=0.03)
    errors = (samples.mean(axis=0) - net.predict(X)) / (deviations / np.sqrt(20_000))
    assert np.abs(errors).max() < 4.5


def test_batch_norm_does_not_see_the_batch() -> None:
    """Batch norm keeps its moments: the same draws for a row, whatever rows come after it."""
    net = MLPRegressor(dropout=0.5, batch_norm=True, max_epochs=2, random_state=0).fit(X, NUMBERS)
    alone, among = (net.predict_samples(rows, 1, random_state=0)[0, 0] for rows in (X[:1], X))
    np.testing.assert_allclose(alone, among)


def test_many_rows_go_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows there are, no pass takes more than an inference batch."""
    monkeypatch.setattr("bakeoff.estimators.training.inference.INFERENCE_ROWS", 16)
    net = TorchRegressor(module=build_noisy, max_epochs=1, random_state=0).fit(X, NUMBERS[:, 0])
    lengths: list[int] = []
    net.module_[2].register_forward_pre_hook(lambda layer, values: lengths.append(len(values[0])))
    assert net.predict_samples(X, 2, random_state=0).shape == (2, 40)
    assert lengths == [16, 16, 16, 16, 8, 8]


@pytest.mark.parametrize("kind", [MLPClassifier, CNNClassifier, LSTMClassifier])
def test_needs_dropout(kind: type) -> None:
    """Without dropout there is nothing to sample, and the error says what to do."""
    net = kind(max_epochs=1).fit(X, CODES)
    with pytest.raises(ValueError, match="Set dropout > 0"):
        net.predict_samples(X)


@pytest.mark.parametrize("n_samples", [0, -1, 2.0, True, "many"])
def test_number_of_samples(n_samples: Any) -> None:
    """The number of samples is a positive whole number."""
    net = MLPClassifier(dropout=0.5, max_epochs=1).fit(X, CODES)
    with pytest.raises(ValueError, match=r"'n_samples' parameter must be an int in the range \[1, inf\)"):
        net.predict_samples(X, n_samples)


def test_unfitted() -> None:
    """An unfitted net has nothing to sample from."""
    with pytest.raises(NotFittedError):
        MLPClassifier(dropout=0.5).predict_samples(X)


def test_multilabel() -> None:
    """Of several labels each has a probability of its own."""
    net = MLPClassifier(dropout=0.5, max_epochs=1, random_state=0).fit(X, np.eye(3, dtype=int)[CODES])
    samples = net.predict_samples(X, 4, random_state=0)
    assert samples.shape == (4, 40, 3)
    assert not np.allclose(samples.sum(axis=2), 1)
