"""Figures as plotly takes them: plain values for JSON; the page's script fills in colours and draws them when seen."""

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any

from bakeoff.reports.drawing.figure import FAINT, Axis, Figure, Heatmap, Trace

MODES = {"points": "markers", "line": "lines", "both": "lines+markers", "steps": "lines"}
SYMBOLS = {"deep": "diamond"}
DIGITS = 6


def read_plotly() -> str:
    """Return plotly's own script."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def to_plotly(figure: Figure) -> dict[str, Any]:
    """Return a figure's `data` and `layout`; a colour is "@" and its place in the palette."""
    traces = [_heat(figure.heat)] if figure.heat else []
    for trace in figure.traces:
        traces += [_band(trace)] if trace.low and trace.style in ("line", "both", "steps") else []
        traces.append(_trace(trace))
    return {"data": traces, "layout": _layout(figure)}


def _layout(figure: Figure) -> dict[str, Any]:
    named = [trace.name for trace in figure.traces if trace.name]
    return {
        "height": figure.height + (22 * math.ceil(len(named) / 3) if len(named) > 1 else 0),
        "xaxis": _axis(figure.x),
        "yaxis": _axis(figure.y),
        "showlegend": len(named) > 1,
        "shapes": [_guide(*ends) for ends in figure.guides],
    }


def _axis(axis: Axis) -> dict[str, Any]:
    made: dict[str, Any] = {"title": {"text": _safe(axis.title)}}
    if axis.is_log:
        made["type"] = "log"
    if axis.names:
        made |= {"tickmode": "array", "tickvals": list(range(len(axis.names))), "ticktext": _safe_all(axis.names)}
    if axis.low is not None and axis.high is not None:
        ends = [math.log10(end) if axis.is_log else end for end in (axis.low, axis.high)]
        made["range"] = _plain(reversed(ends) if axis.is_reversed else ends)
    elif axis.is_reversed:
        made["autorange"] = "reversed"
    return made


def _trace(trace: Trace) -> dict[str, Any]:
    made: dict[str, Any] = {
        "x": _plain(trace.x),
        "y": _plain(trace.y),
        "name": _safe(trace.name),
        "showlegend": bool(trace.name),
        "legendgroup": _safe(trace.name),
        "opacity": FAINT if trace.is_faint else 1,
    }
    if trace.texts:
        made |= {"hovertext": _safe_all(trace.texts), "hoverinfo": "text"}
    if trace.style == "bars":
        ends = {"error_x": _errors(trace.x, trace)} if trace.low else {}
        return {**made, "type": "bar", "orientation": "h", "marker": {"color": f"@{trace.colour}"}, **ends}
    made |= {
        "type": "scatter",
        "mode": MODES[trace.style],
        "marker": {"color": f"@{trace.colour}", "symbol": SYMBOLS.get(trace.family, "circle"), "size": 8},
        "line": {"color": f"@{trace.colour}", "dash": "dot" if trace.is_dashed else "solid", "width": 2},
    }
    if trace.style == "steps":
        made["line"]["shape"] = "hv"
    if trace.low and trace.style == "points":
        made[f"error_{trace.error_axis}"] = _errors(trace.x if trace.error_axis == "x" else trace.y, trace)
    return made


def _errors(around: Sequence[float], trace: Trace) -> dict[str, Any]:
    above = [high - middle for high, middle in zip(trace.high, around, strict=True)]
    below = [middle - low for low, middle in zip(trace.low, around, strict=True)]
    ends = {"array": _plain(above), "arrayminus": _plain(below)}
    return {"type": "data", "symmetric": False, **ends, "color": f"@{trace.colour}", "thickness": 1.2, "width": 3}


def _band(trace: Trace) -> dict[str, Any]:
    """Fill the area between the ends of the intervals."""
    edge = [*zip(trace.x, trace.high, strict=True), *reversed([*zip(trace.x, trace.low, strict=True)])]
    return {
        "type": "scatter",
        "x": _plain(x for x, _ in edge),
        "y": _plain(y for _, y in edge),
        "mode": "lines",
        "line": {"width": 0},
        "fill": "toself",
        "fillcolor": f"@{trace.colour}",
        "opacity": 0.15,
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": _safe(trace.name),
    }


def _heat(heat: Heatmap) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "z": [_plain(row) for row in heat.values],
        "text": [_safe_all(row) for row in heat.texts],
        "texttemplate": "%{text}",
        "hoverinfo": "text",
        "colorscale": "@heat",
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
    }


def _guide(start: tuple[float, float], end: tuple[float, float]) -> dict[str, Any]:
    ends = {"x0": start[0], "y0": start[1], "x1": end[0], "y1": end[1]}
    return {"type": "line", **ends, "line": {"color": "@guide", "width": 1, "dash": "dot"}, "layer": "below"}


def _safe(text: str) -> str:
    """Escape what plotly would read as HTML."""
    return html.escape(text, quote=False)


def _safe_all(texts: Iterable[str]) -> list[str]:
    return [_safe(text) for text in texts]


def _plain(values: Iterable[float]) -> list[float | None]:
    """Return what JSON holds, with as many digits as an eye can see."""
    return [float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None for value in values]
