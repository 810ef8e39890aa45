"""Made data sets: seeded, of any size, and as hard as they say."""

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from bakeoff.datasets import load
from bakeoff.datasets.sources.registry import DEFAULT_ROWS, ENTRIES
from bakeoff.datasets.sources.synthetic import DIFFICULTIES
from bakeoff.errors import UserError

MADE = [name for name, entry in ENTRIES.items() if entry.is_synthetic]


@pytest.mark.parametrize("name", MADE)
def test_seed_size_and_difficulty(name: str) -> None:
    """One seed gives one data set, another seed, size or difficulty another."""
    dataset = load(name)
    assert (len(dataset.y), dataset.name, dataset.task) == (DEFAULT_ROWS, name, ENTRIES[name].task)
    assert dataset.digest == load(f"{name}@1", rows=DEFAULT_ROWS, difficulty="easy", seed=0).digest
    others = [load(name, seed=1), load(name, rows=500), *(load(name, difficulty=level) for level in DIFFICULTIES[1:])]
    assert len({dataset.digest, *(other.digest for other in others)}) == 5
    assert len(others[1].y) == 500


def test_friedman_is_scikit_learns() -> None:
    """The noiseless functions are those of scikit-learn."""
    from sklearn import datasets

    from bakeoff.datasets.sources import synthetic

    for number, sigma in ((1, 0.5), (2, 40.0), (3, 0.03)):
        X, y = getattr(synthetic, f"friedman{number}")(20_000, 0, np.random.default_rng(0))
        theirs, target = getattr(datasets, f"make_friedman{number}")(20_000, noise=sigma, random_state=0)
        np.testing.assert_allclose(X.mean(0), theirs.mean(0), rtol=0.05)
        np.testing.assert_allclose([y.mean(), y.std()], [target.mean(), target.std()], rtol=0.05)


def test_xor_hides_from_single_columns() -> None:
    """No column of an exclusive or tells the label alone; two of them do."""
    dataset = load("xor", rows=2000)
    signs = np.sign(dataset.X.to_numpy())
    assert np.abs([np.corrcoef(column, dataset.y)[0, 1] for column in signs.T]).max() < 0.08
    assert np.array_equal(dataset.y, (signs[:, 0] * signs[:, 1] < 0).astype(int))
    assert cross_val_score(DecisionTreeClassifier(max_depth=1), dataset.X, dataset.y).mean() < 0.6


def test_sine_beyond_is_tested_beyond() -> None:
    """All test rows of the extrapolation lie beyond all training rows."""
    dataset = load("sine_beyond")
    assert dataset.test_rows is not None
    assert dataset.X["x0"][~dataset.test_rows].max() < dataset.X["x0"][dataset.test_rows].min()


def test_parity_and_shapes() -> None:
    """The label of a series is its parity, and shapes are told apart by their nearest neighbours if they are easy."""
    series = load("parity")
    np.testing.assert_array_equal((series.X > 0).sum(1) % 2, series.y)
    images = load("shapes", rows=2000)
    assert (images.X.dtype, images.input_shape, len(images.classes)) == (np.uint8, (1, 16, 16), 4)
    assert cross_val_score(KNeighborsClassifier(), images.X, images.y, cv=3).mean() > 0.6


@pytest.mark.parametrize("name", ["moons", "circles"])
def test_difficulty_is_felt(name: str) -> None:
    """The harder, the lower the score of nearest neighbours."""
    sets = [load(name, difficulty=level) for level in DIFFICULTIES]
    scores = [cross_val_score(KNeighborsClassifier(15), data.X, data.y, cv=5).mean() for data in sets]
    assert scores[0] > 0.97
    assert scores[0] > scores[1] + 0.01
    assert scores[1] > scores[2] + 0.03


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"source": "moons@2"}, "there is no 'moons@2'; this release has moons@1"),
        ({"source": "moon"}, "no data set 'moon'; did you mean 'moons'"),
        ({"source": "moons", "rows": 5}, "rows must lie between 20"),
        ({"source": "moons", "rows": "abc"}, "rows must be a whole number from 0 on, got 'abc'"),
        ({"source": "moons", "seed": -1}, "seed must be a whole number from 0 on, got -1"),
        ({"source": "moons", "difficulty": "harsh"}, "no difficulty 'harsh'"),
        ({"source": "moons", "target": "x"}, "is as it is; leave out target"),
        ({"source": "iris", "rows": 100}, "'iris' is as it is; leave out rows"),
        ({"source": "iris", "positive": "0"}, "only a binary one has a positive class"),
        ({"source": "openml-suite:99"}, "is many data sets; name it in a suite"),
        ({"source": "openml:credit"}, "after openml: stands the number"),
        ({"source": "iris", "y": [1]}, "y goes with rows in memory"),
    ],
)
def test_wrong_names_and_options(options: dict[str, object], problem: str) -> None:
    """What a named set does not have is told."""
    with pytest.raises(UserError, match=problem):
        load(options.pop("source"), **options)  # type: ignore[arg-type]  # of any type, some wrong
