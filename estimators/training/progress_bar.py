"""A progress bar over the epochs of a training, on stderr, for those who ask for it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bakeoff.estimators.training.replica_group import Replica

LABELS = {"training_loss": "loss", "validation_loss": "validation loss", "validation_score": "score"}


@contextmanager
def epoch_bar(replicas: Sequence[Replica], *, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show the epochs and the mean losses of all replicas; gives a function to call with the number of each epoch."""
    if not shown:
        yield lambda _: None
        return
    columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=max(replica.monitor.max_epochs for replica in replicas))
        yield lambda epoch: progress.update(task, completed=epoch, description=format_losses(replicas))


def format_losses(replicas: Sequence[Replica]) -> str:
    """Say how the losses stand, as means over the replicas."""
    rows = [replica.monitor.last_row for replica in replicas]
    means = (f"{words} {np.mean([row[name] for row in rows]):.4g}" for name, words in LABELS.items() if name in rows[0])
    return ", ".join(means)
