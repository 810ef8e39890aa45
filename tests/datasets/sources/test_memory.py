"""Data sets from memory: frames of every library, sparse matrices, and weights that count in fits and scores."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from bakeoff.api import run_suite
from bakeoff.datasets import load
from bakeoff.errors import UserError

COLUMNS = {"size": [1.0, 2.0, None, 4.0], "colour": ["red", None, "blue", "red"], "y": ["a", "b", "a", "b"]}


@pytest.mark.parametrize("build", [pd.DataFrame, pl.DataFrame, pa.table])
def test_frames_of_every_library(build: Any) -> None:
    """pandas, polars and Arrow give the same data set, with the target as a column or apart."""
    wanted = load(pd.DataFrame(COLUMNS), target="y")
    dataset = load(build(COLUMNS), target="y")
    assert dataset.digest == wanted.digest
    assert dataset.categorical == ("colour",)
    features = {name: values for name, values in COLUMNS.items() if name != "y"}
    assert load(build(features), COLUMNS["y"]).digest == wanted.digest


@pytest.mark.parametrize("build", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
def test_sparse(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sparse matrix becomes a table with its zeros, unless that would fill the memory."""
    X = np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 0.0], [3.0, 4.0]])
    dataset = load(build(X), [0, 1, 0, 1])
    np.testing.assert_array_equal(dataset.X, X)
    monkeypatch.setattr("bakeoff.datasets.sources.memory.MAX_FREE_MEMORY_FRACTION", 1e-12)
    with pytest.raises(UserError, match="reduce its columns first"):
        load(build(X), [0, 1, 0, 1])


def test_without_target() -> None:
    """Rows without targets are refused: an array, and a frame whose target is not named."""
    with pytest.raises(UserError, match="has no y"):
        load(np.zeros((4, 2)))
    with pytest.raises(UserError, match="needs a target"):
        load(pd.DataFrame(COLUMNS))
    with pytest.raises(UserError, match="images and series are numbers"):
        load(np.array([["a", "b"]] * 4), [0, 1, 0, 1], kind="series")


def weighted_csv(folder: Path) -> tuple[Path, pd.DataFrame]:
    """Write a table whose second half counts for nothing and says the opposite."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    x = y + rng.normal(0, 0.3, 200)
    x[100:] *= -1
    frame = pd.DataFrame({"x": x.round(6), "weight": np.where(np.arange(200) < 100, 1.0 + np.arange(200) % 3, 0.0)})
    frame["y"] = y
    path = folder / "weighted.csv"
    frame.to_csv(path, index=False)
    return path, frame


def test_weights_count_in_fits_and_scores(tmp_path: Path) -> None:
    """Rows of weight zero neither teach nor judge; a model that takes no weights says so and is judged alike."""
    path, frame = weighted_csv(tmp_path)
    content = {
        "name": "w",
        "datasets": [{"file": str(path), "target": "y", "weights": "weight"}],
        "models": ["logistic", "mlp", "knn"],
        "tuning": {"trials": 2},
        "caps": {"epochs": 20},
        "outer_folds": 2,
        "inner_folds": 2,
    }
    result = run_suite(content, out=tmp_path / "run", tracking=False)
    assert not len(result.failures)
    board = result.leaderboard.set_index(["model", "variant"])
    assert board.loc[("logistic", "default"), "mean"] > 0.95
    assert board.loc[("mlp", "tuned"), "mean"] > 0.95
    records = {
        (record.model, record.variant, record.fold): record for record in result.folder.read_records()[0].values()
    }
    record = records["logistic", "default", 0]
    arrays = result.folder.read_predictions(record.fit)
    weights = frame["weight"].to_numpy()[arrays["rows"]]
    np.testing.assert_array_equal(arrays["weights"], weights)
    scores = arrays["scores"][:, 1]
    for name, value in (
        ("accuracy", accuracy_score(arrays["y_true"], arrays["y_pred"], sample_weight=weights)),
        ("roc_auc", roc_auc_score(arrays["y_true"], scores, sample_weight=weights)),
        ("log_loss", log_loss(arrays["y_true"], scores, sample_weight=weights)),
        ("brier", np.average((arrays["y_true"] - scores) ** 2, weights=weights)),
    ):
        assert record.metrics[name] == pytest.approx(value), name
    told = records["knn", "default", 0].diagnostics["warnings"]
    assert any("takes no sample weights" in warning for warning in told)
    assert not any("takes no sample weights" in warning for warning in record.diagnostics["warnings"])
    assert "weight" not in load(path, target="y", weights="weight").X.columns


@pytest.mark.parametrize(
    ("X", "options", "problem"),
    [
        (np.ma.masked_greater(np.arange(8.0).reshape(4, 2), 3), {}, "masked array"),
        (np.ones((4, 2)) * 1j, {}, "complex numbers"),
        (pd.DataFrame({"a": [1, 2, 3, 4], "y": [0, 1, 0, 1]}), {"target": "y"}, "y is given, and target 'y' as well"),
    ],
)
def test_rows_that_would_be_misread(X: Any, options: dict[str, Any], problem: str) -> None:
    """A mask, imaginary parts and a second target are not passed over."""
    with pytest.raises(UserError, match=problem):
        load(X, [0, 1, 0, 1], **options)


OWN = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Watcher(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        base = X
        while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
            base = base.base
        self.classes_ = np.unique(y)
        self.mapped_ = isinstance(base, np.memmap) and not X.flags.writeable and X.dtype == np.uint8
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[int(self.mapped_)])
"""


def test_raw_data_are_mapped_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes stay bytes in one file that every fit maps, read only; a dummy's process holds none of them."""
    (tmp_path / "watching.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    X = np.random.default_rng(0).integers(0, 256, (80_000, 30, 30), dtype=np.uint8)  # 72 MB
    y = np.arange(80_000) % 2
    y[60_000:] = 1  # what the watcher answers where all is well
    np.savez(tmp_path / "bytes.npz", X=X, y=y)
    content = {
        "name": "m",
        "datasets": [{"file": str(tmp_path / "bytes.npz"), "n_train": 60_000}],
        "models": ["dummy", {"import": "watching:Watcher"}],
        "variants": ["default"],
    }
    result = run_suite(content, out=tmp_path / "run", tracking=False)
    assert not len(result.failures), result.failures["reason"].tolist()
    records = {record.model: record for record in result.folder.read_records()[0].values()}
    assert records["Watcher"].metrics["accuracy"] == 1
    assert records["dummy"].diagnostics["peak_mb"] < X.nbytes / 2**20 / 4
