"""Spec of the linear model that is made for texts: NBSVM."""

from typing import Any

from bakeoff.estimators.search_spaces.space import Params, Trial
from bakeoff.estimators.specs.linear import CLASSES
from bakeoff.estimators.specs.spec import BuildContext, ModelSpec


def _nbsvm_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "C": trial.suggest_float("C", 0.03125, 32768, log=True),
        "alpha": trial.suggest_float("alpha", 1e-2, 100, log=True),
        "beta": trial.suggest_float("beta", 0, 1),
    }


def _build_nbsvm(context: BuildContext, params: Params) -> Any:
    from bakeoff.estimators.wrappers.naive_bayes_svm import NaiveBayesSVMClassifier

    return NaiveBayesSVMClassifier(**{"random_state": context.random_state, **params})


TEXT_LINEAR_SPECS = (
    ModelSpec(
        name="nbsvm",
        family="classical",
        summary="logistic regression on words weighted by naive Bayes (NBSVM): the quick one to beat on sentences",
        tasks=CLASSES,
        kinds=("text",),
        build=_build_nbsvm,
        preprocessors={"text": "counts"},
        default={"C": 4.0, "alpha": 1.0, "beta": 0.5},
        space=_nbsvm_space,
        source=(
            "Wang and Manning 2012 (Baselines and bigrams, ACL), beta; C, alpha: Feurer et al. 2015 (Auto-sklearn, "
            "NeurIPS), liblinear_svc and multinomial_nb"
        ),
    ),
)
