"""What the command line says of a data set, in the words of a suite."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from bakeoff.datasets.sources.load import HUGGINGFACE, OPENML, OPENML_TASK, is_registered_name, parse_openml_id
from bakeoff.errors import UserError


def read_dataset_options(
    target: str | None,
    task: str | None,
    positive: str | None,
    drop: Sequence[str],
    groups: str | None,
    time: str | None,
    others: Sequence[str] | None,
) -> dict[str, Any]:
    """Join the options that have a flag of their own with those of `--set KEY=VALUE`; what was not given is absent.

    Raises
    ------
    UserError
        If a `--set` is no KEY=VALUE, or gives again what a flag gives.
    """
    flags = {
        "target": _parse_position(target),
        "task": task,
        "positive": positive,
        "drop": tuple(drop) or None,
        "groups": groups,
        "time": time,
    }
    options = {key: value for key, value in flags.items() if value is not None}
    for text in others or ():
        key, value = _parse_pair(text)
        if key in options:
            raise UserError(f"{key} is given twice; once is enough")
        options[key] = value
    return options


def dataset_entry(source: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of `datasets` in a suite that stands for a source and what is said of it."""
    if source.startswith(OPENML):
        return {"openml": parse_openml_id(source), **options}
    if source.startswith(OPENML_TASK):
        return {"openml_task": parse_openml_id(source, OPENML_TASK), **options}
    if source.startswith(HUGGINGFACE):
        return {"huggingface": source.removeprefix(HUGGINGFACE), **options}
    if is_registered_name(source):
        return {"name": source, **options}
    return {"file": str(Path(source).expanduser().resolve()), **options}


def _parse_position(target: str | None) -> str | int | None:
    """Read a number as a position, unless a column has that name."""
    return int(target) if target is not None and re.fullmatch(r"-?(0|[1-9]\d*)", target) else target


def _parse_pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UserError(f"--set takes KEY=VALUE, such as kind=text; got {text!r}")
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        raise UserError(f"--set {key}: {value!r} is no value; lists are written [a, b]") from None
