"""Strips: fold scores as dots on an axis that all rows of a table share; geometry only, in units of the picture."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bakeoff.reports.numbers import MAX_DECIMALS, finite, format_value

WIDTH = 200
MARGIN = 7
FAR = 3.0
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
    """One fold: where it lies, and the side on which it is off the axis."""

    x: float
    off: str = ""


@dataclass(frozen=True)
class Strip:
    """The folds of one row.

    Parameters
    ----------
    dots : tuple of Dot
    label : str
        The same in words.
    mean, guide : float, optional
        Where the mean and the axis' guide lie; a row with a hole has no mean.
    """

    dots: tuple[Dot, ...]
    label: str
    mean: float | None = None
    guide: float | None = None


def build_axis(values: Iterable[float], guide: float | None = None) -> Axis | None:
    """Choose an axis for fold scores: round ends; folds beyond the far fences (Tukey 1977) stay off it.

    Returns
    -------
    Axis or None
        None if there are no values.
    """
    ordered = sorted(finite(values))
    if not ordered:
        return None
    low, high = _quantile(ordered, 0.25), _quantile(ordered, 0.75)
    reach = FAR * (high - low)
    near = [value for value in ordered if low - reach <= value <= high + reach]
    return _rounded(near[0], near[-1], guide)


def build_even_axis(values: Iterable[float]) -> Axis | None:
    """Choose an axis for differences, as wide below zero as above it."""
    largest = max((abs(value) for value in finite(values)), default=None)
    return None if largest is None else _rounded(-largest, largest, 0.0)


def build_strip(values: Iterable[float], axis: Axis | None, *, mean: float, label: str) -> Strip | None:
    """Place the folds of one row; None where there is nothing to show."""
    folds = finite(values)
    if axis is None or not folds:
        return None
    return Strip(
        dots=tuple(Dot(axis.place(value), axis.side(value)) for value in folds),
        label=label,
        mean=axis.place(mean) if math.isfinite(mean) else None,
        guide=None if axis.guide is None else axis.place(axis.guide),
    )


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
