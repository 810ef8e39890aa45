"""Recurrent networks (LSTM, GRU, plain RNN) over series, or over the lines of images."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.estimators.parameters import SHAPE_RULE, Rule, boolean, integer, one_of, resolve_input_shape
from bakeoff.estimators.torch_base import TorchClassifier, TorchEstimator, TorchRegressor

CELLS: dict[str, type[nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
RNN_ACTIVATIONS = ("relu", "tanh")


class RecurrentNet(nn.Module):
    """Flattened rows (n, features) to outputs: fold to steps, recur, head on the last hidden state.

    Parameters
    ----------
    input_shape : (channels, length) or (channels, height, width)
        A series has `length` steps of `channels` values; an image `height` steps of channels * width.
    recurrence : nn.RNNBase
        Takes (n, steps, values) and returns its final hidden state second.
    head : nn.Module
        Maps the last layer's final hidden state(s) to the outputs.
    """

    def __init__(self, input_shape: tuple[int, ...], recurrence: nn.RNNBase, head: nn.Module) -> None:
        super().__init__()
        self.input_shape = input_shape
        self.recurrence = recurrence
        self.head = head

    def forward(self, rows: Tensor) -> Tensor:
        """Return outputs (n, outputs) of rows (n, features)."""
        steps = torch.unflatten(rows, 1, self.input_shape).transpose(1, 2).flatten(2)
        _, state = self.recurrence(steps)
        hidden = state[0] if isinstance(state, tuple) else state
        directions = 2 if self.recurrence.bidirectional else 1
        outputs: Tensor = self.head(torch.cat(hidden[-directions:].unbind(), dim=1))
        return outputs


@dataclass(kw_only=True, eq=False, repr=False)
class LSTMArchitecture(TorchEstimator):
    """Stacked recurrent layers; batch norm and dropout on the last hidden state; a linear head."""

    activation: str = "tanh"
    learning_rate: float = 5e-3  # at 1e-3 the recurrence has barely left its initial weights after 200 steps
    input_shape: tuple[int, ...] | None = None
    hidden_size: int = 64
    num_layers: int = 1
    cell: str = "lstm"
    bidirectional: bool = False

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {
            "input_shape": SHAPE_RULE,
            "hidden_size": integer(1),
            "num_layers": integer(1),
            "cell": one_of(*CELLS),
            "bidirectional": boolean(),
        }

    def _conflicts(self) -> list[str]:
        if self.cell != "rnn" or self.activation in RNN_ACTIVATIONS:
            return super()._conflicts()
        problem = (
            f"The 'activation' parameter of {type(self).__name__} must be one of {RNN_ACTIVATIONS} "
            f"with cell='rnn'. Got {self.activation!r} instead."
        )
        return [*super()._conflicts(), problem]

    def _build_module(self, n_features: int, n_outputs: int) -> nn.Module:
        shape = resolve_input_shape(self.input_shape, n_features)
        nonlinearity: dict[str, Any] = {"nonlinearity": self.activation} if self.cell == "rnn" else {}
        recurrence = CELLS[self.cell](
            input_size=n_features // shape[1],
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            batch_first=True,
            dropout=self.dropout if self.num_layers > 1 else 0.0,
            bidirectional=self.bidirectional,
            **nonlinearity,
        )
        width = self.hidden_size * (2 if self.bidirectional else 1)
        norm = [nn.BatchNorm1d(width)] if self.batch_norm else []
        head = nn.Sequential(*norm, nn.Dropout(self.dropout), nn.Linear(width, n_outputs))
        return RecurrentNet(shape, recurrence, head)


@dataclass(kw_only=True, eq=False, repr=False)
class LSTMClassifier(LSTMArchitecture, TorchClassifier):
    """Classify series with a recurrent network.

    Parameters
    ----------
    input_shape : (channels, length) or (channels, height, width), default=None
        How the columns of X fold back, in C order. A series is read as `length` steps of `channels` values,
        an image as `height` steps of channels * width values. None is one channel of n_features steps.
    hidden_size : int, default=64
        Width of the hidden state, per direction.
    num_layers : int, default=1
        Stacked recurrent layers, with `dropout` between them.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        Kind of recurrence.
    bidirectional : bool, default=False
        Whether to read the series from both ends.
    activation : {"relu", "tanh", "sigmoid", "gelu"}, default="tanh"
        Only used by cell="rnn", which takes "tanh" or "relu"; "lstm" and "gru" have their own.
    learning_rate : float, default=5e-3
        Step size of the optimizer.
    **shared
        All other parameters, and the attributes: see `TorchEstimator` and `TorchClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from bakeoff.estimators.lstm import LSTMClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> net = LSTMClassifier(input_shape=(1, 8, 8), max_epochs=5, random_state=0).fit(X / 16, y)
    >>> net.predict(X[:3] / 16).shape
    (3,)
    """


@dataclass(kw_only=True, eq=False, repr=False)
class LSTMRegressor(LSTMArchitecture, TorchRegressor):
    """Predict numbers from series with a recurrent network.

    Parameters
    ----------
    input_shape : (channels, length) or (channels, height, width), default=None
        How the columns of X fold back, in C order. A series is read as `length` steps of `channels` values,
        an image as `height` steps of channels * width values. None is one channel of n_features steps.
    hidden_size : int, default=64
        Width of the hidden state, per direction.
    num_layers : int, default=1
        Stacked recurrent layers, with `dropout` between them.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        Kind of recurrence.
    bidirectional : bool, default=False
        Whether to read the series from both ends.
    activation : {"relu", "tanh", "sigmoid", "gelu"}, default="tanh"
        Only used by cell="rnn", which takes "tanh" or "relu"; "lstm" and "gru" have their own.
    learning_rate : float, default=5e-3
        Step size of the optimizer.
    **shared
        All other parameters, and the attributes: see `TorchEstimator` and `TorchRegressor`.
    """
