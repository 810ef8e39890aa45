"""Champions: of several candidates, the one that inner scores alone would choose on each outer fold.

What is chosen never saw the outer test rows, so its outer scores are those of the procedure "try them all, keep the
best": unlike the best mean over the outer folds, which is picked on the very numbers that it then shows.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

FOLD = ["repeat", "fold"]


@dataclass(frozen=True, kw_only=True)
class Champion:
    """What was chosen on each outer fold.

    Parameters
    ----------
    chosen : tuple of (model, variant)
        By outer fold.
    scores : tuple of float
        The outer scores of what was chosen, bigger is better.
    cost_s : float
        Mean over the folds of the CPU seconds of what was chosen.
    """

    chosen: tuple[tuple[str, str], ...]
    scores: tuple[float, ...]
    cost_s: float

    @property
    def mean(self) -> float:
        """Mean of the outer scores."""
        return math.fsum(self.scores) / len(self.scores)

    @property
    def most(self) -> tuple[str, str]:
        """What was chosen most often; the earlier of equals."""
        return max(dict.fromkeys(self.chosen), key=self.chosen.count)

    @property
    def share(self) -> tuple[int, int]:
        """On how many of the folds that was."""
        return self.chosen.count(self.most), len(self.chosen)


def choose_best(candidates: pd.DataFrame) -> Champion | None:
    """Choose the best inner score on each outer fold; of equals, the cheaper.

    Parameters
    ----------
    candidates : DataFrame
        Fits that ended well, with `repeat`, `fold`, `model`, `variant`, `inner_score`, `score` and `cost_s`.

    Returns
    -------
    Champion or None
        None without candidates; of several, those without an inner score are none.
    """
    return choose_cheapest(candidates, within=0.0)


def choose_cheapest(candidates: pd.DataFrame, *, within: float) -> Champion | None:
    """Choose on each outer fold the cheapest candidate whose inner score is at most `within` below the best one.

    A single model and variant is no choice, and needs no inner scores.
    """
    if len(candidates[["model", "variant"]].drop_duplicates()) == 1:
        candidates = candidates.fillna({"inner_score": 0.0})
    candidates = candidates[candidates["inner_score"].notna()]
    if candidates.empty:
        return None
    picks = [_pick(rivals, within) for _, rivals in candidates.groupby(FOLD, sort=True)]
    return Champion(
        chosen=tuple((str(pick["model"]), str(pick["variant"])) for pick in picks),
        scores=tuple(float(pick["score"]) for pick in picks),
        cost_s=float(np.mean([pick["cost_s"] for pick in picks])),
    )


def _pick(rivals: pd.DataFrame, within: float) -> Mapping[str, Any]:
    close = rivals[rivals["inner_score"] >= rivals["inner_score"].max() - within]
    row: Mapping[str, Any] = close.sort_values("cost_s", kind="stable").iloc[0].to_dict()
    return row


def say_choice(champion: Champion) -> str:
    """Name what was chosen most often, and on how many folds if not on all."""
    (model, variant), (often, folds) = champion.most, champion.share
    return f"{model} ({variant})" + ("" if often == folds else f", chosen on {often} of {folds} folds")
