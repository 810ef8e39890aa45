"""Nested selection: of several candidates, the one that inner scores alone would choose on each outer fold.

What is chosen never saw the outer test rows, so its outer scores are those of the procedure "try them all, keep the
best": unlike the best mean over the outer folds, which is picked on the very numbers that it then shows.
"""

import math
from dataclasses import dataclass

import pandas as pd

FOLD_KEYS = ["repeat", "fold"]


@dataclass(frozen=True, kw_only=True)
class SelectedModel:
    """What was chosen on each outer fold.

    Parameters
    ----------
    chosen : tuple of (model, variant)
        By outer fold.
    fits : tuple of str
        Their ids.
    scores : tuple of float
        The outer scores of what was chosen, bigger is better.
    cost_s : float
        Mean over the folds of the seconds that what was chosen took.
    cost_unit : str
        What these are seconds of: `CPU`, `GPU`, or `CPU and GPU` where that differs between folds.
    """

    chosen: tuple[tuple[str, str], ...]
    fits: tuple[str, ...]
    scores: tuple[float, ...]
    cost_s: float
    cost_unit: str

    @property
    def mean(self) -> float:
        """Mean of the outer scores."""
        return math.fsum(self.scores) / len(self.scores)

    @property
    def most_chosen(self) -> tuple[str, str]:
        """What was chosen most often; the earlier of equals."""
        return max(dict.fromkeys(self.chosen), key=self.chosen.count)

    @property
    def times_chosen(self) -> tuple[int, int]:
        """On how many of the folds that was."""
        return self.chosen.count(self.most_chosen), len(self.chosen)


def select_best(candidates: pd.DataFrame) -> SelectedModel | None:
    """Choose the best inner score on each outer fold; of equals, the cheaper.

    Parameters
    ----------
    candidates : DataFrame
        Fits that ended well, with `fit`, `repeat`, `fold`, `model`, `variant`, `inner_score`, `score`, `cost_s` and
        `cost_unit`.

    Returns
    -------
    SelectedModel or None
        None without candidates; of several, those without an inner score are none.
    """
    return select_cheapest(candidates, within=0.0)


def select_cheapest(candidates: pd.DataFrame, *, within: float) -> SelectedModel | None:
    """Choose on each outer fold the cheapest candidate whose inner score is at most `within` below the best one.

    A single model and variant is no choice, and needs no inner scores.
    """
    if len(candidates[["model", "variant"]].drop_duplicates()) == 1:
        candidates = candidates.fillna({"inner_score": 0.0})
    candidates = candidates[candidates["inner_score"].notna()]
    if candidates.empty:
        return None
    best = candidates.groupby(FOLD_KEYS)["inner_score"].transform("max")
    close = candidates[candidates["inner_score"] >= best - within]
    picks = close.sort_values([*FOLD_KEYS, "cost_s"]).drop_duplicates(FOLD_KEYS)  # a stable sort: of equals the first
    return SelectedModel(
        chosen=tuple(zip(picks["model"], picks["variant"], strict=True)),
        fits=tuple(picks["fit"]),
        scores=tuple(picks["score"].tolist()),
        cost_s=float(picks["cost_s"].mean()),
        cost_unit=" and ".join(sorted(set(picks["cost_unit"]))),
    )


def format_selection(selection: SelectedModel) -> str:
    """Name what was chosen most often, and on how many folds if not on all."""
    (model, variant), (often, folds) = selection.most_chosen, selection.times_chosen
    return f"{model} ({variant})" + ("" if often == folds else f", chosen on {often} of {folds} folds")
