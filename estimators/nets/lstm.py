"""Recurrent networks (LSTM, GRU, plain RNN) over series, over the lines of images or over the words of texts."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import validate_data
from torch import Generator

from bakeoff.estimators.activations import ACTIVATIONS
from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.networks import SingleNetwork
from bakeoff.estimators.layers.random_numbers import global_torch_rng
from bakeoff.estimators.layers.recurrent import (
    CELLS,
    POOLINGS,
    RecurrentNet,
    RecurrentOptions,
    check_tails,
    stride_for,
)
from bakeoff.estimators.nets.input_validation import check_flattened
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.nets.vocabulary import TokenArchitecture
from bakeoff.estimators.parameters import (
    SHAPE_RULE,
    Rule,
    auto_or,
    boolean,
    integer,
    is_sizes,
    one_of,
    real,
    resolve_input_shape,
)
from bakeoff.estimators.training.automatic import CONVOLUTIONAL_BATCH
from bakeoff.estimators.training.rows import Rows

RNN_ACTIVATIONS = ("relu", "tanh")
MOST_STEPS = 100


@dataclass(kw_only=True, eq=False, repr=False)
class LSTMArchitecture(TokenArchitecture):
    """Convolutions if asked for, stacked recurrent layers, pooling over the steps, a linear head.

    Parameters
    ----------
    input_shape : (channels, length) or (channels, height, width), default=None
        How the columns of X fold back, in C order. A series is read as `length` steps of `channels` values,
        an image as `height` steps of channels * width values. None is one channel of n_features steps. Steps at the
        end of a row that are NaN count as absent: series may differ in length.
    convolution_channels : tuple of int, default=()
        Channels of convolutions along the steps, in front of the recurrence; each is followed by `activation`.
    convolution_kernel_size : int, default=3
        Steps that each of them sees at once.
    convolution_stride : int or "auto", default=1
        Steps from one output of each of them to the next; "auto" is the smallest that leaves the recurrence at most 100
        steps, so that long series train in bearable time.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        Kind of recurrence. The forget gates of "lstm" start open (Jozefowicz et al. 2015).
    hidden_size : int, default=64
        Width of the hidden state, per direction.
    num_layers : int, default=1
        Stacked recurrent layers, with `dropout` between them.
    bidirectional : bool, default=False
        Whether to read the rows from both ends.
    pooling : {"last", "mean", "max", "attention"}, default="last"
        What the head sees of the states: the last one in each direction, or their mean, maximum or learned weighted
        mean (Yang et al. 2016) over the steps.
    activation : {"relu", "tanh", "sigmoid", "gelu"}, default="tanh"
        Of the convolutions, and of cell="rnn", which takes "tanh" or "relu"; "lstm" and "gru" have their own.
    dropout : float in [0, 1), default=0.0
        Share of values dropped between the recurrent layers and before the head, while training.
    batch_norm : bool, default=False
        Whether to normalise what the head sees over the batch.
    learning_rate : float, default=5e-3
        Step size of the optimizer.
    """

    _most_rows_of_auto_batch: ClassVar[float] = CONVOLUTIONAL_BATCH

    learning_rate: float = 5e-3  # at 1e-3 the recurrence has barely left its initial weights after 200 steps
    input_shape: tuple[int, ...] | None = None
    convolution_channels: tuple[int, ...] = ()
    convolution_kernel_size: int = 3
    convolution_stride: int | str = 1
    cell: str = "lstm"
    hidden_size: int = 64
    num_layers: int = 1
    bidirectional: bool = False
    pooling: str = "last"
    activation: str = "tanh"
    dropout: float = 0.0
    batch_norm: bool = False

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {
            "input_shape": SHAPE_RULE,
            "convolution_channels": (is_sizes, "a tuple of ints in the range [1, inf)"),
            "convolution_kernel_size": integer(1),
            "convolution_stride": auto_or(integer(1)),
            "cell": one_of(*CELLS),
            "hidden_size": integer(1),
            "num_layers": integer(1),
            "bidirectional": boolean(),
            "pooling": one_of(*POOLINGS),
            "activation": one_of(*ACTIVATIONS),
            "dropout": real("[0, 1)"),
            "batch_norm": boolean(),
        }

    def _conflicts(self) -> list[str]:
        if self.cell != "rnn" or self.activation in RNN_ACTIVATIONS:
            return super()._conflicts()
        problem = (
            f"The 'activation' parameter of {type(self).__name__} must be one of {RNN_ACTIVATIONS} "
            f"with cell='rnn'. Got {self.activation!r} instead."
        )
        return [*super()._conflicts(), problem]

    def _read_rows(self, X: ArrayLike, *, reset: bool) -> NDArray[Any]:
        check_flattened(X)
        precisions = self._precisions(reset=reset)
        rows = np.asarray(validate_data(self, X, reset=reset, dtype=precisions, ensure_all_finite="allow-nan"))
        shape = resolve_input_shape(self.input_shape, rows.shape[1])
        if self.vocabulary_size is None:
            check_tails(rows, shape)
            return rows
        return self._read_tokens(rows, reset=reset)

    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> SingleNetwork:
        n_features = rows.inputs.shape[1]
        input_shape = resolve_input_shape(self.input_shape, n_features)
        n_steps = n_features if self.vocabulary_size is not None else input_shape[1]
        values: dict[str, Any] = {
            **{field.name: getattr(self, field.name, None) for field in fields(RecurrentOptions)},
            "n_outputs": n_outputs,
            "input_shape": input_shape,
            "convolution_stride": self._stride(n_steps),
            "vocabulary_size": None if self.vocabulary_size is None else self.n_tokens_,
        }
        with global_torch_rng(generator, torch.device("cpu")):
            return SingleNetwork(RecurrentNet(RecurrentOptions(**values)))

    def _stride(self, n_steps: int) -> int:
        if isinstance(self.convolution_stride, str):
            return stride_for(n_steps, len(self.convolution_channels), MOST_STEPS)
        return self.convolution_stride


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class LSTMClassifier(LSTMArchitecture, NetClassifier):
    """Classify series or texts with a recurrent network.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from bakeoff.estimators import LSTMClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> net = LSTMClassifier(input_shape=(1, 8, 8), max_epochs=5, random_state=0).fit(X / 16, y)
    >>> net.predict(X[:3] / 16).shape
    (3,)
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class LSTMRegressor(LSTMArchitecture, NetRegressor):
    """Predict numbers from series or texts with a recurrent network.

    Examples
    --------
    >>> import numpy as np
    >>> from bakeoff.estimators import LSTMRegressor
    >>> waves = np.sin(np.linspace(0, 9, 40) * np.linspace(1, 2, 80)[:, None])
    >>> LSTMRegressor(max_epochs=5, random_state=0).fit(waves, np.linspace(1, 2, 80)).predict(waves).shape
    (80,)
    """
