"""The report as one HTML file: no network, no fonts; it opens anywhere, also years from now."""

import base64
import gzip
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2

from bakeoff.reports.cells.strip_plots import MARGIN, WIDTH
from bakeoff.reports.cells.tables import build_failures
from bakeoff.reports.drawing.interactive import read_plotly, to_plotly
from bakeoff.reports.drawing.palette import COLOUR_PAIRS, colours
from bakeoff.reports.pages.page import build_page
from bakeoff.reports.run_data.run import Run
from bakeoff.reports.sections.ranking import build_ranking
from bakeoff.reports.sections.task_table import summarise_run

MAX_TABLES = 6


def render_html(view: Run) -> str:
    """Return the report of a run as a self-contained page; all text of the run is escaped."""
    page = build_page(view)
    return _render("report.html.j2", view, page=page, plotly=_pack_plotly() if page.figures else "")


def render_snippet(view: Run, report: str) -> str:
    """Return the verdict, the ranked tables and the failures as HTML for a notebook; all text of the run is escaped.

    Parameters
    ----------
    view : Run
    report : str
        Where the whole report lies.
    """
    shown, summary = list(view.plan["datasets"])[:MAX_TABLES], summarise_run(view)
    return _render(
        "snippet.html.j2",
        view,
        headline=summary.headline,
        lines=[*summary.tasks, *summary.datasets[:MAX_TABLES]],
        rankings=[build_ranking(view, name) for name in shown],
        failures=build_failures(view),
        more=len(view.plan["datasets"]) - len(shown),
        report=report,
    )


def _render(name: str, view: Run, **values: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    look = {"strip_width": WIDTH, "strip_margin": MARGIN, "colours": colours(view), "shades": COLOUR_PAIRS}
    return environment.get_template(name).render(**look, to_plotly=to_plotly, **values)


@cache
def _pack_plotly() -> str:
    """Return plotly's script in a third of its size; the page's own script unpacks it when the first figure is seen."""
    return base64.b64encode(gzip.compress(read_plotly().encode(), mtime=0)).decode()


def _read(name: str) -> str:
    return files("bakeoff.reports.pages").joinpath("templates", name).read_text(encoding="utf-8")
