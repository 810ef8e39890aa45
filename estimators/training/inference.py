"""Outputs of fitted networks, in batches whose memory stays bounded: once, or sampled under Monte-Carlo dropout.

With dropout left on, outputs drawn again and again tell how sure a net is. Source: Gal and Ghahramani 2016, "Dropout as
a Bayesian approximation: representing model uncertainty in deep learning", ICML.
"""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from torch import Generator, Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from bakeoff.estimators.layers.averaging import AveragedNetworks
from bakeoff.estimators.layers.layers import Dropout, ReplicaContext
from bakeoff.estimators.layers.networks import Network
from bakeoff.estimators.layers.random_numbers import global_torch_rng
from bakeoff.estimators.parameters import is_int

# Bounds the activations of one inference batch to tens of MiB.
INFERENCE_VALUES = 2**18
INFERENCE_ROWS = 4096


def precision(module: nn.Module) -> str:
    """Name of the dtype of a network."""
    return str(next(module.parameters()).dtype).removeprefix("torch.")


def inference_rows(n_values: int) -> int:
    """Rows of one inference batch whose rows hold so many values."""
    return min(max(INFERENCE_VALUES // n_values, 1), INFERENCE_ROWS)


def row_batches(X: NDArray[Any], device: torch.device) -> Iterator[Tensor]:
    """Cut rows (n, features) into inference batches, copied to the device."""
    step = inference_rows(X.shape[1])
    for start in range(0, len(X), step):
        yield torch.tensor(np.ascontiguousarray(X[start : start + step]), device=device)


@torch.inference_mode()
def infer(module: nn.Module, X: NDArray[Any]) -> NDArray[Any]:
    """Return outputs (n, outputs) of a module in evaluation mode for X (n, features), in float64."""
    device = next(module.parameters()).device
    return torch.cat([module(batch).cpu() for batch in row_batches(X, device)]).double().numpy()


@torch.inference_mode()
def sample_outputs(
    module: nn.Module, X: NDArray[Any], n_samples: int, random_state: int | np.random.RandomState | None
) -> NDArray[Any]:
    """Return outputs (n_samples, n, outputs) of a fitted module for X (n, features) under dropout, in float64.

    Raises
    ------
    ValueError
        When the module has no dropout, or `n_samples` is no positive integer.
    """
    if not is_int(n_samples):
        raise ValueError(f"The 'n_samples' parameter must be an int in the range [1, inf). Got {n_samples!r} instead.")
    device = next(module.parameters()).device
    generator = torch.Generator(device).manual_seed(draw_seed(random_state))
    sampled = with_dropout(module, generator)
    with global_torch_rng(generator, device):
        parts = [torch.stack([sampled(batch).cpu() for _ in range(n_samples)]) for batch in row_batches(X, device)]
    return torch.cat(parts, dim=1).double().numpy()


def draw_seed(random_state: int | np.random.RandomState | None) -> int:
    """Return the seed of one call; None draws from the operating system, not from numpy's global generator."""
    numbers = np.random.RandomState() if random_state is None else check_random_state(random_state)
    return int(numbers.randint(2**31 - 1))


def with_dropout(module: nn.Module, generator: Generator) -> nn.Module:
    """Return a copy of a module in evaluation mode whose dropout, and nothing else, is as in training."""
    sampled = copy.deepcopy(module)
    layers = [layer for layer in sampled.modules() if dropout_rate(layer) > 0]
    if not layers:
        raise ValueError(
            "predict_samples needs a network with dropout: without, all samples are the same. Set dropout > 0 (in a "
            "module of your own: add nn.Dropout layers) and fit again."
        )
    for layer in layers:
        layer.training = True  # of this layer alone, not of those inside it
    if isinstance(sampled, Network | AveragedNetworks):
        sampled.set_context(ReplicaContext([generator]))
    return sampled


def dropout_rate(layer: nn.Module) -> float:
    """Share of values that a layer itself drops while training."""
    if isinstance(layer, Dropout):
        return layer.share
    if isinstance(layer, _DropoutNd):
        return layer.p
    if isinstance(layer, nn.RNNBase):
        return float(layer.dropout) if layer.num_layers > 1 else 0.0
    if isinstance(layer, nn.MultiheadAttention):
        return float(layer.dropout)
    if isinstance(layer, nn.TransformerEncoderLayer):  # in evaluation mode it takes a shortcut around its dropout
        return float(layer.dropout.p)
    return 0.0
