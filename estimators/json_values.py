"""Values that JSON does not know, written so that they come back with their types: tuples, dicts, arrays.

Numbers come back exactly: JSON writes a float so that it reads as the same bits. NaN and infinities are written the way
Python's `json` does, as `NaN` and `Infinity`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

PLAIN_KINDS = "biufU"  # of numpy's dtypes; those of more than eight bytes per number excepted


def to_json(value: Any) -> Any:
    """Return what `json.dumps` takes, for None, bool, int, float, str, and lists, tuples, dicts and arrays of them.

    Raises
    ------
    TypeError
        For a value of another type, named in the message.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [to_json(part) for part in value]
    if isinstance(value, tuple):
        return {"tuple": [to_json(part) for part in value]}
    if isinstance(value, Mapping):
        return {"dict": [[to_json(key), to_json(part)] for key, part in value.items()]}
    if isinstance(value, np.generic) and is_plain(value.dtype):
        return value.item()
    if hasattr(value, "__array__") and not isinstance(value, np.generic):
        return array_to_json(np.asarray(value))
    raise TypeError(f"{type(value).__module__}.{type(value).__qualname__}")


def array_to_json(array: NDArray[Any]) -> dict[str, Any]:
    """Return the values, flat, with dtype and shape."""
    if array.dtype.kind == "O":
        values = [to_json(value) for value in array.ravel()]
    elif is_plain(array.dtype):
        values = array.ravel().tolist()
    else:
        raise TypeError(f"numpy {array.dtype}")
    return {"array": values, "dtype": array.dtype.str, "shape": list(array.shape)}


def is_plain(dtype: np.dtype[Any]) -> bool:
    """Whether Python has the values of a dtype without loss."""
    return dtype.kind in PLAIN_KINDS and (dtype.kind == "U" or dtype.itemsize <= 8)


def from_json(value: Any) -> Any:
    """Return the value that `to_json` was given.

    Raises
    ------
    ValueError
        For what `to_json` does not write.
    """
    if isinstance(value, list):
        return [from_json(part) for part in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"tuple": list(parts)}:
            return tuple(from_json(part) for part in parts)
        case {"dict": list(pairs)}:
            return {from_json(key): from_json(part) for key, part in pairs}
        case {"array": list(values), "dtype": str(name), "shape": list(shape)}:
            return array_from_json(values, np.dtype(name), shape)
    raise ValueError(f"the entry {value!r:.80} is none that bakeoff writes")


def array_from_json(values: list[Any], dtype: np.dtype[Any], shape: list[int]) -> NDArray[Any]:
    """Return the array."""
    if not (dtype.kind == "O" or is_plain(dtype)):
        raise ValueError(f"the dtype {dtype} is none that bakeoff writes")
    return np.array([from_json(value) for value in values], dtype=dtype).reshape(shape)
