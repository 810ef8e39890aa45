"""What reports write beside the page: Markdown and LaTeX to the letter, the leaderboard as CSV and Parquet, figures."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bakeoff.records.record import Record
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports import write_reports
from bakeoff.reports.pages.latex import escape, render_latex
from bakeoff.reports.pages.markdown import render_markdown
from bakeoff.reports.run_data.leaderboard import leaderboard
from bakeoff.reports.run_data.run import Run, load_run_view

GOLDEN = Path(__file__).parent / "golden"
METRICS = {
    "accuracy": {"greater_is_better": True, "tasks": ["binary"]},
    "rmse": {"greater_is_better": False, "tasks": ["regression"]},
}
SCORES: dict[tuple[str, str, str, str], list[float | str]] = {
    ("churn_50%", "dummy", "classical", "default"): [0.5, 0.5, 0.5],
    ("churn_50%", "logistic", "classical", "default"): [0.81, 0.84, 0.80],
    ("churn_50%", "mlp", "deep", "default"): [0.86, 0.85, 0.83],
    ("churn_50%", "cnn", "deep", "default"): [0.9, "timeout", 0.9],
    ("prices", "dummy", "classical", "default"): [10.0, 11.0, 12.0],
    ("prices", "ridge", "classical", "default"): [4.0, 4.5, 4.2],
    ("prices", "mlp", "deep", "default"): ["crashed", "crashed", "crashed"],
}


def build_view() -> Run:
    """Make a run of two data sets, with holes."""
    fits: list[dict[str, Any]] = []
    records: dict[str, Record] = {}
    for (dataset, model, family, variant), values in SCORES.items():
        for fold, value in enumerate(values):
            names = {
                "dataset": dataset,
                "model": model,
                "family": family,
                "variant": variant,
                "repeat": 0,
                "fold": fold,
                "train_fraction": 1.0,
            }
            fits.append({**names, "fit": f"fit{len(fits)}"})
            records[fits[-1]["fit"]] = _record(fits[-1], value)
    about = {"kind": "table", "rows": 30, "features": 2, "positive": None, "digest": "d" * 64, "scheme": "stratified"}
    about |= {"licence": "CC0", "source": "made", "notes": []}
    return Run(
        plan={
            "fits": fits,
            "skips": [],
            "metrics": METRICS,
            "datasets": {
                "churn_50%": {**about, "task": "binary", "classes": 2, "primary": "accuracy"},
                "prices": {**about, "task": "regression", "classes": 0, "primary": "rmse"},
            },
        },
        records=records,
        suite={"name": "golden & co", "outer_folds": 3, "inner_folds": 3, "variants": ["default"], "limits": {}},
        provenance={"run": "abc", "begun": "2026-01-01", "seed": 0, "versions": {"numpy": "2"}},
    )


def _record(fit: dict[str, Any], value: float | str) -> Record:
    failed = isinstance(value, str)
    metric = "accuracy" if fit["dataset"] == "churn_50%" else "rmse"
    return Record(
        **fit,
        study="",
        cell="",
        data_digest="d" * 64,
        split_digest="",
        task="",
        kind="",
        status=value if failed else "ok",  # type: ignore[arg-type]  # a status
        reason=f"why it ended as {value}" if failed else "",
        metrics={} if failed else {metric: value},
        diagnostics={"fit_s": 1.0, "cpu_s": 2.0, "predict_s": 0.01, "peak_mb": 30.0, "train_rows": 20, "test_rows": 10},
    )


@pytest.mark.parametrize(("name", "render"), [("report.md", render_markdown), ("leaderboard.tex", render_latex)])
def test_text_is_what_it_was(name: str, render: Any) -> None:
    """Markdown and LaTeX of a small run, to the letter; if a change is meant, write the new text into golden/."""
    assert render(build_view()) == (GOLDEN / name).read_text(encoding="utf-8")


def test_latex_escapes_names() -> None:
    """Nothing in a name is a command."""
    assert escape("50% of_a\\b {x} $y$ #1 & ~^") == (
        r"50\% of\_a\textbackslash{}b \{x\} \$y\$ \#1 \& \textasciitilde{}\textasciicircum{}"
    )


def test_failures_stand_in_every_table() -> None:
    """Cells with failed folds show how many ended well, in LaTeX as in Markdown; reasons stand in Markdown."""
    markdown, latex = render_markdown(build_view()), render_latex(build_view())
    assert "2/3" in latex
    assert "0/3" in latex
    for status in ("timeout", "crashed"):
        assert f"why it ended as {status}" in markdown


def test_leaderboard_is_a_file(tiny_run: RunFolder) -> None:
    """CSV and Parquet hold the leaderboard, whole."""
    write_reports(tiny_run)
    board = leaderboard(load_run_view(tiny_run))
    stored = pd.read_parquet(tiny_run.path / "leaderboard.parquet")
    assert list(stored.columns) == list(board.columns)
    assert stored["mean"].tolist() == board["mean"].tolist()
    text = pd.read_csv(tiny_run.path / "leaderboard.csv")
    assert text["model"].tolist() == board["model"].tolist()
    assert text["mean"].to_numpy() == pytest.approx(board["mean"].to_numpy(), nan_ok=True)


def test_command_writes_latex_and_figures(tiny_run: RunFolder, tmp_path: Path, bakeoff: Any) -> None:
    """`report --latex --figures` says where they are; a place that can't be written is told in words."""
    assert bakeoff("report", str(tiny_run.path), "--latex", "--figures", str(tmp_path / "figures")) == 0
    assert "leaderboard.tex" in bakeoff.out
    assert r"\toprule" in (tiny_run.path / "leaderboard.tex").read_text(encoding="utf-8")
    assert len(list((tmp_path / "figures").glob("*.svg"))) == len(list((tmp_path / "figures").glob("*.png"))) > 10
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert bakeoff("report", str(tiny_run.path), "--figures", str(tmp_path / "file")) == 2
    assert "figures can't be written" in bakeoff.err
