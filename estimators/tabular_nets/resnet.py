"""ResNet for tables: dense layers with shortcuts."""

from dataclasses import dataclass

from torch import Generator, nn

from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.embeddings import CategoryEmbedding, ColumnEmbeddings
from bakeoff.estimators.layers.layers import BatchNorm, Dropout, Linear, Residual
from bakeoff.estimators.layers.networks import Network
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.nets.tabular import TabularNet
from bakeoff.estimators.parameters import Rule, integer, real
from bakeoff.estimators.training.rows import Rows


@dataclass(kw_only=True, eq=False, repr=False)
class TabularResNetArchitecture(TabularNet):
    """A linear map, blocks of batch norm and two dense layers with a shortcut around each block, and a linear head.

    Columns want similar scales. Source: Gorishniy et al. 2021, "Revisiting deep learning models for tabular data",
    NeurIPS, section 3.2; the defaults are those of McElfresh et al. 2023, "When do neural nets outperform boosted trees
    on tabular data?", NeurIPS (TabZilla).

    Parameters
    ----------
    n_blocks : int, default=2
        Blocks.
    block_size : int, default=128
        Values that go from block to block.
    hidden_factor : float, default=2.0
        Hidden values of a block, times `block_size`.
    hidden_dropout, residual_dropout : float in [0, 1), default=0.25 and 0.1
        Shares dropped while training: of hidden values, and of what blocks add.
    embedding_size : int, default=8
        Length of the learned vectors of categories.
    optimizer, weight_decay : default="adamw" and 0.01
        Rule of the steps.
    early_stopping : bool or "auto", default="auto"
        By the number of training rows.
    n_iter_no_change : int, default=20
        Epochs without progress.
    """

    optimizer: str = "adamw"
    weight_decay: float = 0.01
    early_stopping: bool | str = "auto"
    n_iter_no_change: int = 20
    n_blocks: int = 2
    block_size: int = 128
    hidden_factor: float = 2.0
    hidden_dropout: float = 0.25
    residual_dropout: float = 0.1
    embedding_size: int = 8

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {
            "n_blocks": integer(1),
            "block_size": integer(1),
            "hidden_factor": real("(0, inf)"),
            "hidden_dropout": real("[0, 1)"),
            "residual_dropout": real("[0, 1)"),
            "embedding_size": integer(1),
        }

    def _normalises_batches(self) -> bool:
        return True

    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> Network:
        cardinalities = self._cardinalities
        width = rows.inputs.shape[1] - len(cardinalities)
        columns: list[nn.Module] = []
        if cardinalities:
            vectors = CategoryEmbedding(cardinalities, self.embedding_size, generator)
            columns.append(ColumnEmbeddings(len(cardinalities), vectors, None))
            width += len(cardinalities) * self.embedding_size
        # All that follows starts with a batch norm, which takes a bias out again.
        first = Linear(width, self.block_size, generator, bias=False, stretches=not cardinalities)
        blocks = [Residual(self._block(generator), None) for _ in range(self.n_blocks)]
        head = [BatchNorm(self.block_size), nn.ReLU(), Linear(self.block_size, n_outputs, generator)]
        return Network(nn.Sequential(*columns, first, *blocks, *head))

    def _block(self, generator: Generator) -> nn.Sequential:
        hidden_size = max(int(self.block_size * self.hidden_factor), 1)
        return nn.Sequential(
            BatchNorm(self.block_size),
            Linear(self.block_size, hidden_size, generator),
            nn.ReLU(),
            Dropout(self.hidden_dropout),
            Linear(hidden_size, self.block_size, generator, bias=False),
            Dropout(self.residual_dropout),
        )


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class TabularResNetClassifier(TabularResNetArchitecture, NetClassifier):
    """Classify with a residual net for tables.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from bakeoff.estimators import TabularResNetClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> TabularResNetClassifier(max_epochs=30, random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class TabularResNetRegressor(TabularResNetArchitecture, NetRegressor):
    """Predict numbers with a residual net for tables.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from bakeoff.estimators import TabularResNetRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> TabularResNetRegressor(max_epochs=5, random_state=0).fit(X, y).predict(X).shape
    (442,)
    """
