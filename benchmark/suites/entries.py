"""What may stand under `datasets`, `models` and `metrics` of a suite: names, and mappings of several forms."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from bakeoff.datasets.options import DataOptions, FileOptions, HubOptions, Name, Scalar, TaskOptions
from bakeoff.datasets.sources.files import is_table_file
from bakeoff.datasets.sources.load import HUGGINGFACE, OPENML, OPENML_TASK, parse_openml_id
from bakeoff.datasets.sources.registry import MAX_ROWS, MIN_ROWS, find_entry
from bakeoff.datasets.sources.synthetic import Difficulty
from bakeoff.errors import UserError, unknown_name
from bakeoff.estimators.models.registry import FAMILIES, model_names
from bakeoff.estimators.search_spaces.space import Range
from bakeoff.protocol.metrics import METRICS
from bakeoff.tasks import Task

OPENML_SUITE = "openml-suite:"
FORMS = ("file", "import", "memory", "openml", "openml_task", "huggingface")  # keys that tell what an entry is


class SuiteSection(BaseModel):
    """Unknown keys are problems, and nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_dataset(name: str) -> str:
    """Take a name of the registry, `openml:`, `openml-task:`, `openml-suite:NUMBER` or `huggingface:OWNER/NAME`."""
    try:
        if name.startswith(OPENML):
            parse_openml_id(name)
        elif name.startswith(OPENML_TASK):
            parse_openml_id(name, OPENML_TASK)
        elif not name.startswith((OPENML_SUITE, HUGGINGFACE)):
            find_entry(name)
    except UserError as error:
        raise ValueError(str(error)) from None
    return name


def _known_model(name: str) -> str:
    known = [*FAMILIES, *model_names()]
    if name not in known:
        raise ValueError(unknown_name("model", name, known, listing="models"))
    return name


def _known_metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError(unknown_name("metric", name, METRICS, listing="metrics"))
    return name


DatasetName = Annotated[str, AfterValidator(_known_dataset)]
ModelName = Annotated[str, AfterValidator(_known_model)]
MetricName = Annotated[str, AfterValidator(_known_metric)]


class FileData(FileOptions):
    """A data set in a file, or in a folder of images."""

    file: str = Field(description="Path of a file or a folder of images, from the suite's folder or absolute")

    @model_validator(mode="after")
    def _table_has_a_target(self) -> Self:
        if self.target is None and is_table_file(Path(self.file)):
            raise ValueError(".target: a table needs the column to predict, by its name or position (-1 is the last)")
        return self


class OpenmlData(DataOptions):
    """A data set of OpenML; its target, categories and columns to ignore are used where nothing is said."""

    openml: int = Field(ge=1, description="Number of the data set")


class OpenmlTaskData(TaskOptions):
    """A task of OpenML: its data set, its target, and its own outer folds."""

    openml_task: int = Field(ge=1, description="Number of the task")


class HubData(HubOptions):
    """A data set of the Hugging Face Hub; its class labels and parts are used where nothing is said."""

    huggingface: str = Field(pattern=r"^[^\s/]+(/[^\s/]+)?$", description="OWNER/NAME")


class NamedData(SuiteSection):
    """A registered data set with options."""

    name: DatasetName
    positive: Scalar = Field(default=None, description="Positive class of a binary task")
    rows: int | None = Field(default=None, ge=MIN_ROWS, le=MAX_ROWS, description="Number of rows of a synthetic set")
    difficulty: Difficulty | None = Field(default=None, description="Of a synthetic set: easy, medium or hard")
    seed: int | None = Field(default=None, ge=0, description="Of a synthetic set")
    as_: Name | None = Field(default=None, alias="as", description="Another name in records and reports")


class InMemoryData(SuiteSection):
    """A data set that was handed over in Python; the suite's file alone can't load it again."""

    memory: Name


class InMemoryModel(SuiteSection):
    """An estimator that was handed over in Python; the suite's file alone can't load it again."""

    memory: Name


class RangeEntry(SuiteSection):
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


class NamedModel(SuiteSection):
    """A registered model with fixed parameters or a narrowed space."""

    name: ModelName
    params: dict[str, Any] = Field(default_factory=dict, description="Fixed parameters, not searched")
    space: dict[str, RangeEntry] = Field(default_factory=dict, description="Narrower ranges")
    preprocessor: str | None = Field(
        default=None, description="Preprocessing instead of the model's own: text-embeddings:FOLDER, …"
    )
    as_: Name | None = Field(default=None, alias="as", description="Another name in records and reports")


class ImportedModel(SuiteSection):
    """A user's own scikit-learn estimator."""

    import_: str = Field(alias="import", pattern=r"^[\w.]+:[\w.]+$", description="package.module:Factory")
    name: Name | None = Field(default=None, description="The factory's name if left out")
    family: Literal["classical", "deep"] = "classical"
    params: dict[str, Any] = Field(default_factory=dict)
    space: dict[str, RangeEntry] = Field(default_factory=dict)
    preprocessor: str = Field(
        "none",
        validation_alias=AliasChoices("preprocessor", "front_end"),  # its name in suites written before
        description="Preprocessing before it: none, one-hot, ordinal, native, scaled, tf-idf, …",
    )


class ImportedMetric(SuiteSection):
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


def _entry_form(value: Any) -> str:
    """Tell which form an entry of `datasets`, `models` or `metrics` takes, so that its problems are told once."""
    if not isinstance(value, dict | BaseModel):
        return "<plain>"
    keys = value if isinstance(value, dict) else type(value).model_fields
    form = next(
        (key for key in FORMS if key in keys or f"{key}_" in keys),
        "named",
    )
    return f"<{form}>"  # in brackets, so that no key in the path of a problem looks like it


DatasetField = Annotated[
    Annotated[DatasetName, Tag("<plain>")]
    | Annotated[NamedData, Tag("<named>")]
    | Annotated[FileData, Tag("<file>")]
    | Annotated[OpenmlData, Tag("<openml>")]
    | Annotated[OpenmlTaskData, Tag("<openml_task>")]
    | Annotated[HubData, Tag("<huggingface>")]
    | Annotated[InMemoryData, Tag("<memory>")],
    Discriminator(_entry_form),
]
ModelField = Annotated[
    Annotated[ModelName, Tag("<plain>")]
    | Annotated[NamedModel, Tag("<named>")]
    | Annotated[ImportedModel, Tag("<import>")]
    | Annotated[InMemoryModel, Tag("<memory>")],
    Discriminator(_entry_form),
]
MetricField = Annotated[
    Annotated[MetricName, Tag("<plain>")] | Annotated[ImportedMetric, Tag("<import>")], Discriminator(_entry_form)
]

DataEntry = str | NamedData | FileData | OpenmlData | OpenmlTaskData | HubData | InMemoryData


def name_of_dataset(entry: DataEntry) -> str:
    """Return the name that records and reports use for an entry of `datasets`."""
    match entry:
        case str():
            return entry.partition("@")[0] if not entry.startswith(("openml", HUGGINGFACE)) else entry
        case InMemoryData():
            return entry.memory
        case NamedData():
            return entry.as_ or entry.name.partition("@")[0]
        case OpenmlData():
            return entry.name or f"{OPENML}{entry.openml}"
        case OpenmlTaskData():
            return entry.name or f"{OPENML_TASK}{entry.openml_task}"
        case HubData():
            return entry.name or f"{HUGGINGFACE}{entry.huggingface}"
        case FileData():
            return entry.name or Path(entry.file).name.split(".")[0]


def name_of_model(entry: str | NamedModel | ImportedModel | InMemoryModel) -> str:
    """Return the name (or the family) that an entry of `models` stands for."""
    if isinstance(entry, str):
        return entry
    if isinstance(entry, InMemoryModel):
        return entry.memory
    if isinstance(entry, NamedModel):
        return entry.as_ or entry.name
    return entry.name or entry.import_.rsplit(":", 1)[-1]
