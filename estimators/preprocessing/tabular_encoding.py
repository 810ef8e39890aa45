"""Tables for models: numbers, gaps and categories as what a model takes, learned from training rows only."""

import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, QuantileTransformer, StandardScaler, TargetEncoder
from sklearn.utils.validation import check_is_fitted

MAX_CATEGORIES = 50
MISSING, OTHER = "(missing)", "(other)"  # in brackets, so that no real category is taken for them
ROWS_OF_QUANTILE, FEWEST_QUANTILES, MOST_QUANTILES = 30, 10, 1000  # Gorishniy et al. 2021
ENCODING_FOLDS = 5
TAKES_SPLITTER = TargetEncoder().shuffle == "deprecated"  # as of scikit-learn 1.9


class TabularEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Turn a frame with numbers, categories and gaps into what a model takes.

    Parameters
    ----------
    categories : {"one-hot", "ordinal"}
        How categorical columns of up to 50 categories are written. A category met for the first time after `fit` is
        all zeros (one-hot) or -1 (ordinal).
    scale : {"none", "standard", "normal"}
        Numbers as they are; with zero mean and unit variance; or by their quantiles to a normal distribution, as is
        usual for nets (Gorishniy et al. 2021).
    categorical : tuple of str
        Columns that are categories although they hold numbers; others are told by their dtype.
    target_type : {"auto", "binary", "multiclass", "continuous"}
        What the target of `fit` is.
    random_state : int
        Of the folds that encode categories by the target.

    Notes
    -----
    Missing numbers become the training median, beside a column that says so; missing categories become a category of
    their own. A numeric column without any value in the training rows is left out. An array without column names is
    taken as numbers.

    A column of more than 50 categories is written as the mean of the target by category, shrunken towards the overall
    mean (Micci-Barreca 2001). `fit_transform` encodes each training row by the others, cross-fitted, so that no row's
    own target is among its features; `transform` takes all training rows. Without a target such a column is written
    like the others, and its rarest categories share one.
    """

    def __init__(
        self,
        categories: str = "one-hot",
        *,
        scale: str = "standard",
        categorical: tuple[str, ...] = (),
        target_type: str = "auto",
        random_state: int = 0,
    ) -> None:
        self.categories = categories
        self.scale = scale
        self.categorical = categorical
        self.target_type = target_type
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn medians, scales and categories from the rows of `X`, shape (n_rows, n_columns)."""
        self._learn(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Learn from the training rows and return them encoded, shape (n_rows, n_encoded)."""
        return self._learn(X, y)

    def transform(self, X: Any) -> np.ndarray:
        """Return the encoded rows, shape (n_rows, n_encoded)."""
        check_is_fitted(self)
        return np.asarray(self.transformer_.transform(self._readable(_as_frame(X))))

    def _learn(self, X: Any, y: Any) -> np.ndarray:
        frame = _as_frame(X)
        self.n_features_in_ = frame.shape[1]
        columns = _categorical_columns(frame, self.categorical)
        many = [name for name in columns if y is not None and _as_text(frame[name]).nunique() > MAX_CATEGORIES]
        self.categories_ = _learn_categories(frame, [name for name in columns if name not in many])
        empty = set(frame.columns[frame.isna().all()])  # there is nothing to learn from them, and no scale to give them
        numeric = [name for name in frame.columns if name not in {*columns, *empty}]
        self.target_encoded_ = many
        self.transformer_ = ColumnTransformer(
            [
                ("numbers", self._for_numbers(len(frame)), numeric),
                ("categories", self._for_categories(), [*self.categories_]),
                ("many", self._for_many(), many),
            ],
            sparse_threshold=0,
        )
        with warnings.catch_warnings():  # a class with fewer rows than folds is encoded by the others
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            return np.asarray(self.transformer_.fit_transform(self._readable(frame), y))

    def _for_numbers(self, n_rows: int) -> Pipeline:
        if self.scale == "normal":
            return _to_normal(n_rows)
        impute = SimpleImputer(strategy="median", keep_empty_features=True, add_indicator=True)
        return make_pipeline(impute) if self.scale == "none" else make_pipeline(impute, StandardScaler())

    def _for_categories(self) -> Any:
        known = list(self.categories_.values())
        if self.categories == "one-hot":
            return OneHotEncoder(categories=known, handle_unknown="ignore", sparse_output=False)
        return OrdinalEncoder(categories=known, handle_unknown="use_encoded_value", unknown_value=-1)

    def _for_many(self) -> Any:
        folds = KFold(ENCODING_FOLDS, shuffle=True, random_state=self.random_state)
        options: dict[str, Any] = {"cv": folds}
        if not TAKES_SPLITTER:
            options = {"cv": ENCODING_FOLDS, "shuffle": True, "random_state": self.random_state}
        return make_pipeline(TargetEncoder(target_type=self.target_type, **options), StandardScaler())

    def _readable(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Write categories as plain strings, so that numbers, booleans and gaps sort together."""
        known = {name: _keep_known(frame[name], known) for name, known in self.categories_.items()}
        return frame.assign(**known, **{name: _as_text(frame[name]) for name in self.target_encoded_})


class NativeCategories(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Hand numbers and gaps on as they are, and categories as pandas categories: for models that split on them.

    Parameters
    ----------
    categorical : tuple of str
        Columns that are categories although they hold numbers.

    Notes
    -----
    Beyond 50 categories of a column the rarest become one, `(other)`, and so do new ones.
    """

    def __init__(self, *, categorical: tuple[str, ...] = ()) -> None:
        self.categorical = categorical

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the categories from the rows of `X`, shape (n_rows, n_columns)."""
        del y
        frame = _as_frame(X)
        self.n_features_in_ = frame.shape[1]
        self.columns_ = list(frame.columns)
        self.categories_ = _learn_categories(frame, _categorical_columns(frame, self.categorical))
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Return a frame of numbers and pandas categories, shape (n_rows, n_columns)."""
        check_is_fitted(self)
        frame = _as_frame(X)
        absent = [column for column in self.columns_ if column not in frame.columns]
        if absent:
            raise ValueError(f"the columns {absent} are missing; X needs those that the preprocessor was fitted on")
        frame = frame[self.columns_]
        columns = {column: _as_category(frame[column], known) for column, known in self.categories_.items()}
        numbers = {column: frame[column].astype("float64") for column in frame.columns if column not in columns}
        # Plain names: XGBoost and LightGBM refuse brackets and other marks in column names.
        return pd.DataFrame({f"c{i}": (columns | numbers)[column] for i, column in enumerate(frame.columns)})


class NormalNumbers(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # as above
    """Numbers by their quantiles to a normal distribution; gaps become the median, beside a column that says so.

    A column without any value in the training rows is left out.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn quantiles and medians from the rows of `X`, shape (n_rows, n_columns)."""
        del y
        self.columns_ = list(X.columns[X.notna().any()])
        self.transformer_ = _to_normal(len(X)).fit(X[self.columns_]) if self.columns_ else None
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return the rows, shape (n_rows, columns with values + columns with gaps)."""
        check_is_fitted(self)
        if self.transformer_ is None:
            return np.empty((len(X), 0))
        return np.asarray(self.transformer_.transform(X[self.columns_]))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns that come out."""
        del input_features
        names: list[str] = [] if self.transformer_ is None else list(self.transformer_.get_feature_names_out())
        return np.array(names, dtype=object)


def _to_normal(n_rows: int) -> Pipeline:
    n_quantiles = max(min(n_rows // ROWS_OF_QUANTILE, MOST_QUANTILES), FEWEST_QUANTILES)
    normal = QuantileTransformer(
        n_quantiles=min(n_quantiles, n_rows), output_distribution="normal", subsample=None, random_state=0
    )
    impute = SimpleImputer(strategy="median", keep_empty_features=True, add_indicator=True)
    return make_pipeline(normal, impute, StandardScaler())


def build_embedding_encoder(categorical: tuple[str, ...], *, scale: str = "standard") -> Pipeline:
    """Build what a net that meets categories as such wants: scaled numbers beside pandas categories.

    Parameters
    ----------
    categorical : tuple of str
        Columns that are categories although they hold numbers.
    scale : {"standard", "normal"}
        As in `TabularEncoder`; with "normal" columns tell where gaps were.
    """
    standard = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    numbers = NormalNumbers() if scale == "normal" else standard
    columns = ColumnTransformer(
        [("numbers", numbers, make_column_selector(dtype_include="number"))],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    return make_pipeline(NativeCategories(categorical=categorical), columns.set_output(transform="pandas"))


def _as_frame(X: Any) -> pd.DataFrame:
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X))
    frame = frame.rename(columns=str)
    if not frame.columns.is_unique:
        doubled = frame.columns[frame.columns.duplicated()].unique()
        raise ValueError(f"the columns {list(doubled)} stand more than once; give each its own name")
    return frame


def _categorical_columns(frame: pd.DataFrame, named: tuple[str, ...]) -> list[str]:
    numbers = set(frame.select_dtypes(["number", "bool"]).columns)
    return [column for column in frame.columns if column not in numbers or column in named]


def _learn_categories(frame: pd.DataFrame, columns: list[str]) -> dict[str, list[str]]:
    """Return the categories of each column in sorted order; beyond 50 the rarest make way for `(other)`."""
    learned = {}
    for column in columns:
        counts = _as_text(frame[column]).value_counts()
        kept = counts.index if len(counts) <= MAX_CATEGORIES else [*counts.index[: MAX_CATEGORIES - 1], OTHER]
        learned[column] = sorted(set(kept))
    return learned


def _keep_known(column: pd.Series, known: list[str]) -> pd.Series:
    text = _as_text(column)
    return text.where(text.isin(known), OTHER)


def _as_category(column: pd.Series, known: list[str]) -> pd.Series:
    categories = sorted({*known, OTHER})
    return pd.Series(pd.Categorical(_keep_known(column, known), categories=categories), index=column.index)


def _as_text(column: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        column = column.astype("float64")  # as a gap does to integers: a category has one name, with gaps or without
    return column.astype(object).where(column.notna(), MISSING).astype(str).astype(object)
