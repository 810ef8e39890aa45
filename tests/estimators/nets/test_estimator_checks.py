"""Every check that scikit-learn has for third-party estimators passes, on the defaults of all public nets."""

from collections.abc import Callable
from typing import Any

import pytest
import sklearn
from sklearn.base import is_classifier
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.fixes import parse_version
from small_nets import small_nets
from torch import Tensor, nn

from bakeoff import estimators
from bakeoff.estimators import (
    CNNClassifier,
    CNNRegressor,
    LSTMClassifier,
    LSTMRegressor,
    MLPClassifier,
    MLPRegressor,
    TorchClassifier,
    TorchRegressor,
)

pytestmark = pytest.mark.usefixtures("one_thread")


class TwoLayers(nn.Module):
    """A module of one's own, as a user would write it."""

    def __init__(self, n_features: int, n_outputs: int, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(n_features, width), nn.ReLU(), nn.Linear(width, n_outputs))

    def forward(self, rows: Tensor) -> Tensor:
        """Return (n, outputs) of rows (n, features)."""
        outputs: Tensor = self.layers(rows)
        return outputs


NETS = [
    MLPClassifier(),
    MLPRegressor(),
    CNNClassifier(),
    CNNRegressor(),
    LSTMClassifier(),
    LSTMRegressor(),
    TorchClassifier(module=TwoLayers),
    TorchRegressor(module=TwoLayers),
]
# Small ones of those for one kind of data. Without dropout, under which a row twice is not a row of weight two.
TRAINING = {"max_epochs": 40, "batch_size": 64, "learning_rate": 0.02, "schedule": "constant", "early_stopping": False}
OWN: dict[str, dict[str, Any]] = {
    "FCNRegressor": {"max_epochs": 100, "batch_size": 32},
    "AveragedEmbeddingsClassifier": {"max_epochs": 100, "batch_size": 32},
}
SMALL = [
    net.set_params(**({"dropout": 0} if "dropout" in net.get_params() else {}), **OWN.get(type(net).__name__, {}))
    for net in small_nets(**TRAINING)
]
IN_THE_FAST_TIER = ("TabMClassifier", "TabMRegressor", "RealMLPRegressor", "FCNClassifier")
QUICK = [*NETS, *(net for net in SMALL if type(net).__name__ in IN_THE_FAST_TIER)]
OTHERS = [net for net in SMALL if type(net).__name__ not in IN_THE_FAST_TIER]
# What scikit-learn 1.9 and 1.8 have for them; later versions may have more.
N_CHECKS = (67, 60) if parse_version(sklearn.__version__) >= parse_version("1.9") else (66, 59)


@parametrize_with_checks(QUICK, xfail_strict=True)
def test_scikit_learn_contract(estimator: Any, check: Callable[[Any], None]) -> None:
    """The check passes; one that were to be skipped without leave would fail the tier."""
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(OTHERS, xfail_strict=True)
def test_scikit_learn_contract_of_the_others(estimator: Any, check: Callable[[Any], None]) -> None:
    """Nets that differ in their architecture alone pass, too."""
    check(estimator)


@pytest.mark.parametrize("net", [*NETS, *SMALL], ids=lambda net: type(net).__name__)
def test_all_checks_are_collected(net: Any) -> None:
    """No tag or missing method makes scikit-learn leave checks out unseen."""
    names = [check.func.__name__ for _, check in estimator_checks_generator(net)]
    assert len(names) >= N_CHECKS[0 if is_classifier(net) else 1]
    assert ("check_classifiers_train" in names) == is_classifier(net)
    assert "check_fit2d_1sample" in names


def test_no_public_net_is_left_out() -> None:
    """All nets that the package offers are checked."""
    public = {name for name in estimators.__all__ if name.endswith(("Classifier", "Regressor"))} - {"XGBoostClassifier"}
    assert public == {type(net).__name__ for net in [*NETS, *SMALL]}
