"""Real data sets, where there are any: they load, and known models reach known scores."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bakeoff.api import run_suite
from bakeoff.datasets import load

# name -> (target, model, metric, low, high): bounds around what scikit-learn's own cross-validation gives on the files.
KNOWN = {
    "titanic1309": ("survived", "logistic", "accuracy", 0.76, 0.82),
    "german_credit": (None, "random_forest", "accuracy", 0.73, 0.79),
    "pima_diabetes": (None, "logistic", "roc_auc", 0.80, 0.86),
    "ionosphere": (None, "hist_gradient_boosting", "roc_auc", 0.94, 0.99),
    "auto_mpg": (None, "random_forest", "rmse", 2.3, 3.1),
    "insurance": ("charges", "hist_gradient_boosting", "rmse", 4300, 5300),
}


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what the data folder says of its tabular sets that have one target, by name."""
    sets = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))["sets"]
    return {entry["name"]: entry for entry in sets if entry["modality"] == "tabular" and "target" in entry}


@pytest.mark.slow
def test_every_table_loads(data_folder: Path) -> None:
    """Each table is read with its task and its number of rows, and twice with the same digest."""
    tables = read_manifest(data_folder)
    assert len(tables) > 10
    for name, about in tables.items():
        path = data_folder / about["file"]
        task = "regression" if about["task"] == "regression" else None
        dataset = load(path, target=about["target"], task=task)
        assert len(dataset.y) == about["n_rows"], name
        assert (dataset.task == "regression") == (about["task"] == "regression"), name
        assert load(path, target=about["target"], task=task).digest == dataset.digest


@pytest.mark.slow
def test_known_models_reach_known_scores(data_folder: Path, tmp_path: Path) -> None:
    """On real tables the mean scores lie where scikit-learn's own cross-validation puts them."""
    tables = read_manifest(data_folder)
    for name, (target, model, metric, low, high) in KNOWN.items():
        about = tables[name]
        data = {"file": str(data_folder / about["file"]), "target": target or about["target"]}
        suite = {"name": name, "datasets": [data], "models": [model], "variants": ["default"]}
        board = run_suite(suite, out=tmp_path / name, tracking=False).leaderboard
        value = board["mean"].iloc[0] if board["metric"].iloc[0] == metric else board[f"metrics.{metric}"].iloc[0]
        assert low < value < high, f"{name} {model} {metric} {value}"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("ucr_GunPoint", 96.3), ("ucr_ItalyPowerDemand", 93.5), ("trec6", 89.0)])
def test_nets_reach_published_results(data_folder: Path, tmp_path: Path, name: str, least: float) -> None:
    """The script of published results computes a figure near the literature's, and then finds it recorded."""
    script = Path(__file__).parents[1] / "performance" / "published.py"
    command = [sys.executable, str(script), str(tmp_path / "results.jsonl"), name]
    environment = {**os.environ, "BAKEOFF_DATA": str(data_folder), "OMP_NUM_THREADS": "1"}
    for _ in range(2):
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=900)
    (line,) = (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["value"] >= least
