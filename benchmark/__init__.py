"""bakeoff: many learners, the same data, the same rules.

The folder `benchmark/` of the repository is imported as `bakeoff`. Importing it is cheap: the entry points below
are loaded when they are first used.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bakeoff.api import compare, extend, load_run, merge, run_suite

__all__ = ["__version__", "compare", "extend", "load_run", "merge", "run_suite"]
__version__ = version("bakeoff")


def __getattr__(name: str) -> Any:
    """Load an entry point on first use (PEP 562)."""
    if name in __all__:
        return getattr(import_module("bakeoff.api"), name)
    raise AttributeError(f"module 'bakeoff' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, for completion."""
    return sorted(__all__)
