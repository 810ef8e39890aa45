"""Saved nets: they come back bit by bit, go on learning, and what is no such file is refused in words."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import NotFittedError
from torch import nn

from bakeoff.estimators.json_values import from_json, to_json
from bakeoff.estimators.nets.cnn import CNNClassifier, CNNRegressor
from bakeoff.estimators.nets.custom import TorchClassifier, TorchRegressor
from bakeoff.estimators.nets.lstm import LSTMClassifier, LSTMRegressor
from bakeoff.estimators.nets.mlp import MLPClassifier, MLPRegressor
from bakeoff.estimators.nets.persistence import FITTED_ATTRIBUTES
from bakeoff.estimators.text_nets.averaged_embeddings import AveragedEmbeddingsClassifier
from bakeoff.estimators.text_nets.text_transformer import TextTransformerClassifier

X, CODES = make_classification(60, 6, n_informative=4, n_classes=3, random_state=0)
NUMBERS = make_regression(60, 6, n_targets=2, random_state=0)[1]
TOKENS = np.random.default_rng(0).integers(1, 9, size=(60, 5)).astype(float)
FRAME = pd.DataFrame({"colour": pd.Categorical(["red", "green", None] * 20), "size": X[:, 0], "made": ["a", "b"] * 30})


def build_tail(n_features: int, n_outputs: int, width: int = 4) -> nn.Module:
    """Build a module of one's own, with a buffer and tied weights."""
    first, second = nn.Linear(width, width), nn.Linear(width, width)
    second.weight = first.weight
    return nn.Sequential(
        nn.Linear(n_features, width), first, second, nn.BatchNorm1d(width), nn.Linear(width, n_outputs)
    )


CASES: list[tuple[type, dict[str, Any], Any, Any]] = [
    (MLPClassifier, {}, X, CODES),
    (MLPClassifier, {"hidden_layer_sizes": [8, 8], "batch_norm": True, "residual": True}, X, CODES),
    (MLPClassifier, {"numeric_embedding": "piecewise-linear", "embedding_size": 3}, FRAME, CODES),
    (MLPRegressor, {"layer_norm": True, "numeric_embedding": "periodic", "embedding_size": 3}, X, NUMBERS),
    (MLPRegressor, {"hidden_layer_sizes": (), "early_stopping": True}, X.astype(np.float32), NUMBERS[:, 0]),
    (MLPClassifier, {"categorical_features": np.array([1])}, TOKENS, np.eye(3, dtype=int)[CODES]),
    (MLPClassifier, {"categorical_features": [0, 1, 2, 3, 4]}, TOKENS.astype(str), CODES),
    (CNNClassifier, {"input_shape": (1, 2, 3), "channels": (4,), "batch_norm": True}, X, CODES),
    (CNNClassifier, {"vocabulary_size": "auto", "embedding_size": 4, "channels": (4,)}, TOKENS, CODES),
    (CNNRegressor, {"channels": (4,), "kernel_size": (2, 3)}, X, NUMBERS),
    (LSTMClassifier, {"hidden_size": 4, "num_layers": 2, "dropout": 0.2, "bidirectional": True}, X, CODES),
    (LSTMClassifier, {"hidden_size": 4, "vocabulary_size": "auto", "pooling": "attention"}, TOKENS, CODES),
    (LSTMRegressor, {"hidden_size": 4, "convolution_channels": (3,), "batch_norm": True}, X, NUMBERS),
    (TextTransformerClassifier, {"embedding_size": 8, "vocabulary_size": "auto"}, TOKENS, CODES),
    (AveragedEmbeddingsClassifier, {"n_buckets": 31, "vocabulary_size": "auto"}, TOKENS, CODES),
    (TorchClassifier, {"module": build_tail, "module_params": {"width": 5}}, X, CODES),
    (TorchRegressor, {"module": nn.Linear}, X, NUMBERS),
]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0].__name__}-{'-'.join(case[1])}")
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, Any, Any, Any]:
    """Return a fitted net, what was loaded from its file, and their data."""
    kind, params, features, targets = request.param
    net = kind(max_epochs=2, batch_size=16, random_state=0, **params).fit(features, targets)
    net.save(tmp_path / "net.safetensors")
    code = {name: value for name, value in params.items() if name == "module"}
    return net, kind.load(tmp_path / "net.safetensors", **code), features, targets


def fitted_mlp(**params: Any) -> MLPClassifier:
    """Return a small fitted net."""
    net: MLPClassifier = MLPClassifier(hidden_layer_sizes=(4,), max_epochs=1, random_state=0, **params).fit(X, CODES)
    return net


def predictions(net: Any, features: Any) -> NDArray[Any]:
    """Probabilities, or numbers."""
    return np.asarray(net.predict_proba(features) if hasattr(net, "classes_") else net.predict(features))


def rewrite(path: Path, *, tensors: dict[str, Any] | None = None, **changes: Any) -> Path:
    """Change entries of a file's document, or its tensors; None takes an entry out."""
    with safe_open(path, framework="pt") as file:
        document = json.loads(file.metadata()["bakeoff"])
        own = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    document = {name: value for name, value in (document | changes).items() if value is not None}
    kept = {name: tensor for name, tensor in (own | (tensors or {})).items() if tensor is not None}
    save_file(kept, path, metadata={"bakeoff": json.dumps(document)})
    return path


def test_predicts_the_same_bits(saved: Any) -> None:
    """A loaded net predicts bit by bit what the saved one does, and has its history, parameters and attributes."""
    net, loaded, features, _ = saved
    np.testing.assert_array_equal(predictions(loaded, features), predictions(net, features))
    pd.testing.assert_frame_equal(loaded.history_, net.history_)
    assert repr(loaded.get_params()) == repr(net.get_params())
    assert not loaded.module_.training
    assert loaded.n_parameters_ == net.n_parameters_
    for name in ("classes_", "target_mean_", "target_scale_", "feature_names_in_", "n_tokens_", "n_features_in_"):
        assert hasattr(loaded, name) == hasattr(net, name)
        np.testing.assert_array_equal(getattr(loaded, name, None), getattr(net, name, None))


def test_every_fitted_attribute_is_declared(saved: Any) -> None:
    """What `fit` leaves is either written, or the network and the optimizer's state, which are not attributes there."""
    net, loaded, *_ = saved
    assert set(vars(net)) - set(net.get_params()) - {"module_", "_resume"} <= set(FITTED_ATTRIBUTES)
    assert set(vars(loaded)) == set(vars(net)) - {"_resume"}


def test_goes_on(saved: Any) -> None:
    """A loaded net can be saved, pickled, trained on and fitted again, all as the saved one."""
    net, loaded, features, targets = saved
    again = pickle.loads(pickle.dumps(loaded))
    np.testing.assert_array_equal(predictions(again, features), predictions(net, features))
    if not net.early_stopping and np.ndim(targets) == 1:
        for one in (net, loaded):
            one.partial_fit(features, targets)
        np.testing.assert_array_equal(predictions(loaded, features), predictions(net, features))
        assert loaded.n_iter_ == 3
    for one in (net, loaded):
        one.fit(features, targets)
    np.testing.assert_array_equal(predictions(loaded, features), predictions(net, features))


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["no", "yes", "perhaps"]),
        np.array(["no", "yes", "perhaps"], dtype=object),
        np.array([-1, 2**40, 7]),
        np.array([3, 1, 2], dtype=">i2"),
        np.array([-1.0, 0.0, 2.0**60]),
        np.array([1, 2, 3], dtype=np.float16),
        np.array([False, True, True]),
    ],
    ids=lambda labels: labels.dtype.str,
)
def test_labels_keep_value_and_type(labels: NDArray[Any], tmp_path: Path) -> None:
    """Labels of every type come back as they were, dtype included."""
    net = MLPClassifier(max_epochs=1).fit(X, labels[CODES])
    net.save(tmp_path / "net")
    loaded = MLPClassifier.load(tmp_path / "net")
    assert loaded.classes_.dtype == net.classes_.dtype
    np.testing.assert_array_equal(loaded.classes_, net.classes_)
    assert [type(label) for label in loaded.predict(X)] == [type(label) for label in net.predict(X)]


def test_labels_of_other_types_are_refused(tmp_path: Path) -> None:
    """Labels that JSON cannot hold raise an error that names their type, and no file is left."""
    days = np.array(["2020-01-01", "2021-01-01", "2022-01-01"], dtype="datetime64[D]")
    net = MLPClassifier(max_epochs=1).fit(X, days[CODES])
    with pytest.raises(ValueError, match=r"'classes_' attribute .* datetime64\[D\]"):
        net.save(tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "value",
    [
        (1, (2.5, None)),
        {1: 0.5, "two": [True, (3,)], (4, 5): -0.0},
        [float("inf"), 5e-324, 1 / 3, 2**70],
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.array(["a", None, 1, 1.5, True], dtype=object),
        np.empty((0, 2), dtype="<U3"),
    ],
)
def test_values_survive_json(value: Any) -> None:
    """Tuples, dicts with any keys and arrays come back from JSON with value and type."""
    back = from_json(json.loads(json.dumps(to_json(value))))
    assert repr(back) == repr(value)
    assert type(back) is type(value)


def test_class_weights_keep_their_keys(tmp_path: Path) -> None:
    """The integer labels of class weights are integers again, and a refit takes them."""
    net = fitted_mlp(class_weight={0: 2.0, np.int64(2): np.float32(0.5)})
    net.save(tmp_path / "net")
    loaded = MLPClassifier.load(tmp_path / "net")
    assert loaded.class_weight == {0: 2.0, 2: 0.5}
    np.testing.assert_array_equal(loaded.fit(X, CODES).predict_proba(X), net.fit(X, CODES).predict_proba(X))


def test_what_json_cannot_hold_is_left_out(tmp_path: Path) -> None:
    """Callbacks and a RandomState are left out with a warning that names them; the rest comes back."""
    net = MLPClassifier(max_epochs=1, callbacks=lambda net, row: None, random_state=np.random.RandomState(0)).fit(
        X, CODES
    )
    with pytest.warns(UserWarning, match="leaves out callbacks and random_state") as caught:
        net.save(tmp_path / "net")
    assert caught[0].filename == __file__
    loaded = MLPClassifier.load(tmp_path / "net", random_state=3)
    assert (loaded.callbacks, loaded.random_state) == (None, 3)
    np.testing.assert_array_equal(loaded.predict_proba(X), net.predict_proba(X))


def test_an_unknown_parameter_type_is_refused(tmp_path: Path) -> None:
    """Keyword arguments of a module that JSON cannot hold raise an error that names them and their type."""
    net = TorchRegressor(module=nn.Linear, module_params={"dtype": torch.float32}, max_epochs=1).fit(X, NUMBERS)
    with pytest.raises(ValueError, match=r"'module_params' parameter .* torch\.dtype"):
        net.save(tmp_path / "net")


def test_a_module_is_never_stored(tmp_path: Path) -> None:
    """Loading a net of one's own module needs the module, as a class or a ready one."""
    net = TorchClassifier(module=nn.Linear, max_epochs=1, random_state=0).fit(X, CODES)
    net.save(tmp_path / "net")
    with pytest.raises(
        ValueError, match=r"TorchClassifier\.load needs module=\.\.\.: a file holds weights, never code"
    ):
        TorchClassifier.load(tmp_path / "net")
    loaded = TorchClassifier.load(tmp_path / "net", module=nn.Linear(6, 3))
    np.testing.assert_array_equal(loaded.predict_proba(X), net.predict_proba(X))
    with pytest.raises(ValueError, match=r"do not fit the network .* '0\.weight' is missing; .* and 10 more"):
        TorchClassifier.load(tmp_path / "net", module=build_tail)


def test_parameters_can_be_replaced(tmp_path: Path) -> None:
    """Parameters given to `load` replace the stored ones, after the same checks as in `fit`."""
    fitted_mlp().save(tmp_path / "net")
    assert MLPClassifier.load(tmp_path / "net", device="cpu", max_epochs=7).max_epochs == 7
    with pytest.raises(ValueError, match="The 'learning_rate' parameter of MLPClassifier must be"):
        MLPClassifier.load(tmp_path / "net", learning_rate=-1.0)
    with pytest.raises(ValueError, match="MLPClassifier has no parameter depth"):
        MLPClassifier.load(tmp_path / "net", depth=3)
    with pytest.raises(ValueError, match=r"'body\.0\.0\.weight' must be torch.float64 of shape \(1, 6, 9\)"):
        MLPClassifier.load(tmp_path / "net", hidden_layer_sizes=(9,))


@pytest.mark.parametrize("params", [{"activation": "tanh"}, {"hidden_layer_sizes": (5,)}, {"learning_rate": "fast"}])
def test_parameters_changed_after_fit(params: dict[str, Any], tmp_path: Path) -> None:
    """A net whose parameters no longer describe its network is not saved, and the file of before stays."""
    net = fitted_mlp()
    net.save(tmp_path / "net")
    before = (tmp_path / "net").read_bytes()
    with pytest.raises(ValueError, match="changed after `fit`"):
        net.set_params(**params).save(tmp_path / "net")
    assert [path.name for path in tmp_path.iterdir()] == ["net"]
    assert (tmp_path / "net").read_bytes() == before


def test_unfitted(tmp_path: Path) -> None:
    """An unfitted net has nothing to save."""
    with pytest.raises(NotFittedError):
        MLPClassifier().save(tmp_path / "net")


def test_global_generators_untouched(tmp_path: Path) -> None:
    """Saving and loading draws nothing from torch's and numpy's global generators."""
    net = LSTMClassifier(max_epochs=1, hidden_size=3, random_state=0).fit(X, CODES)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
    net.save(tmp_path / "net")
    LSTMClassifier.load(tmp_path / "net")
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # type: ignore[index]


def test_class_of_the_file(tmp_path: Path) -> None:
    """A file of another class, or of one that does not exist, is refused with both names."""
    fitted_mlp().save(tmp_path / "net")
    with pytest.raises(ValueError, match="holds a MLPClassifier, not a MLPRegressor"):
        MLPRegressor.load(tmp_path / "net")
    rewrite(tmp_path / "net", **{"class": "os.system"})
    with pytest.raises(ValueError, match=r"holds a os\.system, not a MLPClassifier"):
        MLPClassifier.load(tmp_path / "net")


@pytest.mark.parametrize("content", [b"", b"\x80\x04K\x01.", b"x" * 500, None])
def test_files_that_are_none(content: bytes | None, tmp_path: Path) -> None:
    """What is no safetensors file, or a part of one, is refused as such."""
    path = tmp_path / "net"
    fitted_mlp().save(path)
    path.write_bytes(path.read_bytes()[:-8] if content is None else content)
    with pytest.raises(ValueError, match="must be a whole safetensors file"):
        MLPClassifier.load(path)


def test_file_is_missing(tmp_path: Path) -> None:
    """A missing file is the system's own error, in both directions."""
    with pytest.raises(FileNotFoundError):
        MLPClassifier.load(tmp_path / "net")
    with pytest.raises(FileNotFoundError):
        fitted_mlp().save(tmp_path / "nowhere" / "net")


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"bakeoff": "{"}, {"bakeoff": "[" * 9999}])
def test_header_without_document(metadata: dict[str, str] | None, tmp_path: Path) -> None:
    """A safetensors file of somebody else's is refused as such."""
    save_file({"weight": torch.zeros(2)}, tmp_path / "net", metadata=metadata)
    with pytest.raises(ValueError, match="must have a JSON document under 'bakeoff'"):
        MLPClassifier.load(tmp_path / "net")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2, "bakeoff": "9.9"}, "has format 2, of bakeoff 9.9; bakeoff .* formats up to 1. Update bakeoff"),
        ({"format": None}, "may be damaged: KeyError"),
        ({"params": {"learning_rate": {"eval": "1"}}}, "is none that bakeoff writes"),
        ({"params": {"depth": 3}}, "has no parameter depth"),
        ({"params": {"hidden_layer_sizes": [10**15]}}, "may be damaged: RuntimeError"),
        ({"dtype": "object"}, "may be damaged: KeyError"),
        ({"n_outputs": 4}, "a class or target for each of 4 outputs"),
        ({"fitted": {"__class__": "x"}}, "an attribute '__class__' that this version of bakeoff does not know"),
        ({"fitted": {"n_features_in_": "6"}}, "'n_features_in_' must be of type int"),
        ({"tensors": {"body.1.bias": None}}, r"'body\.1\.bias' is missing"),
        ({"tensors": {"extra": torch.zeros(2)}}, "'extra' is not in the network"),
        ({"tensors": {"body.1.bias": torch.zeros(1, 1, 3)}}, "must be torch.float64 .* but is torch.float32"),
        ({"tensors": {"body.1.bias": torch.zeros(3).double()}}, r"of shape \(1, 1, 3\), but is .* of shape \(3,\)"),
    ],
)
def test_tampered_files(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    """Entries that are missing, unknown, of another type or at odds with the weights are refused in words."""
    fitted_mlp().save(tmp_path / "net")
    rewrite(tmp_path / "net", **changes)
    with pytest.raises(ValueError, match=message):
        MLPClassifier.load(tmp_path / "net")
