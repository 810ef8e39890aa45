"""What is learned from out-of-fold predictions and done to those of the fitted model: calibration, then a threshold.

It is learned on the training part alone, of predictions for rows that the predicting model never saw. What it comes to
is estimated by learning it on all folds but one and scoring that one.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.wrappers.calibrated import (
    CalibratedClassifier,
    Calibrator,
    IsotonicCalibration,
    TemperatureScaling,
)
from bakeoff.estimators.wrappers.thresholded import ThresholdedClassifier
from bakeoff.fitting.score import score_primary
from bakeoff.protocol.job import Job
from bakeoff.protocol.predictions import Predictions
from bakeoff.tuning.inner_cv import Folds
from bakeoff.tuning.out_of_fold import FoldPredictions, PredictionKind, to_predictions

MAX_THRESHOLDS = 200


@dataclass(frozen=True)
class Adjustment:
    """What is done to the predictions of a fitted classifier.

    Parameters
    ----------
    calibrator : Calibrator, optional
    threshold : float, optional
        Of the positive class.
    reason : str
        Why nothing is done.
    """

    calibrator: Calibrator | None = None
    threshold: float | None = None
    reason: str = ""

    def wrap(self, job: Job, dataset: Dataset, model: Any) -> Any:
        """Return a fitted model with this done to its predictions."""
        if self.calibrator is not None:
            model = CalibratedClassifier(model, self.calibrator, dataset.classes)
        return model if self.threshold is None else ThresholdedClassifier(model, self.threshold, job.positive)

    def diagnostics(self) -> dict[str, Any]:
        """Return what a record says of it."""
        found: dict[str, Any] = {"not_adjusted": self.reason} if self.reason else {}
        if isinstance(self.calibrator, TemperatureScaling):
            found["temperature"] = round(self.calibrator.temperature_, 6)
        return found if self.threshold is None else found | {"threshold": self.threshold}

    def apply(
        self, job: Job, dataset: Dataset, rows: np.ndarray, kind: PredictionKind, scores: np.ndarray
    ) -> Predictions:
        """Return predictions of some rows with this done to them."""
        if self.calibrator is not None:
            kind, scores = "probabilities", _calibrate(self.calibrator, kind, scores)
        predictions = to_predictions(dataset, rows, kind, scores)
        return predictions if self.threshold is None else _label(job, predictions, self.threshold)


def learn_adjustment(job: Job, dataset: Dataset, folds: Folds, found: FoldPredictions) -> Adjustment:
    """Learn from what a model says of the test rows of folds, which together are a training part.

    Rows whose class the training rows of their fold did not hold are left out: what a model says of them is no matter
    of calibration.
    """
    if found.kind not in ("scores", "probabilities"):
        return Adjustment(reason="the model gives neither probabilities nor decision values")
    known = [np.isin(dataset.y[test], dataset.y[train]) for train, test in folds]
    rows = np.concatenate([test[mask] for (_, test), mask in zip(folds, known, strict=True)])
    scores = np.concatenate([fold[mask] for fold, mask in zip(found.folds, known, strict=True)])
    calibrator = _learn_calibrator(job, dataset, rows, found.kind, scores) if job.calibrates else None
    if not job.tunes_threshold:
        return Adjustment(calibrator)
    predictions = Adjustment(calibrator).apply(job, dataset, rows, found.kind, scores)
    return Adjustment(calibrator, _choose_threshold(job, predictions))


def score_adjusted(job: Job, dataset: Dataset, folds: Folds, found: FoldPredictions) -> float:
    """Return the mean primary score over the folds, each adjusted by what is learned on all others.

    Raises
    ------
    ValueError
        If the adjusted predictions can't have it.
    """
    scores = []
    for place, (_, test) in enumerate(folds):
        others = FoldPredictions(found.kind, [*found.folds[:place], *found.folds[place + 1 :]])
        learned = learn_adjustment(job, dataset, [*folds[:place], *folds[place + 1 :]], others)
        scores.append(score_primary(job, learned.apply(job, dataset, test, found.kind, found.folds[place])))
    return float(np.mean(scores))


def _learn_calibrator(
    job: Job, dataset: Dataset, rows: np.ndarray, kind: PredictionKind, scores: np.ndarray
) -> Calibrator:
    calibrator = TemperatureScaling() if job.settings.calibrate == "temperature" else IsotonicCalibration()
    return calibrator.fit(
        scores,
        np.searchsorted(dataset.classes, dataset.y[rows]),
        are_probabilities=kind == "probabilities",
        weights=None if dataset.weights is None else dataset.weights[rows],
    )


def _choose_threshold(job: Job, predictions: Predictions) -> float:
    """Return the threshold of the best primary score; of equals that nearest to the usual one."""
    usual = 0.0 if predictions.probabilities is None else 0.5
    values = np.unique(_positive_scores(job, predictions))
    between = (values[1:] + values[:-1]) / 2
    if len(between) > MAX_THRESHOLDS:
        between = np.quantile(between, np.linspace(0, 1, MAX_THRESHOLDS))
    candidates = sorted([usual, *between.tolist()], key=lambda threshold: abs(threshold - usual))
    best: float = max(candidates, key=lambda threshold: score_primary(job, _label(job, predictions, threshold)))
    return best


def _label(job: Job, predictions: Predictions, threshold: float) -> Predictions:
    place = _positive_place(job, predictions)
    labels = predictions.classes[np.where(_positive_scores(job, predictions) >= threshold, place, 1 - place)]
    return replace(predictions, y_pred=labels)


def _positive_scores(job: Job, predictions: Predictions) -> np.ndarray:
    assert predictions.scores is not None  # their kind has them
    return predictions.scores[:, _positive_place(job, predictions)]


def _positive_place(job: Job, predictions: Predictions) -> int:
    return int(np.flatnonzero(predictions.classes == job.positive)[0])


def _calibrate(calibrator: Calibrator, kind: PredictionKind, scores: np.ndarray) -> np.ndarray:
    return calibrator.predict_proba(scores, are_probabilities=kind == "probabilities")
