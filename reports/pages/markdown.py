"""The report as Markdown, for pull requests: the same facts as the page, without pictures."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from bakeoff.reports.cells.tables import Cell, Column, Table
from bakeoff.reports.pages.page import DatasetSection, Page, build_page
from bakeoff.reports.run_data.run import Run
from bakeoff.reports.sections.facts import Facts
from bakeoff.reports.sections.learning_table import LearningSection

MARKUP = re.compile(r"([\\`*_\[\]|~$#])")
MARKS = {"classical": "○", "deep": "◆"}


def render_markdown(view: Run) -> str:
    """Return the report of a run as GitHub-flavoured Markdown; all text of the run is escaped."""
    return "\n\n".join(block for block in _blocks(build_page(view)) if block) + "\n"


def render_summary(view: Run) -> str:
    """Return the verdict alone as Markdown: what a page about the run shows first."""
    page = build_page(view)
    return "\n\n".join(block for block in _verdict(page) if block) + "\n"


def escape(text: str) -> str:
    """Escape what Markdown, tables and inline HTML read as markup; line breaks become spaces."""
    return MARKUP.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))


def _blocks(page: Page) -> Iterator[str]:
    yield f"# {escape(page.title)}"
    yield escape(page.description)
    yield f"> **Notice:** {escape(page.notice)}" if page.notice else ""
    yield "Fits: " + ", ".join(f"{number} {name}" for name, number in page.counts) + "."
    yield _list(page.warnings)
    yield "## Verdict"
    yield from _verdict(page)
    yield _list(page.summary.datasets)
    for overall in page.overall:
        yield f"## {escape(overall.table.caption)}"
        yield escape(overall.summary)
        yield _table(overall.table)
    if page.cross_model:
        yield f"## {escape(page.cross_model.table.caption)}"
        yield escape(page.cross_model.summary)
        yield _table(page.cross_model.table)
    if page.learning:
        yield from _learning(page.learning)
    for section in page.sections:
        yield from _section(section)
    if page.tuning:
        yield "## Tuning"
        yield _folded(page.tuning)
    yield "## Failures"
    yield f"{_table(page.failures)}\n\n{escape(page.how_to_rerun)}" if page.failures.rows else "None."
    yield "## Skipped"
    yield _folded(page.skips) if page.skips.rows else "Nothing."
    yield "## Budget spent"
    yield escape(page.spent)
    yield _folded(page.budget)
    yield "## Provenance"
    yield _facts(page.provenance)
    yield "## How to read this"
    yield _list(page.how_to_read)


def _verdict(page: Page) -> Iterator[str]:
    yield f"**{escape(page.summary.headline)}**"
    yield _list(page.summary.tasks)
    yield _table(page.verdicts)


def _learning(learning: LearningSection) -> Iterator[str]:
    yield "## Learning curves"
    yield _list(learning.sentences)
    yield _table(learning.table)
    yield from map(_folded, learning.sizes)


def _section(section: DatasetSection) -> Iterator[str]:
    yield f"## {escape(section.name)}"
    yield _facts(section.facts)
    yield _list(section.notes)
    yield "\n".join(f"- **{escape(check)}:** {escape(message)}" for check, message in section.audit)
    yield f"{MARKS['deep']} deep, {MARKS['classical']} classical"
    yield _table(section.ranking)
    if section.variants:
        yield _folded(section.variants)
    yield _folded(section.others)


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {escape(line)}" for line in lines)


def _facts(facts: Facts) -> str:
    return "\n".join(f"- {escape(name)}: {escape(value)}" for name, value in facts)


def _folded(table: Table) -> str:
    """Fold a long table; Markdown leaves a summary alone, so that only HTML is escaped there."""
    return f"<details><summary>{html.escape(table.caption)}</summary>\n\n{_table(table)}\n\n</details>"


def _table(table: Table) -> str:
    kept = [
        place
        for place, column in enumerate(table.columns)
        if not column.is_picture or any(row[place].note for row in table.rows)
    ]
    columns = [table.columns[place] for place in kept]
    lines = [_line(escape(column.title) for column in columns), "|" + "|".join(map(_rule, columns)) + "|"]
    lines += [_line(_texts(table, row, kept)) for row in table.rows]
    return "\n".join(lines) + (f"\n\n{_list(table.notes)}" if table.notes else "")


def _texts(table: Table, row: Sequence[Cell], kept: Iterable[int]) -> Iterator[str]:
    """Yield the texts of a row, in italics where it stands beside those of the run."""
    texts = (_text(row[place]) for place in kept)
    return (f"*{text}*" if text else "" for text in texts) if table.is_beside(row) else texts


def _line(texts: Iterable[str]) -> str:
    return "| " + " | ".join(texts) + " |"


def _rule(column: Column) -> str:
    return "---:" if column.numeric else "---"


def _text(cell: Cell) -> str:
    """Return a cell without its picture: the mark of its family, its text, and its note."""
    parts = (
        MARKS.get(cell.family, ""),
        escape(cell.text),
        f"({escape(cell.note)})" if cell.text and cell.note else escape(cell.note),
    )
    return " ".join(part for part in parts if part)
