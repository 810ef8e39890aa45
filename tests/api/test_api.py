"""The Python way in: `compare`, `run_suite` and `load_run`."""

import html
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression

import bakeoff
from bakeoff.errors import UserError
from bakeoff.records.run_folder import RunFolder

# The process of a call can't import a test module by name.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


class Majority(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Predict the most frequent class."""

    def fit(self, X: Any, y: Any) -> "Majority":
        """Count."""
        self.classes_, counts = np.unique(y, return_counts=True)
        self.most_ = self.classes_[counts.argmax()]
        return self

    def predict(self, X: Any) -> Any:
        """Say the same of every row."""
        return np.full(len(X), self.most_)


@pytest.fixture(scope="module")
def iris() -> tuple[pd.DataFrame, pd.Series]:
    """Load iris with names for labels."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    return X, y.map({0: "setosa", 1: "versicolor", 2: "virginica"})


def test_compare_mixes_names_and_estimators(iris: Any, tmp_path: Path) -> None:
    """Registered names, instances and (name, instance) pairs meet on the same folds."""
    models = ["dummy", Majority(), ("trees", ExtraTreesClassifier(10))]
    result = bakeoff.compare(*iris, models=models, folds=3, out=tmp_path / "run")
    board = result.leaderboard
    assert board["model"].iloc[0] == "trees"
    assert set(board["model"]) == {"trees", "dummy", "Majority"}
    assert len(result.fits) == 9
    assert result.failures.empty


def test_compare_equals_scikit_learns_own_score(tmp_path: Path) -> None:
    """The scores are those of scikit-learn's metrics over the recorded splits."""
    from bakeoff.datasets import load
    from bakeoff.protocol.splits import outer_splits

    X, y = load_iris(return_X_y=True)
    result = bakeoff.compare(X, y, models=[("plain", LogisticRegression(max_iter=500))], folds=4, out=tmp_path / "run")
    splits = outer_splits(load(X, y, name="data"), folds=4, repeats=1, seed=0)
    model = LogisticRegression(max_iter=500)
    ours = [model.fit(X[split.train], y[split.train]).score(X[split.test], y[split.test]) for split in splits]
    assert result.leaderboard["mean"].iloc[0] == pytest.approx(np.mean(ours))
    assert result.leaderboard["std"].iloc[0] == pytest.approx(np.std(ours, ddof=1))


def test_compare_on_images_text_and_regression(tmp_path: Path) -> None:
    """The kind of input follows from its shape and type, or is given."""
    random = np.random.default_rng(0)
    images = random.normal(size=(40, 1, 4, 4))
    result = bakeoff.compare(images, [0, 1] * 20, models=["dummy"], folds=2, out=tmp_path / "a", input_shape=(1, 4, 4))
    assert result.folder.read_plan()["datasets"]["data"]["kind"] == "image"
    texts = ["good day", "bad night"] * 20
    result = bakeoff.compare(
        texts, ["p", "n"] * 20, models=["multinomial_nb"], folds=2, out=tmp_path / "b", kind="text"
    )
    assert result.leaderboard["mean"].iloc[0] == 1.0
    result = bakeoff.compare(
        images.reshape(40, -1), random.normal(size=40), models=["ridge"], folds=2, out=tmp_path / "c"
    )
    assert result.leaderboard["metric"].iloc[0] == "rmse"


def test_changed_estimator_is_not_taken_for_recorded(iris: Any, tmp_path: Path) -> None:
    """The same name with other parameters is another model: its fits run."""
    for depth, ran in ((1, 2), (1, 0), (5, 2)):
        models = [("trees", ExtraTreesClassifier(5, max_depth=depth, random_state=0))]
        result = bakeoff.compare(*iris, models=models, folds=2, out=tmp_path / "run")
        assert result.finished is not None
        assert result.finished.ran == ran


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (["xgbost"], "there is no model 'xgbost'"),
        ([LogisticRegression], "unfitted scikit-learn estimators"),
        ([object()], "unfitted scikit-learn estimators"),
        ([Majority(), Majority()], "stands more than once"),
    ],
)
def test_compare_refuses_bad_models(models: list[Any], message: str, iris: Any, tmp_path: Path) -> None:
    """What is no model is refused before anything is written."""
    with pytest.raises(UserError, match=message):
        bakeoff.compare(*iris, models=models, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_compare_refuses_bad_data(tmp_path: Path) -> None:
    """Lengths, dimensions and targets are checked with clear words."""
    with pytest.raises(UserError, match="X has 3 rows but y has 2"):
        bakeoff.compare(np.ones((3, 2)), [0, 1])
    with pytest.raises(UserError, match="y must have one dimension"):
        bakeoff.compare(np.ones((3, 2)), np.ones((3, 2)))
    with pytest.raises(UserError, match="has one class only"):
        bakeoff.compare(np.ones((4, 2)), ["a"] * 4)


def test_reprs_show_the_table(tiny_run: RunFolder) -> None:
    """A loaded run shows its ranked table as text and as HTML."""
    result = bakeoff.load_run(tiny_run.path)
    assert "logistic" in repr(result)
    assert str(tiny_run.html) in repr(result)
    shown = html.unescape(result._repr_html_())
    for part in ('<div class="bakeoff">', "models ranked by", result.folder.read_verdict()["headline"], "report.html"):
        assert part in shown
    assert "<script" not in shown


def test_load_run_of_nothing(tmp_path: Path) -> None:
    """A folder that is no run says so."""
    with pytest.raises(UserError, match="there is no run"):
        bakeoff.load_run(tmp_path)


def test_verdict_in_words(tiny_run: RunFolder) -> None:
    """The verdict is what `verdict.json` and the report say, a sentence a line."""
    result = bakeoff.load_run(tiny_run.path)
    lines = result.verdict.splitlines()
    assert lines[0] == tiny_run.read_verdict()["headline"]
    assert {line.split(":")[0] for line in lines[1:]} >= {"wine", "diabetes"}


def test_unknown_attribute() -> None:
    """The lazy package has no attributes but its own."""
    with pytest.raises(AttributeError, match="has no attribute 'comparee'"):
        bakeoff.comparee  # noqa: B018


def test_run_in_memory_says_why_it_can_not_be_exported(iris: Any, tmp_path: Path) -> None:
    """Data that were handed over in Python are in no file: exporting from the folder says so."""
    from bakeoff.recorded_runs.export import export_model

    result = bakeoff.compare(*iris, models=["dummy"], folds=2, out=tmp_path / "run")
    with pytest.raises(UserError, match="was handed over in Python"):
        export_model(result.folder, dataset="data", model="dummy")
