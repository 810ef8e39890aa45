"""Residuals of regressions."""

from collections.abc import Iterator, Sequence

import numpy as np

from bakeoff.reports.figures.figure import Axis, Figure, Trace, key_of
from bakeoff.reports.figures.palette import colours
from bakeoff.reports.figures.told import Told, best_of_families
from bakeoff.reports.tables import Run

MOST_POINTS = 400
SEED = 0


def build_residual_figures(view: Run, dataset: str, told: Sequence[Told]) -> Iterator[Figure]:
    """Draw residuals against predictions of the best model of each family."""
    for one in best_of_families(told):
        true = np.concatenate([fold.y_true for fold in one.folds]).astype(float)
        predicted = np.concatenate([fold.y_pred for fold in one.folds]).astype(float)
        residuals = true - predicted
        shown = np.random.default_rng(SEED).permutation(len(true))[:MOST_POINTS]
        part = f", {MOST_POINTS} of {len(true)} rows" if len(true) > MOST_POINTS else ""
        yield Figure(
            key=key_of(dataset, "residuals", one.model),
            title=f"{dataset}: residuals of {one.name}{part}",
            said=f"True minus predicted value against the prediction, outer test rows of the first repeat: mean "
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
