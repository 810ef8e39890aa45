"""Registered models on known series: own split, default parameters, seed 0; one line of JSON for each result.

Run ``OMP_NUM_THREADS=1 python tests/performance/series.py RESULTS.jsonl MODEL…``. It needs the data folder
(`BAKEOFF_DATA`). Results that stand in the file are not computed again; the last row is the mean over the sets that all
models have. Published figures are those of the archive's resample 0.
"""

import argparse
import json
import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from published import load_series

from bakeoff.estimators import make

# ResNet, InceptionTime, LITETime, MultiRocket-Hydra; PLAID has no published figures of them.
PUBLISHED = {
    "ucr_Chinatown": (97.7, 98.5, 99.1, 98.0),
    "ucr_ItalyPowerDemand": (96.5, 96.6, 96.4, 96.7),
    "ucr_CBF": (99.4, 99.9, 99.9, 99.6),
    "ucr_ArrowHead": (81.1, 86.3, 82.9, 86.3),
    "ucr_Coffee": (100.0, 100.0, 100.0, 100.0),
    "ucr_GunPoint": (99.3, 100.0, 100.0, 100.0),
    "ucr_ECG200": (87.0, 91.0, 91.0, 92.0),
    "ucr_Trace": (100.0, 100.0, 100.0, 100.0),
    "ucr_SyntheticControl": (99.7, 99.7, 100.0, 99.7),
    "ucr_SwedishLeaf": (96.3, 97.0, 96.3, 97.9),
}
UNPUBLISHED = ("uea_BasicMotions", "ucr_PLAID")


def fit(name: str, model: str, device: str = "cpu") -> dict[str, Any]:
    """Fit one model on one set; return its test accuracy in percent and the process's seconds for the fit."""
    X, y, shape, n_train = load_series(name)
    task = "binary" if len(np.unique(y)) == 2 else "multiclass"
    pipeline = make(model, task=task, kind="series", input_shape=shape, device=device)
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(X[:n_train], y[:n_train])
    seconds = time.process_time() - began
    return {"data": name, "model": model, "accuracy": 100 * pipeline.score(X[n_train:], y[n_train:]), "cpu_s": seconds}


def main() -> None:
    """Compute what is missing in the file of results; print all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    lines = given.results.read_text(encoding="utf-8").splitlines() if given.results.exists() else []
    known = {(row["data"], row["model"]): row for row in map(json.loads, lines)}
    print(f"| data | ResNet | InceptionTime | LITETime | MR-Hydra | {' | '.join(given.models)} |")
    for name in [*PUBLISHED, *UNPUBLISHED]:
        for model in given.models:
            if (name, model) not in known:
                known[name, model] = fit(name, model, given.device)
                with given.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(known[name, model]) + "\n")
        cells = [f"{row['accuracy']:.2f} ({row['cpu_s']:.0f} s)" for row in (known[name, m] for m in given.models)]
        published = [f"{value:.1f}" for value in PUBLISHED.get(name, ())] or ["-"] * 4
        print(f"| {name} | {' | '.join([*published, *cells])} |", flush=True)
    means = [np.mean([known[name, model]["accuracy"] for name in PUBLISHED]) for model in given.models]
    row = [*np.mean(list(PUBLISHED.values()), axis=0), *means]
    print(f"| mean of the {len(PUBLISHED)} published | {' | '.join(f'{value:.2f}' for value in row)} |")


if __name__ == "__main__":
    main()
