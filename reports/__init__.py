"""Reports: tables, pages and figures made from a run folder alone.

Importing this package is cheap; pandas and jinja2 are loaded when a report is made.
"""

from pathlib import Path

from bakeoff.folder import SUMMARY, VERDICT, RunFolder, write_whole

__all__ = ["write_figures", "write_latex", "write_reports"]


def write_reports(folder: RunFolder) -> None:
    """Write the reports of a run, finished or not; each whole or not at all.

    These are `report.html`, `report.md`, `summary.md`, `leaderboard.csv`, `leaderboard.parquet` and `verdict.json`.

    Raises
    ------
    UserError
        If the plan or the suite in the folder is damaged, or what was recorded can't be compared.
    """
    from bakeoff.reports.html import render_html
    from bakeoff.reports.markdown import render_markdown, render_summary
    from bakeoff.reports.tables import leaderboard, load_run_view
    from bakeoff.reports.verdict_record import build_verdict_record

    view = load_run_view(folder)
    write_whole(folder.html, render_html(view))
    write_whole(folder.markdown, render_markdown(view))
    write_whole(folder.path / SUMMARY, render_summary(view))
    board = leaderboard(view)
    write_whole(folder.path / "leaderboard.csv", board.to_csv(index=False))
    write_whole(folder.path / "leaderboard.parquet", board.to_parquet(index=False))
    folder.write_json(VERDICT, build_verdict_record(view))


def write_latex(folder: RunFolder) -> Path:
    """Write `leaderboard.tex`, the scores as LaTeX tables; return the file.

    Raises
    ------
    UserError
        As in `write_reports`.
    """
    from bakeoff.reports.latex import render_latex
    from bakeoff.reports.tables import load_run_view

    path = folder.path / "leaderboard.tex"
    write_whole(path, render_latex(load_run_view(folder)))
    return path


def write_figures(folder: RunFolder, out: Path) -> list[Path]:
    """Write every figure of the report as SVG and PNG into a folder, which is made; return the files.

    Raises
    ------
    UserError
        As in `write_reports`, or if the files can't be written.
    """
    from bakeoff.errors import UserError
    from bakeoff.reports.figures.drawn import draw_figures
    from bakeoff.reports.figures.gather import figures_of_run
    from bakeoff.reports.tables import load_run_view

    try:
        return draw_figures(figures_of_run(load_run_view(folder)), out)
    except OSError as error:
        raise UserError(f"figures can't be written into {out} ({error.strerror}); give another --figures") from None
