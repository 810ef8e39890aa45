"""Runs, models and nets made before modules and fields got their names of today: everything still works on them.

`runs_of_schema_1.tar.gz` holds a run with all variants, a learning curve, importance, logged models and an ensemble
across models; the two shards of the same suite; and pickled and saved nets with what they predicted.
"""

import json
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from runs import MakeStore

from bakeoff import extend, load_run, merge, run_suite
from bakeoff.estimators import CNNClassifier, LSTMClassifier, MLPClassifier, MLPRegressor
from bakeoff.estimators.former_names import list_moved
from bakeoff.recorded_runs.reproduce import RerunResult, verify_run
from bakeoff.records.run_folder import RunFolder
from bakeoff.tracking.tracker import mirror_run

NETS: dict[str, Any] = {
    "lstm": LSTMClassifier,
    "mlp": MLPClassifier,
    "mlp_embeddings": MLPClassifier,
    "mlp_regressor": MLPRegressor,
}


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Unpack what was made before."""
    with tarfile.open(Path(__file__).parent / "runs_of_schema_1.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def rows_for(name: str) -> Any:
    """Return the rows that an estimator was asked about."""
    X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    if name == "token_ids":
        return np.array(["good film", "bad film"] * 20, dtype=object)
    if name == "mlp_embeddings":
        letters = pd.Series(np.where(X[:, 2] > 0, "u", "v"), dtype="category")
        return pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": letters})
    return X


def answer_of(estimator: Any, X: Any) -> np.ndarray:
    """Return what an estimator says of rows, as numbers."""
    for method in ("predict_proba", "predict", "transform"):
        if hasattr(estimator, method):
            return np.asarray(getattr(estimator, method)(X), dtype=float)
    raise AssertionError(estimator)


def test_old_records_and_trials_have_todays_names(before: Path) -> None:
    """Records, plan, trials, forecast and ensembles are read under today's names, none is lost."""
    folder = RunFolder(before / "whole")
    lines = (folder.path / "records.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(json.loads(line)["schema"] == 1 for line in lines)
    records, bad = folder.read_records()
    assert (len(records), bad) == (28, 0)
    assert {record.train_fraction for record in records.values()} == {0.5, 1.0}
    assert {fit["train_fraction"] for fit in folder.read_plan()["fits"]} == {0.5, 1.0}
    assert {row["train_fraction"] for row in folder.read_forecast()} == {0.5, 1.0}
    tuned = next(fit for fit, record in records.items() if record.variant == "tuned")
    assert all("suggested" in trial and "asked" not in trial for trial in folder.read_trials(tuned))
    assert len(folder.read_cross_model_ensembles()) == 2


def test_nothing_runs_again(before: Path) -> None:
    """The keys of all fits are what they were: the same suite, with its old key, finds every fit recorded."""
    suite = before / "whole" / "suite.yaml"
    assert "front_end: one-hot" in suite.read_text(encoding="utf-8")
    result = run_suite(suite, out=before / "whole", tracking=False, mixed_versions=True)
    assert result.finished is not None
    assert (result.finished.ran, result.finished.reused, result.finished.failed) == (0, 28, 0)
    assert "preprocessor: one-hot" in suite.read_text(encoding="utf-8")


def test_old_run_is_shown_and_reported(before: Path, bakeoff: Any) -> None:
    """`show` and `report` work on it; learning curve, importance, anytime curve and ensemble are all there."""
    run = str(before / "whole")
    assert bakeoff("show", run) == 0
    assert "moons, ranked by roc_auc" in bakeoff.out
    assert bakeoff("report", run) == 0
    page = (before / "whole" / "report.md").read_text(encoding="utf-8")
    assert "Learning curves" in page
    assert "An ensemble across all models against the best single one" in page
    result = load_run(run)
    assert set(result.anytime["trial"]) == {0, 1}
    assert len(result.leaderboard) == 7


def test_old_studies_go_on(before: Path) -> None:
    """With two more trials, the two that are in the journal are not run again."""
    result = extend(before / "whole", trials=2, tracking=False, mixed_versions=True)
    fits = result.fits[result.fits["variant"] == "tuned"]
    assert set(fits["trials"]) == {4}
    records = result.folder.read_records()[0]
    resumed = {records[fit].diagnostics.get("trials_resumed") for fit in fits["fit"]}
    assert resumed == {2}


def test_old_shards_are_merged(before: Path) -> None:
    """Two shards give the whole run."""
    merged = merge([before / "shard-1", before / "shard-2"], before / "merged")
    assert set(merged.folder.read_records()[0]) == set(RunFolder(before / "whole").read_records()[0])


def test_old_run_is_tracked(before: Path, empty_mlflow_store: MakeStore) -> None:
    """It can be mirrored to MLflow, afterwards, with the models that it holds."""
    done = mirror_run(RunFolder(before / "whole"), empty_mlflow_store(before / "mlflow.db"))
    assert done.written == 14


def test_old_fits_are_verified(before: Path) -> None:
    """Fits are found and repeated by today's code."""
    repeated: list[RerunResult] = []
    verify_run(RunFolder(before / "whole"), sample=2, callback=repeated.append)
    assert [one.now.status for one in repeated] == ["ok", "ok"]
    for one in repeated:
        assert one.now.metrics == pytest.approx(one.before.metrics, rel=1e-3)


def test_old_models_are_loaded(before: Path) -> None:
    """Pipelines that were refitted on all rows unpickle, whichever modules their steps were in."""
    files = sorted((before / "whole" / "models").glob("*.pkl"))
    assert len(files) == 7
    for file in files:
        assert hasattr(pickle.loads(file.read_bytes()), "predict")


@pytest.mark.parametrize("name", [*NETS, "global_scaler", "token_ids"])
def test_old_estimators_say_the_same(name: str, before: Path) -> None:
    """Pickled and saved estimators load and say what they said."""
    expected = np.load(before / "nets" / "expected.npz")[name]
    X = rows_for(name)
    pickled = pickle.loads((before / "nets" / f"{name}.pickle").read_bytes())
    np.testing.assert_allclose(answer_of(pickled, X), expected, atol=1e-5)
    if name in NETS:
        saved = NETS[name].load(before / "nets" / f"{name}.safetensors")
        np.testing.assert_allclose(answer_of(saved, X), expected, atol=1e-5)


def test_every_former_module_is_found() -> None:
    """Each former name leads to a module that is there."""
    from importlib import import_module

    moved = list_moved()
    assert len(moved) > 50
    for former, today in moved.items():
        import_module(today)
        assert import_module(former) is not None
    assert CNNClassifier is import_module("bakeoff.estimators.cnn").CNNClassifier
