"""The options that every command that runs fits has, said once."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from bakeoff.cli.options import AsJson, Dask, LogModels, RetryFailed, Tracking, TrackingUri, Workers


@dataclass(frozen=True, kw_only=True)
class CommonOptions:
    """What `run`, `extend` and `compare` have in common."""

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


def takes_common_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options of `CommonOptions`, which it gets as its parameter `common`."""
    hints = get_type_hints(CommonOptions, include_extras=True)
    shared = [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=hints[one.name])
        for one in fields(CommonOptions)
    ]

    def wrapper(**given: Any) -> int:
        common = CommonOptions(**{one.name: given.pop(one.name) for one in fields(CommonOptions)})
        return command(**given, common=common)

    own = inspect.signature(command, eval_str=True)
    parameters = [*(one for one in own.parameters.values() if one.name != "common"), *shared]
    wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
    wrapper.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # what typer reads
    wrapper.__annotations__ = {one.name: one.annotation for one in parameters}
    return wrapper
