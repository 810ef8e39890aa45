"""The figures of a task, of a data set, and those to look at first."""

from collections.abc import Iterator
from itertools import islice

from bakeoff.reports.drawing.figure import Figure
from bakeoff.reports.figures.anytime import build_anytime_figure
from bakeoff.reports.figures.classification import build_classification_figures
from bakeoff.reports.figures.column_importance import build_column_importance_figure
from bakeoff.reports.figures.critical_difference import build_rank_diagram
from bakeoff.reports.figures.fold_scores import build_fold_figure
from bakeoff.reports.figures.loss_curves import build_loss_figure
from bakeoff.reports.figures.parameter_importance import build_parameter_importance_figure
from bakeoff.reports.figures.predictions import read_model_predictions
from bakeoff.reports.figures.residuals import build_residual_figures
from bakeoff.reports.figures.tradeoff import build_rank_tradeoff, build_tradeoffs
from bakeoff.reports.run_data.run import Run
from bakeoff.reports.verdicts.per_task import TaskRanking, rank_tasks


def figures_of_task(view: Run, ranking: TaskRanking) -> Iterator[Figure]:
    """Yield the figures over the data sets of a task: ranks, and ranks against costs."""
    yield build_rank_diagram(view, ranking)
    yield from _known(build_rank_tradeoff(view, ranking))


def main_figures(view: Run, max_datasets: int) -> Iterator[Figure]:
    """Yield the figures of each task, and of some data sets the folds and the score against the training time."""
    for ranking in rank_tasks(view):
        yield from figures_of_task(view, ranking)
    for dataset in list(view.plan["datasets"])[:max_datasets]:
        yield from _known(build_fold_figure(view, dataset))
        yield from islice(build_tradeoffs(view, dataset), 1)


def figures_of_dataset(view: Run, dataset: str) -> Iterator[Figure]:
    """Yield the figures of one data set: folds, costs, columns, tuning, test rows, epochs."""
    yield from _known(build_fold_figure(view, dataset))
    yield from build_tradeoffs(view, dataset)
    yield from _known(build_column_importance_figure(view, dataset))
    yield from _known(build_anytime_figure(view, dataset))
    yield from _known(build_parameter_importance_figure(view, dataset))
    predictions = read_model_predictions(view, dataset)
    build = (
        build_residual_figures
        if view.plan["datasets"][dataset]["task"] == "regression"
        else build_classification_figures
    )
    yield from build(view, dataset, predictions)
    yield from _known(build_loss_figure(view, dataset))


def _known(figure: Figure | None) -> Iterator[Figure]:
    if figure is not None:
        yield figure
