"""Registered models on known texts: default parameters, seed 0; one line of JSON for each result.

Run ``OMP_NUM_THREADS=1 python tests/performance/text.py RESULTS.jsonl MODEL… [--data NAME…] [--device cuda]``. It needs
the data folder (`BAKEOFF_DATA`). Results that stand in the file are not computed again. Sets with a split of their own
are scored on it, the others on the first of ten stratified folds. Published: CNN-rand of Kim 2014 (its sst2 with the
phrases of the training sentences, which cost 2 to 4 points where they are missing), NBSVM-bi of Wang and Manning 2012.
"""

import argparse
import json
import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from published import DATA, manifest
from sklearn.model_selection import StratifiedKFold

from bakeoff.estimators import make

PUBLISHED = {"trec6": "91.2 | -", "sst2": "82.7 | -", "rt_polarity": "76.1 | 79.4"}


def load(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Read texts and labels; return them with the rows to train on and those to be scored."""
    about = next(entry for entry in manifest() if entry["name"] == name)
    frame = pd.read_csv(DATA / about["file"], keep_default_na=False)
    X, y = frame[about["text_column"]].to_numpy(), frame[about["target"]].to_numpy()
    if about["standard_split"]:
        train, test = np.split(np.arange(len(X)), [about["standard_split"]["train_rows"][1]])
    else:
        train, test = next(StratifiedKFold(10, shuffle=True, random_state=0).split(X, y))
    return X, y, train, test


def fit(name: str, model: str, device: str) -> dict[str, Any]:
    """Fit one model on one set; return its accuracy in percent, the CPU seconds and epochs of the fit."""
    X, y, train, test = load(name)
    task = "binary" if len(np.unique(y)) == 2 else "multiclass"
    pipeline = make(model, task=task, kind="text", device=device)
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(X[train], y[train])
    seconds, fitted = time.process_time() - began, pipeline[-1]
    return {
        "data": name,
        "model": model,
        "device": device,
        "accuracy": 100 * pipeline.score(X[test], y[test]),
        "cpu_s": seconds,
        "epochs": getattr(fitted, "n_iter_", None) if hasattr(fitted, "module_") else None,
        "cut": bool(getattr(fitted, "stopped_while_improving_", False)),
    }


def cell(row: dict[str, Any]) -> str:
    """Show one result."""
    epochs = f", {row['epochs']} epochs{' and cut' if row['cut'] else ''}" if row["epochs"] else ""
    return f"{row['accuracy']:.2f} ({row['cpu_s']:.0f} s{epochs})"


def main() -> None:
    """Compute what is missing in the file of results; print all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data", nargs="+", default=list(PUBLISHED))
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    lines = given.results.read_text(encoding="utf-8").splitlines() if given.results.exists() else []
    known = {(row["data"], row["model"], row["device"]): row for row in map(json.loads, lines)}
    print(f"| data | CNN-rand | NBSVM-bi | {' | '.join(given.models)} |")
    for name in given.data:
        for model in given.models:
            key = (name, model, given.device)
            if key not in known:
                known[key] = fit(*key)
                with given.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(known[key]) + "\n")
        cells = [cell(known[name, model, given.device]) for model in given.models]
        print(f"| {name} | {PUBLISHED.get(name, '- | -')} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
