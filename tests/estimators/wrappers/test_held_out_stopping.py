"""Boosting that is watched on held-out rows, and what it says of its last round."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_regression

from bakeoff.estimators import make
from bakeoff.estimators.wrappers.held_out_stopping import HeldOutRows, fit_watched, rounds_used_up

X, Y = make_regression(300, 5, noise=1.0, random_state=0)
HELD_OUT = HeldOutRows(X[200:], Y[200:])
ROUNDS = {"xgboost": "n_estimators", "lightgbm": "n_estimators", "hist_gradient_boosting": "max_iter"}


def fit_rounds(name: str, n_rounds: int, *, watched: bool) -> Any:
    """Fit boosting with so many rounds at a high rate, where asked for with rows to watch."""
    from bakeoff.estimators.models.registry import get_spec

    spec = get_spec(name)
    if not spec.is_installed:
        pytest.skip(f"needs {name}")
    model = make(name, task="regression", learning_rate=0.5)[-1].set_params(**{ROUNDS[name]: n_rounds})
    assert spec.stop_on_held_out is not None
    fit_watched(model, X[:200], Y[:200], **(spec.stop_on_held_out(model, HELD_OUT) if watched else {}))
    return model


@pytest.mark.parametrize("name", ROUNDS)
def test_boosting_tells_that_its_rounds_were_used_up(name: str) -> None:
    """Two rounds are too few; of many the held-out rows need but a part; without such rows nothing is known."""
    assert rounds_used_up(fit_rounds(name, 2, watched=True)) == 2
    assert rounds_used_up(fit_rounds(name, 400, watched=True)) == 0
    assert rounds_used_up(fit_rounds(name, 2, watched=False)) == 0


@pytest.mark.parametrize(("n_rounds", "expected"), [(2, 2), (1000, 0)])
def test_boosting_of_tuned_defaults_tells_so_too(n_rounds: int, expected: int) -> None:
    """Models that find their rounds on held-out rows know whether they found the last one."""
    model = make("xgboost_td", task="regression", n_estimators=n_rounds).fit(X, Y)[-1]
    assert model.stopped_while_improving_ is bool(expected)
    assert rounds_used_up(model) == expected


def test_other_models_have_no_rounds() -> None:
    """A model without boosting has used up nothing."""
    assert rounds_used_up(make("ridge", task="regression").fit(X, Y)[-1]) == 0
    assert rounds_used_up(make("random_forest", task="regression").fit(X, np.round(Y))[-1]) == 0
