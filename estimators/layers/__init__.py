"""Layers and networks of E replicas side by side: each weight carries a leading replica axis."""

from importlib import import_module
from typing import Any

from bakeoff.estimators.former_names import RENAMED


def __getattr__(name: str) -> Any:
    """Hand out a layer: this room has the name that one module had, by which pickles made then ask for it (PEP 562)."""
    if name.startswith("_"):
        raise AttributeError(f"module 'bakeoff.estimators.layers' has no attribute {name!r}")
    return getattr(import_module("bakeoff.estimators.layers.layers"), RENAMED.get(f"layers.{name}", name))
