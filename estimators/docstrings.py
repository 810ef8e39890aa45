"""Docstrings and signatures of the public nets, joined from those of their bases, so that `help` shows everything."""

import inspect
import re
from collections.abc import Iterator
from typing import TypeVar

AnyClass = TypeVar("AnyClass", bound=type)

HEADS = r"\n    (?:Parameters|Attributes|Notes|References|Examples)\n    -+\n"
ENTRY = re.compile(r"^    (?=\S)", re.MULTILINE)


def inherit_docs(cls: AnyClass) -> AnyClass:
    """Write the parameters and attributes of all bases into a class's docstring, and order its signature like them.

    Those of the architecture come first, then those of the task and of the training; of two with one name the first
    stays.

    Parameters
    ----------
    cls : type
        A keyword-only dataclass whose bases describe their fields in numpydoc.
    """
    own = cls.__doc__ or ""
    place = found.start() if (found := re.search(HEADS, own)) else len(own.rstrip())
    sections = [
        f"\n\n    {title}\n    {'-' * len(title)}\n" + "\n".join(entries(cls, title))
        for title in ("Parameters", "Attributes")
    ]
    cls.__doc__ = own[:place].rstrip() + "".join(sections) + "\n" + own[place:].rstrip() + "\n    "
    cls.__signature__ = ordered_signature(cls)  # type: ignore[attr-defined]
    return cls


def entries(cls: type, title: str) -> Iterator[str]:
    """Yield the entries of a section of all bases' docstrings, nearest base first, each name once."""
    seen: set[str] = set()
    for base in cls.__mro__[1:]:
        for entry in ENTRY.split(section(base.__doc__ or "", title)):
            names = set(names_of(entry))
            if names and not names & seen:
                seen |= names
                yield f"    {entry.rstrip()}"


def section(doc: str, title: str) -> str:
    """Return a section of a numpydoc docstring without its head; nothing if there is none."""
    parts = re.split(rf"\n    {title}\n    -+\n", doc, maxsplit=1)
    return re.split(HEADS, parts[1])[0].rstrip() if len(parts) == 2 else ""


def names_of(entry: str) -> list[str]:
    """Return the names that an entry describes: "beta, gamma : float" are two."""
    head = entry.split("\n", 1)[0].split(" :")[0]
    return [name.strip() for name in head.split(",") if name.strip()]


def ordered_signature(cls: type) -> inspect.Signature:
    """Return the signature in the order of the docstring, and without annotations, as scikit-learn's are."""
    order = [name for entry in entries(cls, "Parameters") for name in names_of(entry.removeprefix("    "))]
    parameters = inspect.signature(cls).parameters
    plain = [parameters[name].replace(annotation=inspect.Parameter.empty) for name in order]
    return inspect.Signature(plain)
