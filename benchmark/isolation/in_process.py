"""A call in the process that asks for it, for debuggers: no limits but of threads, and the same scores."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any

import psutil

from bakeoff.isolation.child import PRELOAD, THREAD_VARIABLES, find_thread_pools, measure_call
from bakeoff.isolation.outcome import Outcome, ResourceLimits


def run_in_process(
    function: Callable[..., Any], *args: Any, limits: ResourceLimits, catch: type[BaseException] = Exception
) -> Outcome:
    """Call `function(*args)` in this thread; an exception that is to be caught is an outcome, Ctrl-C is not.

    The value is pickled, as in the outcome of a process of its own. The peak of memory can't be told.
    """
    with _limited_threads(limits.threads):
        return replace(measure_call(function, args, limits, psutil.Process(), catch=catch), peak_mb=None)


@contextmanager
def _limited_threads(threads: int) -> Iterator[None]:
    """Limit the threads of every library, and put them back afterwards."""
    import torch

    import_module(PRELOAD)  # what a fit's process has loaded, so that its thread pools are found
    environment = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    before = torch.get_num_threads()
    try:
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
        torch.set_num_threads(threads)
        with find_thread_pools().limit(limits=threads):
            yield
    finally:
        torch.set_num_threads(before)
        for name, value in environment.items():
            os.environ.pop(name, None)
            os.environ.update({name: value} if value is not None else {})
