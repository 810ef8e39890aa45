"""Tracking: MLflow mirrors the records, once; it can be rebuilt, and its failure stops nothing."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from bakeoff.api import run_suite
from bakeoff.errors import UserError
from bakeoff.folder import RunFolder
from bakeoff.observers import Silent
from bakeoff.records import Record
from bakeoff.tracking import mirror
from bakeoff.tracking_client import default_uri
from bakeoff.tracking_rows import describe_parent, verdict_tags


@pytest.fixture(scope="module")
def tracked(tiny_run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Mirror a copy of the tiny run into a store of its own."""
    path = tmp_path_factory.mktemp("tracked") / "tiny"
    shutil.copytree(tiny_run.path, path)
    folder = RunFolder(path)
    mirror(folder, default_uri(folder))
    return folder


class Warned(Silent):
    """Progress that remembers the warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        """Remember the warning."""
        self.warnings.append(message)


def search(folder: RunFolder, uri: str | None = None) -> list[Any]:
    """Return all active runs of the store."""
    from mlflow import MlflowClient

    client = MlflowClient(uri or default_uri(folder))
    experiment = client.get_experiment_by_name("tiny")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], max_results=1000))


def children(folder: RunFolder) -> dict[tuple[str, str, str], Any]:
    """Return the child runs by data set, model and variant."""
    tagged = [run for run in search(folder) if "dataset" in run.data.tags]
    return {(run.data.tags["dataset"], run.data.tags["model"], run.data.tags["variant"]): run for run in tagged}


def test_one_parent_and_a_child_for_each_cell(tracked: RunFolder) -> None:
    """One parent run, one child for each data set x model x variant, linked as MLflow links them."""
    plan = tracked.read_json("plan.json")
    cells = {(fit["dataset"], fit["model"], fit["variant"]) for fit in plan["fits"]}
    found = children(tracked)
    assert set(found) == cells
    parents = [run for run in search(tracked) if "dataset" not in run.data.tags]
    assert len(parents) == 1
    assert {run.data.tags["mlflow.parentRunId"] for run in found.values()} == {parents[0].info.run_id}


def test_metrics_equal_the_records(tracked: RunFolder) -> None:
    """Folds are steps; mean, deviation and the signed score come from the records."""
    import numpy as np
    from mlflow import MlflowClient

    records, _ = tracked.read_records()
    folds = sorted(
        (one for one in records.values() if (one.dataset, one.model, one.variant) == ("diabetes", "ridge", "default")),
        key=lambda one: one.fold,
    )
    values = [one.metrics["rmse"] for one in folds]
    run = children(tracked)["diabetes", "ridge", "default"]
    steps = MlflowClient(default_uri(tracked)).get_metric_history(run.info.run_id, "outer_fold/rmse")
    assert {point.step: point.value for point in steps} == dict(enumerate(values))
    assert run.data.metrics["rmse"] == pytest.approx(np.mean(values))
    assert run.data.metrics["rmse_std"] == pytest.approx(np.std(values, ddof=1))
    assert run.data.metrics["score"] == pytest.approx(-np.mean(values))


def test_dataset_input_has_our_digest(tracked: RunFolder) -> None:
    """The data set is logged with the digest of all its rows."""
    run = children(tracked)["wine", "logistic", "default"]
    logged = run.inputs.dataset_inputs[0].dataset
    assert logged.name == "wine"
    assert tracked.read_json("plan.json")["datasets"]["wine"]["digest"].startswith(logged.digest)


def test_report_and_trials_are_artifacts(tracked: RunFolder) -> None:
    """The parent holds the report, a tuned child its trials."""
    from mlflow import MlflowClient

    client = MlflowClient(default_uri(tracked))
    parent = next(run for run in search(tracked) if "dataset" not in run.data.tags)
    assert {"report.html", "records.jsonl"} <= {item.path for item in client.list_artifacts(parent.info.run_id)}
    tuned = children(tracked)["wine", "mlp", "tuned"]
    assert {"trials.jsonl", "folds.json", "predictions.json"} == {
        item.path for item in client.list_artifacts(tuned.info.run_id)
    }


def test_verdict_is_tagged(tracked: RunFolder) -> None:
    """The parent holds `verdict.json` and is tagged with its headline; a damaged one gives no tags."""
    from mlflow import MlflowClient

    client = MlflowClient(default_uri(tracked))
    parent = next(run for run in search(tracked) if "dataset" not in run.data.tags)
    headline = tracked.read_verdict()["headline"]
    assert parent.data.tags["verdict"] == headline
    assert headline in tracked.markdown.read_text(encoding="utf-8").replace("\\", "")
    assert "verdict.json" in {item.path for item in client.list_artifacts(parent.info.run_id)}
    assert verdict_tags({"headline": "so", "tasks": [{"task": "binary", "answer": "deep"}]}) == {
        "verdict": "so",
        "verdict.binary": "deep",
    }
    path = tracked.path / "verdict.json"
    whole = path.read_bytes()
    try:
        for damage in (b"{", b"[]", b"{}"):
            path.write_bytes(damage)
            assert verdict_tags(tracked.read_verdict()) == {}
    finally:
        path.write_bytes(whole)


def test_parent_says_the_verdict(tracked: RunFolder) -> None:
    """The description of the parent run is the verdict, as the report words it; the experiment is one of models."""
    from mlflow import MlflowClient

    parent = next(run for run in search(tracked) if "dataset" not in run.data.tags)
    said = parent.data.tags["mlflow.note.content"]
    assert tracked.read_verdict()["headline"].split(":")[0] in said
    assert "| wine (accuracy) |" in said
    assert "sort by `score`" in said
    experiment = MlflowClient(default_uri(tracked)).get_experiment_by_name("tiny")
    assert experiment is not None
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_long_verdicts_end_with_a_whole_line() -> None:
    """What does not fit is left out line by line, and where all of it is stays."""
    said = describe_parent("\n".join(f"line {number}" for number in range(1000)), 1000)
    assert len(said) <= 1000
    assert said.startswith("line 0\nline 1\n")
    assert "report.html" in said
    shown = said.split("\n\n")[0].splitlines()
    assert shown == [f"line {number}" for number in range(len(shown))]


def test_mirroring_twice_logs_nothing_twice(tracked: RunFolder) -> None:
    """A second mirror writes no child and leaves the number of runs as it is."""
    before = len(search(tracked))
    done = mirror(tracked, default_uri(tracked))
    assert (done.written, len(search(tracked))) == (0, before)


def test_changed_cell_is_replaced(tracked: RunFolder) -> None:
    """A fit that failed and was retried replaces its child run; failures stand in tags."""
    records, _ = tracked.read_records()
    record = next(one for one in records.values() if (one.dataset, one.model, one.fold) == ("wine", "dummy", 0))
    try:
        tracked.append(Record(**{**vars(record), "status": "error", "reason": "bad luck", "metrics": {}}))
        assert mirror(tracked, default_uri(tracked)).written == 1
        run = children(tracked)["wine", "dummy", "default"]
        assert run.data.tags["failure.1.1"] == "error: bad luck"
        assert run.data.tags["folds"] == "1/2"
        assert run.info.status == "FAILED"
        assert "accuracy" not in run.data.metrics  # no mean over the folds that survived
    finally:
        tracked.append(record)
    mirror(tracked, default_uri(tracked))
    assert children(tracked)["wine", "dummy", "default"].info.status == "FINISHED"


def test_unreachable_server_is_told_in_a_line(tiny_run: RunFolder) -> None:
    """`track` against a server that is not there is a user's error."""
    with pytest.raises(UserError, match=r"can't track to http://127\.0\.0\.1:9"):
        mirror(tiny_run, "http://127.0.0.1:9")


def test_unusable_store_is_told_at_once(tiny_run: RunFolder) -> None:
    """A SQLite file that can't be written is refused before MLflow tries for minutes."""
    with pytest.raises(UserError, match="unable to open database file; give a file that can be written"):
        mirror(tiny_run, "sqlite:////proc/nowhere/x.db")


def test_run_goes_on_without_its_server(tmp_path: Path) -> None:
    """A run whose server can't be reached warns, finishes, and is caught up later."""
    progress = Warned()
    suite = {"name": "tiny", "datasets": ["wine"], "models": ["dummy"], "variants": ["default"], "outer_folds": 2}
    result = run_suite(suite, out=tmp_path / "run", tracking_uri="http://127.0.0.1:9", progress=progress)
    assert result.finished is not None
    assert (result.finished.ran, result.finished.failed, result.finished.seen_at) == (2, 0, None)
    assert any("bakeoff track" in warning for warning in progress.warnings)
    assert mirror(result.folder, f"sqlite:///{tmp_path / 'later.db'}").written == 1


def test_run_tracks_while_it_goes_on(tmp_path: Path) -> None:
    """A tracked run leaves parent, children and the report in the store beside the runs."""
    suite = {"name": "tiny", "datasets": ["wine"], "models": ["dummy"], "variants": ["default"], "outer_folds": 2}
    result = run_suite(suite, out=tmp_path / "runs" / "tiny")
    assert (tmp_path / "runs" / "mlflow.db").is_file()
    found = search(result.folder)
    assert sorted(run.info.status for run in found) == ["FINISHED", "FINISHED"]


class Server:
    """A tracking server on loopback with a SQLite store, that can go away and come back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with closing(socket.create_server(("127.0.0.1", 0))) as probe:
            self.port = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        words = ["server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        words += ["--backend-store-uri", f"sqlite:///{self.folder / 'server.db'}"]
        words += ["--artifacts-destination", str(self.folder / "artifacts")]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", *words], stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 90
        while True:
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=1):
                    return
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "server.log").read_text(encoding="utf-8")
                time.sleep(0.2)

    def stop(self) -> None:
        """End it with its own processes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)


class Saboteur(Warned):
    """Progress that takes the server away after some fits."""

    def __init__(self, server: Server, after: int) -> None:
        super().__init__()
        self.server, self.left = server, after

    def end(self, record: Record) -> None:
        """Count fits."""
        self.left -= 1
        if self.left == 0:
            self.server.stop()


@pytest.mark.slow
def test_server_that_goes_away_in_the_middle_stops_nothing(tiny_run: RunFolder, tmp_path: Path) -> None:
    """Every fit is recorded as without a server; the warning says what to do, and doing it makes up for all."""
    server = Server(tmp_path)
    try:
        saboteur = Saboteur(server, after=6)
        result = run_suite(
            tiny_run.read_suite(), out=tmp_path / "run", tracking_uri=server.uri, workers=1, progress=saboteur
        )
        assert result.finished is not None
        assert (result.finished.failed, result.finished.seen_at) == (0, None)
        records, whole = result.folder.read_records()[0], tiny_run.read_records()[0]
        assert {fit: record.metrics for fit, record in records.items()} == {
            fit: record.metrics for fit, record in whole.items()
        }
        assert any("bakeoff track" in warning for warning in saboteur.warnings)
        server.start()
        mirror(result.folder, server.uri)
        cells = {(record.dataset, record.model, record.variant) for record in records.values()}
        tags = [run.data.tags for run in search(result.folder, server.uri)]
        found = [(one["dataset"], one["model"], one["variant"]) for one in tags if "dataset" in one]
        assert sorted(found) == sorted(cells)
    finally:
        server.stop()
