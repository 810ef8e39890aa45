"""How far probabilities are from what happens: bins of equal mass, and the error over them."""

import numpy as np

from bakeoff.protocol.predictions import Predictions

CALIBRATION_BINS = 15


def top_label(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of each row's most likely class, and whether that is the true one."""
    assert predictions.probabilities is not None  # the caller looked
    top = predictions.probabilities.argmax(axis=1)
    return predictions.probabilities.max(axis=1), predictions.classes[top] == predictions.y_true


def calibration_bins(probabilities: np.ndarray, n_bins: int = CALIBRATION_BINS) -> np.ndarray:
    """Return the bin of each row, from 0: bins of equal mass, and equal probabilities share one."""
    from scipy.stats import rankdata

    bins: np.ndarray = (rankdata(probabilities, method="min").astype(int) - 1) * n_bins // len(probabilities)
    return bins


def expected_calibration_error(
    probabilities: np.ndarray,
    correct: np.ndarray,
    weights: np.ndarray | None = None,
    n_bins: int = CALIBRATION_BINS,
) -> float:
    """Return the top-label calibration error over bins of equal mass; equal probabilities share a bin.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows,)
        Probability of the predicted (most likely) class.
    correct : ndarray of bool of shape (n_rows,)
    weights : ndarray of shape (n_rows,), optional
        How much each row counts.
    n_bins : int

    Returns
    -------
    float
        Mean over rows of |accuracy - confidence| of the row's bin, in [0, 1].

    References
    ----------
    Guo et al. 2017, On Calibration of Modern Neural Networks (top label); Nguyen & O'Connor 2015, Posterior
    calibration and exploratory analysis for NLP models (bins of equal mass).
    """
    bins = calibration_bins(probabilities, n_bins)
    mass = np.ones(len(bins)) if weights is None else weights
    gaps = np.bincount(bins, weights=mass * (correct - probabilities), minlength=n_bins)
    return float(np.abs(gaps).sum() / mass.sum())
