"""A suite narrowed to some of its data sets and models."""

from collections.abc import Mapping, Sequence
from typing import Any

from bakeoff.errors import UserError, unknown_name
from bakeoff.estimators.models.registry import FAMILIES, specs_of_family
from bakeoff.suites.entries import (
    name_of_dataset,
    name_of_model,
)
from bakeoff.suites.suite import Suite


def filter_suite(suite: Suite, *, models: Sequence[str] = (), datasets: Sequence[str] = ()) -> Suite:
    """Narrow a suite to some of its data sets and models, as `--datasets` and `--models` ask.

    Raises
    ------
    UserError
        If a name is none of the suite's.
    """
    changes: dict[str, Any] = {}
    if datasets:
        known = {name_of_dataset(entry): entry for entry in suite.datasets}
        changes["datasets"] = tuple(_pick("data set", name, known) for name in datasets)
    if models:
        named = {name_of_model(entry): entry for entry in suite.models}
        registered = {
            spec.name: spec.name for entry in suite.models if entry in FAMILIES for spec in specs_of_family(str(entry))
        }
        known_models = registered | named
        changes["models"] = tuple(_pick("model", name, known_models) for name in models)
    return suite.model_copy(update=changes)


def _pick(what: str, name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        raise UserError("in this suite " + unknown_name(what, name, known))
    return known[name]
