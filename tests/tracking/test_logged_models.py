"""Models in MLflow: refitted on all rows, loaded by pyfunc, logged once, with what failed told and left out."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

import joblib
import numpy as np
import pandas as pd
import pytest
from doubles import RecordingProgress
from misbehaving import NeedsRows
from processes import free_port
from runs import MakeStore
from sklearn.dummy import DummyClassifier

from bakeoff import compare, merge, run_suite
from bakeoff.api import RunResult
from bakeoff.engines.observers import Silent
from bakeoff.engines.options import RunOptions
from bakeoff.errors import UserError
from bakeoff.planning.plan import make_plan
from bakeoff.recorded_runs.export import export_model
from bakeoff.records.record import Record
from bakeoff.records.run_folder import RunFolder
from bakeoff.running.refit import list_refits
from bakeoff.suites.suite_file import to_suite
from bakeoff.tracking.client import default_uri
from bakeoff.tracking.models import example_rows, list_requirements, name_of_model
from bakeoff.tracking.tracker import mirror_run, track_models

SUITE: dict[str, Any] = {
    "name": "models",
    "datasets": ["wine", {"name": "parity", "rows": 60}],
    "models": ["dummy", "mlp"],
    "variants": ["default", "ensemble"],
    "tuning": {"trials": 2},
    "caps": {"epochs": 2},
    "outer_folds": 2,
    "inner_folds": 2,
    "learning_curve": ["50%"],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, empty_mlflow_store: MakeStore) -> RunResult:
    """Run a small suite with models."""
    out = tmp_path_factory.mktemp("runs") / "models"
    empty_mlflow_store(out.parent / "mlflow.db")
    return run_suite(SUITE, out=out, workers=2, log_models=True)


def logged(result: RunResult, name: str = "models") -> dict[tuple[str, str, str], Any]:
    """Return the logged models of an experiment by data set, model and variant."""
    from mlflow import MlflowClient

    client = MlflowClient(default_uri(result.folder))
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    found = client.search_logged_models([experiment.experiment_id])
    return {(one.tags["dataset"], one.tags["model"], one.tags["variant"]): one for one in found}


def load_model(result: RunResult, model: Any) -> Any:
    """Load a logged model as any client of MLflow does."""
    import mlflow

    with mock.patch.dict(os.environ, {"MLFLOW_TRACKING_URI": default_uri(result.folder)}):
        return mlflow.pyfunc.load_model(f"models:/{model.model_id}")


def test_every_model_is_logged_and_loads(run: RunResult) -> None:
    """Each data set x model x variant has one model, fitted on all rows; pyfunc predicts as its pipeline does."""
    found = logged(run)
    plan = make_plan(to_suite(SUITE))
    assert set(found) == {(job.dataset, job.choice.name, job.variant) for job in plan.jobs}
    files = [joblib.load(path) for path in run.folder.models.iterdir()]
    assert len(files) == len(found)
    for (dataset, _, _), model in found.items():
        loaded = load_model(run, model)
        rows = example_rows(plan.datasets[dataset])
        said = loaded.predict(rows)
        assert len(said) == len(rows)
        assert loaded.metadata.signature.inputs is not None
        assert loaded.metadata.signature.outputs is not None
        assert len(loaded.input_example) == len(rows)
        assert {metric.key for metric in model.metrics} >= {"score", "accuracy", "cpu_s"}


def test_model_is_linked_to_its_run(run: RunResult) -> None:
    """The model names the child run that it stands for, and the child its model; both have the same score."""
    from mlflow import MlflowClient

    client = MlflowClient(default_uri(run.folder))
    for cell, model in logged(run).items():
        child = client.get_run(model.source_run_id)
        assert (child.data.tags["dataset"], child.data.tags["model"], child.data.tags["variant"]) == cell
        assert child.data.tags["bakeoff.model"] == model.model_id
        assert child.outputs.model_outputs[0].model_id == model.model_id
        assert {one.key: one.value for one in model.metrics}["score"] == child.data.metrics["score"]


def test_nothing_is_fitted_or_logged_twice(run: RunResult) -> None:
    """Tracking models again changes nothing; a file that is gone is made again, with the same predictions."""
    plan = make_plan(to_suite(run.folder.read_suite()))
    before = {cell: model.model_id for cell, model in logged(run).items()}
    jobs = list_refits(plan, run.folder.read_records()[0])
    job = next(one for one in jobs if one.group == ("wine", "mlp", "ensemble", 1.0))
    lost = run.folder.models / f"{job.keys.fit}.pkl"
    old = joblib.load(lost)
    lost.unlink()
    done = track_models(run.folder, plan, default_uri(run.folder), options=RunOptions(workers=1), progress=Silent())
    assert (done.written, done.unchanged, done.failed) == (0, len(before), 0)
    assert {cell: model.model_id for cell, model in logged(run).items()} == before
    X = plan.datasets["wine"].X
    np.testing.assert_array_equal(joblib.load(lost).predict_proba(X), old.predict_proba(X))


def test_damaged_file_is_told(run: RunResult, tmp_path: Path, empty_mlflow_store: MakeStore) -> None:
    """A pipeline that can't be loaded is left out with what to do, the others are logged; export says it, too."""
    shutil.copytree(run.folder.path, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    plan = make_plan(to_suite(folder.read_suite()))
    job = next(
        one for one in list_refits(plan, folder.read_records()[0]) if one.group == ("wine", "mlp", "default", 1.0)
    )
    (folder.models / f"{job.keys.fit}.pkl").write_bytes(b"\x80\x05broken")
    uri, progress = empty_mlflow_store(tmp_path / "other.db"), RecordingProgress()
    mirror_run(folder, uri)
    done = track_models(folder, plan, uri, options=RunOptions(workers=1), progress=progress)
    assert (done.written, done.failed) == (5, 1)
    assert "delete it, and it is made anew" in progress.warnings[0]
    with pytest.raises(UserError, match="delete it, and it is made anew"):
        export_model(folder, dataset="wine", model="mlp", out=tmp_path / "x.joblib")


def test_model_of_a_changed_run_is_logged_anew(run: RunResult) -> None:
    """A cell that is written again takes its old model with it, and gets the one that is there without a refit."""
    records, _ = run.folder.read_records()
    record = next(
        one for one in records.values() if (one.dataset, one.model) == ("wine", "dummy") and one.train_fraction == 1
    )
    before = logged(run)["wine", "dummy", "default"].model_id
    plan = make_plan(to_suite(run.folder.read_suite()))
    run.folder.append(Record(**{**vars(record), "metrics": {**record.metrics, "accuracy": 0.123}}))
    mirror_run(run.folder, default_uri(run.folder))
    assert ("wine", "dummy", "default") not in logged(run)
    done = track_models(run.folder, plan, default_uri(run.folder), options=RunOptions(workers=1), progress=Silent())
    assert done.written == 1
    assert logged(run)["wine", "dummy", "default"].model_id != before


def test_what_fails_is_told_and_left_out(tmp_path: Path, empty_mlflow_store: MakeStore) -> None:
    """A refit that fails warns with its reason, the others are logged; a model with a failed fold is not refitted."""
    X, y = pd.DataFrame({"a": np.arange(200.0)}), np.arange(200) % 2
    empty_mlflow_store(tmp_path / "mlflow.db")
    progress = RecordingProgress()
    models = [
        ("good", DummyClassifier()),
        ("fails", NeedsRows(most=150)),
        ("hole", NeedsRows(most=10)),
    ]
    result = compare(
        X, y, models=models, folds=2, out=tmp_path / "run", tracking=True, log_models=True, progress=progress
    )
    assert set(logged(result, "compare-data")) == {("data", "good", "default")}
    assert len(progress.warnings) == 1
    assert result.finished is not None
    assert result.finished.not_logged == 1
    assert (
        "data / fails / default / all rows: no model is logged: error: ValueError: takes 150 rows at most"
        in progress.warnings[0]
    )


def test_models_that_can_not_be_logged_are_counted(tmp_path: Path) -> None:
    """Without its store a run is recorded, says how to log its models later, and counts them as not logged."""
    suite = {**SUITE, "datasets": ["wine"], "models": ["dummy"], "variants": ["default"]}
    progress = RecordingProgress()
    result = run_suite(
        suite, out=tmp_path / "run", tracking_uri="sqlite:////proc/x.db", log_models=True, progress=progress
    )
    assert result.finished is not None
    assert (result.finished.failed, result.finished.not_logged) == (0, 1)
    assert "--log-models` does it" in progress.warnings[-1]
    assert "UserError" not in "".join(progress.warnings)


def test_shards_log_no_model_of_some_folds(tmp_path: Path, empty_mlflow_store: MakeStore) -> None:
    """A model of which some folds are in another shard is not logged; after the merge it can be."""
    models = ["dummy", "logistic", "mlp"]
    suite = {**SUITE, "datasets": ["wine"], "models": models, "variants": ["default"], "learning_curve": []}
    empty_mlflow_store(tmp_path / "mlflow.db")
    parts = []
    for part in ("1/2", "2/2"):
        result = run_suite(suite, out=tmp_path / part[0], shard=part, log_models=True)
        folds = Counter(record.model for record in result.folder.read_records()[0].values())
        assert len(list(result.folder.models.iterdir())) == sum(number == 2 for number in folds.values())
        parts.append(result.path)
    assert sum(len(list((Path(path) / "models").iterdir())) for path in parts) < 3
    whole = merge(parts, tmp_path / "whole").folder
    assert len(list_refits(make_plan(to_suite(suite)), whole.read_records()[0])) == 3


def test_models_need_tracking(tmp_path: Path) -> None:
    """Without tracking there is nowhere to log to, and it is said before anything runs."""
    with pytest.raises(UserError, match="log_models needs tracking"):
        run_suite(SUITE, out=tmp_path / "run", tracking=False, log_models=True)
    assert not (tmp_path / "run").exists()


def test_rows_are_as_a_client_sends_them(tmp_path: Path, empty_mlflow_store: MakeStore) -> None:
    """Categories, gaps, flags and whole numbers go into a model as plain values, texts as strings."""
    rows = 60
    empty_mlflow_store(tmp_path / "mlflow.db")
    random = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "colour": pd.Categorical(random.choice(["red", "blue"], rows)),
            "code": pd.Categorical(random.integers(0, 3, rows)),
            "gap": np.where(random.random(rows) < 0.3, np.nan, 1.5),
            "count": random.integers(0, 9, rows),
            "name": random.choice(["a", "b"], rows),
        }
    )
    y = np.where(X["colour"] == "red", "yes", "no")
    table = compare(X, y, models=["xgboost", "mlp"], folds=2, out=tmp_path / "t", tracking=True, log_models=True)
    for model in logged(table, "compare-data").values():
        loaded = load_model(table, model)
        assert set(loaded.predict(loaded.input_example)) <= {"yes", "no"}
        assert set(loaded.predict(X.head(9).astype({"colour": str, "code": str}))) <= {"yes", "no"}
    texts = np.array(["good day", "bad day", "so good", "so bad", "fine day", "bad bad"] * 10)
    words = compare(
        texts,
        np.arange(60) % 2,
        name="words",
        kind="text",
        models=["logistic"],
        folds=2,
        out=tmp_path / "w",
        tracking=True,
        log_models=True,
    )
    (model,) = logged(words, "compare-words").values()
    assert len(load_model(words, model).predict(np.array(["good day", "a very long and unknown text"]))) == 2


def test_command_logs_models_afterwards(
    run: RunResult, tmp_path: Path, bakeoff: Any, empty_mlflow_store: MakeStore
) -> None:
    """`track --log-models` does it for a run that is there, and again does nothing."""
    shutil.copytree(run.folder.path, tmp_path / "run")
    words = (
        "track",
        str(tmp_path / "run"),
        "--log-models",
        "--tracking-uri",
        empty_mlflow_store(tmp_path / "other.db"),
    )
    assert bakeoff(*words) == 0
    assert "6 models written, 0 unchanged, 0 failed" in bakeoff.out
    assert bakeoff(*words) == 0
    assert "0 models written, 6 unchanged, 0 failed" in bakeoff.out


def test_requirements_are_pinned_releases() -> None:
    """What a model needs is pinned, without a mark of a local build; its own library is among it."""
    needed = dict(entry.split("==") for entry in list_requirements("torch"))
    assert {"bakeoff", "scikit-learn", "torch", "numpy", "pandas", "cloudpickle"} <= set(needed)
    assert "+" not in "".join(needed.values())
    assert "torch" not in "".join(list_requirements("sklearn"))


def test_names_are_allowed_by_mlflow() -> None:
    """MLflow forbids some marks in the names of models."""
    assert name_of_model(("it's a/b:c.csv 5%", "mlp", "tuned", 1.0)) == "it-s a-b-c-csv 5- mlp tuned"


@pytest.mark.slow
def test_model_can_be_served(run: RunResult, tmp_path: Path) -> None:
    """`mlflow models serve` answers requests for a logged model, in the environment that has bakeoff."""
    model = logged(run)["wine", "mlp", "default"]
    port = free_port()
    words = ["models", "serve", "-m", f"models:/{model.model_id}", "--env-manager", "local", "-p", str(port)]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": default_uri(run.folder)}
    with (tmp_path / "log").open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words], env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        example = load_model(run, model).input_example
        body = json.dumps({"dataframe_split": example.to_dict("split")}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"}
        )
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    said = json.loads(answer.read())["predictions"]
                break
            except urllib.error.HTTPError:
                raise
            except OSError:
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()
                time.sleep(0.3)
        assert said == load_model(run, model).predict(example).tolist()
    finally:
        os.killpg(server.pid, 9)
        server.wait(timeout=30)
