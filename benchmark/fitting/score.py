"""The primary score of predictions, by which trials, ensembles and columns are judged: bigger is better."""

from bakeoff.protocol.job import Job
from bakeoff.protocol.metrics import compute_metrics
from bakeoff.protocol.predictions import Predictions


def score_primary(job: Job, predictions: Predictions) -> float:
    """Return the primary score, bigger is better.

    Raises
    ------
    ValueError
        If these predictions can't have it.
    """
    metric = job.metrics[job.primary]
    values = compute_metrics(predictions, {job.primary: metric})
    if job.primary not in values:
        raise ValueError(
            f"the primary metric {job.primary} can't be computed: the model gives no "
            f"{metric.needs}, or a class is absent"
        )
    return metric.score(values[job.primary])
