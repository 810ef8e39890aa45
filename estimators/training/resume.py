"""Where `partial_fit` goes on: the states of random numbers and of the optimizer between two calls."""

from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Resume:
    """Where `partial_fit` goes on: states of the generators and of the optimizer (named by `rule`), epochs so far."""

    shuffles: Tensor
    noise: Tensor
    optimizer: dict[str, Any] | None = None
    rule: str | None = None
    epochs: int = 0

    @classmethod
    def seeded(cls, shuffle_seed: int, noise_seed: int, device: torch.device) -> Self:
        """Begin with fresh generators."""
        shuffles = torch.Generator().manual_seed(shuffle_seed)
        return cls(shuffles.get_state(), torch.Generator(device).manual_seed(noise_seed).get_state())

    def generators(self, device: torch.device) -> tuple[Generator, Generator]:
        """Return generators of shuffles and noise, in the states that were kept."""
        shuffles, noise = torch.Generator(), torch.Generator(device)
        shuffles.set_state(self.shuffles)
        noise.set_state(self.noise)
        return shuffles, noise
