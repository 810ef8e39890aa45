"""Where data come from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """A name for reports, and what is known of the source."""

    name: str
    source: str = "memory"
    licence: str = "not stated"
    notes: tuple[str, ...] = ()
