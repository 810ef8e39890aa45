"""Numbers without gaps, beside categories that say where there were some; scales stay as they are."""

from typing import Any, Self

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.validation import check_is_fitted

from bakeoff.estimators.preprocessing.tabular_encoding import NativeCategories

GAP = {True: "missing", False: "known"}


class FilledNumbers(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Fill missing numbers of a frame with the training mean, and note them in a column of categories.

    A column gets such a note where the training rows have gaps in it. One without any number in the training rows
    becomes 0. This is how TabArena (Erickson et al. 2025) hands tables to RealMLP.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn means and gaps from the rows of `X`, shape (n_rows, n_columns)."""
        del y
        numbers = X.select_dtypes("number")
        self.n_features_in_ = X.shape[1]
        self.means_ = numbers.mean().fillna(0.0)
        self.gaps_ = [name for name in numbers.columns if numbers[name].isna().any()]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the filled frame, shape (n_rows, n_columns + columns with gaps)."""
        check_is_fitted(self)
        notes = {
            f"{name}_missing": pd.Categorical(X[name].isna().map(GAP), categories=sorted(GAP.values()))
            for name in self.gaps_
        }
        return X.fillna(self.means_.to_dict()).assign(**notes)


def build_filled_encoder(categorical: tuple[str, ...]) -> Pipeline:
    """Build what a net that scales its numbers itself wants: filled numbers beside pandas categories."""
    return make_pipeline(NativeCategories(categorical=categorical), FilledNumbers())
