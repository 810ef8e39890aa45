"""Specs of the dummy, the kernel SVM, nearest neighbours and naive Bayes."""

from typing import Any

from bakeoff.estimators.search_spaces.space import Params, Trial
from bakeoff.estimators.specs.linear import ALL_KINDS, CLASSES, SCALED, standardise_target
from bakeoff.estimators.specs.spec import BuildContext, ModelSpec

TWO_TO_10 = 2.0**10
REDUCED = SCALED | {"image": "components"}
SVM_ROWS = 70_000
SVM_CACHE_MB = 500


def _build_dummy(context: BuildContext, params: Params) -> Any:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    if context.task == "regression":
        return DummyRegressor(**params)
    return DummyClassifier(**{"random_state": context.random_state, **params})


def _rbf_svm_space(trial: Trial, task: str) -> Params:
    params: Params = {"C": trial.suggest_float("C", 1 / TWO_TO_10, TWO_TO_10, log=True), "gamma": "scale"}
    if trial.suggest_categorical("gamma_kind", ["scale", "number"]) == "number":
        params["gamma"] = trial.suggest_float("gamma", 1 / TWO_TO_10, TWO_TO_10, log=True)
    if task == "regression":
        params["epsilon"] = trial.suggest_float("epsilon", 1e-3, 1, log=True)
    return params


def _build_rbf_svm(context: BuildContext, params: Params) -> Any:
    from sklearn.svm import SVC, SVR

    if context.task == "regression":
        return standardise_target(SVR(**{"cache_size": SVM_CACHE_MB, **params}))
    return SVC(**{"cache_size": SVM_CACHE_MB, "random_state": context.random_state, **params})


def _knn_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "n_neighbors": trial.suggest_int("n_neighbors", 1, 30),
        "weights": trial.suggest_categorical("weights", ["uniform", "distance"]),
        "p": trial.suggest_categorical("p", [2, 1]),
    }


def _build_knn(context: BuildContext, params: Params) -> Any:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    kind = KNeighborsRegressor if context.task == "regression" else KNeighborsClassifier
    return kind(**{"n_jobs": context.threads, **params})


def _build_gaussian_nb(context: BuildContext, params: Params) -> Any:
    from sklearn.naive_bayes import GaussianNB

    del context
    return GaussianNB(**params)


def _multinomial_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "alpha": trial.suggest_float("alpha", 1e-2, 100, log=True),
        "fit_prior": trial.suggest_categorical("fit_prior", [True, False]),
    }


def _build_multinomial(context: BuildContext, params: Params) -> Any:
    from sklearn.naive_bayes import MultinomialNB

    del context
    return MultinomialNB(**params)


def _complement_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "alpha": trial.suggest_float("alpha", 1e-2, 100, log=True),
        "norm": trial.suggest_categorical("norm", [False, True]),
    }


def _build_complement(context: BuildContext, params: Params) -> Any:
    from sklearn.naive_bayes import ComplementNB

    del context
    return ComplementNB(**params)


SIMPLE_SPECS = (
    ModelSpec(
        name="dummy",
        family="classical",
        summary="the class frequencies or the mean: what a model must beat",
        tasks=(*CLASSES, "regression"),
        kinds=ALL_KINDS,
        build=_build_dummy,
        preprocessors=dict.fromkeys(ALL_KINDS, "none"),
    ),
    ModelSpec(
        name="rbf_svm",
        family="classical",
        summary="support vector machine with a Gaussian kernel",
        tasks=(*CLASSES, "regression"),
        kinds=("tabular", "image", "series"),
        build=_build_rbf_svm,
        preprocessors=REDUCED,
        default={"C": 1.0, "gamma_kind": "scale"},
        conditions={"gamma": ("gamma_kind", "number")},
        regression_default={"epsilon": 0.1},
        space=_rbf_svm_space,
        source="C, gamma: Probst et al. 2019 (Tunability, JMLR); epsilon: Feurer et al. 2015 (Auto-sklearn, NeurIPS)",
        max_rows=SVM_ROWS,
        max_rows_reason="the time of a kernel SVM grows with the square of the rows and more",
    ),
    ModelSpec(
        name="knn",
        family="classical",
        summary="k nearest neighbours",
        tasks=(*CLASSES, "regression"),
        kinds=ALL_KINDS,
        build=_build_knn,
        preprocessors=REDUCED,
        default={"n_neighbors": 5, "weights": "uniform", "p": 2},
        kind_defaults={"series": {"n_neighbors": 1}},
        space=_knn_space,
        source=(
            "n_neighbors: Probst et al. 2019 (Tunability, JMLR), 1 by default on series as in Bagnall et al. 2017 (The "
            "great time series classification bake off, DMKD); weights, p: Feurer et al. 2015 (Auto-sklearn, NeurIPS)"
        ),
    ),
    ModelSpec(
        name="gaussian_nb",
        family="classical",
        summary="naive Bayes with Gaussian features",
        tasks=CLASSES,
        kinds=("tabular", "image", "series"),
        build=_build_gaussian_nb,
        preprocessors=SCALED,
        source="nothing to tune (as in Auto-sklearn)",
    ),
    ModelSpec(
        name="multinomial_nb",
        family="classical",
        summary="multinomial naive Bayes on counts of words and pairs of words",
        tasks=CLASSES,
        kinds=("text",),
        build=_build_multinomial,
        preprocessors={"text": "counts"},
        default={"alpha": 1.0, "fit_prior": True},
        space=_multinomial_space,
        source="Feurer et al. 2015 (Auto-sklearn, NeurIPS)",
    ),
    ModelSpec(
        name="complement_nb",
        family="classical",
        summary="complement naive Bayes on counts of words and pairs of words",
        tasks=CLASSES,
        kinds=("text",),
        build=_build_complement,
        preprocessors={"text": "counts"},
        default={"alpha": 1.0, "norm": False},
        space=_complement_space,
        source="alpha as for multinomial_nb; norm: Komer et al. 2014 (Hyperopt-Sklearn, SciPy)",
    ),
)
