"""The command line: parse, print, exit code. Everything heavy is imported inside the command that needs it.

Exit codes: 0 all well, 1 some fits failed, 2 the user's mistake, 130 interrupted (records kept).
"""

import re
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from bakeoff.cli_options import (
    Dask,
    Data,
    Datasets,
    Drop,
    FailFast,
    FitsPerGpu,
    Groups,
    InProcess,
    MixedVersions,
    Models,
    Out,
    Positive,
    Retries,
    RetryFailed,
    RunPath,
    Set,
    ShardOf,
    SuiteName,
    Target,
    Task,
    Time,
    Tracking,
    TrackingUri,
    Workers,
)
from bakeoff.console import build_console, print_all
from bakeoff.errors import UserError, unknown_name
from bakeoff.interrupts import INTERRUPTED, end_promptly, leave

OK, SOME_FAILED, USER_ERROR = 0, 1, 2

app = typer.Typer(
    name="bakeoff",
    help="Does deep learning beat classical machine learning on your data, by how much, at what cost, and is it real?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
        leave()
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
    dask: Dask = None,
    shard: ShardOf = None,
    in_process: InProcess = False,
    fits_per_gpu: FitsPerGpu = 1,
    models: Models = None,
    datasets: Datasets = None,
    tracking_uri: TrackingUri = None,
    tracking: Tracking = True,
    fail_fast: FailFast = False,
    retry_failed: RetryFailed = False,
    retries: Retries = 1,
    mixed_versions: MixedVersions = False,
) -> int:
    """Run a suite; fits that are recorded already are not run again."""
    from bakeoff.api import run_suite
    from bakeoff.progress import build_progress

    end_promptly()
    with build_progress(build_console()) as progress:
        result = run_suite(
            suite,
            out=out,
            models=_split(models),
            datasets=_split(datasets),
            shard=shard,
            workers=workers,
            dask=dask,
            in_process=in_process,
            fits_per_gpu=fits_per_gpu,
            retries=retries,
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
    dask: Dask = None,
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
    end_promptly()
    with build_progress(build_console()) as progress:
        result = run_suite(
            content,
            out=out,
            workers=workers,
            dask=dask,
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
        print_all(*dataset_tables(about))


@app.command()
def check(
    suite: SuiteName,
    *,
    models: Models = None,
    datasets: Datasets = None,
    forecast: Annotated[
        bool, typer.Option("--forecast", help="Fit one fold of each model on each data set, and predict the run.")
    ] = False,
    limit: Annotated[
        float, typer.Option(min=0.1, help="Seconds after which a dry run of the forecast is stopped.")
    ] = 30,
    out: Out = None,
    workers: Workers = None,
) -> int:
    """Validate a suite and print what would run, what is skipped, and why; on request, how long it would take."""
    from bakeoff.plan import make_plan, select
    from bakeoff.suite_file import to_suite
    from bakeoff.terminal import plan_tables

    chosen = select(to_suite(suite), models=_split(models), datasets=_split(datasets))
    plan = make_plan(chosen)
    print_all(*plan_tables(plan))
    return _forecast(plan, limit, out, workers) if forecast else OK


def _forecast(plan: Any, limit: float, out: Path | None, workers: int | None) -> int:
    """Print a forecast and keep it where the run will find it."""
    from bakeoff.api import folder_of
    from bakeoff.folder import FORECAST
    from bakeoff.forecast import make_forecast
    from bakeoff.options import Options
    from bakeoff.progress import build_progress
    from bakeoff.terminal import forecast_tables

    end_promptly()
    folder = folder_of(plan.suite, out)
    folder.check_usable()
    with build_progress(build_console()) as progress:
        made = make_forecast(plan, limit_s=limit, options=Options(workers=workers), progress=progress)
    folder.create()
    folder.write_json(FORECAST, made.as_dict())
    print_all(*forecast_tables(made), f"forecast  {folder.path / FORECAST}: the run starts with the longest fits")
    return SOME_FAILED if any(row.status not in ("ok", "timeout") for row in made.rows) else OK


@app.command()
def merge(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders of parts of one suite.")],
    *,
    out: Annotated[Path, typer.Option(help="Run folder to write, or to add to.")],
    mixed_versions: MixedVersions = False,
) -> int:
    """Join runs of parts of one suite, such as shards, into one run; refuse what does not belong together."""
    from bakeoff.folder import RunFolder, open_run
    from bakeoff.merging import merge_runs

    merged = merge_runs([open_run(run) for run in runs], RunFolder(out), mixed_versions=mixed_versions)
    print_all(
        *(f"note: {note}" for note in merged.notes),
        f"{merged.recorded} of {merged.planned} fits are recorded",
        f"run       {out}",
        f"report    {merged.folder.html}",
    )
    return OK if merged.recorded == merged.planned else SOME_FAILED


@app.command("list")
def list_(what: Annotated[str, typer.Argument(metavar="WHAT", help="models, datasets, suites or metrics")]) -> None:
    """List what has a name: models, datasets, suites or metrics."""
    from bakeoff.terminal import LISTINGS, listing

    if what not in LISTINGS:
        raise UserError(unknown_name("listing", what, LISTINGS))
    print_all(listing(what))


@app.command()
def show(run: RunPath) -> int:
    """Show the ranked tables of a run and its failures."""
    from bakeoff.api import load_run
    from bakeoff.terminal import run_tables

    result = load_run(run)
    print_all(*run_tables(result))
    return SOME_FAILED if len(result.failures) else OK


@app.command()
def report(run: RunPath) -> None:
    """Write report.html and report.md of a run again, from its records."""
    from bakeoff.folder import open_run
    from bakeoff.reports import write_reports

    folder = open_run(run)
    write_reports(folder)
    print_all(f"report    {folder.html}", f"          {folder.markdown}")


@app.command()
def track(run: RunPath, *, tracking_uri: TrackingUri = None) -> None:
    """Bring MLflow up to date with a run; what is there already is not logged again."""
    from bakeoff.folder import open_run
    from bakeoff.tracking import default_uri, mirror

    folder = open_run(run)
    done = mirror(folder, tracking_uri or default_uri(folder))
    print_all(
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

    serve(runs, tracking_uri, port, print_all)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(metavar="RUN_A", help="Run folder to compare with.")],
    after: Annotated[Path, typer.Argument(metavar="RUN_B", help="Run folder of the same models on the same splits.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Say which models changed from one run to another; exit code 1 if one got significantly worse, or fails now."""
    import json

    from bakeoff.folder import open_run
    from bakeoff.records import to_plain
    from bakeoff.reports.diff import compare_runs
    from bakeoff.reports.tables import load_run_view
    from bakeoff.terminal_again import diff_tables

    changes = compare_runs(*(load_run_view(open_run(run)) for run in (before, after)))
    if as_json:
        print(json.dumps(to_plain([change.as_dict() for change in changes]), indent=2, ensure_ascii=False))
    else:
        print_all(*diff_tables(changes))
    return SOME_FAILED if any(change.is_worse for change in changes) else OK


@app.command()
def rerun(
    run: RunPath,
    fit: Annotated[
        str, typer.Argument(metavar="FIT", help="Id of a fit, as the report names it; its beginning will do.")
    ],
    *,
    pdb: Annotated[bool, typer.Option("--pdb", help="Open Python's debugger where the fit fails.")] = False,
) -> int:
    """Run one recorded fit again in the foreground, without limits, and say whether it comes out the same."""
    from bakeoff.folder import open_run
    from bakeoff.reproduce import rerun_fit
    from bakeoff.terminal_again import repeated_lines

    try:
        repeated = rerun_fit(open_run(run), fit, debug=pdb)
    except Exception as error:
        if not pdb or isinstance(error, UserError):
            raise
        import pdb as debugger

        debugger.post_mortem(error.__traceback__)
        return SOME_FAILED
    print_all(*repeated_lines(repeated))
    return OK if repeated.same else SOME_FAILED


@app.command()
def verify(
    run: RunPath,
    *,
    sample: Annotated[int, typer.Option(min=1, help="Fits to run again.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the sample.")] = 0,
) -> int:
    """Run a sample of the fits again and write into the report how many came out the same to the last bit."""
    from bakeoff.folder import open_run
    from bakeoff.reports import write_reports
    from bakeoff.reproduce import verify_run
    from bakeoff.terminal_again import repeated_lines

    end_promptly()
    folder = open_run(run)
    found = verify_run(folder, sample=sample, seed=seed, tell=lambda one: print_all(*repeated_lines(one)))
    write_reports(folder)
    print_all(
        f"{found['equal']} of {found['repeated']} fits came out the same to the last bit", f"report    {folder.html}"
    )
    return OK if found["equal"] == found["repeated"] else SOME_FAILED


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
    print_all(f"model     {path}", "load it with joblib.load; only load files that you trust: they can run code")


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

    print_all(facts(examine()))


def _close(result: Any) -> int:
    """Print what a run came to and return the exit code."""
    from bakeoff.terminal import closing

    print_all(*closing(result))
    return SOME_FAILED if result.finished.failed else OK


def _split(values: list[str] | None) -> list[str]:
    names = [name.strip() for value in values or [] for name in value.split(",") if name.strip()]
    if values and not names:
        raise UserError(f"names, separated by commas, are needed; got {values[0]!r}")
    return names


if __name__ == "__main__":
    main()
