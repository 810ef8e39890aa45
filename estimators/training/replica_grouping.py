"""Which replicas train as one group: a pure function of shapes and device, never of timing.

Timing at run time would make results depend on the load of the machine. The measurements behind the sizes stand in
docs/decisions/0005.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

import torch

from bakeoff.estimators.layers.networks import SingleNetwork, signature
from bakeoff.estimators.training.batches import count_batches
from bakeoff.estimators.training.replica_group import Replica

# Bytes that the replicas of one group may touch in a step: on a CPU a part of its last cache, which other processes
# share, on a GPU a part of memory.
BYTES_AT_ONCE = {"cpu": 2**23, "cuda": 2**32}


def group_replicas(replicas: Sequence[Replica]) -> list[list[Replica]]:
    """Group replicas that can take all their steps together, in the order given."""
    alike: dict[object, list[Replica]] = defaultdict(list)
    for replica in replicas:
        alike[_key(replica)].append(replica)
    return [part for members in alike.values() for part in split_evenly(members)]


def split_evenly(replicas: Sequence[Replica]) -> Iterator[list[Replica]]:
    """Divide like replicas into parts of almost equal size, none larger than pays."""
    if len(replicas) == 1:
        yield list(replicas)
        return
    inputs = replicas[0].rows.inputs
    each = values_in_use(replicas[0]) * inputs.element_size()
    largest = max(BYTES_AT_ONCE[inputs.device.type] // each, 1)
    size = math.ceil(len(replicas) / math.ceil(len(replicas) / largest))
    for start in range(0, len(replicas), size):
        yield list(replicas[start : start + size])


@torch.inference_mode()
def values_in_use(replica: Replica) -> int:
    """Count the values that a step of one replica touches: weights, gradients and moments, and activations twice."""
    made: list[int] = []
    leaves = [layer for layer in replica.network.modules() if not list(layer.children())]
    hooks = [layer.register_forward_hook(lambda _, __, output: made.append(output.numel())) for layer in leaves]
    replica.network.eval()
    replica.network(replica.rows.inputs[:1][None])
    for hook in hooks:
        hook.remove()
    weights = sum(weight.numel() for weight in replica.network.parameters())
    return 4 * weights + 2 * sum(made) * min(replica.settings.batch_size, len(replica.rows))


def _key(replica: Replica) -> object:
    if isinstance(replica.network, SingleNetwork):
        return id(replica)
    n_batches = count_batches(len(replica.rows), replica.settings.batch_size)
    return signature(replica.network), replica.settings, replica.validation is None, n_batches
