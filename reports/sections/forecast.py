"""What was foreseen of a run against what it took."""

from bakeoff.reports.formats import format_seconds
from bakeoff.reports.run_data.run import Run


def render_forecast(view: Run) -> str | None:
    """Compare the forecast with the records, over the fits of which both know; None if there are none.

    Seconds of all fits are summed, whatever ran beside them; memory is that of the largest fit.
    """
    foreseen = {
        (row["dataset"], row["model"], row["variant"], row.get("train_fraction", 1.0)): row
        for row in view.forecast
        if not row["stopped"]
    }
    groups = [(one.dataset, one.model, one.variant, one.train_fraction) for one in view.records.values()]
    known = [one for one, group in zip(view.records.values(), groups, strict=True) if group in foreseen]
    rows = [foreseen[group] for group in groups if group in foreseen]
    needed = sum(float(one.diagnostics.get("wall_s") or 0) for one in known)
    if not needed:
        return None
    seconds = sum(float(row["seconds"]) for row in rows)
    before = max(float(row.get("peak_mb") or 0) for row in rows)
    after = max(float(one.diagnostics.get("peak_mb") or 0) for one in known)
    left_out = len(view.records) - len(known)
    beside = f"; {left_out} fits that were not foreseen, or only to their limit, are left out" if left_out else ""
    return (
        f"{format_seconds(seconds)} of fits were foreseen, {format_seconds(needed)} were needed "
        f"({(seconds - needed) / needed:+.0%}); largest fit {before:.0f} MB foreseen, {after:.0f} MB needed{beside}"
    )
