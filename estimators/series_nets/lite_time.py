"""LITETime: ensembles of small nets that pair learned kernels with fixed ones."""

from dataclasses import dataclass

from torch import Generator, nn

from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.layers import BatchNorm
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.parameters import Rule, integer
from bakeoff.estimators.series_nets.blocks import N_FIXED_FILTERS, FirstKernels, SeparableConvolution
from bakeoff.estimators.series_nets.series_net import SeriesEnsemble


@dataclass(kw_only=True, eq=False, repr=False)
class LITETimeArchitecture(SeriesEnsemble):
    """Learned kernels of three widths beside fixed ones for rises, falls and peaks; two separable convolutions.

    Ismail-Fawaz et al. 2023, "LITE: Light Inception with boosTing tEchniques for Time Series Classification".

    Parameters
    ----------
    n_filters : int, default=32
        Outputs of each convolution.
    kernel_size : int, default=40
        Width of the longest learned kernels, at least 4; the others have a half and a quarter of it.
    """

    n_filters: int = 32
    kernel_size: int = 40

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {"n_filters": integer(1), "kernel_size": integer(4)}

    def _build_body(self, n_channels: int, length: int, generator: Generator) -> tuple[nn.Module, int]:
        sizes = [self.kernel_size // 2**halvings for halvings in range(3)]
        width = len(sizes) * self.n_filters + N_FIXED_FILTERS
        layers: list[nn.Module] = [
            FirstKernels(n_channels, self.n_filters, sizes, generator),
            BatchNorm(width, maps=True),
        ]
        for number, size in enumerate(sizes[1:], start=1):
            dilation = 2**number if length > 2 ** (number - 1) else 1  # no kernel may miss the series altogether
            separable = SeparableConvolution(width, self.n_filters, size, dilation, generator)
            layers += [nn.ReLU(), separable, BatchNorm(self.n_filters, maps=True)]
            width = self.n_filters
        return nn.Sequential(*layers, nn.ReLU()), width


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class LITETimeClassifier(LITETimeArchitecture, NetClassifier):
    """Classify series with LITETime.

    Examples
    --------
    >>> import numpy as np
    >>> from bakeoff.estimators import LITETimeClassifier
    >>> waves = np.sin(np.linspace(0, 9, 30) * np.repeat([1, 3], 20)[:, None])
    >>> net = LITETimeClassifier(n_members=2, max_epochs=10, random_state=0)
    >>> net.fit(waves, np.repeat([0, 1], 20)).score(waves, np.repeat([0, 1], 20)) > 0.9
    True
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class LITETimeRegressor(LITETimeArchitecture, NetRegressor):
    """Predict numbers from series with LITETime.

    Examples
    --------
    >>> import numpy as np
    >>> from bakeoff.estimators import LITETimeRegressor
    >>> speed = np.linspace(1, 2, 40)
    >>> waves = np.sin(np.linspace(0, 9, 30) * speed[:, None])
    >>> LITETimeRegressor(n_members=2, max_epochs=10, random_state=0).fit(waves, speed).predict(waves).shape
    (40,)
    """
