"""Runs that are recorded: `merge` and `load_run`."""

from collections.abc import Sequence
from pathlib import Path

from bakeoff.api.result import RunResult
from bakeoff.records.run_folder import RunFolder, open_run


def merge(parts: str | Path | Sequence[str | Path], out: str | Path, *, mixed_versions: bool = False) -> RunResult:
    """Join runs of parts of one suite into one run folder, and write its reports.

    Raises
    ------
    UserError
        If a part is no run, or the parts do not belong together.
    """
    from bakeoff.recorded_runs.merging import merge_runs

    named = [parts] if isinstance(parts, str | Path) else parts
    return RunResult(
        merge_runs([open_run(part) for part in named], RunFolder(Path(out)), mixed_versions=mixed_versions).folder
    )


def load_run(path: str | Path) -> RunResult:
    """Load the folder of a run, finished or not.

    Raises
    ------
    UserError
        If there is no run.
    """
    return RunResult(open_run(path))
