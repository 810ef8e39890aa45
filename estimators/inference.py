"""Outputs of fitted networks, in batches whose memory stays bounded."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

# Bounds the activations of one inference batch to tens of MiB.
INFERENCE_VALUES = 2**18
INFERENCE_ROWS = 4096


def inference_rows(n_values: int) -> int:
    """Rows of one inference batch whose rows hold so many values."""
    return min(max(INFERENCE_VALUES // n_values, 1), INFERENCE_ROWS)


def batch_slices(n_rows: int, n_features: int) -> Iterator[slice]:
    """Cut rows into inference batches."""
    step = inference_rows(n_features)
    return (slice(start, start + step) for start in range(0, n_rows, step))


@torch.inference_mode()
def infer(module: nn.Module, X: NDArray[Any]) -> NDArray[Any]:
    """Return outputs (n, outputs) of a module in evaluation mode for X (n, features), in float64."""
    device = next(module.parameters()).device
    outputs = [
        module(torch.tensor(np.ascontiguousarray(X[batch]), device=device)).cpu() for batch in batch_slices(*X.shape)
    ]
    return torch.cat(outputs).double().numpy()
