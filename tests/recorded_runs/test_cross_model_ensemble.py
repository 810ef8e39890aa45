"""Ensembles across the models of a run: what is averaged, by which weights, and what is said of it."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bakeoff.engines.observers import Silent
from bakeoff.engines.options import RunOptions
from bakeoff.errors import UserError
from bakeoff.planning.plan import make_plan
from bakeoff.protocol.metrics import METRICS
from bakeoff.protocol.predictions import Predictions
from bakeoff.recorded_runs.cross_model_ensemble import build_cross_model_ensembles
from bakeoff.records.record import Record
from bakeoff.records.run_folder import CROSS_MODEL_ENSEMBLES, RunFolder
from bakeoff.reports import write_reports
from bakeoff.reports.run_data.run import load_run_view
from bakeoff.reports.sections.cross_model_ensemble import compare_ensembles
from bakeoff.running.runner import Run
from bakeoff.suites.suite_file import parse_suite

SVM = "linear_svm"  # takes part with its votes
SUITE = """
name: across
datasets: [wine, diabetes]
models: [dummy, logistic, ridge, linear_svm, decision_tree, mlp]
outer_folds: 2
inner_folds: 2
tuning: {trials: 2}
caps: {epochs: 2}
limits: {seconds: 60, memory: 2GB}
"""


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, list[Record]]:
    """Make a run with ensembles once; tests that write to it copy it first."""
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "across")
    Run(make_plan(parse_suite(SUITE, "across")), folder, RunOptions(workers=2)).execute()
    return folder, combine(folder)


def combine(folder: RunFolder) -> list[Record]:
    """Build the ensembles of a run."""
    return build_cross_model_ensembles(folder, options=RunOptions(workers=2), progress=Silent())


def copy(folder: RunFolder, path: Path) -> RunFolder:
    """Copy a run."""
    return RunFolder(Path(shutil.copytree(folder.path, path / "run")))


def test_each_fold_has_an_ensemble_of_what_was_recorded(finished: tuple[RunFolder, list[Record]]) -> None:
    """The stored probabilities, averaged with the recorded weights, give the recorded metrics."""
    folder, made = finished
    records = folder.read_records()[0]
    assert [one.ok for one in made] == [True] * 4
    for one in made:
        members = one.params["members"]
        assert sum(member["weight"] for member in members) == pytest.approx(1)
        key = "scores" if one.task != "regression" else "y_pred"
        parts = [(member["weight"], folder.read_predictions(member["fit"])) for member in members]
        mean = sum(weight * _shares(arrays[key], arrays) for weight, arrays in parts)
        told = folder.read_predictions(one.fit)
        np.testing.assert_allclose(told[key], mean)
        metric = "r2" if one.task == "regression" else "log_loss"
        assert METRICS[metric].compute(Predictions.from_arrays(told, None)) == pytest.approx(one.metrics[metric])
        assert {records[member["fit"]].fold for member in members} == {one.fold}


def _shares(told: np.ndarray, arrays: Any) -> np.ndarray:
    """Decision values, which have no common scale, count as votes."""
    votes = told.ndim > 1 and not arrays["scores_are_probabilities"]
    return np.eye(told.shape[1])[told.argmax(axis=1)] if votes else told


def test_an_ensemble_is_no_worse_inside_than_its_best_candidate(finished: tuple[RunFolder, list[Record]]) -> None:
    """The greedy choice reaches at least the best inner score of a model that it may choose."""
    folder, made = finished
    records = folder.read_records()[0]
    compared = 0
    for one in made:
        singles = [records[fit].diagnostics for fit in one.diagnostics["candidates"] if records[fit].model != SVM]
        tuned = [spent["inner_score"] for spent in singles if "inner_score" in spent]
        assert one.diagnostics["inner_score"] >= max(tuned) - 1e-9
        compared += len(tuned)
    assert compared > 10


def test_it_is_not_built_twice(finished: tuple[RunFolder, list[Record]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A second call returns the recorded ensembles and runs nothing."""
    folder, made = finished
    monkeypatch.setattr("bakeoff.recorded_runs.cross_model_ensemble._build", None)
    assert {one.fit: one.metrics for one in combine(folder)} == {one.fit: one.metrics for one in made}


def test_report_compares_it_with_the_best_single_model(
    finished: tuple[RunFolder, list[Record]], tmp_path: Path
) -> None:
    """One row for each data set; the difference is that of the recorded scores."""
    folder = copy(finished[0], tmp_path)
    view = load_run_view(folder)
    duels = {duel.dataset: duel for duel in compare_ensembles(view)}
    assert set(duels) == {"wine", "diabetes"}
    wine = duels["wine"]
    by_fold = sorted(finished[1], key=lambda one: one.fold)  # they come as they end
    scores = [one.metrics[wine.metric] for one in by_fold if one.dataset == "wine"]
    assert wine.scores == pytest.approx(scores)
    assert wine.found.difference.mean == pytest.approx(np.mean(scores) - wine.single.mean)
    assert sum(wine.weights.values()) == pytest.approx(1)
    write_reports(folder)
    for text in (folder.html.read_text(encoding="utf-8"), folder.markdown.read_text(encoding="utf-8")):
        assert "An ensemble across all models against the best single one" in text


def test_an_ensemble_of_fits_that_are_gone_is_not_shown(
    finished: tuple[RunFolder, list[Record]], tmp_path: Path
) -> None:
    """What was built from other candidates than those of the run now is left out of its report."""
    folder = copy(finished[0], tmp_path)
    records = folder.read_records()[0]
    folder.write_records(one for one in records.values() if one.model != "mlp")
    assert compare_ensembles(load_run_view(folder)) == []


def test_one_that_fails_is_left_out_and_named(finished: tuple[RunFolder, list[Record]], tmp_path: Path) -> None:
    """A candidate whose parameters can't be fitted any more leaves the ensemble to the others."""
    folder = copy(finished[0], tmp_path)
    (folder.path / CROSS_MODEL_ENSEMBLES).unlink()
    records = folder.read_records()[0]
    broken = {fit: _break(one) for fit, one in records.items()}
    folder.write_records(broken.values())
    made = combine(folder)
    assert all(one.ok for one in made)
    trees = [one.diagnostics["left_out"] for one in made]
    assert all(set(left) == {"decision_tree"} and "max_depth" in left["decision_tree"] for left in trees)
    assert {duel.left_out for duel in compare_ensembles(load_run_view(folder))} == {("decision_tree",)}


def _break(record: Record) -> Record:
    wrong: dict[str, Any] = {**record.params, "max_depth": -3}
    return replace(record, params=wrong) if record.model == "decision_tree" else record


def test_it_needs_two_models(tmp_path: Path) -> None:
    """A run of one model is refused in words."""
    folder = RunFolder(tmp_path / "run")
    suite = parse_suite("{name: one, datasets: [wine], models: [dummy], variants: [default], outer_folds: 2}", "one")
    Run(make_plan(suite), folder, RunOptions(workers=1)).execute()
    with pytest.raises(UserError, match="needs two models that ended well"):
        combine(folder)


def test_command_says_what_came_of_it(finished: tuple[RunFolder, list[Record]], tmp_path: Path, bakeoff: Any) -> None:
    """The command writes the report and ends with 0."""
    folder = copy(finished[0], tmp_path)
    assert bakeoff("ensemble", str(folder.path)) == 0
    assert "against the best single model" in bakeoff.out
