"""From how a fit ended to its record."""

from typing import Any

from bakeoff.engines.dispatch import FinishedFit
from bakeoff.evaluation.evaluate import FitResult
from bakeoff.records.record import Record


def to_record(finished: FinishedFit, versions: dict[str, str]) -> Record:
    """Turn how a fit's process ended into its record.

    Parameters
    ----------
    finished : FinishedFit
    versions : dict
        Of the process that asked for the fit; the record takes those of the fit's own, where it came to say them.
    """
    job, outcome = finished.job, finished.outcome
    result = outcome.value if isinstance(outcome.value, FitResult) else None
    cost: dict[str, float] = {"wall_s": outcome.wall_s, "cpu_s": outcome.cpu_s}
    if outcome.peak_mb is not None:
        cost["peak_mb"] = round(outcome.peak_mb, 1)
    history: dict[str, object] = {}
    if finished.hosts:
        history["host"] = finished.hosts[-1]
    if len(finished.hosts) > 1:
        history["attempts"] = len(finished.hosts)
    if finished.lost_reasons:
        history["lost"] = list(finished.lost_reasons)
    fit_diagnostics: dict[str, Any] = (
        result.diagnostics if result else {"threads": job.settings.threads, "device": job.device}
    )
    if "earlier_cpu_s" in fit_diagnostics:  # spent on the study by processes that died before
        cost["cpu_s"] = round(cost["cpu_s"] + fit_diagnostics["earlier_cpu_s"], 4)
    return job.record(
        status="error" if result and result.failure else outcome.status,
        reason=result.failure if result and result.failure else outcome.reason,
        traceback=outcome.traceback,
        metrics=result.metrics if result else {},
        diagnostics=cost | history | fit_diagnostics,
        params=result.params if result else {},
        versions=result.versions if result else versions,
    )
