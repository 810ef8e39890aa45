"""Metrics that a suite names after a fit has run, computed from the predictions that the fit left.

Other metrics are in no key of a fit, so a finished fit is not run again for them.
"""

from dataclasses import replace

from bakeoff.protocol.job import Job
from bakeoff.protocol.metrics import METRICS, compute_metrics
from bakeoff.protocol.predictions import Predictions
from bakeoff.records.record import Record
from bakeoff.records.run_folder import RunFolder


def add_metrics(folder: RunFolder, job: Job, record: Record) -> Record | None:
    """Return the record with the user's metrics that it lacks, or None if it lacks none that can be computed.

    The standard metrics are computed by every fit: where one is absent, the model can't have it.
    """
    own = {name: metric for name, metric in job.metrics.items() if name not in METRICS and name not in record.metrics}
    arrays = folder.read_predictions(record.fit) if own and record.ok else {}
    if not arrays:
        return None
    added = compute_metrics(Predictions.from_arrays(arrays, job.positive), own)
    return replace(record, metrics={**record.metrics, **added}) if added else None
