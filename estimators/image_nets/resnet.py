"""Residual nets for small images: a first layer that keeps every pixel, stages that halve the sides, mean maps."""

from dataclasses import dataclass

from torch import Generator, nn

from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.convolutional import ConvolutionalBody, FoldValues, GlobalPool
from bakeoff.estimators.layers.layers import BatchNorm, Convolution, Dropout, Linear, Residual
from bakeoff.estimators.layers.networks import Network
from bakeoff.estimators.nets.cnn import AugmentedNet
from bakeoff.estimators.nets.net import ScheduledNet
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.parameters import NONEMPTY_SIZES_RULE, Rule, integer, real, resolve_input_shape
from bakeoff.estimators.training.rows import Rows

SIDE = 3  # of all kernels but those of the shortcuts


def convolution(n_inputs: int, n_outputs: int, generator: Generator, *, side: int = SIDE, stride: int = 1) -> nn.Module:
    """Build a convolution whose bias the norm behind it takes out."""
    return Convolution(n_inputs, n_outputs, (side, side), generator, stride=stride, bias=False)


def norm(n_maps: int) -> list[nn.Module]:
    """Build a norm over the batch and an activation."""
    return [BatchNorm(n_maps, maps=True), nn.ReLU()]


@dataclass(kw_only=True, eq=False, repr=False)
class ImageResNetArchitecture(ScheduledNet, AugmentedNet):
    """A convolution, stages of residual blocks of which each but the first halves the sides, the mean of each map.

    Parameters
    ----------
    input_shape : (channels, height, width), default=None
        How the columns of X fold back, in C order. None reads a row as one image of one channel and one line.
    n_filters : tuple of int, default=(32, 64, 128)
        Maps of each stage.
    n_blocks : int, default=1
        Blocks of each stage, of two convolutions each.
    learning_rate : float, default=5e-3
        Highest step size of the schedule.
    """

    learning_rate: float = 5e-3
    input_shape: tuple[int, ...] | None = None
    n_filters: tuple[int, ...] = (32, 64, 128)
    n_blocks: int = 1

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {"n_filters": NONEMPTY_SIZES_RULE, "n_blocks": integer(1)}

    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> Network:
        shape = resolve_image_shape(self.input_shape, rows.inputs.shape[1])
        layers, width = self._first_layers(shape[0], generator)
        for stage, n_filters in enumerate(self._widths()):
            for number in range(self.n_blocks):
                stride = 2 if stage and not number else 1
                layers.append(self._block(width, n_filters, stride, generator))
                width = n_filters
        blocks = nn.Sequential(*layers, *self._last_layers(width), GlobalPool("average"))
        return Network(ConvolutionalBody(FoldValues(shape), blocks, Linear(width, n_outputs, generator)))

    def _widths(self) -> list[int]:
        return list(self.n_filters)

    def _first_layers(self, n_channels: int, generator: Generator) -> tuple[list[nn.Module], int]:
        width = self.n_filters[0]
        return [convolution(n_channels, width, generator), *norm(width)], width

    def _last_layers(self, width: int) -> list[nn.Module]:
        del width
        return []

    def _block(self, n_inputs: int, n_outputs: int, stride: int, generator: Generator) -> nn.Module:
        """Build a block of He et al. 2016: convolution, norm and activation, convolution, norm; the sum, activated."""
        inner = nn.Sequential(
            convolution(n_inputs, n_outputs, generator, stride=stride),
            *norm(n_outputs),
            convolution(n_outputs, n_outputs, generator),
            BatchNorm(n_outputs, maps=True),
        )
        shortcut = None
        if n_inputs != n_outputs or stride > 1:
            projection = convolution(n_inputs, n_outputs, generator, side=1, stride=stride)
            shortcut = nn.Sequential(projection, BatchNorm(n_outputs, maps=True))
        return nn.Sequential(Residual(inner, shortcut), nn.ReLU())


@dataclass(kw_only=True, eq=False, repr=False)
class WideResNetArchitecture(ImageResNetArchitecture):
    """Few but wide residual blocks that normalise before each convolution, with dropout between the two of a block.

    Parameters
    ----------
    n_filters : tuple of int, default=(16, 32, 64)
        Maps of each stage, before they are widened.
    n_blocks : int, default=2
        Blocks of each stage, of two convolutions each; 2 make the published WRN-16.
    widen_factor : int, default=4
        Times as many maps.
    dropout : float in [0, 1), default=0.0
        Share of values dropped between the convolutions of a block, while training.
    """

    n_filters: tuple[int, ...] = (16, 32, 64)
    n_blocks: int = 2
    widen_factor: int = 4
    dropout: float = 0.0

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {"widen_factor": integer(1), "dropout": real("[0, 1)")}

    def _widths(self) -> list[int]:
        return [width * self.widen_factor for width in self.n_filters]

    def _first_layers(self, n_channels: int, generator: Generator) -> tuple[list[nn.Module], int]:
        width = self.n_filters[0]
        return [convolution(n_channels, width, generator)], width

    def _last_layers(self, width: int) -> list[nn.Module]:
        return norm(width)

    def _block(self, n_inputs: int, n_outputs: int, stride: int, generator: Generator) -> nn.Module:
        """Build a block of figure 1 (d) of Zagoruyko and Komodakis 2016.

        Where the shape changes, the projection starts behind the first norm and activation, as in the authors' code.
        """
        inner = [
            convolution(n_inputs, n_outputs, generator, stride=stride),
            *norm(n_outputs),
            Dropout(self.dropout, maps=True),
            convolution(n_outputs, n_outputs, generator),
        ]
        if n_inputs == n_outputs and stride == 1:
            return Residual(nn.Sequential(*norm(n_inputs), *inner), None)
        projection = convolution(n_inputs, n_outputs, generator, side=1, stride=stride)
        return nn.Sequential(*norm(n_inputs), Residual(nn.Sequential(*inner), projection))


def resolve_image_shape(input_shape: tuple[int, ...] | None, n_features: int) -> tuple[int, int, int]:
    """Return (channels, height, width) of rows of so many values; a series is an image of one line."""
    channels, *sides = resolve_input_shape(input_shape, n_features)
    height, width = sides if len(sides) == 2 else (1, sides[0])
    return channels, height, width


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class ImageResNetClassifier(ImageResNetArchitecture, NetClassifier):
    """Classify small images with a residual net.

    References
    ----------
    He et al. 2016, "Deep residual learning for image recognition", CVPR, its section 4.2 on small images, with twice
    the maps and the projected shortcuts of its option B.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from bakeoff.estimators import ImageResNetClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> net = ImageResNetClassifier(input_shape=(1, 8, 8), n_filters=(8, 16), max_epochs=3, random_state=0)
    >>> net.fit(X / 16, y).predict_proba(X / 16).shape
    (1797, 10)
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class ImageResNetRegressor(ImageResNetArchitecture, NetRegressor):
    """Predict numbers from small images with a residual net.

    References
    ----------
    He et al. 2016, "Deep residual learning for image recognition", CVPR.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from bakeoff.estimators import ImageResNetRegressor
    >>> X, y = load_digits(return_X_y=True)
    >>> net = ImageResNetRegressor(input_shape=(1, 8, 8), n_filters=(8, 16), max_epochs=3, random_state=0)
    >>> net.fit(X / 16, y).predict(X / 16).shape
    (1797,)
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class WideResNetClassifier(WideResNetArchitecture, NetClassifier):
    """Classify small images with a wide residual net.

    References
    ----------
    Zagoruyko and Komodakis 2016, "Wide residual networks", BMVC. Dropout drops whole maps (Tompson et al. 2015).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from bakeoff.estimators import WideResNetClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> net = WideResNetClassifier(input_shape=(1, 8, 8), n_filters=(4, 8), max_epochs=2, random_state=0)
    >>> net.fit(X / 16, y).predict_proba(X / 16).shape
    (1797, 10)
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class WideResNetRegressor(WideResNetArchitecture, NetRegressor):
    """Predict numbers from small images with a wide residual net.

    References
    ----------
    Zagoruyko and Komodakis 2016, "Wide residual networks", BMVC.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from bakeoff.estimators import WideResNetRegressor
    >>> X, y = load_digits(return_X_y=True)
    >>> net = WideResNetRegressor(input_shape=(1, 8, 8), n_filters=(4, 8), max_epochs=2, random_state=0)
    >>> net.fit(X / 16, y).predict(X / 16).shape
    (1797,)
    """
