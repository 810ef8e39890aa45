"""Colours: each model has one, the same in every table and figure of a report."""

from collections.abc import Mapping

from bakeoff.reports.drawing.figure import NEUTRAL
from bakeoff.reports.run_data.run import BASELINE, Run, cached

# Ten colours in a light and a dark shade, found by a search that made the least distance of any two (in OKLab) as large
# as it could be, for full colour vision and for simulated protanopia, deuteranopia and tritanopia (Machado et al.
# 2009), at a contrast of 3:1 against the page. Past ten they begin anew; names tell those models apart.
MODELS = (
    ("#2f40c2", "#9eb5f8"),
    ("#d0750a", "#e18528"),
    ("#5a7055", "#9ae989"),
    ("#c21b0d", "#d15d4d"),
    ("#974391", "#e5c6e1"),
    ("#5b75d6", "#7a97fb"),
    ("#aa838e", "#a07a85"),
    ("#6e2920", "#d6aca5"),
    ("#38308f", "#7a7fc1"),
    ("#4e3a53", "#ad95b2"),
)
# On a light page, and on a dark one, by name: those of models are numbers.
COLOUR_PAIRS: Mapping[str, tuple[str, str]] = {
    **{str(place): pair for place, pair in enumerate(MODELS)},
    NEUTRAL: ("#5d6570", "#9aa3ae"),
    "classical": ("#0b62a4", "#6cb6ff"),
    "deep": ("#c2500b", "#ffa057"),
}


@cached
def colours(view: Run) -> Mapping[str, str]:
    """Return the name of each model's colour; that of the baseline is neutral."""
    models = dict.fromkeys(fit["model"] for fit in view.plan["fits"] if fit["model"] != BASELINE)
    return {BASELINE: NEUTRAL, **{model: str(place % len(MODELS)) for place, model in enumerate(models)}}
