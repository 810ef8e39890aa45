"""Convolutional networks for series (1-D) and images (2-D) that travel as rows of flattened values."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from bakeoff.estimators.parameters import SHAPE_RULE, Rule, integer, is_int, is_sizes, resolve_input_shape
from bakeoff.estimators.torch_base import ACTIVATIONS, TorchClassifier, TorchEstimator, TorchRegressor, dense_block

# The layers of one convolution, by the number of spatial axes.
CONVOLUTIONS: dict[int, type[nn.Conv1d | nn.Conv2d]] = {1: nn.Conv1d, 2: nn.Conv2d}
NORMS: dict[int, type[nn.BatchNorm1d | nn.BatchNorm2d]] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
POOLS: dict[int, type[nn.MaxPool1d | nn.MaxPool2d]] = {1: nn.MaxPool1d, 2: nn.MaxPool2d}


def is_odd(value: Any) -> bool:
    """Whether the value is a positive odd integer."""
    return is_int(value) and value % 2 == 1


@dataclass(kw_only=True, eq=False, repr=False)
class CNNArchitecture(TorchEstimator):
    """Blocks of convolution, batch norm, activation and pooling; a dense layer; a linear head."""

    input_shape: tuple[int, ...] | None = None
    channels: tuple[int, ...] = (32, 64)
    kernel_size: int = 3
    hidden_size: int = 128

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {
            "input_shape": SHAPE_RULE,
            "channels": (is_sizes, "a tuple of ints in the range [1, inf)"),
            "kernel_size": (is_odd, "an odd int in the range [1, inf)"),  # even ones cannot keep the size
            "hidden_size": integer(1),
        }

    def _build_module(self, n_features: int, n_outputs: int) -> nn.Module:
        depth, *sides = resolve_input_shape(self.input_shape, n_features)
        layers: list[nn.Module] = [nn.Unflatten(1, (depth, *sides))]
        for width in self.channels:
            layers += self._convolution(depth, width, sides)
            depth, sides = width, [max(side // 2, 1) for side in sides]
        flat = depth
        for side in sides:
            flat *= side
        layers += [nn.Flatten(), *dense_block(self, flat, self.hidden_size)]
        return nn.Sequential(*layers, nn.Linear(self.hidden_size, n_outputs))

    def _convolution(self, depth: int, width: int, sides: list[int]) -> list[nn.Module]:
        """One block: it keeps the size of each side, then halves it where that leaves something."""
        axes = len(sides)
        block: list[nn.Module] = [CONVOLUTIONS[axes](depth, width, self.kernel_size, padding=self.kernel_size // 2)]
        if self.batch_norm:
            block.append(NORMS[axes](width))
        block.append(ACTIVATIONS[self.activation]())
        if max(sides) > 1:
            block.append(POOLS[axes](tuple(min(side, 2) for side in sides)))
        return block


@dataclass(kw_only=True, eq=False, repr=False)
class CNNClassifier(CNNArchitecture, TorchClassifier):
    """Classify images or series with a convolutional network.

    Parameters
    ----------
    input_shape : (channels, height, width) or (channels, length), default=None
        How the columns of X fold back, in C order. None reads a row as one channel of n_features steps.
    channels : tuple of int, default=(32, 64)
        Channels of the convolutions; each is followed by max pooling over 2 where the size allows.
    kernel_size : int, default=3
        Side of the kernels, odd; padding keeps the size.
    hidden_size : int, default=128
        Width of the dense layer.
    **shared
        All other parameters, and the attributes: see `TorchEstimator` and `TorchClassifier`. `dropout`
        applies to the dense layer.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from bakeoff.estimators.cnn import CNNClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> net = CNNClassifier(input_shape=(1, 8, 8), channels=(8,), max_epochs=5, random_state=0)
    >>> net.fit(X / 16, y).predict_proba(X / 16).shape
    (1797, 10)
    """


@dataclass(kw_only=True, eq=False, repr=False)
class CNNRegressor(CNNArchitecture, TorchRegressor):
    """Predict numbers from images or series with a convolutional network.

    Parameters
    ----------
    input_shape : (channels, height, width) or (channels, length), default=None
        How the columns of X fold back, in C order. None reads a row as one channel of n_features steps.
    channels : tuple of int, default=(32, 64)
        Channels of the convolutions; each is followed by max pooling over 2 where the size allows.
    kernel_size : int, default=3
        Side of the kernels, odd; padding keeps the size.
    hidden_size : int, default=128
        Width of the dense layer.
    **shared
        All other parameters, and the attributes: see `TorchEstimator` and `TorchRegressor`. `dropout`
        applies to the dense layer.
    """
