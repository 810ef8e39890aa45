"""TabM: many multilayer perceptrons in one, which share most of their weights and answer together."""

from dataclasses import dataclass

from torch import Generator, nn

from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.embeddings import NumericEmbedding, PiecewiseLinearSum
from bakeoff.estimators.layers.networks import Network
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.nets.tabular import TabularNet
from bakeoff.estimators.parameters import NONEMPTY_SIZES_RULE, Rule, integer, one_of, optional, real
from bakeoff.estimators.tabular_nets.member_block import MemberBlock
from bakeoff.estimators.tabular_nets.members import FirstScaling, MemberHeads, MemberLinear, TableColumns
from bakeoff.estimators.training.objectives import MeanOverMembers, Objective
from bakeoff.estimators.training.rows import Rows

ARCH_TYPES = ("tabm", "tabm-mini")
EMBEDDINGS = ("piecewise-linear", "periodic")


@dataclass(kw_only=True, eq=False, repr=False)
class TabMArchitecture(TabularNet):
    """Dense layers that members share, with scales and biases of their own; a head for each member.

    Each member is trained for itself on the same batches; their mean answer is what early stopping watches and what is
    predicted. Categories become zeros and ones. Source: Gorishniy, Kotelnikov and Babenko 2025, "TabM: Advancing
    tabular deep learning with parameter-efficient ensembling", ICLR.

    Parameters
    ----------
    n_members : int, default=32
        Members of the ensemble (the paper's k).
    arch_type : {"tabm", "tabm-mini"}, default="tabm"
        Whether members differ in every layer, or in how they scale the inputs and in their heads alone.
    hidden_layer_sizes : tuple of int, default=(512, 512, 512)
        Widths of the hidden layers, each followed by ReLU and dropout.
    dropout : float in [0, 1), default=0.1
        Share of hidden values dropped while training.
    numeric_embedding : {"piecewise-linear", "periodic"}, default=None
        Whether numbers become vectors first (Gorishniy et al. 2022): a linear map, bent at the quantiles of the
        training rows, or waves of learned frequencies.
    embedding_size : int, default=16
        Length of these vectors.
    n_bins : int, default=48
        Bins of "piecewise-linear", at most; equal quantiles share one.
    optimizer, learning_rate, weight_decay : default="adamw", 2e-3 and 3e-4
        Those of the authors' package. Biases, scales and the linear part of embeddings do not decay.
    max_grad_norm : float, default=1.0
        Longest gradient of a step.
    batch_size : int or "auto", default="auto"
        By the number of training rows, as TabM's author has it.
    """

    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 3e-4
    max_grad_norm: float | None = 1.0
    batch_size: int | str = "auto"
    n_iter_no_change: int = 16
    n_members: int = 32
    arch_type: str = "tabm"
    hidden_layer_sizes: tuple[int, ...] = (512, 512, 512)
    dropout: float = 0.1
    numeric_embedding: str | None = None
    embedding_size: int = 16
    n_bins: int = 48

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {
            "n_members": integer(1),
            "arch_type": one_of(*ARCH_TYPES),
            "hidden_layer_sizes": NONEMPTY_SIZES_RULE,
            "dropout": real("[0, 1)"),
            "numeric_embedding": optional(one_of(*EMBEDDINGS)),
            "embedding_size": integer(1),
            "n_bins": integer(1),
        }

    def _training_objective(self) -> Objective:
        return MeanOverMembers(self._objective())

    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> Network:
        n_categorical = len(self._cardinalities)
        n_numbers = rows.inputs.shape[1] - n_categorical
        embeds = self.numeric_embedding is not None and n_numbers > 0
        numbers = self._embed_numbers(rows, generator) if embeds else None
        sizes = [self.embedding_size if embeds else 1] * n_numbers + self._cardinalities
        layers: list[nn.Module] = [
            TableColumns(self._cardinalities, numbers),
            FirstScaling(sizes, self.n_members, generator, signs=not embeds),
        ]
        width = sum(sizes)
        scaled = self.arch_type == "tabm"
        for number, size in enumerate(self.hidden_layer_sizes):
            linear = MemberLinear(width, size, self.n_members, generator, scaled=scaled, first=number == 0)
            layers.append(MemberBlock(linear, self.dropout))
            width = size
        heads = MemberHeads(width, n_outputs, self.n_members, generator, self._link())
        return Network(nn.Sequential(*layers, heads))

    def _embed_numbers(self, rows: Rows, generator: Generator) -> nn.Module:
        values = rows.inputs[:, len(self._cardinalities) :]
        if self.numeric_embedding == "periodic":
            return NumericEmbedding("periodic", values, self.embedding_size, self.n_bins, generator)
        return PiecewiseLinearSum(values, self.embedding_size, self.n_bins, generator)


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class TabMClassifier(TabMArchitecture, NetClassifier):
    """Classify with TabM.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from bakeoff.estimators import TabMClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TabMClassifier(n_members=4, hidden_layer_sizes=(16,), max_epochs=20, random_state=0)
    >>> net.fit(X, y).score(X, y) > 0.9
    True
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class TabMRegressor(TabMArchitecture, NetRegressor):
    """Predict numbers with TabM.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from bakeoff.estimators import TabMRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = TabMRegressor(n_members=4, hidden_layer_sizes=(16,), max_epochs=20, random_state=0)
    >>> net.fit(X, y).predict(X).shape
    (442,)
    """
