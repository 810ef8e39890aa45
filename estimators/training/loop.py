"""The training loop over epochs: whatever is to be trained goes through here, one replica or all folds."""

from collections.abc import Callable, Sequence

from bakeoff.estimators.training.objectives import Objective
from bakeoff.estimators.training.replica_group import Augment, Replica, ReplicaGroup
from bakeoff.estimators.training.replica_grouping import group_replicas


def train(
    replicas: Sequence[Replica],
    objective: Objective,
    augment: Augment | None = None,
    on_epoch: Callable[[int], None] | None = None,
) -> None:
    """Train replicas until all are done; their networks hold the outcome.

    With validation rows a replica ends with the weights of its best epoch by them, without with its last.

    Parameters
    ----------
    replicas : sequence of Replica
        Changed in place.
    objective : Objective
    augment : callable, optional
        As in `ReplicaGroup`.
    on_epoch : callable, optional
        Called with the number of the epoch after each; the replicas' networks then show their present weights. What
        it raises ends the training.

    Raises
    ------
    ConvergenceError
        When the loss of a replica stops being finite and no earlier weights give a finite one.
    """
    groups = [ReplicaGroup(members, objective, augment) for members in group_replicas(replicas)]
    epoch = 0
    while groups:
        epoch += 1
        for group in groups:
            group.run_epoch()
        if on_epoch is not None:
            on_epoch(epoch)
        groups = [group for group in groups if group.replicas]
