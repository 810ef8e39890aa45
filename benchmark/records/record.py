"""Records: one frozen, flat row for each fit, appended the moment the fit ends; the source of truth for all else."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from bakeoff.plain import format_percent, to_jsonable

Status = Literal["ok", "error", "timeout", "memory", "crashed", "lost", "cancelled", "skipped"]
STATUSES: tuple[Status, ...] = ("ok", "error", "timeout", "memory", "crashed", "lost", "cancelled", "skipped")
# What became of such a fit says nothing of its model: a run that goes on runs it again.
UNFINISHED: tuple[Status, ...] = ("lost", "cancelled")
SCHEMA_VERSION = 2
READABLE_SCHEMAS = (1, 2)
# Names of fields in runs that were made before, still read: of records, plans and forecasts; of trials.
RENAMED_FIELDS = {"share": "train_fraction", "asked": "suggested"}


@dataclass(frozen=True, kw_only=True)
class Record:
    """What one fit leaves.

    Parameters
    ----------
    fit, study, cell : str
        The three keys: by which a run resumes, tuning continues, and runs are compared.
    dataset, data_digest, split_digest : str
    task, kind, model, family, variant : str
    repeat, fold : int
        Outer repeat and fold, from 0.
    status : str
        One of `STATUSES`.
    reason : str
        Why the status is not ok, in words for a person.
    metrics : mapping
        Judged values by name; a metric that the model cannot have is absent.
    diagnostics : mapping
        What the fit cost and spent; never judged. Seconds are wall seconds unless the name says `cpu`.
    params : mapping
        The parameters of the refitted model.
    seed : int
    versions : mapping
        Library versions under which it ran.
    traceback : str
        Of a failed fit.
    train_fraction : float
        Of the fold's training part that was trained on; 1 but for a point of a learning curve.
    schema : int
    """

    fit: str
    study: str
    cell: str
    dataset: str
    data_digest: str
    split_digest: str
    task: str
    kind: str
    model: str
    family: str
    variant: str
    repeat: int
    fold: int
    status: Status
    reason: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    traceback: str = ""
    train_fraction: float = 1.0
    schema: int = SCHEMA_VERSION

    @property
    def ok(self) -> bool:
        """Whether the fit ended with scores."""
        return self.status == "ok"

    @property
    def label(self) -> str:
        """What a person calls the fit."""
        return fit_label(self.dataset, self.model, self.variant, self.train_fraction, self.repeat, self.fold)

    def to_json(self) -> str:
        """Return the record as one line of JSON; numbers that JSON lacks become null."""
        return json.dumps(to_jsonable(asdict(self)), ensure_ascii=False, separators=(",", ":"))


def fit_label(dataset: str, model: str, variant: str, train_fraction: float, repeat: int, fold: int) -> str:
    """Return what a person calls a fit."""
    part = f" / {format_percent(train_fraction)}" if train_fraction < 1 else ""
    rows = f"repeat {repeat + 1} fold {fold + 1}" if fold >= 0 else "all rows"
    return f"{dataset} / {model} / {variant}{part} / {rows}"


def rename_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row that a run folder holds with today's names of fields."""
    return {RENAMED_FIELDS.get(name, name): value for name, value in row.items()}


def parse_record(line: str) -> Record:
    """Read one line of JSON.

    Raises
    ------
    ValueError
        If the line is no record of a schema that this version knows.
    """
    try:
        content = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(content, dict) or content.get("schema") not in READABLE_SCHEMAS:
        raise ValueError("not a record of this schema")
    content = rename_fields(content) | {"schema": SCHEMA_VERSION}
    if "share" in content:  # its name in earlier versions
        content.setdefault("train_fraction", content.pop("share"))
    names = {field.name for field in fields(Record)}
    try:
        record = Record(**{name: value for name, value in content.items() if name in names})
    except TypeError as error:
        raise ValueError(str(error)) from None
    if record.status not in STATUSES:
        raise ValueError(f"unknown status {record.status!r}")
    for kind, listed in _TYPES.items():
        wrong = [name for name in listed.split() if not isinstance(getattr(record, name), kind)]
        if wrong:
            raise ValueError(f"wrong type of {wrong[0]}")
    return record


_TYPES: dict[type | tuple[type, ...], str] = {
    str: "fit study cell dataset data_digest split_digest task kind model family variant reason traceback",
    int: "repeat fold seed",
    (int, float): "train_fraction",
    dict: "metrics diagnostics params versions",
}


def latest(records: Iterable[Record]) -> dict[str, Record]:
    """Return the last record of each fit: a retried fit replaces its earlier failure."""
    return {record.fit: record for record in records}
