"""What a report of a large run costs: made from synthetic records, predictions and trials, with nothing fitted.

python tests/performance/report.py [--datasets 30] [--models 12] [--folds 10] [--keep FOLDER]
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bakeoff.records.record import Record
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports import write_reports

ROWS, TRIALS = 60, 20
METRICS = {
    name: {"greater_is_better": name != "log_loss", "tasks": ["binary"]} for name in ("roc_auc", "accuracy", "log_loss")
}
ABOUT = {
    "task": "binary",
    "kind": "table",
    "rows": 600,
    "features": 8,
    "classes": 2,
    "positive": "1",
    "digest": "d" * 64,
    "scheme": "stratified",
    "primary": "roc_auc",
    "licence": "CC0",
    "source": "made",
    "notes": [],
}


def main() -> None:
    """Build, time and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, number in (("datasets", 30), ("models", 12), ("folds", 10)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--keep", type=Path, help="write the run there, for a browser")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = build_run(asked.keep or Path(scratch) / "run", asked.datasets, asked.models, asked.folds)
        began = time.perf_counter()
        write_reports(folder)
        size = folder.html.stat().st_size / 2**20
        print(
            f"{asked.datasets} data sets x {asked.models} models x {asked.folds} folds: reports written in "
            f"{time.perf_counter() - began:.1f} s, report.html {size:.1f} MB"
        )


def build_run(path: Path, n_datasets: int, n_models: int, n_folds: int) -> RunFolder:
    """Write the folder of a run of tuned models, a third of them deep, with a tenth of the fits failed."""
    folder, random = RunFolder(path), np.random.default_rng(0)
    folder.create()
    models = [
        ("dummy", "classical"),
        *((f"model_{n}", "deep" if n % 3 == 0 else "classical") for n in range(1, n_models)),
    ]
    datasets = [f"data_{number}" for number in range(n_datasets)]
    fits: list[dict[str, Any]] = [
        {
            "dataset": dataset,
            "model": model,
            "family": family,
            "variant": "tuned",
            "repeat": 0,
            "fold": fold,
            "train_fraction": 1.0,
        }
        for dataset in datasets
        for model, family in models
        for fold in range(n_folds)
    ]
    for number, fit in enumerate(fits):
        fit["fit"] = f"{number:016x}"
    folder.write_json(
        "plan.json", {"fits": fits, "skips": [], "datasets": dict.fromkeys(datasets, ABOUT), "metrics": METRICS}
    )
    folder.write_json("provenance.json", {"run": "made", "seed": 0, "versions": {"numpy": np.__version__}})
    folder.suite_file.write_text(yaml.safe_dump({"name": "large", "variants": ["tuned"], "outer_folds": n_folds}))
    skill = {model: random.normal(1, 0.3) if model != "dummy" else 0.0 for model, _ in models}
    folder.write_records([_make(folder, fit, skill[fit["model"]], random) for fit in fits])
    return folder


def _make(folder: RunFolder, fit: dict[str, Any], skill: float, random: np.random.Generator) -> Record:
    """Write what a fit leaves, and return its record."""
    failed = fit["model"] != "dummy" and random.random() < 0.1 and fit["fold"] == 0
    y = np.arange(ROWS) % 2
    chances = 1 / (1 + np.exp(-(skill * (2 * y - 1) + random.normal(size=ROWS))))
    cost = float(random.lognormal(0, 1))
    if not failed:
        _write_details(folder, fit["fit"], fit["family"], y, chances, random)
    score = float(np.mean(chances[y == 1][:, None] > chances[y == 0]))
    return Record(
        **fit,
        study=fit["fit"],
        cell=fit["fit"],
        data_digest="d" * 64,
        split_digest=str(fit["fold"]),
        task="binary",
        kind="table",
        status="timeout" if failed else "ok",
        reason="ran for more than 60 s" if failed else "",
        metrics={} if failed else {"roc_auc": score, "accuracy": score, "log_loss": 1 - score},
        diagnostics={
            "fit_s": cost,
            "cpu_s": 20 * cost,
            "tune_s": 19 * cost,
            "predict_s": cost / 100,
            "peak_mb": 40 * cost,
            "train_rows": 9 * ROWS,
            "test_rows": ROWS,
            "trials": TRIALS,
            "inner_score": score,
            "inner_metric": "roc_auc",
            "default_score": score - 0.01,
        },
    )


def _write_details(
    folder: RunFolder, fit: str, family: str, y: np.ndarray, chances: np.ndarray, random: np.random.Generator
) -> None:
    scores = np.column_stack([1 - chances, chances])
    told = {"rows": np.arange(ROWS), "y_true": y, "y_pred": (chances > 0.5).astype(int), "classes": np.arange(2)}
    folder.write_predictions(fit, {**told, "scores": scores, "scores_are_probabilities": np.asarray(True)})
    trials = [
        {
            "number": n,
            "state": "complete",
            "value": float(random.random()),
            "seconds": 1.0,
            "suggested": {"depth": int(random.integers(1, 20)), "rate": float(random.random())},
        }
        for n in range(TRIALS)
    ]
    folder.write_trials(fit, trials)
    if family == "deep":
        folder.write_json(f"curves/{fit}.json", {"training": [1 / n for n in range(1, 31)]})


if __name__ == "__main__":
    main()
