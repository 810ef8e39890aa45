"""What stands before a model: preprocessing by name, each fitted on training rows only as a step of the pipeline.

A spec names the front end that it wants for each kind of input. When one changes what a model sees, raise
`FRONT_END_VERSION` in `versions.py`: it enters the study key.
"""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from bakeoff.errors import UserError, unknown_name
from bakeoff.estimators.tokenizer import TokenIds

MAX_CATEGORIES = 50
MISSING, OTHER = "(missing)", "(other)"  # in brackets, so that no real category is taken for them
WORDS: dict[str, Any] = {"ngram_range": (1, 2), "min_df": 2, "token_pattern": r"(?u)\b\w+\b"}


class TabularEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Turn a frame with numbers, categories and gaps into what a model takes.

    Parameters
    ----------
    categories : {"one-hot", "ordinal"}
        How categorical columns are written. Beyond 50 categories of a column the rarest share one. A category met
        for the first time after `fit` joins them; where there are none it is all zeros (one-hot) or -1 (ordinal).
    scale : bool
        Scale numbers to zero mean and unit variance.
    categorical : tuple of str
        Columns that are categories although they hold numbers; others are told by their dtype.

    Notes
    -----
    Missing numbers become the training median, missing categories a category of their own. A numeric column without
    any value in the training rows is left out. An array without column names is taken as numbers.
    """

    def __init__(self, categories: str = "one-hot", *, scale: bool = True, categorical: tuple[str, ...] = ()) -> None:
        self.categories = categories
        self.scale = scale
        self.categorical = categorical

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn medians, scales and categories from the rows of `X`, shape (n_rows, n_columns)."""
        del y
        frame = _as_frame(X)
        self.n_features_in_ = frame.shape[1]
        self.categories_ = _learn_categories(frame, self.categorical)
        empty = set(frame.columns[frame.isna().all()])  # there is nothing to learn from them, and no scale to give them
        numeric = [column for column in frame.columns if column not in {*self.categories_, *empty}]
        self.transformer_ = ColumnTransformer(
            [("numbers", self._for_numbers(), numeric), ("categories", self._for_categories(), [*self.categories_])],
            sparse_threshold=0,
        ).fit(self._readable(frame))
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the encoded rows, shape (n_rows, n_encoded)."""
        check_is_fitted(self)
        return np.asarray(self.transformer_.transform(self._readable(_as_frame(X))))

    def _for_numbers(self) -> Pipeline:
        impute = SimpleImputer(strategy="median", keep_empty_features=True)
        return make_pipeline(impute, StandardScaler()) if self.scale else make_pipeline(impute)

    def _for_categories(self) -> Any:
        known = list(self.categories_.values())
        if self.categories == "one-hot":
            return OneHotEncoder(categories=known, handle_unknown="ignore", sparse_output=False)
        return OrdinalEncoder(categories=known, handle_unknown="use_encoded_value", unknown_value=-1)

    def _readable(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Write categories as plain strings, so that numbers, booleans and gaps sort together."""
        return frame.assign(**{column: _keep_known(frame[column], known) for column, known in self.categories_.items()})


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
        self.categories_ = _learn_categories(frame, self.categorical)
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Return a frame of numbers and pandas categories, shape (n_rows, n_columns)."""
        check_is_fitted(self)
        frame = _as_frame(X)
        absent = [column for column in self.columns_ if column not in frame.columns]
        if absent:
            raise ValueError(f"the columns {absent} are missing; X needs those that the front end was fitted on")
        frame = frame[self.columns_]
        columns = {column: _as_category(frame[column], known) for column, known in self.categories_.items()}
        numbers = {column: frame[column].astype("float64") for column in frame.columns if column not in columns}
        # Plain names: XGBoost and LightGBM refuse brackets and other marks in column names.
        return pd.DataFrame({f"c{i}": (columns | numbers)[column] for i, column in enumerate(frame.columns)})


class GlobalScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # untyped
    """Scale all values with one mean and one standard deviation, so that pixels and steps keep their proportions."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn mean and standard deviation of the values of `X`, shape (n_rows, n_values)."""
        del y
        X = validate_data(self, X, dtype=["float64", "float32"], ensure_all_finite="allow-nan")
        self.mean_ = float(np.nanmean(X))
        self.scale_ = float(np.nanstd(X)) or 1.0
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the scaled values, shape (n_rows, n_values)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=["float64", "float32"], reset=False, ensure_all_finite="allow-nan")
        return np.asarray((X - self.mean_) / self.scale_)


def build_front_end(name: str, *, categorical: tuple[str, ...] = ()) -> Any:
    """Build an unfitted front end by its name.

    Raises
    ------
    UserError
        If there is none of that name.
    """
    if name not in FRONT_ENDS:
        raise UserError(unknown_name("front end", name, FRONT_ENDS))
    return FRONT_ENDS[name](categorical)


FRONT_ENDS: dict[str, Any] = {
    "none": lambda _: FunctionTransformer(),
    "one-hot": lambda categorical: TabularEncoder("one-hot", categorical=categorical),
    "ordinal": lambda categorical: TabularEncoder("ordinal", scale=False, categorical=categorical),
    "native": lambda categorical: NativeCategories(categorical=categorical),
    "scaled": lambda _: make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()),
    "filled": lambda _: SimpleImputer(keep_empty_features=True),
    "global-scaled": lambda _: make_pipeline(SimpleImputer(keep_empty_features=True), GlobalScaler()),
    "embedded": lambda categorical: _for_embeddings(categorical),
    "tf-idf": lambda _: TfidfVectorizer(sublinear_tf=True, **WORDS),
    "counts": lambda _: CountVectorizer(**WORDS),
    "token-ids": lambda _: TokenIds(),
}


def _for_embeddings(categorical: tuple[str, ...]) -> Pipeline:
    """Build what a net with learned vectors of categories wants: scaled numbers beside pandas categories."""
    numbers = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
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


def _learn_categories(frame: pd.DataFrame, named: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the categories of each categorical column in sorted order; beyond 50 the rarest make way for `(other)`."""
    learned = {}
    for column in _categorical_columns(frame, named):
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
