"""What a training leaves and how it goes on: history, early stopping, warm starts, `partial_fit`, callbacks."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression
from sklearn.metrics import log_loss, r2_score
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
from bakeoff.estimators.training.stopping import Plateau

pytestmark = pytest.mark.usefixtures("one_thread")


class Noisy(nn.Sequential):
    """A module of one's own that draws random numbers and keeps running means."""

    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__(
            nn.Linear(n_features, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, n_outputs)
        )


SHORT: dict[str, Any] = {"batch_size": 16, "max_epochs": 3, "random_state": 0}
NOISE: dict[str, Any] = {"dropout": 0.3, "batch_norm": True}
NETS = [
    *(kind(hidden_layer_sizes=(8,), **NOISE, **SHORT) for kind in (MLPClassifier, MLPRegressor)),
    *(kind(channels=(3,), hidden_layer_sizes=(8,), **NOISE, **SHORT) for kind in (CNNClassifier, CNNRegressor)),
    *(kind(hidden_size=5, **NOISE, **SHORT) for kind in (LSTMClassifier, LSTMRegressor)),
    *(kind(module=Noisy, **SHORT) for kind in (TorchClassifier, TorchRegressor)),
]
each_net = pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)
HELD_OUT = np.arange(0, 60, 7)


def data_for(net: Any, n_samples: int = 60) -> tuple[Any, Any]:
    """Build a small task that suits the estimator."""
    if is_classifier(net):
        return make_classification(n_samples, 6, n_informative=4, n_classes=3, random_state=0)
    return make_regression(n_samples, 6, noise=1.0, random_state=0)


def weights_of(net: Any) -> list[Any]:
    """Copy all weights and buffers of the network."""
    return [tensor.numpy().copy() for tensor in net.module_.state_dict().values()]


def assert_same_weights(one: Any, other: Any) -> None:
    """Fail unless both networks hold the same bits."""
    for left, right in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_array_equal(left, right)


@each_net
def test_fitted_attributes(net: Any) -> None:
    """A fit leaves its history by epoch, its columns as curves, the best loss and the number of parameters."""
    X, y = data_for(net)
    fitted = clone(net).fit(X, y)
    assert fitted.history_.columns.tolist() == ["epoch", "training_loss", "learning_rate"]
    assert fitted.history_["epoch"].tolist() == [1, 2, 3]
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 3
    assert fitted.validation_loss_curve_ == fitted.validation_scores_ == []
    assert fitted.best_loss_ == min(fitted.loss_curve_)
    assert fitted.n_parameters_ == sum(weight.numel() for weight in fitted.module_.parameters())
    assert not fitted.module_.training
    assert fitted.fit(X, y).n_iter_ == 3
    stopped = clone(net).set_params(early_stopping=True).fit(X, y)
    assert {"validation_loss", "validation_score"} < set(stopped.history_.columns)
    assert stopped.best_loss_ == min(stopped.validation_loss_curve_)


@pytest.mark.parametrize("name", ["history_", "n_iter_", "loss_curve_", "best_loss_", "n_parameters_"])
def test_fitted_attributes_are_absent_before_fit(name: str) -> None:
    """As everywhere in scikit-learn, hasattr tells whether there was a fit."""
    assert not hasattr(MLPClassifier(), name)


@pytest.mark.parametrize("as_mask", [True, False])
@each_net
def test_validation_rows_do_not_train(net: Any, as_mask: bool) -> None:
    """The weights do not depend on the features or targets of the held-out rows."""
    X, y = data_for(net)
    named = np.isin(np.arange(60), HELD_OUT) if as_mask else HELD_OUT
    poisoned_X, poisoned_y = X.copy(), y.copy()
    poisoned_X[HELD_OUT] *= 100
    poisoned_y[HELD_OUT] = y[HELD_OUT][::-1] if is_classifier(net) else 1e6
    params = {"class_weight": "balanced"} if is_classifier(net) else {}
    net = clone(net).set_params(max_epochs=1, **params)
    clean = clone(net).fit(X, y, validation_rows=named)
    poisoned = clone(net).fit(poisoned_X, poisoned_y, validation_rows=named)
    assert_same_weights(clean, poisoned)
    assert clean.validation_loss_curve_ != poisoned.validation_loss_curve_


@each_net
def test_validation_data_are_validation_rows(net: Any) -> None:
    """Rows of their own do what the same rows do among the others, in the precision of X."""
    X, y = data_for(net)
    rest = np.setdiff1d(np.arange(60), HELD_OUT)
    order = np.concatenate([rest, HELD_OUT])
    together = clone(net).fit(X[order].astype(np.float32), y[order], validation_rows=np.arange(len(rest), 60))
    apart = clone(net).fit(X[rest], y[rest])  # what an earlier fit leaves makes no difference
    apart.fit(X[rest].astype(np.float32), y[rest], validation_data=(X[HELD_OUT].astype(np.float32), y[HELD_OUT]))
    assert_same_weights(together, apart)
    assert together.history_.equals(apart.history_)
    doubled = clone(net).fit(X[rest].astype(np.float32), y[rest], validation_data=(X[HELD_OUT], y[HELD_OUT]))
    assert next(doubled.module_.parameters()).dtype == next(together.module_.parameters()).dtype


def test_validation_data_of_several_targets() -> None:
    """Multilabel and multi-output rows of validation are taken as well, frames included."""
    X, Y = make_multilabel_classification(60, 6, n_classes=3, random_state=0)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    net = MLPClassifier(**SHORT).fit(frame[:40], Y[:40], validation_data=(frame[40:], Y[40:]))
    assert len(net.validation_scores_) == 3
    net = MLPRegressor(**SHORT).fit(frame[:40], Y[:40], validation_data=(frame[40:], Y[40:]))
    assert len(net.validation_scores_) == 3


@each_net
def test_early_stopping_restores_the_best_weights(net: Any) -> None:
    """The kept weights are those of the epoch with the lowest validation loss, not the last."""
    X, y = data_for(net, 80)
    rows = np.arange(40)
    y[rows] = y[rows][::-1]  # what the net learns soon stops helping on these
    net = clone(net).set_params(learning_rate=0.02, n_iter_no_change=5, batch_size=8, max_epochs=100)
    stopped = clone(net).fit(X, y, validation_rows=rows)
    best_epoch = int(np.argmin(stopped.validation_loss_curve_)) + 1
    assert best_epoch < stopped.n_iter_ < net.max_epochs
    assert stopped.best_loss_ == min(stopped.validation_loss_curve_)
    assert_same_weights(stopped, clone(net).set_params(max_epochs=best_epoch).fit(X, y, validation_rows=rows))


def test_held_out_rows_are_drawn() -> None:
    """early_stopping=True holds rows out by itself, also when a class is too small to stratify."""
    X, y = data_for(MLPClassifier())
    y[y == 2] = 1
    y[0] = 2
    assert len(MLPClassifier(early_stopping=True, **SHORT).fit(X, y).validation_loss_curve_) == 3


@each_net
def test_validation_scores(net: Any) -> None:
    """The scores of the epochs are those that `score` gives on the held-out rows, with their weights."""
    X, y = data_for(net)
    weights = np.linspace(1, 3, 60)
    expected: list[float] = []

    def score(fitted: Any, row: dict[str, float]) -> None:
        expected.append(fitted.score(X[HELD_OUT], y[HELD_OUT], sample_weight=weights[HELD_OUT]))

    net = clone(net).set_params(callbacks=score, learning_rate=0.05)
    net.fit(X, y, sample_weight=weights, validation_rows=HELD_OUT)
    assert net.validation_scores_ == pytest.approx(expected)
    assert len(expected) == 3


def test_validation_scores_of_several_targets() -> None:
    """Multi-output is scored by the mean R² of the targets, multilabel by accuracy of all labels at once."""
    X, Y = make_multilabel_classification(60, 6, n_classes=3, random_state=0)
    for kind in (MLPRegressor, MLPClassifier):
        net = kind(**{**SHORT, "max_epochs": 1}).fit(X, Y, validation_rows=HELD_OUT)
        assert net.validation_scores_ == pytest.approx([net.score(X[HELD_OUT], Y[HELD_OUT])])


def test_validation_loss() -> None:
    """The validation loss is the cross-entropy, or half the squared error in units of the training rows' variance."""
    X, y = data_for(MLPClassifier())
    net = MLPClassifier(**{**SHORT, "max_epochs": 1}).fit(X, y, validation_rows=HELD_OUT)
    assert net.best_loss_ == pytest.approx(log_loss(y[HELD_OUT], net.predict_proba(X[HELD_OUT])))
    X, y = data_for(MLPRegressor())
    regressor = MLPRegressor(**{**SHORT, "max_epochs": 1}).fit(X, y, validation_rows=HELD_OUT)
    variance = np.delete(y, HELD_OUT).var()
    assert regressor.best_loss_ == pytest.approx(((y - regressor.predict(X))[HELD_OUT] ** 2).mean() / variance / 2)
    assert regressor.validation_scores_ == pytest.approx([r2_score(y[HELD_OUT], regressor.predict(X[HELD_OUT]))])


def test_plateau_counts_as_scikit_learn_does() -> None:
    """The patience counts epochs in a row without a gain of tol; any lower loss is the best."""
    plateau = Plateau(patience=2, tol=0.1)
    assert [plateau.update(loss) for loss in (1.0, 0.95, 0.94)] == [True, True, True]
    assert (plateau.stale, plateau.best, plateau.exhausted) == (2, 0.94, False)
    assert not plateau.update(0.99)
    assert plateau.exhausted


def test_training_stops_on_a_plateau() -> None:
    """Without early stopping the training loss decides, and the last weights stay."""
    X, y = data_for(MLPClassifier())
    fitted = MLPClassifier(tol=10.0, n_iter_no_change=3, random_state=0).fit(X, y)
    assert fitted.n_iter_ == 5
    assert_same_weights(fitted, MLPClassifier(tol=0.0, max_epochs=5, random_state=0).fit(X, y))


@each_net
def test_warm_start_goes_on(net: Any) -> None:
    """A second fit starts from the weights of the first, also those of `partial_fit`; epochs add up."""
    X, y = data_for(net)
    warm = clone(net).set_params(warm_start=True).fit(X, y).partial_fit(X, y)
    curve, before = warm.loss_curve_, [weight.detach().clone() for weight in warm.module_.parameters()]
    warm.set_params(learning_rate=1e-12, max_epochs=2).fit(X, y)
    assert warm.n_iter_ == 6
    assert warm.loss_curve_[:4] == curve
    for old, new in zip(before, warm.module_.parameters(), strict=True):
        torch.testing.assert_close(new.detach(), old, rtol=0, atol=1e-10)
    assert warm.set_params(warm_start=False).fit(X, y).n_iter_ == 2


def test_warm_start_refuses_other_targets() -> None:
    """Neither classes nor the number of targets may change between warm fits."""
    X, y = data_for(MLPClassifier())
    warm = MLPClassifier(warm_start=True, **SHORT).fit(X, y)
    with pytest.raises(ValueError, match=r"warm_start can only be used where `self.classes_` is the same"):
        warm.fit(X, y + 1)
    regressor = MLPRegressor(warm_start=True, **SHORT).fit(X, X[:, :2])
    with pytest.raises(ValueError, match=r"y must have 2 columns, as before. Got 3 instead"):
        regressor.fit(X, X[:, :3])
    mean = regressor.target_mean_.copy()
    np.testing.assert_array_equal(regressor.fit(X, X[:, :2] + 5).target_mean_, mean)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamw"])
@pytest.mark.parametrize("batch_size", [16, 1000])
@each_net
def test_partial_fits_are_epochs_of_fit(net: Any, batch_size: int, optimizer: str) -> None:
    """Calls of `partial_fit` on the same rows are epochs of `fit` bit for bit: optimizer and noise go on."""
    X, y = data_for(net)
    net = clone(net).set_params(batch_size=batch_size, optimizer=optimizer)
    first = {"classes": np.unique(y)} if is_classifier(net) else {}
    bit_by_bit = clone(net).partial_fit(X, y, **first).partial_fit(X, y).partial_fit(X, y)
    whole = clone(net).fit(X, y)
    assert_same_weights(bit_by_bit, whole)
    assert bit_by_bit.history_.equals(whole.history_)


@pytest.mark.parametrize("schedule", ["cosine", "one-cycle"])
@each_net
def test_schedules_go_on_in_partial_fit(net: Any, schedule: str) -> None:
    """A schedule runs over `max_epochs` calls of `partial_fit` as over the epochs of `fit`."""
    X, y = data_for(net)
    net = clone(net).set_params(schedule=schedule)
    first = {"classes": np.unique(y)} if is_classifier(net) else {}
    bit_by_bit = clone(net).partial_fit(X, y, **first).partial_fit(X, y).partial_fit(X, y)
    whole = clone(net).fit(X, y)
    assert_same_weights(bit_by_bit, whole)
    assert bit_by_bit.history_.equals(whole.history_)


@each_net
def test_partial_fit_after_fit(net: Any) -> None:
    """`partial_fit` trains a fitted net for one epoch more, on other rows, with weights."""
    X, y = data_for(net)
    fitted = clone(net).fit(X, y)
    before = weights_of(fitted)
    assert fitted.partial_fit(X[:20], y[:20], sample_weight=np.linspace(0, 1, 20)).n_iter_ == 4
    assert any((old != new).any() for old, new in zip(before, weights_of(fitted), strict=True))


def test_fit_forgets_partial_fits() -> None:
    """Behind a `fit`, neither optimizer nor noise go on where an earlier `partial_fit` left off."""
    X, y = data_for(MLPClassifier())
    fresh, used = (MLPClassifier(**NOISE, **SHORT) for _ in range(2))
    used.set_params(hidden_layer_sizes=(3,)).partial_fit(X, y, classes=[0, 1, 2])
    for net in (fresh, used):
        net.set_params(hidden_layer_sizes=(5,)).fit(X, y).partial_fit(X, y)
    assert_same_weights(fresh, used)


def test_partial_fit_of_several_targets() -> None:
    """It goes on after a multilabel fit, and starts with several numbers."""
    X, Y = make_multilabel_classification(60, 6, n_classes=3, random_state=0)
    assert MLPClassifier(**SHORT).fit(X, Y).partial_fit(X, Y).predict(X).shape == (60, 3)
    assert MLPRegressor(**SHORT).partial_fit(X, Y).partial_fit(X, Y).predict(X).shape == (60, 3)


def test_partial_fit_learns_from_a_stream() -> None:
    """A net that sees ten rows at a time, some classes late, learns all of them."""
    X, y = make_classification(200, 6, n_informative=4, class_sep=2, random_state=0)
    net = MLPClassifier(learning_rate=0.01, random_state=0)
    for start in list(range(0, 200, 10)) * 3:
        net.partial_fit(X[start : start + 10], y[start : start + 10], classes=[0, 1])
    assert net.score(X, y) > 0.85
    assert net.n_iter_ == 60


def test_partial_fit_refuses_what_it_cannot_take() -> None:
    """Unseen labels, other columns, other targets, early stopping and balanced weights are errors."""
    X, y = data_for(MLPClassifier())
    net = MLPClassifier(**SHORT)
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        net.partial_fit(X, y)
    with pytest.raises(ValueError, match="contains NaN"):
        net.partial_fit(X * np.nan, y, classes=[0, 1, 2, 3])
    net.partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"`y` has classes not in `self.classes_`"):
        net.partial_fit(X, y + 5)
    with pytest.raises(ValueError, match="is not the same as on last call"):
        net.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="X has 5 features, but MLPClassifier is expecting 6 features"):
        net.partial_fit(X[:, :5], y)
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        net.set_params(early_stopping=True).partial_fit(X, y)
    with pytest.raises(ValueError, match="class_weight='balanced' is not supported by partial_fit"):
        net.set_params(early_stopping=False, class_weight="balanced").partial_fit(X, y)
    regressor = MLPRegressor(**SHORT).partial_fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"y must have 1 columns, as before. Got 2 instead"):
        regressor.partial_fit(X, X[:, :2])


@each_net
def test_callbacks(net: Any) -> None:
    """Each is called after each epoch with its row, and the estimator predicts with its present weights."""
    X, y = data_for(net)
    rows: list[dict[str, float]] = []
    seen: list[Any] = []

    def keep(fitted: Any, row: dict[str, float]) -> str:
        rows.append(row)
        seen.append(weights_of(fitted))
        fitted.predict(X)
        return "not True"

    fitted = clone(net).set_params(callbacks=[keep, lambda fitted, row: seen.append(None)]).fit(X, y)
    assert pd.DataFrame(rows).equals(fitted.history_)
    assert len(seen) == 6
    for epoch in (1, 2, 3):
        alone = clone(net).set_params(max_epochs=epoch).fit(X, y)
        for left, right in zip(seen[2 * epoch - 2], weights_of(alone), strict=True):
            np.testing.assert_array_equal(left, right)


def test_callbacks_can_stop() -> None:
    """One that returns True ends the training behind that epoch; the others are called nevertheless."""
    called = []
    callbacks = (lambda net, row: row["epoch"] == 2, lambda net, row: called.append(row["epoch"]))
    net = MLPClassifier(callbacks=callbacks, **SHORT).fit(*data_for(MLPClassifier()))
    assert called == [1, 2]
    assert net.n_iter_ == 2
    assert net.predict(np.zeros((1, 6))).shape == (1,)


def test_what_callbacks_raise_comes_through() -> None:
    """An exception of a callback is not swallowed."""

    def fail(net: Any, row: dict[str, float]) -> None:
        raise LookupError("of the callback")

    with pytest.raises(LookupError, match="of the callback"):
        MLPClassifier(callbacks=fail, **SHORT).fit(*data_for(MLPClassifier()))


def test_verbose_shows_a_bar_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """verbose=True shows epochs and losses on stderr and nothing on stdout; without it there is silence."""
    X, y = data_for(MLPClassifier())
    MLPClassifier(early_stopping=True, **SHORT).fit(X, y)
    assert capsys.readouterr() == ("", "")
    MLPClassifier(early_stopping=True, verbose=True, **SHORT).fit(X, y)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "3/3" in captured.err
    assert all(words in captured.err for words in (" loss ", " validation loss ", " score "))
