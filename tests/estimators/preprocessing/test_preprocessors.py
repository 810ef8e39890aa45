"""preprocessors: learned from training rows alone, and sturdy against what other rows bring."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from xgboost import XGBClassifier

from bakeoff.errors import UserError
from bakeoff.estimators import make
from bakeoff.estimators.models.preprocessors import PREPROCESSORS, build_preprocessor
from bakeoff.estimators.preprocessing.scaling import GlobalScaler, SeriesScaler
from bakeoff.estimators.preprocessing.tabular_encoding import OTHER, NativeCategories, TabularEncoder

FOR_FRAMES = ("one-hot", "one-hot-normal", "ordinal", "native", "embedded", "embedded-normal", "embedded-filled")
FOR_NUMBERS = (
    "scaled",
    "filled",
    "global-scaled",
    "series-scaled",
    "steps",
    "stretched",
    "components",
    "intervals",
    "minirocket",
    "multirocket-hydra",
    "quantiles",
    "none",
)
FOR_IMAGES = ("hog",)
FOR_TEXT = ("tf-idf", "tf-idf-characters", "counts", "token-ids")


def training_frame() -> pd.DataFrame:
    """Build a frame with gaps, text, whole numbers and booleans."""
    return pd.DataFrame(
        {
            "size": [1.0, 2.0, np.nan, 4.0, 5.0, 6.0],
            "count": [1, 2, 3, 4, 5, 6],
            "flag": [True, False, True, True, False, False],
            "colour": ["red", "blue", None, "red", "blue", "red"],
            "code": [1, 2, 3, 1, 2, 3],
        }
    )


def other_frame() -> pd.DataFrame:
    """Build rows with new categories and far other numbers."""
    return pd.DataFrame(
        {
            "size": [np.nan, 1e6, -1e6],
            "count": [100, -100, 0],
            "flag": [True, True, True],
            "colour": ["green", None, "red"],
            "code": [9, 1, 2],
        }
    )


def inputs_of(name: str) -> tuple[Any, Any]:
    """Return training rows and other rows that suit a preprocessor."""
    if name in FOR_FRAMES:
        return training_frame(), other_frame()
    if name in FOR_TEXT:
        return np.array(["one two", "two three", "one four"]), np.array(["five six", "two"])
    if name in FOR_IMAGES:
        return np.array([[1.0, 2, 0, 3], [2, np.nan, 1, 4], [3, 7, 0, 0]]), np.array([[np.nan, 9.0, 1, 3]])
    gap = np.nan if name != "none" else 0.0
    return np.array([[1.0, gap], [2.0, 5.0], [3.0, 7.0]]), np.array([[gap, 900.0]])


def values_of(transformed: Any) -> np.ndarray:
    """Return what a preprocessor gave as a plain matrix."""
    if isinstance(transformed, pd.DataFrame):
        return transformed.astype(object).where(transformed.notna(), "gap").to_numpy()
    return np.asarray(transformed.todense() if hasattr(transformed, "todense") else transformed)


def test_all_front_ends_are_tested() -> None:
    """The registry of preprocessors holds those that these tests know, and an unknown name is told."""
    assert set(PREPROCESSORS) == {*FOR_FRAMES, *FOR_NUMBERS, *FOR_IMAGES, *FOR_TEXT}
    with pytest.raises(UserError, match="no preprocessor 'onehot'; did you mean 'one-hot'"):
        build_preprocessor("onehot")


@pytest.mark.parametrize("name", PREPROCESSORS)
def test_learned_from_training_rows_alone(name: str) -> None:
    """Transforming other rows leaves the learned state, and each row's result depends on no other row."""
    training, other = inputs_of(name)
    preprocessor = build_preprocessor(name).fit(training)
    before = values_of(preprocessor.transform(training))
    together = values_of(preprocessor.transform(other))
    np.testing.assert_array_equal(values_of(preprocessor.transform(training)), before)
    first = other.iloc[:1] if isinstance(other, pd.DataFrame) else other[:1]
    np.testing.assert_array_equal(values_of(preprocessor.transform(first)), together[:1])


@pytest.mark.parametrize("name", PREPROCESSORS)
def test_clone_pickle_and_unfitted(name: str) -> None:
    """A preprocessor can be cloned and pickled, and gives the same afterwards."""
    training, other = inputs_of(name)
    preprocessor = clone(build_preprocessor(name)).fit(training)
    again = pickle.loads(pickle.dumps(preprocessor))
    np.testing.assert_array_equal(values_of(again.transform(other)), values_of(preprocessor.transform(other)))


@pytest.mark.parametrize("preprocessor", [TabularEncoder(), NativeCategories(), GlobalScaler(), SeriesScaler()])
def test_unfitted_front_end_refuses(preprocessor: Any) -> None:
    """Transforming before fitting raises scikit-learn's own error."""
    with pytest.raises(NotFittedError):
        clone(preprocessor).transform(np.zeros((2, 2)))


def test_one_hot_by_hand() -> None:
    """Numbers are filled with the training median and scaled; gaps are a category, new categories have no column."""
    encoder = TabularEncoder().fit(training_frame()[["size", "colour"]])
    filled = np.array([1, 2, 4, 4, 5, 6.0])
    scale = (np.array([4.0, 1e6, -1e6]) - filled.mean()) / filled.std()
    found = encoder.transform(other_frame()[["size", "colour"]])
    np.testing.assert_allclose(found[:, 0], scale)
    is_missing = np.array([0, 0, 1, 0, 0, 0.0])
    np.testing.assert_allclose(found[:, 1], (np.array([1, 0, 0]) - is_missing.mean()) / is_missing.std())
    np.testing.assert_array_equal(found[:, 2:], [[0, 0, 0], [1, 0, 0], [0, 0, 1]])  # missing, blue, red


def test_ordinal_by_hand() -> None:
    """Numbers are filled but not scaled, gaps marked; categories are codes in sorted order, a new one is -1."""
    encoder = TabularEncoder("ordinal", scale="none").fit(training_frame()[["size", "colour"]])
    found = encoder.transform(other_frame()[["size", "colour"]])
    np.testing.assert_array_equal(found, [[4, 1, -1], [1e6, 0, 0], [-1e6, 0, 2]])


@pytest.mark.parametrize("name", ["one-hot", "ordinal"])
def test_frequent_categories_are_kept(name: str) -> None:
    """Beyond 50 categories the rare ones share one, and a new one joins them, in training and test rows alike."""
    many = pd.DataFrame({"c": [f"c{i}" for i in range(80) for _ in range(80 - i)]})
    found = build_preprocessor(name).fit(many).transform(pd.DataFrame({"c": ["c48", "c49", "c79", "new"]}))
    assert (found[1] == found[2]).all()
    assert not (found[0] == found[1]).all()
    assert (found[3] == found[1]).all()
    assert found.shape[1] == (50 if name == "one-hot" else 1)


def test_many_categories_are_encoded_by_other_rows() -> None:
    """Beyond 50 categories the target's mean stands for one, and no training row's own target is among its features."""
    rng = np.random.default_rng(0)
    ids = pd.DataFrame({"id": [f"id{i}" for i in range(400)]})  # each once: its target is all that it could give away
    y = rng.integers(0, 2, 400)
    encoder = TabularEncoder(target_type="binary")
    trained = encoder.fit_transform(ids, y)
    assert abs(np.corrcoef(trained[:, 0], y)[0, 1]) < 0.25
    assert np.corrcoef(encoder.transform(ids)[:, 0], y)[0, 1] > 0.9
    groups = pd.DataFrame({"c": [f"c{i % 60}" for i in range(3000)]})
    means = np.array([int(name[1:]) for name in groups["c"]]) / 60
    encoded = TabularEncoder(target_type="continuous").fit_transform(groups, means + rng.normal(0, 0.1, 3000))
    assert np.corrcoef(encoded[:, 0], means)[0, 1] > 0.98
    three = TabularEncoder(target_type="multiclass").fit_transform(groups, np.arange(3000) % 3)
    assert three.shape == (3000, 3)
    unseen = encoder.transform(pd.DataFrame({"id": ["new", None]}))
    np.testing.assert_allclose(unseen[0], unseen[1])


def test_normal_scores() -> None:
    """Numbers follow a normal distribution by their quantiles, an outlier included; a gap is the median, and marked."""
    values = np.concatenate([np.random.default_rng(0).exponential(size=999), [1e9]])
    frame = pd.DataFrame({"x": np.where(np.arange(1000) == 5, np.nan, values)})
    found = TabularEncoder(scale="normal").fit_transform(frame)
    assert np.abs(found[:, 0]).max() < 6
    assert abs(np.median(found[:, 0])) < 0.02
    assert found[5, 0] == pytest.approx(np.median(found[:, 0]), abs=0.01)
    assert (found[:, 1] > 0).tolist() == [row == 5 for row in range(1000)]


@pytest.mark.parametrize("name", FOR_FRAMES)
def test_whole_numbers_as_categories(name: str) -> None:
    """A column named in `categorical` is one of categories, though it holds whole numbers or booleans."""
    preprocessor = build_preprocessor(name, categorical=("code", "flag")).fit(training_frame())
    plain = build_preprocessor(name).fit(training_frame())
    fitted = [steps[0] if name.startswith("embedded") else steps for steps in (preprocessor, plain)]
    assert [list(encoder.categories_) for encoder in fitted] == [["flag", "colour", "code"], ["colour"]]


@pytest.mark.parametrize("name", FOR_FRAMES)
def test_a_gap_does_not_rename_the_other_categories(name: str) -> None:
    """Codes 1, 2, 3 are the same categories in a column with gaps (floats) and in one without (integers)."""
    preprocessor = build_preprocessor(name, categorical=("code",)).fit(pd.DataFrame({"code": [1, 2, 3, None, 1]}))
    whole = values_of(preprocessor.transform(pd.DataFrame({"code": [1, 2, 3]})))
    floats = values_of(preprocessor.transform(pd.DataFrame({"code": [1.0, 2.0, 3.0]})))
    nullable = values_of(preprocessor.transform(pd.DataFrame({"code": pd.array([1, 2, 3], dtype="Int64")})))
    np.testing.assert_array_equal(whole, floats)
    np.testing.assert_array_equal(whole, nullable)
    assert len({tuple(row) for row in whole}) == 3
    assert OTHER not in whole
    assert (whole != -1).all()
    assert not name.startswith("one-hot") or (whole.sum(axis=1) == 1).all()


@pytest.mark.parametrize("name", FOR_FRAMES)
def test_order_of_columns_does_not_matter(name: str) -> None:
    """Columns are found by name: rows with reordered or further columns give the same as in the order of `fit`."""
    preprocessor = build_preprocessor(name).fit(training_frame())
    expected = values_of(preprocessor.transform(other_frame()))
    turned = other_frame()[["code", "colour", "size", "flag", "count"]]
    np.testing.assert_array_equal(values_of(preprocessor.transform(turned)), expected)
    np.testing.assert_array_equal(values_of(preprocessor.transform(turned.assign(more=1))), expected)


@pytest.mark.parametrize("name", FOR_FRAMES)
@pytest.mark.parametrize("absent", ["size", "colour"])
def test_missing_column_is_an_error(name: str, absent: str) -> None:
    """Rows without a column that was there in `fit` are refused."""
    preprocessor = build_preprocessor(name).fit(training_frame())
    with pytest.raises((ValueError, KeyError), match=absent):
        preprocessor.transform(other_frame().drop(columns=absent))


@pytest.mark.parametrize("name", FOR_FRAMES)
@pytest.mark.parametrize("columns", [["a", "a"], [1, "1"]])
def test_double_columns_are_an_error(name: str, columns: list[Any]) -> None:
    """Two columns of one name are refused instead of one being lost, also if only their text is the same."""
    with pytest.raises(ValueError, match="stand more than once"):
        build_preprocessor(name).fit(pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], columns=columns))


@pytest.mark.parametrize("name", FOR_FRAMES)
def test_odd_names_and_odd_index(name: str) -> None:
    """Brackets, spaces, empty names, numbers as names and a doubled index change nothing."""
    plain = training_frame()[["size", "colour"]]
    odd = plain.set_axis(["<a[b]> c", ""], axis=1).set_index(pd.Index([7] * len(plain)))
    numbered = plain.set_axis([5, 3], axis=1)
    expected = values_of(build_preprocessor(name).fit_transform(plain))
    np.testing.assert_array_equal(values_of(build_preprocessor(name).fit_transform(odd)), expected)
    np.testing.assert_array_equal(values_of(build_preprocessor(name).fit_transform(numbered)), expected)


@pytest.mark.parametrize("name", FOR_FRAMES)
def test_matrix_of_numbers(name: str) -> None:
    """An array without names is one of numbers; `categorical` names a column of it by its number."""
    X = np.array([[1.0, 2.0], [3.0, 2.0], [np.nan, 4.0]])
    marked = name not in ("native", "embedded")  # a column says where the gap was
    assert build_preprocessor(name).fit_transform(X).shape == (3, 2 + marked)
    coded = build_preprocessor(name, categorical=("1",)).fit_transform(X)
    assert coded.shape == (3, 2 + marked + name.startswith("one-hot"))


@pytest.mark.parametrize("name", FOR_FRAMES)
def test_columns_without_information(name: str) -> None:
    """A constant, booleans alone and a category of gaps pass without a warning; a number without values is left out."""
    frame = pd.DataFrame({"gaps": [np.nan] * 3, "same": [7] * 3, "flag": [True, False, True], "none": [None] * 3})
    frame = frame.astype({"none": object})
    transformed = build_preprocessor(name).fit(frame).transform(frame)
    assert len(transformed) == 3
    if name != "native" and not name.startswith("embedded"):
        assert np.isfinite(transformed).all()
        assert build_preprocessor(name).fit_transform(frame[["flag"]]).shape == (3, 1)
        np.testing.assert_array_equal(transformed[:, 0], 0 if name.startswith("one-hot") else 7)
        assert transformed.shape == (3, 3)


def test_embedded_scales_numbers_beside_categories() -> None:
    """For learned vectors numbers are filled and scaled by the training rows, and categories stay categories."""
    preprocessor = build_preprocessor("embedded", categorical=("code",)).fit(training_frame())
    rows = preprocessor.transform(training_frame())
    numbers = rows.select_dtypes("number")
    assert sorted(map(str, rows.dtypes[rows.dtypes == "category"])) == ["category"] * 2
    np.testing.assert_allclose(numbers.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(numbers.std(ddof=0), 1)
    assert np.isfinite(preprocessor.transform(other_frame()).select_dtypes("number")).all(axis=None)


@pytest.mark.parametrize("name", FOR_FRAMES)
def test_nullable_columns(name: str) -> None:
    """Nullable integers and booleans are numbers with gaps."""
    frame = pd.DataFrame(
        {"n": pd.array([1, None, 3], dtype="Int64"), "b": pd.array([True, None, False], dtype="boolean")}
    )
    rows = pd.DataFrame(build_preprocessor(name).fit_transform(frame))
    notes = {column: rows[column].cat.codes for column in rows if rows[column].dtype == "category"}
    found = np.asarray(rows.assign(**notes), dtype=float)
    assert np.isnan(found).any() == (name == "native")
    assert found.shape == (3, 2 if name in ("native", "embedded") else 4)


def test_native_keeps_numbers_and_gaps() -> None:
    """Numbers stay as they are, gaps included; categories are pandas categories with one for new and rare ones."""
    preprocessor = NativeCategories().fit(training_frame())
    found = preprocessor.transform(other_frame())
    assert list(found.columns) == ["c0", "c1", "c2", "c3", "c4"]
    assert found.dtypes.astype(str).tolist() == ["float64", "float64", "float64", "category", "float64"]
    assert np.isnan(found["c0"].iloc[0])
    assert found["c3"].tolist() == ["(other)", "(missing)", "red"]
    assert list(found["c3"].cat.categories) == list(preprocessor.transform(training_frame())["c3"].cat.categories)


def test_native_merges_rare_categories() -> None:
    """At most 50 categories reach the model: the 49 most frequent, and one for all others."""
    many = pd.DataFrame({"c": [f"c{i}" for i in range(80) for _ in range(80 - i)]})
    found = NativeCategories().fit(many).transform(many)["c0"]
    assert len(found.cat.categories) == 50
    assert set(found) == {*(f"c{i}" for i in range(49)), "(other)"}


def test_native_takes_a_category_named_other() -> None:
    """A category that is itself called `other` is no obstacle."""
    found = NativeCategories().fit_transform(pd.DataFrame({"c": ["other", "a", "b"]}))
    assert found["c0"].tolist() == ["other", "a", "b"]


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=1, early_stopping=False),
        XGBClassifier(n_estimators=3, enable_categorical=True, n_jobs=1),
    ],
)
def test_native_feeds_boosting(model: Any) -> None:
    """Gradient boosting takes these frames, splits on the categories, and predicts for one that it never saw."""
    training = pd.DataFrame({"c": ["a", "b", "c", None] * 10, "n": [1.0, np.nan] * 20})
    y = np.array([0, 1, 0, 1] * 10)
    preprocessor = NativeCategories().fit(training)
    model.fit(preprocessor.transform(training), y)
    assert (model.predict(preprocessor.transform(training)) == y).all()
    new = pd.DataFrame({"c": ["z", "b"], "n": [np.nan, 1.0]})
    assert np.isfinite(model.predict_proba(preprocessor.transform(new))).all()


def test_global_scaler_uses_one_scale() -> None:
    """All values share a mean and a deviation, learned from the training rows, gaps left out; float32 stays."""
    X = np.array([[0.0, 2.0], [4.0, np.nan]])
    scaler = GlobalScaler().fit(X)
    assert (scaler.mean_, scaler.scale_) == pytest.approx((2.0, np.sqrt(8 / 3)))
    np.testing.assert_allclose(scaler.transform(np.array([[2.0, 6.0]])), [[0, 4 / np.sqrt(8 / 3)]])
    assert GlobalScaler().fit_transform(X.astype("float32")).dtype == np.float32


def test_global_scaler_of_a_constant() -> None:
    """Constant values become zeros."""
    np.testing.assert_array_equal(GlobalScaler().fit_transform(np.full((3, 2), 5.0)), np.zeros((3, 2)))


@pytest.mark.parametrize(("loudness", "by_series"), [(1.0, False), (10.0, False), (1e4, True)])
def test_series_are_scaled_one_by_one_where_loud_ones_drown_others(loudness: float, by_series: bool) -> None:
    """Below a factor of 100 the scale is one for all; beyond, every series has mean 0 and deviation 1."""
    X = np.random.default_rng(0).normal(size=(20, 30)).astype("float32")
    X[:10] = 5 + loudness * X[:10]
    X[3, 20:] = np.nan
    scaler = SeriesScaler(fill=True).fit(X)
    scaled = scaler.transform(X)
    assert scaler.by_series_ == by_series
    if not by_series:
        np.testing.assert_array_equal(scaled, GlobalScaler(fill=True).fit_transform(X))
        return
    assert scaled.dtype == np.float32
    assert (scaled[3, 20:] == 0).all()
    for row in (*np.delete(scaled, 3, 0), scaled[3, :20]):
        assert row.mean() == pytest.approx(0, abs=1e-5)
        assert row.std() == pytest.approx(1, abs=1e-5)
    assert (scaler.transform(np.full((1, 30), 7.0, dtype="float32")) == 0).all()
    assert np.isfinite(scaler.transform(np.full((1, 30), np.nan, dtype="float32"))).all()


def test_loudness_of_series_is_kept_for_regression() -> None:
    """What a number is predicted from may be how loud a series is."""
    scalers = {task: make("cnn", task=task, kind="series", input_shape=(1, 9))[0] for task in ("binary", "regression")}
    assert type(scalers["binary"]) is SeriesScaler
    assert type(scalers["regression"]) is GlobalScaler


@pytest.mark.parametrize("name", ["global-scaled", "series-scaled", "scaled", "filled"])
def test_gaps_in_images_and_series(name: str) -> None:
    """Gaps take the training mean of their place, a place that is all gaps included, so that no gap is left."""
    X = np.array([[1.0, np.nan, np.nan], [3.0, 5.0, np.nan]])
    found = build_preprocessor(name).fit(X).transform(np.array([[np.nan, np.nan, np.nan]]))
    assert np.isfinite(found).all()
    if name == "filled":
        np.testing.assert_array_equal(found, [[2, 5, 0]])


def test_text_learns_words_of_the_training_rows() -> None:
    """Words and pairs in at least two training texts count, single letters too; words met later are left out."""
    texts = ["a good film", "a good book", "bad film"]
    counts = build_preprocessor("counts").fit(texts)
    assert sorted(counts.get_feature_names_out()) == ["a", "a good", "film", "good"]
    assert counts.transform(["good good surprise"]).toarray().tolist() == [[0, 0, 0, 2]]
    tf_idf = build_preprocessor("tf-idf").fit(texts)
    assert sorted(tf_idf.get_feature_names_out()) == sorted(counts.get_feature_names_out())
    np.testing.assert_allclose(np.linalg.norm(tf_idf.transform(texts[:1]).toarray()), 1)
    assert tf_idf.transform(["nothing known"]).nnz == 0
