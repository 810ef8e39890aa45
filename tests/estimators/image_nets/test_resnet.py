"""Residual nets for images: their shapes, their blocks, and that they learn what images differ by."""

from typing import Any

import numpy as np
import pytest
import torch
from small_nets import IMAGE_RESNET, WIDE_RESNET
from torch import Generator, nn

from bakeoff.estimators import (
    CNNClassifier,
    ImageResNetClassifier,
    ImageResNetRegressor,
    WideResNetClassifier,
    make,
)
from bakeoff.estimators.image_nets.resnet import ImageResNetArchitecture, WideResNetArchitecture, norm
from bakeoff.estimators.layers.layers import Convolution, Residual

pytestmark = pytest.mark.usefixtures("one_thread")
NETS = [ImageResNetClassifier(**IMAGE_RESNET), WideResNetClassifier(**WIDE_RESNET)]
each_net = pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)


def stripes(n_rows: int = 80, side: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Make images of horizontal or vertical stripes at random phases."""
    rng = np.random.default_rng(0)
    y = np.arange(n_rows) % 2
    phases = rng.uniform(0, 2 * np.pi, n_rows)
    waves = np.sin(np.arange(side) * 2 + phases[:, None])
    lying = np.repeat(waves[:, :, None], side, axis=2)
    images = np.where(y[:, None, None] == 1, lying, lying.transpose(0, 2, 1)) + rng.normal(scale=0.2, size=lying.shape)
    return images.reshape(n_rows, -1), y


def sides_seen(net: Any, X: np.ndarray) -> list[int]:
    """Return the heights of what goes into each convolution of a kernel of three, in their order."""
    seen: list[int] = []
    for layer in net.module_.modules():
        if isinstance(layer, Convolution) and layer.weight.shape[-1] == 3:
            layer.register_forward_pre_hook(lambda _, maps: seen.append(maps[0].shape[2]))
    net.predict(X[:2])
    return seen


@each_net
def test_patterns_are_told_apart(net: Any) -> None:
    """No pixel says the class of an image, the direction of its stripes does."""
    X, y = stripes()
    net.set_params(input_shape=(1, 8, 8), max_epochs=20, batch_size=10, random_state=0)
    assert net.fit(X[:40], y[:40]).score(X[40:], y[40:]) > 0.9


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (ImageResNetClassifier(n_filters=(4, 6, 8), n_blocks=2), [8] * 5 + [8, 4, 4, 4] + [4, 2, 2, 2]),
        (WideResNetClassifier(n_filters=(4, 6, 8), n_blocks=2), [8] * 5 + [8, 4, 4, 4] + [4, 2, 2, 2]),
    ],
    ids=["plain", "wide"],
)
def test_each_stage_but_the_first_halves_the_sides(net: Any, expected: list[int]) -> None:
    """The first layer keeps every pixel; the first convolution of a later stage strides."""
    X, y = stripes(20)
    net.set_params(input_shape=(1, 8, 8), max_epochs=1, random_state=0).fit(X, y)
    assert sides_seen(net, X) == expected


@pytest.mark.parametrize("shape", [None, (1, 1, 9), (3, 3, 1), (9, 1, 1), (1, 9)], ids=str)
@each_net
def test_small_and_odd_images_are_taken(net: Any, shape: tuple[int, ...] | None) -> None:
    """A stride leaves at least one pixel; rows without a shape are one line."""
    X = np.random.default_rng(0).normal(size=(12, 9))
    assert net.set_params(input_shape=shape, max_epochs=1).fit(X, np.arange(12) % 2).predict(X).shape == (12,)


def test_plain_blocks_are_those_of_the_paper() -> None:
    """relu(norm(conv(relu(norm(conv(x))))) + projected x), with torch's own layers of the same weights."""
    block = ImageResNetArchitecture._block(object.__new__(ImageResNetClassifier), 3, 4, 2, Generator().manual_seed(0))
    maps = torch.randn(5, 3, 6, 6, generator=Generator().manual_seed(1))
    residual = block[0]
    assert isinstance(residual, Residual)
    first, second = (layer.weight[0] for layer in residual.block if isinstance(layer, Convolution))
    inner = normalised(nn.functional.conv2d(maps, first, padding=1, stride=2)).relu()
    inner = normalised(nn.functional.conv2d(inner, second, padding=1))
    around = normalised(nn.functional.conv2d(maps, residual.shortcut[0].weight[0], stride=2))
    torch.testing.assert_close(block(maps), (inner + around).relu())


def test_wide_blocks_normalise_first() -> None:
    """conv(relu(norm(conv(relu(norm(x)))))) + x, without a projection where the shape stays."""
    net = WideResNetClassifier(dropout=0.0)
    block = WideResNetArchitecture._block(net, 4, 4, 1, Generator().manual_seed(0))
    maps = torch.randn(5, 4, 6, 6, generator=Generator().manual_seed(1))
    assert isinstance(block, Residual)
    assert block.shortcut is None
    first, second = (layer.weight[0] for layer in block.block if isinstance(layer, Convolution))
    inner = nn.functional.conv2d(normalised(maps).relu(), first, padding=1)
    inner = nn.functional.conv2d(normalised(inner).relu(), second, padding=1)
    torch.testing.assert_close(block(maps), inner + maps)
    assert len(norm(3)) == 2


def test_wide_projections_start_behind_the_first_norm() -> None:
    """Where the shape changes: conv(relu(norm(conv(x)))) + projected x, x being normalised and activated already."""
    block = WideResNetArchitecture._block(WideResNetClassifier(), 3, 4, 2, Generator().manual_seed(0))
    maps = torch.randn(5, 3, 6, 6, generator=Generator().manual_seed(1))
    residual = block[-1]
    first, second = (layer.weight[0] for layer in residual.block if isinstance(layer, Convolution))
    entered = normalised(maps).relu()
    inner = normalised(nn.functional.conv2d(entered, first, padding=1, stride=2)).relu()
    around = nn.functional.conv2d(entered, residual.shortcut.weight[0], stride=2)
    torch.testing.assert_close(block(maps), nn.functional.conv2d(inner, second, padding=1) + around)


def normalised(maps: torch.Tensor) -> torch.Tensor:
    """Normalise over the batch, as in training."""
    return nn.functional.batch_norm(maps, None, None, training=True)


def test_training_images_are_augmented() -> None:
    """With a shift the loss of the same epochs is another; without a shape of images it is refused."""
    X, y = stripes(40)
    params = {"input_shape": (1, 8, 8), "max_epochs": 2, "random_state": 0, **IMAGE_RESNET}
    plain, moved = (ImageResNetClassifier(**params, augment_shift=shift).fit(X, y) for shift in (0.0, 1.0))
    assert plain.loss_curve_ != moved.loss_curve_
    with pytest.raises(ValueError, match=r"'augment_\.\.\.' parameters of ImageResNetRegressor must be 0 unless"):
        ImageResNetRegressor(augment_shift=1.0).fit(X, y)


def test_mirrored_images_look_alike_to_a_net_trained_on_mirrors() -> None:
    """With `augment_flip` left and right are one to a net; without it it learns the side by which classes differ."""
    X = np.random.default_rng(0).normal(scale=0.1, size=(60, 6, 6))
    y = np.arange(60) % 2
    X[y == 0, :, :2] += 1
    X[y == 1, :, 4:] += 1
    X = X.reshape(60, -1)
    params = {"input_shape": (1, 6, 6), "max_epochs": 15, "batch_size": 20, "dtype": "float32", "random_state": 0}
    net = CNNClassifier(channels=(8,), learning_rate=0.01, **params)
    assert net.fit(X, y).score(X, y) == 1
    assert net.set_params(augment_flip=True).fit(X, y).score(X, y) < 0.8


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_filters": ()}, "'n_filters' parameter of WideResNetClassifier must be"),
        ({"n_blocks": 0}, "'n_blocks' parameter of WideResNetClassifier must be an int"),
        ({"widen_factor": 0}, "'widen_factor' parameter of WideResNetClassifier must be an int"),
        ({"batch_size": 1}, "'batch_size' parameter of WideResNetClassifier must be 2 or more"),
    ],
)
def test_bad_parameters_are_refused(params: dict[str, Any], message: str) -> None:
    """Each error names the parameter."""
    with pytest.raises(ValueError, match=message):
        WideResNetClassifier(**params).fit(np.eye(4), [0, 1, 0, 1])


def test_alexnet_pools_three_times() -> None:
    """Images of 28 pixels a side end as maps of 3 before the dense layers; 8 pixels are enough."""
    X = np.random.default_rng(0).normal(size=(12, 784)).astype("float32")
    for side in (28, 8):
        pipeline = make("alexnet", task="binary", kind="image", input_shape=(1, side, side), max_auto_epochs=1)
        pipeline.fit(X[:, : side * side], np.arange(12) % 2)
        dense = [layer for layer in pipeline[-1].module_.modules() if type(layer).__name__ == "Linear"]
        assert dense[0].weight.shape[-2] == 120 * (side // 8) ** 2
