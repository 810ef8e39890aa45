"""Tracking to real servers of MLflow: with SQLite, and with PostgreSQL."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import free_port

from bakeoff import run_suite
from bakeoff.reports.pages.html import render_html
from bakeoff.reports.run_data.run import load_run_view
from bakeoff.tracking.tracker import mirror_run

pytestmark = pytest.mark.slow
SUITE: dict[str, Any] = {
    "name": "served",
    "datasets": ["wine", "diabetes"],
    "models": ["dummy", "logistic", "ridge", "mlp"],
    "tuning": {"trials": 2},
    "caps": {"epochs": 2},
    "outer_folds": 2,
    "inner_folds": 2,
}


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """Start PostgreSQL, which this tier needs, in a folder of its own; return the URI of its database."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    path = shutil.which("pg_ctl") or (str(found[-1]) if found else None)
    if path is None:
        pytest.fail("these tests need PostgreSQL: apt-get install postgresql")
    home = Path(tempfile.mkdtemp(prefix="bakeoff-postgresql-"))
    who: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(home, "postgres")
        who = {"user": "postgres", "group": "postgres"}
    port = free_port()

    def ask(program: str, *words: str) -> None:
        subprocess.run(
            [Path(path).with_name(program), *words], check=True, capture_output=True, timeout=120, cwd=home, **who
        )

    data = str(home / "data")
    ask("initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8")
    ask("pg_ctl", "-D", data, "-w", "-l", str(home / "log"), "-o", f"-p {port} -k {home} -h 127.0.0.1", "start")
    try:
        yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
    finally:
        ask("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, mlflow_server: Any) -> Any:
    """Start MLflow's server on either store."""
    return mlflow_server(request.getfixturevalue("postgresql") if request.param == "postgresql" else "")


def test_run_is_mirrored_with_models(server: Any, tmp_path: Path) -> None:
    """Parent, children, folds, artifacts, views and models arrive; models load; again, nothing is written."""
    from mlflow import MlflowClient

    result = run_suite(SUITE, out=tmp_path / "run", tracking_uri=server.uri, workers=2, log_models=True)
    client = MlflowClient(server.uri)
    experiment = client.get_experiment_by_name("served")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    parents = [run for run in runs if "dataset" not in run.data.tags]
    assert len(parents) == 1
    cells = set(zip(*(result.leaderboard[name] for name in ("dataset", "model", "variant")), strict=True))
    tags = [run.data.tags for run in runs if run not in parents]
    assert sorted((one["dataset"], one["model"], one["variant"]) for one in tags) == sorted(cells)
    board = result.leaderboard.set_index(["dataset", "model", "variant"])["mean"]
    for run in client.search_runs(
        [experiment.experiment_id], "tags.dataset = 'diabetes'", order_by=["metrics.score DESC"]
    ):
        cell = tuple(run.data.tags[name] for name in ("dataset", "model", "variant"))
        assert run.data.metrics["rmse"] == pytest.approx(board[cell])
        assert len(client.get_metric_history(run.info.run_id, "outer_fold/rmse")) == 2
    artifacts = {item.path for item in client.list_artifacts(parents[0].info.run_id)}
    assert {"report.html", "leaderboard.csv", "figures"} <= artifacts
    assert sum(name.startswith("mlflow.sharedViewState.") for name in experiment.tags) == 2
    models = client.search_logged_models([experiment.experiment_id])
    assert len(models) == len(cells)
    place = client.download_artifacts(models[0].source_run_id, "folds.json", str(tmp_path))
    assert Path(place).stat().st_size > 0
    assert f'href="{server.uri}/#/experiments/' in render_html(load_run_view(result.folder))
    again = mirror_run(result.folder, server.uri)
    assert (again.written, again.unchanged) == (0, len(cells))


def test_logged_model_loads_from_the_server(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that knows the server's address alone loads a model and predicts with it."""
    import mlflow

    small = {**SUITE, "name": "small", "datasets": ["wine"], "models": ["mlp"], "variants": ["default"]}
    run_suite(small, out=tmp_path / "run", tracking_uri=server.uri, workers=1, log_models=True)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    (model,) = client.search_logged_models([experiment.experiment_id])
    loaded = mlflow.pyfunc.load_model(f"models:/{model.model_id}")
    assert len(loaded.predict(loaded.input_example)) == 5
