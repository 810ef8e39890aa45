"""Seeds and digests from named parts: no global state, no dependence on order or on the number of workers."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest_parts(**parts: Any) -> str:
    """Return the hex SHA-256 of named parts, the same in every process and whatever the order of the names."""
    text = json.dumps(parts, sort_keys=True, default=_plain, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def derive_seed(**parts: Any) -> int:
    """Return a seed in [0, 2**31) that depends on the named parts alone."""
    return int(digest_parts(**parts)[:8], 16) & 0x7FFFFFFF


def _plain(value: Any) -> Any:
    """Turn what JSON does not know into what it knows: numpy scalars, sets, tuples as keys' values."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return repr(value)
