"""Bounds of search spaces: a best point that lies at one says that the space may be too narrow."""

import math
from collections.abc import Mapping
from typing import Any

TOLERANCE = 0.02  # of a range, on the scale that it is searched on
FEWEST_INTEGERS = 4  # a range with fewer has hardly more than its ends
LEAST_COUNT = 2  # from which, or from 1 or 0, whole numbers count


def find_params_at_bounds(point: Mapping[str, Any], ranges: Mapping[str, tuple[Any, ...]]) -> list[str]:
    """List the parameters of a point that lie at an end of their range, beyond which more could be tried.

    Ends that no wider space could pass do not count: counts from 0, 1 or 2, and fractions of 0 and 1.

    Parameters
    ----------
    point : mapping
        Answers to what a space asks.
    ranges : mapping
        As `list_space` gives them.

    Returns
    -------
    list of str
        Such as "C at its upper end 1024".

    Examples
    --------
    >>> ranges = {"C": ("float", 0.1, 1024, True), "depth": ("int", 1, 9, False)}
    >>> find_params_at_bounds({"C": 1000.0, "depth": 1}, ranges)
    ['C at its upper end 1024']
    """
    found = (_describe_bound(name, value, *ranges[name]) for name, value in point.items() if name in ranges)
    return [words for words in found if words]


def _describe_bound(name: str, value: Any, kind: str, *bounds: Any) -> str:
    if kind == "categorical":
        return ""
    low, high, log = bounds
    if high <= low or (kind == "int" and high - low < FEWEST_INTEGERS):
        return ""
    position = _position(value, low, high, log)
    if position <= _tolerance(kind) and not _is_natural_low(kind, low, log):
        return f"{name} at its lower end {low:g}"
    if position >= 1 - _tolerance(kind) and not _is_natural_high(kind, high, log):
        return f"{name} at its upper end {high:g}"
    return ""


def _position(value: float, low: float, high: float, log: bool) -> float:
    """Return where between the ends a value lies, from 0 to 1."""
    if log:
        return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return (value - low) / (high - low)


def _tolerance(kind: str) -> float:
    return 0.0 if kind == "int" else TOLERANCE


def _is_natural_low(kind: str, low: float, log: bool) -> bool:
    return low <= LEAST_COUNT if kind == "int" else low == 0 and not log


def _is_natural_high(kind: str, high: float, log: bool) -> bool:
    return kind == "float" and high == 1 and not log
