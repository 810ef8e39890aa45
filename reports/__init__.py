"""Reports: tables, pages and figures made from a run folder alone.

Importing this package is cheap; pandas and jinja2 are loaded when a report is made.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from bakeoff.records.fit_files import write_atomic
from bakeoff.records.run_folder import SUMMARY, VERDICT, RunFolder

if TYPE_CHECKING:
    from bakeoff.reports.run_data.run import Run

__all__ = ["write_figures", "write_latex", "write_main_figures", "write_reports"]

MAX_DATASETS = 12  # whose figures are among the main ones


def write_reports(folder: RunFolder, *, beside: Path | None = None) -> "Run":
    """Write the reports of a run, finished or not, each whole or not at all; return the run as it was read.

    These are `report.html`, `report.md`, `summary.md`, `leaderboard.csv`, `leaderboard.parquet` and `verdict.json`.

    Parameters
    ----------
    folder : RunFolder
    beside : Path, optional
        A CSV file of published scores to show in grey. It is kept in the folder as `published.csv`, so that reports
        which are written later show them, too.

    Raises
    ------
    UserError
        If the plan or the suite in the folder is damaged, what was recorded can't be compared, or a line of the
        published scores is wrong.
    """
    from bakeoff.reports.pages.html import render_html
    from bakeoff.reports.pages.markdown import render_markdown, render_summary
    from bakeoff.reports.run_data.leaderboard import leaderboard
    from bakeoff.reports.run_data.run import load_current_run
    from bakeoff.reports.sections.verdict_record import build_verdict_record

    if beside is not None:
        keep_published(folder, beside)
    view = load_current_run(folder)
    write_atomic(folder.html, render_html(view))
    write_atomic(folder.markdown, render_markdown(view))
    write_atomic(folder.path / SUMMARY, render_summary(view))
    board = leaderboard(view)
    write_atomic(folder.path / "leaderboard.csv", board.to_csv(index=False))
    write_atomic(folder.path / "leaderboard.parquet", board.to_parquet(index=False))
    folder.write_json(VERDICT, build_verdict_record(view))
    return view


def keep_published(folder: RunFolder, source: Path) -> None:
    """Copy published scores into a run folder, unless a line of them is wrong.

    Raises
    ------
    UserError
        If the file can't be read, or with what is wrong in each line.
    """
    from bakeoff.reports.run_data.published_file import read_published
    from bakeoff.reports.run_data.run import PUBLISHED

    read_published(source)
    write_atomic(folder.path / PUBLISHED, source.read_text(encoding="utf-8-sig"))


def write_latex(view: "Run", path: Path) -> None:
    """Write the scores as LaTeX tables into a file."""
    from bakeoff.reports.pages.latex import render_latex

    write_atomic(path, render_latex(view))


def write_main_figures(view: "Run", out: Path) -> list[Path]:
    """Write the figures to look at first as PNG: of each task, and the folds and costs of twelve data sets."""
    from bakeoff.reports.drawing.static import draw_figures
    from bakeoff.reports.figures.collection import main_figures

    return draw_figures(main_figures(view, MAX_DATASETS), out, endings=("png",))


def write_figures(view: "Run", out: Path) -> list[Path]:
    """Write every figure of the report as SVG and PNG into a folder, which is made; return the files.

    Raises
    ------
    UserError
        If the files can't be written.
    """
    from bakeoff.errors import UserError
    from bakeoff.reports.drawing.static import draw_figures
    from bakeoff.reports.pages.page import build_page

    try:
        return draw_figures(build_page(view).figures, out)
    except OSError as error:
        raise UserError(f"figures can't be written into {out} ({error.strerror}); give another --figures") from None
