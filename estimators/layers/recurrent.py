"""The network of the LSTM estimators: convolutions, a recurrence and a pooled head over rows of any length.

A row is a series whose tail steps may be NaN, or a sequence of token ids whose tail may be 0. Steps behind a
row's own end influence neither its outputs nor any gradient, so a row's outputs do not depend on its batch.
"""

from dataclasses import dataclass
from itertools import count, pairwise
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from bakeoff.estimators.activations import ACTIVATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

CELLS: dict[str, type[nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
EMBEDDING_SCALE = 0.1
POOLINGS = ("last", "mean", "max", "attention")


@dataclass(frozen=True, kw_only=True)
class RecurrentOptions:
    """Architecture of a `RecurrentNet`; the estimators have checked every value.

    Parameters
    ----------
    n_outputs : int
        Values per row that the head returns.
    input_shape : (channels, length) or (channels, height, width)
        How rows fold back, in C order. A series has `length` steps of `channels` values; an image `height`
        steps of channels * width. Not looked at with a vocabulary: each feature is one step then.
    vocabulary_size, embedding_size : int
        Number of token ids, 0 (padding) included, and width of their learned vectors. None: rows hold numbers.
    convolution_channels, convolution_kernel_size, convolution_stride : tuple of int, int, int
        Convolutions along the steps, in front of the recurrence: outputs of each, steps seen at once, and steps from
        one output to the next.
    hidden_size, num_layers : int
        Width of the hidden state, per direction, and number of stacked recurrent layers.
    cell : {"lstm", "gru", "rnn"}
        Kind of recurrence.
    bidirectional, batch_norm : bool
        Whether to read from both ends, and whether to normalise the pooled state.
    activation : {"relu", "tanh", "sigmoid", "gelu"}
        After each convolution, and inside cell="rnn", which takes "tanh" or "relu".
    dropout : float
        Rate between recurrent layers and in front of the head.
    pooling : {"last", "mean", "max", "attention"}
        What the head sees: the states after the whole row was read, in each direction, or their mean, maximum
        or `Attention` over the steps.
    """

    n_outputs: int
    input_shape: tuple[int, ...]
    vocabulary_size: int | None = None
    embedding_size: int = 64
    convolution_channels: tuple[int, ...] = ()
    convolution_kernel_size: int = 3
    convolution_stride: int = 1
    hidden_size: int = 64
    num_layers: int = 1
    cell: str = "lstm"
    bidirectional: bool = False
    activation: str = "tanh"
    dropout: float = 0.0
    batch_norm: bool = False
    pooling: str = "last"


class RecurrentNet(nn.Module):
    """Rows (n, n_features) to outputs (n, n_outputs): fold or embed, convolve, recur, pool, head.

    The forget gates of an LSTM start with a bias of 1 (Jozefowicz et al. 2015, "An Empirical Exploration of
    Recurrent Network Architectures").
    """

    def __init__(self, options: RecurrentOptions) -> None:
        super().__init__()
        self.options = options
        width = options.hidden_size * (2 if options.bidirectional else 1)
        self.embedding: nn.Embedding | None = None
        step_size = prod(options.input_shape) // options.input_shape[1]
        if options.vocabulary_size is not None:
            step_size = options.embedding_size
            self.embedding = nn.Embedding(options.vocabulary_size, step_size, padding_idx=0)
            init_embedding(self.embedding)
        channels = (step_size, *options.convolution_channels)
        kernel_size, stride = options.convolution_kernel_size, options.convolution_stride
        self.convolutions = nn.ModuleList(
            nn.Conv1d(*sizes, kernel_size, stride=stride, padding=kernel_size // 2) for sizes in pairwise(channels)
        )
        self.activation = ACTIVATIONS[options.activation]()
        self.recurrence = build_recurrence(channels[-1], options)
        self.attention = Attention(width) if options.pooling == "attention" else None
        norm = [nn.BatchNorm1d(width)] if options.batch_norm else []
        self.head = nn.Sequential(*norm, nn.Dropout(options.dropout), nn.Linear(width, options.n_outputs))

    def forward(self, rows: Tensor) -> Tensor:
        """Return outputs (n, n_outputs) of rows (n, n_features)."""
        steps, lengths = self._read(rows)
        steps, lengths = self._convolve(steps[:, : int(lengths.max())], lengths)
        outputs: Tensor = self.head(self._pool(self._recur(steps, lengths), lengths))
        return outputs

    def _read(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return steps (n, longest, values) and the length (n,) of each row."""
        if self.embedding is None:
            steps = torch.unflatten(rows, 1, self.options.input_shape).transpose(1, 2).flatten(2)
            return steps, lengths_of(~steps.isnan().all(2))
        ids = rows.long()
        return self.embedding(ids), lengths_of(ids != 0)

    def _convolve(self, steps: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Zero the absent steps before each convolution and after the last one; return steps and lengths behind it."""
        values = steps.transpose(1, 2).masked_fill(~present_steps(lengths, steps.shape[1])[:, None], 0.0)
        for convolution in self.convolutions:
            stride = self.options.convolution_stride
            lengths, n_steps = -(-lengths // stride), -(-values.shape[2] // stride)
            # An even kernel may return one step more.
            values = self.activation(convolution(values)[..., :n_steps])
            values = values.masked_fill(~present_steps(lengths, n_steps)[:, None], 0.0)
        return values.transpose(1, 2), lengths

    def _recur(self, steps: Tensor, lengths: Tensor) -> Tensor:
        """Return the states (n, steps, width); those of absent steps are finite and mean nothing."""
        # Reading forward, the present never sees the padding behind it: leaving that for the pooling to ignore is exact
        # and trains up to four times as fast on a CPU as packing. Not so backward, nor where relu lets states overflow.
        overflows = self.options.cell == "rnn" and self.options.activation == "relu"
        states: Tensor
        if not (self.options.bidirectional or overflows) or bool((lengths == steps.shape[1]).all()):
            states, _ = self.recurrence(steps)
            return states
        packed = pack_padded_sequence(steps, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.recurrence(packed)[0], batch_first=True)
        return states

    def _pool(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Return one state (n, width) per row."""
        present = present_steps(lengths, states.shape[1])
        if self.attention is not None:
            pooled: Tensor = self.attention(states, present)
            return pooled
        if self.options.pooling == "last":
            directions = torch.unflatten(states, 2, (-1, self.options.hidden_size))
            forward = directions[torch.arange(len(states), device=states.device), lengths - 1, :1]
            return torch.cat([forward, directions[:, 0, 1:]], dim=1).flatten(1)
        absent = ~present[..., None]
        if self.options.pooling == "max":
            return states.masked_fill(absent, -torch.inf).amax(1)
        return states.masked_fill(absent, 0.0).sum(1) / lengths[:, None]


class Attention(nn.Module):
    """Mean of the states, weighted by how well each, projected and squashed, fits a learned vector.

    Equations 5-7 of Yang et al. 2016, "Hierarchical Attention Networks for Document Classification".
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1, bias=False))

    def forward(self, states: Tensor, present: Tensor) -> Tensor:
        """Return one state (n, width) of states (n, steps, width) where present (n, steps) is true."""
        scores: Tensor = self.score(states).masked_fill(~present[..., None], -torch.inf)
        return (scores.softmax(1) * states).sum(1)


def build_recurrence(step_size: int, options: RecurrentOptions) -> nn.RNNBase:
    """Return the stacked recurrent layers over steps of step_size values."""
    build: Callable[..., nn.RNNBase] = CELLS[options.cell]
    own: dict[str, Any] = {"nonlinearity": options.activation} if options.cell == "rnn" else {}
    recurrence = build(
        input_size=step_size,
        hidden_size=options.hidden_size,
        num_layers=options.num_layers,
        batch_first=True,
        dropout=options.dropout if options.num_layers > 1 else 0.0,
        bidirectional=options.bidirectional,
        **own,
    )
    if options.cell == "lstm":
        init_forget_biases(recurrence)
    return recurrence


@torch.no_grad()
def init_forget_biases(recurrence: nn.RNNBase) -> None:
    """Make the two forget biases of each layer add up to 1; torch orders gates input, forget, cell, output."""
    for name, weight in recurrence.named_parameters():
        if name.startswith("bias"):
            weight.chunk(4)[1].fill_(1.0 if name.startswith("bias_ih") else 0.0)


@torch.no_grad()
def init_embedding(embedding: nn.Embedding) -> None:
    """Draw the vectors of tokens small: from N(0, 1), torch's own, short trainings end 5 to 15 points worse."""
    embedding.weight[1:].normal_(std=EMBEDDING_SCALE)


def lengths_of(filled: Tensor) -> Tensor:
    """Return one + the last filled step of each row (n, steps), and at least 1."""
    positions = torch.arange(1, filled.shape[1] + 1, device=filled.device)
    return (filled * positions).amax(1).clamp(min=1)


def present_steps(lengths: Tensor, n_steps: int) -> Tensor:
    """Tell which steps (n, n_steps) lie within rows of such lengths (n,)."""
    return torch.arange(n_steps, device=lengths.device) < lengths[:, None]


def stride_for(n_steps: int, n_convolutions: int, most: int) -> int:
    """Return the smallest stride of so many convolutions that leaves at most so many steps; 1 where there are none."""
    if n_convolutions == 0:
        return 1
    return next(stride for stride in count(1) if n_steps <= most * stride**n_convolutions)


def check_tails(X: np.ndarray, input_shape: tuple[int, ...]) -> None:
    """Raise unless NaN only fills whole steps at the tails of rows, and leaves each row at least one step.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        Flattened series or images.
    input_shape : (channels, length) or (channels, height, width)
        How rows fold back, in C order.

    Raises
    ------
    ValueError
        When a row is NaN altogether, or a step before the end of its row is so in any value.
    """
    missing = np.isnan(X)
    if not missing.any():
        return
    steps = missing.reshape(len(X), *input_shape).swapaxes(1, 2).reshape(len(X), input_shape[1], -1)
    filled = ~steps.all(2)
    if not filled.any(1).all():
        row = int(np.argmin(filled.any(1)))
        raise ValueError(
            f"Input X contains NaN in every step of a series: a row needs at least one step. First at row {row}."
        )
    lengths = input_shape[1] - np.argmax(filled[:, ::-1], axis=1)
    wrong = np.argwhere(steps.any(2) & (np.arange(input_shape[1]) < lengths[:, None]))
    if len(wrong):
        row, step = wrong[0]
        raise ValueError(
            "Input X contains NaN in the middle of a series: only the tail steps of a row may be NaN. "
            f"First at row {row}, step {step}."
        )
