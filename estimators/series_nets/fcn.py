"""Fully convolutional nets for series: plain, with shortcuts, and beside an LSTM."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.convolutional import ConvolutionalBody, FoldValues, GlobalPool
from bakeoff.estimators.layers.layers import Dropout, Linear
from bakeoff.estimators.layers.networks import Network
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.parameters import NONEMPTY_SIZES_RULE, Rule, integer, real, resolve_input_shape
from bakeoff.estimators.series_nets.blocks import ChannelLSTM, convolutional_block, residual_block
from bakeoff.estimators.series_nets.series_net import SeriesNet
from bakeoff.estimators.training.rows import Rows


@dataclass(kw_only=True, eq=False, repr=False)
class FCNArchitecture(SeriesNet):
    """Convolutions in a row, each with a norm and an activation.

    Wang et al. 2017, "Time series classification from scratch with deep neural networks: a strong baseline", IJCNN.

    Parameters
    ----------
    n_filters : tuple of int, default=(128, 256, 128)
        Outputs of each convolution.
    kernel_sizes : tuple of int, default=(8, 5, 3)
        Width of each of them.
    """

    n_filters: tuple[int, ...] = (128, 256, 128)
    kernel_sizes: tuple[int, ...] = (8, 5, 3)

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {"n_filters": NONEMPTY_SIZES_RULE, "kernel_sizes": NONEMPTY_SIZES_RULE}

    def _conflicts(self) -> list[str]:
        if len(self.n_filters) != len(self.kernel_sizes):
            words = f"The 'n_filters' and 'kernel_sizes' parameters of {type(self).__name__} must be of one length."
            return [*super()._conflicts(), words]
        return super()._conflicts()

    def _build_body(self, n_channels: int, length: int, generator: Generator) -> tuple[nn.Module, int]:
        del length
        layers: list[nn.Module] = []
        width = n_channels
        for n_filters, size in zip(self.n_filters, self.kernel_sizes, strict=True):
            layers += [*convolutional_block(width, n_filters, [size], generator), nn.ReLU()]
            width = n_filters
        return nn.Sequential(*layers), width


@dataclass(kw_only=True, eq=False, repr=False)
class SeriesResNetArchitecture(SeriesNet):
    """Blocks of three convolutions with a shortcut around each block.

    Wang et al. 2017, "Time series classification from scratch with deep neural networks: a strong baseline", IJCNN.

    Parameters
    ----------
    n_filters : tuple of int, default=(64, 128, 128)
        Outputs of each block.
    kernel_sizes : tuple of int, default=(8, 5, 3)
        Widths of the convolutions within a block.
    """

    n_filters: tuple[int, ...] = (64, 128, 128)
    kernel_sizes: tuple[int, ...] = (8, 5, 3)

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {"n_filters": NONEMPTY_SIZES_RULE, "kernel_sizes": NONEMPTY_SIZES_RULE}

    def _build_body(self, n_channels: int, length: int, generator: Generator) -> tuple[nn.Module, int]:
        del length
        blocks: list[nn.Module] = []
        width = n_channels
        for n_filters in self.n_filters:
            blocks.append(residual_block(width, n_filters, self.kernel_sizes, generator))
            width = n_filters
        return nn.Sequential(*blocks), width


@dataclass(kw_only=True, eq=False, repr=False)
class LSTMFCNArchitecture(FCNArchitecture):
    """A fully convolutional net beside an LSTM that reads each channel as one step.

    Karim et al. 2017, "LSTM fully convolutional networks for time series classification", IEEE Access.

    Parameters
    ----------
    hidden_size : int, default=8
        Width of the LSTM's state.
    dropout : float in [0, 1), default=0.8
        Share of the LSTM's state dropped while training.
    """

    hidden_size: int = 8
    dropout: float = 0.8

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {"hidden_size": integer(1), "dropout": real("[0, 1)")}

    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> Network:
        n_channels, length = resolve_input_shape(self.input_shape, rows.inputs.shape[1])
        body, n_maps = self._build_body(n_channels, length, generator)
        blocks = nn.Sequential(body, GlobalPool("average"))
        convolutions = ConvolutionalBody(FoldValues((n_channels, length)), blocks, nn.Identity())
        recurrence = nn.Sequential(ChannelLSTM(n_channels, length, self.hidden_size, generator), Dropout(self.dropout))
        head = Linear(n_maps + self.hidden_size, n_outputs, generator)
        return Network(SideBySide([convolutions, recurrence], head))


class SideBySide(nn.Module):
    """Several bodies over the same rows, (E, n, features) to (E, n, values) each, and a head over what all give."""

    def __init__(self, bodies: list[nn.Module], head: nn.Module) -> None:
        super().__init__()
        self.bodies, self.head = nn.ModuleList(bodies), head

    def forward(self, rows: Tensor) -> Tensor:
        """Return (E, n, outputs)."""
        outputs: Tensor = self.head(torch.cat([body(rows) for body in self.bodies], dim=-1))
        return outputs


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class FCNClassifier(FCNArchitecture, NetClassifier):
    """Classify series with a fully convolutional net.

    Examples
    --------
    >>> import numpy as np
    >>> from bakeoff.estimators import FCNClassifier
    >>> waves = np.sin(np.linspace(0, 9, 40) * np.linspace(1, 2, 80)[:, None])
    >>> net = FCNClassifier(n_filters=(8, 8, 8), max_epochs=3, random_state=0)
    >>> net.fit(waves, np.arange(80) // 40).predict_proba(waves).shape
    (80, 2)
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class FCNRegressor(FCNArchitecture, NetRegressor):
    """Predict numbers from series with a fully convolutional net.

    Examples
    --------
    >>> import numpy as np
    >>> from bakeoff.estimators import FCNRegressor
    >>> waves = np.sin(np.linspace(0, 9, 40) * np.linspace(1, 2, 80)[:, None])
    >>> net = FCNRegressor(n_filters=(8, 8, 8), max_epochs=3, random_state=0)
    >>> net.fit(waves, np.linspace(1, 2, 80)).predict(waves).shape
    (80,)
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class SeriesResNetClassifier(SeriesResNetArchitecture, NetClassifier):
    """Classify series with a residual net.

    Examples
    --------
    >>> import numpy as np
    >>> from bakeoff.estimators import SeriesResNetClassifier
    >>> waves = np.sin(np.linspace(0, 9, 40) * np.linspace(1, 2, 80)[:, None])
    >>> net = SeriesResNetClassifier(n_filters=(8, 8), max_epochs=3, random_state=0)
    >>> net.fit(waves, np.arange(80) // 40).predict_proba(waves).shape
    (80, 2)
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class SeriesResNetRegressor(SeriesResNetArchitecture, NetRegressor):
    """Predict numbers from series with a residual net.

    Examples
    --------
    >>> import numpy as np
    >>> from bakeoff.estimators import SeriesResNetRegressor
    >>> waves = np.sin(np.linspace(0, 9, 40) * np.linspace(1, 2, 80)[:, None])
    >>> net = SeriesResNetRegressor(n_filters=(8, 8), max_epochs=3, random_state=0)
    >>> net.fit(waves, np.linspace(1, 2, 80)).predict(waves).shape
    (80,)
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class LSTMFCNClassifier(LSTMFCNArchitecture, NetClassifier):
    """Classify series with a fully convolutional net beside an LSTM.

    Examples
    --------
    >>> import numpy as np
    >>> from bakeoff.estimators import LSTMFCNClassifier
    >>> waves = np.sin(np.linspace(0, 9, 40) * np.linspace(1, 2, 80)[:, None])
    >>> net = LSTMFCNClassifier(n_filters=(8, 8, 8), max_epochs=3, random_state=0)
    >>> net.fit(waves, np.arange(80) // 40).predict_proba(waves).shape
    (80, 2)
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class LSTMFCNRegressor(LSTMFCNArchitecture, NetRegressor):
    """Predict numbers from series with a fully convolutional net beside an LSTM.

    Examples
    --------
    >>> import numpy as np
    >>> from bakeoff.estimators import LSTMFCNRegressor
    >>> waves = np.sin(np.linspace(0, 9, 40) * np.linspace(1, 2, 80)[:, None])
    >>> net = LSTMFCNRegressor(n_filters=(8, 8, 8), max_epochs=3, random_state=0)
    >>> net.fit(waves, np.linspace(1, 2, 80)).predict(waves).shape
    (80,)
    """
