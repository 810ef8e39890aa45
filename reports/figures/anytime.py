"""What tuning brought as time went by: the best inner score of each model, and the outer score where it is known."""

from collections.abc import Iterator, Sequence

import numpy as np

from bakeoff.reports.cells.tables import describe_metric
from bakeoff.reports.drawing.figure import Axis, Figure, Trace, slugify
from bakeoff.reports.drawing.palette import colours
from bakeoff.reports.run_data.run import Run
from bakeoff.reports.sections.anytime import AnytimeCurve, group_anytime_curves

POINTS = 25


def build_anytime_figure(view: Run, dataset: str) -> Figure | None:
    """Draw the mean over the outer folds of the best inner score by the seconds spent; None if nothing was tuned."""
    by_model = group_anytime_curves(view).get(dataset)
    if not by_model:
        return None
    metric = view.primary(dataset)
    return Figure(
        key=slugify(dataset, "tuning"),
        title=f"{dataset}: best inner {metric} by seconds of tuning",
        caption="Lines: the best mean over the inner folds by then, averaged over the outer folds. Marks: what the "
        "refitted best reaches on the outer test part; below the line is what tuning flattered.",
        x=Axis(title="seconds of tuning, mean over the outer folds", is_log=True),
        y=Axis(title=describe_metric(view, metric)),
        traces=tuple(trace for model, studies in by_model.items() for trace in _traces(studies, colours(view)[model])),
    )


def _traces(studies: Sequence[AnytimeCurve], colour: str) -> Iterator[Trace]:
    first = max(1e-3, *(float(study.seconds[0]) for study in studies))
    last = max(first, *(study.total_seconds for study in studies))
    times, model = np.geomspace(first, last, POINTS), studies[0].model
    reached = np.mean([study.incumbent_at(times) for study in studies], axis=0)
    yield Trace(name=model, x=times.tolist(), y=reached.tolist(), style="steps", colour=colour)
    outer = float(np.mean([study.outer[-1] for study in studies]))
    yield Trace(
        x=[last],
        y=[outer],
        style="points",
        colour=colour,
        family=studies[0].family,
        texts=[f"{model}: outer score of the best {outer:.4g}"],
    )
