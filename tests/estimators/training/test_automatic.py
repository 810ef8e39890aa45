"""What "auto" stands for: a pure function of the number of training rows."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification

from bakeoff.estimators import CNNClassifier, MLPClassifier
from bakeoff.estimators.training.automatic import batch_size_for, epochs_for, holds_rows_out

ROWS = (20, 199, 200, 799, 800, 2_799, 2_800, 4_500, 6_400, 32_000, 108_000, 10**7)


def test_batches_grow_with_the_rows() -> None:
    """From TabM's table on it is that of its author; below, batches stay small."""
    sizes = [batch_size_for(n_rows) for n_rows in ROWS]
    assert sizes == [8, 8, 16, 16, 32, 32, 64, 128, 256, 512, 1024, 1024]


@pytest.mark.parametrize("most", [5, 150])
def test_epochs_fall_with_the_rows(most: int) -> None:
    """Never more than allowed, never fewer than ten unless that is more than allowed."""
    epochs = [epochs_for(n_rows, batch_size_for(n_rows), most) for n_rows in ROWS]
    assert epochs[0] == most
    assert max(epochs) == most
    assert min(epochs) == min(most, 10)


def test_rows_are_held_out_where_there_are_enough() -> None:
    """Once there are enough, more rows are enough, too."""
    answers = [holds_rows_out(n_rows) for n_rows in ROWS]
    assert not answers[0]
    assert answers[-1]
    assert all(later or not earlier for earlier, later in pairwise(answers))


@pytest.mark.parametrize(("n_rows", "held_out"), [(60, False), (700, True)])
def test_nets_follow_the_rule(n_rows: int, held_out: bool) -> None:
    """Epochs, steps and held-out rows of a net are those of the rule."""
    X, y = make_classification(n_rows, random_state=0)
    net = MLPClassifier(
        batch_size="auto", max_epochs="auto", max_auto_epochs=4, early_stopping="auto", n_iter_no_change=9
    )
    net.fit(X, y)
    assert net.n_iter_ == 4
    assert bool(net.validation_scores_) == held_out


def test_convolutions_keep_to_small_batches() -> None:
    """A table's batches grow on; those of series and images end at 128 rows."""
    assert MLPClassifier(batch_size="auto")._settings(60_000).batch_size == 512
    assert CNNClassifier(batch_size="auto", max_epochs="auto")._settings(60_000).batch_size == 128
    assert CNNClassifier(batch_size="auto", max_epochs="auto")._settings(60_000).max_epochs == 11


@pytest.mark.parametrize("params", [{"batch_size": "AUTO"}, {"max_epochs": "many"}, {"early_stopping": 1}], ids=str)
def test_other_words_are_refused(params: dict[str, Any]) -> None:
    """Only "auto" is a word for these parameters."""
    with pytest.raises(ValueError, match="must be 'auto' or"):
        MLPClassifier(**params).fit(np.eye(4), [0, 1, 0, 1])


def test_partial_fit_takes_auto() -> None:
    """Rows come call by call, so that none are held out; batches follow the rows of the call."""
    X, y = make_classification(60, random_state=0)
    net = MLPClassifier(batch_size="auto", max_epochs="auto", early_stopping="auto", random_state=0)
    net.partial_fit(X, y, classes=[0, 1]).partial_fit(X, y)
    assert net.n_iter_ == 2
    assert not net.validation_scores_
