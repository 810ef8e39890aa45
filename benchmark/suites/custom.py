"""A user's own estimators and metrics, named as `package.module:attribute` or handed over in Python."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from bakeoff.errors import UserError, describe_error
from bakeoff.estimators.search_spaces.space import Params, Space, Trial
from bakeoff.estimators.specs.spec import BuildContext, Family, ModelSpec
from bakeoff.protocol.metrics import Metric, Needs
from bakeoff.protocol.predictions import Predictions
from bakeoff.suites.entries import ImportedMetric, ImportedModel, RangeEntry
from bakeoff.tasks import KINDS, TASKS


def import_object(path: str) -> Any:
    """Import `package.module:attribute`; modules of the current folder are found.

    Raises
    ------
    UserError
        If the module can't be imported or lacks the attribute.
    """
    module_name, _, attribute = path.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # last, so that a folder named like a library shadows nothing
    try:
        found = import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:  # a user's module may raise anything
        raise UserError(f"can't import {path!r}: {describe_error(error)}") from error
    return found


def import_model_spec(entry: ImportedModel) -> ModelSpec:
    """Make the spec of a suite's `{import: …}` model."""
    factory = import_object(entry.import_)
    if not callable(factory):
        raise UserError(
            f"{entry.import_!r} must be a class or a function that returns an estimator, got {type(factory).__name__}"
        )
    return build_custom_spec(
        name=entry.name or entry.import_.rsplit(":", 1)[-1],
        build=lambda params: factory(**params),
        family=entry.family,
        fixed=entry.params,
        ranges=entry.space,
        preprocessor=entry.preprocessor,
        source=entry.import_,
        fingerprint=entry.import_,
    )


def spec_of_estimator(model: Any, preprocessor: str) -> ModelSpec:
    """Make a spec of an unfitted estimator, or of a (name, estimator) pair."""
    from sklearn.base import clone

    name, estimator = model if isinstance(model, tuple) else (type(model).__name__, model)
    if not (hasattr(estimator, "fit") and hasattr(estimator, "get_params")) or isinstance(estimator, type):
        raise UserError(
            f"models take names, unfitted scikit-learn estimators or (name, estimator) pairs; got {estimator!r}"
        )
    kind = type(estimator)
    parameters = sorted((key, repr(value)) for key, value in estimator.get_params().items())
    return build_custom_spec(
        name=name,
        build=lambda params: clone(estimator).set_params(**params),
        preprocessor=preprocessor,
        source=kind.__name__,
        fingerprint=f"{kind.__module__}.{kind.__qualname__}{parameters}",
    )


def build_custom_spec(
    *,
    name: str,
    build: Callable[[Params], Any],
    family: Family = "classical",
    fixed: Mapping[str, Any] | None = None,
    ranges: Mapping[str, RangeEntry] | None = None,
    preprocessor: str = "none",
    source: str = "the user's own",
    fingerprint: str = "",
) -> ModelSpec:
    """Make a spec of a user's own estimator, for every task and kind.

    Parameters
    ----------
    build : callable
        parameters -> unfitted estimator.
    fingerprint : str
        Changes when the estimator does, so that a changed one is not taken for recorded.
    ranges : mapping, optional
        What to tune; the default of each is `default`, or its lower end or first choice.
    """
    ranges = dict(ranges or {})

    def build_with_seed(context: BuildContext, params: Params) -> Any:
        estimator = build(params)
        if "random_state" in estimator.get_params() and "random_state" not in params:
            estimator.set_params(random_state=context.random_state)
        return estimator

    return ModelSpec(
        name=name,
        family=family,
        summary=source,
        tasks=TASKS,
        kinds=KINDS,
        build=build_with_seed,
        preprocessors=dict.fromkeys(KINDS, preprocessor),
        default={key: _start(given) for key, given in ranges.items()},
        fixed=dict(fixed or {}),
        space=_space_of(ranges) if ranges else None,
        source="the suite",
        fingerprint=fingerprint,
    )


def import_metric(entry: ImportedMetric) -> Metric:
    """Make a metric of a suite's `{import: …}` entry."""
    function = import_object(entry.import_)
    if not callable(function):
        raise UserError(f"{entry.import_!r} must be a function of (y_true, y_pred), got {type(function).__name__}")
    return build_custom_metric(
        entry.name, function, greater_is_better=entry.greater_is_better, needs=entry.needs, tasks=entry.tasks
    )


def build_custom_metric(
    name: str,
    function: Callable[[Any, Any], float],
    *,
    greater_is_better: bool,
    needs: Needs = "values",
    tasks: Any = TASKS,
) -> Metric:
    """Make a metric of a user's own function of `(y_true, y_pred)` or `(y_true, scores by class)`."""

    def compute(predictions: Predictions) -> float:
        given = {"values": predictions.y_pred, "scores": predictions.scores, "probabilities": predictions.probabilities}
        return float(function(predictions.y_true, given[needs]))

    return Metric(
        name=name,
        tasks=tuple(tasks),
        needs=needs,
        greater_is_better=greater_is_better,
        compute=compute,
        summary="the user's own",
    )


def _start(given: RangeEntry) -> Any:
    if given.default is not None:
        return given.default
    return given.choices[0] if given.choices else given.low


def _space_of(ranges: Mapping[str, RangeEntry]) -> Space:
    def space(trial: Trial, task: str) -> Params:
        del task
        return {name: _suggest(trial, name, given) for name, given in ranges.items()}

    return space


def _suggest(trial: Trial, name: str, given: RangeEntry) -> Any:
    if given.choices:
        return trial.suggest_categorical(name, given.choices)
    assert given.low is not None  # a range has both or neither
    assert given.high is not None
    if given.integer:
        return trial.suggest_int(name, int(given.low), int(given.high), log=given.log)
    return trial.suggest_float(name, given.low, given.high, log=given.log)
