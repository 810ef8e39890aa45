"""Plain values and texts that every file, page and terminal can hold."""

import math
from collections.abc import Mapping
from typing import Any


def format_percent(fraction: float) -> str:
    """Return a fraction as percent: 5 %, 12.5 %."""
    return f"{100 * fraction:.10g} %"


def clean_text(text: str) -> str:
    """Return text that every file, page and terminal can take: no lone surrogates, no control characters."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(mark if mark.isprintable() or mark in "\n\t" else "?" for mark in whole)


def to_jsonable(value: Any) -> Any:
    """Turn numpy scalars, tuples, non-finite floats and unprintable text into what JSON holds."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): to_jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_jsonable(item) for item in value]
    if hasattr(value, "tolist"):
        return to_jsonable(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, int | float | bool | None) else clean_text(repr(value))
