"""Specs of the linear models, and of discriminant analysis, linear and quadratic."""

from typing import Any

from bakeoff.estimators.search_spaces.space import Params, Trial, suggest_or_zero
from bakeoff.estimators.specs.spec import BuildContext, ModelSpec
from bakeoff.tasks import Kind, Task

CLASSES: tuple[Task, ...] = ("binary", "multiclass")
ALL_KINDS: tuple[Kind, ...] = ("tabular", "image", "series", "text")
SCALED: dict[Kind, str] = {
    "tabular": "one-hot",
    "image": "global-scaled",
    "series": "stretched",
    "text": "tf-idf-characters",
}
MOST_ITERATIONS = 1000


def standardise_target(regressor: Any) -> Any:
    """Wrap a regressor whose parameters assume a target of unit variance (Feurer et al. 2015 do so for SVMs)."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    return TransformedTargetRegressor(regressor, transformer=StandardScaler())


def _logistic_space(trial: Trial, task: str) -> Params:
    del task
    params: Params = {"C": trial.suggest_float("C", 0.03125, 32768, log=True)}
    penalty = trial.suggest_categorical("penalty", ["l2", "l1", "elastic-net"])
    ratio = {"l2": 0.0, "l1": 1.0}
    params["l1_ratio"] = ratio[penalty] if penalty in ratio else trial.suggest_float("l1_ratio", 0, 1)
    return params


def _build_logistic(context: BuildContext, params: Params) -> Any:
    from sklearn.linear_model import LogisticRegression

    solver = "saga" if params.get("l1_ratio", 0.0) > 0 else "lbfgs"
    return LogisticRegression(
        **{"solver": solver, "max_iter": MOST_ITERATIONS, "random_state": context.random_state, **params}
    )


def _ridge_space(trial: Trial, task: str) -> Params:
    del task
    return {"alpha": trial.suggest_float("alpha", 1e-3, 1e3, log=True)}


def _build_ridge(context: BuildContext, params: Params) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(**{"random_state": context.random_state, **params})


def _elastic_net_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "alpha": trial.suggest_float("alpha", 1e-4, 1e4, log=True),
        "l1_ratio": trial.suggest_float("l1_ratio", 0, 1),
    }


def _build_elastic_net(context: BuildContext, params: Params) -> Any:
    from sklearn.linear_model import ElasticNet

    return ElasticNet(**{"max_iter": MOST_ITERATIONS, "random_state": context.random_state, **params})


def _linear_svm_space(trial: Trial, task: str) -> Params:
    params: Params = {"C": trial.suggest_float("C", 0.03125, 32768, log=True)}
    if task == "regression":
        params["epsilon"] = suggest_or_zero(trial, "epsilon", 1e-3, 1)
    return params


def _build_linear_svm(context: BuildContext, params: Params) -> Any:
    from sklearn.svm import LinearSVC, LinearSVR

    shared = {"dual": "auto", "random_state": context.random_state, "max_iter": MOST_ITERATIONS}
    if context.task == "regression":
        loss = "squared_epsilon_insensitive"
        return standardise_target(LinearSVR(**{"loss": loss, **shared, **params}))
    return LinearSVC(**{**shared, **params})


def _linear_discriminant_space(trial: Trial, task: str) -> Params:
    del task
    automatic = trial.suggest_categorical("shrinkage_is_automatic", [True, False])
    return {"shrinkage": "auto" if automatic else trial.suggest_float("shrinkage", 0, 1)}


def _build_linear_discriminant(context: BuildContext, params: Params) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    del context
    return LinearDiscriminantAnalysis(**{"solver": "lsqr", **params})


def _quadratic_discriminant_space(trial: Trial, task: str) -> Params:
    del task
    # At 0 the covariance of a class with fewer rows than columns can't be inverted.
    return {"reg_param": trial.suggest_float("reg_param", 1e-3, 1)}


def _build_quadratic_discriminant(context: BuildContext, params: Params) -> Any:
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

    from bakeoff.estimators.wrappers.covariance import RegularizedCovariance

    del context
    covariance = RegularizedCovariance(params["reg_param"])
    return QuadraticDiscriminantAnalysis(**{"solver": "eigen", "covariance_estimator": covariance, **params})


LINEAR_SPECS = (
    ModelSpec(
        name="logistic",
        family="classical",
        summary="logistic regression with an l2, l1 or elastic-net penalty",
        tasks=CLASSES,
        kinds=ALL_KINDS,
        build=_build_logistic,
        preprocessors=SCALED,
        default={"C": 1.0, "penalty": "l2"},
        conditions={"l1_ratio": ("penalty", "elastic-net")},
        space=_logistic_space,
        source="C: Wang et al. 2021 (FLAML, MLSys); l1_ratio: Bischl et al. 2023 (WIREs DMKD, glmnet)",
    ),
    ModelSpec(
        name="ridge",
        family="classical",
        summary="linear regression with an l2 penalty",
        tasks=("regression",),
        kinds=ALL_KINDS,
        build=_build_ridge,
        preprocessors=SCALED,
        default={"alpha": 1.0},
        space=_ridge_space,
        source="Komer et al. 2014 (Hyperopt-Sklearn, SciPy)",
    ),
    ModelSpec(
        name="elastic_net",
        family="classical",
        summary="linear regression with l1 and l2 penalties",
        tasks=("regression",),
        kinds=ALL_KINDS,
        build=_build_elastic_net,
        preprocessors=SCALED,
        default={"alpha": 1.0, "l1_ratio": 0.5},
        space=_elastic_net_space,
        source="Bischl et al. 2023 (WIREs DMKD, glmnet)",
    ),
    ModelSpec(
        name="linear_svm",
        family="classical",
        summary="support vector machine without a kernel",
        tasks=(*CLASSES, "regression"),
        kinds=ALL_KINDS,
        build=_build_linear_svm,
        preprocessors=SCALED,
        default={"C": 1.0},
        regression_default={"epsilon_is_zero": True},
        space=_linear_svm_space,
        source="Feurer et al. 2015 (Auto-sklearn, NeurIPS), liblinear_svc and liblinear_svr; squared loss as there",
    ),
    ModelSpec(
        name="linear_discriminant",
        family="classical",
        summary="linear discriminant analysis with shrunken covariance: take it for few rows and many columns",
        tasks=CLASSES,
        kinds=("tabular", "image", "series"),
        build=_build_linear_discriminant,
        preprocessors=SCALED,
        default={"shrinkage_is_automatic": True},
        conditions={"shrinkage": ("shrinkage_is_automatic", False)},
        space=_linear_discriminant_space,
        source="Feurer et al. 2015 (Auto-sklearn, NeurIPS), lda; default: Ledoit and Wolf 2004",
    ),
    ModelSpec(
        name="quadratic_discriminant",
        family="classical",
        summary="quadratic discriminant analysis, regularised: for Gaussian classes, and components of images",
        tasks=CLASSES,
        kinds=("tabular", "image", "series"),
        build=_build_quadratic_discriminant,
        preprocessors=SCALED | {"image": "components"},
        default={"reg_param": 0.1},
        space=_quadratic_discriminant_space,
        source=(
            "Feurer et al. 2015 (Auto-sklearn, NeurIPS), qda, from 0.001; components of images: LeCun et al. 1998 "
            "(Gradient-based learning, Proc. IEEE)"
        ),
    ),
)
