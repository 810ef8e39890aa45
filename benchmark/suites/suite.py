"""Suites: the YAML that says what to run, validated as a whole; every problem is told with the path of its key."""

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
)

from bakeoff.errors import unknown_name
from bakeoff.protocol.metrics import METRICS, PRIMARY
from bakeoff.protocol.settings import Calibrate, FitSettings, Threshold
from bakeoff.suites.entries import DatasetField, ImportedMetric, MetricField, ModelField, SuiteSection, name_of_dataset
from bakeoff.tasks import TASKS, Task, Variant

MAX_TRAIN_FRACTIONS = 20
UNITS = {"KB": 2**10, "MB": 2**20, "GB": 2**30}


def _parse_bytes(value: Any) -> Any:
    """Read `2GB` or a plain number of bytes."""
    if not isinstance(value, str):
        return value
    text = value.strip().upper().replace(" ", "")
    unit = next((unit for unit in UNITS if text.endswith(unit)), None)
    try:
        return int(float(text.removesuffix(unit)) * UNITS[unit]) if unit else int(text)
    except (ValueError, OverflowError):
        raise ValueError(f"a size is a number with KB, MB or GB, such as 2GB; got {value!r}") from None


def _parse_fraction(value: Any) -> float:
    """Read `5%` or 0.05."""
    text = str(value).strip()
    try:
        share = round(float(text.removesuffix("%")) / (100 if text.endswith("%") else 1), 12)
    except (ValueError, OverflowError):
        raise ValueError(f"a share is a number such as 0.05 or 5%; got {value!r}") from None
    if not 0 < share < 1:
        raise ValueError(
            "a share of the training part lies between 0 and 1, such as 0.05 or 5%, and the whole part is always the "
            f"last point; got {value!r}"
        )
    return share


def _ascending(shares: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sorted(set(shares)))


def _plain_file_name(name: str) -> str:
    if not name.strip() or name in (".", "..") or any(mark in name for mark in '/\\:*?"|\0'):
        raise ValueError(f"a name becomes a folder: letters, digits, spaces and - _ . only; got {name!r}")
    return name


FolderName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_plain_file_name)]
TrainFraction = Annotated[float, BeforeValidator(_parse_fraction)]
TrainFractions = Annotated[tuple[TrainFraction, ...], Field(max_length=MAX_TRAIN_FRACTIONS), AfterValidator(_ascending)]
Bytes = Annotated[int, BeforeValidator(_parse_bytes), Field(ge=64 * 2**20)]


class Budget(SuiteSection):
    """What every model may spend on tuning, in each fit."""

    trials: int = Field(default=20, ge=1, description="Trials, the default being the first")
    seconds: float | None = Field(default=None, gt=0, description="Seconds; results then depend on the machine")


class Caps(SuiteSection):
    """Upper bounds for the effort of a single fit, the same for every model."""

    epochs: int | None = Field(default=None, ge=1, description="Most epochs of a net")
    trees: int | None = Field(default=None, ge=1, description="Most trees or boosting rounds")


class Limits(SuiteSection):
    """What one fit (tuning included) may use before it is stopped."""

    seconds: float = Field(default=3600, gt=0)
    memory: Bytes = Field(default=8 * 2**30, description="Such as 2GB")


class Primary(SuiteSection):
    """The metric that tuning optimises and tables rank by, for each task."""

    binary: str = PRIMARY["binary"]
    multiclass: str = PRIMARY["multiclass"]
    regression: str = PRIMARY["regression"]

    def by_task(self) -> dict[Task, str]:
        """Return the metric of each task."""
        return {task: getattr(self, task) for task in TASKS}


class Statistics(SuiteSection):
    """How reports judge; in no key of a fit, so that changing it runs nothing again."""

    rope: float = Field(
        default=0.01,
        ge=0,
        lt=1,
        description="Half the width of the region of practical equivalence, as a share: of 1, or of the dummy's error",
    )
    groups: Literal["wilcoxon-holm", "nemenyi"] = Field(
        default="wilcoxon-holm", description="Test behind groups of models that can't be told apart over data sets"
    )


class Suite(SuiteSection):
    """What to run: data sets x models x variants, with folds, budget and limits."""

    name: FolderName
    description: str = ""
    notice: str = Field(default="", description="A caution that terminal and report show")
    seed: int = Field(default=0, ge=0)
    datasets: tuple[DatasetField, ...] = Field(min_length=1)
    models: tuple[ModelField, ...] = Field(default=("all",), min_length=1, description="all, classical, deep, or names")
    variants: tuple[Variant, ...] = Field(
        default=("default", "tuned"),
        min_length=1,
        description="default, tuned, bagged (the mean over folds), ensemble (of a model's own trials), bagged-ensemble",
    )
    outer_folds: int = Field(default=5, ge=2, le=1000)
    inner_folds: int = Field(default=3, ge=2, le=1000)
    bagging_folds: int = Field(
        default=8, ge=2, le=1000, description="Members of a bag, each without one of so many folds"
    )
    repeats: int = Field(default=1, ge=1, le=1000)
    learning_curve: TrainFractions = Field(
        default=(), description="Shares of the training part to train on as well, such as [5%, 10%, 25%, 50%]"
    )
    tuning: Budget = Budget()
    score_defaults: bool = Field(
        default=False,
        description="Score default variants on the inner folds, by which champions are chosen; tuned ones always are",
    )
    anytime: bool = Field(
        default=False,
        description="Also score every trial that was best for a time on the outer test part, for the anytime curve",
    )
    importance: bool = Field(
        default=False,
        description="Also measure how much each column of tabular data matters to each model, on the outer test part",
    )
    calibrate: Calibrate = Field(
        default="none", description="Calibrate classifiers on out-of-fold predictions: temperature, isotonic, or none"
    )
    threshold: Threshold = Field(
        default="default",
        description="tuned: choose the threshold of binary classifiers there, too, by the primary metric",
    )
    caps: Caps = Caps()
    limits: Limits = Limits()
    metrics: tuple[MetricField, ...] = Field(
        default=(), description="Own metrics; the standard ones are always computed"
    )
    primary: Primary = Primary()
    statistics: Statistics = Statistics()
    threads: int = Field(default=1, ge=1, le=1024, description="Threads of each fit")
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="Where nets are trained")

    @property
    def tunes(self) -> bool:
        """Whether any variant searches for parameters."""
        return self.fit_settings.tunes

    @cached_property
    def fit_settings(self) -> FitSettings:
        """What the suite says of each of its fits."""
        return FitSettings(
            seed=self.seed,
            variants=self.variants,
            primary=self.primary.by_task(),
            inner_folds=self.inner_folds,
            trials=self.tuning.trials,
            tuning_s=self.tuning.seconds,
            limit_s=self.limits.seconds,
            score_defaults=self.score_defaults,
            anytime=self.anytime,
            importance=self.importance,
            threads=self.threads,
            device=self.device,
            bagging_folds=self.bagging_folds,
            calibrate=self.calibrate,
            threshold=self.threshold,
        )

    @field_validator("primary")
    @classmethod
    def _primary_metrics_exist(cls, primary: Primary, others: ValidationInfo) -> Primary:
        own = {entry.name: entry.tasks for entry in others.data.get("metrics", ()) if isinstance(entry, ImportedMetric)}
        known = {name: metric.tasks for name, metric in METRICS.items()} | own
        problems = []
        for task, name in primary:
            if name not in known:
                problems.append(f".{task}: {unknown_name('metric', name, known, listing='metrics')}")
            elif task not in known[name]:
                fitting = ", ".join(other for other, tasks in known.items() if task in tasks)
                problems.append(f".{task}: the metric {name!r} does not judge {task} tasks. Choose one of: {fitting}")
        if problems:
            raise ValueError("\n".join(problems))
        return primary

    @field_validator("datasets", "metrics")
    @classmethod
    def _names_are_unique(cls, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [entry.name if isinstance(entry, ImportedMetric) else name_of_dataset(entry) for entry in entries]
        duplicates = sorted({name for name in names if names.count(name) > 1})
        if duplicates:
            raise ValueError(f"{duplicates[0]!r} stands more than once; give each entry a name of its own")
        return entries
