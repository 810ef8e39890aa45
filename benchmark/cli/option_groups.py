"""Groups of options that several commands have, said once: a command takes a whole group as one parameter."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from bakeoff.cli.options import (
    AsJson,
    Dask,
    Drop,
    Groups,
    LogModels,
    Positive,
    RetryFailed,
    Set,
    Target,
    Task,
    Time,
    Tracking,
    TrackingUri,
    Workers,
    split_names,
)


@dataclass(frozen=True, kw_only=True)
class DatasetOptions:
    """What may be said of a data set, in `describe` and `compare`."""

    target: Target = None
    task: Task = None
    positive: Positive = None
    drop: Drop = None
    groups: Groups = None
    time: Time = None
    set_: Set = None

    def read(self) -> dict[str, Any]:
        """Return them as a suite names them.

        Raises
        ------
        UserError
            If a `--set` is no KEY=VALUE, or gives again what a flag gives.
        """
        from bakeoff.cli.dataset_options import read_dataset_options

        given = {name: value for name, value in vars(self).items() if name not in ("drop", "set_")}
        return read_dataset_options(**given, drop=split_names(self.drop), others=self.set_)


@dataclass(frozen=True, kw_only=True)
class RunningOptions:
    """How fits are run and tracked, in `run`, `extend` and `compare`."""

    workers: Workers = None
    dask: Dask = None
    retry_failed: RetryFailed = False
    tracking_uri: TrackingUri = None
    tracking: Tracking = True
    log_models: LogModels = False
    as_json: AsJson = False

    def for_api(self) -> dict[str, Any]:
        """Return them as the functions of `bakeoff.api` take them."""
        return {name: value for name, value in vars(self).items() if name != "as_json"}


def takes(**groups: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of groups, each of which it gets as one parameter of that name.

    Parameters
    ----------
    **groups : dataclass
        Whose fields are annotated as typer's options.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        own = inspect.signature(command, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for one in own.parameters.values():
            parameters += _parameters_of(groups[one.name]) if one.name in groups else [one]

        def wrapper(**given: Any) -> Any:
            whole = {
                name: group(**{one.name: given.pop(one.name) for one in fields(group)})
                for name, group in groups.items()
            }
            return command(**given, **whole)

        wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
        wrapper.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # what typer reads
        wrapper.__annotations__ = {one.name: one.annotation for one in parameters}
        return wrapper

    return decorate


def _parameters_of(group: type) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=hints[one.name])
        for one in fields(group)
    ]
