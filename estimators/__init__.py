"""Estimators: one interface over classical and deep models, and the registry that names them.

Everything here is loaded on first use, so that listing models imports neither torch nor xgboost.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bakeoff.estimators.cnn import CNNClassifier, CNNRegressor
    from bakeoff.estimators.lstm import LSTMClassifier, LSTMRegressor
    from bakeoff.estimators.mlp import MLPClassifier, MLPRegressor
    from bakeoff.estimators.pipelines import make
    from bakeoff.estimators.xgb import XGBoostClassifier

__all__ = [
    "CNNClassifier",
    "CNNRegressor",
    "LSTMClassifier",
    "LSTMRegressor",
    "MLPClassifier",
    "MLPRegressor",
    "XGBoostClassifier",
    "make",
]

_HOMES = {"CNN": "cnn", "LSTM": "lstm", "MLP": "mlp", "XGBoost": "xgb", "make": "pipelines"}


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name in __all__:
        home = _HOMES[name.removesuffix("Classifier").removesuffix("Regressor")]
        return getattr(import_module(f"bakeoff.estimators.{home}"), name)
    raise AttributeError(f"module 'bakeoff.estimators' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, for completion."""
    return sorted(__all__)
