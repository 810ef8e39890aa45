"""The options and arguments of the command line, each said once."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from bakeoff.errors import UserError


def parse_workers(text: str) -> int | None:
    """Read a number of workers; `auto` is None."""
    if str(text).strip().lower() == "auto":
        return None
    if not str(text).strip().isdigit() or int(text) < 1:
        raise typer.BadParameter(f"a number from 1, or auto; got {text!r}")
    return int(text)


def parse_increment(text: str) -> int:
    """Read `+50`: how many more."""
    if not re.fullmatch(r"\+[1-9]\d{0,5}", text.strip()):
        raise typer.BadParameter(f"how many more, with a plus, such as +5; got {text!r}")
    return int(text)


def split_names(values: list[str] | None, what: str = "names") -> list[str]:
    """Return the names of options that are repeated, or hold several separated by commas.

    Raises
    ------
    UserError
        If they are given but hold none.
    """
    names = [name.strip() for value in values or [] for name in value.split(",") if name.strip()]
    if values and not names:
        raise UserError(f"{what}, separated by commas, are needed; got {values[0]!r}")
    return names


def complete_names(what: str) -> Callable[[str], list[str]]:
    """Return what a shell asks for names that begin alike, of models, datasets, suites or metrics."""

    def complete(incomplete: str) -> list[str]:
        from bakeoff.cli.listings import LISTINGS

        return [row["name"] for row in LISTINGS[what]() if row["name"].startswith(incomplete)]

    return complete


def complete_listing(incomplete: str) -> list[str]:
    """Return the sorts of names that begin alike."""
    from bakeoff.cli.listings import LISTINGS

    return [name for name in LISTINGS if name.startswith(incomplete)]


def _more(what: str) -> Any:
    return typer.Option(parser=parse_increment, metavar="+N", help=what, show_default=False)


MoreTrials = Annotated[int | None, _more("So many more trials for each study, such as +50.")]
MoreFolds = Annotated[int | None, _more("So many more outer folds, as whole repeats.")]
MoreRepeats = Annotated[int | None, _more("So many more repeats of the outer folds.")]
MoreModels = Annotated[
    list[str] | None,
    typer.Option(
        "--models",
        metavar="+NAME",
        help="More models, such as +lstm; repeat it or separate with commas.",
        show_default=False,
    ),
]
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
    list[str] | None,
    typer.Option(
        help="Only these models; repeat it or separate with commas.",
        autocompletion=complete_names("models"),
        show_default=False,
    ),
]
Datasets = Annotated[
    list[str] | None,
    typer.Option(
        help="Only these data sets; repeat it or separate with commas.",
        autocompletion=complete_names("datasets"),
        show_default=False,
    ),
]
ListingName = Annotated[
    str,
    typer.Argument(
        metavar="WHAT", help="models, datasets, suites or metrics", autocompletion=complete_listing, show_default=False
    ),
]
LearningCurve = Annotated[
    list[str] | None,
    typer.Option(
        "--learning-curve",
        metavar="SHARES",
        help="Train at these shares of the training part, too, such as 5%,10%,25%,50%.",
        show_default=False,
    ),
]
TrackingUri = Annotated[
    str | None,
    typer.Option(help="MLflow tracking URI; MLFLOW_TRACKING_URI or mlflow.db beside the runs.", show_default=False),
]
LogModels = Annotated[
    bool, typer.Option("--log-models", help="Refit every model on all rows and log it to MLflow, ready to be served.")
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
        help="A file, a folder of images, a name of `bakeoff list datasets`, openml:31, openml-task:31, or "
        "huggingface:OWNER/NAME.",
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
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON on standard output; what goes on is told on standard error.")
]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/quickstart.")]
SuiteName = Annotated[
    str, typer.Argument(metavar="SUITE", help="A YAML file, or a shipped suite: quickstart, smoke, full.")
]
