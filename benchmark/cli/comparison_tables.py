"""What `diff`, `rerun` and `verify` show: fits beside what they were in another run, or when they ran first."""

import math
from collections.abc import Iterable, Sequence

from rich.console import RenderableType
from rich.text import Text

from bakeoff.cli.tables import build_table
from bakeoff.recorded_runs.reproduce import RerunResult, describe_changes
from bakeoff.records.record import Record
from bakeoff.reports.formats import NO_VALUE, decimals_for, format_difference, format_value
from bakeoff.reports.verdicts.diff import CellChange


def diff_tables(changes: Sequence[CellChange]) -> list[RenderableType]:
    """Return what `diff` shows: each cell that two runs share, and how many got worse."""
    table = build_table("data set", "model", "variant", "metric", "before", "after", "ahead by", "p", "change")
    for one in changes:
        spread = (one.difference.high - one.difference.low) / 4 if one.difference else math.nan
        decimals = decimals_for([one.before, one.after], [spread])
        ahead = format_difference(one.difference.mean if one.difference else math.nan, decimals)
        values = (format_value(one.before, decimals), format_value(one.after, decimals), ahead, _p_of(one))
        style = "red" if one.is_worse else "green" if one.change == "better" else ""
        cells = (one.dataset, one.model, one.variant, one.metric, *values)
        table.add_row(*map(Text, cells), Text(one.change, style))
    worse = sum(one.is_worse for one in changes)
    untested = dict.fromkeys(f"{one.dataset}: no test, for {one.why}" for one in changes if one.why)
    tests = "corrected t-test over folds, bootstrap or McNemar's test over rows of fixed and ordered splits"
    return [
        table,
        Text(""),
        *map(Text, untested),
        Text(f"{len(changes)} compared, {worse} worse ({tests}; Holm over all, 5 %)", "bold"),
    ]


def _p_of(change: CellChange) -> str:
    return f"{change.p_value:.3f}" if math.isfinite(change.p_value) else NO_VALUE


def repeated_lines(repeated: RerunResult) -> Iterable[str]:
    """Yield what `rerun` and `verify` say of a fit that ran once more."""
    before, now = repeated.before, repeated.now
    if repeated.same:
        yield f"same      {before.fit}  {before.label}"
        return
    yield f"different {before.fit}  {before.label}"
    if before.status != now.status:
        yield f"          before {_ended_how(before)}, now {_ended_how(now)}"
    for name, (one, other) in repeated.differences.items():
        yield f"          {name}: {one} before, {other} now"
    if before.params != now.params and not repeated.differences:
        yield f"          parameters: {dict(before.params)} before, {dict(now.params)} now"
    changed = describe_changes(before)
    if changed:
        yield f"          it ran under other versions: {', '.join(changed)}"


def _ended_how(record: Record) -> str:
    return f"{record.status} ({record.reason})" if record.reason else record.status
