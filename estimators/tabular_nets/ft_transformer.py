"""FT-Transformer: attention among the columns of a row."""

from dataclasses import dataclass

from torch import Generator, nn

from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.attention import AttentionBlock, ColumnTokens, FirstToken, UndecayedNorm
from bakeoff.estimators.layers.layers import Linear
from bakeoff.estimators.layers.networks import Network
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.nets.tabular import TabularNet
from bakeoff.estimators.parameters import Rule, integer, real
from bakeoff.estimators.training.rows import Rows


@dataclass(kw_only=True, eq=False, repr=False)
class FTTransformerArchitecture(TabularNet):
    """A vector for each column and one for the row; blocks of attention among them; the row's vector gives the answer.

    Columns want similar scales. A training step costs in proportion to the number of columns, and far more than that of
    a dense net: on a CPU count on minutes for ten thousand rows. Source: Gorishniy et al. 2021, "Revisiting deep
    learning models for tabular data", NeurIPS.

    Parameters
    ----------
    n_blocks : int, default=3
        Blocks of attention and a feed-forward part.
    embedding_size : int, default=192
        Length of the vectors; a multiple of `n_heads`.
    n_heads : int, default=8
        Heads of attention.
    hidden_factor : float, default=4/3
        Hidden values of the feed-forward parts, times `embedding_size`.
    attention_dropout, hidden_dropout, residual_dropout : float in [0, 1), default=0.2, 0.1 and 0.0
        Shares dropped while training: of attention weights, of hidden values, and of what blocks add.
    optimizer, learning_rate, weight_decay : default="adamw", 1e-4 and 1e-5
        The authors' defaults. Vectors of columns and norms do not decay.
    batch_size, n_iter_no_change : int, default=256 and 16
        Rows per step, and epochs without progress.
    early_stopping : bool or "auto", default="auto"
        By the number of training rows.
    """

    optimizer: str = "adamw"
    learning_rate: float = 1e-4
    weight_decay: float = 1e-5
    batch_size: int | str = 256
    early_stopping: bool | str = "auto"
    n_iter_no_change: int = 16
    n_blocks: int = 3
    embedding_size: int = 192
    n_heads: int = 8
    hidden_factor: float = 4 / 3
    attention_dropout: float = 0.2
    hidden_dropout: float = 0.1
    residual_dropout: float = 0.0

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {
            "n_blocks": integer(1),
            "embedding_size": integer(1),
            "n_heads": integer(1),
            "hidden_factor": real("(0, inf)"),
            "attention_dropout": real("[0, 1)"),
            "hidden_dropout": real("[0, 1)"),
            "residual_dropout": real("[0, 1)"),
        }

    def _conflicts(self) -> list[str]:
        if self.embedding_size % self.n_heads:
            words = f"The 'embedding_size' parameter of {type(self).__name__} must be a multiple of 'n_heads'."
            return [*super()._conflicts(), words]
        return super()._conflicts()

    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> Network:
        size = self.embedding_size
        dropouts = float(self.attention_dropout), float(self.hidden_dropout), float(self.residual_dropout)
        hidden_size = max(int(size * self.hidden_factor), 1)
        blocks = [
            AttentionBlock(
                size,
                self.n_heads,
                hidden_size,
                dropouts,
                generator,
                first=number == 0,
                last=number == self.n_blocks - 1,
            )
            for number in range(self.n_blocks)
        ]
        tokens = ColumnTokens(rows.inputs.shape[1], self._cardinalities, size, generator)
        head = [UndecayedNorm(size), nn.ReLU(), Linear(size, n_outputs, generator)]
        return Network(nn.Sequential(tokens, *blocks, FirstToken(), *head))


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class FTTransformerClassifier(FTTransformerArchitecture, NetClassifier):
    """Classify with FT-Transformer.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from bakeoff.estimators import FTTransformerClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = FTTransformerClassifier(n_blocks=1, embedding_size=16, n_heads=2, learning_rate=0.01, random_state=0)
    >>> net.fit(X, y).score(X, y) > 0.9
    True
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class FTTransformerRegressor(FTTransformerArchitecture, NetRegressor):
    """Predict numbers with FT-Transformer.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from bakeoff.estimators import FTTransformerRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = FTTransformerRegressor(n_blocks=1, embedding_size=16, n_heads=2, max_epochs=5, random_state=0)
    >>> net.fit(X, y).predict(X).shape
    (442,)
    """
