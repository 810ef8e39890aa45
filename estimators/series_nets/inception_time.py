"""InceptionTime: ensembles of deep nets of long and short convolutions."""

from dataclasses import dataclass

from torch import Generator, nn

from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.parameters import NONEMPTY_SIZES_RULE, Rule, integer
from bakeoff.estimators.series_nets.blocks import inception_body
from bakeoff.estimators.series_nets.series_net import SeriesEnsemble


@dataclass(kw_only=True, eq=False, repr=False)
class InceptionTimeArchitecture(SeriesEnsemble):
    """Modules of parallel kernels, with a shortcut around each three (Ismail Fawaz et al. 2020, "InceptionTime").

    Parameters
    ----------
    depth : int, default=6
        Inception modules in a row.
    n_filters : int, default=32
        Outputs of each branch of a module.
    kernel_sizes : tuple of int, default=(40, 20, 10)
        Widths of the parallel kernels.
    bottleneck_size : int, default=32
        Channels in front of the kernels.
    """

    depth: int = 6
    n_filters: int = 32
    kernel_sizes: tuple[int, ...] = (40, 20, 10)
    bottleneck_size: int = 32

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {
            "depth": integer(1),
            "n_filters": integer(1),
            "kernel_sizes": NONEMPTY_SIZES_RULE,
            "bottleneck_size": integer(1),
        }

    def _build_body(self, n_channels: int, length: int, generator: Generator) -> tuple[nn.Module, int]:
        del length
        sizes = tuple(self.kernel_sizes)
        body = inception_body(n_channels, self.depth, self.n_filters, sizes, self.bottleneck_size, generator)
        return body, (len(sizes) + 1) * self.n_filters


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class InceptionTimeClassifier(InceptionTimeArchitecture, NetClassifier):
    """Classify series with InceptionTime.

    Examples
    --------
    >>> import numpy as np
    >>> from bakeoff.estimators import InceptionTimeClassifier
    >>> waves = np.sin(np.linspace(0, 9, 30) * np.repeat([1, 3], 20)[:, None])
    >>> net = InceptionTimeClassifier(depth=2, n_filters=4, n_members=2, max_epochs=10, random_state=0)
    >>> net.fit(waves, np.repeat([0, 1], 20)).score(waves, np.repeat([0, 1], 20)) > 0.9
    True
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class InceptionTimeRegressor(InceptionTimeArchitecture, NetRegressor):
    """Predict numbers from series with InceptionTime.

    Examples
    --------
    >>> import numpy as np
    >>> from bakeoff.estimators import InceptionTimeRegressor
    >>> speed = np.linspace(1, 2, 40)
    >>> waves = np.sin(np.linspace(0, 9, 30) * speed[:, None])
    >>> net = InceptionTimeRegressor(depth=2, n_filters=4, n_members=2, max_epochs=10, random_state=0)
    >>> net.fit(waves, speed).predict(waves).shape
    (40,)
    """
