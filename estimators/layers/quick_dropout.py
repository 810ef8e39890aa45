"""Dropout whose masks cost a fifth of torch's own on a CPU."""

import math

import torch
from torch import Generator, Tensor

from bakeoff.estimators.layers.layers import Dropout

LEVELS = 2**16  # a draw is one of so many


class QuickDropout(Dropout):
    """Dropout (Srivastava et al. 2014) by the bits of whole numbers: shares are exact to one in 65,536."""

    def draw(self, values: Tensor) -> Tensor | None:
        """Return what to multiply values with; None outside training, and where nothing is to be dropped."""
        share = self.share * self.lanes.dropout_factor
        return self._mask(tuple(values.shape), values, share) if self.training and share else None

    def _mask(self, shape: tuple[int, ...], like: Tensor, share: float) -> Tensor:
        kept = min(max(round((1 - share) * LEVELS), 1), LEVELS)
        if like.device.type != "cpu" or kept == LEVELS:
            return super()._mask(shape, like, share)
        sizes = self.lanes.sizes or [shape[1]] * shape[0]
        mask = like.new_zeros(shape) if self.lanes.sizes else torch.empty(shape, dtype=like.dtype)
        for rows, size, generator in zip(mask, sizes, self.lanes.generators, strict=True):
            torch.lt(draw_levels(rows[:size].shape, generator), kept - LEVELS // 2, out=rows[:size])
        return mask.mul_(LEVELS / kept)


def draw_levels(shape: torch.Size, generator: Generator) -> Tensor:
    """Draw whole numbers from all that fit 16 bits, four at once."""
    n_values = math.prod(shape)
    words = torch.empty(-(-n_values // 4), dtype=torch.int64).random_(-(2**63), None, generator=generator)
    return words.view(torch.int16)[:n_values].view(shape)
