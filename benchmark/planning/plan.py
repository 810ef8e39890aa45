"""From a suite and its data sets to the fits: which will run, which are skipped and why, all problems told at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.sources.load import HUGGINGFACE, OPENML, load
from bakeoff.datasets.sources.openml import list_openml_suite
from bakeoff.errors import UserError, unknown_name
from bakeoff.estimators.models.registry import FAMILIES, specs_of_family
from bakeoff.estimators.specs.spec import Choice, ModelSpec
from bakeoff.protocol.job import Job
from bakeoff.protocol.keys import keys_of
from bakeoff.protocol.learning_curve import learning_curve_splits
from bakeoff.protocol.metrics import METRICS, Metric, metrics_for
from bakeoff.protocol.settings import FitSettings
from bakeoff.protocol.splits import Split, check_folds, max_folds, outer_splits, scheme_of
from bakeoff.suites.custom import import_metric
from bakeoff.suites.entries import (
    OPENML_SUITE,
    DataEntry,
    FileData,
    HubData,
    ImportedMetric,
    InMemoryData,
    NamedData,
    OpenmlData,
    name_of_dataset,
    name_of_model,
)
from bakeoff.suites.models import check_models, get_in_memory, load_each, resolve_models
from bakeoff.suites.suite import Suite
from bakeoff.tasks import Variant

NOTHING_TO_TUNE = "nothing to tune"
EARLY_STOPPING_FOLDS = 2  # early stopping divides a training part in two


@dataclass(frozen=True)
class Skip:
    """A model that a data set does not get, and why."""

    dataset: str
    model: str
    variant: str
    reason: str


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
            "scheme": "predefined" if dataset.test_rows is not None else scheme_of(dataset),
            "primary": getattr(self.suite.primary, dataset.task),
            "licence": dataset.licence,
            "source": dataset.source,
            "notes": list(dataset.notes),
        }


@dataclass(frozen=True)
class InMemoryInputs:
    """Data sets and models that were handed over in Python, by the names under which a suite refers to them."""

    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    models: Mapping[str, ModelSpec] = field(default_factory=dict)


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
    entries = list(_expand_openml_suites(suite.datasets))
    datasets = load_each(problems, entries, lambda entry: _load(entry, in_memory))
    metrics = _metrics(suite, problems)
    choices = resolve_models(suite, in_memory.models, problems)
    splits = load_each(problems, datasets.values(), lambda dataset: (dataset.name, _split(suite, dataset)))
    check_models(suite, choices, {dataset.task for dataset in datasets.values()}, problems)
    if problems:
        raise UserError(*dict.fromkeys(problems))
    parts = list(_list_jobs(suite, datasets, splits, choices, metrics))
    jobs = tuple(replace(job, place=place) for place, job in enumerate(part for part in parts if isinstance(part, Job)))
    skips = tuple(dict.fromkeys(part for part in parts if isinstance(part, Skip)))
    _check_requested_models_run(suite, jobs, skips)
    if not any(job.train_fraction == 1 for job in jobs):
        raise UserError("nothing is left to run: " + "; ".join(dict.fromkeys(skip.reason for skip in skips)))
    return Plan(suite, datasets, splits, jobs, skips, metrics)


def filter_suite(suite: Suite, *, models: Sequence[str] = (), datasets: Sequence[str] = ()) -> Suite:
    """Narrow a suite to some of its data sets and models, as `--datasets` and `--models` ask.

    Raises
    ------
    UserError
        If a name is none of the suite's.
    """
    changes: dict[str, Any] = {}
    if datasets:
        known = {name_of_dataset(entry): entry for entry in suite.datasets}
        changes["datasets"] = tuple(_pick("data set", name, known) for name in datasets)
    if models:
        named = {name_of_model(entry): entry for entry in suite.models}
        registered = {
            spec.name: spec.name for entry in suite.models if entry in FAMILIES for spec in specs_of_family(str(entry))
        }
        known_models = registered | named
        changes["models"] = tuple(_pick("model", name, known_models) for name in models)
    return suite.model_copy(update=changes)


def _pick(what: str, name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        raise UserError("in this suite " + unknown_name(what, name, known))
    return known[name]


def _load(entry: DataEntry, memory: InMemoryInputs) -> tuple[str, Dataset]:
    match entry:
        case InMemoryData():
            return entry.memory, get_in_memory("data set", entry.memory, memory.datasets)
        case FileData():
            dataset = load(Path(entry.file), **entry.model_dump(exclude={"file"}))
        case OpenmlData():
            dataset = load(f"{OPENML}{entry.openml}", **entry.model_dump(exclude={"openml"}))
        case HubData():
            dataset = load(f"{HUGGINGFACE}{entry.huggingface}", **entry.model_dump(exclude={"huggingface"}))
        case NamedData():
            dataset = load(entry.name, **entry.model_dump(exclude={"name", "as_"}, exclude_none=True))
        case _:
            dataset = load(entry)
    return name_of_dataset(entry), replace(dataset, name=name_of_dataset(entry))


def _expand_openml_suites(entries: Sequence[DataEntry]) -> Iterator[DataEntry]:
    """Write suites of OpenML out as their data sets."""
    for entry in entries:
        if isinstance(entry, str) and entry.startswith(OPENML_SUITE):
            for task in list_openml_suite(entry.removeprefix(OPENML_SUITE)):
                yield OpenmlData(openml=task.dataset_id, target=task.target)
        else:
            yield entry


def _split(suite: Suite, dataset: Dataset) -> list[Split]:
    splits = outer_splits(dataset, folds=suite.outer_folds, repeats=suite.repeats, seed=suite.seed)
    if suite.tunes:
        smallest = min((split.train for split in splits), key=lambda train: max_folds(dataset, train))
        try:
            check_folds(dataset, smallest, suite.inner_folds)
        except UserError as error:
            raise UserError(f"inner_folds: within an outer training part, {error}") from None
    inner = suite.inner_folds if "tuned" in suite.variants or suite.score_defaults else EARLY_STOPPING_FOLDS
    return [*splits, *learning_curve_splits(dataset, splits, suite.learning_curve, seed=suite.seed, min_folds=inner)]


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


def _list_jobs(
    suite: Suite,
    datasets: Mapping[str, Dataset],
    splits: Mapping[str, list[Split]],
    choices: list[Choice],
    metrics: Mapping[str, Metric],
) -> Iterator[Job | Skip]:
    for name, dataset in datasets.items():
        task_metrics = metrics_for(dataset.task, metrics)
        for choice in choices:
            yield from _list_model_jobs(suite, dataset, splits[name], choice, task_metrics)


def _list_model_jobs(
    suite: Suite, dataset: Dataset, splits: list[Split], choice: Choice, metrics: Mapping[str, Metric]
) -> Iterator[Job | Skip]:
    for _, group in groupby(enumerate(splits), key=lambda indexed: indexed[1].train_fraction):
        indexed = list(group)
        n_train = max(len(split.train) for _, split in indexed)
        reason = choice.spec.why_not(dataset.task, dataset.kind, n_train)
        for variant in suite.variants:
            nothing_to_tune = variant != "default" and not choice.list_space(dataset.task)
            if reason or nothing_to_tune:
                yield Skip(dataset.name, choice.name, variant, reason or NOTHING_TO_TUNE)
                continue
            for split_index, split in indexed:
                yield _job(suite.fit_settings, dataset, choice, variant, split, split_index, metrics)


def _job(
    settings: FitSettings,
    dataset: Dataset,
    choice: Choice,
    variant: Variant,
    split: Split,
    split_index: int,
    metrics: Mapping[str, Metric],
) -> Job:
    return Job(
        keys=keys_of(settings, dataset, choice, variant, split),
        settings=settings,
        dataset=dataset.name,
        data_digest=dataset.digest,
        split_digest=split.digest,
        task=dataset.task,
        kind=dataset.kind,
        positive=dataset.positive,
        choice=choice,
        variant=variant,
        repeat=split.repeat,
        fold=split.fold,
        train_fraction=split.train_fraction,
        split_index=split_index,
        metrics=metrics,
    )
