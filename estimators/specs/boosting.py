"""Specs of gradient boosting: scikit-learn's, XGBoost, and LightGBM and CatBoost behind extras.

The number of rounds is searched instead of stopped early (docs/decisions/0003): every training row trains, and no
split of the library's own could divide a group. Defaults tuned over many data sets (`_td`) need early
stopping: it watches rows that follow the outer scheme, and then every training row trains.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from inspect import signature
from typing import Any

from bakeoff.estimators.search_spaces.space import Params, Trial, suggest_or_zero
from bakeoff.estimators.specs.linear import ALL_KINDS, CLASSES
from bakeoff.estimators.specs.spec import BuildContext, ModelSpec
from bakeoff.estimators.wrappers.boosting_callbacks import lightgbm_callbacks, xgboost_callbacks
from bakeoff.estimators.wrappers.held_out_stopping import stop_hist_gradient_boosting, stop_lightgbm, stop_xgboost
from bakeoff.tasks import Kind

NATIVE: dict[Kind, str] = {"tabular": "native", "image": "none", "series": "intervals", "text": "tf-idf"}
ROUNDS = "rounds: Probst et al. 2019 (Tunability, JMLR) search 1-5000, here 10-1000"
TUNED = "default: Holzmüller et al. 2024 (Better by default, NeurIPS)"
STOPPING = (
    "As published it stops after 300 rounds without a lower loss on held-out rows; unlike there, every training row "
    "then trains for the best number of rounds"
)
# No callbacks of rounds: who stops at 40 of 1000 has no model at 75 %, and what it was at 25 % is not what it becomes.
STOPS_EARLY: dict[str, Any] = {
    "fixed": {"early_stopping": True},
    "takes_validation_rows": True,
    "round_callbacks": None,
    "stop_on_held_out": None,
}
Builder = Callable[[BuildContext, Params], Any]


def _hist_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 1, log=True),
        "max_iter": trial.suggest_int("max_iter", 32, 512),
        "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 3, 2047, log=True),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 200, log=True),
        "l2_regularization": suggest_or_zero(trial, "l2_regularization", 1e-10, 1),
    }


def _build_hist(context: BuildContext, params: Params) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if context.task == "regression" else HistGradientBoostingClassifier
    categories = "from_dtype" if context.kind == "tabular" else None
    fixed = {"early_stopping": False, "categorical_features": categories, "random_state": context.random_state}
    return kind(**{**fixed, **params})


def _xgboost_space(trial: Trial, task: str, least_weight: float = 1e-4) -> Params:
    del task
    return {
        "n_estimators": trial.suggest_int("n_estimators", 10, 1000, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 1e-3, 1, log=True),
        "max_depth": trial.suggest_int("max_depth", 3, 14),
        "min_child_weight": trial.suggest_float("min_child_weight", least_weight, 100, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.5, 1),
        "gamma": suggest_or_zero(trial, "gamma", 1e-3, 100),
        "reg_lambda": suggest_or_zero(trial, "reg_lambda", 0.1, 10),
    }


def _build_xgboost(context: BuildContext, params: Params) -> Any:
    from xgboost import XGBRegressor

    from bakeoff.estimators.wrappers.xgboost import XGBoostClassifier

    kind = XGBRegressor if context.task == "regression" else XGBoostClassifier
    fixed = {
        "enable_categorical": True,
        "n_jobs": context.threads,
        "random_state": context.random_state,
        "verbosity": 0,
    }
    return kind(**{**fixed, **params})


def _lightgbm_space(trial: Trial, task: str, least_weight: float = 1e-4) -> Params:
    del task
    return {
        "n_estimators": trial.suggest_int("n_estimators", 10, 1000, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 1e-3, 1, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 4, 768),
        "min_child_weight": trial.suggest_float("min_child_weight", least_weight, 100, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.5, 1),
        "reg_lambda": suggest_or_zero(trial, "reg_lambda", 0.1, 10),
    }


def _build_lightgbm(context: BuildContext, params: Params) -> Any:
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMRegressor if context.task == "regression" else LGBMClassifier
    # Without subsample_freq the library ignores subsample; at subsample=1 it changes nothing.
    fixed = {"subsample_freq": 1, "n_jobs": context.threads, "random_state": context.random_state, "verbosity": -1}
    return kind(**{**fixed, "deterministic": True, "force_row_wise": True, **params})


def _catboost_space(trial: Trial, task: str, least_penalty: float = 1) -> Params:
    del task
    params: Params = {
        "iterations": trial.suggest_int("iterations", 10, 1000, log=True),
        "depth": trial.suggest_int("depth", 3, 10),
        "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", least_penalty, 10, log=True),
    }
    automatic = trial.suggest_categorical("learning_rate_is_automatic", [True, False])
    params["learning_rate"] = None if automatic else trial.suggest_float("learning_rate", 1e-3, 1, log=True)
    return params


def _build_catboost(context: BuildContext, params: Params) -> Any:
    from catboost import CatBoostClassifier, CatBoostRegressor

    kind = CatBoostRegressor if context.task == "regression" else CatBoostClassifier
    fixed = {"thread_count": context.threads, "random_seed": context.random_state, "verbose": False}
    return kind(**{**fixed, "allow_writing_files": False, **params})


def _early_stopped(build: Builder, library: str, fixed: Params, regression_fixed: Params) -> Builder:
    """Return a builder of boosting that stops early; parameters of the stopping are told from those of the boosting."""

    def build_early_stopped(context: BuildContext, params: Params) -> Any:
        from bakeoff.estimators.wrappers.early_stopping import EarlyStoppedClassifier, EarlyStoppedRegressor

        regression = context.task == "regression"
        kind = EarlyStoppedRegressor if regression else EarlyStoppedClassifier
        own = {name: params[name] for name in params if name in signature(kind).parameters}
        rest = {name: params[name] for name in params if name not in own}
        seed = own.get("random_state", context.random_state)
        booster = build(replace(context, random_state=seed), {**(regression_fixed if regression else fixed), **rest})
        return kind(**{"booster": booster, "library": library, "random_state": seed, **own})

    return build_early_stopped


HIST_GRADIENT_BOOSTING = ModelSpec(
    name="hist_gradient_boosting",
    family="classical",
    summary="histogram gradient boosting of scikit-learn",
    tasks=(*CLASSES, "regression"),
    kinds=("tabular", "image", "series"),
    build=_build_hist,
    preprocessors=NATIVE,
    default={
        "learning_rate": 0.1,
        "max_iter": 100,
        "max_leaf_nodes": 31,
        "min_samples_leaf": 20,
        "l2_regularization_is_zero": True,
    },
    space=_hist_space,
    source="Feurer et al. 2015 (Auto-sklearn, NeurIPS), gradient_boosting",
    stop_on_held_out=stop_hist_gradient_boosting,
    capped_params={"trees": "max_iter"},
)
XGBOOST = ModelSpec(
    name="xgboost",
    family="classical",
    summary="gradient boosting of XGBoost",
    tasks=(*CLASSES, "regression"),
    kinds=ALL_KINDS,
    build=_build_xgboost,
    preprocessors=NATIVE,
    default={
        "n_estimators": 100,
        "learning_rate": 0.3,
        "max_depth": 6,
        "min_child_weight": 1.0,
        "subsample": 1.0,
        "colsample_bytree": 1.0,
        "gamma_is_zero": True,
        "reg_lambda_is_zero": False,
        "reg_lambda": 1.0,
    },
    space=_xgboost_space,
    source=f"Gorishniy et al. 2024 (TabR, ICLR); {ROUNDS}",
    requires="xgboost",
    round_callbacks=xgboost_callbacks,
    stop_on_held_out=stop_xgboost,
    capped_params={"trees": "n_estimators"},
)
LIGHTGBM = ModelSpec(
    name="lightgbm",
    family="classical",
    summary="gradient boosting of LightGBM",
    tasks=(*CLASSES, "regression"),
    kinds=("tabular", "image", "series"),
    build=_build_lightgbm,
    preprocessors=NATIVE,
    default={
        "n_estimators": 100,
        "learning_rate": 0.1,
        "num_leaves": 31,
        "min_child_weight": 1e-3,
        "subsample": 1.0,
        "colsample_bytree": 1.0,
        "reg_lambda_is_zero": True,
    },
    space=_lightgbm_space,
    source=f"Gorishniy et al. 2024 (TabR, ICLR); {ROUNDS}",
    requires="lightgbm",
    extra="lightgbm",
    round_callbacks=lightgbm_callbacks,
    stop_on_held_out=stop_lightgbm,
    capped_params={"trees": "n_estimators"},
)
CATBOOST = ModelSpec(
    name="catboost",
    family="classical",
    summary="gradient boosting of CatBoost",
    tasks=(*CLASSES, "regression"),
    kinds=("tabular", "image", "series"),
    build=_build_catboost,
    preprocessors={"tabular": "ordinal", "image": "none", "series": "intervals"},
    default={"iterations": 1000, "depth": 6, "l2_leaf_reg": 3.0, "learning_rate_is_automatic": True},
    conditions={"learning_rate": ("learning_rate_is_automatic", False)},
    space=_catboost_space,
    source=f"Gorishniy et al. 2021 (Revisiting deep learning models for tabular data, NeurIPS); {ROUNDS}",
    requires="catboost",
    extra="catboost",
    capped_params={"trees": "iterations"},
)
XGBOOST_TD = replace(
    XGBOOST,
    name="xgboost_td",
    summary="XGBoost with defaults tuned over many tables, stopping early: take it untuned, before the plain one",
    build=_early_stopped(_build_xgboost, "xgboost", {"colsample_bylevel": 0.9}, {}),
    default={
        **XGBOOST.default,
        "n_estimators": 1000,
        "learning_rate": 0.08,
        "min_child_weight": 5e-6,
        "subsample": 0.65,
        "reg_lambda_is_zero": True,
    },
    regression_default={"learning_rate": 0.05, "max_depth": 9, "min_child_weight": 2.0, "subsample": 0.7},
    space=partial(_xgboost_space, least_weight=1e-6),
    source=f"{TUNED}, its XGB-TD; space of xgboost, min_child_weight from 1e-6. {STOPPING}",
    **STOPS_EARLY,
)
LIGHTGBM_TD = replace(
    LIGHTGBM,
    name="lightgbm_td",
    summary="LightGBM with defaults tuned over many tables, stopping early: the quickest strong one on large tables",
    build=_early_stopped(_build_lightgbm, "lightgbm", {"min_child_samples": 40}, {"min_child_samples": 3}),
    default={
        **LIGHTGBM.default,
        "n_estimators": 1000,
        "learning_rate": 0.04,
        "num_leaves": 50,
        "min_child_weight": 1e-7,
        "subsample": 0.75,
    },
    regression_default={"learning_rate": 0.05, "num_leaves": 100, "subsample": 0.7},
    space=partial(_lightgbm_space, least_weight=1e-8),
    source=f"{TUNED}, its LGBM-TD; space of lightgbm, min_child_weight from 1e-8. {STOPPING}",
    **STOPS_EARLY,
)
BERNOULLI = {"boosting_type": "Plain", "bootstrap_type": "Bernoulli", "subsample": 0.9}
CATBOOST_TD = replace(
    CATBOOST,
    name="catboost_td",
    summary="CatBoost with defaults tuned over many tables, stopping early: the strongest untuned, if time allows",
    build=_early_stopped(
        _build_catboost,
        "catboost",
        {**BERNOULLI, "random_strength": 0.8, "leaf_estimation_iterations": 1},
        {**BERNOULLI, "random_strength": 0.0, "leaf_estimation_iterations": 20},
    ),
    default={
        "iterations": 1000,
        "depth": 7,
        "l2_leaf_reg": 1e-5,
        "learning_rate_is_automatic": False,
        "learning_rate": 0.08,
    },
    regression_default={"depth": 9, "learning_rate": 0.09},
    space=partial(_catboost_space, least_penalty=1e-6),
    source=f"{TUNED}, its CatBoost-TD; space of catboost, l2_leaf_reg from 1e-6. {STOPPING}",
    **STOPS_EARLY,
)
BOOSTING_SPECS = (HIST_GRADIENT_BOOSTING, XGBOOST, LIGHTGBM, CATBOOST, XGBOOST_TD, LIGHTGBM_TD, CATBOOST_TD)
