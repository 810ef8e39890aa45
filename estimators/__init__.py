"""Estimators: one interface over classical and deep models, and the registry that names them.

Everything here is loaded on first use, so that listing models imports neither torch nor xgboost. The rooms, each of
which imports those before it only: `layers` (networks of many replicas at once), `training` (the one training loop),
`preprocessing`, `nets` (as scikit-learn sees them), `image_nets`, `series_nets`, `tabular_nets` and `text_nets` (those
made for one kind of data), `search_spaces`, `pretrained` (nets whose weights are found and frozen), `wrappers` (of
other libraries' models), `specs` and `net_specs` (what the registry says of each model), `models` (the registry and
ready pipelines).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bakeoff.estimators.former_names import install

if TYPE_CHECKING:
    from bakeoff.estimators.image_nets.resnet import (
        ImageResNetClassifier,
        ImageResNetRegressor,
        WideResNetClassifier,
        WideResNetRegressor,
    )
    from bakeoff.estimators.models.pipelines import make
    from bakeoff.estimators.nets.cnn import CNNClassifier, CNNRegressor
    from bakeoff.estimators.nets.custom import TorchClassifier, TorchRegressor
    from bakeoff.estimators.nets.folds import fit_folds
    from bakeoff.estimators.nets.lstm import LSTMClassifier, LSTMRegressor
    from bakeoff.estimators.nets.mlp import MLPClassifier, MLPRegressor
    from bakeoff.estimators.preprocessing.tokenizer import TokenIds
    from bakeoff.estimators.series_nets.fcn import (
        FCNClassifier,
        FCNRegressor,
        LSTMFCNClassifier,
        LSTMFCNRegressor,
        SeriesResNetClassifier,
        SeriesResNetRegressor,
    )
    from bakeoff.estimators.series_nets.inception_time import InceptionTimeClassifier, InceptionTimeRegressor
    from bakeoff.estimators.series_nets.lite_time import LITETimeClassifier, LITETimeRegressor
    from bakeoff.estimators.tabular_nets.ft_transformer import FTTransformerClassifier, FTTransformerRegressor
    from bakeoff.estimators.tabular_nets.realmlp import RealMLPClassifier, RealMLPRegressor
    from bakeoff.estimators.tabular_nets.resnet import TabularResNetClassifier, TabularResNetRegressor
    from bakeoff.estimators.tabular_nets.tabm import TabMClassifier, TabMRegressor
    from bakeoff.estimators.text_nets.averaged_embeddings import (
        AveragedEmbeddingsClassifier,
        AveragedEmbeddingsRegressor,
    )
    from bakeoff.estimators.text_nets.text_transformer import TextTransformerClassifier, TextTransformerRegressor
    from bakeoff.estimators.training.stopping import ConvergenceError
    from bakeoff.estimators.wrappers.xgboost import XGBoostClassifier

_HOMES = {
    "AveragedEmbeddingsClassifier": "text_nets.averaged_embeddings",
    "AveragedEmbeddingsRegressor": "text_nets.averaged_embeddings",
    "CNNClassifier": "nets.cnn",
    "CNNRegressor": "nets.cnn",
    "ConvergenceError": "training.stopping",
    "FCNClassifier": "series_nets.fcn",
    "FCNRegressor": "series_nets.fcn",
    "FTTransformerClassifier": "tabular_nets.ft_transformer",
    "FTTransformerRegressor": "tabular_nets.ft_transformer",
    "ImageResNetClassifier": "image_nets.resnet",
    "ImageResNetRegressor": "image_nets.resnet",
    "InceptionTimeClassifier": "series_nets.inception_time",
    "InceptionTimeRegressor": "series_nets.inception_time",
    "LITETimeClassifier": "series_nets.lite_time",
    "LITETimeRegressor": "series_nets.lite_time",
    "LSTMClassifier": "nets.lstm",
    "LSTMFCNClassifier": "series_nets.fcn",
    "LSTMFCNRegressor": "series_nets.fcn",
    "LSTMRegressor": "nets.lstm",
    "MLPClassifier": "nets.mlp",
    "MLPRegressor": "nets.mlp",
    "RealMLPClassifier": "tabular_nets.realmlp",
    "RealMLPRegressor": "tabular_nets.realmlp",
    "SeriesResNetClassifier": "series_nets.fcn",
    "SeriesResNetRegressor": "series_nets.fcn",
    "TabMClassifier": "tabular_nets.tabm",
    "TabMRegressor": "tabular_nets.tabm",
    "TabularResNetClassifier": "tabular_nets.resnet",
    "TabularResNetRegressor": "tabular_nets.resnet",
    "TextTransformerClassifier": "text_nets.text_transformer",
    "TextTransformerRegressor": "text_nets.text_transformer",
    "TokenIds": "preprocessing.tokenizer",
    "TorchClassifier": "nets.custom",
    "TorchRegressor": "nets.custom",
    "WideResNetClassifier": "image_nets.resnet",
    "WideResNetRegressor": "image_nets.resnet",
    "XGBoostClassifier": "wrappers.xgboost",
    "fit_folds": "nets.folds",
    "make": "models.pipelines",
}

__all__ = [
    "AveragedEmbeddingsClassifier",
    "AveragedEmbeddingsRegressor",
    "CNNClassifier",
    "CNNRegressor",
    "ConvergenceError",
    "FCNClassifier",
    "FCNRegressor",
    "FTTransformerClassifier",
    "FTTransformerRegressor",
    "ImageResNetClassifier",
    "ImageResNetRegressor",
    "InceptionTimeClassifier",
    "InceptionTimeRegressor",
    "LITETimeClassifier",
    "LITETimeRegressor",
    "LSTMClassifier",
    "LSTMFCNClassifier",
    "LSTMFCNRegressor",
    "LSTMRegressor",
    "MLPClassifier",
    "MLPRegressor",
    "RealMLPClassifier",
    "RealMLPRegressor",
    "SeriesResNetClassifier",
    "SeriesResNetRegressor",
    "TabMClassifier",
    "TabMRegressor",
    "TabularResNetClassifier",
    "TabularResNetRegressor",
    "TextTransformerClassifier",
    "TextTransformerRegressor",
    "TokenIds",
    "TorchClassifier",
    "TorchRegressor",
    "WideResNetClassifier",
    "WideResNetRegressor",
    "XGBoostClassifier",
    "fit_folds",
    "make",
]


install()  # before any pickle is read


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(f"bakeoff.estimators.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'bakeoff.estimators' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, for completion."""
    return sorted(__all__)
