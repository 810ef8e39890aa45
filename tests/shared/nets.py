"""What the tests of the nets share: small tasks, names of cases, weights, a generator with a seed."""

from typing import Any

import numpy as np
import torch
from sklearn.base import is_classifier
from sklearn.datasets import make_classification, make_regression


def data_for(net: Any, n_samples: int = 60) -> tuple[Any, Any]:
    """Build a small task that suits the estimator."""
    if is_classifier(net):
        return make_classification(n_samples, 6, n_informative=4, n_classes=3, random_state=0)
    return make_regression(n_samples, 6, noise=1.0, random_state=0)


def name_of(net: Any) -> str:
    """Name a case after its class."""
    return type(net).__name__


def weights_of(net: Any) -> list[Any]:
    """Copy all weights and buffers of the network."""
    return [tensor.numpy().copy() for tensor in net.module_.state_dict().values()]


def assert_same_weights(one: Any, other: Any, tolerance: float = 0) -> None:
    """Fail unless both networks hold the same weights and buffers, by default to the last bit."""
    for left, right in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_allclose(left, right, rtol=0, atol=tolerance)


def seeded(seed: int = 0) -> torch.Generator:
    """Build a generator with a seed."""
    return torch.Generator().manual_seed(seed)
