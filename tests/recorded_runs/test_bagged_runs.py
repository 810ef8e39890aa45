"""A run with every variant, calibrated: its records, its report, and what is made of it afterwards."""

from pathlib import Path

import joblib
import numpy as np
import pytest
from runs import run_untracked, scores_of
from sklearn.datasets import load_wine

from bakeoff.estimators.wrappers.averaging import AveragedClassifier
from bakeoff.recorded_runs.export import export_model
from bakeoff.recorded_runs.reproduce import RerunResult, verify_run
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports.pages.page import build_page
from bakeoff.reports.run_data.run import load_run_view
from bakeoff.reports.sections.budget import budget
from bakeoff.reports.sections.variants import VARIANTS

SUITE = {
    "name": "bags",
    "datasets": ["wine"],
    "models": ["xgboost"],
    "variants": list(VARIANTS),
    "tuning": {"trials": 2},
    "caps": {"trees": 10},
    "outer_folds": 2,
    "inner_folds": 2,
    "bagging_folds": 2,
    "calibrate": "temperature",
}


@pytest.fixture(scope="module")
def bagged_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Make a run of every variant once."""
    return run_untracked(SUITE, tmp_path_factory.mktemp("runs") / "bags", in_process=True)


def test_every_variant_ends_well(bagged_run: RunFolder) -> None:
    """All fits have scores and inner scores; studies are tuned once, and bags count all of their models."""
    records = bagged_run.read_records()[0].values()
    assert {record.variant for record in records if record.ok} == set(VARIANTS)
    assert len(records) == 10
    for record in records:
        spent, members = record.diagnostics, record.params.get("members", [None])
        assert isinstance(spent["inner_score"], float)
        assert spent["temperature"] > 0
        assert spent["refits"] == len(members) * (2 if "bagged" in record.variant else 1)
        if record.variant in ("ensemble", "bagged-ensemble"):
            assert spent["trials_resumed"] == 2


def test_report_shows_variants_side_by_side(bagged_run: RunFolder) -> None:
    """One row for the model, one column for each variant in their order, with a score and what it cost."""
    view = load_run_view(bagged_run)
    page = build_page(view)
    table = page.sections[0].variants
    assert table is not None
    assert [column.title for column in table.columns] == ["Model", *VARIANTS]
    assert {row[0].text for row in table.rows} == {"xgboost"}
    assert all("±" in cell.text and cell.note for row in table.rows for cell in row[1:])
    spent = budget(view).set_index(["model", "variant"])
    assert spent.loc[("xgboost", "tuned"), "trials"] == 4
    assert spent.loc[("xgboost", "bagged-ensemble"), "trials"] == 0
    assert spent.loc[("xgboost", "bagged"), "model_fits"] == 4
    assert "Variants side by side" in (bagged_run.path / "report.html").read_text(encoding="utf-8")
    assert table.caption in (bagged_run.path / "report.md").read_text(encoding="utf-8")
    facts = dict(page.provenance)
    assert facts["Models of a bag"] == "2"
    assert facts["Calibration of classifiers"].startswith("temperature")


def test_few_variants_are_left_to_the_ranking(tiny_run: RunFolder) -> None:
    """Default and tuned alone have no table of their own."""
    assert all(section.variants is None for section in build_page(load_run_view(tiny_run)).sections)


@pytest.mark.parametrize("variant", ["bagged", "bagged-ensemble"])
def test_bags_are_exported(bagged_run: RunFolder, variant: str, tmp_path: Path) -> None:
    """The file holds the calibrated mean of models that were fitted on folds of all rows."""
    path = export_model(bagged_run, dataset="wine", model="xgboost", variant=variant, out=tmp_path / "model.joblib")
    X, y = load_wine(return_X_y=True, as_frame=True)
    model = joblib.load(path)
    assert isinstance(model.model, AveragedClassifier)
    assert len(model.model.models) % 2 == 0
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1, atol=1e-6)
    assert np.mean(model.predict(X) == y) > 0.9


def test_bags_are_repeated_to_the_last_bit(bagged_run: RunFolder) -> None:
    """All fits come out the same in processes of their own."""
    repeated: list[RerunResult] = []
    certificate = verify_run(bagged_run, sample=6, callback=repeated.append)
    assert certificate["equal"] == 6


def test_nothing_runs_again(bagged_run: RunFolder) -> None:
    """The same suite finds all of its fits."""
    before = scores_of(bagged_run)
    assert scores_of(run_untracked(SUITE, bagged_run.path, in_process=True)) == before
