"""Embeddings of columns: known encodings of numbers, vectors of categories, and which columns are categories."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.base import clone
from torch import Generator, Tensor

from bakeoff.estimators import CNNClassifier, LSTMClassifier, MLPClassifier, MLPRegressor
from bakeoff.estimators.layers.embeddings import (
    CategoryEmbedding,
    ColumnEmbeddings,
    NumericEmbedding,
    Periodic,
    PiecewiseLinear,
)
from bakeoff.estimators.preprocessing.categorical_columns import find_columns

pytestmark = pytest.mark.usefixtures("one_thread")

BRIEF: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_epochs": 2, "random_state": 0}


def seeded() -> Generator:
    """Return a generator that always draws the same."""
    return torch.Generator().manual_seed(0)


def encode(encoding: Any, numbers: list[float]) -> list[Any]:
    """Encode numbers of one column: a list of values for each."""
    encoded: Tensor = encoding(torch.tensor(numbers)[None, :, None])
    assert encoded.shape == (1, len(numbers), 1, encoding.n_values)
    values: list[Any] = encoded[0, :, 0].tolist()
    return values


def mixed(n_rows: int = 60) -> pd.DataFrame:
    """Two numbers, a category, a string and a bool."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": rng.normal(size=n_rows),
            "kind": pd.Categorical(rng.choice(["x", "y", "z"], n_rows)),
            "word": rng.choice(["a", "b"], n_rows),
            "flag": rng.integers(0, 2, n_rows).astype(bool),
            "age": rng.integers(0, 90, n_rows),
        }
    )


def test_place_among_the_quantiles() -> None:
    """With edges 0, 1, 3, a number is 1 for each bin below it and a share of its own; the ends go on."""
    encoding = PiecewiseLinear(torch.tensor([[0.0], [1.0], [3.0]]), 2)
    expected = [[0, 0], [0.25, 0], [1, 0], [1, 0.5], [1, 1], [1, 3.5], [-2, 0]]
    assert encode(encoding, [0, 0.25, 1, 2, 3, 8, -2]) == expected


def test_few_different_values_share_bins() -> None:
    """A binary column is one line, bins that equal quantiles leave over give 0; of a constant one all do."""
    assert encode(PiecewiseLinear(torch.tensor([[0.0]] * 4 + [[1.0]]), 3), [0, 1, 2]) == [
        [0, 0, 0],
        [1, 0, 0],
        [2, 0, 0],
    ]
    constant = torch.tensor(encode(PiecewiseLinear(torch.full((4, 1), 7.0), 3), [7, 8, 1]))
    assert constant.isfinite().all()
    assert not constant[0].any()


def test_each_column_has_its_own_bins() -> None:
    """Columns are encoded by their own quantiles, row by row."""
    values = torch.tensor([[0.0, 10.0], [1.0, 30.0], [3.0, 50.0]])
    both = PiecewiseLinear(values, 2)(values[None])
    for column in range(2):
        own = values[:, column : column + 1]
        assert torch.equal(both[:, :, column : column + 1], PiecewiseLinear(own, 2)(own[None]))


def test_waves() -> None:
    """A number becomes the cosines and sines of its learned frequencies: at 0 all ones, then all zeros."""
    encoding = Periodic(3, seeded())
    assert encoding.n_values == 96
    assert encoding(torch.zeros(1, 5, 3)).tolist() == [[[[1.0] * 48 + [0.0] * 48] * 3] * 5]
    angle = 2 * np.pi * encoding.frequencies[0, 0, 1, 7] * 2.5
    value = encoding(torch.full((1, 1, 3), 2.5))[0, 0, 1]
    torch.testing.assert_close(value[[7, 55]], torch.stack([angle.cos(), angle.sin()]))
    assert encoding.frequencies.requires_grad


@pytest.mark.parametrize("kind", ["piecewise-linear", "periodic"])
def test_vectors_of_numbers(kind: str) -> None:
    """Each column gets a vector of its own, not negative, that depends on no other column."""
    values = torch.randn(20, 3, generator=seeded())
    numbers = NumericEmbedding(kind, values, 4, 5, seeded()).to(values.dtype)
    vectors = numbers(values[None])
    assert vectors.shape == (1, 20, 12)
    assert (vectors >= 0).all()
    other = values.clone()
    other[:, 1] += 1
    changed = (numbers(other[None]) != vectors).any(dim=(0, 1)).view(3, 4).any(dim=1)
    assert changed.tolist() == [False, True, False]


def test_vectors_of_categories() -> None:
    """Each code of each column has a vector; code 0 is the zero vector, and has no gradient."""
    vectors = CategoryEmbedding([2, 3], 4, seeded())
    codes = torch.tensor([[[1, 1], [2, 3], [0, 2]]])
    weight = vectors.weight[0]
    expected = torch.cat([weight[[0, 1]], torch.zeros(1, 4)]), weight[[2, 4, 3]]
    assert torch.equal(vectors(codes.double())[0], torch.cat(expected, dim=1))
    vectors(torch.zeros(1, 3, 2)).sum().backward()
    assert not vectors.weight.grad.any()


def test_columns_stand_side_by_side() -> None:
    """Vectors of categories come first, then the numbers as they are."""
    columns = ColumnEmbeddings(1, CategoryEmbedding([2], 3, seeded()), None)
    assert columns(torch.tensor([[[1.0, 5.0, 6.0]]])).shape == (1, 1, 5)
    assert columns(torch.tensor([[[0.0, 5.0, 6.0]]])).tolist() == [[[0, 0, 0, 5, 6]]]


@pytest.mark.parametrize("to_frame", [lambda frame: frame, pl.from_pandas], ids=["pandas", "polars"])
def test_categories_by_dtype(to_frame: Callable[[pd.DataFrame], Any]) -> None:
    """Columns of categories and of strings are categories; bools and numbers are numbers."""
    frame = to_frame(mixed())
    net = MLPClassifier(**BRIEF, embedding_size=3).fit(frame, np.arange(60) % 2)
    assert net._categories.columns.tolist() == [1, 2]
    assert [known.tolist() for known in net._categories.known] == [["x", "y", "z"], ["a", "b"]]
    assert net.n_parameters_ == (3 + 2) * 3 + (2 * 3 + 3) * 8 + 8 + 8 * 2 + 2
    assert net.n_features_in_ == 5
    assert net.predict(frame).shape == (60,)


def test_polars_dtypes() -> None:
    """Of polars, Categorical, Enum and String hold categories."""
    frame = pl.DataFrame({"a": ["x", "y"] * 10, "b": ["x", "y"] * 10, "c": ["x", "y"] * 10, "d": range(20)})
    frame = frame.with_columns(pl.col("b").cast(pl.Categorical), pl.col("c").cast(pl.Enum(["x", "y"])))
    assert MLPRegressor(**BRIEF).fit(frame, np.arange(20.0))._categories.columns.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "named", [[1, 2, 3], ["kind", "word", "flag"], ["flag", "word", "kind"], [False, True, True, True, False]], ids=str
)
def test_categories_by_name(named: list[Any]) -> None:
    """Numbers, names in any order and a mask name the same columns."""
    frame = mixed()
    y = np.arange(60) % 2
    net = MLPClassifier(**BRIEF, categorical_features=named).fit(frame, y)
    assert net._categories.columns.tolist() == [1, 2, 3]
    expected = MLPClassifier(**BRIEF, categorical_features=np.array([3, 2, 1])).fit(frame, y)
    np.testing.assert_array_equal(net.predict_proba(frame), expected.predict_proba(frame))


def test_categories_of_arrays() -> None:
    """Columns of an array can be categories, numbers or objects; without naming them none is."""
    frame = mixed()
    y = np.arange(60) % 2
    objects = frame[["kind", "word", "size"]].to_numpy(dtype=object)
    codes = np.column_stack([pd.Categorical(frame[name]).codes for name in ("kind", "word")])
    numbers = np.column_stack([codes, frame["size"]])
    of_objects, of_numbers = (
        MLPClassifier(**BRIEF, categorical_features=[0, 1]).fit(X, y).predict_proba(X) for X in (objects, numbers)
    )
    np.testing.assert_array_equal(of_objects, of_numbers)
    assert MLPClassifier(**BRIEF).fit(numbers, y)._categories is None
    assert MLPClassifier(**BRIEF, categorical_features=[]).fit(numbers, y)._categories is None


def test_only_categories() -> None:
    """A table may consist of categories alone, with and without embeddings of numbers."""
    frame = mixed()[["kind", "word"]]
    y = (frame["kind"] == "x") ^ (frame["word"] == "a")
    net = MLPClassifier(hidden_layer_sizes=(16,), learning_rate=0.02, numeric_embedding="periodic", random_state=0)
    assert net.fit(frame, y).score(frame, y) == 1


def test_new_and_missing_categories() -> None:
    """What fit never saw and what is missing give the same: the zero vector."""
    frame = mixed()
    net = MLPClassifier(**BRIEF).fit(frame, np.arange(60) % 2)
    rows = [frame.iloc[:1].astype({"kind": object}).assign(kind=value) for value in ("new", None, np.nan, "x")]
    new, none, nan, known = (net.predict_proba(row) for row in rows)
    np.testing.assert_array_equal(new, none)
    np.testing.assert_array_equal(new, nan)
    assert (new != known).any()
    zero = clone(net).fit(frame, np.arange(60) % 2)
    with torch.no_grad():
        zero.module_.body[0].categories.weight[:, 0] = 0
    np.testing.assert_array_equal(zero.predict_proba(rows[3]), new)


def test_missing_categories_in_training() -> None:
    """Missing categories are no obstacle to fit, and no category of their own."""
    frame = mixed().astype({"kind": object})
    frame.loc[::5, "kind"] = None
    net = MLPClassifier(**BRIEF).fit(frame, np.arange(60) % 2)
    assert net._categories.cardinalities[1] == 2
    assert np.isfinite(net.predict_proba(frame)).all()


def test_other_order_of_columns() -> None:
    """Columns in another order are scikit-learn's error."""
    frame = mixed()
    net = MLPClassifier(**BRIEF).fit(frame, np.arange(60) % 2)
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        net.predict(frame[frame.columns[::-1]])
    with pytest.raises(ValueError, match="Input X contains NaN"):
        net.predict(frame.assign(size=np.nan))


def test_strings_that_are_not_categories() -> None:
    """categorical_features=None takes all columns for numbers, and strings for errors."""
    with pytest.raises(ValueError, match=r"(?i)could not convert string to float|cannot cast"):
        MLPClassifier(**BRIEF, categorical_features=None).fit(mixed(), np.arange(60) % 2)


def test_precision_of_mixed_frames() -> None:
    """Numbers of float32 beside categories stay so."""
    frame = mixed()[["size", "kind"]].astype({"size": np.float32})
    net = MLPClassifier(**BRIEF).fit(frame, np.arange(60) % 2)
    assert next(net.module_.parameters()).dtype == torch.float32


def test_a_category_decides() -> None:
    """A target that depends on twenty categories in no order is learned through their vectors, not from their codes."""
    codes = np.random.default_rng(0).integers(0, 20, 400)
    y = np.random.default_rng(1).integers(0, 2, 20)[codes]
    X = np.column_stack([codes, np.random.default_rng(2).normal(size=400)])
    net = MLPClassifier(hidden_layer_sizes=(8,), learning_rate=0.02, max_epochs=30, random_state=0)
    embedded = clone(net).set_params(categorical_features=[0]).fit(X[:300], y[:300])
    assert embedded.score(X[300:], y[300:]) > 0.95
    assert clone(net).fit(X[:300], y[:300]).score(X[300:], y[300:]) < 0.85


@pytest.mark.parametrize("kind", ["piecewise-linear", "periodic"])
def test_embedded_numbers_learn_what_a_plain_net_does_not(kind: str) -> None:
    """A target that jumps up and down along a number is fitted through its vector, and is not without."""
    X = np.random.default_rng(0).uniform(-3, 3, (500, 1))
    y = np.sign(np.sin(4 * X[:, 0]))
    params: dict[str, Any] = {"hidden_layer_sizes": (16,), "learning_rate": 0.01, "max_epochs": 40, "random_state": 0}
    plain = MLPRegressor(**params).fit(X, y).score(X, y)
    embedded = MLPRegressor(**params, numeric_embedding=kind).fit(X, y).score(X, y)
    assert embedded > 0.7
    assert embedded > plain + 0.4


def test_bins_of_any_scale() -> None:
    """Bins are as fine far from zero, for tiny and for huge numbers; single precision would round them away."""
    values = torch.linspace(0, 1000, 50, dtype=torch.float64)[:, None]
    expected = PiecewiseLinear(values, 8)(values[None])
    for offset, scale in ((1.6e9, 1.0), (0.0, 1e-50), (0.0, 1e60)):
        other = values * scale + offset
        torch.testing.assert_close(PiecewiseLinear(other, 8)(other[None]), expected, rtol=1e-6, atol=1e-6)


def test_columns_of_one_name() -> None:
    """Columns that share a name are told apart by their places."""
    X = pd.DataFrame([[1.0, "a"], [2.0, "b"]] * 4, columns=["x", "x"])
    assert find_columns(X, "from_dtype").tolist() == [1]


def test_categories_of_lists() -> None:
    """Lists of rows are tables too; what has no columns, or is sparse, is refused."""
    net, X, y = MLPClassifier(categorical_features=[0], max_epochs=1), [["a", 1.0], ["b", 2.0]] * 4, [0, 1] * 4
    assert len(net.fit(X, y).predict(X)) == 8
    with pytest.raises(ValueError, match="rows and columns"):
        net.predict(["a", "b"])
    with pytest.raises(TypeError, match="need dense data"):
        net.fit(csr_array(np.eye(8)), y)


def rows_of_codes(kind: type) -> tuple[Any, np.ndarray, dict[str, Any]]:
    """Make rows of categories or of token ids, of which only the last ten have codes of their own."""
    rng = np.random.default_rng(0)
    if kind is MLPClassifier:
        names = np.append(rng.choice(["a", "b", "c"], 50), rng.choice(["a", "new", "other"], 10))
        X: Any = pd.DataFrame({"name": names, "size": rng.normal(size=60)})
        params: dict[str, Any] = {}
    else:
        X = np.concatenate([rng.integers(2, 8, (50, 6)), rng.integers(2, 20, (10, 6))]).astype(float)
        params = {"vocabulary_size": "auto", "embedding_size": 4}
    return X, rng.integers(0, 2, 60), {"max_epochs": 3, "batch_size": 16, "random_state": 0, **params}


@pytest.mark.parametrize("kind", [MLPClassifier, CNNClassifier, LSTMClassifier])
def test_held_out_rows_teach_no_codes(kind: type) -> None:
    """Held-out rows, and rows of weight zero, leave categories and vocabularies as if they were not there."""
    X, y, params = rows_of_codes(kind)
    first = X.iloc[:50] if isinstance(X, pd.DataFrame) else X[:50]
    last = X.iloc[50:] if isinstance(X, pd.DataFrame) else X[50:]
    expected = kind(**params).fit(first, y[:50], validation_data=(last, y[50:]))
    named = kind(**params).fit(X, y, validation_rows=np.arange(50, 60))
    np.testing.assert_array_equal(named.predict_proba(X), expected.predict_proba(X))
    absent = kind(**params).fit(X, y, sample_weight=np.arange(60) < 50)
    alone = kind(**params).fit(first, y[:50])
    np.testing.assert_array_equal(absent.predict_proba(X), alone.predict_proba(X))


@pytest.mark.parametrize("kind", [CNNClassifier, LSTMClassifier])
def test_numbers_are_not_taken_for_token_ids(kind: type) -> None:
    """An absurdly large id is refused before a table of such a size is asked for."""
    X = np.full((8, 4), 1e12)
    with pytest.raises(ValueError, match="would need a vocabulary of 1,000,000,000,001"):
        kind(vocabulary_size="auto").fit(X, np.arange(8) % 2)
