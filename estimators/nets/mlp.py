"""Multi-layer perceptrons: dense layers over the columns of X."""

from dataclasses import dataclass

from torch import Generator, nn

from bakeoff.estimators.activations import ACTIVATIONS
from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.embeddings import (
    NUMERIC_EMBEDDINGS,
    CategoryEmbedding,
    ColumnEmbeddings,
    NumericEmbedding,
)
from bakeoff.estimators.layers.layers import BatchNorm, Dropout, LayerNorm, Linear, Residual
from bakeoff.estimators.layers.networks import Network
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.nets.tabular import TabularNet
from bakeoff.estimators.parameters import Rule, boolean, integer, is_sizes, one_of, optional, real
from bakeoff.estimators.training.rows import Rows


@dataclass(kw_only=True, eq=False, repr=False)
class MLPArchitecture(TabularNet):
    """Embeddings of columns, if there are any; dense layers: linear, norm, activation, dropout; a linear head.

    Each category becomes a learned vector.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(100,)
        Widths of the hidden layers; an empty tuple is a linear model.
    activation : {"relu", "tanh", "sigmoid", "gelu"}, default="relu"
        Activation of the hidden layers.
    dropout : float in [0, 1), default=0.0
        Share of hidden values dropped while training.
    batch_norm, layer_norm : bool, default=False
        Whether to normalise each hidden layer, before its activation, over the batch or over its own values.
    residual : bool, default=False
        Whether each hidden layer adds its input to what it gives, through a linear map where the widths differ.
    numeric_embedding : {"piecewise-linear", "periodic"}, default=None
        Whether numbers become vectors too: by their place among the quantiles of the training rows, or by waves of
        learned frequencies, then a ReLU layer for each column (Gorishniy et al. 2022).
    embedding_size : int, default=16
        Length of these vectors.
    n_bins : int, default=48
        Bins of "piecewise-linear", at most; equal quantiles share one.
    """

    hidden_layer_sizes: tuple[int, ...] = (100,)
    activation: str = "relu"
    dropout: float = 0.0
    batch_norm: bool = False
    layer_norm: bool = False
    residual: bool = False
    numeric_embedding: str | None = None
    embedding_size: int = 16
    n_bins: int = 48

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {
            "hidden_layer_sizes": (is_sizes, "a tuple of ints in the range [1, inf)"),
            "activation": one_of(*ACTIVATIONS),
            "dropout": real("[0, 1)"),
            "batch_norm": boolean(),
            "layer_norm": boolean(),
            "residual": boolean(),
            "numeric_embedding": optional(one_of(*NUMERIC_EMBEDDINGS)),
            "embedding_size": integer(1),
            "n_bins": integer(1),
        }

    def _conflicts(self) -> list[str]:
        if self.batch_norm and self.layer_norm:
            words = f"Only one of the 'batch_norm' and 'layer_norm' parameters of {type(self).__name__} can be True."
            return [*super()._conflicts(), words]
        return super()._conflicts()

    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> Network:
        layers: list[nn.Module] = []
        width = rows.inputs.shape[1]
        plain = self._categories is None and self.numeric_embedding is None
        if not plain:
            columns, width = self._build_columns(rows, generator)
            layers.append(columns)
        for number, size in enumerate(self.hidden_layer_sizes):
            block = self._block(width, size, generator, first=plain and number == 0)
            layers.append(self._with_shortcut(block, width, size, generator))
            width = size
        head = Linear(width, n_outputs, generator, stretches=plain and not self.hidden_layer_sizes)
        return Network(nn.Sequential(*layers, head))

    def _build_columns(self, rows: Rows, generator: Generator) -> tuple[ColumnEmbeddings, int]:
        """Build the embeddings of the columns; return them with the number of values that they make."""
        cardinalities = self._cardinalities
        n_numbers = rows.inputs.shape[1] - len(cardinalities)
        categories = CategoryEmbedding(cardinalities, self.embedding_size, generator) if cardinalities else None
        numbers = None
        if self.numeric_embedding is not None and n_numbers:
            values = rows.inputs[:, len(cardinalities) :]
            numbers = NumericEmbedding(self.numeric_embedding, values, self.embedding_size, self.n_bins, generator)
        width = len(cardinalities) * self.embedding_size + n_numbers * (self.embedding_size if numbers else 1)
        return ColumnEmbeddings(len(cardinalities), categories, numbers), width

    def _block(self, width: int, size: int, generator: Generator, *, first: bool) -> nn.Sequential:
        """Build one hidden layer."""
        block: list[nn.Module] = [
            Linear(width, size, generator, bias=not self.batch_norm, stretches=first)  # batch norm takes it out again
        ]
        if self.batch_norm:
            block.append(BatchNorm(size))
        if self.layer_norm:
            block.append(LayerNorm(size))
        block.append(ACTIVATIONS[self.activation]())
        if self.dropout:
            block.append(Dropout(self.dropout))
        return nn.Sequential(*block)

    def _with_shortcut(self, block: nn.Module, width: int, size: int, generator: Generator) -> nn.Module:
        """Lead the input around a hidden layer, if asked for; through a linear map where the widths differ."""
        if not self.residual:
            return block
        return Residual(block, None if width == size else Linear(width, size, generator, bias=False))


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class MLPClassifier(MLPArchitecture, NetClassifier):
    """Classify with a multi-layer perceptron.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from bakeoff.estimators import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> MLPClassifier(batch_size=16, random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class MLPRegressor(MLPArchitecture, NetRegressor):
    """Predict numbers with a multi-layer perceptron.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from bakeoff.estimators import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> MLPRegressor(random_state=0).fit(X, y).predict(X).shape
    (442,)
    """
