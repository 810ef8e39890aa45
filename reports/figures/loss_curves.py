"""Losses of nets by epoch, as their outer fits went."""

from collections.abc import Iterator
from typing import Any

from bakeoff.reports.cells.tables import rows_of
from bakeoff.reports.drawing.figure import Axis, Figure, Trace, slugify
from bakeoff.reports.drawing.palette import colours
from bakeoff.reports.run_data.fits import fits_of
from bakeoff.reports.run_data.run import Run


def build_loss_figure(view: Run, dataset: str) -> Figure | None:
    """Draw training and validation loss of each net on the first outer fold; None without nets."""
    fits = fits_of(view, dataset)
    chosen = fits[(fits["family"] == "deep") & (fits["repeat"] == 0) & (fits["fold"] == 0) & (fits["status"] == "ok")]
    traces = tuple(trace for fit in rows_of(chosen) for trace in _losses(view, fit))
    if not traces:
        return None
    return Figure(
        key=slugify(dataset, "epochs"),
        title=f"{dataset}: losses by epoch, first outer fold",
        caption="Solid: training loss; dotted: validation loss, by which early stopping chose the weights.",
        x=Axis(title="epoch"),
        y=Axis(title="loss", is_log=all(value > 0 for trace in traces for value in trace.y)),
        traces=traces,
    )


def _losses(view: Run, fit: dict[str, Any]) -> Iterator[Trace]:
    curves = view.read_curves(fit["fit"])
    for kind in ("training", "validation"):
        losses = curves.get(kind) or []
        if losses:
            yield Trace(
                name=f"{fit['model']} ({fit['variant']}), {kind}",
                x=list(range(1, len(losses) + 1)),
                y=losses,
                style="line",
                colour=colours(view)[fit["model"]],
                is_dashed=kind == "validation",
                is_faint=fit["variant"] == "default",
            )
