"""What isolation, records and tracking cost: the runner against a hand-written loop doing the same fits in one process.

    python tests/performance/overhead.py

Both sides are measured in this run, one worker each, so the ratios hold on a busy machine. Two suites: cheap fits,
where the difference is the overhead in milliseconds per fit, and fits of a second or more, where the ratio counts.
"""

import argparse
import statistics
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import threadpoolctl
import torch

from bakeoff.api import run_suite
from bakeoff.evaluation.evaluate import evaluate
from bakeoff.isolation.outcome import ResourceLimits
from bakeoff.isolation.parent import run_isolated
from bakeoff.planning.plan import make_plan
from bakeoff.planning.staging import write_data_file
from bakeoff.suites.suite import Suite

SHARED = {"variants": ["default"], "limits": {"seconds": 600, "memory": "4GB"}}
SUITES: dict[str, dict[str, Any]] = {
    "cheap": {"datasets": ["wine", "iris"], "models": ["dummy", "gaussian_nb", "knn", "logistic"], "outer_folds": 10},
    "seconds": {
        "datasets": ["digits"],
        "models": [{"name": "random_forest", "params": {"n_estimators": 600}}, {"name": "hist_gradient_boosting"}],
        "outer_folds": 5,
    },
}


def time_loop(suite: Suite, scratch: Path) -> float:
    """Return the seconds of a loop over the same fits in this process, data loaded once."""
    plan = make_plan(suite)
    paths = {name: scratch / f"{name}.joblib" for name in plan.datasets}
    for name, path in paths.items():
        write_data_file(path, plan.datasets[name], plan.splits[name])
    began = time.perf_counter()
    for job in plan.jobs:
        evaluate(replace(job, data_file=paths[job.dataset]))
    return time.perf_counter() - began


def time_runner(suite: Suite, out: Path, *, tracking: bool) -> float:
    """Return the seconds of a run with one worker; the forkserver is warm, as after the first fit of any run."""
    began = time.perf_counter()
    result = run_suite(suite, out=out, workers=1, tracking=tracking)
    seconds = time.perf_counter() - began
    assert result.finished is not None
    assert result.finished.failed == 0
    return seconds


def measure(name: str, repeats: int) -> None:
    """Measure one suite and print a row for each way of running it."""
    suite = Suite.model_validate({"name": name, **SHARED, **SUITES[name]})
    seconds: dict[str, list[float]] = {"loop": [], "runner": [], "runner + MLflow": []}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder)
            seconds["loop"].append(time_loop(suite, scratch))
            seconds["runner"].append(time_runner(suite, scratch / "plain", tracking=False))
            seconds["runner + MLflow"].append(time_runner(suite, scratch / "tracked", tracking=True))
    fits = len(make_plan(suite).jobs)
    base = statistics.median(seconds["loop"])
    for way, values in seconds.items():
        middle = statistics.median(values)
        extra = (middle - base) / fits * 1000
        print(f"{name:8} {way:16} {fits:4} fits {middle:7.2f} s  {extra:+7.1f} ms per fit  ratio {middle / base:5.2f}")


def main() -> None:
    """Measure both suites; medians over the repeats."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    run_isolated(int, limits=ResourceLimits(seconds=120, memory=2**31))
    with threadpoolctl.threadpool_limits(1):
        for name in SUITES:
            measure(name, repeats)


if __name__ == "__main__":
    main()
