"""Reports: tables, page and Markdown from synthetic run folders."""

import math
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from bakeoff.errors import UserError
from bakeoff.records.record import STATUSES, Record
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports import write_reports
from bakeoff.reports.cells.strip_plots import build_axis
from bakeoff.reports.formats import decimals_for, format_difference, format_seconds, format_value
from bakeoff.reports.pages.html import render_html
from bakeoff.reports.pages.markdown import escape, render_markdown
from bakeoff.reports.pages.page import build_page
from bakeoff.reports.run_data.fits import failures, fits_frame
from bakeoff.reports.run_data.leaderboard import leaderboard
from bakeoff.reports.run_data.run import Run, load_run_view
from bakeoff.reports.sections.budget import budget

METRICS = {
    "accuracy": {"greater_is_better": True, "tasks": ["binary", "multiclass"]},
    "roc_auc": {"greater_is_better": True, "tasks": ["binary", "multiclass"]},
    "rmse": {"greater_is_better": False, "tasks": ["regression"]},
    "mae": {"greater_is_better": False, "tasks": ["regression"]},
}
ATTACK = "<script>alert(1)</script>"
FAILED = tuple(status for status in STATUSES if status != "ok")
BuildRun = Callable[..., RunFolder]


def fit_of(model: str, values: Sequence[float | str | None], **options: Any) -> list[dict[str, Any]]:
    """Describe the folds of one cell: a score, a status that is not ok, or None for a fit that was not run."""
    metric = options.pop("metric", "accuracy")
    defaults = {"dataset": "toy", "model": model, "family": "classical", "variant": "default", "extra": {}, "spent": {}}
    return [defaults | options | {"fold": fold, "value": value, "metric": metric} for fold, value in enumerate(values)]


def record_of(fit: dict[str, Any], key: str) -> Record:
    """Build the record of one described fit."""
    is_ok = not isinstance(fit["value"], str)
    return Record(
        **{name: fit[name] for name in ("dataset", "model", "family", "variant", "fold")},
        fit=key,
        study="",
        cell="",
        data_digest="d" * 64,
        split_digest="",
        task="",
        kind="",
        repeat=0,
        status="ok" if is_ok else fit["value"],
        reason="" if is_ok else f"reason of {fit['value']} <&| here",
        traceback="" if is_ok else 'Traceback\n  File "model.py", line 7, in fit\nValueError: <b>no</b>',
        metrics={fit["metric"]: fit["value"], **fit["extra"]} if is_ok else {},
        diagnostics={"fit_s": 1.0, "cpu_s": 2.0, "peak_mb": 30.0, **fit["spent"]},
    )


def plan_of(fits: list[dict[str, Any]], primary: str) -> dict[str, Any]:
    """Build the plan that the described fits come from."""
    names = ("dataset", "model", "family", "variant", "fold")
    about = {"task": "regression" if primary == "rmse" else "binary", "kind": "tabular", "rows": 9, "features": 2}
    about |= {"classes": 2, "positive": "yes", "digest": "d" * 64, "scheme": "stratified", "primary": primary}
    about |= {"licence": "CC0", "source": "https://example.org/data", "notes": ["a note"]}
    return {
        "fits": [
            {name: fit[name] for name in names} | {"fit": f"fit{place}", "repeat": 0} for place, fit in enumerate(fits)
        ],
        "skips": [
            {"dataset": "toy", "model": "lstm", "variant": name, "reason": "no series"} for name in ("default", "tuned")
        ],
        "datasets": {fit["dataset"]: about for fit in fits},
        "metrics": METRICS,
    }


@pytest.fixture
def build_run(tmp_path: Path) -> BuildRun:
    """Return a function that writes a run folder from described fits."""

    def build(*cells: list[dict[str, Any]], primary: str = "accuracy", **suite: Any) -> RunFolder:
        fits = [fit for cell in cells for fit in cell]
        folder = RunFolder(tmp_path / "run")
        folder.create()
        folder.write_json("plan.json", plan_of(fits, primary))
        folder.write_json("provenance.json", {"run": "abc", "seed": 3, "versions": {"numpy": "2.1"}})
        folder.suite_file.write_text(yaml.safe_dump({"name": "suite", **suite}), encoding="utf-8")
        for place, fit in enumerate(fits):
            if fit["value"] is not None:
                folder.append(record_of(fit, f"fit{place}"))
        return folder

    return build


def row_of(view: Run, model: str) -> dict[str, Any]:
    """Return a model's row of the leaderboard."""
    board = leaderboard(view)
    return dict(board[board["model"] == model].iloc[0])


def test_mean_and_std_are_over_outer_folds(build_run: BuildRun) -> None:
    """A complete cell has the mean and the sample standard deviation of its folds."""
    row = row_of(load_run_view(build_run(fit_of("svm", [0.5, 0.7, 0.9]))), "svm")
    assert row["mean"] == pytest.approx(0.7)
    assert row["std"] == pytest.approx(0.2)
    assert (row["rank"], row["n_ok"], row["n_folds"], row["status"]) == (1, 3, 3, "3 ok")


@pytest.mark.parametrize("value", [*FAILED, None])
def test_hole_has_no_mean_and_stands_last(build_run: BuildRun, value: str | None) -> None:
    """A failed or missing fold takes mean, spread, rank and averages away, however good the other folds are."""
    folder = build_run(fit_of("svm", [1.0, 1.0, value]), fit_of("dummy", [0.1, 0.2, 0.1]))
    view = load_run_view(folder)
    row = row_of(view, "svm")
    assert all(math.isnan(row[name]) for name in ("mean", "std", "rank", "fit_s"))
    assert list(leaderboard(view)["model"]) == ["dummy", "svm"]
    assert "2/3" in render_html(view)
    assert "| 2/3 |" in render_markdown(view)


def test_ranks_share_the_best_place_on_ties(build_run: BuildRun) -> None:
    """Cells whose means are equal up to float rounding share a rank, and the next one is skipped."""
    folder = build_run(
        fit_of("low", [0.1, 0.1, 0.1]),
        fit_of("one", [0.1, 0.2, 0.3]),
        fit_of("two", [0.3, 0.2, 0.1]),
        fit_of("top", [1, 1, 1]),
    )
    board = leaderboard(load_run_view(folder))
    assert dict(zip(board["model"], board["rank"], strict=True)) == {"top": 1, "one": 2, "two": 2, "low": 4}


def test_rmse_ranks_the_smaller_value_first(build_run: BuildRun) -> None:
    """A metric that is better when lower ranks upward."""
    folder = build_run(
        fit_of("ridge", [3.0, 5.0], metric="rmse"),
        fit_of("mlp", [2.0, 3.0], metric="rmse", family="deep"),
        primary="rmse",
    )
    view = load_run_view(folder)
    assert list(leaderboard(view)["model"]) == ["mlp", "ridge"]
    assert "rmse ↓" in render_markdown(view)


def test_missing_metric_is_missing_not_zero(build_run: BuildRun) -> None:
    """A metric that one fold lacks has no mean and is shown as a dash; the rank by the primary one stays."""
    folder = build_run(fit_of("svm", [0.5, 0.7]), fit_of("tree", [0.5, 0.6], extra={"roc_auc": 0.75}))
    view = load_run_view(folder)
    assert math.isnan(row_of(view, "svm")["metrics.roc_auc"])
    assert row_of(view, "svm")["rank"] == 1
    assert row_of(view, "tree")["metrics.roc_auc"] == 0.75
    assert "| 1 | ○ svm | default | – |" in render_markdown(view)  # noqa: RUF001 - the dash of the tables


def test_missing_primary_metric_is_a_hole_with_its_reason(build_run: BuildRun) -> None:
    """A model that ran well but gives no scores is a hole by name, on all folds or on some."""
    folder = build_run(fit_of("svm", [0.5, 0.7]), fit_of("part", [0.9, 0.9], extra={"roc_auc": 0.8}), primary="roc_auc")
    view = load_run_view(folder)
    row = row_of(view, "svm")
    assert (row["hole"], row["status"]) == ("no roc_auc: the model gives no scores", "2 ok")
    assert "no roc_auc: the model gives no scores" in render_html(view)
    assert row_of(view, "part")["rank"] == 1


def test_metric_undefined_on_one_fold_is_a_hole(build_run: BuildRun) -> None:
    """A primary metric that one fold lacks leaves the cell without a mean and says on how many folds."""
    whole = fit_of("svm", [0.5, 0.7, 0.6], extra={"roc_auc": 0.8})
    whole[1]["extra"] = {}
    row = row_of(load_run_view(build_run(whole, primary="roc_auc")), "svm")
    assert row["hole"] == "no roc_auc on 1 of 3 folds: undefined there"


def test_every_failure_is_shown_with_its_reason(build_run: BuildRun) -> None:
    """Each status that is not ok, and a fit that was not run, appears with reason and fit id in both reports."""
    view = load_run_view(build_run(fit_of("svm", [*FAILED, None])))
    assert list(failures(view)["status"]) == [*FAILED, "not run"]
    page, text = render_html(view), render_markdown(view)
    for place, status in enumerate(FAILED):
        assert f"reason of {status} &lt;&amp;| here" in page
        assert f"reason of {status} &lt;&amp;\\| here" in text
        assert f"fit{place}" in page
        assert f"fit{place}" in text
    assert "no record: the run was interrupted" in page
    assert "File &#34;model.py&#34;, line 7, in fit" in page


def test_names_are_escaped_in_html(build_run: BuildRun) -> None:
    """Names, reasons and descriptions that look like markup add no element and no attribute to the page."""
    options = {"dataset": ATTACK, "family": "deep"}
    folder = build_run(
        fit_of(ATTACK, [0.5, "error"], **options),
        fit_of('"onload="x', [0.5, 0.6], **options),
        name=ATTACK,
        notice=ATTACK,
        description=ATTACK,
    )
    page = render_html(load_run_view(folder))
    assert ATTACK not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    elements = Elements(page)
    assert elements.count("script") == elements.count("figure") + 2  # the data of each, plotly and our own
    assert not [name for name, _ in elements.attributes if name.startswith("on")]
    assert all(re.fullmatch(r"[a-z0-9]+(-+[a-z0-9]+)*", value) for name, value in elements.attributes if name == "id")


def test_names_are_escaped_in_markdown(build_run: BuildRun) -> None:
    """A pipe, a tag, emphasis or a line break in a name neither breaks a table nor becomes markup."""
    text = render_markdown(load_run_view(build_run(fit_of("a|b<i>*c*\n# d", [0.5, 0.6]))))
    assert "○ a\\|b&lt;i&gt;\\*c\\* \\# d |" in text
    widths = {
        block: {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        for block in text.split("\n\n")
        if block.startswith("|")
    }
    assert widths
    assert all(len(width) == 1 for width in widths.values())
    assert escape("`x`_y_") == "\\`x\\`\\_y\\_"


class Elements(HTMLParser):
    """The start tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a start tag."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def count(self, tag: str) -> int:
        """Count the elements of a name."""
        return self.tags.count(tag)


def test_page_fetches_nothing(build_run: BuildRun) -> None:
    """The page has no address outside itself: links lead to its own anchors, sources are plain text."""
    page = render_html(load_run_view(build_run(fit_of("svm", [0.5, 0.6]), fit_of("mlp", [0.4, 0.7], family="deep"))))
    elements = Elements(page)
    addresses = [
        value for name, value in elements.attributes if name in ("src", "href", "action", "data", "xlink:href")
    ]
    anchors = {f"#{value}" for name, value in elements.attributes if name == "id"}
    assert addresses
    assert set(addresses) <= anchors
    assert "url(" not in page
    assert "@import" not in page


def test_tables_are_accessible(build_run: BuildRun) -> None:
    """Every table has a caption, every heading a scope, every picture a label."""
    page = render_html(load_run_view(build_run(fit_of("svm", [0.5, 0.6]), fit_of("mlp", [0.4, 0.7], family="deep"))))
    elements = Elements(page)
    assert elements.count("table") == elements.count("caption") > 0
    assert elements.count("th") == len([name for name, _ in elements.attributes if name == "scope"])
    assert page.count("<svg") == len(re.findall(r'<svg [^>]*aria-label="[^"]+"', page))


def test_notice_and_warnings_are_shown(build_run: BuildRun) -> None:
    """The suite's notice, a budget in seconds, corrupt lines and flags stand in both reports."""
    flagged = fit_of("svm", [0.5, 0.6], spent={"flag": "cut short", "trials": 3, "trials_failed": 1})
    folder = build_run(flagged, notice="only a demonstration", tuning={"trials": 5, "seconds": 9.0})
    with (folder.path / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"half a rec')
    view = load_run_view(folder)
    for report in (render_html(view), render_markdown(view)):
        assert "only a demonstration" in report
        assert "results depend on the machine" in report
        assert re.search(r"1 line of records.jsonl", report)
        assert "cut short (2 fits)" in report


def test_budget_counts_failed_fits(build_run: BuildRun) -> None:
    """What a failed fit spent is counted, and failed trials apart from complete ones."""
    cell = fit_of("svm", [0.5, "memory", None], variant="tuned", spent={"trials": 4, "trials_failed": 1, "tune_s": 2.5})
    row = budget(load_run_view(build_run(cell))).iloc[0]
    assert (row["fits"], row["trials"], row["trials_failed"], row["tune_s"], row["cpu_s"]) == (2, 6, 2, 5.0, 4.0)


def test_records_outside_the_plan_are_left_out(build_run: BuildRun) -> None:
    """A record of a fit that the plan no longer has is not in the tables, and its number is told."""
    folder = build_run(fit_of("svm", [0.5, 0.6]))
    old = record_of(fit_of("old", [0.9])[0], "elsewhere")
    folder.append(replace(old, study="another"))
    folder.append(replace(old, fit="shorter"))
    view = load_run_view(folder)
    assert (view.n_unplanned, view.n_superseded, len(fits_frame(view))) == (2, 1, 2)
    assert "1 recorded fit outside the current plan" in render_html(view)
    assert "1 recorded fit with another tuning budget: kept" in render_html(view)


def test_retried_fit_counts_once_by_its_last_record(build_run: BuildRun) -> None:
    """A fit that failed and then went well is no hole."""
    folder = build_run(fit_of("svm", [0.5, "crashed"]))
    folder.append(record_of(fit_of("svm", [0.5, 0.7])[1], "fit1"))
    assert row_of(load_run_view(folder), "svm")["mean"] == pytest.approx(0.6)


def test_run_without_records_still_reports(build_run: BuildRun) -> None:
    """A run that was interrupted before its first fit ended has reports of what was planned."""
    folder = build_run(fit_of("svm", [None, None]))
    write_reports(folder)
    assert folder.read_verdict()["datasets"][0]["answer"] == "no comparison"
    assert "No record of 2 planned fits" in folder.html.read_text(encoding="utf-8")
    assert "2 not run" in folder.markdown.read_text(encoding="utf-8")
    assert not list(folder.path.glob("*.part"))


def test_single_fold_has_no_spread(build_run: BuildRun) -> None:
    """A predefined split has one fold: a mean, a rank, and no ±."""
    view = load_run_view(build_run(fit_of("svm", [0.5])))
    assert math.isnan(row_of(view, "svm")["std"])
    assert "| 1 | ○ svm | default | 0.500 |" in render_markdown(view)


def test_damaged_folder_is_refused_in_words(build_run: BuildRun) -> None:
    """A folder without a plan, or with a damaged suite, is a problem that a person can mend."""
    folder = build_run(fit_of("svm", [0.5]))
    folder.suite_file.write_text("[", encoding="utf-8")
    with pytest.raises(UserError, match=r"suite\.yaml is damaged or gone"):
        load_run_view(folder)
    (folder.path / "plan.json").unlink()
    with pytest.raises(UserError, match=r"holds no plan\.json"):
        load_run_view(folder)


@pytest.mark.parametrize(
    ("place", "changes", "message"),
    [
        (3, {"data_digest": "e" * 64}, r"toy / mlp / default / repeat 1 fold 2 \(fit fit3\) was run on other data"),
        (1, {"data_digest": "e" * 64}, r"toy / svm / default / repeat 1 fold 2 \(fit fit1\) was run on other data"),
        (3, {"split_digest": "other"}, r"fold 2 \(fit fit3\) was run on another split than svm \(default, fit fit1\)"),
    ],
)
def test_other_data_and_splits_are_refused(
    build_run: BuildRun, place: int, changes: dict[str, str], message: str
) -> None:
    """A record of other data than the plan's, or of another split than another model's, is named and not compared."""
    fits = [*fit_of("svm", [0.5, 0.6]), *fit_of("mlp", [0.4, 0.7], family="deep")]
    folder = build_run(fits)
    folder.append(replace(record_of(fits[place], f"fit{place}"), **changes))  # type: ignore[arg-type]  # strings
    with pytest.raises(UserError, match=message):
        load_run_view(folder)


def test_unknown_primary_metric_is_refused(build_run: BuildRun) -> None:
    """A data set that is ranked by a metric which the plan does not have is named."""
    folder = build_run(fit_of("svm", [0.5, 0.6]), primary="profit")
    with pytest.raises(UserError, match=r"'toy' is ranked by 'profit', which is none of the plan's metrics"):
        load_run_view(folder)


def test_tables_are_made_once(build_run: BuildRun) -> None:
    """Page, Markdown and verdict share the tables of a run; another run, or the same read again, has its own."""
    folder = build_run(fit_of("svm", [0.5, 0.6]))
    view, again = load_run_view(folder), load_run_view(folder)
    assert fits_frame(view) is fits_frame(view)
    assert build_page(view) is build_page(view)
    assert fits_frame(again) is not fits_frame(view)


def test_import_is_light() -> None:
    """Importing the package loads neither pandas nor jinja2."""
    code = "import sys, bakeoff.reports; sys.exit(bool({'pandas', 'jinja2'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.004, "0.004 s"),
        (0.03, "0.03 s"),
        (2.1, "2.1 s"),
        (45, "45 s"),
        (180, "3 min"),
        (5400, "90 min"),
        (7200, "2.0 h"),
        (math.nan, "\N{EN DASH}"),
    ],
)
def test_seconds_read_well(seconds: float, text: str) -> None:
    """A duration has two digits and a fitting unit."""
    assert format_seconds(seconds) == text


def test_decimals_follow_the_spread() -> None:
    """Two digits of the usual spread are shown, and no value looks like minus zero."""
    assert decimals_for([0.98], [0.0123]) == 3
    assert decimals_for([54.0], [3.2]) == 1
    assert decimals_for([54.0], [math.nan]) == 2
    assert decimals_for([0.98, 0.5], []) == decimals_for([], []) == 3
    assert decimals_for([0.0254, 0.0064], [math.nan]) == 4
    assert format_value(-0.0001, 2) == "0.00"
    assert format_difference(0.012, 2) == "+0.01"


def test_axis_leaves_outliers_off() -> None:
    """One hopeless model does not squeeze the others; its folds are marked as lying beyond the end."""
    axis = build_axis([0.95, 0.96, 0.97, 0.98, 0.99, 0.96, 0.97, 0.1], greater_is_better=True)
    assert axis is not None
    assert (axis.low_text, axis.high_text) == ("0.95", "0.99")
    assert axis.side(0.1) == "low"
    assert build_axis([], greater_is_better=True) is None
