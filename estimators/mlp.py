"""Multi-layer perceptrons: dense layers over the columns of X."""

from dataclasses import dataclass

from torch import nn

from bakeoff.estimators.parameters import Rule, is_sizes
from bakeoff.estimators.torch_base import TorchClassifier, TorchEstimator, TorchRegressor, dense_block


@dataclass(kw_only=True, eq=False, repr=False)
class MLPArchitecture(TorchEstimator):
    """Dense layers: linear, batch norm, activation, dropout; then a linear head."""

    hidden_layer_sizes: tuple[int, ...] = (100,)

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {"hidden_layer_sizes": (is_sizes, "a tuple of ints in the range [1, inf)")}

    def _build_module(self, n_features: int, n_outputs: int) -> nn.Module:
        layers: list[nn.Module] = []
        width = n_features
        for size in self.hidden_layer_sizes:
            layers += dense_block(self, width, size)
            width = size
        return nn.Sequential(*layers, nn.Linear(width, n_outputs))


@dataclass(kw_only=True, eq=False, repr=False)
class MLPClassifier(MLPArchitecture, TorchClassifier):
    """Classify with a multi-layer perceptron.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(100,)
        Widths of the hidden layers; an empty tuple is a linear model.
    **shared
        All other parameters, and the attributes: see `TorchEstimator` and `TorchClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from bakeoff.estimators.mlp import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> MLPClassifier(batch_size=16, random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """


@dataclass(kw_only=True, eq=False, repr=False)
class MLPRegressor(MLPArchitecture, TorchRegressor):
    """Predict numbers with a multi-layer perceptron.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(100,)
        Widths of the hidden layers; an empty tuple is a linear model.
    **shared
        All other parameters, and the attributes: see `TorchEstimator` and `TorchRegressor`.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from bakeoff.estimators.mlp import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> MLPRegressor(random_state=0).fit(X, y).predict(X).shape
    (442,)
    """
