"""From how a fit ended to its record."""

from typing import Any

from bakeoff.engines.engine import FinishedFit
from bakeoff.evaluation.evaluate import Result
from bakeoff.records.record import Record


def to_record(ended: FinishedFit, versions: dict[str, str]) -> Record:
    """Turn how a fit's process ended into its record.

    Parameters
    ----------
    ended : FinishedFit
    versions : dict
        Of the process that asked for the fit; the record takes those of the fit's own, where it came to say them.
    """
    job, outcome = ended.job, ended.outcome
    result = outcome.value if isinstance(outcome.value, Result) else None
    cost: dict[str, float] = {"wall_s": outcome.wall_s, "cpu_s": outcome.cpu_s}
    if outcome.peak_mb is not None:
        cost["peak_mb"] = round(outcome.peak_mb, 1)
    history: dict[str, object] = {}
    if ended.starts:
        history["host"] = ended.starts[-1]
    if len(ended.starts) > 1:
        history["attempts"] = len(ended.starts)
    if ended.losses:
        history["lost"] = list(ended.losses)
    told: dict[str, Any] = result.diagnostics if result else {"threads": job.settings.threads, "device": job.device}
    if "earlier_cpu_s" in told:  # spent on the study by processes that died before
        cost["cpu_s"] = round(cost["cpu_s"] + told["earlier_cpu_s"], 4)
    return job.record(
        status="error" if result and result.failure else outcome.status,
        reason=result.failure if result and result.failure else outcome.reason,
        traceback=outcome.traceback,
        metrics=result.metrics if result else {},
        diagnostics=cost | history | told,
        params=result.params if result else {},
        versions=result.versions if result else versions,
    )
