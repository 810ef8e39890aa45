"""Specs of single trees, forests, extremely randomised trees and AdaBoost."""

from typing import Any

from bakeoff.estimators.search_spaces.space import Params, Trial
from bakeoff.estimators.specs.linear import ALL_KINDS, CLASSES
from bakeoff.estimators.specs.spec import BuildContext, ModelSpec
from bakeoff.tasks import Kind

PREPROCESSORS: dict[Kind, str] = {
    "tabular": "ordinal",
    "image": "global-scaled",
    "series": "intervals",
    "text": "tf-idf",
}
MAX_FEATURES = ["sqrt", "log2", *(round(0.1 * tenths, 1) for tenths in range(1, 11))]


def _criterion(trial: Trial, task: str) -> Params:
    if task == "regression":
        return {}
    return {"criterion": trial.suggest_categorical("criterion", ["gini", "entropy"])}


def _decision_tree_space(trial: Trial, task: str) -> Params:
    limited = trial.suggest_categorical("depth_is_limited", [False, True])
    return {
        **_criterion(trial, task),
        "max_depth": trial.suggest_int("max_depth", 1, 30) if limited else None,
        "min_samples_split": trial.suggest_int("min_samples_split", 2, 60),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 60),
    }


def _build_decision_tree(context: BuildContext, params: Params) -> Any:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeRegressor if context.task == "regression" else DecisionTreeClassifier
    return kind(**{"random_state": context.random_state, **params})


def _random_forest_space(trial: Trial, task: str) -> Params:
    return {
        **_criterion(trial, task),
        "max_features": trial.suggest_categorical("max_features", MAX_FEATURES),
        "min_samples_split": trial.suggest_int("min_samples_split", 2, 20),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 20),
        "bootstrap": trial.suggest_categorical("bootstrap", [True, False]),
    }


def _build_random_forest(context: BuildContext, params: Params) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestRegressor if context.task == "regression" else RandomForestClassifier
    return kind(**{"random_state": context.random_state, "n_jobs": context.threads, **params})


def _build_extra_trees(context: BuildContext, params: Params) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    kind = ExtraTreesRegressor if context.task == "regression" else ExtraTreesClassifier
    return kind(**{"random_state": context.random_state, "n_jobs": context.threads, **params})


def _adaboost_space(trial: Trial, task: str) -> Params:
    regression = task == "regression"
    params: Params = {
        "n_estimators": trial.suggest_int("n_estimators", 50, 500),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4 if regression else 0.01, 2, log=True),
        "max_depth": trial.suggest_int("max_depth", 1, 10),
    }
    if regression:
        params["loss"] = trial.suggest_categorical("loss", ["linear", "square", "exponential"])
    return params


def _build_adaboost(context: BuildContext, params: Params) -> Any:
    from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    boosting = {"random_state": context.random_state} | params
    depth = boosting.pop("max_depth", None)
    regression = context.task == "regression"
    tree = (DecisionTreeRegressor if regression else DecisionTreeClassifier)(max_depth=depth)
    return (AdaBoostRegressor if regression else AdaBoostClassifier)(tree, **boosting)


TREE_SPECS = (
    ModelSpec(
        name="decision_tree",
        family="classical",
        summary="one decision tree (CART)",
        tasks=(*CLASSES, "regression"),
        kinds=ALL_KINDS,
        build=_build_decision_tree,
        preprocessors=PREPROCESSORS,
        default={"criterion": "gini", "depth_is_limited": False, "min_samples_split": 2, "min_samples_leaf": 1},
        conditions={"max_depth": ("depth_is_limited", True)},
        space=_decision_tree_space,
        source="Probst et al. 2019 (Tunability, JMLR), rpart; criterion: Feurer et al. 2015 (Auto-sklearn, NeurIPS)",
    ),
    ModelSpec(
        name="random_forest",
        family="classical",
        summary="random forest",
        tasks=(*CLASSES, "regression"),
        kinds=ALL_KINDS,
        build=_build_random_forest,
        preprocessors=PREPROCESSORS,
        default={
            "criterion": "gini",
            "max_features": "sqrt",
            "min_samples_split": 2,
            "min_samples_leaf": 1,
            "bootstrap": True,
        },
        regression_default={"max_features": 1.0},
        fixed={"n_estimators": 100},
        space=_random_forest_space,
        source="Feurer et al. 2015 (Auto-sklearn, NeurIPS); max_features: Grinsztajn et al. 2022 (NeurIPS D&B)",
        capped_params={"trees": "n_estimators"},
    ),
    ModelSpec(
        name="adaboost",
        family="classical",
        summary="AdaBoost over shallow trees",
        tasks=(*CLASSES, "regression"),
        kinds=ALL_KINDS,
        build=_build_adaboost,
        preprocessors=PREPROCESSORS,
        default={"n_estimators": 50, "learning_rate": 1.0, "max_depth": 1},
        regression_default={"max_depth": 3, "loss": "linear"},
        space=_adaboost_space,
        source="Feurer et al. 2015 (Auto-sklearn, NeurIPS)",
        capped_params={"trees": "n_estimators"},
    ),
    ModelSpec(
        name="extra_trees",
        family="classical",
        summary="extremely randomised trees: often the better forest on numbers, noise and series, in less time",
        tasks=(*CLASSES, "regression"),
        kinds=ALL_KINDS,
        build=_build_extra_trees,
        preprocessors=PREPROCESSORS,
        default={
            "criterion": "gini",
            "max_features": "sqrt",
            "min_samples_split": 2,
            "min_samples_leaf": 1,
            "bootstrap": False,
        },
        regression_default={"max_features": 1.0},
        fixed={"n_estimators": 300},
        space=_random_forest_space,
        source=(
            "Feurer et al. 2015 (Auto-sklearn, NeurIPS), extra_trees; max_features: Grinsztajn et al. 2022 (NeurIPS "
            "D&B), random_forest; 300 trees: Erickson et al. 2020 (AutoGluon-Tabular)"
        ),
        capped_params={"trees": "n_estimators"},
    ),
)
