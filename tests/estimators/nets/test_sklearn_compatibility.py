"""The nets among scikit-learn's tools: pipelines, searches, meta-estimators, frames, labels and targets of any kind."""

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, make_classification, make_multilabel_classification, make_regression
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_validate, train_test_split
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

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

pytestmark = pytest.mark.usefixtures("one_thread")

BRIEF: dict[str, Any] = {"max_epochs": 2, "random_state": 0}
CLASSIFIERS = [
    MLPClassifier(hidden_layer_sizes=(8,), **BRIEF),
    CNNClassifier(channels=(3,), hidden_layer_sizes=(8,), **BRIEF),
    LSTMClassifier(hidden_size=5, **BRIEF),
    TorchClassifier(module=nn.Linear, **BRIEF),
]
REGRESSORS = [
    MLPRegressor(hidden_layer_sizes=(8,), **BRIEF),
    CNNRegressor(channels=(3,), hidden_layer_sizes=(8,), **BRIEF),
    LSTMRegressor(hidden_size=5, **BRIEF),
    TorchRegressor(module=nn.Linear, **BRIEF),
]
NETS = [*CLASSIFIERS, *REGRESSORS]


def name_of(net: Any) -> str:
    """Name a case after its class."""
    return type(net).__name__


each_net = pytest.mark.parametrize("net", NETS, ids=name_of)
each_classifier = pytest.mark.parametrize("net", CLASSIFIERS, ids=name_of)
each_regressor = pytest.mark.parametrize("net", REGRESSORS, ids=name_of)


def data_for(net: Any, n_samples: int = 60) -> tuple[Any, Any]:
    """Build a small task that suits the estimator."""
    if is_classifier(net):
        return make_classification(n_samples, 6, n_informative=4, n_classes=3, random_state=0)
    return make_regression(n_samples, 6, noise=1.0, random_state=0)


def learner(**params: Any) -> MLPClassifier:
    """Build a net that learns `data_for` well in a moment."""
    return MLPClassifier(hidden_layer_sizes=(16,), learning_rate=0.02, max_epochs=15, random_state=0, **params)


@pytest.fixture
def two_workers() -> Any:
    """Run joblib's workers on one thread each, as the tests do."""
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        yield


@each_net
def test_copies_predict_the_same(net: Any) -> None:
    """Pickle, joblib and deepcopy give the same predictions; clone gives an unfitted equal."""
    X, y = data_for(net)
    fitted = clone(net).fit(X, y)
    stream = io.BytesIO()
    joblib.dump(fitted, stream)
    stream.seek(0)
    for other in (pickle.loads(pickle.dumps(fitted)), joblib.load(stream), copy.deepcopy(fitted)):
        np.testing.assert_array_equal(other.predict(X), fitted.predict(X))
        pd.testing.assert_frame_equal(other.history_, fitted.history_)
    assert not hasattr(clone(fitted), "module_")
    assert clone(fitted).get_params() == fitted.get_params()


@each_net
def test_a_copy_trains_on_by_itself(net: Any) -> None:
    """What a deep copy learns leaves the original as it was."""
    X, y = data_for(net)
    fitted = clone(net).fit(X, y)
    before = fitted.predict(X)
    copy.deepcopy(fitted).partial_fit(X, y)
    np.testing.assert_array_equal(fitted.predict(X), before)
    assert fitted.n_iter_ == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@each_net
def test_cuda_models_pickle_as_cpu(net: Any) -> None:
    """A model fitted on a GPU loads on the CPU and predicts the same up to rounding."""
    X, y = data_for(net)
    fitted = clone(net).set_params(device="cuda", early_stopping=True).fit(X, y)
    loaded = pickle.loads(pickle.dumps(fitted))
    assert next(fitted.module_.parameters()).is_cuda
    assert not next(loaded.module_.parameters()).is_cuda
    np.testing.assert_allclose(loaded._outputs(X), fitted._outputs(X), rtol=1e-6, atol=1e-9)


def test_grid_search(two_workers: None) -> None:
    """A search over a pipeline's net finds the learning rate that learns, in worker processes too."""
    X, y = data_for(learner())
    grid = {"mlpclassifier__learning_rate": [1e-9, 0.02]}
    search = GridSearchCV(make_pipeline(StandardScaler(), learner()), grid, cv=2, n_jobs=2).fit(X, y)
    assert search.best_params_ == {"mlpclassifier__learning_rate": 0.02}
    assert search.predict(X).shape == (60,)


@each_net
def test_worker_processes_give_the_same_scores(net: Any, two_workers: None) -> None:
    """cross_validate in two fresh processes scores bit for bit as in this one."""
    X, y = data_for(net)
    alone, spread = (cross_validate(net, X, y, cv=2, n_jobs=n_jobs)["test_score"] for n_jobs in (1, 2))
    np.testing.assert_array_equal(spread, alone)


@pytest.mark.parametrize(
    "build",
    [
        lambda net: CalibratedClassifierCV(net, cv=2),
        lambda net: CalibratedClassifierCV(net, method="isotonic", ensemble=False, cv=2),
        lambda net: VotingClassifier([("one", net), ("two", clone(net).set_params(random_state=1))], voting="soft"),
        lambda net: StackingClassifier([("net", net)], cv=2),
    ],
    ids=["calibrated", "isotonic", "voting", "stacking"],
)
def test_meta_classifiers(build: Callable[[Any], Any]) -> None:
    """Calibration, voting and stacking over a net give probabilities that sum to one, and learn."""
    X, y = data_for(learner())
    fitted = build(learner()).fit(X, y)
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1.0)
    assert fitted.score(X, y) > 0.7


def test_one_net_for_each_output() -> None:
    """MultiOutputClassifier fits several targets of several classes."""
    X, y = data_for(learner())
    Y = np.column_stack([y, np.roll(np.array(["a", "b"])[y % 2], 1)]).astype(object)
    assert MultiOutputClassifier(learner()).fit(X, Y).predict(X).shape == (60, 2)


def test_permutation_importance_finds_the_features() -> None:
    """A feature that the target is made of matters more than noise."""
    X = np.random.default_rng(0).normal(size=(100, 3))
    result = permutation_importance(learner().fit(X, X[:, 1] > 0), X, X[:, 1] > 0, n_repeats=3, random_state=0)
    assert result.importances_mean.argmax() == 1
    assert result.importances_mean[1] > 0.2


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
@each_net
def test_frames_between_the_steps(net: Any, output: str) -> None:
    """A scaler that hands over a frame changes no prediction; the net keeps the names of the columns."""
    X, y = data_for(net)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    pipeline = make_pipeline(StandardScaler(), clone(net)).set_output(transform=output).fit(frame, y)
    expected = clone(net).fit(StandardScaler().fit_transform(X), y).predict(StandardScaler().fit_transform(X))
    np.testing.assert_allclose(pipeline.predict(frame), expected)
    assert hasattr(pipeline[-1], "feature_names_in_") == (output != "default")


@pytest.mark.parametrize("to_frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
@each_net
def test_frames_equal_arrays(net: Any, to_frame: Callable[..., Any]) -> None:
    """A frame and a series of the same numbers give the same bits, and leave the names."""
    X, y = data_for(net)
    frame = to_frame({name: X[:, place] for place, name in enumerate("abcdef")})
    series = pd.Series(y, index=np.arange(60)[::-1]) if to_frame is pd.DataFrame else pl.Series(y)
    weights = pd.Series(np.linspace(1, 2, 60), index=np.arange(60)[::-1])
    fitted = clone(net).fit(frame, series, sample_weight=weights)
    assert fitted.feature_names_in_.tolist() == list("abcdef")
    np.testing.assert_array_equal(
        fitted.predict(frame), clone(net).fit(X, y, sample_weight=weights.to_numpy()).predict(X)
    )


@each_net
def test_other_column_names_are_refused(net: Any) -> None:
    """Columns in another order or under other names are an error, in predict and in partial_fit."""
    X, y = data_for(net)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    fitted = clone(net).fit(frame, y)
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        fitted.predict(frame[list("fedcba")])
    with pytest.raises(ValueError, match="Feature names unseen at fit time"):
        fitted.partial_fit(frame.rename(columns={"a": "z"}), y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted.predict(X)


@each_net
def test_arrays_of_any_kind(net: Any) -> None:
    """Read-only, Fortran-ordered, strided and integer arrays and lists are left alone and give what a copy gives."""
    X, y = data_for(net)
    X = np.round(X * 4)
    fitted = clone(net).fit(X, y)
    read_only = X.copy()
    read_only.flags.writeable = False
    for other in (read_only, np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2], X.astype(np.int64), X.tolist()):
        np.testing.assert_array_equal(clone(net).fit(other, y).predict(other), fitted.predict(X))
    backwards = clone(net).fit(X[::-1], y[::-1]).predict(X[::-1])
    np.testing.assert_array_equal(backwards, clone(net).fit(X[::-1].copy(), y[::-1].copy()).predict(X[::-1]))


@each_net
def test_dtype_follows_the_input(net: Any) -> None:
    """float32 stays, everything else becomes float64, unless dtype says otherwise; outputs are float64."""
    X, y = data_for(net)
    for given, dtype, expected in [
        (np.float32, "auto", torch.float32),
        (np.float64, "auto", torch.float64),
        (np.int64, "auto", torch.float64),
        (np.float16, "auto", torch.float64),
        (np.float64, "float32", torch.float32),
        (np.float32, "float64", torch.float64),
    ]:
        fitted = clone(net).set_params(dtype=dtype, max_epochs=1).fit(X.astype(given), y)
        assert next(fitted.module_.parameters()).dtype == expected
        outputs = fitted.predict_proba(X) if is_classifier(net) else fitted.predict(X)
        assert outputs.dtype == np.float64


@pytest.mark.parametrize(
    "labels",
    [
        ["x", "y", "z"],
        [-5, 3, 40],
        [0.0, 1.0, 2.0],
        np.array(["b", "a", "c"], dtype=object),
        pd.Series(["b", "a", "c"]),
        pd.Categorical(["b", "a", "c"]),
    ],
    ids=["str", "int", "float", "object", "pandas", "categorical"],
)
@each_classifier
def test_labels_of_any_type(net: Any, labels: Any) -> None:
    """Predictions are the labels that fit saw, and probabilities sum to one in the order of classes_."""
    X, codes = data_for(net)
    y = labels.take(codes) if isinstance(labels, pd.Series | pd.Categorical) else np.asarray(labels)[codes]
    fitted = clone(net).fit(X, y)
    probabilities = fitted.predict_proba(X)
    np.testing.assert_array_equal(fitted.classes_, np.unique(np.asarray(y)))
    np.testing.assert_array_equal(fitted.predict(X), fitted.classes_[probabilities.argmax(axis=1)])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)), probabilities)


@each_classifier
def test_boolean_labels(net: Any) -> None:
    """A binary task with booleans predicts booleans."""
    X, codes = data_for(net)
    assert clone(net).fit(X, codes == 1).predict(X).dtype == bool


@each_classifier
def test_one_class(net: Any) -> None:
    """Where all labels are the same, they are predicted, with certainty."""
    fitted = clone(net).fit(data_for(net)[0], ["only"] * 60)
    assert set(fitted.predict(np.zeros((3, 6)))) == {"only"}
    np.testing.assert_array_equal(fitted.predict_proba(np.zeros((3, 6))), np.ones((3, 1)))


@each_net
def test_one_row(net: Any) -> None:
    """One row can be trained on and predicted."""
    X, y = data_for(net)
    outputs = clone(net).fit(X[:1], y[:1]).predict(X[:1])
    assert outputs.tolist() == y[:1].tolist() if is_classifier(net) else np.isfinite(outputs).all()
    assert clone(net).fit(X, y).predict(X[:1]).shape == (1,)


@each_net
def test_constant_columns(net: Any) -> None:
    """A column without spread does no harm, nor does a target without any."""
    X, y = data_for(net)
    X[:, 2] = 1.0
    fitted = clone(net).fit(X, y)
    assert np.isfinite(fitted.loss_curve_).all()
    if not is_classifier(net):
        np.testing.assert_allclose(clone(net).fit(X, np.full(60, 7.0)).predict(X), 7.0, atol=2.0)


@each_regressor
def test_regressors_take_any_scale_and_several_outputs(net: Any) -> None:
    """A target far from zero is fitted as well, and a 2-D target gives 2-D predictions."""
    X, y = make_regression(100, 4, random_state=0)
    Y = np.column_stack([y * 1e-6, y * 1e6 + 1e9])
    fitted = clone(net).set_params(batch_size=10, learning_rate=0.01, max_epochs=40).fit(X, Y)
    assert fitted.predict(X).shape == (100, 2)
    assert fitted.score(X, Y) > 0.7
    assert clone(net).fit(X, Y[:, :1].ravel()).predict(X).shape == (100,)


@each_regressor
def test_a_column_vector_is_one_target(net: Any) -> None:
    """A target of shape (n, 1) is taken for (n,), with scikit-learn's warning."""
    X, y = data_for(net)
    with pytest.warns(UserWarning, match="A column-vector y was passed"):
        fitted = clone(net).fit(X, y[:, np.newaxis])
    np.testing.assert_array_equal(fitted.predict(X), clone(net).fit(X, y).predict(X))


@pytest.mark.parametrize("to_indicators", [np.asarray, csr_array, pd.DataFrame], ids=["dense", "sparse", "frame"])
@each_classifier
def test_multilabel(net: Any, to_indicators: Callable[[Any], Any]) -> None:
    """Indicators of several labels give one probability for each, cut at a half."""
    X, Y = make_multilabel_classification(60, 6, n_classes=3, random_state=0)
    fitted = clone(net).fit(X, to_indicators(Y))
    probabilities = fitted.predict_proba(X)
    assert fitted.classes_.tolist() == [0, 1, 2]
    assert probabilities.shape == (60, 3)
    np.testing.assert_array_equal(fitted.predict(X), probabilities > 0.5)
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)), probabilities)
    np.testing.assert_array_equal(fitted.predict(X), clone(net).fit(X, Y).predict(X))


@pytest.mark.parametrize("kind", [CNNClassifier, LSTMClassifier])
@pytest.mark.parametrize("shape", [(1, 24), (2, 12), (24, 1), (1, 4, 6), (3, 8, 1), (2, 2, 6)])
def test_every_input_shape(kind: type, shape: tuple[int, ...]) -> None:
    """Series and images of any channels and sides can be fitted and predicted."""
    X, y = make_classification(40, 24, random_state=0)
    assert kind(input_shape=shape, max_epochs=1).fit(X, y).predict(X).shape == (40,)


@pytest.mark.parametrize(
    ("net", "accuracy"),
    [
        (CNNClassifier(input_shape=(1, 8, 8), max_epochs=12, dtype="float32", random_state=0), 0.95),
        (MLPClassifier(max_epochs=40, dtype="float32", random_state=0), 0.95),
        (LSTMClassifier(input_shape=(1, 8, 8), max_epochs=35, dtype="float32", random_state=0), 0.93),
        (TorchClassifier(module=nn.Linear, learning_rate=0.01, max_epochs=30, random_state=0), 0.93),
    ],
    ids=["cnn", "mlp", "lstm", "linear"],
)
def test_digits(net: Any, accuracy: float) -> None:
    """Handwritten digits are told apart on rows that were not trained on."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    assert clone(net).fit(X_train, y_train).score(X_test, y_test) > accuracy
