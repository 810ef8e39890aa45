"""Tracking: MLflow mirrors the records, once; it can be rebuilt, and its failure stops nothing."""

import base64
import json
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from doubles import RecordingProgress
from runs import MakeStore

from bakeoff.api import run_suite
from bakeoff.errors import UserError
from bakeoff.records.record import Record
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports.pages.html import render_html
from bakeoff.reports.run_data.run import load_run_view
from bakeoff.tracking.client import address_of_server, default_uri
from bakeoff.tracking.rows import describe_parent, verdict_tags
from bakeoff.tracking.tracker import mirror_run
from bakeoff.tracking.views import path_of_experiment, view_tags


@pytest.fixture(scope="module")
def tracked(tiny_run: RunFolder, tmp_path_factory: pytest.TempPathFactory, empty_mlflow_store: MakeStore) -> RunFolder:
    """Mirror a copy of the tiny run into a store of its own."""
    path = tmp_path_factory.mktemp("tracked") / "tiny"
    shutil.copytree(tiny_run.path, path)
    folder = RunFolder(path)
    assert empty_mlflow_store(path.parent / "mlflow.db") == default_uri(folder)
    mirror_run(folder, default_uri(folder))
    return folder


def search(folder: RunFolder, uri: str | None = None, condition: str = "") -> list[Any]:
    """Return all active runs of the store, or those that meet a condition."""
    from mlflow import MlflowClient

    client = MlflowClient(uri or default_uri(folder))
    experiment = client.get_experiment_by_name("tiny")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], condition, max_results=1000))


def children(folder: RunFolder) -> dict[tuple[str, str, str], Any]:
    """Return the child runs by data set, model and variant."""
    tagged = [run for run in search(folder) if "dataset" in run.data.tags]
    return {(run.data.tags["dataset"], run.data.tags["model"], run.data.tags["variant"]): run for run in tagged}


def test_one_parent_and_a_child_for_each_cell(tracked: RunFolder) -> None:
    """One parent run, one child for each data set x model x variant, linked as MLflow links them."""
    plan = tracked.read_plan()
    cells = {(fit["dataset"], fit["model"], fit["variant"]) for fit in plan["fits"]}
    found = children(tracked)
    assert set(found) == cells
    parents = [run for run in search(tracked) if "dataset" not in run.data.tags]
    assert len(parents) == 1
    assert {run.data.tags["mlflow.parentRunId"] for run in found.values()} == {parents[0].info.run_id}


def test_metrics_equal_the_records(tracked: RunFolder) -> None:
    """Folds are steps; mean, deviation and the signed score come from the records."""
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
    assert tracked.read_plan()["datasets"]["wine"]["digest"].startswith(logged.digest)


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


def test_parent_links_to_report_and_models(tracked: RunFolder) -> None:
    """The description leads to the report and to each data set's models by score, in the parent's own experiment."""
    parent = next(run for run in search(tracked) if "dataset" not in run.data.tags)
    said, where = parent.data.tags["mlflow.note.content"], f"(#/experiments/{parent.info.experiment_id}/runs"
    assert f"[the report]{where}/{parent.info.run_id}/artifacts/report.html?" in said
    for dataset in ("wine", "diabetes"):
        assert f"[{dataset}]{where}?searchFilter=tags.dataset+%3D+%27{dataset}%27" in said


def test_report_links_to_the_run(tracked: RunFolder) -> None:
    """A report written after tracking leads to the run in MLflow; before, and for a damaged note, there is no link."""
    parent = next(run for run in search(tracked) if "dataset" not in run.data.tags)
    page = render_html(load_run_view(tracked))
    assert f'href="http://127.0.0.1:5000/#/experiments/{parent.info.experiment_id}/runs/{parent.info.run_id}?' in page
    path = tracked.path / "tracked.json"
    whole = path.read_bytes()
    try:
        for damage in (b"{", b"[]", b'{"path": "javascript:alert(1)"}', b'{"server": "javascript:", "path": 3}'):
            path.write_bytes(damage)
            assert "See also" not in render_html(load_run_view(tracked))
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("http://user:secret@host:5000/", "http://host:5000"),
        ("https://host/mlflow", "https://host/mlflow"),
        ("sqlite:////somewhere/mlflow.db", ""),
        ("postgresql://user:secret@host/db", ""),
    ],
)
def test_address_of_a_server_has_no_password(uri: str, address: str) -> None:
    """What the report links to is the server alone; a database has no page."""
    assert address_of_server(uri) == address


def test_figures_are_artifacts(tracked: RunFolder) -> None:
    """The parent holds the figures to look at first, as pictures that MLflow shows."""
    from mlflow import MlflowClient

    parent = next(run for run in search(tracked) if "dataset" not in run.data.tags)
    found = {item.path for item in MlflowClient(default_uri(tracked)).list_artifacts(parent.info.run_id, "figures")}
    assert {"figures/wine-folds.png", "figures/diabetes-score-and-training-time.png"} <= found


def test_views_of_data_sets(tracked: RunFolder) -> None:
    """Each data set has a named view as MLflow's page keeps them: models by score, and charts of what was logged."""
    from mlflow import MlflowClient

    experiment = MlflowClient(default_uri(tracked)).get_experiment_by_name("tiny")
    assert experiment is not None
    tags = [value for name, value in experiment.tags.items() if name.startswith("mlflow.sharedViewState.")]
    views = {view["name"]: view for view in map(json.loads, tags)}
    assert set(views) == {"wine by accuracy", "diabetes by rmse"}
    kind, _, packed = views["diabetes by rmse"]["state"].partition(";")
    assert kind == "deflate"
    state = json.loads(zlib.decompress(base64.b64decode(packed)))
    assert state["searchFilter"] == "tags.dataset = 'diabetes' and tags.train_fraction = '1' and tags.model != 'dummy'"
    shown = [run.data.tags for run in search(tracked, condition=state["searchFilter"])]
    assert {tags["dataset"] for tags in shown} == {"diabetes"}
    assert {tags["model"] for tags in shown} == {"ridge", "mlp"}
    logged = children(tracked)["diabetes", "ridge", "default"].data.metrics
    keys = {chart.get("metricKey") or chart["yaxis"]["key"] for chart in state["compareRunCharts"]}
    assert keys <= set(logged)
    assert {"rmse", "outer_fold/rmse", "cpu_s"} <= keys
    sections = {section["uuid"] for section in state["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} == sections


def test_changed_view_is_kept(tracked: RunFolder) -> None:
    """Who changes a view in MLflow's page finds it as it was left after the next mirror."""
    from mlflow import MlflowClient

    client = MlflowClient(default_uri(tracked))
    experiment = client.get_experiment_by_name("tiny")
    assert experiment is not None
    name = next(name for name in experiment.tags if name.startswith("mlflow.sharedViewState."))
    before = experiment.tags[name]
    client.set_experiment_tag(experiment.experiment_id, name, "changed")
    mirror_run(tracked, default_uri(tracked))
    assert client.get_experiment(experiment.experiment_id).tags[name] == "changed"
    client.set_experiment_tag(experiment.experiment_id, name, before)


def test_views_have_limits() -> None:
    """Twenty data sets have a view, one with an endless name has none, and quotes in a name stay quoted."""
    datasets = {f"data {number}": {"primary": "rmse"} for number in range(30)}
    assert len(view_tags(datasets, 0)) == 20
    random = np.random.default_rng(0)
    assert not view_tags({"".join(map(chr, random.integers(32, 50_000, 5000))): {"primary": "rmse"}}, 0)
    assert "tags.dataset+%3D+%22it%27s%22" in path_of_experiment("1", "it's")


def test_long_verdicts_end_with_a_whole_line() -> None:
    """What does not fit is left out line by line, links first; names are no markup."""
    links = {f"data [{number}](x)": "#/" + "x" * 50 for number in range(100)}
    said = describe_parent("\n".join(f"line {number}" for number in range(1000)), links, 1500)
    assert len(said) <= 1500
    assert said.startswith("line 0\nline 1\n")
    assert "See [data \\[0\\]\\(x\\)](#/xx" in said
    shown = said.split("\n\n")[0].splitlines()
    assert shown == [f"line {number}" for number in range(len(shown))]


def test_mirroring_twice_logs_nothing_twice(tracked: RunFolder) -> None:
    """A second mirror writes no child and leaves the number of runs as it is."""
    before = len(search(tracked))
    done = mirror_run(tracked, default_uri(tracked))
    assert (done.written, len(search(tracked))) == (0, before)


def test_changed_cell_is_replaced(tracked: RunFolder) -> None:
    """A fit that failed and was retried replaces its child run; failures stand in tags."""
    records, _ = tracked.read_records()
    record = next(one for one in records.values() if (one.dataset, one.model, one.fold) == ("wine", "dummy", 0))
    try:
        tracked.append(Record(**{**vars(record), "status": "error", "reason": "bad luck", "metrics": {}}))
        assert mirror_run(tracked, default_uri(tracked)).written == 1
        run = children(tracked)["wine", "dummy", "default"]
        assert run.data.tags["failure.1.1"] == "error: bad luck"
        assert run.data.tags["folds"] == "1/2"
        assert run.info.status == "FAILED"
        assert "accuracy" not in run.data.metrics  # no mean over the folds that survived
    finally:
        tracked.append(record)
    mirror_run(tracked, default_uri(tracked))
    assert children(tracked)["wine", "dummy", "default"].info.status == "FINISHED"


def test_unreachable_server_is_told_in_a_line(tiny_run: RunFolder) -> None:
    """`track` against a server that is not there is a user's error."""
    with pytest.raises(UserError, match=r"can't track to http://127\.0\.0\.1:9"):
        mirror_run(tiny_run, "http://127.0.0.1:9")


def test_unusable_store_is_told_at_once(tiny_run: RunFolder) -> None:
    """A SQLite file that can't be written is refused before MLflow tries for minutes."""
    with pytest.raises(UserError, match="unable to open database file; give a file that can be written"):
        mirror_run(tiny_run, "sqlite:////proc/nowhere/x.db")


def test_run_goes_on_without_its_server(tmp_path: Path, empty_mlflow_store: MakeStore) -> None:
    """A run whose server can't be reached warns, finishes, and is caught up later."""
    progress = RecordingProgress()
    suite = {"name": "tiny", "datasets": ["wine"], "models": ["dummy"], "variants": ["default"], "outer_folds": 2}
    result = run_suite(suite, out=tmp_path / "run", tracking_uri="http://127.0.0.1:9", progress=progress)
    assert result.finished is not None
    assert (result.finished.ran, result.finished.failed, result.finished.tracked_at) == (2, 0, None)
    assert any("bakeoff track" in warning for warning in progress.warnings)
    assert mirror_run(result.folder, empty_mlflow_store(tmp_path / "later.db")).written == 1


def test_run_tracks_while_it_goes_on(tmp_path: Path) -> None:
    """A tracked run leaves parent, children and the report in the store beside the runs."""
    suite = {"name": "tiny", "datasets": ["wine"], "models": ["dummy"], "variants": ["default"], "outer_folds": 2}
    result = run_suite(suite, out=tmp_path / "runs" / "tiny")
    assert (tmp_path / "runs" / "mlflow.db").is_file()
    found = search(result.folder)
    assert sorted(run.info.status for run in found) == ["FINISHED", "FINISHED"]


class Saboteur(RecordingProgress):
    """Progress that takes the server away after some fits."""

    def __init__(self, server: Any, after: int) -> None:
        super().__init__()
        self.server, self.after = server, after

    def end(self, record: Record) -> None:
        """Count fits."""
        super().end(record)
        if len(self.ended) == self.after:
            self.server.stop()


@pytest.mark.slow
def test_server_that_goes_away_in_the_middle_stops_nothing(
    tiny_run: RunFolder, tmp_path: Path, mlflow_server: Any
) -> None:
    """Every fit is recorded as without a server; the warning says what to do, and doing it makes up for all."""
    server = mlflow_server()
    saboteur = Saboteur(server, after=6)
    result = run_suite(
        tiny_run.read_suite(), out=tmp_path / "run", tracking_uri=server.uri, workers=1, progress=saboteur
    )
    assert result.finished is not None
    assert (result.finished.failed, result.finished.tracked_at) == (0, None)
    records, whole = result.folder.read_records()[0], tiny_run.read_records()[0]
    assert {fit: record.metrics for fit, record in records.items()} == {
        fit: record.metrics for fit, record in whole.items()
    }
    assert any("bakeoff track" in warning for warning in saboteur.warnings)
    server.start()
    mirror_run(result.folder, server.uri)
    cells = {(record.dataset, record.model, record.variant) for record in records.values()}
    tags = [run.data.tags for run in search(result.folder, server.uri)]
    found = [(one["dataset"], one["model"], one["variant"]) for one in tags if "dataset" in one]
    assert sorted(found) == sorted(cells)
