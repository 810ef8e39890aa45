"""The fits of data sets x models x variants, and the models that a data set does not get."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.specs.spec import ModelChoice
from bakeoff.protocol.job import Job
from bakeoff.protocol.keys import keys_of
from bakeoff.protocol.metrics import Metric, metrics_for
from bakeoff.protocol.settings import FitSettings
from bakeoff.protocol.splits import Split
from bakeoff.suites.suite import Suite
from bakeoff.tasks import Variant

NOTHING_TO_TUNE = "nothing to tune"


@dataclass(frozen=True)
class Skip:
    """A model that a data set does not get, and why."""

    dataset: str
    model: str
    variant: str
    reason: str


def list_jobs(
    suite: Suite,
    datasets: Mapping[str, Dataset],
    splits: Mapping[str, list[Split]],
    choices: list[ModelChoice],
    metrics: Mapping[str, Metric],
) -> Iterator[Job | Skip]:
    """Yield every fit of a suite in its order, and in their place the models that are skipped."""
    for name, dataset in datasets.items():
        task_metrics = metrics_for(dataset.task, metrics)
        for choice in choices:
            yield from _list_model_jobs(suite, dataset, splits[name], choice, task_metrics)


def _list_model_jobs(
    suite: Suite, dataset: Dataset, splits: list[Split], choice: ModelChoice, metrics: Mapping[str, Metric]
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
    choice: ModelChoice,
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
