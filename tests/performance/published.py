"""How the nets do on well-known data sets, beside what papers report; resumable, one line of JSON for each result.

Run ``OMP_NUM_THREADS=1 python tests/performance/published.py RESULTS.jsonl [NAME ...]``. It needs the data folder
(`BAKEOFF_DATA`). Results that stand in the file are not computed again. Settings were chosen on training parts alone;
each test part is looked at once, with the setting that stands here.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

from bakeoff.estimators import CNNClassifier, MLPClassifier, MLPRegressor, TokenIds
from bakeoff.estimators.preprocessing.scaling import GlobalScaler

DATA = Path(os.environ.get("BAKEOFF_DATA", Path(__file__).parents[3] / "shared" / "data"))


@dataclass(frozen=True)
class Result:
    """One result: a figure, what the literature reports, and the seconds it took."""

    name: str
    figure: str
    value: float
    published: str
    seconds: float


def steady(epochs: int, **params: Any) -> dict[str, Any]:
    """Parameters of a training that runs through all its epochs along a one-cycle schedule."""
    return {
        "schedule": "one-cycle",
        "max_epochs": epochs,
        "n_iter_no_change": epochs,
        "dtype": "float32",
        "random_state": 0,
        **params,
    }


# MNIST, 60000 training and 10000 test images
MNIST_MLP = MLPClassifier(
    hidden_layer_sizes=(800,), **steady(20, batch_size=128, learning_rate=3e-3, dropout=0.3, weight_decay=1e-5)
)
MNIST_CNN = {
    "input_shape": (1, 28, 28),
    "channels": (32, 64),
    "kernel_size": 5,
    "hidden_layer_sizes": (128,),
    "batch_norm": True,
    "dropout": 0.3,
    "optimizer": "adamw",
    "learning_rate": 5e-3,
    "weight_decay": 1e-2,
    "batch_size": 128,
}
AUGMENTED = {"augment_shift": 1.0, "augment_rotation": 8.0, "augment_elastic": 0.6}
MNIST = {
    "mlp": (MNIST_MLP, "1.6 (Simard et al. 2003)"),
    "cnn": (CNNClassifier(**steady(8, **MNIST_CNN)), "0.95 (LeNet-5, 1998)"),
    "cnn augmented": (CNNClassifier(**steady(16, **MNIST_CNN, **AUGMENTED)), "0.4 (Simard et al. 2003)"),
}

# One architecture and one setting for all series
SERIES = {
    "channels": (16, 32, 64),
    "kernel_size": 9,
    "block_depth": 2,
    "residual": True,
    "batch_norm": True,
    "pooling": "max",
    "global_pooling": "average",
    "hidden_layer_sizes": (),
    "optimizer": "adamw",
    "learning_rate": 2e-3,
    "weight_decay": 1e-2,
    "batch_size": 8,
}
RESNET = {
    "ucr_ItalyPowerDemand": 96.5,
    "ucr_GunPoint": 99.3,
    "ucr_ArrowHead": 81.1,
    "ucr_Chinatown": 97.7,
    "ucr_SyntheticControl": 99.7,
    "ucr_CBF": 99.4,
    "ucr_Coffee": 100.0,
    "ucr_ECG200": 87.0,
    "ucr_SwedishLeaf": 96.3,
    "ucr_Trace": 100.0,
    "uea_BasicMotions": 100.0,
}

# Kim 2014, CNN-rand
TEXT = CNNClassifier(
    vocabulary_size="auto",
    embedding_size=64,
    channels=(300,),
    kernel_size=(3, 4, 5),
    pooling=None,
    global_pooling="max",
    hidden_layer_sizes=(),
    dropout=0.5,
    learning_rate=2e-3,
    batch_size=50,
    max_epochs=4,
    dtype="float32",
    random_state=0,
)
TEXTS = {"trec6": "91.2", "rt_polarity": "76.1", "sms_spam": "98-99"}
FOLDS_OF_TEXT = 3  # of ten: the others would cost much and say the same

CALIFORNIA = MLPRegressor(
    hidden_layer_sizes=(256, 256, 256),
    numeric_embedding="piecewise-linear",
    n_bins=128,
    embedding_size=16,
    dropout=0.2,
    optimizer="adamw",
    learning_rate=2e-3,
    weight_decay=1e-2,
    batch_size=256,
    schedule="cosine",
    max_epochs=40,
    n_iter_no_change=16,
    dtype="float32",
    random_state=0,
)


def mnist(which: str) -> tuple[float, str]:
    """Test error of one net, in percent."""
    net, published = MNIST[which]
    with np.load(DATA / "images" / "mnist.npz") as file:
        X, y = file["X"].reshape(70000, -1).astype(np.float32) / 255, file["y"]
    pipeline = make_pipeline(GlobalScaler(), net)
    pipeline.fit(X[:60000], y[:60000])
    return 100 * (1 - pipeline.score(X[60000:], y[60000:])), published


def load_series(name: str) -> tuple[np.ndarray, np.ndarray, tuple[int, ...], int]:
    """Read flattened series, labels, the shape of one and the number of training rows."""
    with np.load(DATA / "timeseries" / f"{name}.npz") as file:
        X, y = file["X"].astype(np.float32), file["y"]
    about = next(entry for entry in manifest() if entry["name"] == name)
    shape = X.shape[1:] if X.ndim == 3 else (1, X.shape[1])
    return X.reshape(len(X), -1), y, shape, about["standard_split"]["train_rows"][1]


def manifest() -> list[dict[str, Any]]:
    """Read what the data folder says of its sets."""
    sets: list[dict[str, Any]] = json.loads((DATA / "MANIFEST.json").read_text(encoding="utf-8"))["sets"]
    return sets


def series(name: str) -> tuple[float, str]:
    """Test accuracy of the one architecture, in percent."""
    X, y, shape, n_train = load_series(name)
    pipeline = make_pipeline(GlobalScaler(), CNNClassifier(input_shape=shape, **steady(100, **SERIES)))
    pipeline.fit(X[:n_train], y[:n_train])
    return 100 * pipeline.score(X[n_train:], y[n_train:]), f"{RESNET[name]} (ResNet)"


def text(name: str) -> tuple[float, str]:
    """Test accuracy on the set's own split, or the mean of three of ten folds, in percent."""
    about = next(entry for entry in manifest() if entry["name"] == name)
    frame = pd.read_csv(DATA / about["file"], keep_default_na=False)
    X, y = frame.drop(columns=about["target"]).iloc[:, 0].to_numpy(), frame[about["target"]].to_numpy()
    if about["standard_split"]:
        n_train = about["standard_split"]["train_rows"][1]
        splits = [(np.arange(n_train), np.arange(n_train, len(X)))]
    else:
        splits = list(StratifiedKFold(10, shuffle=True, random_state=0).split(X, y))[:FOLDS_OF_TEXT]
    scores = []
    for train, test in splits:
        pipeline = make_pipeline(TokenIds(min_count=1), TEXT).fit(X[train], y[train])
        scores.append(pipeline.score(X[test], y[test]))
    return 100 * float(np.mean(scores)), f"{TEXTS[name]} (CNN-rand, Kim 2014)" if name != "sms_spam" else TEXTS[name]


def california(seed: str) -> tuple[float, str]:
    """Test RMSE on one random 64/16/20 split."""
    frame = pd.read_csv(DATA / "tabular" / "california_housing.csv.gz")
    X, y = frame.iloc[:, :-1].to_numpy(np.float32), frame.iloc[:, -1].to_numpy()
    rows = np.random.default_rng(int(seed)).permutation(len(X))
    train, held_out, test = np.split(rows, [int(0.64 * len(X)), int(0.8 * len(X))])
    net = CALIFORNIA.fit(X[train], y[train], validation_data=(X[held_out], y[held_out]))
    return float(
        np.sqrt(np.mean((net.predict(X[test]) - y[test]) ** 2))
    ), "0.4985 (MLP), 0.4530 (with embeddings, tuned)"


def jobs() -> Iterator[tuple[str, str, Callable[[], tuple[float, str]]]]:
    """Yield the name of each result, what its figure is, and what computes it."""
    for name in RESNET:
        yield name, "accuracy %", lambda name=name: series(name)
    for name in TEXTS:
        yield name, "accuracy %", lambda name=name: text(name)
    for seed in "012":
        yield f"california {seed}", "RMSE", lambda seed=seed: california(seed)
    for which in MNIST:
        yield f"mnist {which}", "error %", lambda which=which: mnist(which)


def main() -> None:
    """Compute what is missing in the file of results; print all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("names", nargs="*", help="only results whose name begins so")
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    lines = given.results.read_text(encoding="utf-8").splitlines() if given.results.exists() else []
    known = {row["name"]: row for row in map(json.loads, lines)}
    print("| data | figure | ours | published | seconds |\n|---|---|---|---|---|")
    for name, figure, compute in jobs():
        if given.names and not name.startswith(tuple(given.names)):
            continue
        if name not in known:
            began = time.perf_counter()
            value, published = compute()
            known[name] = vars(Result(name, figure, round(value, 4), published, round(time.perf_counter() - began, 1)))
            with given.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(known[name]) + "\n")
        print("| {name} | {figure} | {value:.4g} | {published} | {seconds:.0f} |".format(**known[name]), flush=True)


if __name__ == "__main__":
    main()
