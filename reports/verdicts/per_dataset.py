"""The verdict on each data set: do deep and classical differ, by how much, at what cost, and which model to use."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from bakeoff.reports.run_data.fits import fits_of, fold_scores, fraction_tested
from bakeoff.reports.run_data.run import BASELINE, FAMILIES, Run, cached
from bakeoff.reports.statistics.folds import (
    Difference,
    Posterior,
    bayesian_correlated_t_test,
    corrected_t_test,
    count_folds_to_significance,
)
from bakeoff.reports.verdicts.row_tests import ROW_TESTED_SCHEMES, ComparedFits, compare_rows
from bakeoff.reports.verdicts.selection import FOLD_KEYS, SelectedModel, select_best, select_cheapest

Answer = Literal["deep", "classical", "equivalent", "can't tell", "no comparison"]
ALPHA = 0.05
POSTERIOR_THRESHOLD = 0.95
CORRECTED_T_TEST = "corrected resampled t-test"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the outer folds of one data set say.

    Parameters
    ----------
    dataset, task, metric : str
    answer : str
        The family that is better; `equivalent`, if any difference is too small to matter; `can't tell`; or `no
        comparison`, if a family has no selection.
    why : str
        Why there is no comparison, or no test; "" otherwise.
    selected : mapping of SelectedModel
        By family, as far as it has one.
    difference : Difference, optional
        Deep minus classical, bigger is better.
    posterior : Posterior, optional
        Of deep being worse than classical, equivalent, or better.
    test : str
        What the p-value is from; "" without a test.
    scale : float
        What brings differences to the scale that all data sets of a task share: 1 for a score, the dummy's mean error
        for an error; NaN where that is not known.
    rope : float
        Half the width of the region of practical equivalence, in units of the metric; 0 where no scale is known.
    more_folds : int, optional
        Folds in all that would separate the two if it went on alike; None if no number would, none is needed, or the
        test is not over folds.
    use : SelectedModel, optional
        The cheapest candidate within the region below the best, by inner scores alone, of those that never failed.
    """

    dataset: str
    task: str
    metric: str
    answer: Answer
    why: str
    selected: Mapping[str, SelectedModel]
    difference: Difference | None = None
    posterior: Posterior | None = None
    test: str = ""
    scale: float = math.nan
    rope: float = 0.0
    more_folds: int | None = None
    use: SelectedModel | None = None

    @property
    def differences(self) -> tuple[float, ...]:
        """Deep minus classical on each outer fold; () without both."""
        if len(self.selected) < len(FAMILIES):
            return ()
        classical, deep = (self.selected[family].scores for family in FAMILIES)
        return tuple(map(float, np.subtract(deep, classical)))

    @property
    def is_of_rows(self) -> bool:
        """Whether it speaks of the fitted models on their test rows alone, and not of other training parts."""
        return self.test not in ("", CORRECTED_T_TEST)

    @property
    def cost_ratio(self) -> float:
        """Seconds of deep over those of classical, whatever their units; NaN without both."""
        if len(self.selected) < len(FAMILIES):
            return math.nan
        classical, deep = (self.selected[family].cost_s for family in FAMILIES)
        return deep / classical if classical > 0 else math.nan

    @property
    def cost_units(self) -> tuple[str, str]:
        """What the seconds of deep and those of classical are: CPU, GPU or both; "" where there is none."""
        classical, deep = (self.selected[family].cost_unit if family in self.selected else "" for family in FAMILIES)
        return deep, classical


@cached
def judge_datasets(view: Run) -> list[Verdict]:
    """Judge every data set of a run."""
    return [judge_dataset(view, name) for name in view.plan["datasets"]]


@cached
def judge_dataset(view: Run, dataset: str) -> Verdict:
    """Judge one data set of a run."""
    about, metric, fits = view.plan["datasets"][dataset], view.primary(dataset), fits_of(view, dataset)
    scale = _scale(view, dataset)
    rope = view.rope * scale if math.isfinite(scale) else 0.0
    found = select_by_family(view, dataset)
    known: dict[str, Any] = {
        "dataset": dataset,
        "task": about["task"],
        "metric": metric,
        "selected": found,
        "scale": scale,
        "rope": rope,
        "use": select_cheapest(complete_candidates(view, dataset), within=rope),
    }
    if len(found) < len(FAMILIES):
        missing = [family for family in FAMILIES if family not in found]
        return Verdict(answer="no comparison", why=why_none_selected(fits, missing), **known)
    differences = np.subtract(found["deep"].scores, found["classical"].scores)
    if about["scheme"] in ROW_TESTED_SCHEMES:
        return _test_rows(view, known)
    return _test_folds(differences, rope, known, test_fraction=fraction_tested(view, dataset))


def _test_rows(view: Run, known: dict[str, Any]) -> Verdict:
    classical, deep = (ComparedFits(view=view, fits=known["selected"][family].fits) for family in FAMILIES)
    found = compare_rows(known["dataset"], deep, classical, rope=known["rope"])
    difference, posterior = found.difference, found.posterior
    answer = name_answer(difference.mean, difference.p_value, posterior) if posterior else "can't tell"
    known |= {"difference": difference, "posterior": posterior, "test": found.test, "why": found.why}
    return Verdict(answer=answer, **known)


def _test_folds(differences: np.ndarray, rope: float, known: dict[str, Any], *, test_fraction: float) -> Verdict:
    difference = corrected_t_test(differences, test_fraction=test_fraction)
    posterior = bayesian_correlated_t_test(differences, test_fraction=test_fraction, rope=rope)
    answer, more = name_answer(difference.mean, difference.p_value, posterior), None
    if answer == "can't tell":
        more = count_folds_to_significance(differences, test_fraction=test_fraction, alpha=ALPHA)
    known |= {"difference": difference, "posterior": posterior, "test": CORRECTED_T_TEST, "more_folds": more}
    return Verdict(answer=answer, why="", **known)


def name_answer(ahead: float, p_value: float, posterior: Posterior) -> Answer:
    """Name what a test and a posterior say together; `ahead` is by how much deep is better."""
    if posterior.equivalent >= POSTERIOR_THRESHOLD:
        return "equivalent"
    if p_value < ALPHA:
        return "deep" if ahead > 0 else "classical"
    return "can't tell"


@cached
def select_by_family(view: Run, dataset: str, train_fraction: float = 1.0) -> dict[str, SelectedModel]:
    """Choose the champions of the families among the fits of a data set at one size; a family may have none."""
    candidates, n_folds = _candidates(view, dataset, train_fraction), _count_folds(view, dataset, train_fraction)
    selected = {family: _side(candidates, family, n_folds) for family in FAMILIES}
    return {family: side for family, side in selected.items() if side is not None}


@cached
def complete_candidates(view: Run, dataset: str) -> pd.DataFrame:
    """Return the fits of one data set whose model ended well on every fold, with scores and costs; no baseline."""
    return _whole(_without_baseline(_candidates(view, dataset, 1.0)), _count_folds(view, dataset, 1.0))


@cached
def _candidates(view: Run, dataset: str, train_fraction: float) -> pd.DataFrame:
    """Return the fits that ended well, with their outer scores (bigger is better) and their costs."""
    fits, metric = fits_of(view, dataset, train_fraction), view.primary(dataset)
    done = fits.assign(score=view.sign(metric) * fits[f"metrics.{metric}"])
    return done[(done["status"] == "ok") & done["score"].notna()]


def _count_folds(view: Run, dataset: str, train_fraction: float) -> int:
    return len(fits_of(view, dataset, train_fraction)[FOLD_KEYS].drop_duplicates())


def _side(candidates: pd.DataFrame, family: str, n_folds: int) -> SelectedModel | None:
    return _complete(select_best(_without_baseline(candidates[candidates["family"] == family])), n_folds)


def _without_baseline(candidates: pd.DataFrame) -> pd.DataFrame:
    """Leave the baseline out, unless there is nothing else."""
    rivals = candidates[candidates["model"] != BASELINE]
    return rivals if len(rivals) else candidates


def _whole(candidates: pd.DataFrame, n_folds: int) -> pd.DataFrame:
    """Keep the cells that ended well on every fold: a model that failed on one is not to be used."""
    return candidates[candidates.groupby(["model", "variant"])["score"].transform("size") == n_folds]


def _complete(selection: SelectedModel | None, n_folds: int) -> SelectedModel | None:
    return selection if selection is not None and len(selection.scores) == n_folds else None


def why_none_selected(fits: pd.DataFrame, families: Sequence[str]) -> str:
    """Say why families have no selection among some fits of a data set; what can't be mended comes first."""
    unplanned = [family for family in families if not (fits["family"] == family).any()]
    if unplanned:
        return f"no {' and no '.join(unplanned)} model was planned"
    done = fits[fits["family"].isin(families) & (fits["status"] == "ok")]
    if len(done) and done["inner_score"].isna().any():
        named = " and ".join(families)
        return f"the {named} models have no inner scores to choose by; tuning gives them, or score_defaults: true"
    return f"on some fold no {' and no '.join(families)} model ended well"


def _scale(view: Run, dataset: str) -> float:
    metric = view.primary(dataset)
    if view.greater_is_better(metric) or view.plan["datasets"][dataset]["task"] != "regression":
        return 1.0
    errors = fold_scores(fits_of(view, dataset), BASELINE, "default", metric)
    return float(errors.mean()) if len(errors) and errors.notna().all() and errors.any() else math.nan
