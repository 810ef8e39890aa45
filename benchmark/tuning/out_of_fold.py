"""What a study's trials say of the inner test rows, in a form that can be averaged, kept beside the study."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.protocol.predictions import Predictions

PredictionKind = Literal["values", "votes", "scores", "probabilities"]
KINDS: tuple[PredictionKind, ...] = ("values", "votes", "scores", "probabilities")


@dataclass(frozen=True, eq=False)
class FoldPredictions:
    """What one set of parameters says of the test rows of each inner fold.

    Parameters
    ----------
    kind : {"values", "votes", "scores", "probabilities"}
    folds : sequence of ndarray of shape (n_rows,) or (n_rows, n_classes)
    """

    kind: PredictionKind
    folds: Sequence[np.ndarray]


def to_fold_predictions(predictions: Sequence[Predictions]) -> FoldPredictions:
    """Return what of predictions can be averaged: probabilities, else decision values, else votes; or values."""
    kind = _kind_of(predictions[0])
    return FoldPredictions(kind, [_to_array(one, kind) for one in predictions])


def to_predictions(dataset: Dataset, rows: np.ndarray, kind: PredictionKind, values: np.ndarray) -> Predictions:
    """Return (averaged) values as predictions of some rows; a row is labelled by the greatest of its values."""
    return Predictions(
        y_true=np.asarray(dataset.y[rows]),
        y_pred=values if kind == "values" else dataset.classes[values.argmax(axis=1)],
        classes=dataset.classes,
        positive=dataset.positive,
        scores=values if kind in ("scores", "probabilities") else None,
        probabilities=values if kind == "probabilities" else None,
        weights=None if dataset.weights is None else dataset.weights[rows],
    )


def average_predictions(weighted: Sequence[tuple[FoldPredictions, float]]) -> FoldPredictions:
    """Return the weighted mean of predictions of one kind for the same folds; the weights sum to 1."""
    sums = [
        np.sum([weight * fold for fold, (_, weight) in zip(folds, weighted, strict=True)], axis=0)
        for folds in zip(*(one.folds for one, _ in weighted), strict=True)
    ]
    return FoldPredictions(weighted[0][0].kind, sums)


def to_probabilities(fold_predictions: FoldPredictions) -> FoldPredictions:
    """Return predictions that can be averaged with those of other models.

    Decision values, which have no common scale, become votes: shares of 0 and 1.
    """
    if fold_predictions.kind in ("values", "probabilities"):
        return fold_predictions
    return FoldPredictions(
        "probabilities", [np.eye(fold.shape[1])[fold.argmax(axis=1)] for fold in fold_predictions.folds]
    )


class OutOfFoldStore:
    """The out-of-fold predictions of a study's trials, by their number.

    Parameters
    ----------
    journal : Path, optional
        Of the study; they lie in a folder beside it. In memory if left out.
    """

    def __init__(self, journal: Path | None) -> None:
        self._folder = None if journal is None else journal.with_suffix("")
        self._held: dict[int, FoldPredictions] = {}

    def keep(self, number: int, predictions: Sequence[Predictions]) -> None:
        """Take in what a trial predicts on each inner fold."""
        fold_predictions = to_fold_predictions(predictions)
        if self._folder is None:
            self._held[number] = fold_predictions
            return
        self._folder.mkdir(exist_ok=True)
        part = self._folder / f"{number}.part"
        with part.open("wb") as file:
            np.savez(file, *fold_predictions.folds, kind=np.asarray(KINDS.index(fold_predictions.kind)))
        part.replace(self._path(self._folder, number))

    def find(self, number: int) -> FoldPredictions | None:
        """Return the predictions of a trial; None if they were not kept, or can't be read any more."""
        if self._folder is None:
            return self._held.get(number)
        try:
            with np.load(self._path(self._folder, number)) as found:
                return FoldPredictions(
                    KINDS[int(found["kind"])], [found[f"arr_{k}"] for k in range(len(found.files) - 1)]
                )
        except (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile):
            return None

    @staticmethod
    def _path(folder: Path, number: int) -> Path:
        return folder / f"{number}.npz"


def _kind_of(one: Predictions) -> PredictionKind:
    if not len(one.classes):
        return "values"
    if one.probabilities is not None:
        return "probabilities"
    return "votes" if one.scores is None else "scores"


def _to_array(one: Predictions, kind: PredictionKind) -> np.ndarray:
    if kind == "values":
        return np.asarray(one.y_pred, dtype=float)
    if kind == "votes":
        return np.asarray(one.y_pred[:, None] == one.classes[None, :], dtype=float)
    assert one.scores is not None  # that makes the kind
    return one.scores
