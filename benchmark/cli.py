"""The command line: parse, print, exit code. Everything heavy is imported inside the command that needs it.

Exit codes: 0 all well, 1 some fits failed, 2 the user's mistake, 130 interrupted (records kept).
"""

import os
import re
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from bakeoff.errors import UserError, unknown_name

OK, SOME_FAILED, USER_ERROR, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="bakeoff",
    help="Does deep learning beat classical machine learning on your data, by how much, at what cost, and is it real?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Out = Annotated[Path | None, typer.Option(help="Run folder; runs/NAME if left out.", show_default=False)]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Fits at once; cores // threads if left out.", show_default=False)
]
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
    bool, typer.Option("--mixed-versions", help="Go on with a run that other library versions began.")
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


def main() -> NoReturn:
    """Run the command line and exit; a user's mistake is told without a traceback."""
    signal.signal(signal.SIGTERM, _interrupt)
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
        print("bakeoff: interrupted; what is recorded is kept, and the same command goes on from it", file=sys.stderr)
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
def run(
    suite: SuiteName,
    *,
    out: Out = None,
    workers: Workers = None,
    models: Models = None,
    datasets: Datasets = None,
    tracking_uri: TrackingUri = None,
    tracking: Tracking = True,
    fail_fast: FailFast = False,
    retry_failed: RetryFailed = False,
    mixed_versions: MixedVersions = False,
) -> int:
    """Run a suite; fits that are recorded already are not run again."""
    from bakeoff.api import run_suite
    from bakeoff.progress import build_progress

    with build_progress(_console()) as progress:
        result = run_suite(
            suite,
            out=out,
            models=_split(models),
            datasets=_split(datasets),
            workers=workers,
            retry_failed=retry_failed,
            fail_fast=fail_fast,
            mixed_versions=mixed_versions,
            tracking=tracking,
            tracking_uri=tracking_uri,
            progress=progress,
        )
    return _close(result)


@app.command()
def compare(
    data: Data,
    *,
    target: Target = None,
    task: Task = None,
    positive: Positive = None,
    drop: Drop = None,
    groups: Groups = None,
    time: Time = None,
    set_: Set = None,
    models: Models = None,
    folds: Annotated[int, typer.Option(min=2, help="Outer folds.")] = 5,
    trials: Annotated[int, typer.Option(min=0, help="Tuning trials; 0 runs the default parameters only.")] = 0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    out: Out = None,
    workers: Workers = None,
    tracking_uri: TrackingUri = None,
    tracking: Tracking = True,
    retry_failed: RetryFailed = False,
) -> int:
    """Compare models on one data set, without a suite."""
    from bakeoff.api import run_suite
    from bakeoff.data_words import entry_of, read_words
    from bakeoff.progress import build_progress

    words = read_words(target, task, positive, _split(drop), groups, time, set_)
    name = re.sub(r"[^\w .-]", "-", Path(data).name.split(".")[0])[:80] or "data"
    content = {
        "name": f"compare-{name}",
        "datasets": [entry_of(data, words)],
        "models": _split(models) or ["all"],
        "variants": ["default", "tuned"] if trials else ["default"],
        "outer_folds": folds,
        "tuning": {"trials": max(trials, 1)},
        "seed": seed,
    }
    with build_progress(_console()) as progress:
        result = run_suite(
            content,
            out=out,
            workers=workers,
            retry_failed=retry_failed,
            tracking=tracking,
            tracking_uri=tracking_uri,
            progress=progress,
        )
    return _close(result)


@app.command()
def describe(
    data: Data,
    *,
    target: Target = None,
    task: Task = None,
    positive: Positive = None,
    drop: Drop = None,
    groups: Groups = None,
    time: Time = None,
    set_: Set = None,
    folds: Annotated[int, typer.Option(min=2, help="Outer folds that the audit has in mind.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what a data set holds, what was inferred from it, and what is odd about it."""
    import json

    from bakeoff.data_words import read_words
    from bakeoff.datasets import load
    from bakeoff.datasets.describe import describe as described
    from bakeoff.terminal import dataset_tables

    words = read_words(target, task, positive, _split(drop), groups, time, set_)
    about = described(load(data, **words), folds=folds)
    if as_json:
        print(json.dumps(about, indent=2, ensure_ascii=False, default=str))
    else:
        _show(*dataset_tables(about))


@app.command()
def check(suite: SuiteName, *, models: Models = None, datasets: Datasets = None) -> None:
    """Validate a suite and print what would run, what is skipped, and why."""
    from bakeoff.plan import make_plan, select
    from bakeoff.suite_file import to_suite
    from bakeoff.terminal import plan_tables

    plan = make_plan(select(to_suite(suite), models=_split(models), datasets=_split(datasets)))
    _show(*plan_tables(plan))


@app.command("list")
def list_(what: Annotated[str, typer.Argument(metavar="WHAT", help="models, datasets, suites or metrics")]) -> None:
    """List what has a name: models, datasets, suites or metrics."""
    from bakeoff.terminal import LISTINGS, listing

    if what not in LISTINGS:
        raise UserError(unknown_name("listing", what, LISTINGS))
    _show(listing(what))


@app.command()
def show(run: RunPath) -> int:
    """Show the ranked tables of a run and its failures."""
    from bakeoff.api import load_run
    from bakeoff.terminal import run_tables

    result = load_run(run)
    _show(*run_tables(result))
    return SOME_FAILED if len(result.failures) else OK


@app.command()
def report(run: RunPath) -> None:
    """Write report.html and report.md of a run again, from its records."""
    from bakeoff.folder import open_run
    from bakeoff.reports import write_reports

    folder = open_run(run)
    write_reports(folder)
    _show(f"report    {folder.html}", f"          {folder.markdown}")


@app.command()
def track(run: RunPath, *, tracking_uri: TrackingUri = None) -> None:
    """Bring MLflow up to date with a run; what is there already is not logged again."""
    from bakeoff.folder import open_run
    from bakeoff.tracking import default_uri, mirror

    folder = open_run(run)
    done = mirror(folder, tracking_uri or default_uri(folder))
    _show(
        f"{done.written} child runs written, {done.unchanged} unchanged, in the experiment "
        f"{done.experiment!r} of {done.uri}"
    )


@app.command()
def ui(
    *,
    runs: Annotated[Path, typer.Option(help="Folder of the runs, with mlflow.db in it.")] = Path("runs"),
    tracking_uri: TrackingUri = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 5000,
) -> None:
    """Open MLflow's own page on this machine; Ctrl-C stops it."""
    from bakeoff.ui import serve

    serve(runs, tracking_uri, port, _show)


@app.command()
def export(
    run: RunPath,
    *,
    dataset: Annotated[str, typer.Option(help="Data set of the run.")],
    model: Annotated[str, typer.Option(help="Model of the run.")],
    variant: Annotated[str, typer.Option(help="default or tuned.")] = "default",
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write; DATASET-MODEL-VARIANT.joblib in the run folder if left out.", show_default=False
        ),
    ] = None,
) -> None:
    """Refit a model of a run on all rows and save the pipeline with joblib."""
    from bakeoff.export import export_model
    from bakeoff.folder import open_run

    path = export_model(open_run(run), dataset=dataset, model=model, variant=variant, out=out)
    _show(f"model     {path}", "load it with joblib.load; only load files that you trust: they can run code")


@app.command()
def schema() -> None:
    """Print the JSON schema of suites, for editors."""
    import json

    from bakeoff.suite import Suite

    print(json.dumps(Suite.model_json_schema(), indent=2))


@app.command()
def doctor() -> None:
    """Print versions, threads, GPU and free memory, as fits would see them."""
    from bakeoff.doctor import examine
    from bakeoff.terminal import facts

    _show(facts(examine()))


def _close(result: Any) -> int:
    """Print what a run came to and return the exit code."""
    from bakeoff.terminal import closing

    _show(*closing(result))
    return SOME_FAILED if result.finished.failed else OK


def _console() -> Any:
    from rich.console import Console

    class Patient(Console):
        """Goes on silently when the reader of a pipe leaves: a run is not over because nobody looks."""

        def on_broken_pipe(self) -> None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return Patient()


def _show(*parts: Any) -> None:
    console = _console()
    for part in parts:
        console.print(part, highlight=False, markup=False, soft_wrap=isinstance(part, str))


def _split(values: list[str] | None) -> list[str]:
    names = [name.strip() for value in values or [] for name in value.split(",") if name.strip()]
    if values and not names:
        raise UserError(f"names, separated by commas, are needed; got {values[0]!r}")
    return names


def _interrupt(*_: object) -> None:
    """Treat SIGTERM, which schedulers send, like Ctrl-C."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
