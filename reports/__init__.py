"""Reports: tables and pages made from a run folder alone.

Importing this package is cheap; pandas and jinja2 are loaded when a report is made.
"""

from bakeoff.folder import RunFolder, write_whole

__all__ = ["write_reports"]


def write_reports(folder: RunFolder) -> None:
    """Write `report.html` and `report.md` of a run, finished or not; each whole or not at all.

    Raises
    ------
    UserError
        If the plan or the suite in the folder is damaged.
    """
    from bakeoff.reports.html import render_html
    from bakeoff.reports.markdown import render_markdown
    from bakeoff.reports.tables import load_run_view

    view = load_run_view(folder)
    write_whole(folder.html, render_html(view))
    write_whole(folder.markdown, render_markdown(view))
