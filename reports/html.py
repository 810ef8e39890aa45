"""The report as one HTML file: no network, no fonts, no libraries; it opens anywhere, also years from now."""

from importlib.resources import files

import jinja2

from bakeoff.reports.page import build_page
from bakeoff.reports.strips import MARGIN, WIDTH
from bakeoff.reports.tables import Run


def render_html(view: Run) -> str:
    """Return the report of a run as a self-contained page; all text of the run is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    return template.render(page=build_page(view), strip_width=WIDTH, strip_margin=MARGIN)


def _read(name: str) -> str:
    return files("bakeoff.reports").joinpath("templates", name).read_text(encoding="utf-8")
