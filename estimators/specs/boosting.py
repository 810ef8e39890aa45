"""Specs of gradient boosting: scikit-learn's, XGBoost, and LightGBM and CatBoost behind extras.

The number of rounds is searched instead of stopped early (docs/decisions/0003): every training row trains, and no
split of the library's own could divide a group.
"""

from typing import Any

from bakeoff.estimators.search_spaces.space import Params, Trial, suggest_or_zero
from bakeoff.estimators.specs.linear import ALL_KINDS, CLASSES
from bakeoff.estimators.specs.spec import BuildContext, ModelSpec
from bakeoff.estimators.wrappers.boosting_callbacks import lightgbm_callbacks, xgboost_callbacks
from bakeoff.tasks import Kind

NATIVE: dict[Kind, str] = {"tabular": "native", "image": "none", "series": "intervals", "text": "tf-idf"}
ROUNDS = "rounds: Probst et al. 2019 (Tunability, JMLR) search 1-5000, here 10-1000"


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


def _xgboost_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "n_estimators": trial.suggest_int("n_estimators", 10, 1000, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 1e-3, 1, log=True),
        "max_depth": trial.suggest_int("max_depth", 3, 14),
        "min_child_weight": trial.suggest_float("min_child_weight", 1e-4, 100, log=True),
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


def _lightgbm_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "n_estimators": trial.suggest_int("n_estimators", 10, 1000, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 1e-3, 1, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 4, 768),
        "min_child_weight": trial.suggest_float("min_child_weight", 1e-4, 100, log=True),
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


def _catboost_space(trial: Trial, task: str) -> Params:
    del task
    params: Params = {
        "iterations": trial.suggest_int("iterations", 10, 1000, log=True),
        "depth": trial.suggest_int("depth", 3, 10),
        "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 1, 10, log=True),
    }
    automatic = trial.suggest_categorical("learning_rate_is_automatic", [True, False])
    params["learning_rate"] = None if automatic else trial.suggest_float("learning_rate", 1e-3, 1, log=True)
    return params


def _build_catboost(context: BuildContext, params: Params) -> Any:
    from catboost import CatBoostClassifier, CatBoostRegressor

    kind = CatBoostRegressor if context.task == "regression" else CatBoostClassifier
    fixed = {"thread_count": context.threads, "random_seed": context.random_state, "verbose": False}
    return kind(**{**fixed, "allow_writing_files": False, **params})


BOOSTING_SPECS = (
    ModelSpec(
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
        capped_params={"trees": "max_iter"},
    ),
    ModelSpec(
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
        capped_params={"trees": "n_estimators"},
    ),
    ModelSpec(
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
        capped_params={"trees": "n_estimators"},
    ),
    ModelSpec(
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
    ),
)
