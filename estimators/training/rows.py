"""Rows of data as tensors that stay on the device, and which of them are held out for early stopping."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import train_test_split
from torch import Tensor

Array = NDArray[Any]


@dataclass(frozen=True)
class Rows:
    """Rows that stay on the device: inputs (n, features), targets (n,) or (n, outputs), weights (n,) of mean one."""

    inputs: Tensor
    targets: Tensor
    weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)


def build_rows(X: Array, targets: Array, weights: Array, index: Array, device: torch.device) -> Rows:
    """Copy the rows in `index` to the device, their weights scaled to mean one (None when all are equal)."""
    inputs, targets, weights = np.ascontiguousarray(X[index]), targets[index], weights[index]
    if not weights.any():
        raise ValueError("The weights must not be zero on all training rows or on all validation rows.")
    if targets.dtype.kind == "f":
        targets = targets.astype(inputs.dtype)
    weights = (weights / weights.mean()).astype(inputs.dtype)
    uniform = bool((weights == weights[0]).all())
    return Rows(
        torch.from_numpy(inputs).to(device),
        torch.from_numpy(targets).to(device),
        None if uniform else torch.from_numpy(weights).to(device),
    )


def split_rows(
    y: Array, weights: Array, validation_rows: ArrayLike | None, *, fraction: float, seed: int
) -> tuple[Array, Array]:
    """Return the indices of the training rows and of the held-out rows; a row of weight zero is in neither.

    The named rows are held out; else a `fraction` of all, stratified when y (n,) holds class codes.
    """
    present = np.flatnonzero(weights)
    if validation_rows is not None:
        held_out = np.intersect1d(present, row_numbers(validation_rows, len(y), "validation_rows"))
    elif fraction > 0:
        held_out = draw_rows(present, y, fraction, seed)
    else:
        held_out = present[:0]
    training = np.setdiff1d(present, held_out)
    if validation_rows is not None and not (len(training) and len(held_out)):
        raise ValueError("validation_rows must name a row of positive weight and leave one to train on.")
    return training, held_out


def row_numbers(named: ArrayLike, n_rows: int, what: str) -> Array:
    """Return the numbers of the rows that a mask or numbers name; `what` they are stands in the error."""
    rows = np.asarray(named)
    if rows.dtype == bool and rows.shape == (n_rows,):
        return np.flatnonzero(rows)
    if rows.dtype.kind in "iu" and rows.ndim == 1 and ((rows >= 0) & (rows < n_rows)).all():
        return rows
    raise ValueError(
        f"{what} must be row numbers from 0 to {n_rows - 1} or a mask of {n_rows} bools. "
        f"Got shape {rows.shape} of {rows.dtype} instead."
    )


def draw_rows(rows: Array, y: Array, fraction: float, seed: int) -> Array:
    """Draw a fraction of the rows, stratified when every class can be on both sides."""
    counts = np.unique(y[rows], return_counts=True)[1]
    n_held = math.ceil(fraction * len(rows))
    classes_fit = y.ndim == 1 and counts.min() > 1 and len(counts) <= min(n_held, len(rows) - n_held)
    strata = y[rows] if classes_fit else None
    drawn: Array = train_test_split(rows, test_size=fraction, stratify=strata, random_state=seed)[1]
    return drawn
