"""The command line: parse, print, exit code. Everything heavy is imported inside the command that needs it.

Exit codes: 0 all well, 1 some fits failed, 2 the user's mistake, 130 interrupted (records kept).
"""

import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from bakeoff.cli.console import build_console, print_all, print_json
from bakeoff.cli.exits import INTERRUPTED, OK, SOME_FAILED, USER_ERROR, exit_interrupted, exit_promptly
from bakeoff.cli.inspect_commands import inspect_app
from bakeoff.cli.option_groups import DatasetOptions, RunningOptions, takes
from bakeoff.cli.options import (
    Data,
    Datasets,
    FailFast,
    FitsPerGpu,
    InProcess,
    LearningCurve,
    MixedVersions,
    Models,
    MoreFolds,
    MoreModels,
    MoreRepeats,
    MoreTrials,
    Out,
    Retries,
    RunPath,
    ShardOf,
    SuiteName,
    split_names,
)
from bakeoff.cli.result_commands import result_app
from bakeoff.errors import UserError

if TYPE_CHECKING:
    from bakeoff.engines.observers import Progress

app = typer.Typer(
    name="bakeoff",
    help="Does deep learning beat classical machine learning on your data, by how much, at what cost, and is it real?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(inspect_app)
app.add_typer(result_app)


def main() -> NoReturn:
    """Run the command line and exit; a user's mistake is told without a traceback."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # batch systems send it: like Ctrl-C
    code: Any = OK
    try:
        code = app(prog_name="bakeoff", standalone_mode=False)
    except UserError as error:
        for problem in error.problems:
            print(f"bakeoff: error: {problem}", file=sys.stderr)
        code = USER_ERROR
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        code = OK  # the reader of a pipe left
        sys.stderr.close()
    except Exception as error:
        if not hasattr(error, "show"):  # typer's own errors know how to show themselves
            raise
        error.show()
        code = USER_ERROR
    if code == INTERRUPTED:  # typer turns Ctrl-C into this code itself
        exit_interrupted()
    sys.exit(code or OK)


@app.callback(invoke_without_command=True)
def _version(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False
) -> None:
    if version:
        from bakeoff import __version__

        print(__version__)
        raise typer.Exit


@app.command()
@takes(how=RunningOptions)
def run(
    suite: SuiteName,
    *,
    out: Out = None,
    shard: ShardOf = None,
    in_process: InProcess = False,
    fits_per_gpu: FitsPerGpu = 1,
    models: Models = None,
    datasets: Datasets = None,
    learning_curve: LearningCurve = None,
    fail_fast: FailFast = False,
    retries: Retries = 1,
    mixed_versions: MixedVersions = False,
    how: RunningOptions,
) -> int:
    """Run a suite; fits that are recorded already are not run again."""
    from bakeoff.api import run_suite

    with _display(how) as progress:
        result = run_suite(
            suite,
            out=out,
            models=split_names(models),
            datasets=split_names(datasets),
            learning_curve=split_names(learning_curve, "shares") or None,
            shard=shard,
            in_process=in_process,
            fits_per_gpu=fits_per_gpu,
            retries=retries,
            fail_fast=fail_fast,
            mixed_versions=mixed_versions,
            progress=progress,
            **how.for_api(),
        )
    return _close(result, how.as_json)


@app.command()
@takes(how=RunningOptions)
def extend(
    run: RunPath,
    *,
    trials: MoreTrials = None,
    folds: MoreFolds = None,
    repeats: MoreRepeats = None,
    models: MoreModels = None,
    mixed_versions: MixedVersions = False,
    how: RunningOptions,
) -> int:
    """Go on with a run, with more trials, repeats or models; no finished fit runs again, and studies go on."""
    from bakeoff import api

    with _display(how) as progress:
        result = api.extend(
            run,
            trials=trials or 0,
            folds=folds or 0,
            repeats=repeats or 0,
            models=[name.removeprefix("+") for name in split_names(models)],
            mixed_versions=mixed_versions,
            progress=progress,
            **how.for_api(),
        )
    return _close(result, how.as_json)


@app.command()
@takes(about=DatasetOptions, how=RunningOptions)
def compare(
    data: Data,
    *,
    about: DatasetOptions,
    models: Models = None,
    folds: Annotated[int, typer.Option(min=2, help="Outer folds.")] = 5,
    trials: Annotated[int, typer.Option(min=0, help="Tuning trials; 0 runs the default parameters only.")] = 0,
    learning_curve: LearningCurve = None,
    importance: Annotated[
        bool, typer.Option("--importance", help="Also measure how much each column matters to each model.")
    ] = False,
    calibrate: Annotated[
        str, typer.Option(metavar="none|temperature|isotonic", help="Calibrate classifiers, on training rows.")
    ] = "none",
    threshold: Annotated[
        str, typer.Option(metavar="default|tuned", help="Choose the threshold of binary classifiers there, too.")
    ] = "default",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    out: Out = None,
    how: RunningOptions,
) -> int:
    """Compare models on one data set, without a suite."""
    from bakeoff.api import run_suite
    from bakeoff.cli.dataset_options import dataset_entry

    name = re.sub(r"[^\w .-]", "-", Path(data).name.split(".")[0])[:80] or "data"
    content = {
        "name": f"compare-{name}",
        "datasets": [dataset_entry(data, about.read())],
        "models": split_names(models) or ["all"],
        "variants": ["default", "tuned"] if trials else ["default"],
        "outer_folds": folds,
        "tuning": {"trials": max(trials, 1)},
        "score_defaults": not trials,
        "importance": importance,
        "calibrate": calibrate,
        "threshold": threshold,
        "seed": seed,
    }
    curve = split_names(learning_curve, "shares") or None
    with _display(how) as progress:
        result = run_suite(content, out=out, learning_curve=curve, progress=progress, **how.for_api())
    return _close(result, how.as_json)


@contextmanager
def _display(how: RunningOptions) -> Iterator["Progress"]:
    """Show how a run goes on, and end it promptly when asked to."""
    from bakeoff.cli.progress import build_progress

    exit_promptly()
    with build_progress(build_console(stderr=how.as_json)) as progress:
        yield progress


def _close(result: Any, as_json: bool) -> int:
    """Print what a run came to and return the exit code."""
    if as_json:
        print_json(result.as_dict())
    else:
        from bakeoff.cli.tables import summary_tables

        print_all(*summary_tables(result))
    return SOME_FAILED if result.finished.failed or result.finished.not_logged else OK
