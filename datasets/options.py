"""Options of a data set, whatever its source: the same for suites, Python and the command line."""

import reprlib
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from bakeoff.errors import UserError, unknown_name
from bakeoff.tasks import Kind, Task

Scalar = bool | int | float | str | None


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError(f"a name stands in tables: no line breaks or control characters; got {name!r}")
    return name


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_printable)]


Pixels = Annotated[int, Field(ge=1, le=4096)]


class DataOptions(BaseModel):
    """Options of a data set; whatever is left out is inferred, and told in its notes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name | None = Field(default=None, description="Name in reports; the file's name if left out")
    target: str | int | None = Field(
        default=None, description="Column to predict, by name or position (-1 is the last); the key of labels in .npz"
    )
    task: Task | None = Field(default=None, description="binary, multiclass or regression; inferred from the target")
    kind: Kind | None = Field(default=None, description="tabular, image, series or text; inferred from the file")
    positive: Scalar = Field(
        default=None, description="Positive class of a binary task; the second in sorted order if left out"
    )
    categorical: tuple[str, ...] = Field(default=(), description="Columns of numbers to read as categories")
    numeric: tuple[str, ...] = Field(
        default=(), description="Columns of text to read as numbers; what is none: missing"
    )
    drop: tuple[str, ...] = Field(default=(), description="Columns to leave out")
    text: str | None = Field(default=None, description="The one column of a text set; the others are left out")
    groups: str | None = Field(default=None, description="Column of groups that no split divides")
    time: str | None = Field(default=None, description="Column of time: training rows always come first")
    weights: str | None = Field(default=None, description="Column of sample weights, for fitting and scoring")
    split: str | None = Field(default=None, description="Column that holds train or test: a predefined split")
    n_train: int | None = Field(default=None, ge=1, description="A predefined split: the first rows are for training")
    lags: int | None = Field(
        default=None,
        ge=1,
        description="Forecast: rows are the target's last values, in the order of `time` or the file",
    )
    input_shape: tuple[int, ...] | None = Field(
        default=None, description="(channels, height, width) or (channels, length) of rows of values"
    )

    @field_validator("input_shape")
    @classmethod
    def _is_a_shape(cls, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if shape is not None and (len(shape) not in (2, 3) or min(shape) < 1):
            raise ValueError(f"input_shape is [channels, height, width] or [channels, length], got {list(shape)}")
        return shape


class FileOptions(DataOptions):
    """Options of a data set in a file."""

    test: str | None = Field(default=None, description="A second file of the same form: the test part of a split")
    labels: str | None = Field(default=None, description="File of the labels of an IDX file of images")
    image_size: tuple[Pixels, Pixels] | None = Field(
        default=None, description="[height, width] that the images of a folder are brought to"
    )
    separator: str | None = Field(default=None, min_length=1, max_length=1, description="Of fields; a comma or tab")
    decimal: str = Field(default=".", min_length=1, max_length=1, description="Decimal mark of a table of text")
    encoding: str = Field(default="utf-8", description="Of a table of text")
    origin: Name | None = Field(default=None, description="Where the data are from, for reports; the path if left out")
    licence: Name | None = Field(default=None, description="Of the data, for reports")
    sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-fA-F]{64}$", description="What the file must be, as it lies on the disk"
    )


class TaskOptions(DataOptions):
    """Options of a task of OpenML, which says itself how its data set is divided."""

    folds: int | None = Field(default=None, ge=1, description="Only the first folds of each repeat of the task")
    repeats: int | None = Field(default=None, ge=1, description="Only the first repeats of the task")


class HubOptions(DataOptions):
    """Options of a data set of the Hugging Face Hub."""

    config: str | None = Field(default=None, description="Configuration of the set; the only one if left out")
    splits: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=2,
        description="[training part, test part], or one part to be divided in folds; train and test if left out",
    )


Options = TypeVar("Options", bound=DataOptions)


def read_options(kind: type[Options], given: dict[str, Any]) -> Options:
    """Check options that were given in Python.

    Raises
    ------
    UserError
        All that is wrong with them, at once.
    """
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise UserError(*(_problem(kind, detail) for detail in error.errors(include_url=False))) from None


def _problem(kind: type[DataOptions], detail: Any) -> str:
    name = str(detail["loc"][0])
    if detail["type"] == "extra_forbidden":
        return unknown_name("option of a data set", name, kind.model_fields)
    said = "must be a list, such as [a, b]" if detail["type"] == "tuple_type" else detail["msg"]
    return f"the option {name}: {said.removeprefix('Value error, ')}, got {reprlib.repr(detail['input'])}"
