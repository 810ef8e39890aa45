"""The standard metrics on many resamples of the same test rows at once.

A resample says how often each row was drawn: counts of shape (n_rows, n_resamples). What stands here gives for each of
them what the metric of that name gives for the rows repeated as often; NaN where it is undefined, or has no spread.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np

from bakeoff.protocol.calibration import CALIBRATION_BINS
from bakeoff.protocol.predictions import Predictions

Scorer = Callable[[np.ndarray], np.ndarray]
SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")


def build_scorer(metric: str, predictions: Predictions) -> Scorer:
    """Return the function from counts of rows to the values of a standard metric, shape (n_resamples,)."""
    return SCORERS[metric](predictions)


def _weights(predictions: Predictions) -> np.ndarray:
    return np.asarray(np.ones(len(predictions.y_true)) if predictions.weights is None else predictions.weights)


def _mean_of(losses: np.ndarray, weights: np.ndarray) -> Scorer:
    return lambda counts: _divide((weights * losses) @ counts, weights @ counts)


def _divide(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.divide(one, other, out=np.full(np.shape(other), np.nan), where=other > 0)
    return found


def _accuracy(predictions: Predictions) -> Scorer:
    return _mean_of(predictions.y_true == predictions.y_pred, _weights(predictions))


def _mae(predictions: Predictions) -> Scorer:
    return _mean_of(np.abs(predictions.y_true - predictions.y_pred), _weights(predictions))


def _rmse(predictions: Predictions) -> Scorer:
    mean = _mean_of((predictions.y_true - predictions.y_pred) ** 2, _weights(predictions))
    return lambda counts: np.asarray(np.sqrt(mean(counts)))


def _r2(predictions: Predictions) -> Scorer:
    weights, centred = _weights(predictions), predictions.y_true - predictions.y_true.mean()
    error, value, square = (
        _mean_of(part, weights) for part in ((predictions.y_true - predictions.y_pred) ** 2, centred, centred**2)
    )

    def score(counts: np.ndarray) -> np.ndarray:
        squares = square(counts)
        spread = squares - value(counts) ** 2
        return 1 - _divide(error(counts), np.where(spread > 1e-12 * squares, spread, 0.0))

    return score


def _log_loss(predictions: Predictions) -> Scorer:
    assert predictions.probabilities is not None  # the caller saw to it
    chosen = (predictions.probabilities * predictions.one_hot).sum(axis=1)
    return _mean_of(-np.log(np.clip(chosen, np.finfo(np.float64).eps, 1)), _weights(predictions))


def _brier(predictions: Predictions) -> Scorer:
    assert predictions.probabilities is not None  # the caller saw to it
    squares = ((predictions.probabilities - predictions.one_hot) ** 2).sum(axis=1)
    return _mean_of(squares / 2 if len(predictions.classes) == 2 else squares, _weights(predictions))


def _by_class(
    predictions: Predictions, summarise: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
) -> Scorer:
    """Summarise the weights of the rows of each class, of those predicted as it, and of those that are both."""
    from scipy.sparse import csr_array

    weights, labels = _weights(predictions), np.union1d(predictions.y_true, predictions.y_pred)
    truth, predicted = (np.searchsorted(labels, part) for part in (predictions.y_true, predictions.y_pred))
    rows = np.arange(len(weights))
    shape = len(labels), len(rows)
    of, as_, hit = (
        csr_array((part, (place, rows)), shape=shape)
        for part, place in ((weights, truth), (weights, predicted), (weights * (truth == predicted), truth))
    )
    return lambda counts: summarise(*(part @ counts for part in (of, as_, hit)))


def _mean_recall(of: np.ndarray, predicted: np.ndarray, hit: np.ndarray) -> np.ndarray:
    del predicted
    return _mean_over_known(_divide(hit, of))


def _mean_f1(of: np.ndarray, predicted: np.ndarray, hit: np.ndarray) -> np.ndarray:
    return _mean_over_known(_divide(2 * hit, of + predicted))


def _mean_over_known(values: np.ndarray) -> np.ndarray:
    return _divide(np.nansum(values, axis=0), np.isfinite(values).sum(axis=0))


def _mcc(of: np.ndarray, predicted: np.ndarray, hit: np.ndarray) -> np.ndarray:
    """Gorodkin 2004's coefficient for several classes; 0 where one side has a single class, as in scikit-learn."""
    whole = of.sum(axis=0)
    together = hit.sum(axis=0) * whole - (of * predicted).sum(axis=0)
    apart = (whole**2 - (of**2).sum(axis=0)) * (whole**2 - (predicted**2).sum(axis=0))
    return np.where(apart > 0, together / np.sqrt(np.where(apart > 0, apart, 1.0)), 0.0)


def _over_classes(predictions: Predictions, judge: Callable[..., Scorer]) -> Scorer:
    """Judge how each class is told from the others, and average."""
    assert predictions.scores is not None  # the caller saw to it
    one_hot = predictions.one_hot == 1
    scorers = [
        judge(-predictions.scores[:, k], one_hot[:, k], predictions.weights) for k in predictions.one_vs_rest_columns
    ]
    return lambda counts: np.mean([score(counts) for score in scorers], axis=0)


def _roc_auc(places: np.ndarray, inside: np.ndarray, weights: np.ndarray | None) -> Scorer:
    """Return the share of pairs, a row of the class before one of the others, ties as half (Mann & Whitney 1947)."""
    ours, others = _in_order(places, inside), _in_order(places, ~inside)
    before, not_after = (np.searchsorted(places[ours], places[others], side) for side in SIDES)

    def score(counts: np.ndarray) -> np.ndarray:
        passed, other = _running(_drawn(counts, ours, weights)), _drawn(counts, others, weights)
        won = np.einsum("ij,ij->j", other, passed[before] + passed[not_after]) / 2
        return _divide(won, passed[-1] * other.sum(axis=0))

    return score


def _average_precision(places: np.ndarray, inside: np.ndarray, weights: np.ndarray | None) -> Scorer:
    """Return the mean precision at the score of each row of the class; undefined without rows of the others."""
    ours, others = _in_order(places, inside), _in_order(places, ~inside)
    hits, misses = (np.searchsorted(places[rows], places[ours], "right") for rows in (ours, others))

    def score(counts: np.ndarray) -> np.ndarray:
        own, other = _drawn(counts, ours, weights), _running(_drawn(counts, others, weights))
        found = _running(own)[hits]
        predicted = found + other[misses]
        precision = np.divide(found, predicted, out=np.zeros_like(found), where=predicted > 0)
        return _divide(np.einsum("ij,ij->j", own, precision), own.sum(axis=0) * (other[-1] > 0))

    return score


def _in_order(places: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return the numbers of the kept rows, the smallest place first."""
    rows = np.flatnonzero(kept)
    return np.asarray(rows[np.argsort(places[rows], kind="stable")])


def _drawn(counts: np.ndarray, rows: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    drawn: np.ndarray = counts[rows]
    return drawn if weights is None else drawn * weights[rows, None]


def _running(drawn: np.ndarray) -> np.ndarray:
    """Return the sums of the first 0, 1, 2 … rows."""
    sums = np.zeros((len(drawn) + 1, drawn.shape[1]))
    np.cumsum(drawn, axis=0, out=sums[1:])
    return sums


def _calibration(predictions: Predictions) -> Scorer:
    assert predictions.probabilities is not None  # the caller saw to it
    top, weights = predictions.probabilities.max(axis=1), _weights(predictions)
    right = predictions.classes[predictions.probabilities.argmax(axis=1)] == predictions.y_true
    order = np.argsort(top, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(top[order]) != 0))  # of runs of equal probabilities
    gaps = (weights * (right - top))[order, None]

    def score(counts: np.ndarray) -> np.ndarray:
        ordered, n_resamples = counts[order], counts.shape[1]
        sizes = np.add.reduceat(ordered, starts, axis=0)
        below = sizes.cumsum(axis=0) - sizes
        bins = (below * CALIBRATION_BINS // sizes.sum(axis=0)).astype(int).clip(max=CALIBRATION_BINS - 1)
        places = bins * n_resamples + np.arange(n_resamples)
        summed = np.add.reduceat(ordered * gaps, starts, axis=0)
        found = np.bincount(places.ravel(), summed.ravel(), minlength=CALIBRATION_BINS * n_resamples)
        return _divide(np.abs(found.reshape(-1, n_resamples)).sum(axis=0), weights @ counts)

    return score


SCORERS: dict[str, Callable[[Predictions], Scorer]] = {
    "roc_auc": partial(_over_classes, judge=_roc_auc),
    "accuracy": _accuracy,
    "balanced_accuracy": partial(_by_class, summarise=_mean_recall),
    "f1_macro": partial(_by_class, summarise=_mean_f1),
    "average_precision": partial(_over_classes, judge=_average_precision),
    "mcc": partial(_by_class, summarise=_mcc),
    "log_loss": _log_loss,
    "brier": _brier,
    "calibration_error": _calibration,
    "rmse": _rmse,
    "mae": _mae,
    "r2": _r2,
}
