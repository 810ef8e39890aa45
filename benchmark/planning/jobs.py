"""The fits of data sets x models x variants, and the models that a data set does not get."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.models.pretrained import why_not_pretrained
from bakeoff.estimators.specs.spec import ModelChoice
from bakeoff.protocol.job import Job
from bakeoff.protocol.keys import keys_of
from bakeoff.protocol.metrics import Metric, metrics_for
from bakeoff.protocol.settings import BAGGED_VARIANTS, TUNING_VARIANTS, FitSettings
from bakeoff.protocol.splits import Split, describe_fold_limit, max_folds
from bakeoff.suites.suite import Suite
from bakeoff.tasks import Task, Variant

NOTHING_TO_TUNE = "nothing to tune"
# Rows below which calibration seldom pays (temperature scaling on validation rows of tabular tasks).
FEW_ROWS_TO_CALIBRATE: dict[Task, int] = {"binary": 1000, "multiclass": 200}


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
        reason = _why_not(dataset, choice, n_train, suite.device)
        for variant in suite.variants:
            nothing_to_tune = variant in TUNING_VARIANTS and not choice.list_space(dataset.task)
            why_not = reason or (
                NOTHING_TO_TUNE if nothing_to_tune else _too_few_rows(suite, dataset, variant, indexed)
            )
            if why_not:
                yield Skip(dataset.name, choice.name, variant, why_not)
                continue
            for split_index, split in indexed:
                yield _job(suite.fit_settings, dataset, choice, variant, split, split_index, metrics)


def _why_not(dataset: Dataset, choice: ModelChoice, n_train: int, device: str) -> str | None:
    """Say why a data set does not get a model: its task, kind or size, a missing package or missing weights."""
    sizes = {"n_features": dataset.n_features, "n_classes": len(dataset.classes)}
    reason = choice.spec.why_not(dataset.task, dataset.kind, n_train, device=device, **sizes)
    return reason or why_not_pretrained(choice, dataset.task, dataset.kind)


def iter_adjustment_notes(
    suite: Suite, datasets: Mapping[str, Dataset], metrics: Mapping[str, Metric]
) -> Iterator[str]:
    """Yield where the suite's calibration and threshold change nothing, or have little to learn from."""
    for name, dataset in datasets.items():
        if suite.threshold == "tuned" and dataset.task != "regression":
            primary = getattr(suite.primary, dataset.task)
            if dataset.task == "multiclass":
                yield f"threshold: tuned changes nothing on {name}: only a binary task has a threshold"
            elif metrics[primary].needs != "values":
                labels = (one.name for one in metrics_for("binary", metrics).values() if one.needs == "values")
                yield (
                    f"threshold: tuned changes nothing on {name}: {primary} judges {metrics[primary].needs}, whatever "
                    f"the threshold; it can matter where the primary metric is one of {', '.join(labels)}"
                )
        few = FEW_ROWS_TO_CALIBRATE.get(dataset.task, 0)
        if suite.calibrate != "none" and len(dataset.y) < few:
            yield (
                f"calibrate: {suite.calibrate} has little to learn from on {name}: {len(dataset.y)} rows, and a "
                f"{dataset.task} task wants about {few}"
            )


def _too_few_rows(suite: Suite, dataset: Dataset, variant: Variant, indexed: Sequence[tuple[int, Split]]) -> str:
    """Say why a variant can't divide the training parts as it must; "" if it can, as inner folds were checked for."""
    adjusts = dataset.task != "regression" and (suite.calibrate != "none" or suite.threshold == "tuned")
    if variant in BAGGED_VARIANTS:
        key, folds = "bagging_folds", suite.bagging_folds
    elif variant == "default" and adjusts:
        key, folds = "inner_folds", suite.inner_folds
    else:
        return ""
    most = min(max_folds(dataset, split.train) for _, split in indexed)
    if folds <= most:
        return ""
    return f"{key}: {folds} of a training part need at least {folds} {describe_fold_limit(dataset)}; there are {most}"


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
