"""Which columns the models lean on: what the outer score loses when one of them is shuffled."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bakeoff.reports.drawing.figure import Axis, Figure, Trace, slugify
from bakeoff.reports.drawing.palette import colours
from bakeoff.reports.figures.predictions import select_top_models
from bakeoff.reports.formats import finite
from bakeoff.reports.run_data.fits import fits_of
from bakeoff.reports.run_data.run import Run

MAX_COLUMNS = 12
ROW_PX, PADDING_PX = 30, 110
BAND_WIDTH = 0.6  # of the band that the models of one column share
Name = tuple[str, str]


def build_column_importance_figure(view: Run, dataset: str) -> Figure | None:
    """Draw the permutation importance of the columns for the models that matter; None if it was not measured."""
    found = read_permutation_importance(view, dataset)
    if not found:
        return None
    means = pd.DataFrame({name: losses.mean() for name, losses in found.items()})
    columns = means.max(axis=1).sort_values(ascending=False, kind="stable").index[:MAX_COLUMNS]
    lost = "lost" if view.greater_is_better(view.primary(dataset)) else "added"
    left = f" Of {len(means)} columns the {MAX_COLUMNS} that matter most." if len(means) > MAX_COLUMNS else ""
    return Figure(
        key=slugify(dataset, "columns"),
        title=f"{dataset}: columns that mattered",
        caption="How much worse a model does on the outer test part with one column shuffled (permutation importance, "
        "Breiman 2001): mean over the outer folds, five shuffles each, with their range. It says what a model leans "
        f"on, not what causes what; columns that say the same share their importance.{left}",
        x=Axis(title=f"{view.primary(dataset)} {lost}"),
        y=Axis(names=tuple(map(str, columns)), is_reversed=True),
        traces=tuple(
            _trace(view, dataset, name, losses[columns], BAND_WIDTH * ((place + 0.5) / len(found) - 0.5))
            for place, (name, losses) in enumerate(found.items())
        ),
        guides=(((0.0, -0.5), (0.0, len(columns) - 0.5)),),
        height=ROW_PX * len(columns) + PADDING_PX,
    )


def read_permutation_importance(view: Run, dataset: str) -> Mapping[Name, pd.DataFrame]:
    """Return what each fold's score lost with each column shuffled, for the models of `select_top_models`, best first.

    Returns
    -------
    mapping of DataFrame of shape (n_folds, n_columns)
        By model and variant; without those that miss a fold.
    """
    fits = fits_of(view, dataset)
    fits = fits[fits["status"] == "ok"]
    found = {}
    for cell in select_top_models(view, dataset).to_dict("records"):
        mine = fits[(fits["model"] == cell["model"]) & (fits["variant"] == cell["variant"])]
        folds = [_means(view.read_importance(fit)) for fit in mine["fit"]]
        if folds and all(folds) and len({tuple(fold) for fold in folds}) == 1:
            found[str(cell["model"]), str(cell["variant"])] = pd.DataFrame(folds)
    widest = max((frame.shape[1] for frame in found.values()), default=0)
    return {name: frame for name, frame in found.items() if frame.shape[1] == widest}


def _means(losses: Mapping[str, list[float]]) -> dict[str, float]:
    """Average the shuffles of each column; nothing if any of it is no number."""
    known = {column: finite(values) for column, values in losses.items()}
    whole = all(values and len(values) == len(losses[column]) for column, values in known.items())
    return {column: float(np.mean(values)) for column, values in known.items()} if whole else {}


def _trace(view: Run, dataset: str, name: Name, losses: pd.DataFrame, offset: float) -> Trace:
    model, variant = name
    means = losses.mean()
    family = next(fit["family"] for fit in view.plan["fits"] if fit["model"] == model)
    metric = view.primary(dataset)
    return Trace(
        name=f"{model} ({variant})",
        x=means.tolist(),
        y=[place + offset for place in range(len(means))],
        low=losses.min().tolist(),
        high=losses.max().tolist(),
        error_axis="x",
        style="points",
        colour=colours(view)[model],
        family=family,
        texts=[f"{model} ({variant}), {column}: {value:.4g} {metric}" for column, value in means.items()],
    )
