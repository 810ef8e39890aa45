"""The Python way in: each entry point gives a `RunResult`."""

from bakeoff.api.recorded import load_run, merge
from bakeoff.api.result import RunResult
from bakeoff.api.runs import compare, extend, run_suite

__all__ = ["RunResult", "compare", "extend", "load_run", "merge", "run_suite"]
