"""What nets for series share: rows that fold into channels of steps, a body of convolutions, a mean over the steps."""

from abc import abstractmethod
from dataclasses import dataclass

from torch import Generator, nn

from bakeoff.estimators.layers.convolutional import ConvolutionalBody, FoldValues, GlobalPool
from bakeoff.estimators.layers.layers import Linear
from bakeoff.estimators.layers.networks import Network
from bakeoff.estimators.nets.net import ScheduledNet
from bakeoff.estimators.parameters import SERIES_SHAPE_RULE, Rule, integer, resolve_input_shape
from bakeoff.estimators.training.rows import Rows


@dataclass(kw_only=True, eq=False, repr=False)
class SeriesNet(ScheduledNet):
    """Convolutions along the steps, the mean of each map, a linear head.

    Parameters
    ----------
    input_shape : (channels, length), default=None
        How the columns of X fold back, in C order. None reads a row as one channel of n_features steps.
    """

    input_shape: tuple[int, ...] | None = None

    @abstractmethod
    def _build_body(self, n_channels: int, length: int, generator: Generator) -> tuple[nn.Module, int]:
        """Build the convolutions; return them with the number of their maps."""

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {"input_shape": SERIES_SHAPE_RULE}

    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> Network:
        n_channels, length = resolve_input_shape(self.input_shape, rows.inputs.shape[1])
        body, n_maps = self._build_body(n_channels, length, generator)
        blocks = nn.Sequential(body, GlobalPool("average"))
        head = Linear(n_maps, n_outputs, generator)
        return Network(ConvolutionalBody(FoldValues((n_channels, length)), blocks, head))


@dataclass(kw_only=True, eq=False, repr=False)
class SeriesEnsemble(SeriesNet):
    """Several nets of one architecture that train side by side from their own initial weights and answer together.

    Parameters
    ----------
    n_members : int, default=5
        Nets, whose probabilities or numbers are averaged.
    """

    n_members: int = 5

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {"n_members": integer(1)}

    def _n_networks(self) -> int:
        return self.n_members
