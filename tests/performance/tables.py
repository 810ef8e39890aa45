"""Registered nets on known tables: a random 64/16/20 split, default parameters; one line of JSON for each result.

Run ``OMP_NUM_THREADS=1 python tests/performance/tables.py RESULTS.jsonl MODEL… [--data NAME…] [--seeds 0 1]``. It needs
the data folder (`BAKEOFF_DATA`). The 16 % decide when to stop, as in the published protocol; the 20 % are scored once.
``--inside`` divides the other 80 % in the same way, for choices of settings (``--params '{"width": 64}'``): it sees no
test row. Results that stand in the file are not computed again. The last line has the mean rank of each model.
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

from bakeoff.estimators import make

# TALENT (Ye et al. 2024), tuned, mean of 15 splits: accuracy in percent, or RMSE. MLP, ResNet, RealMLP.
# California: Gorishniy et al. 2021 and 2025 (MLP, ResNet, TabM).
PUBLISHED = {
    "bank_marketing": "MLP 90.52, ResNet 90.60, RealMLP 90.95",
    "telco_churn": "MLP 79.36, ResNet 79.56, RealMLP 79.95",
    "german_credit": "MLP 73.30, ResNet 75.77, RealMLP 74.43",
    "spambase": "MLP 93.86, ResNet 93.91, RealMLP 94.35",
    "pima_diabetes": "MLP 76.06, ResNet 74.94, RealMLP 74.03",
    "letter": "MLP 97.45, ResNet 97.98, RealMLP 98.36",
    "california_housing": "MLP 0.4948, ResNet 0.4856, TabM 0.4414, with embeddings 0.4275",
    "california_housing_raw": "MLP 52000, ResNet 50440, RealMLP 46780",
    "abalone": "MLP 2.119, ResNet 2.089, RealMLP 2.121",
    "wine_quality_red": "MLP 0.6693, ResNet 0.6601, RealMLP 0.6617",
    "insurance": "MLP 5049, ResNet 4790, RealMLP 4658",
}


def names_of_tables() -> list[str]:
    """Return the names of all tables of the data folder."""
    return [entry["name"] for entry in manifest() if entry["file"].startswith("tabular/")]


def load_table(name: str) -> tuple[pd.DataFrame, Any, bool]:
    """Read a table, its target, and whether that is a number."""
    about = next(entry for entry in manifest() if entry["name"] == name)
    frame = pd.read_csv(DATA / about["file"], keep_default_na=False, na_values=[""])
    y = frame.pop(about["target"]).to_numpy()
    return frame.drop(columns="name", errors="ignore"), y, about["task"] == "regression"


def divide(n_rows: int, seed: int, *, inside: bool) -> list[np.ndarray]:
    """Return the rows to train on, to stop by and to score: 64, 16 and 20 %, of all or inside the first two parts."""
    rows = np.random.default_rng(seed).permutation(n_rows)
    rows = rows[: int(0.8 * n_rows)] if inside else rows
    return np.split(rows, [int(0.64 * len(rows)), int(0.8 * len(rows))])


def fit(
    name: str,
    model: str,
    seed: int = 0,
    *,
    inside: bool = False,
    params: dict[str, Any] | None = None,
    device: str = "cpu",
) -> dict[str, Any]:
    """Fit one model on one table; return accuracy in percent or RMSE, and the process's seconds for the fit."""
    X, y, is_regression = load_table(name)
    train, held_out, test = divide(len(X), seed, inside=inside)
    task = "regression" if is_regression else "binary" if len(np.unique(y)) == 2 else "multiclass"
    pipeline = make(model, task=task, kind="tabular", random_state=seed, device=device, **(params or {}))
    both = np.concatenate([train, held_out])
    began, began_wall = time.process_time(), time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(X.iloc[both], y[both], model__validation_rows=np.arange(len(train), len(both)))
    seconds, wall = time.process_time() - began, time.perf_counter() - began_wall
    predicted = pipeline.predict(X.iloc[test])
    wrong = predicted - y[test] if is_regression else predicted != y[test]
    score = float(np.sqrt(np.mean(wrong**2))) if is_regression else 100 * float(1 - np.mean(wrong))
    return {
        "data": name,
        "model": model,
        "seed": seed,
        "inside": inside,
        "params": params or {},
        "score": score,
        "smaller_is_better": is_regression,
        "epochs": getattr(pipeline[-1], "n_iter_", 0),
        "rows": len(train),
        "cpu_s": seconds,
        "wall_s": wall,
    }


def show(results: list[dict[str, Any]]) -> None:
    """Print the mean score of each model on each table, and each model's mean rank over the tables that all have."""
    frame = pd.DataFrame(results)
    scores = frame.pivot_table(index="data", columns="model", values="score")
    better = frame.groupby("data")["smaller_is_better"].first().map({True: 1, False: -1})
    ranks = scores.mul(better, axis=0).dropna().rank(axis=1)
    print(f"| data | {' | '.join(scores.columns)} | published |\n|{'---|' * (len(scores.columns) + 2)}")
    for name, row in scores.iterrows():
        print(f"| {name} | {' | '.join(f'{value:.4g}' for value in row)} | {PUBLISHED.get(str(name), '-')} |")
    print(f"| mean rank over {len(ranks)} | {' | '.join(f'{value:.2f}' for value in ranks.mean())} | - |")


def main() -> None:
    """Compute what is missing in the file of results; print all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data", nargs="+", default=None)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--inside", action="store_true")
    parser.add_argument("--params", type=json.loads, default={})
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    lines = given.results.read_text(encoding="utf-8").splitlines() if given.results.exists() else []
    results = [json.loads(line) for line in lines]
    keys = ("data", "model", "seed", "inside", "params")
    known = [[row[key] for key in keys] for row in results]
    for name in given.data or names_of_tables():
        for model in given.models:
            for seed in given.seeds:
                if [name, model, seed, given.inside, given.params] in known:
                    continue
                row = fit(name, model, seed, inside=given.inside, params=given.params, device=given.device)
                results.append(row)
                with given.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
    chosen = [row for row in results if row["inside"] == given.inside and row["params"] == given.params]
    show([row for row in chosen if row["model"] in given.models])


if __name__ == "__main__":
    main()
