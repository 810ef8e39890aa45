"""NBSVM: weights by hand, its two ends, any labels, and scikit-learn's checks."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from bakeoff.estimators import make
from bakeoff.estimators.wrappers.naive_bayes_svm import NaiveBayesSVMClassifier

TEXTS = ["good film", "good good plot", "bad film", "bad plot", "fine film", "dull plot"]
LABELS = np.array([1, 1, 0, 0, 1, 0])


def counts() -> np.ndarray:
    """Count the words of the texts: bad, dull, film, fine, good, plot."""
    return np.asarray(CountVectorizer().fit_transform(TEXTS).toarray(), dtype=float)


def log_count_ratios(X: np.ndarray, positive: np.ndarray, alpha: float) -> np.ndarray:
    """Compute equation 1 of the paper, word by word."""
    present = X > 0
    p, q = (
        np.array([alpha + present[rows, word].sum() for word in range(X.shape[1])]) for rows in (positive, ~positive)
    )
    return np.log((p / p.sum()) / (q / q.sum()))


@pytest.mark.parametrize("sparse", [False, True])
def test_weights_by_hand(sparse: bool) -> None:
    """Each word that is there counts its ratio times the interpolated weight of a logistic regression on the ratios."""
    X = counts()
    ratios = log_count_ratios(X, LABELS == 1, 0.5)
    linear = LogisticRegression(C=2, solver="liblinear", random_state=0).fit((X > 0) * ratios, LABELS)
    weights = 0.7 * np.abs(linear.coef_[0]).mean() + 0.3 * linear.coef_[0]
    model = NaiveBayesSVMClassifier(alpha=0.5, beta=0.3, C=2, random_state=0)
    model.fit(csr_matrix(X) if sparse else X, LABELS)
    np.testing.assert_allclose(model.coef_[0], weights * ratios)
    np.testing.assert_allclose(model.decision_function(X), (X > 0) @ (weights * ratios) + linear.intercept_)
    assert model.predict(X).tolist() == LABELS.tolist()


def test_beta_0_is_naive_bayes() -> None:
    """Without trust in the linear model all words have the same weight: the coefficients are the ratios, scaled."""
    X = counts()
    model = NaiveBayesSVMClassifier(beta=0).fit(X, LABELS)
    scale = model.coef_[0] / log_count_ratios(X, LABELS == 1, 1.0)
    np.testing.assert_allclose(scale, scale[0])


def test_counts_are_presence() -> None:
    """A word that stands twice counts once."""
    X = counts()
    assert X.max() == 2
    once, twice = (NaiveBayesSVMClassifier(random_state=0).fit(part, LABELS) for part in (np.minimum(X, 1), X))
    np.testing.assert_array_equal(once.decision_function(X), twice.decision_function(np.minimum(X, 1)))


def test_several_classes_are_one_against_the_rest() -> None:
    """Each class has the coefficients of its binary problem; probabilities are theirs, scaled to sum to 1."""
    X, y = counts(), np.array(["a", "a", "b", "b", "c", "c"])
    model = NaiveBayesSVMClassifier(random_state=0).fit(X, y)
    for place, label in enumerate("abc"):
        alone = NaiveBayesSVMClassifier(random_state=0).fit(X, y == label)
        np.testing.assert_allclose(model.decision_function(X)[:, place], alone.decision_function(X))
    each = 1 / (1 + np.exp(-model.decision_function(X)))
    np.testing.assert_allclose(model.predict_proba(X), each / each.sum(axis=1, keepdims=True))
    assert model.predict(X).dtype == y.dtype


def test_weights_of_rows_are_repetitions() -> None:
    """A row of weight 2 counts as two rows, in the ratios and in the fit; one of weight 0 does not count."""
    X, weights = counts(), np.array([2, 1, 0, 1, 1, 1])
    weighted = NaiveBayesSVMClassifier(random_state=0).fit(X, LABELS, sample_weight=weights)
    repeated = NaiveBayesSVMClassifier(random_state=0).fit(np.repeat(X, weights, axis=0), np.repeat(LABELS, weights))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-2, atol=1e-3)


def test_pipeline_learns_pairs_of_words() -> None:
    """In its pipeline it tells sentences apart by pairs of words whose single words say nothing."""
    texts = ["not good today", "good not bad", "bad not good", "not bad today"] * 5
    y = np.array([0, 1, 0, 1] * 5)
    model = make("nbsvm", task="binary", kind="text").fit(np.array(texts, dtype=object), y)
    assert model.score(np.array(texts, dtype=object), y) == 1


@parametrize_with_checks([NaiveBayesSVMClassifier(random_state=0)], xfail_strict=True)
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    """It passes scikit-learn's checks of a classifier."""
    check(estimator)
