"""What early stopping costs on few rows: nets on small samples of the training parts of many tables and series.

Run ``OMP_NUM_THREADS=1 python tests/performance/small_data.py RESULTS.jsonl [--workers N] [--models mlp …]``. It needs
the data folder (`BAKEOFF_DATA`). Each net learns from a sample of the *first* 80 % of a table's shuffled rows, or from
two thirds of a series' training part, and is scored on other rows of the same part: no test row is ever seen. Results
that stand in the file are not computed again. The table shows, by rows of the sample, how much better each rule is than
holding a tenth of the rows out: the mean over sets and seeds of the relative change of the error (1 - accuracy, or
RMSE) in percent, and the share of sets that gain; the rule in `estimators/training/automatic.py` comes from it.
"""

import argparse
import json
import multiprocessing
import random
import time
import warnings
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from published import load_series, manifest
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline
from tables import load_table

from bakeoff.estimators import make

ROWS = (50, 100, 200, 400, 800, 1600)
SEEDS = (0, 1, 2)
MOST_SCORED = 2_000
STEADY = {"early_stopping": False, "n_iter_no_change": 100_000}
GIVEN_BACK = "held out, then all"
RULES: dict[str, dict[str, Any]] = {
    "held out": {"early_stopping": True},
    GIVEN_BACK: {"early_stopping": True},
    "all epochs": STEADY,
    "all epochs, cosine": {**STEADY, "schedule": "cosine"},
    "held out, auto": {"early_stopping": True, "batch_size": "auto", "max_epochs": "auto"},
    "all epochs, auto, cosine": {**STEADY, "schedule": "cosine", "batch_size": "auto", "max_epochs": "auto"},
}
SERIES_RULES: dict[str, dict[str, Any]] = {"held out": {"early_stopping": True}, "all epochs": STEADY}
SERIES_MODELS = ("lite_time", "fcn", "inception_time", "series_resnet", "lstm_fcn", "cnn", "lstm")
Job = tuple[str, str, int, int, str]  # data, model, rows, seed, rule


def jobs(models: list[str], rows: Sequence[int] = ROWS, rules: Collection[str] = RULES) -> Iterator[Job]:
    """Yield all combinations, those of tables first."""
    for entry in manifest():
        for model in models:
            if entry["file"].startswith("tabular/") and model not in SERIES_MODELS:
                yield from (
                    (entry["name"], model, n_rows, seed, rule)
                    for n_rows in rows
                    if n_rows < 0.6 * entry["n_rows"]
                    for seed in SEEDS
                    for rule in rules
                )
            if entry["name"].startswith("ucr_") and model in SERIES_MODELS:
                n_rows = 2 * entry["standard_split"]["train_rows"][1] // 3
                yield from ((entry["name"], model, n_rows, seed, rule) for seed in SEEDS for rule in SERIES_RULES)


def run(job: Job) -> dict[str, Any]:
    """Fit one net on one sample; return the error on rows that it has not seen."""
    torch.set_num_threads(1)
    name, model, _, seed, rule = job
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        error = _error_on_series(name, model, seed, rule) if name.startswith("ucr_") else _error_on_table(*job)
    return {"job": job, "error": error, "seconds": round(time.perf_counter() - began, 2)}


def _error_on_series(name: str, model: str, seed: int, rule: str) -> float:
    X, y, shape, n_train = load_series(name)
    X, y = X[:n_train], y[:n_train]
    train, test = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))[seed % 3]
    task = "binary" if len(np.unique(y)) == 2 else "multiclass"
    pipeline = make(model, task=task, kind="series", input_shape=shape, random_state=seed)
    return 1 - float(_with_rule(pipeline, SERIES_RULES[rule]).fit(X[train], y[train]).score(X[test], y[test]))


def _error_on_table(name: str, model: str, n_rows: int, seed: int, rule: str) -> float:
    X, y, is_regression = _training_part(name)
    rows = np.arange(len(X))
    train, rest = train_test_split(rows, train_size=n_rows, random_state=seed, stratify=None if is_regression else y)
    test = rest[:MOST_SCORED]
    task = "regression" if is_regression else "binary" if len(np.unique(y)) == 2 else "multiclass"
    pipeline = _with_rule(make(model, task=task, kind="tabular", random_state=seed), RULES[rule])
    pipeline.fit(X.iloc[train], y[train])
    if rule == GIVEN_BACK:
        best = 1 + int(np.argmin(pipeline[-1].validation_loss_curve_))
        pipeline.set_params(**{f"model__{name}": value for name, value in STEADY.items()}, model__max_epochs=best)
        pipeline.fit(X.iloc[train], y[train])
    predicted = pipeline.predict(X.iloc[test])
    if is_regression:
        return float(np.sqrt(np.mean((predicted - y[test]) ** 2)))
    return float(np.mean(predicted != y[test]))


def _training_part(name: str) -> tuple[pd.DataFrame, Any, bool]:
    X, y, is_regression = load_table(name)
    rows = np.random.default_rng(0).permutation(len(X))[: int(0.8 * len(X))]
    return X.iloc[rows].reset_index(drop=True), y[rows], is_regression


def _with_rule(pipeline: Pipeline, rule: dict[str, Any]) -> Pipeline:
    return pipeline.set_params(**{f"model__{name}": value for name, value in rule.items()})


def show(results: list[dict[str, Any]]) -> None:
    """Print one line for each model, number of rows and rule."""
    fields = ("data", "model", "rows", "seed", "rule")
    frame = pd.DataFrame([{**dict(zip(fields, result["job"], strict=True)), **result} for result in results])
    frame.loc[frame["data"].str.startswith("ucr_"), "rows"] = 0
    keys = ["model", "rows", "data", "seed"]
    errors = frame.pivot_table(index=keys, columns="rule", values="error")
    change = errors.div(errors["held out"].clip(lower=1e-3), axis=0).sub(1).mul(-100).clip(-100, 100)
    change = change.groupby(keys[:3]).mean()
    print("| model | rows | sets | rule | error less by % | sets that gain |\n|---|---|---|---|---|---|")
    for (model, n_rows), part in change.groupby(level=["model", "rows"]):
        for rule in (name for name in RULES if name in part and name != "held out"):
            gains = part[rule].dropna()
            cells = (model, n_rows or "series", len(gains), rule, f"{gains.mean():.1f}", f"{(gains > 0).mean():.0%}")
            print(f"| {' | '.join(map(str, cells))} |")


def main() -> None:
    """Compute what is missing in the file of results; print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--models", nargs="+", default=["mlp", "lite_time"])
    parser.add_argument("--rows", nargs="+", type=int, default=ROWS)
    parser.add_argument("--rules", nargs="+", choices=RULES, default=list(RULES))
    given = parser.parse_args()
    results = [json.loads(line) for line in given.results.read_text().splitlines()] if given.results.exists() else []
    done = {tuple(result["job"]) for result in results}
    missing = [job for job in jobs(given.models, given.rows, given.rules) if job not in done]
    random.Random(0).shuffle(missing)  # what an interruption leaves is a fair sample
    with multiprocessing.get_context("spawn").Pool(given.workers) as pool, given.results.open("a") as file:
        for result in pool.imap_unordered(run, missing):
            results.append(result)
            file.write(json.dumps(result) + "\n")
            file.flush()
    show(results)


if __name__ == "__main__":
    main()
