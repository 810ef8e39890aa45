"""The commands that run nothing to be recorded: they look at data, suites, what has a name, and the machine."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bakeoff.cli.console import build_console, print_all, print_json
from bakeoff.cli.exits import OK, SOME_FAILED, exit_promptly
from bakeoff.cli.option_groups import DatasetOptions, takes
from bakeoff.cli.options import (
    AsJson,
    Data,
    Datasets,
    LearningCurve,
    ListingName,
    Models,
    Out,
    SuiteName,
    Workers,
    split_names,
)
from bakeoff.errors import UserError, unknown_name

inspect_app = typer.Typer()


@inspect_app.command()
@takes(options=DatasetOptions)
def describe(
    data: Data,
    *,
    options: DatasetOptions,
    folds: Annotated[int, typer.Option(min=2, help="Outer folds that the audit has in mind.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Say what a data set holds, what was inferred from it, and what is odd about it."""
    from bakeoff.cli.tables import dataset_tables
    from bakeoff.datasets import load
    from bakeoff.datasets.profiling.description import describe as described

    about = described(load(data, **options.read()), folds=folds)
    if as_json:
        print_json(about)
    else:
        print_all(*dataset_tables(about))


@inspect_app.command()
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
    from bakeoff.cli.tables import forecast_tables, plan_tables
    from bakeoff.planning.plan import make_plan
    from bakeoff.suites.filter import filter_suite
    from bakeoff.suites.suite_file import set_learning_curve, to_suite

    chosen = filter_suite(to_suite(suite), models=split_names(models), datasets=split_names(datasets))
    if learning_curve:
        chosen = set_learning_curve(chosen, split_names(learning_curve, "shares"))
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
    from bakeoff.api.runs import folder_of
    from bakeoff.cli.progress import build_progress
    from bakeoff.engines.options import RunOptions
    from bakeoff.records.run_folder import FORECAST
    from bakeoff.running.forecast import make_forecast

    exit_promptly()
    folder = folder_of(plan.suite, out)
    folder.check_usable()
    with build_progress(build_console(stderr=as_json)) as progress:
        made = make_forecast(plan, limit_s=limit, options=RunOptions(workers=workers), progress=progress)
    folder.create()
    folder.write_json(FORECAST, made.as_dict())
    return made, folder.path / FORECAST


@inspect_app.command("list")
def list_(
    what: ListingName,
    *,
    as_json: AsJson = False,
) -> None:
    """List what has a name: models, datasets, suites or metrics."""
    from bakeoff.cli.listings import LISTINGS

    if what not in LISTINGS:
        raise UserError(unknown_name("listing", what, LISTINGS))
    if as_json:
        print_json(list(LISTINGS[what]()))
        return
    from bakeoff.cli.tables import listing_table

    print_all(listing_table(what))


@inspect_app.command()
def schema() -> None:
    """Print the JSON schema of suites, for editors."""
    from bakeoff.suites.suite import Suite

    print_json(Suite.model_json_schema())


@inspect_app.command()
def doctor(*, as_json: AsJson = False) -> None:
    """Print versions, threads, GPU and free memory, as fits would see them."""
    from bakeoff.cli.doctor import examine
    from bakeoff.cli.tables import key_value_table

    found = examine()
    if as_json:
        print_json(found)
    else:
        print_all(key_value_table(found))
