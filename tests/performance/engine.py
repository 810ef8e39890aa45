"""What the engine costs and gains: isolation of one fit, a thousand trivial fits, two workers against one.

    python tests/performance/engine.py

All figures of one run are taken on one machine one after the other, so the ratios hold on a busy one.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bakeoff.api import run_suite
from bakeoff.engines.observers import Silent
from bakeoff.isolation.outcome import ResourceLimits
from bakeoff.isolation.parent import run_isolated
from bakeoff.protocol.job import Job
from bakeoff.records.record import Record

ROOMY = ResourceLimits(seconds=120, memory=2**31)
LIMITS = {"variants": ["default"], "limits": {"seconds": 600, "memory": "4GB"}}
THOUSAND = {"name": "thousand", "datasets": ["wine"], "models": ["dummy"], "outer_folds": 10, "repeats": 100}
# Equal fits of about two seconds on one thread.
EQUAL = {
    "name": "equal",
    "datasets": ["digits"],
    "models": [{"name": "random_forest", "params": {"n_estimators": 600}}],
    "outer_folds": 10,
    "repeats": 2,
}


def time_isolation(calls: int) -> list[float]:
    """Return the milliseconds that each call of nothing takes in a process of its own, after the preload."""
    run_isolated(int, limits=ROOMY)
    milliseconds = []
    for _ in range(calls):
        began = time.perf_counter()
        run_isolated(int, limits=ROOMY)
        milliseconds.append((time.perf_counter() - began) * 1000)
    return milliseconds


class Clock(Silent):
    """Progress that notes when the first fit began and when the last one ended."""

    def __init__(self) -> None:
        self.began = self.ended = 0.0

    def start(self, job: Job) -> None:
        """Note the first."""
        self.began = self.began or time.perf_counter()

    def end(self, record: Record) -> None:
        """Note the last."""
        self.ended = time.perf_counter()


def time_run(suite: dict[str, Any], workers: int) -> tuple[float, float, int]:
    """Return the seconds from the first fit to the last and those of the whole run, without tracking; and its fits."""
    with tempfile.TemporaryDirectory() as folder:
        clock, began = Clock(), time.perf_counter()
        result = run_suite(
            {**LIMITS, **suite}, out=Path(folder) / "run", workers=workers, tracking=False, progress=clock
        )
        seconds = time.perf_counter() - began
        assert result.finished is not None
        assert result.finished.failed == 0
        return clock.ended - clock.began, seconds, result.finished.ran


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="of the comparison of workers")
    repeats = parser.parse_args().repeats
    milliseconds = time_isolation(100)
    ninth = statistics.quantiles(milliseconds, n=10)[-1]
    print(f"isolation: {statistics.median(milliseconds):.0f} ms for each call (median of 100; nine in ten {ninth:.0f})")
    for workers in (1, 2):
        seconds, whole, fits = time_run(THOUSAND, workers)
        each = f"{seconds / fits * 1000:.0f} ms for each; the whole run {whole:.1f} s"
        print(f"{fits} trivial fits, {workers} at once: {seconds:.1f} s, {each}")
    ratios = []
    for _ in range(repeats):
        one, one_whole, fits = time_run(EQUAL, 1)
        two, two_whole, _ = time_run(EQUAL, 2)
        ratios.append(one / two)
        print(
            f"{fits} equal fits: {one:.1f} s with one worker, {two:.1f} s with two, ratio {one / two:.2f}; the whole "
            f"runs, loading and reports included, {one_whole:.1f} s and {two_whole:.1f} s"
        )
    print(f"two workers against one: {statistics.median(ratios):.2f} times as fast (median of {repeats})")


if __name__ == "__main__":
    main()
