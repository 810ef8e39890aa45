"""What a step costs by the number of replicas that take it together: the measurements behind the size of groups.

Run it with ``OMP_NUM_THREADS=1 python tests/performance/groups.py``. Printed is, for nets and batches of several sizes,
the time of a step per replica as a ratio to a replica alone, and the values that one replica keeps in use: weights four
times (with gradient and Adam's two moments) and activations twice.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from bakeoff.estimators import CNNClassifier, MLPClassifier
from bakeoff.estimators.nets.net import Net
from bakeoff.estimators.nets.trainable import begin_training
from bakeoff.estimators.training.replica_group import ReplicaGroup
from bakeoff.estimators.training.replica_grouping import values_in_use

SIZES = (1, 2, 3, 5, 10, 20)
BATCHES = 6
REPEATS = 7


def nets() -> Iterator[tuple[str, Callable[[int], Net], int]]:
    """Yield name, builder by batch size, and number of features."""
    for width in (16, 64, 128, 256, 512):
        yield (
            f"MLP {width}-{width}",
            lambda batch, width=width: MLPClassifier(hidden_layer_sizes=(width, width), batch_size=batch),
            64,
        )
    for side, channels in ((8, (8, 16)), (16, (8, 16)), (28, (8, 16)), (16, (32, 64))):
        yield (
            f"CNN {channels[0]}-{channels[1]} on {side}x{side}",
            lambda batch, side=side, channels=channels: CNNClassifier(
                input_shape=(1, side, side), channels=channels, hidden_layer_sizes=(64,), batch_size=batch
            ),
            side * side,
        )


def build(net: Callable[[int], Net], batch: int, n_features: int, replicas: int) -> ReplicaGroup:
    """Build one group of so many replicas, with a few batches each."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(BATCHES * batch, n_features)).astype(np.float32)
    y = np.arange(len(X)) % 10
    estimators = [
        net(batch).set_params(max_epochs=1000, n_iter_no_change=1000, random_state=0) for _ in range(replicas)
    ]
    begun = [replica for estimator in estimators for replica in begin_training(estimator, X, y)]
    return ReplicaGroup(begun, estimators[0]._objective())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, nargs="+", default=[16, 64, 256])
    torch.set_num_threads(1)
    print(f"| net | batch | values in use | step alone, ms | {' | '.join(map(str, SIZES[1:]))} |")
    print("|---|---|---|---|" + "---|" * len(SIZES[1:]))
    for name, net, n_features in nets():
        for batch in parser.parse_args().batches:
            programs = {size: build(net, batch, n_features, size) for size in SIZES}
            values = values_in_use(programs[1].replicas[0])
            times: dict[int, list[float]] = {size: [] for size in SIZES}
            for _ in range(REPEATS):
                for size, program in programs.items():
                    began = time.process_time()
                    program.run_epoch()
                    times[size].append((time.process_time() - began) / size / BATCHES * 1e3)
            median = {size: statistics.median(spent[1:]) for size, spent in times.items()}
            ratios = " | ".join(f"{median[size] / median[1]:.2f}" for size in SIZES[1:])
            print(f"| {name} | {batch} | {values / 1e3:.0f}k | {median[1]:.2f} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
