"""Published scores beside a run: in tables and figures in grey, and in nothing that ranks, tests or judges."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bakeoff.datasets.sources.files import is_table_file
from bakeoff.errors import UserError
from bakeoff.protocol.metrics import METRICS
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports import write_latex, write_reports
from bakeoff.reports.figures.fold_scores import build_fold_figure
from bakeoff.reports.pages.html import render_html, render_snippet
from bakeoff.reports.pages.markdown import render_markdown
from bakeoff.reports.run_data.published import CAUTION, match_published, weave
from bakeoff.reports.run_data.published_file import PublishedScore, read_published
from bakeoff.reports.run_data.run import Run, load_run_view
from bakeoff.reports.sections.ranking import build_other_metrics, build_ranking

HEADER = "dataset,model,metric,score,source\n"
GOOD = HEADER + (
    'wine,TabR,accuracy,0.9851,"Gorishniy et al. 2023, Table 4"\n'
    "wine,old,accuracy,0.31,A & B 1999\n"
    "wine,TabR,log_loss,0.052,A & B 1999\n"
    "diabetes,<b>boost</b>,rmse,54.10,A & B 1999\n"
    "moons,TabR,accuracy,1,A & B 1999\n"
    "wine,TabR,auc,0.99,A & B 1999\n"
    "wine,TabR,rmse,0.99,A & B 1999\n"
)
NOT_JUDGED = ("leaderboard.csv", "leaderboard.parquet", "verdict.json", "summary.md")
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of published scores."""

    def written(text: str) -> Path:
        path = tmp_path / "scores.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return written


@pytest.fixture
def run(tiny_run: RunFolder, tmp_path: Path) -> RunFolder:
    """Copy the tiny run, which tests write to."""
    return RunFolder(Path(shutil.copytree(tiny_run.path, tmp_path / "run")))


@pytest.fixture
def view(tiny_run: RunFolder, write: Write) -> Run:
    """Read the tiny run with published scores beside it."""
    scores = read_published(write(GOOD))
    return replace(load_run_view(tiny_run), read_published=lambda: scores)


def test_file(write: Write) -> None:
    """Numbers keep the digits with which they were published; commas stand in quotes."""
    first, second, *_ = read_published(write(GOOD))
    assert first == PublishedScore(
        dataset="wine",
        model="TabR",
        metric="accuracy",
        value=0.9851,
        text="0.9851",
        source="Gorishniy et al. 2023, Table 4",
    )
    assert (second.value, second.text) == (0.31, "0.31")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dataset,model,metric,value,source\n", "must have the columns .*; it lacks score and has 'value'"),
        ("", "it lacks dataset, model, metric, score, source"),
        (HEADER + "wine,TabR,accuracy,0.9\n", "line 2: it must have 5 fields"),
        (HEADER + "wine,TabR,accuracy,0.9,Smith, 2020\n", "line 2: it must have 5 fields"),
        (HEADER + "wine,TabR,accuracy,0.9,A\nwine,,accuracy,0.9, \n", "line 3: model, source must not be empty"),
        (HEADER + "wine,TabR,accuracy,high,A\n", "line 2: the score must be a number, got 'high'"),
        (HEADER + "wine,TabR,rmse,nan,A\n", "line 2: the score must be a number, got 'nan'"),
        (HEADER + "wine,TabR,accuracy,98.5,A\n", "accuracy is at most 1, got 98.5; divide a percentage by 100"),
        (HEADER + 2 * "wine,TabR,accuracy,0.9,A\n", "accuracy of TabR on wine stands 2 times for 'A'"),
        (HEADER + 8 * "wine,TabR,accuracy,?,A\n", "and 3 more"),
    ],
)
def test_what_is_wrong_with_a_file(write: Write, text: str, message: str) -> None:
    """Each line that is wrong is told by its number."""
    with pytest.raises(UserError, match=message):
        read_published(write(text))


def test_unreadable_file(tmp_path: Path, write: Write) -> None:
    """A file that is not there, or is no text, is told in one line."""
    with pytest.raises(UserError, match="can't be read"):
        read_published(tmp_path / "nothing.csv")
    path = write("")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="CSV file in UTF-8"):
        read_published(path)


def test_scores_without_a_place(view: Run) -> None:
    """Unknown data sets and metrics are counted with the reason."""
    matched = match_published(view)
    assert len(matched.scores) == 4
    assert matched.render_ignored() == (
        "1 of data sets that are not in the run (moons), 1 of metrics that the run does not compute (auc), "
        "1 of metrics of another task (rmse)"
    )


def test_ranked_table(view: Run) -> None:
    """Published rows stand where their score is, without a rank or costs; the others are what they were."""
    table, plain = build_ranking(view, "wine"), build_ranking(replace(view, read_published=tuple), "wine")
    beside = [row for row in table.rows if table.is_beside(row)]
    others = [[cell.text for cell in row] for row in table.rows if not table.is_beside(row)]
    assert others == [[cell.text for cell in row] for row in plain.rows]
    assert [(row[1].text, row[2].text, row[3].text) for row in beside] == [
        ("TabR", "published [1]", "0.9851"),
        ("old", "published [2]", "0.31"),
    ]
    assert all(row[0].text == "" and not row[1].family for row in beside)
    assert beside[0][2].hint == "Gorishniy et al. 2023, Table 4"
    assert table.notes == (CAUTION, "[1] Gorishniy et al. 2023, Table 4", "[2] A & B 1999")
    means = [cell.value for cell in (row[3] for row in table.rows) if cell.value == cell.value]
    assert means == sorted(means, reverse=True)
    assert plain.notes == ()


def test_other_metrics(view: Run) -> None:
    """A published score of another metric of the task stands below the other metrics."""
    table = build_other_metrics(view, "wine")
    *_, last = table.rows
    titles = [column.title for column in table.columns]
    assert (last[1].text, last[titles.index("log_loss ↓")].text, last[titles.index("brier ↓")].text) == (
        "TabR",
        "0.052",
        "",
    )


def test_holes_come_last() -> None:
    """Published scores stand above rows without a mean, and behind a row of the same score; errors are best small."""
    rows = [{"mean": 1.0}, {"mean": 2.0}, {"mean": float("nan")}]
    scores = [PublishedScore(dataset="", model=t, metric="", value=float(t), text=t, source="") for t in "923"]
    woven = [row.text if isinstance(row, PublishedScore) else row["mean"] for row in weave(rows, scores, sign=-1)]
    assert woven[:5] == [1.0, 2.0, "2", "3", "9"]


def test_figure(view: Run) -> None:
    """The figure of the folds has a grey mark for each published score, with its source."""
    figure = build_fold_figure(view, "wine")
    assert figure is not None
    marks = [trace for trace in figure.traces if trace.texts[0].startswith("TabR")]
    assert [(trace.colour, trace.texts) for trace in marks] == [
        ("neutral", ["TabR (published): 0.9851, Gorishniy et al. 2023, Table 4"])
    ]
    assert "TabR (published)" in figure.y.names


def test_pages(view: Run, tmp_path: Path) -> None:
    """Page, notebook, Markdown and LaTeX show them apart, with their sources, escaped."""
    for page in (render_html(view), render_snippet(view, "report.html")):
        assert '<tr class="beside">' in page
        assert "[2] A &amp; B 1999" in page
        assert "&lt;b&gt;boost&lt;/b&gt;" in page
        assert "<b>boost" not in page
    markdown = render_markdown(view)
    assert r"*TabR* | *published \[1\]* | *0.9851*" in markdown
    assert r"- \[1\] Gorishniy et al. 2023, Table 4" in markdown
    write_latex(view, tmp_path / "scores.tex")
    latex = (tmp_path / "scores.tex").read_text(encoding="utf-8")
    assert r"\usepackage{xcolor}" in latex
    assert r"\textcolor{gray}{TabR} & \textcolor{gray}{published [1]} & \textcolor{gray}{$0.9851$} &  \\" in latex
    assert r"[2] A \& B 1999" in latex


def test_nothing_judges_by_them(run: RunFolder, write: Write) -> None:
    """Leaderboards, verdicts and summaries are the same bytes with published scores beside them."""
    write_reports(run)
    before = {name: (run.path / name).read_bytes() for name in NOT_JUDGED}
    page = run.html.read_text(encoding="utf-8")
    write_reports(run, beside=write(GOOD))
    assert {name: (run.path / name).read_bytes() for name in NOT_JUDGED} == before
    assert "TabR" in run.html.read_text(encoding="utf-8")
    assert "TabR" not in json.dumps(json.loads((run.path / "verdict.json").read_text(encoding="utf-8")))
    write_reports(run)  # as at the end of `extend`
    assert "TabR" in run.html.read_text(encoding="utf-8")
    (run.path / "published.csv").unlink()
    write_reports(run)
    assert run.html.read_text(encoding="utf-8") == page


def test_command(run: RunFolder, write: Write, bakeoff: Any) -> None:
    """`report --beside` says how many have a place and why others have none; a wrong file changes nothing."""
    assert bakeoff("report", str(run.path), "--beside", str(write(GOOD))) == 0
    said = " ".join(bakeoff.out.split())
    assert "beside 4 published scores" in said
    assert "ignored 1 of data sets that are not in the run (moons), 1 of metrics" in said
    kept = (run.path / "published.csv").read_text(encoding="utf-8")
    assert bakeoff("report", str(run.path), "--beside", str(write(HEADER + "wine,TabR,accuracy,?,A\n"))) == 2
    assert "line 2: the score must be a number, got '?'" in " ".join(bakeoff.err.split())
    assert (run.path / "published.csv").read_text(encoding="utf-8") == kept


def test_published_scores_of_the_docs() -> None:
    """The shipped file is read whole, by the standard metrics, on data sets named as their files are."""
    path = Path(__file__).parents[3] / "docs" / "published.csv"
    scores = read_published(path)
    assert len(scores) > 200
    assert {score.metric for score in scores} <= set(METRICS)
    assert not any(is_table_file(Path(score.dataset)) for score in scores)
