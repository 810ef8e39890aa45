"""Estimators: one interface over classical and deep models, and the registry that names them.

Everything here is loaded on first use, so that listing models imports neither torch nor xgboost. The files:

- the registry: `registry`, `spec`, `space`, `specs_*` for each kind of model, `pipelines`, `front_ends`, `tokenizer`;
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
    from bakeoff.estimators.cnn import CNNClassifier, CNNRegressor
    from bakeoff.estimators.custom import TorchClassifier, TorchRegressor
    from bakeoff.estimators.folds import fit_folds
    from bakeoff.estimators.lstm import LSTMClassifier, LSTMRegressor
    from bakeoff.estimators.mlp import MLPClassifier, MLPRegressor
    from bakeoff.estimators.pipelines import make
    from bakeoff.estimators.stopping import ConvergenceError
    from bakeoff.estimators.tokenizer import TokenIds
    from bakeoff.estimators.xgb import XGBoostClassifier

_HOMES = {
    "CNNClassifier": "cnn",
    "CNNRegressor": "cnn",
    "ConvergenceError": "stopping",
    "LSTMClassifier": "lstm",
    "LSTMRegressor": "lstm",
    "MLPClassifier": "mlp",
    "MLPRegressor": "mlp",
    "TokenIds": "tokenizer",
    "TorchClassifier": "custom",
    "TorchRegressor": "custom",
    "XGBoostClassifier": "xgb",
    "fit_folds": "folds",
    "make": "pipelines",
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
