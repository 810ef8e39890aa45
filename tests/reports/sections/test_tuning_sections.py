"""What tuning brought and what was spent: the anytime curve, edges of spaces, and the budget."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff import run_suite
from bakeoff.api import RunResult
from bakeoff.reports.run_data.fits import fits_frame
from bakeoff.reports.run_data.run import Run, load_run_view
from bakeoff.reports.sections.anytime import build_tuning, find_incumbents, format_edges, render_edges
from bakeoff.reports.sections.budget import budget, render_budget

SUITE: dict[str, Any] = {
    "name": "anytime",
    "datasets": ["wine"],
    "models": ["dummy", {"name": "knn", "space": {"n_neighbors": {"low": 1, "high": 9}}}, "mlp"],
    "variants": ["default", "tuned", "ensemble"],
    "tuning": {"trials": 5},
    "caps": {"epochs": 3},
    "outer_folds": 2,
    "inner_folds": 2,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """Run all variants, with outer scores all along."""
    out = tmp_path_factory.mktemp("runs") / "anytime"
    return run_suite(SUITE | {"anytime": True}, out=out, tracking=False, workers=2)


@pytest.fixture(scope="module")
def view(run: RunResult) -> Run:
    """Read the run."""
    return load_run_view(run.folder)


def test_curve_rises_from_the_default_to_the_tuned_score(run: RunResult) -> None:
    """Each study starts with its default and rises; the last outer score is that of the tuned fit."""
    fits = run.fits.set_index(["model", "variant", "fold"])["metrics.accuracy"]
    studies = run.anytime.groupby(["model", "fold"])
    assert len(studies) == 4
    for (model, fold), study in studies:
        assert study["trial"].iloc[0] == 0
        assert study["inner"].is_monotonic_increasing
        assert study["seconds"].is_monotonic_increasing
        assert study["seconds"].iloc[-1] <= study["total_seconds"].iloc[0]
        assert study["outer"].iloc[0] == fits[model, "default", fold]
        assert study["outer"].iloc[-1] == fits[model, "tuned", fold]
        assert study["outer"].notna().all()


def test_without_being_asked_for_only_the_ends_are_known(run: RunResult, tmp_path: Path) -> None:
    """The outer test part is looked at once unless a suite asks for more, and that changes nothing else."""
    plain = run_suite(SUITE, out=tmp_path / "plain", tracking=False, workers=2)
    asked, unasked = run.anytime, plain.anytime
    pd.testing.assert_series_equal(asked["inner"], unasked["inner"])
    is_end = (unasked["trial"] == 0) | ~unasked.duplicated(["model", "fold"], keep="last")
    assert unasked["outer"].notna().tolist() == is_end.tolist()
    assert set(run.fits["fit"]) == set(plain.fits["fit"])
    pd.testing.assert_series_equal(run.fits["metrics.accuracy"], plain.fits["metrics.accuracy"])


def test_scores_for_reports_are_in_no_cost(run: RunResult, view: Run) -> None:
    """What outer scores all along take stands aside, and is taken off the cost of the fit."""
    frame = fits_frame(view).set_index("fit")
    tuned = [record for record in view.records.values() if record.variant == "tuned"]
    assert tuned
    for record in tuned:
        aside = record.diagnostics["anytime_cpu_s"]
        assert frame.loc[record.fit, "cost_s"] == pytest.approx(record.diagnostics["cpu_s"] - aside)
        assert frame.loc[record.fit, "uncharged_cpu_s"] == pytest.approx(aside)


def test_table_of_tuning(view: Run) -> None:
    """One row for each tuned model: the inner score never falls with time, and the gain is tuned over default."""
    table = build_tuning(view)
    assert [row[1].text for row in table.rows] == ["knn", "mlp"]
    for row in table.rows:
        reached = [cell.value for cell in row[3:7]]
        assert reached == sorted(reached, key=float)
    fits = fits_frame(view)
    mean = fits.groupby(["model", "variant"])["metrics.accuracy"].mean()
    assert table.rows[0][7].value == pytest.approx(mean["knn", "tuned"] - mean["knn", "default"])


def test_budget_counts_a_study_once(view: Run) -> None:
    """Trials and fits of a study stand with the tuned variant; the ensemble adds its refits alone."""
    spent = budget(view).set_index(["model", "variant"])
    assert spent.loc[("knn", "tuned"), "trials"] == 10
    assert spent.loc[("knn", "ensemble"), "trials"] == 0
    assert spent.loc[("knn", "default"), "model_fits"] == 2
    assert spent.loc[("knn", "tuned"), "model_fits"] <= 2 * (5 * 2 + 1)
    assert spent.loc[("mlp", "default"), "epochs"] == 2 * 3
    assert 0 < spent.loc[("knn", "ensemble"), "cpu_s"] < spent.loc[("mlp", "tuned"), "cpu_s"]
    assert "20 trials of tuning" in render_budget(budget(view))


def test_report_shows_tuning(run: RunResult) -> None:
    """Page and Markdown have the section."""
    assert "What tuning brought" in run.folder.html.read_text()
    assert "## Tuning" in run.folder.markdown.read_text()


def test_edges_are_counted_by_fold() -> None:
    """An edge is named with the number of folds on which the best value lay there."""
    edges = pd.Series([("C at its upper end 9",), (), ("C at its upper end 9", "p at its lower end 3")])
    assert format_edges(edges) == "C at its upper end 9 (on 2 of 3 folds); p at its lower end 3 (on 1 of 3 folds)"
    fits = pd.DataFrame({"variant": "tuned", "status": "ok", "at_edge": edges})
    assert "Of the 3 studies, 2 ended at an edge" in render_edges(fits)
    assert render_edges(fits.iloc[1:2]) == "No study ended at an edge of its space."


def test_only_complete_trials_are_best() -> None:
    """Failed and pruned trials are never best, and an equal one is no better."""
    states = ["failed", "complete", "complete", "pruned", "complete"]
    values = [None, 0.5, 0.5, None, np.nextafter(0.5, 1)]
    trials = [{"state": state, "value": value} for state, value in zip(states, values, strict=True)]
    assert list(find_incumbents(trials)) == [1, 4]
