"""Spec of the classical model that is made for series: ridge on random convolutions."""

from typing import Any

import numpy as np

from bakeoff.estimators.search_spaces.space import Params
from bakeoff.estimators.specs.linear import CLASSES
from bakeoff.estimators.specs.spec import BuildContext, ModelSpec

RIDGE_ROWS = 20_000
ALPHAS = tuple(np.logspace(-3, 3, 10).tolist())


def _build_ridge(context: BuildContext, params: Params) -> Any:
    from sklearn.linear_model import RidgeClassifierCV, RidgeCV

    return (RidgeCV if context.task == "regression" else RidgeClassifierCV)(**{"alphas": ALPHAS, **params})


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
)
