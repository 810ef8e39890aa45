"""Every two models against each other: wins, ties and losses, and the probability that one is better."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bakeoff.reports.cells.tables import Cell, Column, Table
from bakeoff.reports.run_data.fits import fits_of, fold_scores, fraction_tested
from bakeoff.reports.run_data.leaderboard import cells_of
from bakeoff.reports.run_data.run import BASELINE, Run
from bakeoff.reports.statistics.datasets import bayesian_signed_rank_test
from bakeoff.reports.statistics.folds import Posterior, bayesian_correlated_t_test
from bakeoff.reports.verdicts.per_dataset import judge_dataset
from bakeoff.reports.verdicts.per_task import TaskRanking
from bakeoff.reports.verdicts.row_tests import ROW_TESTED_SCHEMES

SEED, DRAWS = 0, 5000
MAX_DATASETS = 6
EMPTY_CELL = Cell(text="")
HINT = "wins / practically equal / losses of the row's model, and the probability that it is better"
Test = Callable[[np.ndarray], Posterior | None]


@dataclass(frozen=True, kw_only=True)
class ScoredModel:
    """A model with its scores, bigger is better: of each data set, or of each outer fold."""

    model: str
    variant: str
    family: str
    scores: np.ndarray


def build_pairs_of_task(view: Run, ranking: TaskRanking) -> Table:
    """Build the table of the best variant of each model against each other one, over the data sets of a task."""
    is_scaled = bool(np.isfinite(ranking.scale).all())
    scores = ranking.scores / ranking.scale if is_scaled else ranking.scores
    rope = view.rope if is_scaled else 0.0
    best: dict[str, ScoredModel] = {}
    for place in np.argsort(ranking.omnibus.mean_ranks, kind="stable"):
        model, variant = ranking.names[place]
        rival = ScoredModel(model=model, variant=variant, family=ranking.families[place], scores=scores[:, place])
        best.setdefault(model, rival)

    def test(differences: np.ndarray) -> Posterior | None:
        if len(differences) < 2 or not is_scaled:
            return None
        return bayesian_signed_rank_test(differences, rope=rope, seed=SEED, samples=DRAWS)

    over = f"over the {ranking.task} data sets that both have"
    return _build(list(best.values()), test, rope=rope, caption=f"Model against model {over}")


def build_pairs_of_folds(view: Run, dataset: str) -> Table | None:
    """Build the same table over the outer folds of one data set.

    None where folds are no sample, with one model, and in a run of many data sets, where the table over all of them
    says more.
    """
    if len(view.plan["datasets"]) > MAX_DATASETS:
        return None
    cells, fits = cells_of(view, dataset), fits_of(view, dataset)
    cells = cells[cells["rank"].notna() & (cells["model"] != BASELINE)].drop_duplicates("model")
    about, metric = view.plan["datasets"][dataset], view.primary(dataset)
    if about["scheme"] in ROW_TESTED_SCHEMES or len(cells) < 2:
        return None
    models = [
        ScoredModel(
            model=str(cell["model"]),
            variant=str(cell["variant"]),
            family=str(cell["family"]),
            scores=view.sign(metric) * fold_scores(fits, str(cell["model"]), str(cell["variant"]), metric).to_numpy(),
        )
        for cell in cells.to_dict("records")
    ]
    share, rope = fraction_tested(view, dataset), judge_dataset(view, dataset).rope

    def test(differences: np.ndarray) -> Posterior | None:
        return bayesian_correlated_t_test(differences, test_fraction=share, rope=rope) if len(differences) > 1 else None

    return _build(models, test, rope=rope, caption=f"Model against model over the outer folds of {dataset}")


def _build(models: Sequence[ScoredModel], test: Test, *, rope: float, caption: str) -> Table:
    heads = tuple(Column(title=rival.model, numeric=True, hint=HINT) for rival in models)
    return Table(
        caption=caption,
        columns=(Column(title="Model"), *heads),
        rows=tuple(
            (
                Cell(text=one.model, family=one.family, note=one.variant),
                *(EMPTY_CELL if one is other else _pairwise_cell(one, other, test, rope) for other in models),
            )
            for one in models
        ),
    )


def _pairwise_cell(one: ScoredModel, other: ScoredModel, test: Test, rope: float) -> Cell:
    both = np.isfinite(one.scores) & np.isfinite(other.scores)
    differences = (one.scores - other.scores)[both]
    wins, losses = int((differences > rope).sum()), int((differences < -rope).sum())
    found = test(differences) if len(differences) else None
    better = found.better if found else math.nan
    return Cell(
        text=f"{wins}/{len(differences) - wins - losses}/{losses}",
        value=better if found else float(wins - losses),
        heat=better if found else None,
        note=f"{better:.0%}" if found else "",
    )
