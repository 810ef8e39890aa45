"""Spec of the explainable boosting machine: boosted curves of single columns and of pairs, behind an extra."""

from typing import Any

from bakeoff.estimators.search_spaces.space import Params, Trial
from bakeoff.estimators.specs.linear import CLASSES
from bakeoff.estimators.specs.spec import BuildContext, ModelSpec

INTERACTIONS = [0, *(f"{times}x" for times in range(1, 10))]


def _ebm_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.0025, 0.2, log=True),
        "interactions": trial.suggest_categorical("interactions", INTERACTIONS),
        "max_leaves": trial.suggest_int("max_leaves", 2, 3),
        "smoothing_rounds": trial.suggest_int("smoothing_rounds", 0, 1000),
        "interaction_smoothing_rounds": trial.suggest_int("interaction_smoothing_rounds", 0, 200),
        "min_hessian": trial.suggest_float("min_hessian", 1e-10, 1e-2, log=True),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 2, 20),
        "gain_scale": trial.suggest_float("gain_scale", 0.5, 5, log=True),
        "min_cat_samples": trial.suggest_categorical("min_cat_samples", [5, 10, 15, 20]),
        "cat_smooth": trial.suggest_categorical("cat_smooth", [5.0, 10.0, 20.0, 100.0]),
        "missing": trial.suggest_categorical("missing", ["separate", "low", "high", "gain"]),
    }


def _build_ebm(context: BuildContext, params: Params) -> Any:
    from interpret.glassbox import ExplainableBoostingClassifier, ExplainableBoostingRegressor

    kind = ExplainableBoostingRegressor if context.task == "regression" else ExplainableBoostingClassifier
    return kind(**{"n_jobs": context.threads, "random_state": context.random_state, **params})


ADDITIVE_SPECS = (
    ModelSpec(
        name="ebm",
        family="classical",
        summary="explainable boosting machine: near the accuracy of boosting where every effect must be seen; slow",
        tasks=(*CLASSES, "regression"),
        kinds=("tabular",),
        build=_build_ebm,
        preprocessors={"tabular": "native"},
        default={
            "learning_rate": 0.015,
            "interactions": "3x",
            "max_leaves": 2,
            "smoothing_rounds": 75,
            "interaction_smoothing_rounds": 75,
            "min_hessian": 1e-4,
            "min_samples_leaf": 4,
            "gain_scale": 5.0,
            "min_cat_samples": 10,
            "cat_smooth": 10.0,
            "missing": "separate",
        },
        regression_default={
            "learning_rate": 0.04,
            "interactions": "5x",
            "smoothing_rounds": 500,
            "interaction_smoothing_rounds": 100,
        },
        fixed={"max_rounds": 50_000},
        space=_ebm_space,
        source=(
            "Erickson et al. 2025 (TabArena, NeurIPS D&B); default: the library's (Nori et al. 2019, InterpretML). "
            "Each of its bags stops early on random training rows, which may divide groups: that is the method"
        ),
        requires="interpret",
        extra="ebm",
        capped_params={"trees": "max_rounds"},
    ),
)
