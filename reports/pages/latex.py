"""The ranked scores as LaTeX tables, for papers: models by data sets, the best of each in bold."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bakeoff.reports.cells.tables import Name, Rows, index_leaderboard
from bakeoff.reports.formats import decimals_for, format_value
from bakeoff.reports.run_data.published import describe_sources, number_sources, published_of
from bakeoff.reports.run_data.published_file import PublishedScore
from bakeoff.reports.run_data.run import Run

MAX_COLUMNS = 6
SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}


def render_latex(view: Run) -> str:
    """Return the means and standard deviations over the outer folds as tables; they need the package booktabs.

    A cell without a mean shows how many of its folds ended well. Published scores stand below, in grey, which needs the
    package xcolor. All text of the run is escaped.
    """
    datasets = list(view.plan["datasets"])
    parts = [datasets[start : start + MAX_COLUMNS] for start in range(0, len(datasets), MAX_COLUMNS)]
    names, cells = index_leaderboard(view)
    title = escape(str(view.suite.get("name") or "run"))
    tables = ("\n".join(_table(view, part, names, cells, title)) for part in parts)
    grey = " and \\usepackage{xcolor}" if any(_published(view, name) for name in datasets) else ""
    return f"% Needs \\usepackage{{booktabs}}{grey}.\n" + "\n\n".join(tables) + "\n"


def escape(text: str) -> str:
    """Escape what LaTeX reads as commands; line breaks become spaces."""
    return "".join(SPECIAL.get(mark, mark) for mark in " ".join(text.split()))


def _table(
    view: Run, datasets: Sequence[str], names: Sequence[Name], cells: Mapping[tuple[str, str, str], Any], title: str
) -> Iterator[str]:
    columns = ([cells.get((dataset, *name)) for name in names] for dataset in datasets)
    shown = [_texts([cell for cell in column if cell is not None]) for column in columns]
    yield r"\begin{table}"
    yield r"\centering"
    yield rf"\caption{{{title}: mean and standard deviation over the outer folds; best in bold.}}"
    yield rf"\begin{{tabular}}{{ll{'r' * len(datasets)}}}"
    yield r"\toprule"
    yield _line("model", "variant", *map(escape, datasets))
    yield _line("", "", *(_metric(view, dataset) for dataset in datasets))
    yield r"\midrule"
    for name in names:
        if any(name in texts for texts in shown):
            yield _line(*map(escape, name), *(texts.get(name, "") for texts in shown))
    published = [score for dataset in datasets for score in _published(view, dataset)]
    yield from _published_lines(published, datasets)
    yield r"\bottomrule"
    yield r"\end{tabular}"
    if published:
        yield rf"\par\smallskip\footnotesize {escape(' '.join(describe_sources(published)))}"
    yield r"\end{table}"


def _published(view: Run, dataset: str) -> list[PublishedScore]:
    return [score for score in published_of(view, dataset) if score.metric == view.primary(dataset)]


def _published_lines(published: Sequence[PublishedScore], datasets: Sequence[str]) -> Iterator[str]:
    """Yield a rule and a line for each model of each source; nothing without any."""
    sources, found = number_sources(published), dict[tuple[str, str], dict[str, str]]()
    for score in published:
        found.setdefault((score.model, score.source), {})[score.dataset] = f"${score.text}$"
    if found:
        yield r"\midrule"
    for (model, source), texts in found.items():
        cells = (escape(model), f"published [{sources[source]}]", *(texts.get(dataset, "") for dataset in datasets))
        yield _line(*(rf"\textcolor{{gray}}{{{text}}}" if text else "" for text in cells))


def _metric(view: Run, dataset: str) -> str:
    metric = view.primary(dataset)
    arrow = r"\uparrow" if view.greater_is_better(metric) else r"\downarrow"
    return f"{escape(metric)} ${arrow}$"


def _texts(cells: Rows) -> dict[Name, str]:
    decimals = decimals_for([cell["mean"] for cell in cells], [cell["std"] for cell in cells])
    return {(cell["model"], cell["variant"]): _text(cell, decimals) for cell in cells}


def _text(cell: Mapping[str, Any], decimals: int) -> str:
    if cell["hole"]:
        return f"{cell['n_ok']}/{cell['n_folds']}" if cell["n_ok"] < cell["n_folds"] else "--"
    mean = _number(cell["mean"], decimals)
    bold = rf"\mathbf{{{mean}}}" if cell["rank"] == 1 else mean
    spread = rf" \pm {_number(cell['std'], decimals)}" if math.isfinite(cell["std"]) else ""
    return f"${bold}{spread}$"


def _number(value: float, decimals: int) -> str:
    return format_value(value, decimals).replace("\N{MINUS SIGN}", "-")


def _line(*texts: str) -> str:
    return " & ".join(texts) + r" \\"
