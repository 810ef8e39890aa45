"""What the stored predictions of several fits say together: counts of classes, or the spread of residuals."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def summarise_predictions(predictions: Iterable[Mapping[str, Any]], *, regression: bool) -> dict[str, Any]:
    """Summarise the predictions of one model over its outer test parts.

    Parameters
    ----------
    predictions : iterable of mapping
        `y_true` and `y_pred` of each fit; empty ones are passed over.
    regression : bool

    Returns
    -------
    dict
        `rows`, and `residuals` (quantiles of prediction minus truth) or `confusion` (true class -> predicted class
        -> rows). Empty if there are no predictions.
    """
    pairs = [(arrays["y_true"], arrays["y_pred"]) for arrays in predictions if arrays]
    if not pairs:
        return {}
    y_true, y_pred = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    if regression:
        values = np.quantile(y_pred - y_true, QUANTILES)
        return {"rows": len(y_true), "residuals": dict(zip(map(str, QUANTILES), values.tolist(), strict=True))}
    return {"rows": len(y_true), "confusion": _confusion(y_true.astype(str), y_pred.astype(str))}


def _confusion(y_true: np.ndarray, y_pred: np.ndarray) -> dict[str, dict[str, int]]:
    labels = np.unique([*y_true, *y_pred])
    return {
        str(true): {str(predicted): int(((y_true == true) & (y_pred == predicted)).sum()) for predicted in labels}
        for true in labels
    }
