"""Canaries: what knows the test rows, or the target, would sing here."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.api import compare, run_suite
from bakeoff.datasets import Dataset, load
from bakeoff.estimators.models.preprocessors import PREPROCESSORS, build_preprocessor
from bakeoff.estimators.models.registry import all_specs
from bakeoff.estimators.specs.spec import BuildContext

CHEAP = {"epochs": 5, "trees": 30}
TUNED_ON_TABLES = {
    *("logistic", "linear_svm", "rbf_svm", "knn", "decision_tree", "random_forest", "adaboost"),
    *("hist_gradient_boosting", "xgboost", "mlp", "mlp_embeddings"),
}  # and whatever extra is installed


def run_on(frame: pd.DataFrame, folder: Path, *, models: list[str], trials: int = 3) -> pd.DataFrame:
    """Run tuned models on a table with the target `y`; return the leaderboard."""
    frame.to_csv(folder / "d.csv", index=False)
    content = {
        "name": "leak",
        "datasets": [{"file": str(folder / "d.csv"), "target": "y"}],
        "models": models,
        "variants": ["tuned"],
        "tuning": {"trials": trials},
        "caps": CHEAP,
        "outer_folds": 3,
        "inner_folds": 2,
    }
    return run_suite(content, out=folder / "run", tracking=False).leaderboard


@pytest.mark.slow
def test_shuffled_labels_leave_every_tuned_model_at_chance(tmp_path: Path) -> None:
    """Where labels mean nothing, no tuned model of any family does better than chance on the outer folds."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, 6)), columns=list("abcdef"))
    frame["code"] = [f"c{i}" for i in rng.integers(0, 80, 400)]
    frame["y"] = rng.permutation(np.arange(400) % 2)
    board = run_on(frame, tmp_path, models=["all"])
    assert set(board["model"]) >= TUNED_ON_TABLES
    assert board["mean"].notna().all()
    assert board["mean"].between(0.38, 0.62).all(), board[["model", "mean"]]


@pytest.mark.parametrize("model", ["logistic", "decision_tree", "mlp"])
def test_a_random_id_gains_nothing(tmp_path: Path, model: str) -> None:
    """An id that is another in each row is encoded by the target of other rows, so that it tells nothing of its own."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"id": [f"id{i}" for i in rng.permutation(300)], "y": rng.permutation(np.arange(300) % 2)})
    board = run_on(frame, tmp_path, models=[model], trials=2).set_index("model")
    assert abs(board.loc[model, "mean"] - 0.5) < 0.1


def rows_of(kind: str) -> Dataset:
    """Make a small data set of a kind, the second half of it to be poisoned."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    if kind == "tabular":
        frame = pd.DataFrame({"n": rng.normal(size=60), "c": [f"c{i}" for i in rng.integers(0, 5, 60)]})
        frame.loc[::7, "n"] = np.nan
        frame["many"] = [f"m{i % 55}" for i in range(60)]
        return load(frame, y)
    if kind == "text":
        return load(np.array([f"word{i % 7} other{i % 5} and more" for i in range(60)]), y, kind="text")
    return load(rng.normal(size=(60, 1, 4, 4) if kind == "image" else (60, 1, 16)), y, kind=kind)


def poisoned(dataset: Dataset, rows: np.ndarray) -> Dataset:
    """Return the data set with other values in some of its rows."""
    X = dataset.X.copy()
    if isinstance(X, pd.DataFrame):
        X.loc[rows, ["n", "c", "many"]] = [1e6, "poison", "m0"]
    elif dataset.kind == "text":
        X[rows] = "poison poison poison"
    else:
        X[rows] = 1e6
    return replace(dataset, X=X)


@pytest.mark.parametrize("kind", ["tabular", "image", "series", "text"])
def test_a_poisoned_test_part_teaches_nothing(kind: str) -> None:
    """Whatever stands in the test rows, every preprocessor of a kind gives the training rows alike."""
    dataset, train = rows_of(kind), np.arange(30)
    other = poisoned(dataset, np.arange(30, 60))
    setting = BuildContext(task="binary", kind=kind, input_shape=dataset.input_shape)  # type: ignore[arg-type]  # a kind
    names = {spec.preprocessors[kind] for spec in all_specs().values() if kind in spec.kinds}  # type: ignore[index]
    assert len(names) >= 3
    assert names <= set(PREPROCESSORS)

    def prepare(data: Dataset, name: str) -> Any:
        rows = data.X.iloc[train] if isinstance(data.X, pd.DataFrame) else data.X[train]
        return build_preprocessor(name, setting, categorical=data.categorical).fit_transform(rows, data.y[train])

    for name in names:
        one, two = (prepare(data, name) for data in (dataset, other))
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, two)
        elif hasattr(one, "toarray"):
            np.testing.assert_array_equal(one.toarray(), two.toarray())
        else:
            np.testing.assert_array_equal(one, two)


def test_the_test_part_changes_no_score_of_other_folds(tmp_path: Path) -> None:
    """Parameters that tuning finds in a fold depend on its training rows alone: other test rows, same choice."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    X = rng.normal(size=(120, 4)) + y[:, None]
    split = np.where(np.arange(120) < 80, "train", "test")
    chosen = []
    for number, poison in enumerate((X, np.where((np.arange(120) < 80)[:, None], X, -50 * X))):
        frame = pd.DataFrame(poison, columns=list("abcd")).assign(split=split, y=y)
        path = tmp_path / f"{number}.csv"
        frame.to_csv(path, index=False)
        content = {
            "name": "p",
            "datasets": [{"file": str(path), "target": "y", "split": "split", "name": "d"}],
            "models": ["decision_tree", "mlp"],
            "variants": ["tuned"],
            "tuning": {"trials": 3},
            "caps": CHEAP,
        }
        result = run_suite(content, out=tmp_path / f"run{number}", tracking=False)
        records = result.folder.read_records()[0].values()
        chosen.append({record.model: (record.params, record.diagnostics["inner_score"]) for record in records})
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 2


def test_duplicates_are_reported(tmp_path: Path) -> None:
    """Copies of rows, which folds put on both sides, stand in the report."""
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(30, 3)), 2, axis=0)
    result = compare(X, np.repeat(np.arange(30) % 2, 2), models=["dummy"], out=tmp_path / "run")
    assert "30 of 60 rows are copies of others" in result.folder.html.read_text(encoding="utf-8")
