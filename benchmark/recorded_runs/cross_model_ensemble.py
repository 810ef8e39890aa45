"""An ensemble across the models of a run, after the fact: chosen by inner folds, averaged on the outer test rows.

Each candidate's recorded parameters are fitted on the inner folds once more, in processes of their own; what the
candidates said of the outer test rows is in the run folder already.
"""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bakeoff.engines.dispatch import FinishedFit, run_fits
from bakeoff.engines.observers import Progress
from bakeoff.engines.options import RunOptions
from bakeoff.engines.schedule import expected_seconds
from bakeoff.errors import UserError
from bakeoff.estimators.search_spaces.space import Params
from bakeoff.evaluation.evaluate import warm_up
from bakeoff.planning.plan import Plan
from bakeoff.planning.staging import open_data_file, stage_data
from bakeoff.protocol.job import Job
from bakeoff.protocol.keys import Keys, keys_of_cross_model_ensemble
from bakeoff.protocol.metrics import compute_metrics
from bakeoff.protocol.predictions import Predictions
from bakeoff.recorded_runs.extension import rebuild_plan
from bakeoff.records.provenance import collect_versions
from bakeoff.records.record import Record
from bakeoff.records.run_folder import RunFolder
from bakeoff.running.limits import limits_of
from bakeoff.tuning.ensemble_selection import predict_inner_folds, select_ensemble
from bakeoff.tuning.inner_cv_scores import inner_folds
from bakeoff.tuning.out_of_fold import FoldPredictions, to_fold_predictions, to_predictions, to_probabilities

OuterFold = tuple[str, int, int]  # data set, repeat, fold


@dataclass(frozen=True)
class InnerPredictions:
    """What recorded parameters say of the inner test rows; called with a job in a process of its own.

    Parameters
    ----------
    params : mapping
        By the id of the fit.
    """

    params: Mapping[str, Params]

    def __call__(self, job: Job) -> FoldPredictions:
        """Fit the parameters on the inner folds of the job's training part."""
        dataset, splits = open_data_file(job.data_file)
        warm_up(job.choice.spec.requires)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the recorded fit has told its own
            folds = inner_folds(job, dataset, splits[job.split_index].train)
            return predict_inner_folds(job, dataset, folds, self.params[job.keys.fit])


@dataclass
class _FoldEnsemble:
    """An ensemble in the making."""

    candidates: Mapping[str, Job]  # by the id of the fit
    fold_predictions: dict[str, FoldPredictions] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    cpu_s: float = 0.0

    @property
    def first(self) -> Job:
        return next(iter(self.candidates.values()))

    @property
    def keys(self) -> Keys:
        return keys_of_cross_model_ensemble(self.first.keys, self.candidates)

    @property
    def is_complete(self) -> bool:
        return len(self.fold_predictions) + len(self.left_out) == len(self.candidates)

    def add(self, finished: FinishedFit) -> None:
        """Take in what came of a candidate."""
        fit, outcome = finished.job.keys.fit, finished.outcome
        self.cpu_s += outcome.cpu_s
        if outcome.status == "ok":
            self.fold_predictions[fit] = outcome.value
        else:
            self.left_out[fit] = f"{outcome.status}: {outcome.reason}"

    def exclude(self, why: Mapping[str, str]) -> None:
        """Leave candidates out that have answered, and say why."""
        self.left_out |= why
        self.fold_predictions = {fit: one for fit, one in self.fold_predictions.items() if fit not in why}


def build_cross_model_ensembles(folder: RunFolder, *, options: RunOptions, progress: Progress) -> list[Record]:
    """Build the ensemble of each outer fold of a run, and keep it beside the records.

    Candidates are, of each model, the tuned fit, or the default one where none ended well; decision values have no
    common scale, so that a model without probabilities takes part with its votes. An ensemble that was built of the
    same candidates before is not built again.

    Returns
    -------
    list of Record
        One for each data set, repeat and fold; its `params` name the members and their weights.

    Raises
    ------
    UserError
        If no outer fold has two candidates, the data have changed since the run, or the options can't be used.

    References
    ----------
    Caruana et al. 2004, Ensemble selection from libraries of models (ICML).
    """
    with folder.locked():
        plan = rebuild_plan(folder)
        recorded = folder.read_records()[0]
        fold_ensembles = _list_fold_ensembles(plan, recorded)
        if not fold_ensembles:
            raise UserError(f"an ensemble needs two models that ended well on the same fold; {folder.path} has none")
        known = folder.read_cross_model_ensembles()
        made = [
            known[fold_ensemble.keys.fit]
            for fold_ensemble in fold_ensembles.values()
            if fold_ensemble.keys.fit in known
        ]
        open_ensembles = {
            place: fold_ensemble
            for place, fold_ensemble in fold_ensembles.items()
            if fold_ensemble.keys.fit not in known
        }
        progress.begin(sum(len(fold_ensemble.candidates) for fold_ensemble in open_ensembles.values()), 0)
        return made + list(_build(plan, folder, open_ensembles, recorded, options, progress) if open_ensembles else ())


def _list_fold_ensembles(plan: Plan, recorded: Mapping[str, Record]) -> dict[OuterFold, _FoldEnsemble]:
    """Find the candidates of each outer fold; of a model the tuned fit replaces the default one."""
    found: dict[OuterFold, dict[str, Job]] = {}
    for variant in ("default", "tuned"):
        for job in plan.jobs_to_run:
            record = recorded.get(job.keys.fit)
            if job.variant == variant and job.train_fraction == 1 and record is not None and record.ok:
                found.setdefault((job.dataset, job.repeat, job.fold), {})[job.choice.name] = job
    return {
        place: _FoldEnsemble({job.keys.fit: job for job in by_model.values()})
        for place, by_model in found.items()
        if len(by_model) > 1
    }


def _build(
    plan: Plan,
    folder: RunFolder,
    fold_ensembles: Mapping[OuterFold, _FoldEnsemble],
    recorded: Mapping[str, Record],
    options: RunOptions,
    progress: Progress,
) -> Iterator[Record]:
    """Ask all candidates; each ensemble is recorded when its last candidate has answered."""
    jobs = [job for fold_ensemble in fold_ensembles.values() for job in fold_ensemble.candidates.values()]
    with (
        folder.scratch() as scratch,
        run_fits(
            InnerPredictions({job.keys.fit: dict(recorded[job.keys.fit].params) for job in jobs}),
            stage_data(plan, jobs, scratch),
            expected_seconds(recorded.values()),
            limits=limits_of(plan.suite),
            options=options,
            scratch=scratch,
            progress=progress,
        ) as (engine, outcomes),
    ):
        progress.note(f"running on {engine.label}")
        for finished in outcomes:
            progress.end(finished.job.record(status=finished.outcome.status, reason=finished.outcome.reason))
            fold_ensemble = fold_ensembles[finished.job.dataset, finished.job.repeat, finished.job.fold]
            fold_ensemble.add(finished)
            if fold_ensemble.is_complete:
                record = _record(plan, folder, fold_ensemble, recorded)
                folder.append_cross_model_ensemble(record)
                yield record


def _record(plan: Plan, folder: RunFolder, fold_ensemble: _FoldEnsemble, recorded: Mapping[str, Record]) -> Record:
    """Choose members by the inner folds, and score the mean of what they said of the outer test rows.

    A model without probabilities takes part with its votes.
    """
    test_predictions = {fit: folder.read_predictions(fit) for fit in fold_ensemble.fold_predictions}
    fold_ensemble.exclude(
        {fit: "its predictions are missing or damaged" for fit, arrays in test_predictions.items() if not arrays}
    )
    job = replace(fold_ensemble.first, keys=fold_ensemble.keys)
    spent = {
        "cpu_s": round(fold_ensemble.cpu_s, 4),
        "candidates": list(fold_ensemble.candidates),
        "left_out": _by_model(fold_ensemble, recorded),
    }
    if not fold_ensemble.fold_predictions:
        return _named(job.record(status="error", reason="no candidate could be fitted again", diagnostics=spent))
    dataset, split = plan.datasets[job.dataset], plan.splits[job.dataset][job.split_index]
    inner = {fit: to_probabilities(one) for fit, one in fold_ensemble.fold_predictions.items()}
    weights, score = select_ensemble(job, dataset, inner_folds(job, dataset, split.train), inner)
    outer = {
        fit: to_probabilities(to_fold_predictions([Predictions.from_arrays(test_predictions[fit], job.positive)]))
        for fit in weights
    }
    mean = np.sum([weight * outer[fit].folds[0] for fit, weight in weights.items()], axis=0)
    predictions = to_predictions(dataset, split.test, inner[next(iter(weights))].kind, mean)
    folder.write_predictions(job.keys.fit, predictions.to_arrays(split.test, dataset.time))
    made = job.record(
        status="ok",
        metrics=compute_metrics(predictions, job.metrics),
        diagnostics={**spent, "inner_score": score, "inner_metric": job.primary, "members": len(weights)},
        params={"members": [_member(recorded[fit], weight) for fit, weight in weights.items()]},
        versions=collect_versions(),
    )
    return _named(made)


def _named(record: Record) -> Record:
    return replace(record, model="ensemble", family="", variant="across")


def _member(record: Record, weight: float) -> dict[str, Any]:
    return {"model": record.model, "variant": record.variant, "weight": weight, "fit": record.fit}


def _by_model(fold_ensemble: _FoldEnsemble, recorded: Mapping[str, Record]) -> dict[str, str]:
    return {recorded[fit].model: why for fit, why in fold_ensemble.left_out.items()}
