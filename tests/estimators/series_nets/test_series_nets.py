"""Nets for series: what their parts compute, and that they learn what series differ by."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import is_classifier
from sklearn.datasets import make_classification
from small_nets import FCN, INCEPTION, LITE, small_nets
from torch import Generator, nn

from bakeoff.estimators import (
    FCNClassifier,
    InceptionTimeClassifier,
    LITETimeClassifier,
    LSTMFCNClassifier,
    SeriesResNetClassifier,
)
from bakeoff.estimators.series_nets.blocks import (
    N_FIXED_FILTERS,
    ChannelLSTM,
    ChannelwiseProduct,
    FirstKernels,
    SeparableConvolution,
    inception_body,
    peak_filter,
    trend_filters,
)

pytestmark = pytest.mark.usefixtures("one_thread")
NETS = [
    InceptionTimeClassifier(**INCEPTION),
    LITETimeClassifier(**LITE),
    FCNClassifier(**FCN),
    SeriesResNetClassifier(**FCN),
    LSTMFCNClassifier(**FCN),
]
each_net = pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)


def seed() -> Generator:
    """Return a generator of weights."""
    return Generator().manual_seed(0)


def waves(n_rows: int = 40, n_channels: int = 1, length: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Make series that differ by their frequency alone, at random phases."""
    rng = np.random.default_rng(0)
    y = np.arange(n_rows) % 2
    phases = rng.uniform(0, 2 * np.pi, (n_rows, n_channels, 1))
    steps = np.linspace(0, 2 * np.pi, length)
    series = np.sin(steps * np.where(y, 6, 3)[:, None, None] + phases) + rng.normal(scale=0.1, size=(1, 1, length))
    return series.reshape(n_rows, -1), y


@each_net
@pytest.mark.parametrize("n_channels", [1, 3])
def test_frequencies_are_told_apart(net: Any, n_channels: int) -> None:
    """No point of a series says its class, the pattern does."""
    X, y = waves(80, n_channels)
    net = net.set_params(input_shape=(n_channels, 32), max_epochs=25, learning_rate=0.01, batch_size=10, random_state=0)
    assert net.fit(X[:40], y[:40]).score(X[40:], y[40:]) > 0.9


@each_net
@pytest.mark.parametrize("length", [1, 2, 7])
def test_short_series_are_taken(net: Any, length: int) -> None:
    """Kernels that are longer than the series meet zeros."""
    X = np.random.default_rng(0).normal(size=(20, length))
    net = net.set_params(input_shape=None, max_epochs=2)
    assert net.fit(X, np.arange(20) % 2).predict_proba(X).shape == (20, 2)


@each_net
def test_images_are_refused(net: Any) -> None:
    """A shape of three axes is no series; the error says what is."""
    with pytest.raises(ValueError, match=r"'input_shape' parameter of \w+ must be None or \(channels, length\)"):
        net.set_params(input_shape=(1, 4, 4)).fit(np.zeros((4, 16)), [0, 1, 0, 1])
    net.set_params(input_shape=None)


def margins(size: int) -> tuple[int, int]:
    """Return how many zeros keep the length, the larger half behind."""
    return (size - 1) // 2, size - 1 - (size - 1) // 2


def test_trend_filters_answer_to_trends() -> None:
    """A filter for rises sums differences: nothing on a constant, and on a rise as much as the other takes away."""
    rises, falls = trend_filters(4)
    ramp = torch.arange(4.0)
    assert (rises @ torch.ones(4)).item() == 0
    assert (rises @ ramp).item() == 2
    assert (falls @ ramp).item() == -2


def test_peak_filters_answer_to_peaks() -> None:
    """A filter for peaks gives nothing on a constant and most where a bump stands under its middle."""
    kernel = peak_filter(12)[0]
    assert len(kernel) == 18
    assert kernel.sum().item() == pytest.approx(0, abs=1e-6)
    bump = torch.zeros(40)
    bump[17:23] = torch.tensor([0.1, 0.4, 1.0, 1.0, 0.4, 0.1])
    answers = bump.unfold(0, 18, 1) @ kernel
    assert answers.argmax().item() == 11  # the window whose middle is the bump's


def test_first_kernels_are_convolutions() -> None:
    """Learned ones are torch's own with these weights; fixed ones see the sum of the channels, and are no weights."""
    layer = FirstKernels(2, 3, (8, 4, 2), seed())
    assert len(list(layer.parameters())) == 3
    maps = torch.randn(5, 2, 20, generator=seed())
    answers = layer(maps)
    assert answers.shape == (5, 9 + N_FIXED_FILTERS, 20)
    for number, weight in enumerate(layer.weights):
        expected = nn.functional.conv1d(nn.functional.pad(maps, margins(weight.shape[-1])), weight[0])
        torch.testing.assert_close(answers[:, 3 * number : 3 * number + 3], expected)
    summed = maps.sum(1, keepdim=True)
    rises = nn.functional.conv1d(nn.functional.pad(summed, margins(4)), trend_filters(4)[:, None])
    torch.testing.assert_close(answers[:, 11:13], rises)
    torch.testing.assert_close(layer(maps.flip(1))[:, 9:], answers[:, 9:])


def test_separable_convolution_is_a_convolution_in_two_steps() -> None:
    """Each channel by itself, then across: the same as torch's own layers with these weights."""
    layer = SeparableConvolution(3, 4, 5, 2, seed())
    maps = torch.randn(2, 3, 16, generator=seed())
    own = nn.Conv1d(3, 3, 5, padding=4, dilation=2, groups=3, bias=False)
    across = nn.Conv1d(3, 4, 1, bias=False)
    with torch.no_grad():
        own.weight.copy_(layer.weight[0])
        across.weight.copy_(layer.across.weight[0])
    torch.testing.assert_close(layer(maps), across(own(maps)))


@pytest.mark.parametrize(("size", "dilation"), [(5, 2), (4, 1), (10, 4)])
def test_gradients_of_channels_are_those_of_torch(size: int, dilation: int) -> None:
    """The quick gradients of maps and kernels are those of torch's own convolution."""
    maps = torch.randn(3, 4, 50, generator=seed(), dtype=torch.float64, requires_grad=True)
    kernels = torch.randn(4, 1, size, generator=seed(), dtype=torch.float64, requires_grad=True)
    quick = ChannelwiseProduct.apply(maps, kernels, dilation)
    own = nn.functional.conv1d(maps, kernels, dilation=dilation, groups=4)
    torch.testing.assert_close(quick, own)
    upstream = torch.randn(own.shape, generator=seed(), dtype=torch.float64)
    expected = torch.autograd.grad((own * upstream).sum(), (maps, kernels))
    found = torch.autograd.grad((quick * upstream).sum(), (maps, kernels))
    for gradient, other in zip(found, expected, strict=True):
        torch.testing.assert_close(gradient, other)


def test_channel_lstm_is_an_lstm() -> None:
    """The same as torch's own with these weights, over channels as steps."""
    layer = ChannelLSTM(3, 7, 5, seed())
    own = nn.LSTM(7, 5, batch_first=True)
    with torch.no_grad():
        order = [0, 1, 3, 2]  # torch: input, forget, cell, output
        parts = [torch.cat([weight[0].T.chunk(4)[place] for place in order]) for weight in (layer.inputs, layer.states)]
        own.weight_ih_l0.copy_(parts[0])
        own.weight_hh_l0.copy_(parts[1])
        own.bias_ih_l0.copy_(torch.cat([layer.bias.flatten().chunk(4)[place] for place in order]))
        own.bias_hh_l0.zero_()
    rows = torch.randn(1, 4, 21, generator=seed())
    torch.testing.assert_close(layer(rows)[0], own(rows[0].view(4, 3, 7))[1][0][0])


def test_inception_body_is_as_published() -> None:
    """Six modules of four branches of 32, and shortcuts around each three: 420 thousand weights for one channel."""
    body = inception_body(1, 6, 32, (40, 20, 10), 32, seed())
    maps = torch.randn(2, 1, 30, generator=seed())
    assert body(maps).shape == (2, 128, 30)
    convolutions = [weight for weight in body.parameters() if weight.ndim == 4]
    kernels = sum(32 * size for size in (40, 20, 10))
    first = kernels + 32
    others = 5 * (128 * 32 + 32 * kernels + 128 * 32)
    shortcuts = 128 + 128 * 128
    assert sum(weight.numel() for weight in convolutions) == first + others + shortcuts


@pytest.mark.parametrize("net", small_nets(max_epochs=2, batch_size=20), ids=lambda net: type(net).__name__)
def test_members_answer_together(net: Any) -> None:
    """An ensemble gives the mean of its members' probabilities or numbers, and members differ."""
    if not hasattr(net, "input_shape") or not hasattr(net, "n_members"):
        return
    X, y = make_classification(40, 8, random_state=0)
    net.fit(X, y if is_classifier(net) else X[:, 0])
    rows = torch.from_numpy(X)
    with torch.no_grad():
        alone = [member(rows) for member in net.module_.members]
    assert len(alone) == net.n_members
    assert not torch.allclose(alone[0], alone[1])
    if is_classifier(net):
        np.testing.assert_allclose(net.predict_proba(X), torch.stack([out.softmax(1) for out in alone]).mean(0))
    else:
        mean = torch.stack(alone).mean(0).numpy()[:, 0] * net.target_scale_ + net.target_mean_
        np.testing.assert_allclose(net.predict(X), mean)
