"""What a fit is refitted with: the default parameters, the best of a study, or an ensemble of its trials."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.search_spaces.bounds import find_params_at_bounds
from bakeoff.estimators.search_spaces.space import Params
from bakeoff.fitting.fit import Member
from bakeoff.protocol.job import Job
from bakeoff.tuning.ensemble_selection import build_ensemble
from bakeoff.tuning.inner_cv_scores import tune_rows
from bakeoff.tuning.out_of_fold import FoldPredictions, OutOfFoldStore
from bakeoff.tuning.study import TuningResult


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """What came out of the search for parameters.

    Parameters
    ----------
    members : tuple of Member
        What to refit; none if every trial failed.
    tuned : TuningResult, optional
        None for variants that do not tune.
    score : float, optional
        Mean over the inner folds of what is to be refitted, bigger is better.
    out_of_fold : FoldPredictions, optional
        What it says of the inner test rows, where that was kept.
    """

    members: tuple[Member, ...]
    tuned: TuningResult | None = None
    score: float | None = None
    out_of_fold: FoldPredictions | None = None

    @property
    def failure(self) -> str:
        """Why there is nothing to refit; "" if there is something."""
        if self.members or self.tuned is None:
            return ""
        return f"all {len(self.tuned.trials)} trials failed; the first: {self.tuned.trials[0]['reason']}"

    @property
    def trials(self) -> list[dict[str, Any]]:
        """One row for each trial."""
        return self.tuned.trials if self.tuned else []

    @property
    def params(self) -> Params:
        """The parameters as the record shows them."""
        if len(self.members) == 1:
            return self.members[0].params
        return {"members": [{"weight": member.weight, "params": member.params} for member in self.members]}


def search_members(job: Job, dataset: Dataset, rows: np.ndarray) -> SearchResult:
    """Find what to refit on some rows of a data set; nothing but those rows is looked at.

    A study that only ran out of seconds, before any trial ended, leaves the default to be refitted.
    """
    default = Member(job.choice.default_params(job.task, job.kind))
    if not job.tunes:
        return SearchResult(members=(default,))
    kept = OutOfFoldStore(job.journal)
    tuned = tune_rows(job, dataset, rows, kept.keep if job.keep_out_of_fold else None)
    if tuned.params is None:
        return SearchResult(members=(default,) if _ran_out_of_time(tuned) else (), tuned=tuned)
    if job.variant == "tuned":
        found = kept.find(tuned.best["number"]) if job.adjusts_predictions else None
        return SearchResult(members=(Member(tuned.params),), tuned=tuned, score=tuned.score, out_of_fold=found)
    ensemble = build_ensemble(job, dataset, rows, tuned, kept)
    return SearchResult(members=ensemble.members, tuned=tuned, score=ensemble.score, out_of_fold=ensemble.out_of_fold)


def search_diagnostics(job: Job, search: SearchResult) -> dict[str, Any]:
    """Return what a search spent and came to, as diagnostics of its record."""
    tuned = search.tuned
    if tuned is None:
        return {}
    states = Counter(trial["state"] for trial in tuned.trials)
    diagnostics: dict[str, Any] = {
        "tune_s": round(tuned.seconds, 4),
        "trials": len(tuned.trials),
        "trials_failed": states["failed"],
        "trials_pruned": states["pruned"],
        "tune_fits": sum(trial["fits"] for trial in tuned.trials),
        "tune_epochs": sum(trial["epochs"] for trial in tuned.trials),
        "inner_score": search.score,
        "inner_metric": job.primary,
        "default_score": tuned.trials[0]["value"] if tuned.trials else None,
        "budget_trials": job.settings.trials,
        "budget_s": job.settings.tuning_s,
        "at_edge": find_params_at_bounds(tuned.best.get("suggested", {}), job.choice.list_space(job.task)),
    }
    if len(search.members) > 1:
        diagnostics["members"] = len(search.members)
    if tuned.resumed:
        earlier = {"earlier_s": tuned.earlier_s, "earlier_cpu_s": tuned.earlier_cpu_s}
        diagnostics |= {"trials_resumed": tuned.resumed, **{name: round(spent, 4) for name, spent in earlier.items()}}
    flag = _budget_note(job, tuned)
    return diagnostics | ({"flag": flag} if flag else {})


def _budget_note(job: Job, tuned: TuningResult) -> str:
    """Say why a study ended before its budget in trials."""
    budget, done = job.settings.trials, len(tuned.trials)
    if tuned.params is None and _ran_out_of_time(tuned):
        return "no trial ended within the budget in seconds: default parameters"
    if tuned.exhausted and done < budget:
        return f"all {done} points of the space were tried, before the {budget} trials of the budget"
    if job.settings.tuning_s is not None and done < budget:
        return f"the budget in seconds ended after {done} of {budget} trials"
    return ""


def _ran_out_of_time(tuned: TuningResult) -> bool:
    return not tuned.trials or all("budget in seconds" in trial["reason"] for trial in tuned.trials)
