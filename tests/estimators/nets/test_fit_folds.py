"""`fit_folds` gives what fitting fold by fold gives, whatever the nets, and whatever stands in front of them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from small_nets import small_nets
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
    fit_folds,
)
from bakeoff.estimators.layers.layers import FEW_VALUES, NARROW, Linear
from bakeoff.estimators.nets.trainable import begin_training
from bakeoff.estimators.training.optimizers import OPTIMIZERS
from bakeoff.estimators.training.replica_grouping import group_replicas, split_evenly

pytestmark = pytest.mark.usefixtures("one_thread")

# Folds that train together sum in another order: rounding, which training amplifies. Weights on which nothing depends,
# such as a bias in front of a batch norm, amplify it most: adaptive optimizers scale up gradients of almost zero.
TOLERANCES = {np.float64: 1e-8, np.float32: 1e-3}
OF_WEIGHTS = 100


class Noisy(nn.Sequential):
    """A module of one's own that draws random numbers and keeps running means."""

    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__(
            nn.Linear(n_features, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, n_outputs)
        )


SHORT: dict[str, Any] = {"batch_size": 8, "max_epochs": 6, "learning_rate": 0.01, "random_state": 0}
MLP = MLPClassifier(hidden_layer_sizes=(8, 5), **SHORT)
CNN = CNNClassifier(channels=(3, 4), hidden_layer_sizes=(6,), **SHORT)
LSTM = LSTMClassifier(hidden_size=5, **SHORT)
OWN = TorchClassifier(module=Noisy, **SHORT)
REGRESSOR = MLPRegressor(hidden_layer_sizes=(8, 5), **SHORT)
OTHERS = [
    CNNRegressor(channels=(3,), hidden_layer_sizes=(6,), **SHORT),
    LSTMRegressor(hidden_size=5, **SHORT),
    TorchRegressor(module=Noisy, **SHORT),
]


# Slower steps: what their many norms make of the last digits in single precision stays small.
SMALL = small_nets(**{**SHORT, "learning_rate": 0.001})


def name_of(net: Any) -> str:
    """Name a case after its class."""
    return type(net).__name__


def data_for(net: Any, n_samples: int = 61) -> tuple[Any, Any]:
    """Build a small task that suits the estimator."""
    if is_classifier(net):
        return make_classification(n_samples, 6, n_informative=4, n_classes=3, random_state=0)
    return make_regression(n_samples, 6, noise=1.0, random_state=0)


def even_splits(y: Any, n_splits: int = 4) -> list[Any]:
    """Split into folds that differ by a row at most."""
    return list(KFold(n_splits, shuffle=True, random_state=0).split(y))


def uneven_splits(y: Any) -> list[Any]:
    """Split so that the training parts have all kinds of sizes, and 6, 6, 6, 3, 2 and 6 batches of 8."""
    order = np.random.default_rng(0).permutation(len(y))
    parts = [np.sort(np.roll(order, -9 * fold)[:size]) for fold, size in enumerate((48, 47, 44, 25, 16, 49))]
    return [(part, np.setdiff1d(order, part)) for part in parts]


def outputs_of(estimator: Any, X: Any) -> Any:
    """Return probabilities or numbers."""
    return estimator.predict_proba(X) if is_classifier(estimator) else estimator.predict(X)


def assert_equal_alone(
    estimator: Any, X: Any, y: Any, splits: list[Any], tolerance: float = 1e-8, weights: Any = None
) -> list[Any]:
    """Fail unless every fold is what it is alone: predictions, weights, buffers and history; return the folds."""
    together = fit_folds(estimator, X, y, splits, sample_weight=weights)
    assert len(together) == len(splits)
    for fold, (train, _) in zip(together, splits, strict=True):
        part = X.iloc[train] if isinstance(X, pd.DataFrame) else X[train]
        net = fold[-1] if hasattr(fold, "steps") else fold
        if weights is None:
            alone = clone(estimator).fit(part, y[train])
        else:
            alone = clone(estimator).fit(part, y[train], sample_weight=weights[train])
        other = alone[-1] if hasattr(alone, "steps") else alone
        assert net.n_iter_ == other.n_iter_
        np.testing.assert_allclose(net.history_, other.history_, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(outputs_of(fold, part), outputs_of(alone, part), rtol=tolerance, atol=tolerance)
        for name, tensor in other.module_.state_dict().items():
            limit = OF_WEIGHTS * tolerance
            torch.testing.assert_close(net.module_.state_dict()[name], tensor, rtol=limit, atol=limit)
    return together


@pytest.mark.parametrize("dtype", TOLERANCES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("split", [even_splits, uneven_splits])
@pytest.mark.parametrize("net", [MLP, CNN, LSTM, OWN, REGRESSOR, *OTHERS, *SMALL], ids=name_of)
def test_folds_equal_folds_alone(net: Any, split: Any, dtype: Any) -> None:
    """Each kind of net, on folds of like and of unlike sizes, in both precisions."""
    X, y = data_for(net)
    assert_equal_alone(net, X.astype(dtype), y, split(y), TOLERANCES[dtype])


@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 0.3},
        {"batch_norm": True},
        {"dropout": 0.3, "batch_norm": True, "early_stopping": True, "max_epochs": 25, "n_iter_no_change": 3},
        {"early_stopping": True, "schedule": "plateau", "max_epochs": 25, "n_iter_no_change": 4, "tol": 0.01},
        {"schedule": "plateau", "max_epochs": 25, "n_iter_no_change": 4, "tol": 0.05},
        {"schedule": "cosine"},
        {"schedule": "one-cycle"},
        {"l1": 0.01},
        {"weight_decay": 0.1},
        {"max_grad_norm": 0.05},
        {"class_weight": "balanced"},
        {"class_weight": {0: 3.0}},
        {"label_smoothing": 0.2},
        *({"optimizer": name} for name in OPTIMIZERS),
        *({"optimizer": name, "schedule": "plateau", "tol": 0.1, "n_iter_no_change": 2} for name in OPTIMIZERS),
    ],
    ids=str,
)
@pytest.mark.parametrize("net", [MLP, CNN], ids=name_of)
def test_every_way_to_train(net: Any, params: dict[str, Any]) -> None:
    """Noise, norms, stopping, schedules, penalties, weights and optimizers do not mix the folds."""
    X, y = data_for(net)
    assert_equal_alone(clone(net).set_params(**params), X, y, uneven_splits(y))


@pytest.mark.parametrize(
    "params",
    [
        {"layer_norm": True},
        {"residual": True, "hidden_layer_sizes": (6, 6, 4), "dropout": 0.2},
        {"residual": True, "layer_norm": True},
        {"hidden_layer_sizes": ()},
        {"numeric_embedding": "piecewise-linear", "embedding_size": 4, "n_bins": 6},
        {"numeric_embedding": "periodic", "embedding_size": 4},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_every_perceptron(kind: type, params: dict[str, Any]) -> None:
    """Norms, shortcuts and embeddings, the quantiles of each fold its own."""
    net = kind(**{"hidden_layer_sizes": (8, 5), **SHORT, **params})
    X, y = data_for(net)
    assert_equal_alone(net, X, y, uneven_splits(y))


@pytest.mark.parametrize("net", [MLP, REGRESSOR, CNN, LSTM, OWN], ids=name_of)
def test_sample_weights(net: Any) -> None:
    """Weights of rows, some of them zero, go with their rows."""
    X, y = data_for(net)
    weights = np.linspace(0, 2, 61)
    weights[::7] = 0
    assert_equal_alone(net, X, y, uneven_splits(y), weights=weights)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor, CNNClassifier, CNNRegressor, LSTMClassifier])
def test_several_targets(kind: type) -> None:
    """Multilabel and multi-output folds train together too."""
    X, Y = make_multilabel_classification(61, 6, n_classes=3, random_state=0)
    assert_equal_alone(kind(**SHORT, early_stopping=True), X, Y, uneven_splits(Y))


@pytest.mark.parametrize("net", [MLP, LSTM], ids=name_of)
def test_folds_stop_each_by_itself(net: Any) -> None:
    """Folds end at epochs of their own, and what goes on is not disturbed by what has ended."""
    X, y = data_for(net)
    net = clone(net).set_params(early_stopping=True, max_epochs=40, n_iter_no_change=2, learning_rate=0.03)
    folds = assert_equal_alone(net, X, y, uneven_splits(y))
    assert len({fold.n_iter_ for fold in folds}) > 2


@pytest.mark.parametrize("memory", [False, True])
def test_steps_before_the_net_are_fitted_by_fold(memory: bool, tmp_path: Any) -> None:
    """Each fold has the scaler of its own rows, also one from a cache."""
    X, y = data_for(MLP)
    pipeline = make_pipeline(StandardScaler(), clone(MLP), memory=str(tmp_path) if memory else None)
    folds = assert_equal_alone(pipeline, X, y, even_splits(y))
    for fold, (train, _) in zip(folds, even_splits(y), strict=True):
        np.testing.assert_allclose(fold[0].mean_, X[train].mean(axis=0))


@pytest.mark.parametrize("params", [{}, {"hidden_layer_sizes": ()}, {"residual": True}, {"batch_norm": True}], ids=str)
def test_folds_may_differ_in_width(params: dict[str, Any]) -> None:
    """One-hot columns of categories that some folds lack give nets of different widths."""
    X, y = data_for(MLP)
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(
        kind=[f"k{row // 2}" if row < 12 else "k" for row in range(61)]
    )
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["kind"]), remainder="passthrough")
    net = clone(MLP).set_params(**params, weight_decay=0.01, max_grad_norm=0.5)
    folds = assert_equal_alone(make_pipeline(encode, net), frame, y, uneven_splits(y))
    assert len({fold[-1].n_features_in_ for fold in folds}) > 1


@pytest.mark.parametrize("numeric_embedding", [None, "piecewise-linear"])
def test_folds_may_differ_in_their_categories(numeric_embedding: str | None) -> None:
    """Vectors of categories are each fold's own, wherever a category is absent."""
    X, y = data_for(MLP)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame["kind"] = pd.Categorical([f"k{row // 3}" if row < 30 else "k" for row in range(61)])
    frame["other"] = [["x", "y", "z"][row % 3] for row in range(61)]
    net = clone(MLP).set_params(numeric_embedding=numeric_embedding, embedding_size=3)
    folds = assert_equal_alone(net, frame, y, uneven_splits(y))
    assert len({fold.n_parameters_ for fold in folds}) > 1


@pytest.mark.parametrize("net", [MLP, CNN, LSTM], ids=name_of)
def test_folds_may_differ_in_their_classes(net: Any) -> None:
    """A fold that lacks a class has one output less."""
    X, y = data_for(net)
    y = np.array(["a", "b", "c"])[y]
    rare = np.flatnonzero(y == "c")
    splits = [*even_splits(y, 3), (np.setdiff1d(np.arange(61), rare), rare)]
    folds = assert_equal_alone(net, X, y, splits)
    assert [len(fold.classes_) for fold in folds] == [3, 3, 3, 2]


def test_named_validation_rows() -> None:
    """The rows of `validation` are those of the whole table, held out in their fold; order does not matter."""
    X, y = data_for(MLP)
    splits = even_splits(y)
    held_out = [train[::5][::-1] for train, _ in splits]
    together = fit_folds(MLP, X, y, splits, validation=held_out)
    for fold, (train, _), rows in zip(together, splits, held_out, strict=True):
        alone = clone(MLP).fit(X[train], y[train], validation_rows=np.isin(train, rows))
        np.testing.assert_allclose(fold.history_, alone.history_, rtol=1e-8)
        np.testing.assert_allclose(fold.predict_proba(X), alone.predict_proba(X), atol=1e-8)


def test_estimators_come_in_the_order_of_the_splits() -> None:
    """Though folds train in groups by their number of batches, nothing is out of place; the template stays unfitted."""
    X = np.arange(40.0)[:, np.newaxis]
    splits = [([0, 1], []), (range(10, 40), []), ([4, 5], []), (range(5, 35), [])]
    folds = fit_folds(template := MLPRegressor(**SHORT), X, X[:, 0], splits)
    assert [fold.target_mean_.item() for fold in folds] == [0.5, 24.5, 4.5, 19.5]
    assert not hasattr(template, "module_")


@pytest.mark.parametrize("net", [MLP, CNN, LSTM, OWN], ids=name_of)
def test_on_epoch_sees_all_folds(net: Any) -> None:
    """After each epoch all estimators predict, those in training with the weights that they have by then."""
    X, y = data_for(net)
    splits = uneven_splits(y)
    seen: list[Any] = []
    fit_folds(
        net, X, y, splits, on_epoch=lambda epoch, folds: seen.append((epoch, [fold.predict_proba(X) for fold in folds]))
    )
    assert [epoch for epoch, _ in seen] == list(range(1, 7))
    for epoch in (1, 4):
        shorter = clone(net).set_params(max_epochs=epoch)
        for outputs, (train, _) in zip(seen[epoch - 1][1], splits, strict=True):
            np.testing.assert_allclose(outputs, shorter.fit(X[train], y[train]).predict_proba(X), atol=1e-8)


def test_what_on_epoch_raises_comes_through() -> None:
    """A pruned trial can leave the training at once."""
    X, y = data_for(MLP)
    epochs = []

    def prune(epoch: int, folds: list[Any]) -> None:
        epochs.append(epoch)
        if epoch == 2:
            raise LookupError("pruned")

    with pytest.raises(LookupError, match="pruned"):
        fit_folds(MLP, X, y, even_splits(y), on_epoch=prune)
    assert epochs == [1, 2]


def test_callbacks_belong_to_their_fold() -> None:
    """A callback that stops one fold leaves the others to go on."""
    X, y = data_for(MLP)
    splits = [(np.arange(45), []), (np.arange(16, 61), []), (np.arange(8, 53), []), (np.arange(12, 57), [])]
    order: list[Any] = []

    def stop_the_first(net: Any, row: dict[str, float]) -> bool:
        if net not in order:
            order.append(net)
        return net is order[0] and row["epoch"] == 3

    folds = fit_folds(clone(MLP).set_params(callbacks=stop_the_first), X, y, splits)
    assert [fold.n_iter_ for fold in folds] == [3, 6, 6, 6]


def test_folds_that_diverge() -> None:
    """A fold whose loss stops being finite ends all of them, with the epoch and the learning rate."""
    X, y = data_for(REGRESSOR)
    net = MLPRegressor(optimizer="sgd", learning_rate=1e200, random_state=0)
    with pytest.raises(ConvergenceError, match=r"epoch \d+ with learning_rate=1e\+200"):
        fit_folds(net, X, y, even_splits(y))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"estimator": StandardScaler()}, TypeError, "or a scikit-learn Pipeline that ends in one. Got StandardScaler"),
        ({"estimator": make_pipeline(StandardScaler())}, TypeError, "Got StandardScaler instead"),
        ({"splits": []}, ValueError, "splits must hold at least one pair"),
        ({"validation": [[0]]}, ValueError, "rows for each of the 4 splits. Got 1"),
        ({"validation": [[0], [0], [0], [0]]}, ValueError, r"validation\[\d\] must be numbers of rows in the training"),
        ({"validation": [np.ones(61, dtype=bool)] * 4}, ValueError, r"validation\[0\] must be numbers of rows"),
        ({"y": None}, ValueError, "requires y to be passed"),
        ({"y": np.zeros(5)}, ValueError, "inconsistent numbers of samples"),
        ({"sample_weight": np.ones(5)}, ValueError, "inconsistent numbers of samples"),
        ({"estimator": MLPClassifier(dropout=2.0)}, ValueError, "'dropout' parameter"),
    ],
)
def test_errors(change: dict[str, Any], error: type[Exception], message: str) -> None:
    """What does not fit together is named."""
    X, y = data_for(MLP)
    given = {"estimator": MLP, "X": X, "y": y, "splits": even_splits(y), **change}
    with pytest.raises(error, match=message):
        fit_folds(**given)


def test_splitters_are_taken_as_cross_validate_takes_them() -> None:
    """A number of folds or a splitter gives what its splits give, stratified for classifiers."""
    X, y = data_for(MLP)
    expected = fit_folds(MLP, X, y, list(StratifiedKFold(3).split(X, y)))
    for splits in (3, StratifiedKFold(3)):
        for one, other in zip(fit_folds(MLP, X, y, splits), expected, strict=True):
            np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def test_groups() -> None:
    """Folds of as many batches and one architecture go together, in parts of even sizes; modules go alone."""
    X, y = data_for(MLP)

    def groups(net: Any) -> list[int]:
        begun = (begin_training(clone(net), X[train], y[train]) for train, _ in uneven_splits(y))
        return [len(part) for part in group_replicas([replica for replicas in begun for replica in replicas])]

    assert groups(MLP) == groups(CNN) == [4, 1, 1]
    assert groups(LSTM) == [1] * 6


def test_wider_nets_train_in_smaller_parts() -> None:
    """The parts are a pure function of the sizes: never more replicas at once for a larger net, and evenly many."""
    X, y = data_for(MLP)
    largest = []
    for width in (8, 512, 1024, 2048, 4096):
        replicas = [
            replica
            for _ in range(7 if width < 4096 else 2)
            for replica in begin_training(MLPClassifier(hidden_layer_sizes=(width, width)), X, y)
        ]
        parts = list(split_evenly(replicas))
        assert [one for part in parts for one in part] == replicas
        sizes = [len(part) for part in parts]
        assert max(sizes) - min(sizes) <= max(len(sizes) - 1, 0)
        assert sizes == [len(part) for part in split_evenly(replicas)]
        largest.append(max(sizes))
    assert largest == sorted(largest, reverse=True)
    assert largest[0] == 7
    assert largest[-1] == 1


def test_masks_are_splits() -> None:
    """Masks and row numbers name the same folds."""
    X, y = data_for(MLP)
    mask = np.arange(len(y)) < 40
    by_mask, by_number = fit_folds(MLP, X, y, [(mask, ~mask), (np.arange(40), [])], validation=[[1, 2], [1, 2]])
    np.testing.assert_allclose(by_mask.predict_proba(X), by_number.predict_proba(X), rtol=1e-12)


@pytest.mark.parametrize("train", [[], [99], [-1], [0.0, 1.0], [[0, 1]], [True]], ids=str)
def test_splits_that_name_no_rows(train: Any) -> None:
    """A training part that is empty or names rows that are not there is refused with its number."""
    with pytest.raises(ValueError, match="training part of split 0 must be row numbers from 0 to 60"):
        fit_folds(MLP, *data_for(MLP), [(train, [1])])


def test_regressors_stop_each_by_itself() -> None:
    """The scores of held-out rows are in units of each fold's own variance when other folds have stopped."""
    net = MLPRegressor(
        hidden_layer_sizes=(4,),
        batch_size=8,
        max_epochs=40,
        early_stopping=True,
        n_iter_no_change=1,
        learning_rate=0.05,
    )
    X, y = data_for(net)
    folds = assert_equal_alone(net.set_params(random_state=0), X, y, even_splits(y, 5))
    assert len({fold.n_iter_ for fold in folds}) > 2


@pytest.mark.parametrize("n_outputs", [1, 3, NARROW - 1, NARROW])
def test_heads_multiply_alike(n_outputs: int) -> None:
    """A head of few columns over many rows, which goes another way, gives the plain product and its gradients."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(3, 200, 60, generator=generator, dtype=torch.float64, requires_grad=True)
    assert rows.numel() > FEW_VALUES
    layer = Linear(60, n_outputs, generator).double()
    layer.weight.data = torch.randn(3, 60, n_outputs, generator=generator, dtype=torch.float64)
    wanted = torch.einsum("eni,eio->eno", rows, layer.weight) + layer.bias
    outer = torch.randn(wanted.shape, generator=generator, dtype=torch.float64)
    plain = torch.autograd.grad((wanted * outer).sum(), [rows, layer.weight, layer.bias])
    outputs = layer(rows)
    torch.testing.assert_close(outputs, wanted)
    for ours, theirs in zip(
        torch.autograd.grad((outputs * outer).sum(), [rows, layer.weight, layer.bias]), plain, strict=True
    ):
        torch.testing.assert_close(ours, theirs)
