"""Random numbers for plain torch modules, which draw from torch's global generators and know no others."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import torch
from torch import Generator

ONE_AT_A_TIME = RLock()  # the global generators are those of all threads


@contextmanager
def global_torch_rng(generator: Generator, device: torch.device) -> Iterator[None]:
    """Let torch's global generators go on where `generator` left off; outside the block they are untouched."""
    on_cuda = device.type == "cuda"
    with ONE_AT_A_TIME, torch.random.fork_rng(devices=[device] if on_cuda else []):
        if on_cuda:
            torch.cuda.set_rng_state(generator.get_state(), device)
        else:
            torch.set_rng_state(generator.get_state())
        yield
        generator.set_state(torch.cuda.get_rng_state(device) if on_cuda else torch.get_rng_state())
