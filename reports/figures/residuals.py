"""Residuals of regressions."""

from collections.abc import Iterator, Sequence

import numpy as np

from bakeoff.reports.drawing.figure import Axis, Figure, Trace, slugify
from bakeoff.reports.drawing.palette import colours
from bakeoff.reports.figures.predictions import ModelPredictions, best_of_families
from bakeoff.reports.run_data.run import Run

MAX_POINTS = 400
SEED = 0


def build_residual_figures(view: Run, dataset: str, predictions: Sequence[ModelPredictions]) -> Iterator[Figure]:
    """Draw residuals against predictions of the best model of each family."""
    for one in best_of_families(predictions):
        true = np.concatenate([fold.y_true for fold in one.folds]).astype(float)
        predicted = np.concatenate([fold.y_pred for fold in one.folds]).astype(float)
        residuals = true - predicted
        shown = np.random.default_rng(SEED).permutation(len(true))[:MAX_POINTS]
        part = f", {MAX_POINTS} of {len(true)} rows" if len(true) > MAX_POINTS else ""
        yield Figure(
            key=slugify(dataset, "residuals", one.model),
            title=f"{dataset}: residuals of {one.name}{part}",
            caption=f"True minus predicted value against the prediction, outer test rows of the first repeat: mean "
            f"{residuals.mean():.4g}, standard deviation {residuals.std():.4g}.",
            x=Axis(title="predicted"),
            y=Axis(title="true − predicted"),  # noqa: RUF001 - a minus
            traces=(
                Trace(
                    x=list(predicted[shown]),
                    y=list(residuals[shown]),
                    style="points",
                    colour=colours(view)[one.model],
                    family=one.family,
                    is_faint=True,
                ),
            ),
            guides=(((float(predicted.min()), 0.0), (float(predicted.max()), 0.0)),),
        )
