"""How much faster all folds train as one program: ours batched, ours fold by fold, skorch and scikit-learn.

Run it with ``OMP_NUM_THREADS=1 python tests/performance/folds.py``; it needs skorch. Everybody trains the same
architecture from float32 rows in the same batches and epochs and with the same Adam, on one thread. Printed are medians
of process CPU seconds for ten folds, and the ratios to ours batched. ``--quick`` runs each once.
"""

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, make_regression
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.neural_network import MLPRegressor as SklearnRegressor
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier, NeuralNetRegressor
from torch import Tensor, nn

from bakeoff.estimators import (
    CNNClassifier,
    CNNRegressor,
    LSTMClassifier,
    LSTMRegressor,
    MLPClassifier,
    MLPRegressor,
    fit_folds,
)
from bakeoff.estimators.layers.recurrent import init_forget_biases

FOLDS = 10
LEARNING_RATE = 1e-3
CALIFORNIA = Path(os.environ.get("BAKEOFF_DATA", "data")) / "tabular" / "california_housing.csv.gz"
CALIFORNIA_ROWS = 4000
Splits = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Data:
    """One data set in float32, with its folds."""

    name: str
    X: np.ndarray
    y: np.ndarray
    splits: Splits
    epochs: int
    shape: tuple[int, ...]

    @property
    def is_regression(self) -> bool:
        """Whether the target is a number."""
        return self.y.dtype.kind == "f"

    @property
    def n_outputs(self) -> int:
        """Outputs of a net."""
        return 1 if self.is_regression else len(np.unique(self.y))


@dataclass(frozen=True)
class Case:
    """One architecture: our estimator's parameters, and the same as a plain module."""

    name: str
    kind: str
    batch_size: int
    params: dict[str, Any]
    build: Callable[[Data], nn.Module]
    hidden: tuple[int, ...] = field(default=())


class Recurrent(nn.Module):
    """The plain counterpart of our LSTM."""

    def __init__(self, shape: tuple[int, ...], hidden: int, n_outputs: int) -> None:
        super().__init__()
        self.shape = shape
        self.recurrence = nn.LSTM(shape[0] * (shape[2] if len(shape) > 2 else 1), hidden, batch_first=True)
        init_forget_biases(self.recurrence)  # as ours start
        self.head = nn.Linear(hidden, n_outputs)

    def forward(self, rows: Tensor) -> Tensor:
        """Return outputs of flattened rows."""
        steps = rows.unflatten(1, self.shape).transpose(1, 2).flatten(2)
        return self.head(self.recurrence(steps)[0][:, -1])


def plain_mlp(hidden: tuple[int, ...]) -> Callable[[Data], nn.Module]:
    """Build a plain perceptron for a data set."""

    def build(data: Data) -> nn.Module:
        layers: list[nn.Module] = []
        width = data.X.shape[1]
        for size in hidden:
            layers += [nn.Linear(width, size), nn.ReLU()]
            width = size
        return nn.Sequential(*layers, nn.Linear(width, data.n_outputs))

    return build


def plain_cnn(data: Data) -> nn.Module:
    """Build a plain convolutional net for a data set."""
    conv, pool = (nn.Conv2d, nn.MaxPool2d) if len(data.shape) == 3 else (nn.Conv1d, nn.MaxPool1d)
    layers: list[nn.Module] = [nn.Unflatten(1, data.shape)]
    depth, sides = data.shape[0], list(data.shape[1:])
    for channels in (8, 16):
        layers += [conv(depth, channels, 3, padding=1), nn.ReLU(), pool(2)]
        depth, sides = channels, [side // 2 for side in sides]
    width = depth * int(np.prod(sides))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, data.n_outputs))


CASES = (
    Case("MLP 64-64", "MLP", 64, {"hidden_layer_sizes": (64, 64)}, plain_mlp((64, 64)), (64, 64)),
    Case("MLP 64-64", "MLP", 256, {"hidden_layer_sizes": (64, 64)}, plain_mlp((64, 64)), (64, 64)),
    Case("MLP 256-256", "MLP", 256, {"hidden_layer_sizes": (256, 256)}, plain_mlp((256, 256)), (256, 256)),
    Case("CNN 8-16", "CNN", 64, {"channels": (8, 16), "hidden_layer_sizes": (64,)}, plain_cnn),
    Case("LSTM 32", "LSTM", 64, {"hidden_size": 32}, lambda data: Recurrent(data.shape, 32, data.n_outputs)),
)
OURS = {
    "MLP": (MLPClassifier, MLPRegressor),
    "CNN": (CNNClassifier, CNNRegressor),
    "LSTM": (LSTMClassifier, LSTMRegressor),
}


def load_data() -> Iterator[Data]:
    """Load the data sets; a synthetic of its size stands in for California housing where the data folder lacks it."""
    X, y = load_digits(return_X_y=True)
    yield prepare("digits", X, y, epochs=20, shape=(1, 8, 8))
    X, y = load_breast_cancer(return_X_y=True)
    yield prepare("breast cancer", X, y, epochs=20, shape=(1, X.shape[1]))
    if CALIFORNIA.exists():
        frame = pd.read_csv(CALIFORNIA)
        X, y = frame.drop(columns="target").to_numpy(), frame["target"].to_numpy()
        name = "California"
    else:
        X, y = make_regression(20640, 8, noise=10.0, random_state=0)
        name = "California's size"
    rows = np.random.default_rng(0).permutation(len(X))[:CALIFORNIA_ROWS]
    yield prepare(name, X[rows], y[rows], epochs=5, shape=(1, 8))


def prepare(name: str, X: np.ndarray, y: np.ndarray, epochs: int, shape: tuple[int, ...]) -> Data:
    """Scale the rows and cut the folds."""
    X = StandardScaler().fit_transform(X).astype(np.float32)
    regression = y.dtype.kind == "f"
    if regression:
        y = ((y - y.mean()) / y.std()).astype(np.float32)
    splitter = (KFold if regression else StratifiedKFold)(FOLDS, shuffle=True, random_state=0)
    return Data(name, X, y, list(splitter.split(X, y)), epochs, shape)


def ours(data: Data, case: Case) -> Any:
    """Build our estimator; it runs through all epochs, as the others do."""
    kind = OURS[case.kind][data.is_regression]
    shape = {} if case.kind == "MLP" else {"input_shape": data.shape}
    return kind(
        **case.params,
        **shape,
        learning_rate=LEARNING_RATE,
        batch_size=case.batch_size,
        max_epochs=data.epochs,
        n_iter_no_change=data.epochs,
        random_state=0,
    )


def fit_batched(data: Data, case: Case) -> list[Any]:
    """Ours, all folds as one program."""
    return fit_folds(ours(data, case), data.X, data.y, data.splits)


def fit_one_by_one(data: Data, case: Case) -> list[Any]:
    """Ours, fold by fold."""
    return [ours(data, case).fit(data.X[train], data.y[train]) for train, _ in data.splits]


def fit_skorch(data: Data, case: Case) -> list[Any]:
    """Skorch, fold by fold."""
    kind = NeuralNetRegressor if data.is_regression else NeuralNetClassifier
    criterion = nn.MSELoss if data.is_regression else nn.CrossEntropyLoss
    y = data.y[:, None] if data.is_regression else data.y.astype(np.int64)
    fitted = []
    for train, _ in data.splits:
        torch.manual_seed(0)
        net = kind(
            case.build(data),
            criterion=criterion,
            optimizer=torch.optim.Adam,
            lr=LEARNING_RATE,
            batch_size=case.batch_size,
            iterator_train__shuffle=True,
            max_epochs=data.epochs,
            train_split=None,
            verbose=0,
        )
        fitted.append(net.fit(data.X[train], y[train]))
    return fitted


def fit_sklearn(data: Data, case: Case) -> list[Any] | None:
    """scikit-learn's own perceptron, where the case is one."""
    if not case.hidden:
        return None
    net = (SklearnRegressor if data.is_regression else SklearnClassifier)(
        hidden_layer_sizes=case.hidden,
        alpha=0.0,
        learning_rate_init=LEARNING_RATE,
        batch_size=case.batch_size,
        max_iter=data.epochs,
        n_iter_no_change=data.epochs + 1,
        random_state=0,
    )
    return [clone(net).fit(data.X[train], data.y[train]) for train, _ in data.splits]


RUNNERS: dict[str, Callable[[Data, Case], list[Any] | None]] = {
    "batched": fit_batched,
    "fold by fold": fit_one_by_one,
    "skorch": fit_skorch,
    "scikit-learn": fit_sklearn,
}


def score(data: Data, fitted: list[Any]) -> np.ndarray:
    """Accuracy or R² of each fold on its test rows."""
    scores = []
    for net, (_, test) in zip(fitted, data.splits, strict=True):
        predicted, true = np.ravel(net.predict(data.X[test])), data.y[test]
        scores.append(
            1 - np.mean((predicted - true) ** 2) / np.var(true) if data.is_regression else np.mean(predicted == true)
        )
    return np.array(scores)


def measure(data: Data, case: Case, repeats: int) -> dict[str, tuple[float, np.ndarray] | None]:
    """Median CPU seconds of each runner, and the scores of its folds; the runners take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in RUNNERS}
    scores: dict[str, np.ndarray] = {}
    for _ in range(repeats):
        for name, run in RUNNERS.items():
            began = time.process_time()
            fitted = run(data, case)
            if fitted is not None:
                seconds[name].append(time.process_time() - began)
                scores[name] = score(data, fitted)
    return {name: (statistics.median(times), scores[name]) if times else None for name, times in seconds.items()}


def describe(results: dict[str, tuple[float, np.ndarray] | None]) -> str:
    """One row of the table: seconds of ours batched, ratios of the others, scores with their standard errors."""
    reference = results["batched"]
    assert reference is not None
    cells = [f"{reference[0]:.2f} s"]
    cells += ["-" if result is None else f"{result[0] / reference[0]:.1f}" for result in list(results.values())[1:]]
    means = ["-" if result is None else f"{result[1].mean():.3f}" for result in results.values()]
    error = reference[1].std(ddof=1) / np.sqrt(FOLDS)
    return " | ".join([*cells, f"{' '.join(means)} (±{error:.3f})"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only data sets whose name begins so")
    parser.add_argument("--quick", action="store_true", help="each once")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    began = time.time()
    print("| data | net | batch | batched | fold by fold | skorch | scikit-learn | score: in this order (s.e.) |")
    print("|---|---|---|---|---|---|---|---|")
    for data in load_data():
        if given.names and not data.name.startswith(tuple(given.names)):
            continue
        for case in CASES:
            for run in (fit_batched, fit_one_by_one):
                run(Data(data.name, data.X, data.y, data.splits[:2], 1, data.shape), case)  # lazy imports
            row = describe(measure(data, case, 1 if given.quick else 3))
            print(f"| {data.name} | {case.name} | {case.batch_size} | {row} |", flush=True)
    print(f"\n{time.time() - began:.0f} s in all; torch {torch.__version__}, one thread")


if __name__ == "__main__":
    main()
