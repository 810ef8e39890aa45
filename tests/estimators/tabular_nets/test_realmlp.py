"""RealMLP: it scales its columns itself, trains its parts at their own rates, and answers within the known range."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from nets import name_of
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression

from bakeoff.estimators import RealMLPClassifier, RealMLPRegressor, fit_folds
from bakeoff.estimators.training.optimizers import group_parameters

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL: dict[str, Any] = {
    "hidden_layer_sizes": (16, 8),
    "n_frequencies": 4,
    "max_epochs": 20,
    "batch_size": 20,
    "random_state": 0,
}


def table(n_rows: int = 80) -> tuple[pd.DataFrame, np.ndarray]:
    """Make numbers beside columns of two, three and twelve categories."""
    rng = np.random.default_rng(0)
    X, y = make_regression(n_rows, 3, noise=0.1, random_state=0)
    frame = pd.DataFrame(X, columns=list("abc"))
    for name, count in (("d", 2), ("e", 3), ("f", 12)):
        frame[name] = pd.Categorical(rng.choice([f"{name}{i}" for i in range(count)], n_rows))
    return frame, y + 50 * (frame["d"] == "d0")


def test_columns_need_no_scaling() -> None:
    """Units and offsets of the columns change nothing."""
    X, y = make_regression(60, 3, random_state=0)
    net = RealMLPRegressor(**SMALL).fit(X, y)
    other = clone(net).fit(X * [1e3, 1e-3, 7] + [5, -2, 1e4], y)
    np.testing.assert_allclose(
        other.predict(X * [1e3, 1e-3, 7] + [5, -2, 1e4]), net.predict(X), rtol=1e-4, atol=1e-4 * y.std()
    )


@pytest.mark.parametrize(("max_one_hot", "widths"), [(8, (4, 1)), (2, (1, 2)), (0, (None, 3)), (12, (16, None))])
def test_few_categories_become_ones_and_many_vectors(max_one_hot: int, widths: tuple[int | None, int | None]) -> None:
    """Two categories take one value; a vector has the length asked for."""
    X, y = table()
    net = RealMLPRegressor(max_one_hot=max_one_hot, category_size=5, **SMALL).fit(X, y)
    columns = net.module_.body[0]
    n_ones = None if columns.ones is None else columns.ones.absent.shape[2]
    assert (n_ones, None if columns.vectors is None else columns.many.shape[2]) == widths
    assert net.module_.body[1].weight.shape[2] == 3 * 4 + (widths[0] or 0) + 5 * (widths[1] or 0)
    assert net.score(X, y) > 0.5


def test_only_categories() -> None:
    """A table without numbers is learned from its categories."""
    y = np.arange(40) % 2
    X = pd.DataFrame({"a": pd.Categorical(np.where(y, "yes", "no"))})
    assert RealMLPClassifier(**SMALL).fit(X, y).score(X, y) == 1


def test_new_and_missing_categories_are_taken() -> None:
    """Both say nothing, in ones and in vectors."""
    X, y = table()
    net = RealMLPRegressor(**SMALL).fit(X, y)
    for name in "def":
        new, missing, known = (net.predict(X.assign(**{name: value})) for value in ("new", None, f"{name}0"))
        np.testing.assert_array_equal(new, missing)
        assert not np.allclose(new, known)


def test_parts_are_trained_at_their_own_rates() -> None:
    """Scales fast, waves, biases and activations slowly; the decay follows, biases have none."""
    X, y = make_regression(40, 3, random_state=0)
    net = RealMLPRegressor(first_layer_rate_factor=0.5, embedding_rate_factor=0.2, **SMALL).fit(X, y)
    training = {id(weight): group["training"] for group in group_parameters(net.module_) for weight in group["params"]}
    found = {name: training[id(weight)] for name, weight in net.module_.named_parameters()}
    rates = {name: (one.rate_factor, one.decay_factor) for name, one in found.items()}
    assert {rates[f"body.0.numbers.1.{name}"] for name in ("frequencies", "phases", "weight", "bias")} == {(0.2, 0.2)}
    assert rates["body.1.weight"] == (6.0, 6.0)
    assert rates["body.2.0.weight"] == (0.5, 0.5)
    assert rates["body.2.0.bias"] == (0.05, 0.0)
    assert rates["body.2.1.weight"] == (0.1, 0.1)
    assert rates["body.4.weight"] == (1.0, 1.0)
    assert rates["body.4.bias"] == (0.1, 0.0)


def test_numbers_stay_within_the_known_range() -> None:
    """Far outside the training rows, too; `partial_fit` and warm starts widen the range."""
    X, y = make_regression(60, 3, random_state=0)
    net = RealMLPRegressor(warm_start=True, **SMALL).fit(X, y)
    far = net.predict(100 * X)
    assert y.min() - 1e-6 <= far.min() < far.max() <= y.max() + 1e-6
    low, high = (getattr(net.module_.body[-1], name).item() for name in ("low", "high"))
    net.partial_fit(X, 3 * y)
    assert net.module_.body[-1].low.item() == pytest.approx(3 * low + 2 * (net.target_mean_ / net.target_scale_)[0])
    net.fit(X, y)
    assert net.module_.body[-1].high.item() > 2 * high


@pytest.mark.parametrize("kind", [RealMLPClassifier, RealMLPRegressor], ids=lambda kind: kind.__name__)
def test_folds_equal_folds_alone_with_dropout_and_categories(kind: Any) -> None:
    """Folds whose categories differ do not train together, and come out the same."""
    X, y = table()
    X["e"] = X["e"].where(X.index >= 8, "e0")
    X.loc[0, "e"] = "e1"
    X["e"] = X["e"].where((X["e"] != "e1") | (X.index == 0), "e2")
    y = y if kind is RealMLPRegressor else (y > y.median()).to_numpy()
    net = kind(**SMALL)
    splits = [(np.setdiff1d(np.arange(80), test), test) for test in np.array_split(np.arange(80), 4)]
    for fold, (train, test) in zip(fit_folds(net, X, np.asarray(y), splits), splits, strict=True):
        alone = clone(net).fit(X.iloc[train], np.asarray(y)[train])
        np.testing.assert_allclose(fold.history_, alone.history_, rtol=1e-7)
        assert fold.predict(X.iloc[test]) == pytest.approx(alone.predict(X.iloc[test]), rel=1e-6)


def test_the_last_of_the_best_epochs_is_kept() -> None:
    """All epochs run; the weights are those of the last one with the best score on the held-out rows."""
    X, y = make_classification(120, 4, random_state=0)
    net = RealMLPClassifier(early_stopping=True, **SMALL)
    scores = net.fit(X, y, validation_rows=np.arange(30)).validation_scores_
    assert net.n_iter_ == SMALL["max_epochs"] == len(scores)
    assert net.score(X[:30], y[:30]) == max(scores)
    last = max(number for number, score in enumerate(scores) if score == max(scores))
    losses = net.history_["validation_loss"]
    probabilities = net.predict_proba(X[:30])[np.arange(30), y[:30]]
    assert -np.log(probabilities).mean() == pytest.approx(losses[last])


def test_dropout_samples_predictions() -> None:
    """Monte-Carlo dropout sees the dropout inside the activations."""
    X, y = make_regression(40, 3, random_state=0)
    samples = RealMLPRegressor(**SMALL).fit(X, y).predict_samples(X, 8, random_state=0)
    assert samples.shape == (8, 40)
    assert samples.std(axis=0).min() > 0
    with pytest.raises(ValueError, match="needs a network with dropout"):
        RealMLPRegressor(**SMALL | {"dropout": 0.0}).fit(X, y).predict_samples(X)


@pytest.mark.parametrize(
    "params",
    [{"activation": "relu"}, {"embedding_size": 1}, {"hidden_layer_sizes": ()}, {"dropout": 0.0}, {"dtype": "float32"}],
    ids=str,
)
def test_variants_learn(params: dict[str, Any]) -> None:
    """Without waves, hidden layers or dropout, too."""
    X, y = make_regression(80, 3, random_state=0)
    assert RealMLPRegressor(**SMALL | params).fit(X, y).score(X, y) > 0.8


@pytest.mark.parametrize("net", [RealMLPClassifier(**SMALL), RealMLPRegressor(**SMALL)], ids=name_of)
def test_saved_nets_predict_the_same(net: Any, tmp_path: Any) -> None:
    """What was learned of the columns comes back with the weights."""
    X, y = table()
    y = y if isinstance(net, RealMLPRegressor) else (y > y.median()).to_numpy()
    net.fit(X, y).save(tmp_path / "net.safetensors")
    loaded = type(net).load(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(loaded.predict(X), net.predict(X))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (
            {"activation": "gelu"},
            "'activation' parameter of RealMLPClassifier must be a str among {'mish', 'relu', 'selu'}",
        ),
        ({"embedding_size": 0}, "'embedding_size' parameter of RealMLPClassifier must be an int"),
        ({"frequency_scale": 0}, "'frequency_scale' parameter of RealMLPClassifier must be a float"),
        ({"scale_rate_factor": -1.0}, "'scale_rate_factor' parameter of RealMLPClassifier must be a float"),
    ],
    ids=str,
)
def test_errors_say_what_must_hold(params: dict[str, Any], words: str) -> None:
    """With the value that was found."""
    with pytest.raises(ValueError, match=words):
        RealMLPClassifier(**params).fit(np.eye(4), [0, 1, 0, 1])
