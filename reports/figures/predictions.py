"""Predictions of the models that matter on their outer test rows, fold by fold, read from what the fits stored."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from bakeoff.protocol.predictions import Predictions
from bakeoff.reports.run_data.fits import fits_of
from bakeoff.reports.run_data.leaderboard import cells_of
from bakeoff.reports.run_data.run import BASELINE, FAMILIES, Run, cached

MAX_MODELS = 4


@dataclass(frozen=True, kw_only=True)
class ModelPredictions:
    """One model's predictions.

    Parameters
    ----------
    model, variant, family : str
    folds : tuple of Predictions
        Of the first repeat.
    """

    model: str
    variant: str
    family: str
    folds: tuple[Predictions, ...]

    @property
    def name(self) -> str:
        """As legends show it."""
        return f"{self.model} ({self.variant})"


@cached
def select_top_models(view: Run, dataset: str) -> pd.DataFrame:
    """Return the best cell of each model, best first: four models, among them the best of each family."""
    cells = cells_of(view, dataset)
    ranked = cells[cells["rank"].notna() & (cells["model"] != BASELINE)]
    ranked = ranked.drop_duplicates("model")
    heads = [ranked[ranked["family"] == family].head(1) for family in FAMILIES]
    kept = pd.concat([*heads, ranked]).drop_duplicates("model").head(MAX_MODELS)
    return kept.sort_values("rank", kind="stable")


def read_model_predictions(view: Run, dataset: str) -> list[ModelPredictions]:
    """Read the predictions of the cells that `select_top_models` names; those without any are left out."""
    fits = fits_of(view, dataset)
    fits = fits[(fits["repeat"] == 0) & (fits["status"] == "ok")]
    positive = view.plan["datasets"][dataset].get("positive")
    found = []
    for cell in select_top_models(view, dataset).to_dict("records"):
        mine = fits[(fits["model"] == cell["model"]) & (fits["variant"] == cell["variant"])]
        folds = tuple(one for fit in mine["fit"] if (one := _read(view, fit, positive)) is not None)
        if folds:
            named = {name: str(cell[name]) for name in ("model", "variant", "family")}
            found.append(ModelPredictions(**named, folds=folds))
    return found


def best_of_families(told: Sequence[ModelPredictions]) -> list[ModelPredictions]:
    """Return the first of each family."""
    heads = (next((one for one in told if one.family == family), None) for family in FAMILIES)
    return [one for one in heads if one is not None]


def _read(view: Run, fit: str, positive: str | None) -> Predictions | None:
    arrays = view.read_predictions(fit)
    try:
        return Predictions.from_arrays(arrays, positive) if arrays else None
    except (KeyError, TypeError, ValueError):
        return None
