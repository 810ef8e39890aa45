"""Description of a data set, in plain values: for a terminal, for JSON, for a report."""

from typing import Any

import numpy as np
import pandas as pd

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.profiling.audit import audit

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def describe(dataset: Dataset, *, folds: int = 5) -> dict[str, Any]:
    """Describe a data set: its size, columns, target, digest, what was inferred, and what is odd.

    Parameters
    ----------
    dataset : Dataset
    folds : int
        Outer folds that the audit has in mind.

    Returns
    -------
    dict
        Plain values, ready for JSON.
    """
    return {
        "name": dataset.name,
        "kind": dataset.kind,
        "task": dataset.task,
        "rows": len(dataset.y),
        "features": dataset.n_features,
        "input_shape": list(dataset.input_shape) if dataset.input_shape else None,
        "missing": count_missing(dataset.X),
        "bytes": count_bytes(dataset.X),
        "target": describe_target(dataset),
        "groups": None if dataset.groups is None else len(pd.unique(dataset.groups)),
        "times": None if dataset.time is None else len(np.unique(dataset.time)),
        "test_rows": None if dataset.test_rows is None else int(dataset.test_rows.sum()),
        "folds": None if dataset.given_folds is None else str(dataset.given_folds),
        "weighted": dataset.weights is not None,
        "columns": describe_columns(dataset),
        "digest": dataset.digest,
        "source": dataset.source,
        "licence": dataset.licence,
        "notes": list(dataset.notes),
        "audit": [finding.as_dict() for finding in audit(dataset, folds=folds)],
    }


def describe_target(dataset: Dataset) -> dict[str, Any]:
    """Return the rows of each class, or quantiles of a numeric target."""
    if dataset.task == "regression":
        values = np.quantile(dataset.y.astype(float), QUANTILES)
        return {"quantiles": dict(zip(map(str, QUANTILES), values.tolist(), strict=True))}
    labels, counts = np.unique(dataset.y, return_counts=True)
    classes = {str(label): int(count) for label, count in zip(labels, counts, strict=True)}
    return {"classes": classes} | ({"positive": str(dataset.positive)} if dataset.task == "binary" else {})


def describe_columns(dataset: Dataset) -> list[dict[str, Any]]:
    """Return what each column of a table holds; empty for rows of values and texts."""
    if not isinstance(dataset.X, pd.DataFrame):
        return []
    return [_describe_column(dataset.X[name], str(name) in dataset.categorical) for name in dataset.X]


def _describe_column(column: pd.Series, is_category: bool) -> dict[str, Any]:
    about = {
        "name": str(column.name),
        "type": "category" if is_category else "boolean" if pd.api.types.is_bool_dtype(column) else "number",
        "missing": int(column.isna().sum()),
        "distinct": int(column.nunique()),
    }
    present = column.dropna()
    if about["type"] == "number":
        return about | ({"lowest": float(present.min()), "highest": float(present.max())} if len(present) else {})
    commonest = present.astype(str).value_counts().index[:3]
    return about | {"commonest": list(commonest)}


def count_missing(X: Any) -> int:
    """Count missing values; an empty text is none."""
    if isinstance(X, pd.DataFrame):
        return int(X.isna().to_numpy().sum())
    return int(np.isnan(X).sum()) if X.dtype.kind == "f" else 0


def count_bytes(X: Any) -> int:
    """Count the bytes that the rows take in memory, text included."""
    if isinstance(X, pd.DataFrame):
        return int(X.memory_usage(index=False, deep=True).sum())
    return int(X.nbytes) if X.dtype != object else sum(len(text.encode()) for text in X)
