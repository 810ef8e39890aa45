"""Numbers as people read them: as many digits as their spread bears out, seconds and sizes in fitting units."""

import math
from collections.abc import Iterable

NO_VALUE = "–"  # noqa: RUF001 - the dash that tables show for "no value"
MINUS = "\N{MINUS SIGN}"
MAX_DECIMALS = 6


def finite(values: Iterable[float]) -> list[float]:
    """Return the values that are numbers."""
    return [value for value in values if math.isfinite(value)]


def decimals_for(means: Iterable[float], stds: Iterable[float]) -> int:
    """Return how many decimals a column of means needs.

    Parameters
    ----------
    means : iterable of float
    stds : iterable of float
        Spread of each mean; a middling one is shown with two digits.

    Returns
    -------
    int
        From 0 to `MAX_DECIMALS`; four digits of the largest mean where no spread is known, three if it is below 1.
    """
    spreads = sorted(std for std in finite(stds) if std > 0)
    largest = max((abs(mean) for mean in finite(means)), default=0.0)
    exponent = _exponent(largest) if largest else -1
    usual = 3 - exponent if exponent >= 0 else 2 - exponent
    wanted = 1 - _exponent(spreads[len(spreads) // 2]) if spreads else usual
    return min(max(wanted, 0), MAX_DECIMALS)


def format_value(value: float, decimals: int) -> str:
    """Format a value, or a dash where there is none; a value that would round to -0 has no sign."""
    if not math.isfinite(value):
        return NO_VALUE
    text = f"{value:.{decimals}f}"
    return text.replace("-", MINUS if float(text) else "")


def format_difference(value: float, decimals: int) -> str:
    """Format a difference with its sign."""
    text = format_value(value, decimals)
    return f"+{text}" if math.isfinite(value) and float(text.replace(MINUS, "-")) > 0 else text


def format_seconds(seconds: float) -> str:
    """Format a duration: 0.03 s, 2.1 s, 45 s, 3 min, 1.5 h."""
    if not math.isfinite(seconds):
        return NO_VALUE
    if seconds < 0.0095:
        return f"{seconds:.3f} s"
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def format_megabytes(megabytes: float) -> str:
    """Format a size given in MB."""
    if not math.isfinite(megabytes):
        return NO_VALUE
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1024:.1f} GB"


def plural(number: int, what: str) -> str:
    """Return a number of things: 1 fit, 2 fits."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _exponent(value: float) -> int:
    return math.floor(math.log10(value))
