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
    AsJson,
    Dask,
    Data,
    Datasets,
    Drop,
    FailFast,
    FitsPerGpu,
    Groups,
    InProcess,
    LearningCurve,
    LogModels,
    MixedVersions,
    Models,
    MoreFolds,
    MoreModels,
    MoreRepeats,
    MoreTrials,
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
    What,
    Workers,
)
from bakeoff.cli_results import results
from bakeoff.console import build_console, print_all, print_json
from bakeoff.errors import UserError, unknown_name
from bakeoff.exit_codes import INTERRUPTED, OK, SOME_FAILED, USER_ERROR
from bakeoff.interrupts import end_promptly, leave

app = typer.Typer(
    name="bakeoff",
    help="Does deep learning beat classical machine learning on your data, by how much, at what cost, and is it real?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(results)


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
    learning_curve: LearningCurve = None,
    tracking_uri: TrackingUri = None,
    tracking: Tracking = True,
    log_models: LogModels = False,
    fail_fast: FailFast = False,
    retry_failed: RetryFailed = False,
    retries: Retries = 1,
    mixed_versions: MixedVersions = False,
    as_json: AsJson = False,
) -> int:
    """Run a suite; fits that are recorded already are not run again."""
    from bakeoff.api import run_suite
    from bakeoff.progress import build_progress

    end_promptly()
    with build_progress(build_console(stderr=as_json)) as progress:
        result = run_suite(
            suite,
            out=out,
            models=_split(models),
            datasets=_split(datasets),
            learning_curve=_split(learning_curve, "shares") or None,
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
            log_models=log_models,
            progress=progress,
        )
    return _close(result, as_json)


@app.command()
def extend(
    run: RunPath,
    *,
    trials: MoreTrials = None,
    folds: MoreFolds = None,
    repeats: MoreRepeats = None,
    models: MoreModels = None,
    workers: Workers = None,
    dask: Dask = None,
    tracking_uri: TrackingUri = None,
    tracking: Tracking = True,
    log_models: LogModels = False,
    retry_failed: RetryFailed = False,
    mixed_versions: MixedVersions = False,
    as_json: AsJson = False,
) -> int:
    """Go on with a run, with more trials, repeats or models; no finished fit runs again, and studies go on."""
    from bakeoff.api import extend as extended
    from bakeoff.progress import build_progress

    end_promptly()
    with build_progress(build_console(stderr=as_json)) as progress:
        result = extended(
            run,
            trials=trials or 0,
            folds=folds or 0,
            repeats=repeats or 0,
            models=[name.removeprefix("+") for name in _split(models)],
            workers=workers,
            dask=dask,
            retry_failed=retry_failed,
            mixed_versions=mixed_versions,
            tracking=tracking,
            tracking_uri=tracking_uri,
            log_models=log_models,
            progress=progress,
        )
    return _close(result, as_json)


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
    learning_curve: LearningCurve = None,
    importance: Annotated[
        bool, typer.Option("--importance", help="Also measure how much each column matters to each model.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    out: Out = None,
    workers: Workers = None,
    dask: Dask = None,
    tracking_uri: TrackingUri = None,
    tracking: Tracking = True,
    log_models: LogModels = False,
    retry_failed: RetryFailed = False,
    as_json: AsJson = False,
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
        "score_defaults": not trials,
        "importance": importance,
        "seed": seed,
    }
    end_promptly()
    with build_progress(build_console(stderr=as_json)) as progress:
        result = run_suite(
            content,
            out=out,
            learning_curve=_split(learning_curve, "shares") or None,
            workers=workers,
            dask=dask,
            retry_failed=retry_failed,
            tracking=tracking,
            tracking_uri=tracking_uri,
            log_models=log_models,
            progress=progress,
        )
    return _close(result, as_json)


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
    as_json: AsJson = False,
) -> None:
    """Say what a data set holds, what was inferred from it, and what is odd about it."""
    from bakeoff.data_words import read_words
    from bakeoff.datasets import load
    from bakeoff.datasets.describe import describe as described
    from bakeoff.terminal import dataset_tables

    words = read_words(target, task, positive, _split(drop), groups, time, set_)
    about = described(load(data, **words), folds=folds)
    if as_json:
        print_json(about)
    else:
        print_all(*dataset_tables(about))


@app.command()
def check(
    suite: SuiteName,
    *,
    models: Models = None,
    datasets: Datasets = None,
    learning_curve: LearningCurve = None,
    forecast: Annotated[
        bool, typer.Option("--forecast", help="Fit one fold of each model on each data set, and predict the run.")
    ] = False,
    limit: Annotated[
        float, typer.Option(min=0.1, help="Seconds after which a dry run of the forecast is stopped.")
    ] = 30,
    out: Out = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> int:
    """Validate a suite and print what would run, what is skipped, and why; on request, how long it would take."""
    from bakeoff.plan import make_plan, select
    from bakeoff.suite_file import set_learning_curve, to_suite
    from bakeoff.terminal import forecast_tables, plan_tables

    chosen = select(to_suite(suite), models=_split(models), datasets=_split(datasets))
    if learning_curve:
        chosen = set_learning_curve(chosen, _split(learning_curve, "shares"))
    plan = make_plan(chosen)
    if not as_json:
        print_all(*plan_tables(plan))
    made, path = _forecast(plan, limit, out, workers, as_json) if forecast else (None, None)
    if as_json:
        print_json({**plan.summary(), **({"forecast": made.as_dict()} if made else {})})
    elif made:
        print_all(*forecast_tables(made), f"forecast  {path}: the run starts with the longest fits")
    return _code_of(made) if made else OK


def _code_of(made: Any) -> int:
    return SOME_FAILED if any(row.status not in ("ok", "timeout") for row in made.rows) else OK


def _forecast(plan: Any, limit: float, out: Path | None, workers: int | None, as_json: bool) -> tuple[Any, Path]:
    """Make a forecast and keep it where the run will find it."""
    from bakeoff.api import folder_of
    from bakeoff.folder import FORECAST
    from bakeoff.forecast import make_forecast
    from bakeoff.options import Options
    from bakeoff.progress import build_progress

    end_promptly()
    folder = folder_of(plan.suite, out)
    folder.check_usable()
    with build_progress(build_console(stderr=as_json)) as progress:
        made = make_forecast(plan, limit_s=limit, options=Options(workers=workers), progress=progress)
    folder.create()
    folder.write_json(FORECAST, made.as_dict())
    return made, folder.path / FORECAST


@app.command("list")
def list_(
    what: What,
    *,
    as_json: AsJson = False,
) -> None:
    """List what has a name: models, datasets, suites or metrics."""
    from bakeoff.listings import LISTINGS

    if what not in LISTINGS:
        raise UserError(unknown_name("listing", what, LISTINGS))
    if as_json:
        print_json(list(LISTINGS[what]()))
        return
    from bakeoff.terminal import listing

    print_all(listing(what))


@app.command()
def schema() -> None:
    """Print the JSON schema of suites, for editors."""
    import json

    from bakeoff.suite import Suite

    print(json.dumps(Suite.model_json_schema(), indent=2))


@app.command()
def doctor(*, as_json: AsJson = False) -> None:
    """Print versions, threads, GPU and free memory, as fits would see them."""
    from bakeoff.doctor import examine
    from bakeoff.terminal import facts

    found = examine()
    if as_json:
        print_json(found)
    else:
        print_all(facts(found))


def _close(result: Any, as_json: bool) -> int:
    """Print what a run came to and return the exit code."""
    if as_json:
        print_json(result.as_dict())
    else:
        from bakeoff.terminal import closing

        print_all(*closing(result))
    return SOME_FAILED if result.finished.failed else OK


def _split(values: list[str] | None, what: str = "names") -> list[str]:
    names = [name.strip() for value in values or [] for name in value.split(",") if name.strip()]
    if values and not names:
        raise UserError(f"{what}, separated by commas, are needed; got {values[0]!r}")
    return names


if __name__ == "__main__":
    main()
