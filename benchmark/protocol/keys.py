"""The three keys of a fit: the cell (what is compared), the study (what tuning continues), the fit (what resumes)."""

from collections.abc import Iterable
from dataclasses import dataclass

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.specs.spec import ModelChoice
from bakeoff.estimators.versions import PREPROCESSOR_VERSION
from bakeoff.protocol.settings import FitSettings
from bakeoff.protocol.splits import Split
from bakeoff.seeds import digest_parts

LENGTH = 16
TUNER_VERSION = 3  # changes when the same study would try other parameters


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
    ensemble shares the study of its tuned sibling. The share counts for points of a learning curve alone.
    """
    tuned = variant != "default"
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

    study = digest_parts(
        cell=cell_of("tuned" if tuned else variant),
        task=dataset.task,
        front_end=choice.spec.preprocessors[dataset.kind],
        front_end_version=PREPROCESSOR_VERSION,
        default=choice.default_params(dataset.task),
        fixed=dict(choice.params),
        fingerprint=choice.spec.fingerprint,
        seed=settings.seed,
        threads=settings.threads,
        device=settings.device if choice.spec.family == "deep" else "cpu",
        metric=metric if tuned else None,
        space=choice.list_space(dataset.task) if tuned else None,
        inner_folds=settings.inner_folds if tuned else None,
        tuner=TUNER_VERSION if tuned else None,
    )
    budget = {"trials": settings.trials, "seconds": settings.tuning_s} if tuned else None
    extra = {"variant": variant} if variant == "ensemble" else {}
    fit = digest_parts(study=study, budget=budget, **extra)
    return Keys(cell_of(variant)[:LENGTH], study[:LENGTH], fit[:LENGTH])


def keys_of_cross_model_ensemble(one: Keys, candidates: Iterable[str]) -> Keys:
    """Derive the keys of an ensemble across models from its candidates' fits, and from one of their keys."""
    cell = digest_parts(cell=one.cell, variant="across")
    fit = digest_parts(across=sorted(candidates), tuner=TUNER_VERSION)
    return Keys(cell[:LENGTH], "", fit[:LENGTH])
