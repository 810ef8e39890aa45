"""Rules that constructor parameters of the nets must keep: each a test and the words for it in an error."""

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state

Rule = tuple[Callable[[Any], bool], str]


def is_int(value: Any, low: int = 1) -> bool:
    """Whether the value is an integer (not a bool) of at least `low`."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= low


def is_sizes(value: Any) -> bool:
    """Whether the value is a tuple or list of positive integers."""
    return isinstance(value, tuple | list) and all(is_int(size) for size in value)


def is_nonempty_sizes(value: Any) -> bool:
    """Whether the value is a tuple or list of at least one positive integer."""
    return is_sizes(value) and len(value) > 0


def integer(low: int) -> Rule:
    """Rule of an integer of at least `low`."""
    return lambda value: is_int(value, low), f"an int in the range [{low}, inf)"


def real(span: str) -> Rule:
    """Rule of a number in an interval written as "[0, 1)"."""
    low, high = map(float, span[1:-1].split(","))

    def holds(value: Any) -> bool:
        if not isinstance(value, Real) or isinstance(value, bool):
            return False
        number = float(value)
        return low < number < high or (span[0] == "[" and number == low)

    return holds, f"a float in the range {span}"


def boolean() -> Rule:
    """Rule of True or False."""
    return lambda value: isinstance(value, bool | np.bool_), "a bool"


def one_of(*names: str) -> Rule:
    """Rule of a choice among strings."""
    words = ", ".join(map(repr, sorted(names)))
    return lambda value: isinstance(value, str) and value in names, f"a str among {{{words}}}"


def optional(rule: Rule) -> Rule:
    """Rule of None or what another rule allows."""
    holds, words = rule
    return lambda value: value is None or holds(value), f"None or {words}"


def auto_or(rule: Rule) -> Rule:
    """Rule of "auto" or what another rule allows."""
    holds, words = rule
    return lambda value: value == "auto" if isinstance(value, str) else holds(value), f"'auto' or {words}"


def are_callables(value: Any) -> bool:
    """Whether the value is None, a callable or a list or tuple of callables."""
    return value is None or callable(value) or (isinstance(value, list | tuple) and all(map(callable, value)))


def is_seed(value: Any) -> bool:
    """Whether scikit-learn takes the value as a random_state."""
    try:
        check_random_state(value)
    except ValueError:
        return False
    return True


def is_device(value: Any) -> bool:
    """Whether the value names a device of this machine."""
    if not isinstance(value, str):
        return False
    if value in ("auto", "cpu"):
        return True
    try:
        device = torch.device(value)
    except RuntimeError:
        return False
    return device.type == "cuda" and (device.index or 0) < torch.cuda.device_count()


def resolve_device(name: str) -> torch.device:
    """Return the device of a name that `is_device` takes: "auto" is CUDA where available, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def is_class_weight(value: Any) -> bool:
    """Whether the value is None, "balanced" or a mapping to weights."""
    if isinstance(value, Mapping):
        return all(isinstance(weight, Real) and 0 <= float(weight) < math.inf for weight in value.values())
    return value is None or (isinstance(value, str) and value == "balanced")


def resolve_input_shape(input_shape: tuple[int, ...] | None, n_features: int) -> tuple[int, ...]:
    """Return the shape of one row: as given, or one channel of n_features steps.

    Raises
    ------
    ValueError
        When the shape does not hold exactly n_features values.
    """
    if input_shape is None:
        return 1, n_features
    size = int(np.prod(input_shape))
    if size != n_features:
        raise ValueError(
            f"The 'input_shape' parameter must hold as many values as X has features: "
            f"{tuple(input_shape)} holds {size}, but X has {n_features} features."
        )
    return tuple(input_shape)


NONEMPTY_SIZES_RULE: Rule = (is_nonempty_sizes, "a tuple of at least one int in the range [1, inf)")
SERIES_SHAPE_RULE: Rule = (
    lambda value: value is None or (is_sizes(value) and len(value) == 2),
    "None or (channels, length) in positive ints",
)
SHAPE_RULE: Rule = (
    lambda value: value is None or (is_sizes(value) and len(value) in (2, 3)),
    "None, (channels, length) or (channels, height, width) in positive ints",
)
