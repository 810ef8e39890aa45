"""The options and arguments of the command line, each said once."""

from pathlib import Path
from typing import Annotated

import typer


def parse_workers(text: str) -> int | None:
    """Read a number of workers; `auto` is None."""
    if str(text).strip().lower() == "auto":
        return None
    if not str(text).strip().isdigit() or int(text) < 1:
        raise typer.BadParameter(f"a number from 1, or auto; got {text!r}")
    return int(text)


Out = Annotated[Path | None, typer.Option(help="Run folder; runs/NAME if left out.", show_default=False)]
Workers = Annotated[
    int | None,
    typer.Option(
        parser=parse_workers,
        metavar="N|auto",
        help="Fits at once; auto, and if left out: as many as the cores allow.",
        show_default=False,
    ),
]
Dask = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS|FILE|local",
        help="Run on a Dask cluster: its scheduler's address or file, or one on this machine.",
        show_default=False,
    ),
]
ShardOf = Annotated[
    str | None,
    typer.Option("--shard", metavar="K/N", help="Only the K-th of N parts; `merge` joins them.", show_default=False),
]
InProcess = Annotated[
    bool, typer.Option("--in-process", help="Every fit in this process, one by one, without limits: for debuggers.")
]
FitsPerGpu = Annotated[int, typer.Option(min=1, help="Fits at once on each GPU.")]
Retries = Annotated[int, typer.Option(min=0, help="How often a fit that was lost by no fault of its own runs again.")]
Models = Annotated[
    list[str] | None, typer.Option(help="Only these models; repeat it or separate with commas.", show_default=False)
]
Datasets = Annotated[
    list[str] | None, typer.Option(help="Only these data sets; repeat it or separate with commas.", show_default=False)
]
TrackingUri = Annotated[
    str | None,
    typer.Option(help="MLflow tracking URI; MLFLOW_TRACKING_URI or mlflow.db beside the runs.", show_default=False),
]
Tracking = Annotated[bool, typer.Option("--tracking/--no-tracking", help="Mirror the run to MLflow.")]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first fit that fails.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Run failed fits again.")]
MixedVersions = Annotated[
    bool,
    typer.Option(
        "--mixed-versions", help="Go on with a run that other library versions began, and take such workers and parts."
    ),
]
Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A file, a folder of images, a name of `bakeoff list datasets`, openml:31, or huggingface:OWNER/NAME.",
    ),
]
Target = Annotated[
    str | None, typer.Option(help="Column to predict, by name or position (-1 is the last).", show_default=False)
]
Task = Annotated[
    str | None, typer.Option(help="binary, multiclass or regression; inferred if left out.", show_default=False)
]
Positive = Annotated[str | None, typer.Option(help="Positive class of a binary task.", show_default=False)]
Drop = Annotated[
    list[str] | None, typer.Option(help="Columns to leave out; repeat it or separate with commas.", show_default=False)
]
Groups = Annotated[str | None, typer.Option(help="Column of groups that no split divides.", show_default=False)]
Time = Annotated[str | None, typer.Option(help="Column of time: train on the past only.", show_default=False)]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any other option of a data set in a suite, such as kind=text or 'categorical=[zip, year]'.",
        show_default=False,
    ),
]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/quickstart.")]
SuiteName = Annotated[
    str, typer.Argument(metavar="SUITE", help="A YAML file, or a shipped suite: quickstart, smoke, full.")
]
