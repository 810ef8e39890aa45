"""Estimators: one interface over classical and deep models, and the registry that names them.

Everything here is loaded on first use, so that listing models imports neither torch nor xgboost. The files:

- the registry: `registry`, `spec`, `space`, `specs_*` for each kind of model, `pipelines`, `preprocessors`, `tokenizer`;
- nets as scikit-learn sees them: `net`, `net_classifier`, `net_regressor`, and `mlp`, `cnn`, `lstm`, `custom`; what
  they check (`parameters`, `categories`, `vocabulary`, `rows`), remember (`history`, `resume`), store (`persistence`)
  and sample (`uncertainty`);
- their networks, of many replicas at once: `networks`, `layers`, `embeddings`, `convolutional`; `recurrent` is of one;
- their training: `folds` and `net` hand replicas to `training`, which groups them (`grouping`) to programs
  (`program`) with `batches`, `objectives`, `optimizers`, `augmentation` and `stopping`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bakeoff.estimators.models.pipelines import make
    from bakeoff.estimators.nets.cnn import CNNClassifier, CNNRegressor
    from bakeoff.estimators.nets.custom import TorchClassifier, TorchRegressor
    from bakeoff.estimators.nets.folds import fit_folds
    from bakeoff.estimators.nets.lstm import LSTMClassifier, LSTMRegressor
    from bakeoff.estimators.nets.mlp import MLPClassifier, MLPRegressor
    from bakeoff.estimators.preprocessing.tokenizer import TokenIds
    from bakeoff.estimators.training.stopping import ConvergenceError
    from bakeoff.estimators.wrappers.xgboost import XGBoostClassifier

_HOMES = {
    "CNNClassifier": "nets.cnn",
    "CNNRegressor": "nets.cnn",
    "ConvergenceError": "training.stopping",
    "LSTMClassifier": "nets.lstm",
    "LSTMRegressor": "nets.lstm",
    "MLPClassifier": "nets.mlp",
    "MLPRegressor": "nets.mlp",
    "TokenIds": "preprocessing.tokenizer",
    "TorchClassifier": "nets.custom",
    "TorchRegressor": "nets.custom",
    "XGBoostClassifier": "wrappers.xgboost",
    "fit_folds": "nets.folds",
    "make": "models.pipelines",
}

__all__ = [
    "CNNClassifier",
    "CNNRegressor",
    "ConvergenceError",
    "LSTMClassifier",
    "LSTMRegressor",
    "MLPClassifier",
    "MLPRegressor",
    "TokenIds",
    "TorchClassifier",
    "TorchRegressor",
    "XGBoostClassifier",
    "fit_folds",
    "make",
]


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(f"bakeoff.estimators.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'bakeoff.estimators' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, for completion."""
    return sorted(__all__)
