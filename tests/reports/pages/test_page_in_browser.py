"""The report in a browser: no error, no request, sorting, filters, figures, dark, narrow, paper, axe; MLflow's page."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bakeoff import load_run, run_suite
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports.pages.html import render_html
from bakeoff.reports.run_data.run import load_run_view
from bakeoff.tracking.client import default_uri

pytestmark = pytest.mark.slow
ATTACK = "<script>alert(1)</script>"
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 800}}
DRAWN = "document.querySelectorAll('figure[data-drawn] svg.main-svg').length"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Start Chromium, which this tier needs, as the package `chromium` of the system."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("these tests need Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tiny_run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the report of the tiny run, with a data set whose name is an attack, and published scores beside it."""
    folder = RunFolder(Path(shutil.copytree(tiny_run.path, tmp_path_factory.mktemp("attack") / "run")))
    for name in ("plan.json", "records.jsonl", "audit.json"):
        path = folder.path / name
        path.write_text(path.read_text(encoding="utf-8").replace('"wine"', f'"{ATTACK}"'), encoding="utf-8")
    published = f"dataset,model,metric,score,source\ndiabetes,boosting,rmse,54.1,{ATTACK}\n"
    (folder.path / "published.csv").write_text(published, encoding="utf-8")
    path = folder.path / "report.html"
    path.write_text(render_html(load_run_view(folder)), encoding="utf-8")
    return path


class Page:
    """An open page, and what it complained about."""

    def __init__(self, browser: Any, path: Path, size: str, scheme: str = "light") -> None:
        self.tab = browser.new_page(viewport=SIZES[size], color_scheme=scheme)
        self.said: list[str] = []
        self.tab.on("console", lambda message: self.said.append(message.text))
        self.tab.on("pageerror", lambda error: self.said.append(str(error)))
        self.tab.on("dialog", lambda dialog: self.said.append("a dialog") or dialog.dismiss())
        self.tab.on("request", lambda request: self.said.append(request.url) if "file:" not in request.url else None)
        self.tab.goto(path.as_uri())

    def open_all(self) -> None:
        """Open every fold and scroll through the page, so that every figure is drawn."""
        self.tab.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
        number = self.tab.evaluate("document.querySelectorAll('figure.plot').length")
        for place in range(number):
            self.tab.locator("figure.plot").nth(place).scroll_into_view_if_needed()
        self.tab.wait_for_function(f"{DRAWN} >= {number}", timeout=60_000)


@pytest.fixture(params=[("desktop", "light"), ("desktop", "dark"), ("phone", "light")], ids="-".join)
def page(request: pytest.FixtureRequest, chromium: Any, report: Path) -> Iterator[Page]:
    """Open the report."""
    opened = Page(chromium, report, *request.param)
    yield opened
    opened.tab.close()


def test_everything_is_drawn_without_a_word(page: Page) -> None:
    """All figures are drawn, nothing is fetched, nothing goes wrong, and an attack in a name does nothing."""
    page.open_all()
    assert page.tab.evaluate(DRAWN) > 15
    assert page.said == []
    assert ATTACK in page.tab.inner_text("main")


def test_nothing_sticks_out(page: Page) -> None:
    """The page is no wider than the window: wide tables scroll in themselves."""
    page.open_all()
    assert page.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_tables_sort_by_any_column(chromium: Any, report: Path) -> None:
    """A press on a heading sorts by it, a second one the other way round; the keyboard does the same."""
    page = Page(chromium, report, "desktop")
    table = page.tab.locator("table", has_text="models ranked by rmse")
    heading = table.locator("th", has_text="rmse").first.locator("button")

    def read() -> list[float]:
        texts = table.locator("tbody tr td:nth-child(4)").all_inner_texts()
        return [float(text.split("±")[0]) for text in texts if "±" in text]

    heading.click()
    assert read() == sorted(read())
    heading.focus()
    page.tab.keyboard.press("Enter")
    assert read() == sorted(read(), reverse=True)
    assert len(read()) > 3
    assert table.locator("th[aria-sort=descending]").count() == 1


def test_long_tables_filter(chromium: Any, report: Path) -> None:
    """Only rows that hold all words stay; an empty box brings all of them back."""
    page = Page(chromium, report, "desktop")
    page.open_all()
    box = page.tab.locator("input.filter").first
    rows = "document.querySelector('input.filter').nextElementSibling.querySelectorAll('tbody tr')"
    shown = f"[...{rows}].filter((row) => !row.hidden)"
    before = page.tab.evaluate(f"{shown}.length")
    box.fill("mlp tuned")
    texts = page.tab.evaluate(f"{shown}.map((row) => row.textContent)")
    assert 0 < len(texts) < before
    assert all("mlp" in text and "tuned" in text for text in texts)
    box.fill("")
    assert page.tab.evaluate(f"{shown}.length") == before


def test_dark_page_on_demand(chromium: Any, report: Path) -> None:
    """The button turns the page and its figures dark, and light again."""
    page = Page(chromium, report, "desktop")
    page.open_all()
    paper = "getComputedStyle(document.body).backgroundColor"
    ink = "getComputedStyle(document.querySelector('figure.plot .xtick text')).fill"
    light = page.tab.evaluate(f"[{paper}, {ink}]")
    page.tab.click("#theme")
    page.tab.wait_for_function(f"{ink} !== '{light[1]}'")
    assert page.tab.evaluate(paper) != light[0]
    page.tab.click("#theme")
    page.tab.wait_for_function(f"{ink} === '{light[1]}'")
    assert page.tab.evaluate(paper) == light[0]
    assert page.said == []


def test_print_draws_everything(chromium: Any, report: Path) -> None:
    """The button opens all folds and draws all figures in light colours before the page is printed, and back again."""
    page = Page(chromium, report, "desktop", "dark")
    page.tab.evaluate("window.print = () => { window.paper = getComputedStyle(document.body).backgroundColor; }")
    dark = page.tab.evaluate("getComputedStyle(document.body).backgroundColor")
    page.tab.click("#print")
    page.tab.wait_for_function("window.paper", timeout=60_000)
    assert page.tab.evaluate("window.paper") != dark
    assert page.tab.evaluate("document.querySelectorAll('figure.plot:not([data-drawn])').length") == 0
    assert page.tab.evaluate(DRAWN) > 15
    assert page.tab.evaluate("document.querySelectorAll('details:not([open])').length") == 0
    page.tab.wait_for_function(f"getComputedStyle(document.body).backgroundColor === '{dark}'")
    assert page.said == []


def test_paper_has_no_empty_figures(chromium: Any, report: Path) -> None:
    """Printed by the browser's own menu, figures that were not drawn yet leave no empty boxes."""
    page = Page(chromium, report, "desktop")
    page.tab.emulate_media(media="print")
    empty = "[...document.querySelectorAll('figure.plot:not([data-drawn])')].filter((one) => one.offsetHeight > 0)"
    assert page.tab.evaluate(f"{empty}.length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(chromium: Any, report: Path, scheme: str) -> None:
    """axe-core knows of no serious or critical barrier on the whole page."""
    script = Path(os.environ.get("BAKEOFF_AXE", "node_modules/axe-core/axe.min.js"))
    if not script.is_file():
        pytest.fail("this test needs axe-core: npm install axe-core, or its axe.min.js in BAKEOFF_AXE")
    page = Page(chromium, report, "desktop", scheme)
    page.open_all()
    page.tab.evaluate(script.read_text(encoding="utf-8"))
    found = page.tab.evaluate("axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)")
    serious = [
        f"{one['id']}: {one['help']} ({one['nodes'][0]['html'][:200]}; {len(one['nodes'])} places)"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Run and track a small suite with models in a store of its own."""
    suite = {
        "name": "seen",
        "datasets": ["wine", "diabetes"],
        "models": ["dummy", "logistic", "ridge", "mlp"],
        "variants": ["default"],
        "caps": {"epochs": 2},
        "outer_folds": 2,
        "inner_folds": 2,
    }
    out = tmp_path_factory.mktemp("runs") / "seen"
    return run_suite(suite, out=out, workers=2, log_models=True).folder


class MlflowPage:
    """MLflow's page on a tracked run."""

    def __init__(self, browser: Any, address: str) -> None:
        self.address = address
        self.tab = browser.new_page(viewport={"width": 1500, "height": 1100})

    def open(self, path: str, *wanted: str) -> str:
        """Go to a path of it and wait for texts; return all that is to be read."""
        self.tab.goto("about:blank")  # else only the part after # would change
        self.tab.goto(f"{self.address}/{path}")
        for text in wanted:
            self.tab.get_by_text(text).first.wait_for(timeout=30_000)
        return str(self.tab.inner_text("body"))


@pytest.fixture
def mlflow_page(tracked: RunFolder, chromium: Any, mlflow_server: Any) -> Iterator[MlflowPage]:
    """Serve the store of the tracked run."""
    opened = MlflowPage(chromium, mlflow_server(default_uri(tracked)).uri)
    yield opened
    opened.tab.close()


def test_mlflow_shows_models_and_charts(tracked: RunFolder, mlflow_page: MlflowPage) -> None:
    """A data set's view lists its models by score, and charts score, cost and folds first; views stand in the menu."""
    from mlflow import MlflowClient

    experiment = MlflowClient(default_uri(tracked)).get_experiment_by_name("seen")
    assert experiment is not None
    views = {json.loads(value)["name"]: name for name, value in experiment.tags.items() if "sharedViewState" in name}
    key = views["wine by accuracy"].removeprefix("mlflow.sharedViewState.")
    words = f"viewStateShareKey={key}&workflowType=machine_learning"
    runs = f"#/experiments/{experiment.experiment_id}/runs?{words}"
    board = load_run(tracked.path).leaderboard
    ranked = board[board["dataset"] == "wine"].sort_values("rank")["model"]
    said = mlflow_page.open(runs, "logistic · default · wine", "cpu_s")
    places = [said.index(f"{model} · default · wine") for model in ranked if model != "dummy"]
    assert places == sorted(places)
    assert "· diabetes" not in said
    said = mlflow_page.open(f"{runs}&compareRunsMode=CHART", "Model metrics")
    sections = [said.index(f"\n{name}\n(3)") for name in ("Score", "Cost")]
    assert sections == sorted(sections)
    assert sections[-1] < said.index("\nModel metrics\n")
    mlflow_page.tab.wait_for_function("document.querySelectorAll('.js-plotly-plot svg.main-svg').length >= 3")
    mlflow_page.open(runs, "wine by accuracy")
    mlflow_page.tab.get_by_role("button", name="wine by accuracy").click()
    mlflow_page.tab.get_by_role("menuitem").filter(has_text="diabetes by rmse").wait_for(timeout=10_000)


def test_mlflow_shows_verdict_and_report(tracked: RunFolder, mlflow_page: MlflowPage) -> None:
    """The parent's page says the verdict and leads on; the report is drawn among its artifacts."""
    path = tracked.read_tracked()["path"]
    headline = tracked.read_verdict()["headline"]
    mlflow_page.open(path, headline)
    mlflow_page.tab.get_by_text("Show more").first.click()
    assert mlflow_page.tab.get_by_role("link", name="the report").get_attribute("href").startswith("#/experiments/")
    mlflow_page.open(path.replace("?", "/artifacts/report.html?"), "report.html")
    frame = mlflow_page.tab.frame_locator("iframe")
    frame.get_by_role("heading", name="seen").wait_for(timeout=30_000)
    frame.locator("summary", has_text="Figures").first.click()
    frame.locator("figure[data-drawn] svg.main-svg").first.wait_for(timeout=30_000)
