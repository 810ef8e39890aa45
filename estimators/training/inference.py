"""Outputs of fitted networks, in batches whose memory stays bounded."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

# Bounds the activations of one inference batch to tens of MiB.
INFERENCE_VALUES = 2**18
INFERENCE_ROWS = 4096


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
