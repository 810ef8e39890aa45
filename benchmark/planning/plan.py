"""From a suite and its data sets to the fits: which will run, which are skipped and why, all problems told at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bakeoff.datasets.dataset import Dataset
from bakeoff.errors import UserError
from bakeoff.estimators.models.pretrained import describe_pretrained
from bakeoff.estimators.models.registry import FAMILIES
from bakeoff.planning.inputs import InMemoryInputs, expand_openml_suites, load_dataset, split_dataset, unused_folds
from bakeoff.planning.jobs import NOTHING_TO_TUNE, Skip, iter_adjustment_notes, list_jobs
from bakeoff.protocol.job import Job
from bakeoff.protocol.metrics import METRICS, Metric
from bakeoff.protocol.splits import Split, outer_scheme_of
from bakeoff.suites.custom import import_metric
from bakeoff.suites.entries import (
    ImportedMetric,
    name_of_model,
)
from bakeoff.suites.models import check_models, load_each, resolve_models
from bakeoff.suites.suite import Suite


@dataclass(frozen=True)
class Plan:
    """What a suite comes to.

    Parameters
    ----------
    suite : Suite
    datasets : dict of Dataset
    splits : dict of list of Split
        With the whole training parts first, then with those of learning curves.
    jobs : tuple of Job
        In the order of the suite; `data_file` is empty until the runner fills it in.
    skips : tuple of Skip
    shard_jobs : tuple of Job, optional
        The jobs that this run runs, if not all.
    shard : str, optional
        Which part that is, `2/8`.
    """

    suite: Suite
    datasets: dict[str, Dataset]
    splits: dict[str, list[Split]]
    jobs: tuple[Job, ...]
    skips: tuple[Skip, ...]
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    shard_jobs: tuple[Job, ...] | None = None
    shard: str | None = None

    @property
    def jobs_to_run(self) -> tuple[Job, ...]:
        """The jobs that this run runs."""
        return self.jobs if self.shard_jobs is None else self.shard_jobs

    def pretrained(self) -> dict[str, list[str]]:
        """Return what is to be known of each pretrained model that runs: what it was trained on, and its weights."""
        choices = {(job.choice.name, job.task, job.kind): job.choice for job in self.jobs}
        found: dict[str, list[str]] = {}
        for (name, task, kind), choice in choices.items():
            about = describe_pretrained(choice, task, kind)
            if about and about not in found.setdefault(name, []):
                found[name].append(about)
        return {name: about for name, about in found.items() if about}

    def summary(self) -> dict[str, Any]:
        """Return what reports need to know of the plan, as plain values."""
        return {
            "fits": [
                {
                    "fit": job.keys.fit,
                    "dataset": job.dataset,
                    "model": job.choice.name,
                    "family": job.choice.spec.family,
                    "variant": job.variant,
                    "repeat": job.repeat,
                    "fold": job.fold,
                    "train_fraction": job.train_fraction,
                    "place": job.place,
                }
                for job in self.jobs
            ],
            "shard": self.shard,
            "skips": [vars(skip) for skip in self.skips],
            "pretrained": self.pretrained(),
            "datasets": {name: self._describe(dataset) for name, dataset in self.datasets.items()},
            "metrics": {
                name: {"greater_is_better": metric.greater_is_better, "tasks": metric.tasks}
                for name, metric in self.metrics.items()
            },
        }

    def notes(self) -> Iterator[str]:
        """Yield what of a suite does not apply: models left out, categories as they are, importance without columns."""
        requested = {name_of_model(entry) for entry in self.suite.models if entry not in FAMILIES}
        for skip in self.skips:
            if skip.model in requested and skip.reason != NOTHING_TO_TUNE:
                yield f"{skip.model} ({skip.variant}) is left out on {skip.dataset}: {skip.reason}"
        raw = {(job.dataset, job.choice.name) for job in self.jobs if job.choice.spec.preprocessors[job.kind] == "none"}
        for dataset, model in sorted(raw):
            columns = self.datasets[dataset].categorical
            if columns and model in requested and model != "dummy":
                yield (
                    f"{model} gets the columns of {dataset} as they are, {len(columns)} of them categories; "
                    "`preprocessor: one-hot` encodes and scales them"
                )
        yield from (note for about in self.pretrained().values() for note in about)
        yield from (note for dataset in self.datasets.values() for note in unused_folds(self.suite, dataset))
        yield from iter_adjustment_notes(self.suite, self.datasets, self.metrics)
        others = [name for name, data in self.datasets.items() if data.kind != "tabular"]
        if self.suite.importance and others:
            yield f"importance is measured of the columns of tables; {', '.join(others)} has none"

    def _describe(self, dataset: Dataset) -> dict[str, Any]:
        positive = str(dataset.positive) if dataset.task == "binary" else None
        return {
            "task": dataset.task,
            "kind": dataset.kind,
            "rows": len(dataset.y),
            "features": dataset.n_features,
            "classes": len(dataset.classes),
            "positive": positive,
            "digest": dataset.digest,
            "scheme": outer_scheme_of(dataset),
            **_describe_given_folds(dataset),
            "primary": getattr(self.suite.primary, dataset.task),
            "licence": dataset.licence,
            "source": dataset.source,
            "notes": list(dataset.notes),
        }


def make_plan(suite: Suite, memory: InMemoryInputs | None = None) -> Plan:
    """Load the data sets of a suite and list its fits.

    Parameters
    ----------
    suite : Suite
    memory : InMemoryInputs, optional
        What `{memory: NAME}` entries of the suite stand for.

    Raises
    ------
    UserError
        All problems of the data sets, the folds and the models, at once.
    """
    problems: list[str] = []
    in_memory = memory or InMemoryInputs()
    entries = list(expand_openml_suites(suite.datasets))
    datasets = load_each(problems, entries, lambda entry: load_dataset(entry, in_memory))
    metrics = _metrics(suite, problems)
    choices = resolve_models(suite, in_memory.models, problems)
    splits = load_each(problems, datasets.values(), lambda dataset: (dataset.name, split_dataset(suite, dataset)))
    check_models(suite, choices, {(dataset.task, dataset.kind) for dataset in datasets.values()}, problems)
    if problems:
        raise UserError(*dict.fromkeys(problems))
    parts = list(list_jobs(suite, datasets, splits, choices, metrics))
    jobs = tuple(replace(job, place=place) for place, job in enumerate(part for part in parts if isinstance(part, Job)))
    skips = tuple(dict.fromkeys(part for part in parts if isinstance(part, Skip)))
    _check_requested_models_run(suite, jobs, skips)
    if not any(job.train_fraction == 1 for job in jobs):
        raise UserError("nothing is left to run: " + "; ".join(dict.fromkeys(skip.reason for skip in skips)))
    return Plan(suite, datasets, splits, jobs, skips, metrics)


def _describe_given_folds(dataset: Dataset) -> dict[str, Any]:
    """Return whose folds they are, and how much of the rows one tests; nothing where the suite made them."""
    folds = dataset.given_folds
    return {} if folds is None else {"folds": str(folds), "test_fraction": folds.test_fraction}


def _metrics(suite: Suite, problems: list[str]) -> dict[str, Metric]:
    own = [entry for entry in suite.metrics if isinstance(entry, ImportedMetric)]
    return METRICS | load_each(problems, own, lambda entry: (entry.name, import_metric(entry)))


def _check_requested_models_run(suite: Suite, jobs: tuple[Job, ...], skips: tuple[Skip, ...]) -> None:
    """Refuse a model that was requested for by name and takes none of the data sets."""
    running = {job.choice.name for job in jobs}
    requested = {name_of_model(entry) for entry in suite.models if entry not in FAMILIES}
    reasons = {skip.model: skip.reason for skip in skips if skip.model in requested - running}
    if reasons:
        raise UserError(
            *(f"models: {name} fits none of the data sets: {reason}" for name, reason in sorted(reasons.items()))
        )
