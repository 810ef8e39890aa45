"""Suites: the YAML that says what to run, validated as a whole; every problem is told with the path of its key."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bakeoff.datasets.dataset import Task
from bakeoff.datasets.files import is_table
from bakeoff.datasets.load import HUGGINGFACE, OPENML, openml_number
from bakeoff.datasets.options import DataOptions, FileOptions, HubOptions, Name, Scalar
from bakeoff.datasets.registry import FEWEST_ROWS, MOST_ROWS, find_entry
from bakeoff.datasets.synthetic import Difficulty
from bakeoff.errors import UserError, unknown_name
from bakeoff.estimators.registry import FAMILIES, names_of_models
from bakeoff.estimators.space import Range
from bakeoff.metrics import METRICS, PRIMARY

Variant = Literal["default", "tuned"]
OPENML_SUITE = "openml-suite:"
UNITS = {"KB": 2**10, "MB": 2**20, "GB": 2**30}


class _Strict(BaseModel):
    """Unknown keys are problems, and nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_dataset(name: str) -> str:
    """Take a name of the registry, `openml:NUMBER`, `openml-suite:NUMBER` or `huggingface:OWNER/NAME`."""
    try:
        if name.startswith(OPENML):
            openml_number(name)
        elif not name.startswith((OPENML_SUITE, HUGGINGFACE)):
            find_entry(name)
    except UserError as error:
        raise ValueError(str(error)) from None
    return name


def _known_model(name: str) -> str:
    known = [*FAMILIES, *names_of_models()]
    if name not in known:
        raise ValueError(unknown_name("model", name, known, listing="models"))
    return name


def _known_metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError(unknown_name("metric", name, METRICS, listing="metrics"))
    return name


def _in_bytes(value: Any) -> Any:
    """Read `2GB` or a plain number of bytes."""
    if not isinstance(value, str):
        return value
    text = value.strip().upper().replace(" ", "")
    unit = next((unit for unit in UNITS if text.endswith(unit)), None)
    try:
        return int(float(text.removesuffix(unit)) * UNITS[unit]) if unit else int(text)
    except (ValueError, OverflowError):
        raise ValueError(f"a size is a number with KB, MB or GB, such as 2GB; got {value!r}") from None


def _plain_file_name(name: str) -> str:
    if not name.strip() or name in (".", "..") or any(mark in name for mark in '/\\:*?"|\0'):
        raise ValueError(f"a name becomes a folder: letters, digits, spaces and - _ . only; got {name!r}")
    return name


FolderName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_plain_file_name)]
DatasetName = Annotated[str, AfterValidator(_known_dataset)]
ModelName = Annotated[str, AfterValidator(_known_model)]
MetricName = Annotated[str, AfterValidator(_known_metric)]
Bytes = Annotated[int, BeforeValidator(_in_bytes), Field(ge=64 * 2**20)]


class FileData(FileOptions):
    """A data set in a file, or in a folder of images."""

    file: str = Field(description="Path of a file or a folder of images, from the suite's folder or absolute")

    @model_validator(mode="after")
    def _table_has_a_target(self) -> Self:
        if self.target is None and is_table(Path(self.file)):
            raise ValueError(".target: a table needs the column to predict, by its name or position (-1 is the last)")
        return self


class OpenmlData(DataOptions):
    """A data set of OpenML; its target, categories and columns to ignore are used where nothing is said."""

    openml: int = Field(ge=1, description="Number of the data set")


class HubData(HubOptions):
    """A data set of the Hugging Face Hub; its class labels and parts are used where nothing is said."""

    huggingface: str = Field(pattern=r"^[^\s/]+(/[^\s/]+)?$", description="OWNER/NAME")


class NamedData(_Strict):
    """A registered data set with options."""

    name: DatasetName
    positive: Scalar = Field(default=None, description="Positive class of a binary task")
    rows: int | None = Field(default=None, ge=FEWEST_ROWS, le=MOST_ROWS, description="Size of a set that is made")
    difficulty: Difficulty | None = Field(default=None, description="Of a set that is made: easy, medium or hard")
    seed: int | None = Field(default=None, ge=0, description="Of a set that is made")
    as_: Name | None = Field(default=None, alias="as", description="Another name in records and reports")


class MemoryData(_Strict):
    """A data set that was handed over in Python; the suite's file alone can't load it again."""

    memory: Name


class MemoryModel(_Strict):
    """An estimator that was handed over in Python; the suite's file alone can't load it again."""

    memory: Name


class RangeModel(_Strict):
    """The range of one parameter: low and high, or choices."""

    low: float | None = None
    high: float | None = None
    log: bool = False
    integer: bool = Field(default=False, description="Whole numbers only; for one's own estimators")
    choices: tuple[Scalar, ...] | None = None
    default: Scalar = Field(default=None, description="What trial 0 takes, where the model's own default lies outside")

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        self.to_range()
        return self

    def to_range(self) -> Range:
        """Return what narrows a space; a ValueError if it is no range."""
        return Range(low=self.low, high=self.high, log=self.log, choices=self.choices, default=self.default)


class NamedModel(_Strict):
    """A registered model with fixed parameters or a narrowed space."""

    name: ModelName
    params: dict[str, Any] = Field(default_factory=dict, description="Fixed parameters, not searched")
    space: dict[str, RangeModel] = Field(default_factory=dict, description="Narrower ranges")
    as_: Name | None = Field(default=None, alias="as", description="Another name in records and reports")


class ImportedModel(_Strict):
    """A user's own scikit-learn estimator."""

    import_: str = Field(alias="import", pattern=r"^[\w.]+:[\w.]+$", description="package.module:Factory")
    name: Name | None = Field(default=None, description="The factory's name if left out")
    family: Literal["classical", "deep"] = "classical"
    params: dict[str, Any] = Field(default_factory=dict)
    space: dict[str, RangeModel] = Field(default_factory=dict)
    front_end: str = Field(
        "none", description="Preprocessing before it: none, one-hot, ordinal, native, scaled, tf-idf, …"
    )


class ImportedMetric(_Strict):
    """A user's own metric."""

    import_: str = Field(alias="import", pattern=r"^[\w.]+:[\w.]+$", description="package.module:function")
    name: str = Field(
        pattern=r"^[A-Za-z0-9_. :/-]+$", max_length=100, description="As MLflow allows: letters, digits, _ - . : /"
    )
    greater_is_better: bool
    needs: Literal["values", "scores", "probabilities"] = Field(
        "values", description="values: f(y_true, y_pred); otherwise f(y_true, array of shape (n_rows, n_classes))"
    )
    tasks: tuple[Task, ...] = ("binary", "multiclass", "regression")


class Budget(_Strict):
    """What every model may spend on tuning, in each fit."""

    trials: int = Field(default=20, ge=1, description="Trials, the default being the first")
    seconds: float | None = Field(default=None, gt=0, description="Seconds; results then depend on the machine")


class Caps(_Strict):
    """Upper bounds for the effort of a single fit, the same for every model."""

    epochs: int | None = Field(default=None, ge=1, description="Most epochs of a net")
    trees: int | None = Field(default=None, ge=1, description="Most trees or boosting rounds")


class Limits(_Strict):
    """What one fit (tuning included) may use before it is stopped."""

    seconds: float = Field(default=3600, gt=0)
    memory: Bytes = Field(default=8 * 2**30, description="Such as 2GB")


class Primary(_Strict):
    """The metric that tuning optimises and tables rank by, for each task."""

    binary: str = PRIMARY["binary"]
    multiclass: str = PRIMARY["multiclass"]
    regression: str = PRIMARY["regression"]


def _shape_of(value: Any) -> str:
    """Tell which form an entry of `datasets`, `models` or `metrics` takes, so that its problems are told once."""
    if not isinstance(value, dict | BaseModel):
        return "<plain>"
    keys = value if isinstance(value, dict) else type(value).model_fields
    form = next(
        (key for key in ("file", "import", "memory", "openml", "huggingface") if key in keys or f"{key}_" in keys),
        "named",
    )
    return f"<{form}>"  # in brackets, so that no key in the path of a problem looks like it


OneDataset = Annotated[
    Annotated[DatasetName, Tag("<plain>")]
    | Annotated[NamedData, Tag("<named>")]
    | Annotated[FileData, Tag("<file>")]
    | Annotated[OpenmlData, Tag("<openml>")]
    | Annotated[HubData, Tag("<huggingface>")]
    | Annotated[MemoryData, Tag("<memory>")],
    Discriminator(_shape_of),
]
OneModel = Annotated[
    Annotated[ModelName, Tag("<plain>")]
    | Annotated[NamedModel, Tag("<named>")]
    | Annotated[ImportedModel, Tag("<import>")]
    | Annotated[MemoryModel, Tag("<memory>")],
    Discriminator(_shape_of),
]
OneMetric = Annotated[
    Annotated[MetricName, Tag("<plain>")] | Annotated[ImportedMetric, Tag("<import>")], Discriminator(_shape_of)
]


class Suite(_Strict):
    """What to run: data sets x models x variants, with folds, budget and limits."""

    name: FolderName
    description: str = ""
    notice: str = Field(default="", description="A caution that terminal and report show")
    seed: int = Field(default=0, ge=0)
    datasets: tuple[OneDataset, ...] = Field(min_length=1)
    models: tuple[OneModel, ...] = Field(default=("all",), min_length=1, description="all, classical, deep, or names")
    variants: tuple[Variant, ...] = Field(default=("default", "tuned"), min_length=1)
    outer_folds: int = Field(default=5, ge=2, le=1000)
    inner_folds: int = Field(default=3, ge=2, le=1000)
    repeats: int = Field(default=1, ge=1, le=1000)
    tuning: Budget = Budget()
    score_defaults: bool = Field(
        default=False,
        description="Score default variants on the inner folds, by which champions are chosen; tuned ones always are",
    )
    caps: Caps = Caps()
    limits: Limits = Limits()
    metrics: tuple[OneMetric, ...] = Field(default=(), description="Own metrics; the standard ones are always computed")
    primary: Primary = Primary()
    threads: int = Field(default=1, ge=1, le=1024, description="Threads of each fit")
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="Where nets are trained")

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
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"{doubled[0]!r} stands more than once; give each entry a name of its own")
        return entries


DataEntry = str | NamedData | FileData | OpenmlData | HubData | MemoryData


def name_of_dataset(entry: DataEntry) -> str:
    """Return the name that records and reports use for an entry of `datasets`."""
    match entry:
        case str():
            return entry.partition("@")[0] if not entry.startswith(("openml", HUGGINGFACE)) else entry
        case MemoryData():
            return entry.memory
        case NamedData():
            return entry.as_ or entry.name.partition("@")[0]
        case OpenmlData():
            return entry.name or f"{OPENML}{entry.openml}"
        case HubData():
            return entry.name or f"{HUGGINGFACE}{entry.huggingface}"
        case FileData():
            return entry.name or Path(entry.file).name.split(".")[0]


def name_of_model(entry: str | NamedModel | ImportedModel | MemoryModel) -> str:
    """Return the name (or the family) that an entry of `models` stands for."""
    if isinstance(entry, str):
        return entry
    if isinstance(entry, MemoryModel):
        return entry.memory
    if isinstance(entry, NamedModel):
        return entry.as_ or entry.name
    return entry.name or entry.import_.rsplit(":", 1)[-1]
