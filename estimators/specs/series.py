"""Specs of the classical models that are made for series: random convolutions, quantiles, dynamic time warping."""

from typing import Any

import numpy as np

from bakeoff.estimators.search_spaces.space import Params, Trial
from bakeoff.estimators.specs.linear import CLASSES
from bakeoff.estimators.specs.spec import BuildContext, ModelSpec

RIDGE_ROWS = 20_000
WIDE_RIDGE_ROWS = 5_000
WARPED_ROWS = 5_000
ALPHAS = tuple(np.logspace(-3, 3, 10).tolist())


def _build_ridge(context: BuildContext, params: Params) -> Any:
    from sklearn.linear_model import RidgeClassifierCV, RidgeCV

    return (RidgeCV if context.task == "regression" else RidgeClassifierCV)(**{"alphas": ALPHAS, **params})


def _build_extra_trees(context: BuildContext, params: Params) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    own = {"random_state": context.random_state, "n_jobs": context.threads}
    if context.task == "regression":
        return ExtraTreesRegressor(**own | params)
    return ExtraTreesClassifier(**own | {"criterion": "entropy"} | params)


def _knn_dtw_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "n_neighbors": trial.suggest_int("n_neighbors", 1, 5),
        "window": trial.suggest_float("window", 0, 1),
    }


def _build_knn_dtw(context: BuildContext, params: Params) -> Any:
    from bakeoff.estimators.wrappers.dtw_neighbors import DtwNeighborsClassifier, DtwNeighborsRegressor

    kind = DtwNeighborsRegressor if context.task == "regression" else DtwNeighborsClassifier
    return kind(**{"input_shape": context.input_shape, **params})


SERIES_SPECS = (
    ModelSpec(
        name="minirocket",
        family="classical",
        summary="ridge on some 10,000 random convolutions of a series (MiniRocket)",
        tasks=(*CLASSES, "regression"),
        kinds=("series",),
        build=_build_ridge,
        preprocessors={"series": "minirocket"},
        source="nothing to tune: Dempster et al. 2021 (MiniRocket, KDD); ridge chooses its penalty itself",
        max_rows=RIDGE_ROWS,
        max_rows_reason="ridge with its own cross-validation holds a matrix of rows by rows",
    ),
    ModelSpec(
        name="multirocket_hydra",
        family="classical",
        summary="ridge on some 55,000 random convolutions (MultiRocket and Hydra): take it for accuracy",
        tasks=(*CLASSES, "regression"),
        kinds=("series",),
        build=_build_ridge,
        preprocessors={"series": "multirocket-hydra"},
        source=(
            "nothing to tune: Tan et al. 2022 (MultiRocket, DMKD), Dempster et al. 2023 (Hydra, DMKD); "
            "ridge chooses its penalty itself"
        ),
        max_rows=WIDE_RIDGE_ROWS,
        max_rows_reason="ridge holds some 55,000 features of each row, 1.4 MB while it fits",
    ),
    ModelSpec(
        name="quant",
        family="classical",
        summary="extremely random trees on quantiles of intervals (QUANT): take it for many or long series",
        tasks=(*CLASSES, "regression"),
        kinds=("series",),
        build=_build_extra_trees,
        preprocessors={"series": "quantiles"},
        fixed={"n_estimators": 200, "max_features": 0.1},
        source=(
            "nothing to tune: Dempster et al. 2024 (QUANT, DMKD), for classes; the same trees by squared error for a "
            "regression, as in aeon"
        ),
        capped_params={"trees": "n_estimators"},
    ),
    ModelSpec(
        name="knn_dtw",
        family="classical",
        summary="nearest neighbours under dynamic time warping: take it for few series of like shapes out of step",
        tasks=(*CLASSES, "regression"),
        kinds=("series",),
        build=_build_knn_dtw,
        preprocessors={"series": "stretched"},
        default={"n_neighbors": 1, "window": 0.1},
        regression_default={"n_neighbors": 5},
        space=_knn_dtw_space,
        source=(
            "window: Lines and Bagnall 2015 (Elastic ensemble, DMKD); n_neighbors, and 10 % by default: Tan et al. "
            "2021 (Time series extrinsic regression, DMKD)"
        ),
        max_rows=WARPED_ROWS,
        max_rows_reason="each prediction compares a series with all training series",
    ),
)
