"""Figures as files: SVG or PNG, drawn by matplotlib."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.reports.drawing.figure import FAINT, NEUTRAL, Axis, Figure, Heatmap, Trace
from bakeoff.reports.drawing.palette import COLOUR_PAIRS

WIDTH_IN, PIXELS_AN_INCH, DOTS_AN_INCH = 6.4, 80, 200
METADATA: dict[str, Any] = {"svg": {"Date": None}, "png": None}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bakeoff",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw_figures(figures: Iterable[Figure], folder: Path, endings: Iterable[str] = tuple(METADATA)) -> list[Path]:
    """Write figures into a folder, which is made, as SVG and PNG unless one is named; return the files in order.

    Raises
    ------
    OSError
        If a file can't be written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    folder.mkdir(parents=True, exist_ok=True)
    written, taken = [], set[str]()
    with mpl.rc_context(STYLE):
        for figure in figures:
            canvas = Canvas(figsize=(WIDTH_IN, figure.height / PIXELS_AN_INCH), layout="constrained")
            draw(figure, canvas.subplots())
            name = _free_name(figure.key, taken)
            for ending in endings:
                written.append(folder / f"{name}.{ending}")
                canvas.savefig(written[-1], dpi=DOTS_AN_INCH, metadata=METADATA[ending])
    return written


def draw(figure: Figure, axes: Any) -> None:
    """Draw a figure into axes of matplotlib."""
    for (x0, y0), (x1, y1) in figure.guides:
        axes.plot([x0, x1], [y0, y1], color=_shade(NEUTRAL), linewidth=0.8, linestyle=":", zorder=0)
    if figure.heat:
        _draw_heat(figure.heat, axes)
    for trace in figure.traces:
        _draw_trace(trace, axes)
    _set_axis(figure.x, axes.xaxis, axes.set_xscale, axes.set_xlim)
    _set_axis(figure.y, axes.yaxis, axes.set_yscale, axes.set_ylim)
    axes.set_title(_plain(figure.title), loc="left", fontsize=10)
    if len([trace for trace in figure.traces if trace.name]) > 1:
        axes.legend(frameon=False, fontsize=8)


def _draw_trace(trace: Trace, axes: Any) -> None:
    colour = _shade(trace.colour)
    look: dict[str, Any] = {
        "color": colour,
        "alpha": FAINT if trace.is_faint else 1.0,
        "label": _plain(trace.name) or None,
    }
    x, y = np.asarray(trace.x, dtype=float), np.asarray(trace.y, dtype=float)
    low, high = np.asarray(trace.low, dtype=float), np.asarray(trace.high, dtype=float)
    if trace.style == "bars":
        errors = np.abs([x - low, high - x]) if len(low) else None
        axes.barh(y, x, xerr=errors, height=0.7, error_kw={"linewidth": 0.8}, **look)
        return
    marker = "" if trace.style in ("line", "steps") else "D" if trace.family == "deep" else "o"
    line = "none" if trace.style == "points" else ":" if trace.is_dashed else "-"
    steps = {"drawstyle": "steps-post"} if trace.style == "steps" else {}
    axes.plot(x, y, marker=marker, markersize=4.5, linestyle=line, linewidth=1.4, **steps, **look)
    if len(low) and trace.style == "points":
        middle = x if trace.error_axis == "x" else y
        ends = {f"{trace.error_axis}err": np.abs([middle - low, high - middle])}
        axes.errorbar(x, y, **ends, fmt="none", ecolor=colour, elinewidth=0.8, capsize=2)
    elif len(low):
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)


def _draw_heat(heat: Heatmap, axes: Any) -> None:
    values = np.asarray(heat.values, dtype=float)
    axes.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(values.shape):
        shade = "white" if values[row, column] > 0.6 else "black"
        axes.text(column, row, _plain(heat.texts[row][column]), ha="center", va="center", fontsize=7, color=shade)


def _set_axis(axis: Axis, drawn: Any, set_scale: Any, set_ends: Any) -> None:
    drawn.set_label_text(_plain(axis.title))
    if axis.is_log:
        set_scale("log")
    if axis.names:
        drawn.set_ticks(range(len(axis.names)), [_plain(name) for name in axis.names])
    if axis.low is not None and axis.high is not None:
        set_ends(axis.low, axis.high)
    if axis.is_reversed:
        drawn.set_inverted(True)


def _shade(colour: str) -> str:
    """Return a colour as it is on paper."""
    return COLOUR_PAIRS[colour][0]


def _free_name(key: str, taken: set[str]) -> str:
    """Return a name that no file has yet."""
    name = next(name for name in (key, *(f"{key}-{number}" for number in range(2, 10_000))) if name not in taken)
    taken.add(name)
    return name


def _plain(text: str) -> str:
    """Return text that matplotlib does not read as mathematics."""
    return text.replace("$", r"\$")
