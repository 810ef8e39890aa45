"""XGBoost's classifier with labels of any dtype: XGBoost itself wants 0..K-1."""

from typing import Any, Self

import numpy as np
from sklearn.preprocessing import LabelEncoder
from xgboost import XGBClassifier


class XGBoostClassifier(XGBClassifier):
    """`xgboost.XGBClassifier` that takes strings, booleans and any integers as labels.

    Parameters are those of `xgboost.XGBClassifier`. An `eval_set` is encoded like `y`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels in sorted order, as columns of `predict_proba`.
    """

    def fit(self, X: Any, y: Any, *, sample_weight: Any = None, eval_set: Any = None, **options: Any) -> Self:
        """Fit on `X` of shape (n_rows, n_columns) and labels `y` of shape (n_rows,)."""
        self.__dict__.pop("labels_", None)  # XGBoost checks the codes against `classes_` while it fits
        encoder = LabelEncoder().fit(y)
        sets = None if eval_set is None else [(part, encoder.transform(labels)) for part, labels in eval_set]
        objective = self.objective
        super().fit(X, encoder.transform(y), sample_weight=sample_weight, eval_set=sets, **options)
        self.objective = objective  # XGBoost writes its own over it, and then can't be fitted to two classes again
        self.labels_ = encoder.classes_
        return self

    @property
    def classes_(self) -> np.ndarray:
        """The labels in sorted order."""
        return np.asarray(vars(self).get("labels_", super().classes_))

    def predict(self, X: Any, **options: Any) -> np.ndarray:
        """Return a label for each row of `X`; the raw margins with `output_margin=True`."""
        codes = super().predict(X, **options)
        labels: np.ndarray = codes if options.get("output_margin") else self.labels_[codes]
        return labels
