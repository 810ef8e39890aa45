"""Which parameters mattered to tuning: how much of the spread of good trials each explains."""

import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from scipy.stats import rankdata

from bakeoff.reports.drawing.figure import Axis, Figure, Trace, slugify
from bakeoff.reports.drawing.palette import colours
from bakeoff.reports.figures.predictions import select_top_models
from bakeoff.reports.run_data.fits import fits_of
from bakeoff.reports.run_data.run import Run

MIN_TRIALS, MAX_TRIALS = 20, 100
MAX_PARAMETERS = 5
ROW_PX, PADDING_PX = 22, 90
Trial = tuple[Mapping[str, Any], float]  # what was suggested, and how good it was within its study, from 0 to 1


def build_parameter_importance_figure(view: Run, dataset: str) -> Figure | None:
    """Draw the importance of the parameters of the best model of each family; None without enough trials."""
    fits = fits_of(view, dataset)
    tuned = fits[(fits["variant"] == "tuned") & (fits["status"] == "ok")]
    found = {}
    for model in select_top_models(view, dataset).drop_duplicates("family")["model"]:
        studies = [view.read_trials(fit) for fit in tuned.loc[tuned["model"] == model, "fit"]]
        trials = [trial for study in studies for trial in _place(study)]
        shares = compute_parameter_importance(trials[:: math.ceil(len(trials) / MAX_TRIALS) or 1])
        if shares:
            found[model] = dict(list(shares.items())[:MAX_PARAMETERS])
    rows = [(model, name, share) for model, shares in found.items() for name, share in shares.items()]
    if not rows:
        return None
    return Figure(
        key=slugify(dataset, "parameters"),
        title=f"{dataset}: parameters that mattered",
        caption="Share of what tells the best tenth of the trials from all others, by PED-ANOVA (Watanabe et al. 2023) "
        f"over up to {MAX_TRIALS} trials of all outer folds, each ranked within its study. Parameters that only some "
        "trials have are left out.",
        x=Axis(title="importance", low=0, high=1),
        y=Axis(names=tuple(f"{model}: {name}" for model, name, _ in rows), is_reversed=True),
        traces=tuple(
            Trace(
                name=model,
                x=list(shares.values()),
                y=[place for place, row in enumerate(rows) if row[0] == model],
                style="bars",
                colour=colours(view)[model],
            )
            for model, shares in found.items()
        ),
        height=ROW_PX * len(rows) + PADDING_PX,
    )


def compute_parameter_importance(trials: Sequence[Trial]) -> dict[str, float]:
    """Return the importance of each parameter that all trials have, largest first; they sum to 1.

    Numbers are taken by their rank, so that a logarithmic range counts like any other.

    Parameters
    ----------
    trials : sequence of (parameters, value)
        Bigger values are better.

    Returns
    -------
    dict
        Empty with fewer than 20 trials, or where nothing varies.

    References
    ----------
    Watanabe, Bansal & Hutter 2023, PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces.
    """
    if len(trials) < MIN_TRIALS:
        return {}
    names = [name for name in trials[0][0] if all(name in suggested for suggested, _ in trials)]
    varied = [name for name in names if len({str(suggested[name]) for suggested, _ in trials}) > 1]
    if not varied or len({value for _, value in trials}) == 1:
        return {}
    columns = {name: _column([suggested[name] for suggested, _ in trials]) for name in varied}
    found = _evaluate(columns, [value for _, value in trials])
    total = sum(found.values())
    return {name: share / total for name, share in sorted(found.items(), key=lambda pair: -pair[1])} if total else {}


def _place(study: Sequence[Mapping[str, Any]]) -> list[Trial]:
    """Rank the complete trials of a study."""
    rows = [row for row in study if row.get("state") == "complete" and isinstance(row.get("suggested"), dict)]
    ranks = rankdata([row["value"] for row in rows]) / max(len(rows), 1)
    return [(row["suggested"], float(rank)) for row, rank in zip(rows, ranks, strict=True)]


def _column(values: Sequence[Any]) -> list[Any]:
    """Return numbers as ranks from 0 to 1, and all else as text."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return [float(rank) for rank in (rankdata(values) - 1) / (len(values) - 1)]
    return [str(value) for value in values]


def _evaluate(columns: Mapping[str, Sequence[Any]], values: Sequence[float]) -> dict[str, float]:
    import optuna
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

    spaces: dict[str, BaseDistribution] = {
        name: FloatDistribution(0, 1) if isinstance(column[0], float) else CategoricalDistribution(sorted(set(column)))
        for name, column in columns.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(logging.WARNING)
        study = optuna.create_study(direction="maximize")
        optuna.logging.set_verbosity(verbosity)
        study.add_trials(
            [
                optuna.create_trial(
                    params={name: column[place] for name, column in columns.items()},
                    distributions=spaces,
                    value=value,
                )
                for place, value in enumerate(values)
            ]
        )
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        return dict(optuna.importance.get_param_importances(study, evaluator=evaluator, normalize=False))
