"""Registered nets on images with a split of their own: default parameters, seed 0; one line of JSON for each result.

Run ``OMP_NUM_THREADS=1 python tests/performance/images.py RESULTS.jsonl MODEL… [--data mnist] [--augmented]``. It needs
the data folder (`BAKEOFF_DATA`), and for the larger nets a GPU (``--device cuda``). ``--augmented`` shifts, turns and
distorts training images a little (1 pixel, 8 degrees, 0.6 pixels, chosen on held-out training images; where the angle
is the target, nothing is turned). ``--inside N`` trains on N training images and scores 5,000 other ones, for choices
of settings. Results that stand in the file are not computed again.
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
from published import AUGMENTED, DATA, manifest

from bakeoff.estimators import make

N_SCORED = 5_000


def load_images(name: str) -> tuple[np.ndarray, np.ndarray, tuple[int, ...], int]:
    """Read flattened images in [0, 1], labels or numbers, the shape of one and the number of training rows."""
    about = next(entry for entry in manifest() if entry["name"] == name)
    with np.load(DATA / about["file"]) as file:
        X, y = file["X"], file["y"]
    shape = (1, *X.shape[1:]) if X.ndim == 3 else X.shape[1:]
    rows = X.reshape(len(X), -1).astype(np.float32)
    return rows / (255 if rows.max() > 16 else rows.max()), y, shape, about["standard_split"]["train_rows"][1]


def fit(
    name: str, model: str, *, augmented: bool = False, inside: int = 0, epochs: int = 0, device: str = "cpu"
) -> dict[str, Any]:
    """Fit one model on one set; return the test error in percent, or RMSE, and the seconds of the fit."""
    X, y, shape, n_train = load_images(name)
    rows = np.random.default_rng(0).permutation(n_train) if inside else np.arange(len(X))
    train, test = (rows[:inside], rows[inside : inside + N_SCORED]) if inside else (rows[:n_train], rows[n_train:])
    is_regression = y.dtype.kind == "f"
    params: dict[str, Any] = {**(AUGMENTED if augmented else {}), **({"max_epochs": epochs} if epochs else {})}
    if name == "mnist_rotation":
        params.pop("augment_rotation", None)
    pipeline = make(
        model,
        task="regression" if is_regression else "multiclass",
        kind="image",
        input_shape=shape,
        device=device,
        **params,
    )
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(X[train], y[train])
    seconds = time.perf_counter() - began
    predicted = pipeline.predict(X[test])
    error = np.sqrt(np.mean((predicted - y[test]) ** 2)) if is_regression else 100 * np.mean(predicted != y[test])
    return {
        "data": name,
        "model": model,
        "augmented": augmented,
        "inside": inside,
        "max_epochs": epochs,
        "epochs": getattr(pipeline[-1], "n_iter_", 0),
        "error": float(error),
        "seconds": seconds,
        "device": device,
    }


def main() -> None:
    """Compute what is missing in the file of results; print all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data", nargs="+", default=["mnist"])
    parser.add_argument("--augmented", action="store_true")
    parser.add_argument("--inside", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    lines = given.results.read_text(encoding="utf-8").splitlines() if given.results.exists() else []
    known = [{"max_epochs": 0, **json.loads(line)} for line in lines]
    asked = {"augmented": given.augmented, "inside": given.inside, "device": given.device}
    print("| data | model | augmented | epochs | error % or RMSE | seconds |\n|---|---|---|---|---|---|")
    for name in given.data:
        for model in given.models:
            this = {"data": name, "model": model, "max_epochs": given.epochs, **asked}
            row = next((row for row in known if this.items() <= row.items()), None)
            if row is None:
                row = fit(name, model, epochs=given.epochs, **asked)
                with given.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
            print(
                "| {data} | {model} | {augmented} | {epochs} | {error:.4g} | {seconds:.0f} |".format(**row), flush=True
            )


if __name__ == "__main__":
    main()
