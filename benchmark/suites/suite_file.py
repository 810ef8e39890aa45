"""Suites as files: YAML in and out, the shipped ones by name, and every problem told with the path of its key."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from bakeoff.errors import UserError, unknown_name
from bakeoff.suites.entries import (
    FileData,
    HubData,
    ImportedMetric,
    ImportedModel,
    InMemoryData,
    InMemoryModel,
    NamedData,
    NamedModel,
    OpenmlData,
    OpenmlTaskData,
    RangeEntry,
)
from bakeoff.suites.suite import Budget, Caps, Limits, Primary, Statistics, Suite, TrainFractions


def load_suite(source: str | Path) -> Suite:
    """Load a suite from a YAML file, or a shipped one by its name.

    Raises
    ------
    UserError
        All problems of the file, each with the path of its key.
    """
    path = Path(source)
    if not is_file(path):
        if str(source) not in list_shipped():
            raise UserError(_no_such_suite(str(source)))
        shipped = files("bakeoff.suites") / f"{source}.yaml"
        return parse_suite(shipped.read_text(encoding="utf-8"), str(source))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the suite {path} can't be read: {error}") from None
    return resolve_files(parse_suite(text, str(path)), path.resolve().parent)


def is_file(path: Path) -> bool:
    """Say whether a path is a file; a name that the system can't even look up is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def parse_suite(text: str, where: str) -> Suite:
    """Parse and validate the text of a suite; `where` names it in messages."""
    try:
        content = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, LookupError, RecursionError) as error:
        raise UserError(f"{where} is no valid YAML: {_one_line(error)}") from None
    if content is None:
        raise UserError(
            f"{where} is empty; a suite needs at least `name` and `datasets`. `bakeoff list suites` shows examples"
        )
    if not isinstance(content, dict):
        raise UserError(
            f"{where} holds a {type(content).__name__}; a suite is a mapping of keys such as `name` and `datasets`"
        )
    try:
        return Suite.model_validate(content)
    except ValidationError as error:
        raise UserError(*(f"{where}: {problem}" for problem in problems_of(error))) from None


def to_suite(source: str | Path | Suite | Mapping[str, Any]) -> Suite:
    """Load or validate a suite, whatever form it has."""
    if isinstance(source, Suite):
        return source
    if isinstance(source, str | Path):
        return load_suite(source)
    try:
        return Suite.model_validate(dict(source))
    except ValidationError as error:
        raise UserError(*problems_of(error)) from None


def set_learning_curve(suite: Suite, shares: Sequence[float | str]) -> Suite:
    """Return a suite with another learning curve.

    Parameters
    ----------
    suite : Suite
    shares : sequence of float or str
        Shares of the training part, 0.05 or "5%".

    Raises
    ------
    UserError
        If one is none.
    """
    try:
        valid = TypeAdapter(TrainFractions).validate_python(tuple(shares))
    except ValidationError as error:
        found = problems_of(error)
        raise UserError(
            *(f"learning_curve{'' if problem.startswith('[') else ': '}{problem}" for problem in found)
        ) from None
    return suite.model_copy(update={"learning_curve": valid})


def resolve_files(suite: Suite, folder: Path) -> Suite:
    """Make the paths of data files absolute, so that the suite runs from anywhere."""
    entries = tuple(
        entry.model_copy(update=_absolute(entry, folder)) if isinstance(entry, FileData) else entry
        for entry in suite.datasets
    )
    return suite.model_copy(update={"datasets": entries})


def _absolute(entry: FileData, folder: Path) -> dict[str, str]:
    paths = {key: getattr(entry, key) for key in ("file", "test", "labels")}
    return {key: str(folder / _expand(path)) for key, path in paths.items() if path is not None}


def _expand(path: str) -> Path:
    """Put the home folder and variables of the environment into a path.

    Raises
    ------
    UserError
        If a variable is not set.
    """
    full = os.path.expandvars(path)
    unset = re.search(r"\$\{?(\w+)", full)
    if unset:
        raise UserError(f"{path}: the environment has no {unset[1]}; set it to the folder of the data files")
    return Path(full).expanduser()


def dump_suite(suite: Suite) -> str:
    """Return the suite as YAML, complete with all defaults."""
    content = suite.model_dump(mode="json", by_alias=True)
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def list_shipped() -> list[str]:
    """Return the names of the suites that come with the package."""
    return sorted(
        entry.name.removesuffix(".yaml") for entry in files("bakeoff.suites").iterdir() if entry.name.endswith(".yaml")
    )


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a key given twice is an error instead of the last one winning."""


def _construct_mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    duplicates = next((key for key in keys if keys.count(key) > 1), None)
    if duplicates is not None:
        raise yaml.constructor.ConstructorError(None, None, f"the key {duplicates!r} stands twice", node.start_mark)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


class _Dumper(yaml.SafeDumper):
    """Quotes a text that `_UniqueKeys` would read as a number."""


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_mapping)
for _side in (_UniqueKeys, _Dumper):  # 1e-3 is a number in YAML 1.2, but a text in the YAML 1.1 of PyYAML
    _side.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
    )


def _one_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return place + (getattr(error, "problem", None) or " ".join(str(error).split()))


def problems_of(error: ValidationError) -> Iterator[str]:
    """Yield each problem in a line: the path of its key, what must hold, what was found."""
    details = error.errors(include_url=False)
    refused = {detail["loc"][0] for detail in details if len(detail["loc"]) > 1}
    for detail in details:
        if detail["type"] == "too_short" and detail["loc"][0] in refused:
            continue  # every entry was refused, and each is told for itself
        message = _message(detail)
        path = _path(detail["loc"])
        for line in message.splitlines():
            inner = line.startswith(".")  # the message goes on with the path of a key further in
            yield f"{path}{line}" if inner else f"{path}: {line}" if path else line


def _message(detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return unknown_name("key", str(detail["loc"][-1]), _keys_beside(detail["loc"]))
    if detail["type"] == "union_tag_invalid":
        keys = [tag.strip("'<>").replace("named", "name") for tag in detail["ctx"]["expected_tags"].split(", ")]
        return f"a mapping here needs the key {' or '.join(repr(key) for key in keys if key != 'plain')}"
    if detail["type"] == "tuple_type":
        return f"a list must stand here, such as [a, b]; got {detail['input']!r}"
    message = detail["msg"].removeprefix("Value error, ")
    given = detail["input"]
    return message if isinstance(given, dict | list) or detail["type"] == "value_error" else f"{message}, got {given!r}"


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    """List the keys that the model at a location knows."""
    homes: dict[tuple[str, str], type[BaseModel]] = {
        ("datasets", "file"): FileData,
        ("datasets", "named"): NamedData,
        ("datasets", "openml"): OpenmlData,
        ("datasets", "openml_task"): OpenmlTaskData,
        ("datasets", "huggingface"): HubData,
        ("models", "named"): NamedModel,
    }
    homes |= {
        ("datasets", "memory"): InMemoryData,
        ("models", "memory"): InMemoryModel,
        ("models", "import"): ImportedModel,
        ("metrics", "import"): ImportedMetric,
    }
    sections: dict[str, type[BaseModel]] = {
        "tuning": Budget,
        "caps": Caps,
        "limits": Limits,
        "primary": Primary,
        "statistics": Statistics,
    }
    home: type[BaseModel] = Suite
    if "space" in loc[:-2]:
        home = RangeEntry
    elif len(loc) > 2:
        home = homes[str(loc[0]), str(loc[2]).strip("<>")]
    elif len(loc) == 2:
        home = sections[str(loc[0])]
    return [field.alias or name for name, field in home.model_fields.items()]


def _path(loc: tuple[int | str, ...]) -> str:
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc if not str(step).startswith("<")]
    return "".join(steps).lstrip(".")


def _no_such_suite(source: str) -> str:
    if len(source) < 1000 and Path(source).is_dir():
        return f"{source!r} is a folder; give the path of a suite's YAML file"
    looks_like_path = "/" in source or source.endswith((".yaml", ".yml"))
    if looks_like_path:
        return (
            f"there is no suite file {source!r}; give the path of a YAML file or the name of a shipped "
            f"suite ({', '.join(list_shipped())})"
        )
    return unknown_name("suite", source, list_shipped(), listing="suites")
