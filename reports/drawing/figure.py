"""A figure as plain values: axes, traces and what it says, before anybody draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Style = Literal["points", "line", "both", "steps", "bars"]
FAINT = 0.35  # how opaque faint traces are
NEUTRAL = "neutral"  # the colour of what belongs to no model


@dataclass(frozen=True, kw_only=True)
class Axis:
    """An axis.

    Parameters
    ----------
    title : str
    is_log : bool
    names : tuple of str
        Of the places 0, 1, …; empty for an axis of numbers.
    low, high : float, optional
        Its ends; those of the data if left out.
    is_reversed : bool
    """

    title: str = ""
    is_log: bool = False
    names: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    is_reversed: bool = False


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Points that belong together.

    Parameters
    ----------
    name : str
        As the legend shows it; "" is not in it.
    x, y : sequence of float
    style : {"points", "line", "both", "steps", "bars"}
        Bars lie along x, at the places y.
    colour : str
        Its name in the palette, see `bakeoff.reports.drawing.palette`.
    family : str
        Draws points of deep as diamonds and others as circles.
    low, high : sequence of float
        Ends of an interval: a band along a line, error bars at points and bars; empty without.
    error_axis : {"x", "y"}
        Around which of the two the intervals lie; around x for bars.
    texts : sequence of str
        What each point says; empty for its numbers.
    is_faint : bool
    is_dashed : bool
    """

    name: str = ""
    x: Sequence[float]
    y: Sequence[float]
    style: Style = "both"
    colour: str = NEUTRAL
    family: str = ""
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    error_axis: Literal["x", "y"] = "y"
    texts: Sequence[str] = ()
    is_faint: bool = False
    is_dashed: bool = False


@dataclass(frozen=True, kw_only=True)
class Heatmap:
    """A matrix of values in colours, the first row on top.

    Parameters
    ----------
    values : sequence of sequence of float
        From 0 to 1; NaN is left blank.
    texts : sequence of sequence of str
        Written into the cells.
    """

    values: Sequence[Sequence[float]]
    texts: Sequence[Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure.

    Parameters
    ----------
    key : str
        A name for files and links: letters, digits and dashes.
    title : str
    caption : str
        What it shows, in words: for those who don't see it.
    x, y : Axis
    traces : tuple of Trace
    heat : Heatmap, optional
    guides : tuple of ((x, y), (x, y))
        Thin lines to compare with.
    height : int
        In pixels.
    """

    key: str
    title: str
    caption: str
    x: Axis
    y: Axis
    traces: tuple[Trace, ...] = ()
    heat: Heatmap | None = None
    guides: tuple[tuple[tuple[float, float], tuple[float, float]], ...] = ()
    height: int = 320


def slugify(*parts: str) -> str:
    """Return a name for files from texts that may hold anything; different texts may share one."""
    plain = ("".join(mark if mark.isascii() and mark.isalnum() else "-" for mark in part) for part in parts)
    return "-".join(part.strip("-")[:60] or "x" for part in plain).lower()
