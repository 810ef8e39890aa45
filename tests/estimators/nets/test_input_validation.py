"""What nets refuse, in words that say what must hold and what came instead."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.base import clone, is_classifier
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from torch import nn

from bakeoff.estimators import (
    CNNClassifier,
    CNNRegressor,
    ConvergenceError,
    LSTMClassifier,
    LSTMRegressor,
    MLPClassifier,
    MLPRegressor,
    TorchClassifier,
    TorchRegressor,
)

pytestmark = pytest.mark.usefixtures("one_thread")

KINDS = (MLPClassifier, MLPRegressor, CNNClassifier, CNNRegressor, LSTMClassifier, LSTMRegressor)
NETS = [*(kind() for kind in KINDS), *(kind(module=nn.Linear) for kind in (TorchClassifier, TorchRegressor))]
each_net = pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)


def data_for(net: Any, n_samples: int = 60) -> tuple[Any, Any]:
    """Build a small task that suits the estimator."""
    if is_classifier(net):
        return make_classification(n_samples, 6, n_informative=4, n_classes=3, random_state=0)
    return make_regression(n_samples, 6, noise=1.0, random_state=0)


# One value each that breaks the rule of a parameter, and the words for the rule.
SHARED = {
    "optimizer": ("sdg", "a str among {'adadelta', 'adagrad', 'adam', 'adamw', 'rmsprop', 'sgd'}"),
    "learning_rate": (0.0, "a float in the range (0, inf)"),
    "schedule": ("linear", "a str among {'constant', 'cosine', 'log-cosine', 'one-cycle', 'plateau'}"),
    "momentum": (1.0, "a float in the range [0, 1)"),
    "nesterovs_momentum": ("yes", "a bool"),
    "weight_decay": (-0.1, "a float in the range [0, inf)"),
    "l1": (float("inf"), "a float in the range [0, inf)"),
    "max_grad_norm": (0, "None or a float in the range (0, inf)"),
    "batch_size": (True, "an int in the range [1, inf)"),
    "max_epochs": (2.0, "an int in the range [1, inf)"),
    "early_stopping": (1, "a bool"),
    "validation_fraction": (1, "a float in the range (0, 1)"),
    "n_iter_no_change": (0, "an int in the range [1, inf)"),
    "tol": (float("nan"), "a float in the range [0, inf)"),
    "warm_start": (None, "a bool"),
    "callbacks": ([print, "print"], "None, a callable or a list of callables"),
    "random_state": (-1, "None, an int in the range [0, 2**32 - 1] or a RandomState"),
    "device": ("gpu", "CUDA devices that torch sees here"),
    "dtype": ("float16", "a str among {'auto', 'float32', 'float64'}"),
    "verbose": (2, "a bool"),
}
CLASSIFIERS = {
    "class_weight": ({0: -1.0}, "None, 'balanced' or a dict of weights that are not negative"),
    "label_smoothing": (1.0, "a float in the range [0, 1)"),
}
SIZES = ((10, 0), "a tuple of ints in the range [1, inf)")
COUNT = (0, "an int in the range [1, inf)")
COMMON = {
    "dropout": (1.0, "a float in the range [0, 1)"),
    "batch_norm": ("no", "a bool"),
    "activation": ("swish", "a str among {'gelu', 'relu', 'sigmoid', 'tanh'}"),
}
MLP = {
    "hidden_layer_sizes": SIZES,
    "layer_norm": (1, "a bool"),
    "residual": (0, "a bool"),
    "categorical_features": ("all", "None, 'from_dtype' or an array-like"),
    "numeric_embedding": ("linear", "None or a str among {'periodic', 'piecewise-linear'}"),
    "embedding_size": COUNT,
    "n_bins": COUNT,
}
LSTM = {
    "input_shape": ((6,), "None, (channels, length) or (channels, height, width) in positive ints"),
    "vocabulary_size": (1, "None, 'auto' or an int in the range [2, inf)"),
    "embedding_size": COUNT,
    "convolution_channels": ((-1,), "a tuple of ints in the range [1, inf)"),
    "convolution_kernel_size": COUNT,
    "cell": ("lsmt", "a str among {'gru', 'lstm', 'rnn'}"),
    "hidden_size": (-5, "an int in the range [1, inf)"),
    "num_layers": COUNT,
    "bidirectional": ("both", "a bool"),
    "pooling": ("first", "a str among {'attention', 'last', 'max', 'mean'}"),
}
TORCH = {
    "module": (3, "a class or function that builds an nn.Module, or an nn.Module"),
    "module_params": ({3: 4}, "None or a dict of keyword arguments"),
}
RULES = [
    (MLPClassifier(), {**SHARED, **CLASSIFIERS, **COMMON, **MLP}),
    (MLPRegressor(), {**SHARED, **COMMON, **MLP}),
    (LSTMClassifier(), {**SHARED, **CLASSIFIERS, **COMMON, **LSTM}),
    (LSTMRegressor(), {**SHARED, **COMMON, **LSTM}),
    (TorchClassifier(module=nn.Linear), {**SHARED, **CLASSIFIERS, **TORCH}),
    (TorchRegressor(module=nn.Linear), {**SHARED, **TORCH}),
    (CNNClassifier(), {**SHARED, **CLASSIFIERS, **COMMON}),
    (CNNRegressor(), {**SHARED, **COMMON}),
]


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
@pytest.mark.parametrize(("net", "broken"), RULES, ids=lambda value: type(value).__name__)
def test_all_parameter_errors_at_once(net: Any, broken: dict[str, Any], call: str) -> None:
    """One ValueError names every bad parameter, what it must be and what it got; no parameter is without a rule."""
    bad = clone(net).set_params(**{name: value for name, (value, _) in broken.items()})
    more = {"classes": [0, 1, 2]} if call == "partial_fit" and is_classifier(net) else {}
    with pytest.raises(ValueError, match="must be") as caught:
        getattr(bad, call)(*data_for(net), **more)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(broken)
    for name, (value, words) in broken.items():
        line = next(line for line in lines if f"The {name!r} parameter of {type(net).__name__} must be " in line)
        assert words in line
        assert line.endswith(f"Got {value!r} instead.")
    assert set(net.get_params(deep=False)) == set(net._rules())


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (MLPClassifier(class_weight="even"), "'class_weight'"),
        (MLPClassifier(class_weight={9: 2.0}), r"names \[9\], but the classes are \[0, 1, 2\]"),
        (MLPClassifier(batch_norm=True, batch_size=1), "2 or more with batch_norm=True"),
        (MLPClassifier(batch_norm=True, layer_norm=True), "Only one of the 'batch_norm' and 'layer_norm'"),
        (MLPClassifier(categorical_features=[6]), r"X has 6 columns. Got \[6\] instead"),
        (MLPClassifier(categorical_features=["a"]), r"X has 6 columns. Got \['a'\] instead"),
        (MLPClassifier(categorical_features=[True, False]), r"one bool per column; X has 6 columns"),
        (CNNClassifier(input_shape=(1, 2, 4)), r"\(1, 2, 4\) holds 8, but X has 6 features"),
        (LSTMClassifier(input_shape=(1, 2, 4)), r"\(1, 2, 4\) holds 8, but X has 6 features"),
        (LSTMClassifier(cell="rnn", activation="gelu"), "with cell='rnn'. Got 'gelu'"),
        (TorchClassifier(module=nn.Linear(6, 3), module_params={"bias": False}), "needs a 'module' that is built"),
        (TorchClassifier(module=nn.Linear(6, 2)), r"outputs of shape \(n, 3\).*Of 2 rows it made \(2, 2\)"),
        (TorchRegressor(module=nn.Linear(6, 3)), r"outputs of shape \(n, 1\).*Of 2 rows it made \(2, 3\)"),
        (TorchClassifier(module=lambda n, m: nn.ReLU()), "must be a network with parameters to train"),
        (TorchClassifier(module=lambda n, m: nn.Linear(n, m).requires_grad_(False)), "with parameters to train"),
        (TorchClassifier(module=lambda n, m: "net"), "must build an nn.Module. It built 'net' instead"),
        (TorchClassifier(module=lambda n, m: nn.LSTM(n, m)), r"Of 2 rows it made tuple"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_parameters_that_cannot_work(net: Any, message: str) -> None:
    """Parameters that contradict each other or the data are refused with what must hold."""
    with pytest.raises(ValueError, match=message):
        net.fit(*data_for(net))


@each_net
def test_a_fit_that_failed_is_none(net: Any) -> None:
    """What an earlier fit left is not mixed with the beginnings of one that failed."""
    X, y = data_for(net)
    fitted = clone(net).set_params(max_epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="validation_rows must"):
        fitted.fit(X[:, :5], y, validation_rows=[60])
    with pytest.raises(NotFittedError):
        fitted.predict(X[:, :5])


def test_names_of_absent_columns() -> None:
    """Categorical columns that the frame lacks are named beside those that it has."""
    X, y = data_for(MLPClassifier())
    with pytest.raises(ValueError, match=r"X has 6 columns named \['a', 'b', 'c', 'd', 'e', 'f'\]. Got \['kind'\]"):
        MLPClassifier(categorical_features=["kind"]).fit(pd.DataFrame(X, columns=list("abcdef")), y)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
@each_net
def test_absent_cuda_is_refused(net: Any) -> None:
    """device="cuda" without a GPU says so instead of falling back."""
    for device in ("cuda", "cuda:1"):
        with pytest.raises(
            ValueError, match=rf"one of the 0 CUDA devices that torch sees here\. Got '{device}' instead"
        ):
            clone(net).set_params(device=device).fit(*data_for(net))


@each_net
def test_input_that_cannot_be_used(net: Any) -> None:
    """Images that were not flattened, missing and infinite values, sparse X and bad y are refused."""
    X, y = data_for(net)
    with pytest.raises(ValueError, match=r"X\.reshape\(len\(X\), -1\), and input_shape=\(1, 2, 3\)"):
        clone(net).fit(X.reshape(60, 1, 2, 3), y)
    holed = X.copy()
    holed[3, 2] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        clone(net).fit(holed, y)
    holed[3, 2] = np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        clone(net).fit(holed, y)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        clone(net).fit(X, np.where(np.arange(60) == 1, np.nan, y))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clone(net).fit(X, y[:-1])
    with pytest.raises(NotFittedError):
        clone(net).predict(X)
    fitted = clone(net).set_params(max_epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        fitted.predict(np.where(np.arange(6) == 2, np.nan, X))
    with pytest.raises(ValueError, match="X has 5 features, but"):
        fitted.predict(X[:, :5])
    with pytest.raises(TypeError, match=r"[Ss]parse data was passed"):
        clone(net).fit(csr_array(X), y)


def test_classifiers_refuse_numbers_and_several_classes() -> None:
    """Continuous labels, and columns that are no indicators, are not for classifiers."""
    X, y = data_for(MLPRegressor())
    with pytest.raises(ValueError, match="Unknown label type"):
        MLPClassifier().fit(X, y)
    with pytest.raises(
        ValueError, match=r"must be indicators of several labels, all 0 or 1. Got multiclass-multioutput"
    ):
        MLPClassifier().fit(X, np.arange(120).reshape(60, 2) % 4)


@each_net
def test_weights_that_cannot_be_used(net: Any) -> None:
    """Negative, all zero or missing weights are refused, also where only the training rows have none."""
    X, y = data_for(net)
    for weights, message in [
        (-np.ones(60), "Negative values in data passed to `sample_weight`"),
        (np.zeros(60), r"must not all be zero|at least one non-zero"),
        (np.ones(59), "inconsistent numbers of samples|sample_weight.shape"),
        (np.full(60, np.nan), "NaN"),
    ]:
        with pytest.raises(ValueError, match=message):
            clone(net).fit(X, y, sample_weight=weights)
    with pytest.raises(ValueError, match="validation_rows must name a row of positive weight and leave one"):
        clone(net).fit(X, y, sample_weight=np.arange(60) < 30, validation_rows=np.arange(30))


def test_class_weights_that_leave_nothing() -> None:
    """Class weights of zero for all rows are refused."""
    X, y = data_for(MLPClassifier())
    with pytest.raises(ValueError, match="must not be zero on all training rows"):
        MLPClassifier(class_weight={0: 0.0, 1: 0.0, 2: 0.0}).fit(X, y)


def test_class_weights_of_multilabel() -> None:
    """class_weight has no meaning for several labels."""
    X, Y = make_multilabel_classification(60, 6, n_classes=3, random_state=0)
    for weight in ("balanced", {0: 2.0}):
        with pytest.raises(ValueError, match="class_weight is not supported for multilabel"):
            MLPClassifier(class_weight=weight).fit(X, Y)


@pytest.mark.parametrize("rows", [[60], [-1], [0.5], [], [True] * 59, [[1]], list(range(60)), ["a"]], ids=str)
def test_validation_rows_that_cannot_be_used(rows: list[Any]) -> None:
    """Rows out of range, of the wrong type, none at all or all of them are refused."""
    with pytest.raises(ValueError, match="validation_rows must"):
        MLPRegressor(max_epochs=1).fit(*data_for(MLPRegressor()), validation_rows=rows)


def test_validation_data_that_cannot_be_used() -> None:
    """Rows beside data, other columns, other labels and other numbers of targets are refused."""
    X, y = data_for(MLPClassifier())
    with pytest.raises(ValueError, match="Give validation_rows or validation_data, not both"):
        MLPClassifier().fit(X, y, validation_rows=[0], validation_data=(X, y))
    with pytest.raises(ValueError, match="X has 5 features, but MLPClassifier is expecting 6"):
        MLPClassifier().fit(X, y, validation_data=(X[:, :5], y))
    with pytest.raises(ValueError, match=r"`y` has classes not in `self.classes_`"):
        MLPClassifier().fit(X, y, validation_data=(X, y + 1))
    with pytest.raises(ValueError, match=r"must have the columns of y: \(1,\). Got \(2,\) instead"):
        MLPRegressor().fit(X, y, validation_data=(X, X[:, :2]))


def test_series_with_gaps() -> None:
    """NaN is the end of a series; before it, or in all of a row, it is an error, in predict as well."""
    X, y = data_for(LSTMClassifier())
    X[0, 4:] = np.nan
    net = LSTMClassifier(max_epochs=1).fit(X, y)
    for place, message in [(3, "in the middle of a series.* First at row 5, step 3"), (slice(None), "at row 5")]:
        gap = X.copy()
        gap[5, place] = np.nan
        for call in (lambda X: LSTMClassifier().fit(X, y), net.predict):
            with pytest.raises(ValueError, match=f"Input X contains NaN.*{message}"):
                call(gap)


@pytest.mark.parametrize("wrong", [8, -1, 2.5], ids=str)
def test_token_ids_outside_the_vocabulary(wrong: float) -> None:
    """Ids that are negative, broken or beyond a given vocabulary are errors that name the place."""
    X = np.random.default_rng(0).integers(0, 8, (20, 5)).astype(float)
    y = np.arange(20) % 2
    net = LSTMClassifier(vocabulary_size=8, max_epochs=1).fit(X, y)
    X[4, 2] = wrong
    with pytest.raises(ValueError, match=rf"from 0 \(padding\) to 7.* Got {wrong:g} in row 4, column 2"):
        net.predict(X)


def test_new_token_ids_of_an_automatic_vocabulary() -> None:
    """With vocabulary_size="auto" ids that fit never saw are read as the unknown word."""
    X = np.random.default_rng(0).integers(0, 8, (20, 5))
    net = LSTMClassifier(vocabulary_size="auto", max_epochs=1).fit(X, np.arange(20) % 2)
    assert net.n_tokens_ == 8
    new, unknown = X.copy(), X.copy()
    new[4, 2], unknown[4, 2] = 99, 1
    np.testing.assert_array_equal(net.predict_proba(new), net.predict_proba(unknown))
    with pytest.raises(ValueError, match="Got -1 in row 4, column 2"):
        net.predict(np.where(new == 99, -1, new))


@pytest.mark.parametrize("kind", KINDS)
def test_batch_norm_needs_two_rows(kind: type) -> None:
    """Moments of one row are none: it is refused, in the words that scikit-learn's checks look for."""
    net = kind(batch_norm=True, max_epochs=1)
    X, y = data_for(net)
    with pytest.raises(ValueError, match=r"needs at least two training rows. Got 1 sample instead"):
        net.fit(X[:1], y[:1])
    with pytest.raises(ValueError, match=r"needs at least two training rows. Got 1 sample instead"):
        net.fit(X, y).partial_fit(X[:1], y[:1])


@pytest.mark.parametrize("kind", [MLPRegressor, CNNRegressor])
def test_divergence_without_usable_weights_raises(kind: type) -> None:
    """A loss that is never finite raises, with the epoch and the learning rate."""
    net = kind(optimizer="sgd", learning_rate=1e200, random_state=0)
    with pytest.raises(ConvergenceError, match=r"epoch \d+ with learning_rate=1e\+200, and no earlier weights"):
        net.fit(*data_for(net))
    assert issubclass(ConvergenceError, FloatingPointError)


@pytest.mark.parametrize("held_out", [None, np.arange(10)], ids=["training loss", "validation loss"])
@pytest.mark.parametrize("net", [MLPRegressor(hidden_layer_sizes=()), TorchRegressor(module=nn.Linear)], ids=str)
def test_divergence_restores_the_best_weights(net: Any, held_out: Any) -> None:
    """A loss that grows beyond bounds warns and leaves the best finite weights."""
    X, y = data_for(net)
    net = clone(net).set_params(optimizer="sgd", learning_rate=5.0, n_iter_no_change=2000, max_epochs=2000)
    with pytest.warns(
        ConvergenceWarning, match=r"in epoch \d+ with learning_rate=5.0; the best weights before it were kept"
    ):
        net.fit(X, y, validation_rows=held_out)
    assert np.isfinite(net.predict(X)).all()
    assert not np.isfinite(net.loss_curve_[-1]) or not np.isfinite(net.validation_loss_curve_[-1])
    assert np.isfinite(net.best_loss_)


def test_divergence_leaves_no_half_trained_net() -> None:
    """A new net is unfitted after it diverged; one that went on is as it was before, and can go on again."""
    net = MLPRegressor(optimizer="sgd", max_epochs=2, random_state=0)
    X, y = data_for(net)
    with pytest.raises(ConvergenceError):
        clone(net).set_params(learning_rate=1e200, warm_start=True).fit(X, y)
    before = net.fit(X, y).predict(X)
    with pytest.raises(ConvergenceError):
        net.partial_fit(X * 1e200, y)
    np.testing.assert_array_equal(net.predict(X), before)
    assert np.isfinite(net.partial_fit(X, y).predict(X)).all()
    with pytest.raises(ConvergenceError):
        net.fit(X * 1e200, y)
    with pytest.raises(NotFittedError):
        net.predict(X)


def test_data_that_fail_leave_no_net() -> None:
    """A fit whose y is refused does not leave an earlier network beside the columns of the new X."""
    net = MLPClassifier(max_epochs=1)
    X, y = data_for(net)
    net.fit(X, y)
    with pytest.raises(ValueError, match="NaN"):
        net.fit(X[:, :4], np.full(len(y), np.nan))
    with pytest.raises(NotFittedError):
        net.predict(X[:, :4])


def test_other_kinds_of_labels_are_refused() -> None:
    """A net that goes on keeps to classes, or to as many labels as before."""
    net = MLPClassifier(max_epochs=1, warm_start=True)
    X, y = data_for(net)
    labels = np.eye(3, dtype=int)[y]
    with pytest.raises(ValueError, match="must hold classes, as before"):
        net.fit(X, y).fit(X, labels)
    assert net.predict(X).shape == y.shape
    several = MLPClassifier(max_epochs=1).fit(X, labels)
    for wrong in (y, labels[:, :2]):
        with pytest.raises(ValueError, match="must have 3 columns, as before"):
            several.partial_fit(X, wrong)


@pytest.mark.parametrize("wrong", [3, np.ones((4, 6)), (1, 2, 3)], ids=["number", "array", "three"])
def test_validation_data_are_a_pair(wrong: Any) -> None:
    """What is no pair of X and y is refused."""
    with pytest.raises(ValueError, match=r"must be a pair \(X, y\)"):
        MLPClassifier().fit(*data_for(MLPClassifier()), validation_data=wrong)
