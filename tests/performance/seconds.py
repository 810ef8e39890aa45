"""What one fit of each registered model costs: CPU seconds of its default parameters, by kind of data and rows.

Run ``OMP_NUM_THREADS=1 python tests/performance/seconds.py RESULTS.jsonl [--rows 1000 10000] [--kinds tabular]``. Data
are made: two classes that overlap, tables of 20 columns, series of 128 steps, images of 28 x 28 pixels. Models that do
not take so many rows without a GPU are left out, as a plan would. Results that stand in the file are not computed
again; a fit that takes more than ``--limit`` seconds (600) is noted as such, its process ended.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import make_classification

from bakeoff.estimators import make
from bakeoff.estimators.models.registry import get_spec, model_names
from bakeoff.isolation.outcome import ResourceLimits
from bakeoff.isolation.parent import run_isolated

SHAPES: dict[str, tuple[int, ...] | None] = {"tabular": None, "series": (1, 128), "image": (1, 28, 28)}
N_COLUMNS = 20
MEMORY = 8 * 2**30


def draw(kind: str, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Make rows of two classes that a tenth of wrong labels keeps from being told apart."""
    n_columns = int(np.prod(SHAPES[kind] or N_COLUMNS))
    X, y = make_classification(n_rows, n_columns, n_informative=10, flip_y=0.1, random_state=0)
    return X.astype(np.float32), y


def fit(kind: str, model: str, n_rows: int) -> float:
    """Fit; return the CPU seconds."""
    torch.set_num_threads(1)
    X, y = draw(kind, n_rows)
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make(model, task="binary", kind=kind, input_shape=SHAPES[kind]).fit(X, y)
    return time.process_time() - began


def seconds_of(kind: str, model: str, n_rows: int, limit: float) -> float | str:
    """Return the CPU seconds of a fit in a process of its own, or why there are none."""
    outcome = run_isolated(fit, kind, model, n_rows, limits=ResourceLimits(seconds=limit, memory=MEMORY, threads=1))
    if outcome.status == "timeout":
        return f"over {limit:.0f}"
    return float(outcome.value) if outcome.status == "ok" else outcome.reason


def main() -> None:
    """Compute what is missing in the file of results; print a table for each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--rows", nargs="+", type=int, default=[1_000, 10_000])
    parser.add_argument("--kinds", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--limit", type=float, default=600)
    given = parser.parse_args()
    lines = given.results.read_text(encoding="utf-8").splitlines() if given.results.exists() else []
    known = {tuple(row["fit"]): row["seconds"] for row in map(json.loads, lines)}
    for kind in given.kinds:
        print(f"\n| {kind} | {' | '.join(f'{n:,} rows' for n in given.rows)} |\n|{'---|' * (len(given.rows) + 1)}")
        for name in model_names():
            spec = get_spec(name)
            if kind not in spec.kinds or "binary" not in spec.tasks or not spec.is_installed or spec.pretrained:
                continue
            cells = []
            for n_rows in given.rows:
                if spec.why_not("binary", kind, n_rows, device="cpu"):  # type: ignore[arg-type]
                    cells.append("-")
                    continue
                if (kind, name, n_rows) not in known:
                    found = known[kind, name, n_rows] = seconds_of(kind, name, n_rows, given.limit)
                    with given.results.open("a", encoding="utf-8") as file:
                        file.write(json.dumps({"fit": (kind, name, n_rows), "seconds": found}) + "\n")
                value = known[kind, name, n_rows]
                cells.append(f"{value:.1f}" if isinstance(value, float) else value)
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
