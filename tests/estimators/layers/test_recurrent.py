"""The recurrent network: shapes, rows of any length, token ids, convolutions, errors, copies and dtypes."""

import copy
import itertools
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bakeoff.estimators import LSTMClassifier
from bakeoff.estimators.layers.recurrent import (
    CELLS,
    POOLINGS,
    RecurrentNet,
    RecurrentOptions,
    check_tails,
    stride_for,
)

LENGTHS = (7, 3, 1, 5)
TOLERANCES = {torch.float32: 1e-6, torch.float64: 1e-10}
ARCHITECTURES = list(itertools.product(CELLS, POOLINGS, (False, True)))


@pytest.fixture(autouse=True)
def fixed_weights() -> Iterator[None]:
    """Every test draws the same weights and leaves no trace in torch's global generator."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def net_of(n_steps: int = 7, **options: Any) -> RecurrentNet:
    """Build a small net over two channels, in evaluation mode."""
    defaults = {"n_outputs": 3, "input_shape": (2, n_steps), "hidden_size": 5, "embedding_size": 4}
    return RecurrentNet(RecurrentOptions(**(defaults | options))).eval()


def ragged_rows(n_steps: int = 7, dtype: torch.dtype = torch.float32) -> Tensor:
    """Draw the same series of LENGTHS, two channels each, with NaN behind them up to n_steps."""
    rows = torch.full((len(LENGTHS), 2, n_steps), torch.nan, dtype=dtype)
    generator = torch.Generator().manual_seed(1)
    for row, length in zip(rows, LENGTHS, strict=True):
        row[:, :length] = torch.randn(2, length, generator=generator, dtype=torch.float64)
    return rows.flatten(1)


def token_rows(n_steps: int = 7) -> Tensor:
    """Draw sequences of LENGTHS from ids 1 to 8, one with a zero inside it, and zeros behind."""
    rows = torch.zeros(len(LENGTHS), n_steps)
    generator = torch.Generator().manual_seed(1)
    for row, length in zip(rows, LENGTHS, strict=True):
        row[:length] = torch.randint(1, 9, (length,), generator=generator)
    rows[0, 2] = 0
    return rows


def widened(net: RecurrentNet, n_steps: int) -> RecurrentNet:
    """Build the net with the same weights over rows of n_steps."""
    options = {**vars(net.options), "input_shape": (2, n_steps)}
    wide = RecurrentNet(RecurrentOptions(**options)).to(next(net.parameters()).dtype).eval()
    wide.load_state_dict(net.state_dict())
    return wide


def assert_close(one: Tensor, other: Tensor) -> None:
    """Fail unless both agree to the tolerance of their dtype."""
    tolerance = TOLERANCES[one.dtype]
    torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


def assert_rows_alone(net: RecurrentNet, rows: Tensor) -> None:
    """Fail unless each row has the same outputs alone as in its batch."""
    assert_close(torch.cat([net(row[None]) for row in rows]), net(rows))


@pytest.mark.parametrize(("cell", "pooling", "bidirectional"), ARCHITECTURES)
@pytest.mark.parametrize("input_shape", [(2, 6), (3, 4, 1), (1, 12)])
def test_shapes(cell: str, pooling: str, bidirectional: bool, input_shape: tuple[int, ...]) -> None:
    """Series and images of every architecture give finite outputs (n, n_outputs)."""
    net = net_of(cell=cell, pooling=pooling, bidirectional=bidirectional, input_shape=input_shape, num_layers=2)
    outputs = net(torch.randn(4, 12))
    assert outputs.shape == (4, 3)
    assert outputs.isfinite().all()


def test_folds_as_documented() -> None:
    """An image is read line by line, each of channels * width values: the same as a series that was laid out so."""
    image = torch.randn(2, 3, 4, 5)
    lines = image.permute(0, 1, 3, 2).flatten(1, 2)
    net = net_of(input_shape=(3, 4, 5))
    series = net_of(input_shape=(15, 4))
    series.load_state_dict(net.state_dict())
    assert_close(net(image.flatten(1)), series(lines.flatten(1)))


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("options", [{}, {"convolution_channels": (6, 4)}, {"batch_norm": True, "num_layers": 2}])
@pytest.mark.parametrize(("cell", "pooling", "bidirectional"), ARCHITECTURES)
def test_padding_changes_nothing(
    cell: str, pooling: str, bidirectional: bool, options: dict[str, Any], dtype: torch.dtype
) -> None:
    """A row's outputs depend neither on the lengths of other rows nor on how many NaN steps follow it."""
    net = net_of(cell=cell, pooling=pooling, bidirectional=bidirectional, **options).to(dtype)
    rows = ragged_rows(dtype=dtype)
    assert_rows_alone(net, rows)
    assert_close(widened(net, 11)(ragged_rows(11, dtype)), net(rows))


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_convolutions_keep_lengths(kernel_size: int, bidirectional: bool) -> None:
    """Convolutions of even, odd and overlong kernels see zeros behind a row's end and yield a step per step."""
    options = {"convolution_channels": (6, 4), "convolution_kernel_size": kernel_size, "activation": "sigmoid"}
    net = net_of(bidirectional=bidirectional, pooling="mean", **options)
    assert_rows_alone(net, ragged_rows())
    assert_close(widened(net, 11)(ragged_rows(11)), net(ragged_rows()))


@pytest.mark.parametrize("kernel_size", [1, 2, 5])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("stride", [2, 3])
def test_strided_convolutions_shorten_rows_by_their_own_lengths(kernel_size: int, pooling: str, stride: int) -> None:
    """A stride leaves every row its share of steps, however long the rows beside it are."""
    options = {"convolution_channels": (6, 4), "convolution_kernel_size": kernel_size, "convolution_stride": stride}
    net = net_of(bidirectional=True, pooling=pooling, **options)
    assert_rows_alone(net, ragged_rows())
    assert_close(widened(net, 11)(ragged_rows(11)), net(ragged_rows()))


@pytest.mark.parametrize(
    ("n_steps", "n_convolutions", "expected"),
    [(100, 2, 1), (101, 1, 2), (101, 2, 2), (1344, 2, 4), (2700, 3, 3), (2701, 3, 4), (5000, 0, 1)],
)
def test_automatic_stride(n_steps: int, n_convolutions: int, expected: int) -> None:
    """It is the smallest that leaves at most so many steps, and one where no convolution could stride."""
    assert stride_for(n_steps, n_convolutions, 100) == expected


def test_lstm_reads_long_series_in_strides() -> None:
    """Of 1,344 steps the recurrence sees 84 with two convolutions that choose their stride."""
    X = np.random.default_rng(0).normal(size=(12, 1344))
    net = LSTMClassifier(
        convolution_channels=(4, 4), convolution_stride="auto", hidden_size=4, max_epochs=1, random_state=0
    )
    net.fit(X, np.arange(12) % 2)
    assert [convolution.stride for convolution in net.module_.convolutions] == [(4,), (4,)]
    assert net.predict_proba(X).shape == (12, 2)


@pytest.mark.parametrize("cell", CELLS)
def test_last_state_is_that_of_the_whole_row(cell: str) -> None:
    """Both directions end where torch's own final states of the row cut to its length are."""
    net = net_of(cell=cell, bidirectional=True, num_layers=2)
    for row, length, outputs in zip(ragged_rows(), LENGTHS, net(ragged_rows()), strict=True):
        steps = row.reshape(2, 7).T[None, :length]
        _, state = net.recurrence(steps)
        hidden = state[0] if cell == "lstm" else state
        assert_close(net.head(torch.cat([hidden[-2], hidden[-1]], dim=1))[0], outputs)


@pytest.mark.parametrize("pooling", ["mean", "max", "attention"])
def test_pooling_over_present_steps(pooling: str) -> None:
    """The pooled state is the mean, maximum or weighted mean over the states of the row cut to its length."""
    net = net_of(pooling=pooling)
    row, length = ragged_rows()[1], LENGTHS[1]
    states = net.recurrence(row.reshape(2, 7).T[None, :length])[0][0]
    weights = torch.full((length, 1), 1 / length)
    if net.attention is not None:
        weights = torch.softmax(net.attention.score(states), dim=0)
    pooled = states.amax(0) if pooling == "max" else (weights * states).sum(0)
    assert_close(net.head(pooled), net(ragged_rows())[1])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_tokens(cell: str, pooling: str, bidirectional: bool) -> None:
    """Sequences end at their last id other than 0, whatever stands inside, in any number type."""
    net = net_of(cell=cell, pooling=pooling, bidirectional=bidirectional, vocabulary_size=9, convolution_channels=(6,))
    rows = token_rows()
    assert_rows_alone(net, rows)
    assert_close(net(token_rows(11)), net(rows))
    assert torch.equal(net(rows.long()), net(rows))
    assert torch.equal(net(rows.double()), net(rows))


def test_zero_inside_a_sequence_is_a_step() -> None:
    """What follows an id of 0 is read, up to the last other id."""
    net = net_of(vocabulary_size=9)
    one, other = net(torch.tensor([[3, 0, 5, 0], [3, 0, 6, 0]]))
    assert not torch.equal(one, other)


def test_empty_sequence_is_one_padding_token() -> None:
    """A row of zeros alone has the outputs of one padding token, in a batch or not."""
    net = net_of(vocabulary_size=9, bidirectional=True)
    assert_close(net(torch.zeros(1, 7)), net(torch.zeros(1, 1)))
    assert_rows_alone(net, torch.cat([torch.zeros(1, 7), token_rows()]))


@pytest.mark.parametrize(("cell", "pooling", "bidirectional"), ARCHITECTURES)
def test_gradients_are_those_of_the_rows_alone(cell: str, pooling: str, bidirectional: bool) -> None:
    """Padding adds nothing to the gradient of any weight, and no input behind the end of a row has a gradient."""
    net = net_of(cell=cell, pooling=pooling, bidirectional=bidirectional, convolution_channels=(4,)).double()
    rows = ragged_rows(dtype=torch.float64).requires_grad_()
    net(rows).square().sum().backward()
    together = {name: weight.grad for name, weight in net.named_parameters()}
    assert rows.grad is not None
    assert torch.equal(rows.grad != 0, ~rows.isnan())
    net.zero_grad()
    for row in rows.detach():
        net(row[None]).square().sum().backward()
    for name, weight in net.named_parameters():
        torch.testing.assert_close(together[name], weight.grad, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_states_that_overflow_in_the_padding(pooling: str) -> None:
    """A relu recurrence that explodes over the padding of a short row leaves its gradients finite."""
    net = net_of(120, cell="rnn", activation="relu", pooling=pooling, hidden_size=2)
    with torch.no_grad():
        net.recurrence.weight_hh_l0.copy_(3 * torch.eye(2))
        net.recurrence.bias_hh_l0.fill_(-1.0)
        net.recurrence.weight_ih_l0.fill_(1.0)
        net.recurrence.bias_ih_l0.zero_()
    rows = torch.full((2, 2, 120), -1.0)
    rows[0, :, 0], rows[0, :, 1:] = 1.0, torch.nan
    outputs = net(rows.flatten(1))
    outputs.sum().backward()
    assert outputs.isfinite().all()
    assert all(weight.grad.isfinite().all() for weight in net.parameters())


def test_padding_token_learns_nothing() -> None:
    """The vector of id 0 is zero and has no gradient."""
    net = net_of(vocabulary_size=9, pooling="mean")
    net(token_rows()).sum().backward()
    assert net.embedding is not None
    assert not net.embedding.weight[0].any()
    assert not net.embedding.weight.grad[0].any()
    assert net.embedding.weight.grad[1:].any()


def test_forget_gates_start_open() -> None:
    """The two forget biases of every layer and direction of an LSTM add up to 1, and only they are set."""
    recurrence = net_of(num_layers=2, bidirectional=True).recurrence
    for suffix in ("l0", "l0_reverse", "l1", "l1_reverse"):
        total = getattr(recurrence, f"bias_ih_{suffix}") + getattr(recurrence, f"bias_hh_{suffix}")
        assert (total == 1).tolist() == [5 <= unit < 10 for unit in range(20)]


def test_dropout_works_between_layers_and_before_the_head() -> None:
    """Training outputs differ from draw to draw with dropout; evaluation does not."""
    for num_layers in (1, 2):
        net = net_of(dropout=0.5, num_layers=num_layers)
        rows = ragged_rows()
        assert torch.equal(net(rows), net(rows))
        net.train()
        assert not torch.equal(net(rows), net(rows))
        assert net.recurrence.dropout == (0.5 if num_layers > 1 else 0.0)


def test_batch_norm_is_on_the_pooled_state() -> None:
    """Shifting the norm of the pooled state shifts the outputs by the head's share of it."""
    net = net_of(batch_norm=True)
    norm, _, linear = net.head
    before = net(ragged_rows())
    with torch.no_grad():
        norm.bias.fill_(1.0)
    assert_close(net(ragged_rows()) - before, linear.weight.sum(1).expand(len(LENGTHS), -1))


@pytest.mark.parametrize("options", [{"pooling": "attention"}, {"vocabulary_size": 9, "bidirectional": True}])
def test_copies_give_the_same_outputs(options: dict[str, Any]) -> None:
    """Pickle and deepcopy keep every bit."""
    net = net_of(convolution_channels=(4,), batch_norm=True, **options)
    rows = token_rows() if net.embedding is not None else ragged_rows()
    for other in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert torch.equal(other(rows), net(rows))


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_outputs_have_the_dtype_of_the_weights(dtype: torch.dtype, pooling: str) -> None:
    """A net moved to a dtype takes series of it, and tokens of any, and answers in it."""
    options = {"pooling": pooling, "convolution_channels": (4,)}
    assert net_of(**options).to(dtype)(ragged_rows(dtype=dtype)).dtype == dtype
    assert net_of(**options, vocabulary_size=9).to(dtype)(token_rows()).dtype == dtype


def test_a_net_learns_from_ragged_rows() -> None:
    """Twenty steps of Adam on short and long series halve the loss."""
    net = net_of(pooling="attention", n_outputs=1).train()
    rows, y = ragged_rows(), torch.tensor([[1.0], [-1.0], [2.0], [0.0]])
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = (net(rows) - y).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize("X", [np.zeros((2, 6)), np.zeros((2, 6), dtype=int), ragged_rows()[:, :14].numpy()])
def test_tails_may_be_missing(X: np.ndarray) -> None:
    """Whole numbers, complete rows and rows whose tail steps are NaN pass, as they are."""
    before = X.copy()
    check_tails(X, (2, X.shape[1] // 2))
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize(
    ("position", "row", "step"), [((1, 0, 1), 1, 1), ((2, slice(None), 0), 2, 0), ((0, 1, 3), 0, 3)]
)
def test_gaps_are_errors(position: Any, row: int, step: int) -> None:
    """A step before the end of its row that is NaN in one channel or in all is named in the error."""
    X = np.zeros((3, 2, 4))
    X[1, :, 3] = np.nan
    X[position] = np.nan
    message = (
        "Input X contains NaN in the middle of a series: only the tail steps of a row may be NaN. "
        f"First at row {row}, step {step}."
    )
    with pytest.raises(ValueError, match=message):
        check_tails(X.reshape(3, -1), (2, 4))


def test_unchecked_gaps_are_not_filled() -> None:
    """The net itself lets a NaN inside a row through to that row's outputs, and to no other's."""
    rows = ragged_rows()
    rows[0, 1] = torch.nan
    assert net_of()(rows).isnan().all(1).tolist() == [True, False, False, False]


def test_gaps_of_images() -> None:
    """The steps of an image are its lines, over all channels."""
    X = np.zeros((2, 3, 4, 5))
    X[1, :, 2:] = np.nan
    check_tails(X.reshape(2, -1), (3, 4, 5))
    X[1, 2, 3, 4] = 0
    with pytest.raises(ValueError, match="First at row 1, step 2"):
        check_tails(X.reshape(2, -1), (3, 4, 5))


def test_rows_without_any_step_are_errors() -> None:
    """A row that is NaN altogether has no length, and is named."""
    X = np.zeros((3, 8))
    X[1] = np.nan
    with pytest.raises(ValueError, match=r"Input X contains NaN in every step of a series.* First at row 1\."):
        check_tails(X, (2, 4))
