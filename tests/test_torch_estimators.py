"""The PyTorch estimators: scikit-learn's contract, reproducibility, held-out rows, weights, and errors."""

import copy
import io
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits, make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks

from bakeoff.estimators.cnn import CNNClassifier, CNNRegressor
from bakeoff.estimators.lstm import LSTMClassifier, LSTMRegressor
from bakeoff.estimators.mlp import MLPClassifier, MLPRegressor
from bakeoff.estimators.training import Plateau, batch_sizes

CLASSIFIERS = (MLPClassifier, CNNClassifier, LSTMClassifier)
REGRESSORS = (MLPRegressor, CNNRegressor, LSTMRegressor)
ESTIMATORS = (*CLASSIFIERS, *REGRESSORS)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small nets are fastest on one thread, and bits depend on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def data_for(kind: type, n_samples: int = 60) -> tuple[Any, Any]:
    """Build a small task that suits the estimator."""
    if kind in CLASSIFIERS:
        return make_classification(n_samples, 6, n_informative=4, n_classes=3, random_state=0)
    return make_regression(n_samples, 6, noise=1.0, random_state=0)


def weights_of(estimator: Any) -> list[Any]:
    """All weights and buffers of the fitted network."""
    return [tensor.numpy() for tensor in estimator.module_.state_dict().values()]


def assert_same_weights(one: Any, other: Any) -> None:
    """Fail unless both networks hold the same bits."""
    for left, right in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_array_equal(left, right)


@parametrize_with_checks([kind() for kind in ESTIMATORS], xfail_strict=True)
def test_scikit_learn_contract(estimator: Any, check: Callable[[Any], None]) -> None:
    """Every check that scikit-learn has for third-party estimators passes, on the defaults."""
    check(estimator)


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("params", [{}, {"dropout": 0.3, "batch_norm": True, "batch_size": 16, "early_stopping": True}])
def test_same_seed_gives_same_bits(kind: type, params: dict[str, Any]) -> None:
    """Two fits with one seed give identical weights and curves; another seed does not."""
    X, y = data_for(kind)
    one, two, other = (kind(max_epochs=3, random_state=seed, **params).fit(X, y) for seed in (0, 0, 1))
    assert_same_weights(one, two)
    assert one.loss_curve_ == two.loss_curve_
    assert one.loss_curve_ != other.loss_curve_


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_global_generators_untouched(kind: type) -> None:
    """Fitting with dropout, shuffles and held-out rows leaves torch's and numpy's global state alone."""
    X, y = data_for(kind)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    kind(max_epochs=2, batch_size=16, dropout=0.5, early_stopping=True, random_state=0).fit(X, y)
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_copies_predict_the_same(kind: type) -> None:
    """Pickle, joblib and deepcopy give the same predictions; clone gives an unfitted equal."""
    X, y = data_for(kind)
    fitted = kind(max_epochs=2, random_state=0).fit(X, y)
    stream = io.BytesIO()
    joblib.dump(fitted, stream)
    stream.seek(0)
    for other in (pickle.loads(pickle.dumps(fitted)), joblib.load(stream), copy.deepcopy(fitted)):
        np.testing.assert_array_equal(other.predict(X), fitted.predict(X))
    assert not hasattr(clone(fitted), "module_")
    assert clone(fitted).get_params() == fitted.get_params()


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_fitted_attributes(kind: type) -> None:
    """A fit on a frame leaves names, curves, the best loss and the number of parameters."""
    X, y = data_for(kind)
    fitted = kind(max_epochs=3, random_state=0).fit(pd.DataFrame(X, columns=list("abcdef")), y)
    assert fitted.feature_names_in_.tolist() == list("abcdef")
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 3
    assert fitted.validation_loss_curve_ == []
    assert fitted.best_loss_ == min(fitted.loss_curve_)
    assert fitted.n_parameters_ == sum(weight.size for weight in weights_of(fitted))
    assert not fitted.module_.training


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize(
    "labels", [["x", "y", "z"], [-5, 3, 40], [0.0, 1.0, 2.0], np.array(["b", "a", "c"], dtype=object)]
)
def test_labels_of_any_type(kind: type, labels: Any) -> None:
    """Predictions are the labels that fit saw, and probabilities sum to one in the order of classes_."""
    X, codes = data_for(kind)
    y = np.asarray(labels)[codes]
    fitted = kind(max_epochs=2, random_state=0).fit(X, y)
    probabilities = fitted.predict_proba(X)
    np.testing.assert_array_equal(fitted.classes_, np.unique(y))
    np.testing.assert_array_equal(fitted.predict(X), fitted.classes_[probabilities.argmax(axis=1)])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)


def test_boolean_labels() -> None:
    """A binary task with booleans predicts booleans."""
    X, codes = make_classification(60, 4, random_state=0)
    fitted = MLPClassifier(max_epochs=2, random_state=0).fit(X, codes == 1)
    assert fitted.predict(X).dtype == bool


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("as_mask", [True, False])
def test_validation_rows_do_not_train(kind: type, as_mask: bool) -> None:
    """After one epoch the weights do not depend on the features or targets of the held-out rows."""
    X, y = data_for(kind)
    rows = np.arange(0, 60, 7)
    named = np.isin(np.arange(60), rows) if as_mask else rows
    poisoned_X, poisoned_y = X.copy(), y.copy()
    poisoned_X[rows] *= 100
    poisoned_y[rows] = y[rows][::-1] if is_classifier(kind()) else 1e6
    params = {"class_weight": "balanced"} if kind in CLASSIFIERS else {}
    net = kind(max_epochs=1, batch_size=16, random_state=0, **params)
    clean = clone(net).fit(X, y, validation_rows=named)
    poisoned = clone(net).fit(poisoned_X, poisoned_y, validation_rows=named)
    assert_same_weights(clean, poisoned)
    assert clean.validation_loss_curve_ != poisoned.validation_loss_curve_


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_early_stopping_restores_the_best_weights(kind: type) -> None:
    """The kept weights are those of the epoch with the lowest validation loss, not the last."""
    X, y = data_for(kind, 80)
    rows = np.arange(40)
    y[rows] = y[rows][::-1]  # what the net learns soon stops helping on these
    net = kind(learning_rate=0.01, n_iter_no_change=5, batch_size=8, random_state=0)
    stopped = clone(net).fit(X, y, validation_rows=rows)
    best_epoch = int(np.argmin(stopped.validation_loss_curve_)) + 1
    assert best_epoch < stopped.n_iter_ < net.max_epochs
    assert stopped.best_loss_ == min(stopped.validation_loss_curve_)
    assert_same_weights(stopped, clone(net).set_params(max_epochs=best_epoch).fit(X, y, validation_rows=rows))


def test_held_out_rows_are_drawn_and_monitored() -> None:
    """early_stopping=True holds rows out by itself, also when a class is too small to stratify."""
    X, y = data_for(MLPClassifier)
    y[y == 2] = 1
    y[0] = 2
    fitted = MLPClassifier(early_stopping=True, max_epochs=3, random_state=0).fit(X, y)
    assert len(fitted.validation_loss_curve_) == 3


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_zero_weight_is_absence(kind: type) -> None:
    """Rows of weight zero change no bit of the fit, minibatches included."""
    X, y = data_for(kind)
    weights = (np.arange(60) % 3 > 0).astype(float)
    net = kind(batch_size=16, max_epochs=3, random_state=0)
    assert_same_weights(clone(net).fit(X, y, sample_weight=weights * 7), clone(net).fit(X[weights > 0], y[weights > 0]))


def test_class_weight_multiplies_sample_weight() -> None:
    """A dict of class weights equals the same weights by row; "balanced" equals its own formula."""
    X, y = make_classification(60, 4, weights=[0.8], random_state=0)
    net = MLPClassifier(max_epochs=3, batch_size=16, random_state=0)
    by_row = clone(net).fit(X, y, sample_weight=np.where(y == 1, 3.0, 1.0))
    assert_same_weights(by_row, clone(net).set_params(class_weight={1: 3.0}).fit(X, y))
    balanced = clone(net).fit(X, y, sample_weight=(60 / (2 * np.bincount(y)))[y])
    assert_same_weights(balanced, clone(net).set_params(class_weight="balanced").fit(X, y))


def test_dtype_follows_the_input() -> None:
    """float32 stays, everything else becomes float64, unless dtype says otherwise."""
    X, y = data_for(MLPClassifier)
    for given, dtype, expected in [
        (np.float32, "auto", torch.float32),
        (np.float64, "auto", torch.float64),
        (np.int64, "auto", torch.float64),
        (np.float64, "float32", torch.float32),
    ]:
        fitted = MLPClassifier(dtype=dtype, max_epochs=1).fit(X.astype(given), y)
        assert next(fitted.module_.parameters()).dtype == expected
        assert fitted.predict_proba(X).dtype == np.float64


@pytest.mark.parametrize("kind", REGRESSORS)
def test_regressors_take_any_scale_and_several_outputs(kind: type) -> None:
    """A target far from zero is fitted as well, and a 2-D target gives 2-D predictions."""
    X, y = make_regression(100, 4, random_state=0)
    Y = np.column_stack([y * 1e-6, y * 1e6 + 1e9])
    fitted = kind(batch_size=10, random_state=0).fit(X, Y)
    assert fitted.predict(X).shape == (100, 2)
    assert fitted.score(X, Y) > 0.7


@pytest.mark.parametrize("kind", [CNNClassifier, LSTMClassifier])
@pytest.mark.parametrize("shape", [(1, 24), (2, 12), (24, 1), (1, 4, 6), (3, 8, 1), (2, 2, 6)])
def test_every_input_shape(kind: type, shape: tuple[int, ...]) -> None:
    """Series and images of any channels and sides can be fitted and predicted."""
    X, y = make_classification(40, 24, random_state=0)
    assert kind(input_shape=shape, max_epochs=1).fit(X, y).predict(X).shape == (40,)


def test_lstm_reads_steps_in_order() -> None:
    """A step holds one value per channel, or one line of an image with all its channels."""
    rows = torch.arange(12.0).reshape(1, 12)
    seen = []
    for shape in [(2, 6), (2, 3, 2)]:
        module = LSTMClassifier(input_shape=shape)._build_module(12, 2)
        module.recurrence.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][0].tolist()))
        module(rows)
    assert seen[0][:2] == [[0, 6], [1, 7]]
    assert seen[1][:2] == [[0, 1, 6, 7], [2, 3, 8, 9]]


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_every_cell(cell: str, bidirectional: bool) -> None:
    """Each cell trains, stacked and in both directions, with batch norm and dropout."""
    X, y = data_for(LSTMClassifier)
    net = LSTMClassifier(
        cell=cell, bidirectional=bidirectional, num_layers=2, dropout=0.1, batch_norm=True, max_epochs=2
    )
    assert np.isfinite(net.fit(X, y).loss_curve_).all()


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", "adamw"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu"])
def test_optimizers_and_activations_lower_the_loss(optimizer: str, activation: str) -> None:
    """Every optimizer makes progress with every activation."""
    X, y = data_for(MLPClassifier)
    net = MLPClassifier(optimizer=optimizer, activation=activation, learning_rate=0.01, max_epochs=10, random_state=0)
    losses = net.fit(X, y).loss_curve_
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_batch_norm_meets_no_batch_of_one_row(kind: type) -> None:
    """A last minibatch of one row joins its neighbour."""
    X, y = data_for(kind, 33)
    assert kind(batch_size=16, batch_norm=True, max_epochs=2).fit(X, y).n_iter_ == 2


def test_batch_sizes() -> None:
    """Batches add up to the rows, none is larger than one row over, none is a lone row."""
    assert batch_sizes(33, 16) == [16, 17]
    assert batch_sizes(34, 16) == [16, 16, 2]
    assert batch_sizes(3, 16) == [3]
    assert batch_sizes(1, 16) == [1]
    assert batch_sizes(3, 1) == [1, 1, 1]


def test_plateau_counts_as_scikit_learn_does() -> None:
    """The patience counts epochs in a row without a gain of tol; any lower loss is the best."""
    plateau = Plateau(patience=2, tol=0.1)
    assert [plateau.update(loss) for loss in (1.0, 0.95, 0.94)] == [True, True, True]
    assert (plateau.stale, plateau.best, plateau.exhausted) == (2, 0.94, False)
    assert not plateau.update(0.99)
    assert plateau.exhausted


def test_training_stops_on_a_plateau() -> None:
    """Without early stopping the training loss decides, and the last weights stay."""
    X, y = data_for(MLPClassifier)
    fitted = MLPClassifier(tol=10.0, n_iter_no_change=3, random_state=0).fit(X, y)
    assert fitted.n_iter_ == 5
    assert_same_weights(fitted, MLPClassifier(tol=0.0, max_epochs=5, random_state=0).fit(X, y))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_all_parameter_errors_at_once(kind: type) -> None:
    """One ValueError names every bad parameter, what it must be and what it got."""
    X, y = data_for(kind)
    bad = kind(dropout=1.0, batch_size=True, optimizer="sdg", tol=float("nan"), dtype="float16")
    with pytest.raises(ValueError, match="must be") as caught:
        bad.fit(X, y)
    for line in (
        f"The 'dropout' parameter of {kind.__name__} must be a float in the range [0, 1). Got 1.0 instead.",
        "must be an int in the range [1, inf). Got True instead.",
        "must be a str among {'adam', 'adamw', 'rmsprop', 'sgd'}. Got 'sdg' instead.",
        "Got nan instead.",
        "Got 'float16' instead.",
    ):
        assert line in str(caught.value)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (MLPClassifier(hidden_layer_sizes=(10, 0)), "'hidden_layer_sizes'"),
        (MLPClassifier(class_weight="even"), "'class_weight'"),
        (MLPClassifier(class_weight={9: 2.0}), r"names \[9\], but the classes are \[0, 1, 2\]"),
        (MLPClassifier(batch_norm=True, batch_size=1), "2 or more with batch_norm=True"),
        (CNNClassifier(kernel_size=4), "an odd int"),
        (CNNClassifier(input_shape=(1, 2, 4)), r"\(1, 2, 4\) holds 8, but X has 6 features"),
        (LSTMClassifier(input_shape=(6,)), r"\(channels, length\)"),
        (LSTMClassifier(cell="rnn", activation="gelu"), "with cell='rnn'. Got 'gelu'"),
        (LSTMClassifier(cell="lsmt"), "'gru', 'lstm', 'rnn'"),
        (MLPClassifier(device="gpu"), "CUDA devices"),
        (MLPClassifier(random_state=-1), "'random_state'"),
    ],
)
def test_parameter_errors(net: Any, message: str) -> None:
    """A parameter that cannot work is refused with what must hold."""
    with pytest.raises(ValueError, match=message):
        net.fit(*data_for(MLPClassifier))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_absent_cuda_is_refused() -> None:
    """device="cuda" without a GPU says so instead of falling back."""
    with pytest.raises(ValueError, match=r"one of the 0 CUDA devices that torch sees here\. Got 'cuda' instead"):
        MLPClassifier(device="cuda").fit(*data_for(MLPClassifier))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_cuda_models_pickle_as_cpu(kind: type) -> None:
    """A model fitted on a GPU loads on the CPU and predicts the same up to rounding."""
    X, y = data_for(kind)
    fitted = kind(device="cuda", dropout=0.1, early_stopping=True, max_epochs=3, random_state=0).fit(X, y)
    loaded = pickle.loads(pickle.dumps(fitted))
    assert next(fitted.module_.parameters()).is_cuda
    assert not next(loaded.module_.parameters()).is_cuda
    np.testing.assert_allclose(loaded._outputs(X), fitted._outputs(X), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("rows", [[60], [-1], [0.5], [], [True] * 59, [[1]], list(range(60)), ["a"]])
def test_validation_rows_that_cannot_be_used(rows: list[Any]) -> None:
    """Rows out of range, of the wrong type, none at all or all of them are refused."""
    with pytest.raises(ValueError, match="validation_rows must"):
        MLPRegressor(max_epochs=1).fit(*data_for(MLPRegressor), validation_rows=rows)


def test_divergence_without_usable_weights_raises() -> None:
    """A loss that is never finite raises, with the epoch and the learning rate."""
    X, y = data_for(MLPRegressor)
    net = MLPRegressor(optimizer="sgd", learning_rate=1e200, random_state=0)
    with pytest.raises(FloatingPointError, match=r"epoch \d+ with learning_rate=1e\+200"):
        net.fit(X, y)


@pytest.mark.parametrize("held_out", [None, np.arange(10)])
def test_divergence_restores_the_best_weights(held_out: Any) -> None:
    """A loss that grows beyond bounds warns and leaves the best finite weights."""
    X, y = data_for(MLPRegressor)
    net = MLPRegressor(
        hidden_layer_sizes=(), optimizer="sgd", learning_rate=5.0, n_iter_no_change=2000, max_epochs=2000
    )
    with pytest.warns(ConvergenceWarning, match="the best weights before it were kept"):
        net.fit(X, y, validation_rows=held_out)
    assert np.isfinite(net.predict(X)).all()
    assert not np.isfinite(net.loss_curve_[-1]) or not np.isfinite(net.validation_loss_curve_[-1])
    assert np.isfinite(net.best_loss_)


def test_verbose_writes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """verbose=True writes one line per epoch to stderr and nothing to stdout."""
    MLPClassifier(max_epochs=2, early_stopping=True, verbose=True).fit(*data_for(MLPClassifier))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 2
    assert "epoch 2: training " in captured.err
    assert ", validation " in captured.err


def test_defaults_of_an_architecture_win() -> None:
    """A default that an architecture changes reaches its public classes."""
    for kind in (LSTMClassifier, LSTMRegressor):
        assert kind().get_params()["activation"] == "tanh"
        assert kind().get_params()["learning_rate"] == 5e-3
    assert "class_weight" not in MLPRegressor().get_params()
    assert "class_weight" in MLPClassifier().get_params()


def test_grid_search() -> None:
    """The estimators can be searched, in parallel scikit-learn's way."""
    X, y = data_for(MLPClassifier)
    search = GridSearchCV(MLPClassifier(max_epochs=2, random_state=0), {"dropout": [0.0, 0.2]}, cv=2)
    assert search.fit(X, y).best_params_["dropout"] in (0.0, 0.2)


@pytest.mark.parametrize(
    ("net", "accuracy"),
    [
        (CNNClassifier(input_shape=(1, 8, 8), max_epochs=15, dtype="float32", random_state=0), 0.95),
        (MLPClassifier(max_epochs=40, dtype="float32", random_state=0), 0.95),
        (LSTMClassifier(input_shape=(1, 8, 8), max_epochs=40, dtype="float32", random_state=0), 0.95),
    ],
)
def test_digits(net: Any, accuracy: float) -> None:
    """Handwritten digits are told apart on rows that were not trained on."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    assert net.fit(X_train, y_train).score(X_test, y_test) > accuracy


def test_unflattened_input_is_told_how_to_travel() -> None:
    """Images in four dimensions are refused with the reshape and the input_shape to give."""
    with pytest.raises(ValueError, match=r"X\.reshape\(len\(X\), -1\), and input_shape=\(1, 4, 4\)"):
        CNNClassifier().fit(np.zeros((6, 1, 4, 4)), [0, 1] * 3)
