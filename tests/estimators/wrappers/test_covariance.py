"""The covariance of quadratic discriminant analysis: scikit-learn's own regularisation, and with few rows, too."""

import numpy as np
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from bakeoff.estimators import make


def test_regularises_as_scikit_learn_does() -> None:
    """Where scikit-learn's own `reg_param` can be had, probabilities are the same."""
    random = np.random.default_rng(0)
    X, y = random.normal(size=(200, 3)), np.arange(200) % 2
    X[y == 1] *= 3
    for weight in (0.01, 0.3):
        model = make("quadratic_discriminant", task="binary", kind="series", input_shape=(1, 3), reg_param=weight)[-1]
        # scikit-learn's solvers divide by n - 1 and by n.
        np.testing.assert_allclose(
            model.fit(X, y).predict_proba(X),
            QuadraticDiscriminantAnalysis(reg_param=weight).fit(X, y).predict_proba(X),
            atol=0.02,
        )


def test_classes_with_fewer_rows_than_columns() -> None:
    """Classes of twenty rows in thirty columns, where scikit-learn's own gives up, are told apart by their spread."""
    random = np.random.default_rng(0)
    y = np.arange(140) % 2
    X = random.normal(size=(140, 30)) * np.where(y == 1, 2.0, 0.5)[:, None]
    model = make("quadratic_discriminant", task="binary", reg_param=0.5).fit(X[:40], y[:40])
    assert model.score(X[40:], y[40:]) > 0.9
