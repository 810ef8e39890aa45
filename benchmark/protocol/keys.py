"""The three keys of a fit: the cell (what is compared), the study (what tuning continues), the fit (what resumes)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.models.pretrained import digests_of_weights
from bakeoff.estimators.specs.spec import ModelChoice
from bakeoff.estimators.versions import PREPROCESSOR_VERSION
from bakeoff.protocol.metrics import METRICS
from bakeoff.protocol.settings import BAGGED_VARIANTS, ENSEMBLE_VARIANTS, TUNING_VARIANTS, FitSettings
from bakeoff.protocol.splits import Split
from bakeoff.seeds import digest_parts
from bakeoff.tasks import Task

LENGTH = 16
TUNER_VERSION = 3  # changes when the same study would try other parameters
BAG_VERSION = 1  # changes when the same bag would come out another


@dataclass(frozen=True)
class Keys:
    """The keys of one fit, as short hex digests."""

    cell: str
    study: str
    fit: str


def keys_of(settings: FitSettings, dataset: Dataset, choice: ModelChoice, variant: str, split: Split) -> Keys:
    """Derive the keys of a fit.

    Limits of time and memory, the number of workers, other metrics and other models are in none of them. The space and
    the budget count for variants that tune alone, so that changing them leaves the default fits as they are. An
    ensemble shares the study of its tuned sibling. The share counts for points of a learning curve alone, the number of
    members for bags alone, and calibration and threshold where they are not left alone: no study depends on them.
    The content of their weights counts for pretrained models.
    """
    tuned = variant in TUNING_VARIANTS
    metric = settings.primary[dataset.task]

    def cell_of(variant: str) -> str:
        return digest_parts(
            data=dataset.digest,
            model=choice.name,
            variant=variant,
            repeat=split.repeat,
            fold=split.fold,
            split=split.digest,
            **({"share": split.train_fraction} if split.train_fraction < 1 else {}),
        )

    weights = digests_of_weights(choice, dataset.task, dataset.kind)
    study = digest_parts(
        cell=cell_of("tuned" if tuned else variant),
        task=dataset.task,
        front_end=choice.spec.preprocessors[dataset.kind],
        front_end_version=PREPROCESSOR_VERSION,
        default=choice.default_params(dataset.task, dataset.kind),
        fixed=dict(choice.params),
        fingerprint=choice.spec.fingerprint,
        seed=settings.seed,
        threads=settings.threads,
        device=settings.device if choice.spec.family == "deep" else "cpu",
        metric=metric if tuned else None,
        space=choice.list_space(dataset.task) if tuned else None,
        inner_folds=settings.inner_folds if tuned else None,
        tuner=TUNER_VERSION if tuned else None,
        **({"weights": weights} if weights else {}),
    )
    budget = {"trials": settings.trials, "seconds": settings.tuning_s} if tuned else None
    extra: dict[str, Any] = {"variant": variant} if variant in ENSEMBLE_VARIANTS else {}
    if variant in BAGGED_VARIANTS:
        extra["bag"] = {"folds": settings.bagging_folds, "version": BAG_VERSION}
    after = _after_fitting(settings, dataset.task)
    if after and variant == "default":
        after["inner_folds"] = settings.inner_folds
    fit = digest_parts(study=study, budget=budget, **extra, **after)
    return Keys(cell_of(variant)[:LENGTH], study[:LENGTH], fit[:LENGTH])


def _after_fitting(settings: FitSettings, task: Task) -> dict[str, Any]:
    """Return what is done to the predictions of a fitted classifier, where that is anything."""
    parts: dict[str, Any] = {}
    if task != "regression" and settings.calibrate != "none":
        parts["calibrate"] = settings.calibrate
    metric = settings.primary[task]
    of_scores = metric in METRICS and METRICS[metric].needs != "values"  # which know no threshold
    if task == "binary" and settings.threshold == "tuned" and not of_scores:
        parts["threshold"] = metric
    return parts


def keys_of_cross_model_ensemble(one: Keys, candidates: Iterable[str]) -> Keys:
    """Derive the keys of an ensemble across models from its candidates' fits, and from one of their keys."""
    cell = digest_parts(cell=one.cell, variant="across")
    fit = digest_parts(across=sorted(candidates), tuner=TUNER_VERSION)
    return Keys(cell[:LENGTH], "", fit[:LENGTH])
