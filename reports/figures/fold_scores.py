"""The scores of every outer fold, model by model: how far they spread, and how far models overlap."""

from typing import Any

from bakeoff.reports.cells.tables import describe_metric, rows_of
from bakeoff.reports.drawing.figure import NEUTRAL, Axis, Figure, Trace, slugify
from bakeoff.reports.drawing.palette import colours
from bakeoff.reports.run_data.fits import fits_of, fold_scores
from bakeoff.reports.run_data.leaderboard import cells_of
from bakeoff.reports.run_data.published import published_of, weave
from bakeoff.reports.run_data.published_file import PublishedScore
from bakeoff.reports.run_data.run import BASELINE, Run

ROW_PX, PADDING_PX = 24, 110


def build_fold_figure(view: Run, dataset: str) -> Figure | None:
    """Draw each outer fold's score as a faint mark and the mean as a strong one, best first; None with one fold."""
    known = cells_of(view, dataset)
    cells = rows_of(known[known["mean"].notna() & (known["model"] != BASELINE)])
    if not cells or cells[0]["n_folds"] < 2:
        return None
    metric = view.primary(dataset)
    published = [score for score in published_of(view, dataset) if score.metric == metric]
    rows = list(weave(cells, published, sign=view.sign(metric)))
    return Figure(
        key=slugify(dataset, "folds"),
        title=f"{dataset}: {metric} on every outer fold",
        caption=f"Faint: the {cells[0]['n_folds']} outer folds; strong: their mean. Folds share training rows and test "
        "parts are small: overlapping rows may still differ, and the verdict says whether they do."
        + (" Grey: published scores, from other protocols." if published else ""),
        x=Axis(title=describe_metric(view, metric)),
        y=Axis(names=tuple(map(_name, rows)), is_reversed=True),
        traces=tuple(trace for place, row in enumerate(rows) for trace in _traces(view, metric, row, place)),
        height=ROW_PX * len(rows) + PADDING_PX,
    )


def _name(row: dict[str, Any] | PublishedScore) -> str:
    return f"{row.model} (published)" if isinstance(row, PublishedScore) else f"{row['model']} ({row['variant']})"


def _traces(view: Run, metric: str, row: dict[str, Any] | PublishedScore, place: int) -> tuple[Trace, ...]:
    return (_mark(row, place),) if isinstance(row, PublishedScore) else _folds_and_mean(view, metric, row, place)


def _mark(score: PublishedScore, place: int) -> Trace:
    said = f"{_name(score)}: {score.text}, {score.source}"
    return Trace(x=[score.value], y=[place], style="points", colour=NEUTRAL, texts=[said])


def _folds_and_mean(view: Run, metric: str, cell: dict[str, Any], row: int) -> tuple[Trace, Trace]:
    fits = fits_of(view, cell["dataset"])
    scores = fold_scores(fits, cell["model"], cell["variant"], metric)
    named = _name(cell)
    look: dict[str, Any] = {"style": "points", "colour": colours(view)[cell["model"]], "family": cell["family"]}
    places = scores.index.tolist()
    folds = Trace(
        x=scores.tolist(),
        y=[row] * len(scores),
        texts=[
            f"{named}, fold {repeat + 1}.{fold + 1}: {score:.4g}"
            for (repeat, fold), score in zip(places, scores, strict=True)
        ],
        is_faint=True,
        **look,
    )
    return folds, Trace(x=[cell["mean"]], y=[row], texts=[f"{named}: mean {cell['mean']:.4g}"], **look)
