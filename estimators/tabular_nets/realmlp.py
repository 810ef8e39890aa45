"""RealMLP: a multilayer perceptron whose parts and settings were tuned together on many tables."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.networks import Network
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.nets.tabular import TabularNet
from bakeoff.estimators.parameters import Rule, integer, is_sizes, one_of, real
from bakeoff.estimators.tabular_nets.realmlp_layers import (
    PARAMETRIC,
    Clamp,
    NTKLinear,
    ParametricActivation,
    PeriodicLinear,
    Scale,
)
from bakeoff.estimators.tabular_nets.robust_columns import CategoryVectors, RobustColumns, RobustOneHot, RobustScaling
from bakeoff.estimators.tabular_nets.weighted_rows import WeightedRows
from bakeoff.estimators.training.rows import Rows

START_ROWS = 2**11  # that initial weights look at

Array = NDArray[Any]


@dataclass(kw_only=True, eq=False, repr=False)
class RealMLPArchitecture(TabularNet):
    """Columns scaled by their quartiles and softly clipped, numbers beside their waves, dense layers, a linear head.

    It takes raw columns: the network scales them itself, by the training rows. Initial weights and biases are fitted to
    the training rows, activations are learned in part, and all settings follow the authors' defaults. Source:
    Holzmüller, Grinsztajn and Steinwart 2024, "Better by default: strong pre-tuned MLPs and boosted trees on tabular
    data", NeurIPS.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(256, 256, 256)
        Widths of the hidden layers.
    activation : {"mish", "relu", "selu"}, default="selu" (classifier) or "mish" (regressor)
        Activation of the hidden layers, mixed with the identity unit by unit, as is learned.
    dropout : float in [0, 1), default=0.15
        Share of hidden values dropped while training, in the first half of it.
    embedding_size : int, default=4
        Values that a number becomes: itself, and a linear map of its waves to the others. With 1 it stays as it is.
    n_frequencies : int, default=16
        Waves of each number.
    frequency_scale : float, default=0.1
        Standard deviation of their initial frequencies.
    max_one_hot : int, default=8
        Categories up to which a column becomes zeros and ones; more become learned vectors.
    category_size : int, default=8
        Length of these vectors.
    scale_rate_factor, embedding_rate_factor, first_layer_rate_factor : float, default=6.0, 0.1 and 1.0
        Times the learning rate: of the learned scales of inputs, of the waves, and of the first layer.
    optimizer, learning_rate, beta_2 : default="adamw", 0.04 (classifier) or 0.2 (regressor), 0.95
        Weights have unit size whatever the widths of layers; hence the high rates.
    schedule, weight_decay, weight_decay_schedule, dropout_schedule : default="log-cosine", 0.02, "flat-cosine" twice
        Courses of the training.
    batch_size, max_epochs : int, default=256 and 256
        Every training runs through all its epochs.
    early_stopping, monitor, validation_fraction : default="auto", "score" and 0.2
        The last of the epochs with the best score on held-out rows gives the weights; with few rows the last epoch.
    """

    optimizer: str = "adamw"
    schedule: str = "log-cosine"
    beta_2: float = 0.95
    weight_decay: float = 0.02
    weight_decay_schedule: str = "flat-cosine"
    dropout_schedule: str = "flat-cosine"
    batch_size: int | str = 256
    max_epochs: int | str = 256
    early_stopping: bool | str = "auto"
    monitor: str = "score"
    validation_fraction: float = 0.2
    n_iter_no_change: int = 1000
    hidden_layer_sizes: tuple[int, ...] = (256, 256, 256)
    activation: str = "mish"
    dropout: float = 0.15
    embedding_size: int = 4
    n_frequencies: int = 16
    frequency_scale: float = 0.1
    max_one_hot: int = 8
    category_size: int = 8
    scale_rate_factor: float = 6.0
    embedding_rate_factor: float = 0.1
    first_layer_rate_factor: float = 1.0

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {
            "hidden_layer_sizes": (is_sizes, "a tuple of ints in the range [1, inf)"),
            "activation": one_of(*PARAMETRIC),
            "dropout": real("[0, 1)"),
            "embedding_size": integer(1),
            "n_frequencies": integer(1),
            "frequency_scale": real("(0, inf)"),
            "max_one_hot": integer(0),
            "category_size": integer(1),
            "scale_rate_factor": real("(0, inf)"),
            "embedding_rate_factor": real("(0, inf)"),
            "first_layer_rate_factor": real("(0, inf)"),
        }

    @torch.no_grad()
    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> Network:
        known = WeightedRows(rows.inputs.cpu(), None if rows.weights is None else rows.weights.cpu())
        columns = self._build_columns(known, generator).to(known.values.dtype)
        known = known.thinned(START_ROWS)
        known = known.with_values(columns(known.values[None])[0])
        layers: list[nn.Module] = [columns, Scale(known.values.shape[1], rate_factor=float(self.scale_rate_factor))]
        for number, size in enumerate(self.hidden_layer_sizes):
            block = self._block(known, size, generator, first=number == 0).to(known.values.dtype).eval()
            known = known.with_values(block(known.values[None])[0])
            layers.append(block)
        return Network(
            nn.Sequential(*layers, NTKLinear.from_rows(known, n_outputs, generator), *self._ends(rows, n_outputs))
        )

    def _block(self, known: WeightedRows, size: int, generator: Generator, *, first: bool) -> nn.Sequential:
        """Build one hidden layer."""
        factor = float(self.first_layer_rate_factor) if first else 1.0
        linear = NTKLinear.from_rows(known, size, generator, rate_factor=factor)
        return nn.Sequential(linear, ParametricActivation(self.activation, size, float(self.dropout)))

    def _build_columns(self, known: WeightedRows, generator: Generator) -> RobustColumns:
        """Build what stands before the dense layers."""
        counts = self._cardinalities
        few = [place for place, count in enumerate(counts) if count <= self.max_one_hot]
        many = [place for place, count in enumerate(counts) if count > self.max_one_hot]
        ones = RobustOneHot(known.with_values(known.values[:, few]), [counts[place] for place in few]) if few else None
        vectors = CategoryVectors([counts[place] for place in many], self.category_size, generator) if many else None
        return RobustColumns(self._build_numbers(known, generator), ones, vectors, few, many)

    def _build_numbers(self, known: WeightedRows, generator: Generator) -> nn.Module | None:
        values = known.values[:, len(self._cardinalities) :]
        if values.shape[1] == 0:
            return None
        scaling = RobustScaling(known.with_values(values))
        if self.embedding_size == 1:
            return scaling
        waves = PeriodicLinear(
            values.shape[1],
            self.n_frequencies,
            self.embedding_size,
            float(self.frequency_scale),
            generator,
            rate_factor=float(self.embedding_rate_factor),
        )
        return nn.Sequential(scaling, waves)

    def _ends(self, rows: Rows, n_outputs: int) -> list[nn.Module]:
        """Build what stands behind the head."""
        del rows, n_outputs
        return []


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class RealMLPClassifier(RealMLPArchitecture, NetClassifier):
    """Classify with RealMLP.

    Its default smooths labels by 0.1, which is best for accuracy; for probabilities and the area under the ROC curve
    the authors advise ``label_smoothing=0, monitor="loss"``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from bakeoff.estimators import RealMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> RealMLPClassifier(hidden_layer_sizes=(32,), max_epochs=40, random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    activation: str = "selu"
    learning_rate: float = 0.04
    label_smoothing: float = 0.1


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class RealMLPRegressor(RealMLPArchitecture, NetRegressor):
    """Predict numbers with RealMLP; never beyond the range of the training targets.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from bakeoff.estimators import RealMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> RealMLPRegressor(hidden_layer_sizes=(32,), max_epochs=40, random_state=0).fit(X, y).predict(X).shape
    (442,)
    """

    learning_rate: float = 0.2

    def _ends(self, rows: Rows, n_outputs: int) -> list[nn.Module]:
        return [Clamp(n_outputs, rows.targets.cpu())]

    def _prepare(self, y: Array, weights: Array, train_rows: Array, *, reset: bool) -> tuple[Array, Array, int]:
        targets, weights, n_outputs = super()._prepare(y, weights, train_rows, reset=reset)
        if "module_" in vars(self):  # `partial_fit` and warm starts bring targets that earlier rows did not have
            widen(self.module_, targets[train_rows])
        return targets, weights, n_outputs


def widen(module: nn.Module, targets: Array) -> None:
    """Let a network answer in the range of more targets."""
    for layer in module.modules():
        if isinstance(layer, Clamp):
            limits: Tensor = layer.low
            layer.widen(torch.from_numpy(np.asarray(targets)).to(limits))
