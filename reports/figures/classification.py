"""How classes are told apart: confusion, ROC and precision-recall curves, and calibration."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from bakeoff.protocol.calibration import CALIBRATION_BINS, calibration_bins, expected_calibration_error, top_label
from bakeoff.protocol.predictions import Predictions
from bakeoff.reports.drawing.figure import Axis, Figure, Heatmap, Trace, slugify
from bakeoff.reports.drawing.palette import colours
from bakeoff.reports.figures.predictions import ModelPredictions, best_of_families
from bakeoff.reports.run_data.run import Run

GRID = np.linspace(0, 1, 101)
MAX_CLASSES = 12
CELL_PX, PADDING_PX = 34, 120
DIAGONAL = ((0.0, 0.0), (1.0, 1.0))
Counts = list[list[tuple[np.ndarray, np.ndarray]]]  # by fold and class: false and true positives
Curve = Callable[[np.ndarray, np.ndarray], np.ndarray]


def build_classification_figures(view: Run, dataset: str, told: Sequence[ModelPredictions]) -> Iterator[Figure]:
    """Draw what can be drawn of a classification's test rows."""
    scored = [(one, _count(one)) for one in told if all(fold.scores is not None for fold in one.folds)]
    if scored:
        yield _curves(view, dataset, scored, "ROC", ("false positive rate", "true positive rate"), _roc, (DIAGONAL,))
        yield _curves(view, dataset, scored, "precision-recall", ("recall", "precision"), _precision_recall, ())
    sure = [one for one in told if all(fold.probabilities is not None for fold in one.folds)]
    if sure:
        yield _reliability(view, dataset, sure)
    for one in best_of_families(told):
        if len(one.folds[0].classes) <= MAX_CLASSES:
            yield _confusion(dataset, one)


def _curves(
    view: Run,
    dataset: str,
    scored: Sequence[tuple[ModelPredictions, Counts]],
    what: str,
    axes: tuple[str, str],
    curve: Curve,
    guides: tuple[tuple[tuple[float, float], tuple[float, float]], ...],
) -> Figure:
    classes = len(scored[0][0].folds[0].one_vs_rest_columns)
    over = f", mean over {classes} classes, each against the rest" if classes > 1 else ""
    return Figure(
        key=slugify(dataset, what),
        title=f"{dataset}: {what} curve{over}",
        caption=f"{what} curves of {', '.join(one.name for one, _ in scored)}; the mean over the outer folds of the "
        "first repeat at each place (Fawcett 2006), with the standard deviation over folds.",
        x=Axis(title=axes[0], low=-0.02, high=1.02),
        y=Axis(title=axes[1], low=-0.02, high=1.02),
        traces=tuple(_mean_curve(view, one, counts, curve) for one, counts in scored),
        guides=guides,
    )


def _mean_curve(view: Run, told: ModelPredictions, counts: Counts, curve: Curve) -> Trace:
    drawn = np.array([np.mean([curve(*pair) for pair in fold], axis=0) for fold in counts if fold])
    if not len(drawn):
        drawn = np.full((1, len(GRID)), np.nan)
    mean, spread = drawn.mean(axis=0), drawn.std(axis=0, ddof=1) if len(drawn) > 1 else np.zeros(len(GRID))
    return Trace(
        name=told.name,
        x=list(GRID),
        y=list(mean),
        low=list(np.clip(mean - spread, 0, 1)),
        high=list(np.clip(mean + spread, 0, 1)),
        style="line",
        colour=colours(view)[told.model],
        is_dashed=told.family == "deep",
    )


def _count(told: ModelPredictions) -> Counts:
    """Count false and true positives at falling thresholds, for each fold and each judged class that it has rows of."""
    from sklearn import config_context
    from sklearn.metrics import confusion_matrix_at_thresholds

    def count(fold: Predictions, place: int) -> tuple[np.ndarray, np.ndarray]:
        assert fold.scores is not None  # the caller looked
        is_class = fold.one_hot[:, place]
        _, false, _, true, _ = confusion_matrix_at_thresholds(
            is_class, fold.scores[:, place], sample_weight=fold.weights
        )
        return np.append(0.0, false), np.append(0.0, true)

    with config_context(assume_finite=True, skip_parameter_validation=True):
        return [
            [
                count(fold, place)
                for place in fold.one_vs_rest_columns
                if 0 < fold.one_hot[:, place].sum() < len(fold.y_true)
            ]
            for fold in told.folds
        ]


def _roc(false: np.ndarray, true: np.ndarray) -> np.ndarray:
    rates: np.ndarray = np.interp(GRID, false / false[-1], true / true[-1])
    return rates


def _precision_recall(false: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the best precision at each recall or a greater one."""
    precision = np.append(1.0, true[1:] / (true + false)[1:])
    best: np.ndarray = np.maximum.accumulate(precision[::-1])[::-1]
    return best[np.searchsorted(true / true[-1], GRID - 1e-12)]


def _reliability(view: Run, dataset: str, told: Sequence[ModelPredictions]) -> Figure:
    lines = [_reliability_line(view, one) for one in told]
    return Figure(
        key=slugify(dataset, "calibration"),
        title=f"{dataset}: calibration",
        caption="Share of right answers against the probability of the predicted class, in "
        f"{CALIBRATION_BINS} bins of equal mass; on the diagonal a model is as often right as it says. ECE is the "
        f"calibration error over these bins: {', '.join(line.name for line in lines)}.",
        x=Axis(title="probability of the predicted class", low=0, high=1.02),
        y=Axis(title="share of right answers", low=0, high=1.02),
        traces=tuple(lines),
        guides=(DIAGONAL,),
    )


def _reliability_line(view: Run, told: ModelPredictions) -> Trace:
    pairs = [top_label(fold) for fold in told.folds]
    sure, right = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    weights = np.concatenate([_weights(fold) for fold in told.folds])
    bins = calibration_bins(sure)
    parts = [part for part in (bins == place for place in np.unique(bins)) if weights[part].sum() > 0]
    return Trace(
        name=f"{told.name}, ECE {expected_calibration_error(sure, right, weights):.3f}",
        x=[float(np.average(sure[part], weights=weights[part])) for part in parts],
        y=[float(np.average(right[part], weights=weights[part])) for part in parts],
        colour=colours(view)[told.model],
        family=told.family,
        texts=[f"{told.name}: {part.sum()} rows" for part in parts],
    )


def _confusion(dataset: str, told: ModelPredictions) -> Figure:
    classes = told.folds[0].classes
    counts = np.zeros((len(classes), len(classes)))
    for fold in told.folds:
        places = (np.searchsorted(classes, fold.y_true), np.searchsorted(classes, fold.y_pred))
        np.add.at(counts, places, _weights(fold))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    names = tuple(map(str, classes))
    return Figure(
        key=slugify(dataset, "confusion", told.model),
        title=f"{dataset}: confusion of {told.name}",
        caption=f"Rows of each true class by predicted class, all outer folds of the first repeat: right on "
        f"{counts.trace() / max(counts.sum(), 1e-300):.1%}.",
        x=Axis(title="predicted", names=names),
        y=Axis(title="true", names=names, is_reversed=True),
        heat=Heatmap(values=shares.tolist(), texts=[[f"{count:.0f}" for count in row] for row in counts]),
        height=CELL_PX * len(classes) + PADDING_PX,
    )


def _weights(fold: Predictions) -> np.ndarray:
    return np.ones(len(fold.y_true)) if fold.weights is None else fold.weights
