"""The page: everything the report says, in order, as plain values; HTML and Markdown only lay it out."""

from dataclasses import dataclass
from typing import Any

from bakeoff.protocol.settings import BAGGED_VARIANTS
from bakeoff.reports.cells.tables import Table, build_failures, build_skips
from bakeoff.reports.drawing.figure import Figure
from bakeoff.reports.figures.collection import figures_of_dataset, figures_of_task
from bakeoff.reports.figures.learning_curves import build_learning_curve_figure
from bakeoff.reports.run_data.fits import fits_frame
from bakeoff.reports.run_data.run import Run, cached
from bakeoff.reports.sections.anytime import build_tuning, render_edges
from bakeoff.reports.sections.budget import budget, build_budget, render_budget
from bakeoff.reports.sections.cross_model_ensemble import EnsembleSection, build_ensemble_section
from bakeoff.reports.sections.facts import (
    Facts,
    Link,
    count_fits,
    describe_dataset,
    describe_run,
    link_to_tracking,
    list_warnings,
)
from bakeoff.reports.sections.learning_table import HOW_TO_READ_CURVES, LearningSection, build_learning
from bakeoff.reports.sections.pairwise import build_pairs_of_folds, build_pairs_of_task
from bakeoff.reports.sections.ranking import build_other_metrics, build_ranking
from bakeoff.reports.sections.score_heatmap import build_score_heatmap
from bakeoff.reports.sections.task_table import GROUPINGS, RunSummary, build_overall, render_rank_tests, summarise_run
from bakeoff.reports.sections.variants import HOW_TO_READ_BAGS, build_variants
from bakeoff.reports.sections.verdict_table import build_verdicts
from bakeoff.reports.verdicts.learning_curves import build_learning_curves
from bakeoff.reports.verdicts.per_dataset import judge_datasets
from bakeoff.reports.verdicts.per_task import TaskRanking, rank_tasks

HOW_TO_READ = (
    "Every number is measured on outer test folds that neither fitting nor tuning has seen.",
    "± is the standard deviation over the outer folds (ddof = 1). It is no confidence interval: the folds share "
    "training rows, so their scores are not independent, and a small difference between two rows may be chance.",
    "A model with a failed or missing fold has no mean and no rank: 4/5 means that four of five folds ended well. "
    "It stands below the ranked ones and is never averaged over the folds that survived.",
    "Ranks compare means; equal means share a rank. A dash is a value that does not exist, never a zero: "
    "a model without probabilities has no log_loss, an untuned one no tuning time.",
    "The verdict compares champions: on each outer fold the model of a family that inner folds alone would choose, so "
    "that trying more models gives no head start. Its interval and p-value are those of the corrected resampled t-test "
    "(Nadeau & Bengio 2003), its probabilities those of the Bayesian correlated t-test (Corani & Benavoli 2015); "
    "equivalent means within {rope:g} of the score, or within that share of the dummy's error. Ranks below are picked "
    "on the outer scores themselves: the first of many is flattered (post hoc).",
    "On one fixed split, and on folds in order of time, the interval and the probabilities are those of a bootstrap "
    "over the test rows (Efron & Tibshirani 1993; Rubin 1981), within each fold in blocks of neighbouring times where "
    "rows have one (Politis & Romano 1992); for accuracy on a fixed split the p-value is that of McNemar's test. They "
    "speak of these fitted models on these test rows, not of other training parts.",
    "Use is the cheapest model within that region below the best, again by inner folds alone. Cost is the CPU time of "
    "everything in a fit's process, or the time for which it held a GPU, tuning included; scoring defaults on inner "
    "folds is left out. Seconds of a CPU and of a GPU are compared as they are.",
    "Each dot is one outer fold, the tick is their mean, and all rows of a data set share one axis. The dotted line "
    "is the best mean. A triangle is a fold off the axis; hollow dots belong to a row without a mean.",
    "Over several data sets of a task, ranks are tested by Friedman's test in Iman and Davenport's form, or by that of "
    "Skillings and Mack where something is missing; pairs of models that are nowhere missing by {groups}.",
    "default is a model as it comes; tuned is the best that the same number of trials found on inner folds; ensemble "
    "averages up to ten of those trials, chosen by what they predict on inner folds (Caruana et al. 2004). A pruned "
    "trial was ended early, behind the median of the others at the same epoch, share of its boosting rounds, or inner "
    "fold: no failure, but it cannot win. A parameter at the edge of its space may want a wider one. Times depend on "
    "the machine and on what else it did.",
)


HOW_TO_RERUN = "Run one of them again, in the foreground and with a debugger: bakeoff rerun {run} FIT --pdb"


@dataclass(frozen=True, kw_only=True)
class DatasetSection:
    """What the report says of one data set."""

    name: str
    facts: Facts
    notes: tuple[str, ...]
    audit: Facts
    ranking: Table
    variants: Table | None
    others: Table
    pairs: Table | None
    figures: tuple[Figure, ...]


@dataclass(frozen=True, kw_only=True)
class TaskSection:
    """What the report says of the models of one task over its data sets."""

    summary: str
    table: Table
    figures: tuple[Figure, ...]
    pairs: Table


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the report says."""

    title: str
    description: str
    notice: str
    summary: RunSummary
    counts: Facts
    warnings: tuple[str, ...]
    verdicts: Table
    overall: tuple[TaskSection, ...]
    cross_model: EnsembleSection | None
    score_map: Table | None
    learning: LearningSection | None
    learning_curves: tuple[Figure, ...]
    sections: tuple[DatasetSection, ...]
    failures: Table
    how_to_rerun: str
    skips: Table
    tuning: Table | None
    edges_summary: str
    spent: str
    budget: Table
    provenance: Facts
    tracked: Link | None
    how_to_read: tuple[str, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All that there is to draw, in the order of the page."""
        diagrams = (figure for part in self.overall for figure in part.figures)
        return (*diagrams, *self.learning_curves, *(figure for section in self.sections for figure in section.figures))


@cached
def build_page(view: Run) -> Page:
    """Gather what the report says of a run."""
    fits, verdicts, spent = fits_frame(view), judge_datasets(view), budget(view)
    learning = build_learning(view)
    return Page(
        title=str(view.suite.get("name") or "run"),
        description=str(view.suite.get("description") or ""),
        notice=str(view.suite.get("notice") or ""),
        summary=summarise_run(view),
        counts=count_fits(fits),
        warnings=tuple(list_warnings(view, fits)),
        verdicts=build_verdicts(verdicts, [view.sign(one.metric) for one in verdicts]),
        overall=tuple(_overall(view, one) for one in rank_tasks(view)),
        score_map=build_score_heatmap(view),
        cross_model=build_ensemble_section(view),
        learning=learning,
        learning_curves=tuple(
            drawn
            for one in build_learning_curves(view)
            if (drawn := build_learning_curve_figure(view, one)) is not None
        ),
        sections=tuple(_section(view, name) for name in view.plan["datasets"]),
        failures=build_failures(view),
        how_to_rerun=HOW_TO_RERUN.format(run=view.path or "RUN"),
        skips=build_skips(view),
        tuning=build_tuning(view) if "tuned" in set(fits["variant"]) else None,
        edges_summary=render_edges(fits),
        spent=render_budget(spent),
        budget=build_budget(spent),
        provenance=tuple(describe_run(view)),
        tracked=link_to_tracking(view),
        how_to_read=tuple(
            line.format(rope=view.rope, groups=GROUPINGS[view.grouping])
            for line in (
                *HOW_TO_READ,
                *(HOW_TO_READ_BAGS if set(BAGGED_VARIANTS) & set(fits["variant"]) else ()),
                *(HOW_TO_READ_CURVES if learning else ()),
            )
        ),
    )


def _overall(view: Run, ranking: TaskRanking) -> TaskSection:
    return TaskSection(
        summary=render_rank_tests(view)[ranking.task],
        table=build_overall(ranking),
        figures=tuple(figures_of_task(view, ranking)),
        pairs=build_pairs_of_task(view, ranking),
    )


def _section(view: Run, dataset: str) -> DatasetSection:
    about = view.plan["datasets"][dataset]
    return DatasetSection(
        name=dataset,
        facts=tuple(describe_dataset(view, dataset, about)),
        notes=tuple(map(str, about.get("notes") or ())),
        audit=tuple((str(one["check"]), str(one["message"])) for one in _findings(view, dataset)),
        ranking=build_ranking(view, dataset),
        variants=build_variants(view, dataset),
        others=build_other_metrics(view, dataset),
        pairs=build_pairs_of_folds(view, dataset),
        figures=tuple(figures_of_dataset(view, dataset)),
    )


def _findings(view: Run, dataset: str) -> list[dict[str, Any]]:
    findings: list[dict[str, Any]] = view.audit.get(dataset, {}).get("findings", [])
    return findings
