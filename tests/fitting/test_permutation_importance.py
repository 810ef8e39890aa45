"""Permutation importance: known answers, nothing else changed, its cost aside, and figures of it."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from doubles import RecordingProgress

from bakeoff import compare, run_suite
from bakeoff.api import RunResult
from bakeoff.evaluation.evaluate import evaluate
from bakeoff.fitting.permutation_importance import N_REPEATS
from bakeoff.planning.plan import make_plan
from bakeoff.planning.staging import write_data_file
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports.figures.column_importance import MAX_COLUMNS, read_permutation_importance
from bakeoff.reports.pages.page import build_page
from bakeoff.reports.run_data.fits import fits_frame
from bakeoff.reports.run_data.run import load_run_view
from bakeoff.suites.suite_file import to_suite

SUITE: dict[str, Any] = {
    "name": "columns",
    "datasets": ["wine", "diabetes", {"name": "parity", "rows": 60}],
    "models": ["dummy", "logistic", "ridge", "mlp"],
    "variants": ["default"],
    "caps": {"epochs": 2},
    "outer_folds": 2,
    "inner_folds": 2,
    "learning_curve": ["50%"],
}


@pytest.fixture(scope="module")
def made() -> tuple[pd.DataFrame, np.ndarray]:
    """Make a task that one column decides, beside a copy of nothing, categories and gaps."""
    random = np.random.default_rng(0)
    deciding = random.normal(size=200)
    frame = pd.DataFrame(
        {
            "noise": random.normal(size=200),
            "deciding": deciding,
            "constant": 1.0,
            "colour": pd.Categorical(random.choice(["red", "blue"], size=200)),
            "gaps": np.where(random.random(200) < 0.3, np.nan, random.normal(size=200)),
        }
    )
    return frame, (deciding > 0).astype(int)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """Run a small suite that asks for it."""
    out = tmp_path_factory.mktemp("runs") / "columns"
    return run_suite(SUITE | {"importance": True}, out=out, tracking=False, workers=2)


def test_what_decides_is_found(made: tuple[pd.DataFrame, np.ndarray], tmp_path: Path) -> None:
    """A column that decides costs most of the score above chance, one that never varies costs exactly nothing."""
    result = compare(
        *made, models=["logistic", "decision_tree"], folds=2, importance=True, in_process=True, out=tmp_path
    )
    found = read_permutation_importance(load_run_view(result.folder), "data")
    assert {model for model, _ in found} == {"logistic", "decision_tree"}
    for losses in found.values():
        means = losses.mean()
        assert means.idxmax() == "deciding"
        assert means["deciding"] > 0.3
        assert (losses["constant"] == 0).all()
        assert (means.drop("deciding").abs() < 0.1).all()


def test_it_is_stored_for_tables_and_whole_parts(run: RunResult) -> None:
    """Each fit on a table's whole training part has five losses for each column; series and smaller parts have none."""
    frame = run.fits
    for fit in frame.to_dict("records"):
        losses = run.folder.read_importance(fit["fit"])
        if fit["dataset"] == "parity" or fit["train_fraction"] < 1:
            assert not losses
        else:
            assert len(losses) == {"wine": 13, "diabetes": 10}[fit["dataset"]]
            assert {len(values) for values in losses.values()} == {N_REPEATS}
        if fit["model"] == "dummy":
            assert not any(value for values in losses.values() for value in values)


def test_it_changes_nothing_else(run: RunResult, tmp_path: Path) -> None:
    """Fits keep their ids, splits and scores, and a run that has them already runs nothing again."""
    suite = SUITE | {"datasets": ["wine", "diabetes"], "models": ["logistic", "ridge", "mlp"], "learning_curve": []}
    plain = run_suite(suite, out=tmp_path / "plain", tracking=False, workers=2)
    metrics = ["metrics.accuracy", "metrics.rmse"]
    scores = plain.fits.set_index("fit")[metrics]
    assert len(scores) == 8
    pd.testing.assert_frame_equal(scores, run.fits.set_index("fit").loc[scores.index, metrics])
    again = run_suite(suite | {"importance": True}, out=tmp_path / "plain", tracking=False)
    assert again.finished is not None
    assert again.finished.ran == 0


def test_what_was_not_measured_is_told(run: RunResult, tmp_path: Path) -> None:
    """Series have no columns, recorded fits are not run again for it, and a failed measurement stands in the report."""
    progress = RecordingProgress()
    run_suite({**SUITE, "datasets": ["diabetes"], "models": ["ridge"]}, out=tmp_path / "run", tracking=False)
    asked = {**SUITE, "datasets": ["diabetes"], "models": ["ridge"], "importance": True}
    run_suite(asked, out=tmp_path / "run", tracking=False, progress=progress)
    assert any("2 recorded fits have no importance of columns" in note for note in progress.notes)
    assert "parity has none" in "".join(make_plan(to_suite(SUITE | {"importance": True})).notes())
    view = load_run_view(run.folder)
    assert not [line for line in build_page(view).warnings if "importance" in line]
    fit, record = next(iter(view.records.items()))
    failed = replace(record, diagnostics={**record.diagnostics, "no_importance": "no time"})
    page = build_page(replace(view, records={**view.records, fit: failed}))
    assert "The importance of columns is not known for 1 fit; the first: no time." in page.warnings


def test_its_cost_stands_aside(run: RunResult) -> None:
    """What the shuffles took is taken off the cost of the fit."""
    view = load_run_view(run.folder)
    frame = fits_frame(view).set_index("fit")
    known = [one for one in view.records.values() if one.diagnostics.get("importance_cpu_s")]
    assert known
    for record in known:
        aside = sum(record.diagnostics.get(f"{what}_cpu_s", 0) for what in ("importance", "inner", "anytime"))
        assert frame.loc[record.fit, "cost_s"] == pytest.approx(record.diagnostics["cpu_s"] - aside)


def test_no_time_loses_no_score(tmp_path: Path) -> None:
    """Where the limit of a fit leaves no time, its scores are kept, and it says so."""
    plan = make_plan(to_suite(SUITE | {"importance": True, "learning_curve": []}))
    job = next(job for job in plan.jobs if job.dataset == "diabetes" and job.choice.name == "ridge")
    write_data_file(tmp_path / "data", plan.datasets["diabetes"], plan.splits["diabetes"])
    result = evaluate(replace(job, data_file=tmp_path / "data", settings=replace(job.settings, limit_s=0.0)))
    assert result.metrics
    assert not result.importance
    assert "limit of the fit" in result.diagnostics["no_importance"]


def test_figure_shows_what_matters_most(run: RunResult) -> None:
    """The dozen columns that matter most come first; every mark lies within its range; series have no such figure."""
    figures = {figure.key: figure for figure in build_page(load_run_view(run.folder)).figures}
    figure = figures["wine-columns"]
    assert len(figure.y.names) == MAX_COLUMNS
    assert f"the {MAX_COLUMNS} that matter most" in figure.caption
    most = [max(trace.x[place] for trace in figure.traces) for place in range(MAX_COLUMNS)]
    assert most == sorted(most, reverse=True)
    for trace in figure.traces:
        assert all(low <= x <= high for low, x, high in zip(trace.low, trace.x, trace.high, strict=True))
    assert figures["diabetes-columns"].x.title == "rmse added"
    assert "parity-columns" not in figures


def test_damaged_files_leave_the_model_out(run: RunResult, tmp_path: Path) -> None:
    """A model without all of its folds is not drawn, and nothing fails."""
    folder = RunFolder(Path(shutil.copytree(run.path, tmp_path / "run")))
    view = load_run_view(folder)
    (model, variant), *others = read_permutation_importance(view, "diabetes")
    fit = next(
        one["fit"]
        for one in view.plan["fits"]
        if (one["dataset"], one["model"], one["variant"], one["train_fraction"]) == ("diabetes", model, variant, 1)
    )
    path = folder.path / "importance" / f"{fit}.json"
    for damage in ('{"age": [1, "x"]}', '{"age": [NaN]}', "{", "[]", '{"age": []}'):
        path.write_text(damage)
        assert list(read_permutation_importance(load_run_view(folder), "diabetes")) == others
