"""Strip plots: fold scores as dots on an axis that all rows of a table share; geometry in units of the picture."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bakeoff.reports.formats import MAX_DECIMALS, finite, format_value

WIDTH = 200
MARGIN = 7
FENCE_IQRS = 1.5
STEPS = 8


@dataclass(frozen=True)
class Axis:
    """A common axis: its ends, and the decimals that print them.

    Parameters
    ----------
    low, high : float
    decimals : int
    guide : float, optional
        A value that every strip marks with a thin line.
    """

    low: float
    high: float
    decimals: int
    guide: float | None = None

    @property
    def low_text(self) -> str:
        """The low end, as printed."""
        return format_value(self.low, self.decimals)

    @property
    def high_text(self) -> str:
        """The high end, as printed."""
        return format_value(self.high, self.decimals)

    def place(self, value: float) -> float:
        """Return where a value lies, in [MARGIN, WIDTH - MARGIN]: values off the axis lie on its ends."""
        share = (value - self.low) / (self.high - self.low)
        return round(MARGIN + min(max(share, 0.0), 1.0) * (WIDTH - 2 * MARGIN), 1)

    def side(self, value: float) -> str:
        """Tell whether a value is off the axis: "low", "high", or "" if it is on it."""
        if value < self.low:
            return "low"
        return "high" if value > self.high else ""


@dataclass(frozen=True)
class Dot:
    """One fold: where it lies, the side on which it is off the axis, and the family whose colour it has."""

    x: float
    off: str = ""
    family: str = ""


@dataclass(frozen=True)
class StripPlot:
    """The folds of one row.

    Parameters
    ----------
    dots : tuple of Dot
    label : str
        The same in words.
    mean, guide : float, optional
        Where the mean and the axis' guide lie; no mean for a row with a hole, or one that is off the axis.
    is_hollow : bool
        Whether the row has a hole.
    """

    dots: tuple[Dot, ...]
    label: str
    mean: float | None = None
    guide: float | None = None
    is_hollow: bool = False


def build_axis(values: Iterable[float], *, greater_is_better: bool, guide: float | None = None) -> Axis | None:
    """Choose an axis with round ends for fold scores; folds beyond the worse fence (Tukey 1977) stay off it.

    Returns
    -------
    Axis or None
        None if there are no values.
    """
    ordered = sorted(finite(values))
    if not ordered:
        return None
    low, high = _quantile(ordered, 0.25), _quantile(ordered, 0.75)
    reach = FENCE_IQRS * (high - low)
    if greater_is_better:
        return _rounded(next(value for value in ordered if value >= low - reach), ordered[-1], guide)
    return _rounded(ordered[0], next(value for value in reversed(ordered) if value <= high + reach), guide)


def build_symmetric_axis(values: Iterable[float]) -> Axis | None:
    """Choose an axis for differences, as wide below zero as above it."""
    largest = max((abs(value) for value in finite(values)), default=None)
    return None if largest is None else _rounded(-largest, largest, 0.0)


def build_strip_plot(
    values: Iterable[float], axis: Axis | None, *, mean: float, label: str, family_of: Callable[[float], str]
) -> StripPlot | None:
    """Place the folds of one row; None where there is nothing to show."""
    folds = finite(values)
    if axis is None or not folds:
        return None
    return StripPlot(
        dots=tuple(Dot(axis.place(value), axis.side(value), family_of(value)) for value in folds),
        label=label,
        mean=axis.place(mean) if math.isfinite(mean) and not axis.side(mean) else None,
        guide=None if axis.guide is None else axis.place(axis.guide),
        is_hollow=not math.isfinite(mean),
    )


def build_mark(value: float, axis: Axis | None, *, label: str, family: str) -> StripPlot | None:
    """Place a single value that is no fold of the run; None without an axis."""
    if axis is None:
        return None
    guide = None if axis.guide is None else axis.place(axis.guide)
    return StripPlot(dots=(Dot(axis.place(value), axis.side(value), family),), label=label, guide=guide)


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[round(share * (len(ordered) - 1))]


def _rounded(low: float, high: float, guide: float | None) -> Axis:
    """Move the ends outward to multiples of 1, 2 or 5 times a power of ten."""
    spread = high - low or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(spread / STEPS))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power * STEPS >= spread)
    decimals = min(max(0, -math.floor(math.log10(step) + 1e-9)), MAX_DECIMALS)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Axis(round(first * step, 12), round(max(last, first + 1) * step, 12), decimals, guide)
