"""How often tests between two equally good models say that they differ: the share should be 5 % at the 5 % level.

    python tests/performance/rejections.py

Each world draws new rows with ten columns. The one model sees the first five, the other the last five, which carry the
same information: by symmetry neither is better. Both are cross-validated again and again on the same folds.
"""

import argparse

import numpy as np
from scipy import stats
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.naive_bayes import GaussianNB

from bakeoff.reports.statistics.folds import corrected_t_test

LEVEL = 0.05
HALVES = (slice(0, 5), slice(5, 10))


def bootstrap_differences(random: np.random.Generator, *, rows: int, folds: int, repeats: int) -> np.ndarray:
    """Return the differences in accuracy of the two models over the outer folds of one world."""
    y = np.arange(rows) % 2
    X = random.normal(size=(rows, 10)) + 0.5 * y[:, None]
    splitter = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=int(random.integers(2**31)))
    differences = []
    for train, test in splitter.split(X, y):
        scores = [GaussianNB().fit(X[train, half], y[train]).score(X[test, half], y[test]) for half in HALVES]
        differences.append(scores[0] - scores[1])
    return np.array(differences)


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=200)
    arguments = parser.parse_args()
    for folds, repeats in ((5, 1), (5, 2), (10, 1), (10, 10)):
        random = np.random.default_rng(0)
        plain = corrected = 0
        for _ in range(arguments.worlds):
            differences = bootstrap_differences(random, rows=arguments.rows, folds=folds, repeats=repeats)
            plain += bool(np.ptp(differences)) and float(stats.ttest_1samp(differences, 0).pvalue) < LEVEL
            corrected += corrected_t_test(differences, test_fraction=1 / folds).p_value < LEVEL
        shares = f"corrected {corrected / arguments.worlds:.1%}, plain t-test {plain / arguments.worlds:.1%}"
        print(f"{repeats} x {folds} folds, {arguments.worlds} worlds without a difference: rejected by {shares}")


if __name__ == "__main__":
    main()
