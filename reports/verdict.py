"""The verdict on each data set: do deep and classical differ, by how much, at what cost, and which model to use."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from bakeoff.reports.champions import Champion, choose_best, choose_cheapest
from bakeoff.reports.statistics.folds import (
    Difference,
    Posterior,
    compare_bayesian,
    compare_corrected,
    count_folds_to_separate,
    leave_untested,
)
from bakeoff.reports.tables import BASELINE, FAMILIES, Run, fits_frame, fold_scores

Answer = Literal["deep", "classical", "equivalent", "can't tell", "no comparison"]
ALPHA = 0.05
SURE = 0.95
ROPE = 0.01  # of a score between 0 and 1, or of the dummy's error
UNTESTED = {
    "predefined": "one fixed split has no folds to compare",
    "ordered": "folds in order of time depend on each other",
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the outer folds of one data set say.

    Parameters
    ----------
    dataset, task, metric : str
    answer : str
        The family that is better; `equivalent`, if any difference is too small to matter; `can't tell`; or `no
        comparison`, if a family has no champion.
    why : str
        Why there is no comparison, or no test; "" otherwise.
    sides : mapping of Champion
        By family, as far as it has one.
    difference : Difference, optional
        Deep minus classical, bigger is better.
    posterior : Posterior, optional
        Of deep being worse than classical, equivalent, or better.
    rope : float
        Half the width of the region of practical equivalence, in units of the metric.
    more_folds : int, optional
        Folds in all that would separate the two if it went on alike; None if no number would, or none is needed.
    use : Champion, optional
        The cheapest candidate within the region below the best, by inner scores alone, of those that never failed.
    """

    dataset: str
    task: str
    metric: str
    answer: Answer
    why: str
    sides: Mapping[str, Champion]
    difference: Difference | None = None
    posterior: Posterior | None = None
    rope: float = 0.0
    more_folds: int | None = None
    use: Champion | None = None

    @property
    def differences(self) -> tuple[float, ...]:
        """Deep minus classical on each outer fold; () without both."""
        if len(self.sides) < len(FAMILIES):
            return ()
        classical, deep = (self.sides[family].scores for family in FAMILIES)
        return tuple(map(float, np.subtract(deep, classical)))

    @property
    def cost_ratio(self) -> float:
        """CPU seconds of deep over those of classical; NaN without both."""
        if len(self.sides) < len(FAMILIES):
            return math.nan
        classical, deep = (self.sides[family].cost_s for family in FAMILIES)
        return deep / classical if classical > 0 else math.nan


def judge_run(view: Run) -> list[Verdict]:
    """Judge every data set of a run."""
    frame = fits_frame(view)
    return [_judge(view, frame, name) for name in view.plan["datasets"]]


def _judge(view: Run, frame: pd.DataFrame, dataset: str) -> Verdict:
    about, metric = view.plan["datasets"][dataset], view.primary(dataset)
    fits = frame[frame["dataset"] == dataset]
    n_folds = len(fits[["repeat", "fold"]].drop_duplicates())
    candidates = _candidates(view, fits, metric)
    rope = _rope(view, frame, dataset, metric)
    sides = {family: _side(candidates, family, n_folds) for family in FAMILIES}
    found = {family: side for family, side in sides.items() if side is not None}
    known: dict[str, Any] = {
        "dataset": dataset,
        "task": about["task"],
        "metric": metric,
        "sides": found,
        "rope": rope,
        "use": choose_cheapest(_whole(_rivals(candidates), n_folds), within=rope),
    }
    if len(found) < len(FAMILIES):
        missing = " and ".join(family for family in FAMILIES if family not in found)
        return Verdict(answer="no comparison", why=_why_no_champion(fits, missing), **known)
    differences = np.subtract(found["deep"].scores, found["classical"].scores)
    if about["scheme"] in UNTESTED:
        why = UNTESTED[about["scheme"]]
        return Verdict(answer="can't tell", why=why, difference=leave_untested(differences), **known)
    return _test(differences, rope, known, folds=int(fits["fold"].max()) + 1)


def _test(differences: np.ndarray, rope: float, known: dict[str, Any], *, folds: int) -> Verdict:
    share = 1 / folds
    difference = compare_corrected(differences, test_share=share)
    posterior = compare_bayesian(differences, test_share=share, rope=rope)
    answer = name_answer(difference.mean, difference.p_value, posterior)
    more = count_folds_to_separate(differences, test_share=share, alpha=ALPHA) if answer == "can't tell" else None
    return Verdict(answer=answer, why="", difference=difference, posterior=posterior, more_folds=more, **known)


def name_answer(ahead: float, p_value: float, posterior: Posterior) -> Answer:
    """Name what a test and a posterior say together; `ahead` is by how much deep is better."""
    if posterior.equivalent >= SURE:
        return "equivalent"
    if p_value < ALPHA:
        return "deep" if ahead > 0 else "classical"
    return "can't tell"


def _candidates(view: Run, fits: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the fits that ended well, with their outer scores (bigger is better) and their costs."""
    done = fits.assign(score=view.sign(metric) * fits[f"metrics.{metric}"], cost_s=fits["cpu_s"])
    return done[(done["status"] == "ok") & done["score"].notna()]


def _side(candidates: pd.DataFrame, family: str, n_folds: int) -> Champion | None:
    return _complete(choose_best(_rivals(candidates[candidates["family"] == family])), n_folds)


def _rivals(candidates: pd.DataFrame) -> pd.DataFrame:
    """Leave the baseline out, unless there is nothing else."""
    rivals = candidates[candidates["model"] != BASELINE]
    return rivals if len(rivals) else candidates


def _whole(candidates: pd.DataFrame, n_folds: int) -> pd.DataFrame:
    """Keep the cells that ended well on every fold: a model that failed on one is not to be used."""
    return candidates[candidates.groupby(["model", "variant"])["score"].transform("size") == n_folds]


def _complete(champion: Champion | None, n_folds: int) -> Champion | None:
    return champion if champion is not None and len(champion.scores) == n_folds else None


def _why_no_champion(fits: pd.DataFrame, families: str) -> str:
    planned = fits[fits["family"].isin(families.split(" and "))]
    if planned.empty:
        return f"no {families} model was planned"
    done = planned[planned["status"] == "ok"]
    if len(done) and done["inner_score"].isna().any():
        return f"the {families} models have no inner scores to choose by; tuning gives them, or score_defaults: true"
    return f"on some fold no {families} model ended well"


def _rope(view: Run, frame: pd.DataFrame, dataset: str, metric: str) -> float:
    """Return the region's half width: a hundredth of the metric's range, or of the dummy's mean error."""
    if view.greater_is_better(metric) or view.plan["datasets"][dataset]["task"] != "regression":
        return ROPE
    errors = fold_scores(frame, dataset, BASELINE, "default", metric)
    return ROPE * float(errors.mean()) if len(errors) and errors.notna().all() else 0.0
