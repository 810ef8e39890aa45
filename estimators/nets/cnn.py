"""Convolutional networks over series, images and texts that travel as rows of flattened values or token ids."""

from dataclasses import dataclass, fields, replace
from math import prod
from typing import Any, ClassVar

from torch import Generator, nn

from bakeoff.estimators.activations import ACTIVATIONS
from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.augmentation import Augmentation, ReplicaAugmentation
from bakeoff.estimators.layers.convolutional import (
    POOLINGS,
    BlockOptions,
    ConvolutionalBody,
    FoldTokens,
    FoldValues,
    GlobalPool,
    build_block,
)
from bakeoff.estimators.layers.layers import BatchNorm, Dropout, Linear
from bakeoff.estimators.layers.networks import Network
from bakeoff.estimators.nets.net import Net
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.nets.vocabulary import TokenArchitecture
from bakeoff.estimators.parameters import (
    NONEMPTY_SIZES_RULE,
    SHAPE_RULE,
    Rule,
    boolean,
    integer,
    is_int,
    is_nonempty_sizes,
    is_sizes,
    one_of,
    optional,
    real,
    resolve_input_shape,
)
from bakeoff.estimators.training.automatic import CONVOLUTIONAL_BATCH
from bakeoff.estimators.training.replica_group import Augment
from bakeoff.estimators.training.rows import Rows


def is_kernel_size(value: Any) -> bool:
    """Whether the value is a positive integer, or some of them."""
    return is_int(value) or is_nonempty_sizes(value)


def is_pooling(value: Any) -> bool:
    """Whether the value names what follows each block, or some of these one after another."""
    kinds = value if isinstance(value, tuple | list) and value else (value,)
    return all(kind is None or kind in POOLINGS for kind in kinds)


@dataclass(kw_only=True, eq=False, repr=False)
class AugmentedNet(Net):
    """A net whose training images may be changed a little at every step.

    Parameters
    ----------
    input_shape : (channels, height, width) or (channels, length), default=None
        How the columns of X fold back, in C order. None reads a row as one channel of n_features steps.
    augment_shift, augment_rotation, augment_elastic : float, default=0.0
        How far images are shifted (pixels), turned (degrees) and distorted (pixels) at random, anew in each epoch of
        `fit`; see `Augmentation`. Held-out rows stay as they are.
    augment_flip : bool, default=False
        Whether half of the images, drawn at random, are mirrored, left to right: for photographs, not for digits.
    """

    input_shape: tuple[int, ...] | None = None
    augment_shift: float = 0.0
    augment_rotation: float = 0.0
    augment_elastic: float = 0.0
    augment_flip: bool = False

    def _rules(self) -> dict[str, Rule]:
        amounts = dict.fromkeys(("augment_shift", "augment_rotation", "augment_elastic"), real("[0, inf)"))
        return super()._rules() | {"input_shape": SHAPE_RULE, "augment_flip": boolean(), **amounts}

    def _conflicts(self) -> list[str]:
        if not self._augments() or len(self.input_shape or ()) == 3:
            return super()._conflicts()
        words = "must be 0 unless input_shape is (channels, height, width)."
        return [*super()._conflicts(), f"The 'augment_...' parameters of {type(self).__name__} {words}"]

    def _augments(self) -> bool:
        return max(self.augment_shift, self.augment_rotation, self.augment_elastic, self.augment_flip) > 0

    def _augment(self) -> Augment | None:
        if not self._augments() or self.input_shape is None:
            return None
        amounts = self.augment_shift, self.augment_rotation, self.augment_elastic
        augmentation = Augmentation(*amounts, flip=bool(self.augment_flip))
        return ReplicaAugmentation(augmentation, tuple(self.input_shape))


@dataclass(kw_only=True, eq=False, repr=False)
class CNNArchitecture(TokenArchitecture, AugmentedNet):
    """Blocks of convolution, batch norm, activation and pooling; dense layers; a linear head.

    Parameters
    ----------
    channels : tuple of int, default=(32, 64)
        Channels of each block's convolutions.
    kernel_size : int or tuple of int, default=3
        Side of the kernels. Several run in parallel, their outputs joined, with the channels split among them as
        evenly as possible (Kim 2014).
    block_depth : int, default=1
        Convolutions of each block; batch norm, if any, and activation follow each.
    stride : int, default=1
        Stride of each block's first convolution.
    dilation : int, default=1
        Spacing of the kernels' points.
    padding : {"same", "valid"}, default="same"
        Whether zeros around the maps make up for the kernels' width, or the sides shrink by it.
    pooling : {"max", "average"} or None, or a tuple of these, default="max"
        What follows each block, or each by itself; behind the last one `global_pooling` takes its place.
    pool_size : int, default=2
        Side and stride of the pooling windows, clipped to what a side has; a side of one is left alone.
    global_pooling : {"max", "average"} or None, default=None
        What the dense layers see of each map behind the last block: its maximum, its average, or all of it.
    residual : bool, default=False
        Whether a shortcut leads around each block to its last activation, through a convolution of width one (and batch
        norm, if any) where channels or sides change (He et al. 2016; for series Wang et al. 2017).
    hidden_layer_sizes : tuple of int, default=(128,)
        Widths of the dense layers before the head.
    activation : {"relu", "tanh", "sigmoid", "gelu"}, default="relu"
        After each convolution and each dense layer.
    dropout : float in [0, 1), default=0.0
        Share of values dropped after each dense layer, or before the head where there is none, while training.
    batch_norm : bool, default=False
        Whether to normalise over the batch before each activation.
    """

    _most_rows_of_auto_batch: ClassVar[float] = CONVOLUTIONAL_BATCH

    channels: tuple[int, ...] = (32, 64)
    kernel_size: int | tuple[int, ...] = 3
    block_depth: int = 1
    stride: int = 1
    dilation: int = 1
    padding: str = "same"
    pooling: str | tuple[str | None, ...] | None = "max"
    pool_size: int = 2
    global_pooling: str | None = None
    residual: bool = False
    hidden_layer_sizes: tuple[int, ...] = (128,)
    activation: str = "relu"
    dropout: float = 0.0
    batch_norm: bool = False

    def _rules(self) -> dict[str, Rule]:
        sizes = "in the range [1, inf)"
        return super()._rules() | {
            "channels": NONEMPTY_SIZES_RULE,
            "kernel_size": (is_kernel_size, f"an int or a tuple of ints {sizes}"),
            "block_depth": integer(1),
            "stride": integer(1),
            "dilation": integer(1),
            "padding": one_of("same", "valid"),
            "pooling": (is_pooling, f"None, one of {POOLINGS}, or a tuple of these, one for each block"),
            "pool_size": integer(1),
            "global_pooling": optional(one_of(*POOLINGS)),
            "residual": boolean(),
            "hidden_layer_sizes": (is_sizes, f"a tuple of ints {sizes}"),
            "activation": one_of(*ACTIVATIONS),
            "dropout": real("[0, 1)"),
            "batch_norm": boolean(),
        }

    def _conflicts(self) -> list[str]:
        name, n_kernels, valid = type(self).__name__, len(self._kernel_sizes()), self.padding == "valid"
        contradictions = {
            f"'input_shape' parameter of {name} must be None with a vocabulary_size: each column is one step": (
                self.vocabulary_size is not None and self.input_shape is not None
            ),
            f"'pooling' parameter of {name} must have an entry for each of the {len(self.channels)} blocks": (
                isinstance(self.pooling, tuple | list) and len(self.pooling) != len(self.channels)
            ),
            f"'padding' parameter of {name} must be 'same' with several kernel sizes, whose outputs are joined": (
                valid and n_kernels > 1
            ),
            f"'padding' parameter of {name} must be 'same' with residual=True: the shortcut keeps the sides": (
                valid and bool(self.residual)
            ),
            f"'channels' parameter of {name} must have a channel for each kernel size in every block": (
                min(self.channels) < n_kernels
            ),
        }
        return [*super()._conflicts(), *(f"The {words}." for words, holds in contradictions.items() if holds)]

    def _kernel_sizes(self) -> tuple[int, ...]:
        sizes: Any = self.kernel_size
        return (int(sizes),) if is_int(sizes) else tuple(sizes)

    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> Network:
        width, *sides = self._map_shape(rows.inputs.shape[1])
        options = self._block_options()
        fold: nn.Module = FoldValues((width, *sides))
        if self.vocabulary_size is not None:
            fold = FoldTokens(self.n_tokens_, width, sides[0], generator)
        blocks: list[nn.Module] = []
        for number, channels in enumerate(self.channels):
            options = replace(options, pooling=self._pooling_after(number))
            blocks.append(build_block(width, channels, len(sides), options, generator))
            width, sides = channels, self._sides_after(sides, options, number)
        if self.global_pooling is not None:
            blocks.append(GlobalPool(self.global_pooling))
            sides = []
        head = self._build_head(width * prod(sides), n_outputs, generator)
        return Network(ConvolutionalBody(fold, nn.Sequential(*blocks), head))

    def _pooling_after(self, number: int) -> str | None:
        """Return what follows a block of this number."""
        if number == len(self.channels) - 1 and self.global_pooling is not None:
            return None
        return self.pooling[number] if isinstance(self.pooling, tuple | list) else self.pooling

    def _map_shape(self, n_features: int) -> tuple[int, ...]:
        """Channels and sides of what the first block sees."""
        if self.vocabulary_size is not None:
            return self.embedding_size, n_features
        return resolve_input_shape(self.input_shape, n_features)

    def _block_options(self) -> BlockOptions:
        derived: dict[str, Any] = {
            "kernel_sizes": self._kernel_sizes(),
            "same": self.padding == "same",
            "pooling": None,  # of each block by itself
        }
        names = [field.name for field in fields(BlockOptions) if field.name not in derived]
        return BlockOptions(**derived, **{name: getattr(self, name) for name in names})

    def _sides_after(self, sides: list[int], options: BlockOptions, number: int) -> list[int]:
        """Sides of the maps behind a block; raise where a kernel does not fit into them."""
        after = [options.side_after(side) for side in sides]
        if min(after) < 1:
            raise ValueError(
                f"The 'kernel_size' parameter of {type(self).__name__} must fit into the maps with padding='valid': "
                f"with input_shape={self.input_shape}, block {number + 1} of {len(self.channels)} gets sides "
                f"{tuple(sides)}, too small for {self.block_depth} x kernel_size={self.kernel_size} at dilation="
                f"{self.dilation}. Choose padding='same', smaller kernels or fewer blocks."
            )
        return after

    def _build_head(self, width: int, n_outputs: int, generator: Generator) -> nn.Module:
        layers: list[nn.Module] = []
        for size in self.hidden_layer_sizes:
            layers.append(Linear(width, size, generator, bias=not self.batch_norm))
            layers += [BatchNorm(size)] if self.batch_norm else []
            layers += [ACTIVATIONS[self.activation](), Dropout(self.dropout)]
            width = size
        layers += [] if layers else [Dropout(self.dropout)]
        return nn.Sequential(*layers, Linear(width, n_outputs, generator))


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class CNNClassifier(CNNArchitecture, NetClassifier):
    """Classify images, series or texts with a convolutional network.

    The defaults are LeNet's shape (LeCun et al. 1998): convolution and pooling by turns, then dense layers.

    References
    ----------
    He et al. 2016, "Deep residual learning for image recognition", CVPR. Kim 2014, "Convolutional neural networks for
    sentence classification", EMNLP. LeCun et al. 1998, "Gradient-based learning applied to document recognition".
    Wang et al. 2017, "Time series classification from scratch with deep neural networks", IJCNN.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from bakeoff.estimators import CNNClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> net = CNNClassifier(input_shape=(1, 8, 8), channels=(8,), max_epochs=5, random_state=0)
    >>> net.fit(X / 16, y).predict_proba(X / 16).shape
    (1797, 10)
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class CNNRegressor(CNNArchitecture, NetRegressor):
    """Predict numbers from images, series or texts with a convolutional network.

    Examples
    --------
    >>> import numpy as np
    >>> from bakeoff.estimators import CNNRegressor
    >>> waves = np.sin(np.linspace(0, 9, 40) * np.linspace(1, 2, 80)[:, None])
    >>> CNNRegressor(channels=(8,), max_epochs=5, random_state=0).fit(waves, np.linspace(1, 2, 80)).predict(waves).shape
    (80,)
    """
