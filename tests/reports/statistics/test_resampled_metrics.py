"""Resampled metrics: each is the metric itself, on the rows as often as they were drawn."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bakeoff.protocol.metrics import METRICS
from bakeoff.protocol.predictions import Predictions
from bakeoff.reports.statistics.bootstrap_metrics import SCORERS, build_scorer

ROWS = 60
CASES = [(name, task) for name, metric in METRICS.items() for task in metric.tasks]


def predictions_of(task: str, *, decimals: int, weighted: bool) -> Predictions:
    """Draw what a model that knows something might say; few decimals make ties."""
    random = np.random.default_rng(3)
    weights = random.uniform(0.5, 2, ROWS) if weighted else None
    if task == "regression":
        y_true = random.normal(size=ROWS)
        y_pred = (y_true + random.normal(size=ROWS)).round(decimals)
        return Predictions(y_true=y_true, y_pred=y_pred, classes=np.empty(0), weights=weights)
    classes = np.array(["a", "b", "c"][: 2 if task == "binary" else 3])
    codes = random.integers(len(classes), size=ROWS)
    raw = (random.random((ROWS, len(classes))) + 0.8 * np.eye(len(classes))[codes]).round(decimals)
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    return Predictions(
        y_true=classes[codes],
        y_pred=classes[probabilities.argmax(axis=1)],
        classes=classes,
        positive="a",
        scores=probabilities,
        probabilities=probabilities,
        weights=weights,
    )


def repeated(given: Predictions, counts: np.ndarray) -> Predictions:
    """Repeat each row as often as it was drawn."""
    rows = np.repeat(np.arange(ROWS), counts.astype(int))
    names = ("y_true", "y_pred", "scores", "probabilities", "weights")
    parts: dict[str, Any] = {name: getattr(given, name) for name in names}
    return replace(given, **{name: part[rows] for name, part in parts.items() if part is not None})


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("decimals", [1, 9])
@pytest.mark.parametrize(("name", "task"), CASES)
def test_equals_the_metric_on_repeated_rows(name: str, task: str, decimals: int, weighted: bool) -> None:
    """Every standard metric is the same on counts as on repeated rows: with ties and without, weighted and not."""
    given = predictions_of(task, decimals=decimals, weighted=weighted)
    counts = np.random.default_rng(0).multinomial(ROWS, np.full(ROWS, 1 / ROWS), size=20).T.astype(float)
    expected = [METRICS[name].compute(repeated(given, column)) for column in counts.T]
    np.testing.assert_allclose(build_scorer(name, given)(counts), expected, rtol=1e-9)


def test_every_standard_metric_can_be_resampled() -> None:
    """A metric that is added needs its resampled form, too."""
    assert set(SCORERS) == set(METRICS)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_resample_without_a_class_is_undefined(name: str) -> None:
    """Where no row of a class was drawn, what tells the classes apart has no value."""
    given = predictions_of("binary", decimals=9, weighted=False)
    counts = np.stack([given.y_true == label for label in ("a", "b")], axis=1).astype(float)
    assert np.isnan(build_scorer(name, given)(counts)).all()


def test_labels_that_were_not_drawn_are_left_out() -> None:
    """A class that no drawn row has or is said to have takes no part in averages over classes."""
    given = predictions_of("multiclass", decimals=9, weighted=False)
    kept = (given.y_true != "c") & (given.y_pred != "c")
    counts = kept.astype(float)[:, None]
    for name in ("balanced_accuracy", "f1_macro", "mcc"):
        expected = METRICS[name].compute(repeated(given, counts[:, 0]))
        assert build_scorer(name, given)(counts) == pytest.approx(expected)
