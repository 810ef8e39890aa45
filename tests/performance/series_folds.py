"""How much faster five folds of ensembles of nets for series train as one program than net by net.

Run ``OMP_NUM_THREADS=1 python tests/performance/series_folds.py [--quick]``. The same nets see the same rows, batches
and epochs: members of all folds side by side, the folds one after another with their members side by side, and net
by net. Printed are medians of three of the process's CPU seconds, and ratios to the first.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.model_selection import KFold

from bakeoff.estimators import InceptionTimeClassifier, LITETimeClassifier, fit_folds

FOLDS = 5
STEADY: dict[str, Any] = {"dtype": "float32", "random_state": 0, "batch_size": 8}
# name, net, rows, steps of a series, epochs
CASES = (
    ("InceptionTime", InceptionTimeClassifier(max_epochs=2, **STEADY), 50, 64),
    ("InceptionTime", InceptionTimeClassifier(max_epochs=1, **STEADY), 50, 256),
    ("LITETime", LITETimeClassifier(max_epochs=6, **STEADY), 50, 64),
    ("LITETime", LITETimeClassifier(max_epochs=3, **STEADY), 50, 256),
)


def cpu_seconds(train: Callable[..., None], *arguments: Any, times: int) -> float:
    """Return the median of the process's seconds."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            train(*arguments)
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def together(net: Any, X: np.ndarray, y: np.ndarray) -> None:
    """Train members and folds side by side."""
    fit_folds(net, X, y, list(KFold(FOLDS).split(X)))


def by_fold(net: Any, X: np.ndarray, y: np.ndarray) -> None:
    """Train the folds one after another, the members of each side by side."""
    for train, _ in KFold(FOLDS).split(X):
        clone(net).fit(X[train], y[train])


def by_net(net: Any, X: np.ndarray, y: np.ndarray) -> None:
    """Train net by net."""
    for seed in range(net.n_members):
        by_fold(clone(net).set_params(n_members=1, random_state=seed), X, y)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="each once")
    times = 1 if parser.parse_args().quick else 3
    torch.set_num_threads(1)
    print("| net | steps | together, s | fold by fold | net by net |\n|---|---|---|---|---|")
    for name, net, n_rows, n_steps in CASES:
        X = np.random.default_rng(0).normal(size=(n_rows, n_steps)).astype(np.float32)
        y = np.arange(n_rows) % 2
        mine, *others = (cpu_seconds(train, net, X, y, times=times) for train in (together, by_fold, by_net))
        print(f"| {name} | {n_steps} | {mine:.2f} | {' | '.join(f'{t / mine:.2f}' for t in others)} |", flush=True)


if __name__ == "__main__":
    main()
