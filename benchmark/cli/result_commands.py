"""The commands on runs that are recorded: look at them, join, compare, repeat and export them."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bakeoff.cli.console import build_console, print_all, print_json
from bakeoff.cli.exits import OK, SOME_FAILED, exit_promptly
from bakeoff.cli.options import AsJson, Dask, LogModels, MixedVersions, RunPath, TrackingUri, Workers
from bakeoff.errors import UserError

if TYPE_CHECKING:
    from bakeoff.reports.run_data.run import Run

result_app = typer.Typer()


@result_app.command()
def merge(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders of parts of one suite.")],
    *,
    out: Annotated[Path, typer.Option(help="Run folder to write, or to add to.")],
    mixed_versions: MixedVersions = False,
) -> int:
    """Join runs of parts of one suite, such as shards, into one run; refuse what does not belong together."""
    from bakeoff.recorded_runs.merging import merge_runs
    from bakeoff.records.run_folder import RunFolder, open_run

    merged = merge_runs([open_run(run) for run in runs], RunFolder(out), mixed_versions=mixed_versions)
    print_all(
        *(f"note: {note}" for note in merged.notes),
        f"{merged.recorded} of {merged.planned} fits are recorded",
        f"run       {out}",
        f"report    {merged.folder.html}",
    )
    return OK if merged.recorded == merged.planned else SOME_FAILED


@result_app.command()
def show(run: RunPath, *, as_json: AsJson = False) -> int:
    """Show the verdict of a run, its ranked tables and its failures."""
    from bakeoff.api import RunResult
    from bakeoff.cli.tables import run_tables
    from bakeoff.records.run_folder import open_run
    from bakeoff.reports.run_data.fits import failures
    from bakeoff.reports.run_data.run import load_run_view

    folder = open_run(run)
    if as_json:
        found = RunResult(folder).as_dict()
        print_json(found)
        return SOME_FAILED if found["failures"] else OK
    view = load_run_view(folder)
    print_all(*run_tables(view))
    return SOME_FAILED if len(failures(view)) else OK


@result_app.command()
def report(
    run: RunPath,
    *,
    latex: Annotated[bool, typer.Option("--latex", help="Write the scores as LaTeX tables, too.")] = False,
    figures: Annotated[
        Path | None, typer.Option(help="Write every figure as SVG and PNG into this folder.", show_default=False)
    ] = None,
    beside: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Published scores to show in grey beside the run's: dataset, model, metric, score, source. They are "
            "kept as published.csv in the run folder.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write the reports of a run again, from its records."""
    from bakeoff.records.run_folder import open_run
    from bakeoff.reports import write_figures, write_latex, write_reports
    from bakeoff.reports.run_data.run import PUBLISHED

    folder = open_run(run)
    view = write_reports(folder, beside=beside)
    print_all(f"report    {folder.html}", f"          {folder.markdown}")
    if beside is not None:
        print_all(*_beside_lines(view, folder.path / PUBLISHED))
    if latex:
        path = folder.path / "leaderboard.tex"
        write_latex(view, path)
        print_all(f"latex     {path}")
    if figures is not None:
        print_all(f"figures   {len(write_figures(view, figures))} files in {figures}")


def _beside_lines(view: "Run", kept: Path) -> Iterator[str]:
    """Yield how many published scores have a place in the report, and why others have none."""
    from bakeoff.reports.run_data.published import match_published

    matched = match_published(view)
    yield f"beside    {len(matched.scores)} published scores, in later reports, too, until {kept} is deleted"
    if matched.ignored:
        yield f"ignored   {matched.render_ignored()}"


@result_app.command()
def track(
    run: RunPath, *, tracking_uri: TrackingUri = None, log_models: LogModels = False, workers: Workers = None
) -> int:
    """Bring MLflow up to date with a run; what is there already is not logged again."""
    from bakeoff.cli.progress import build_progress
    from bakeoff.engines.options import RunOptions
    from bakeoff.recorded_runs.extension import rebuild_plan
    from bakeoff.records.run_folder import open_run
    from bakeoff.tracking.client import default_uri
    from bakeoff.tracking.tracker import mirror_run, track_models

    folder = open_run(run)
    done = mirror_run(folder, tracking_uri or default_uri(folder))
    where = f"in the experiment {done.experiment!r} of {done.uri}"
    print_all(f"{done.written} child runs written, {done.unchanged} unchanged, {where}")
    if not log_models:
        return OK
    exit_promptly()
    plan = rebuild_plan(folder)
    with build_progress(build_console()) as progress:
        logged = track_models(folder, plan, done.uri, options=RunOptions(workers=workers), progress=progress)
    print_all(f"{logged.written} models written, {logged.unchanged} unchanged, {logged.failed} failed")
    return SOME_FAILED if logged.failed else OK


@result_app.command()
def ui(
    *,
    runs: Annotated[Path, typer.Option(help="Folder of the runs, with mlflow.db in it.")] = Path("runs"),
    tracking_uri: TrackingUri = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 5000,
) -> None:
    """Open MLflow's own page on this machine; Ctrl-C stops it."""
    from bakeoff.tracking.ui import serve

    serve(runs, tracking_uri, port, print_all)


@result_app.command()
def diff(
    before: Annotated[Path, typer.Argument(metavar="RUN_A", help="Run folder to compare with.")],
    after: Annotated[Path, typer.Argument(metavar="RUN_B", help="Run folder of the same models on the same splits.")],
    *,
    as_json: AsJson = False,
) -> int:
    """Say which models changed from one run to another; exit code 1 if one got significantly worse, or fails now."""
    from bakeoff.cli.comparison_tables import diff_tables
    from bakeoff.records.run_folder import open_run
    from bakeoff.reports.run_data.run import load_run_view
    from bakeoff.reports.verdicts.diff import compare_runs

    changes = compare_runs(*(load_run_view(open_run(run)) for run in (before, after)))
    if as_json:
        print_json([change.as_dict() for change in changes])
    else:
        print_all(*diff_tables(changes))
    return SOME_FAILED if any(change.is_worse for change in changes) else OK


@result_app.command()
def rerun(
    run: RunPath,
    fit: Annotated[
        str, typer.Argument(metavar="FIT", help="Id of a fit, as the report names it; its beginning will do.")
    ],
    *,
    pdb: Annotated[bool, typer.Option("--pdb", help="Open Python's debugger where the fit fails.")] = False,
    as_json: AsJson = False,
) -> int:
    """Run one recorded fit again in the foreground, without limits, and say whether it comes out the same."""
    from bakeoff.cli.comparison_tables import repeated_lines
    from bakeoff.recorded_runs.reproduce import rerun_fit
    from bakeoff.records.run_folder import open_run

    try:
        repeated = rerun_fit(open_run(run), fit, debug=pdb)
    except Exception as error:
        if not pdb or isinstance(error, UserError):
            raise
        import pdb as debugger

        debugger.post_mortem(error.__traceback__)
        return SOME_FAILED
    if as_json:
        print_json({"same": repeated.same, "before": asdict(repeated.before), "now": asdict(repeated.now)})
    else:
        print_all(*repeated_lines(repeated))
    return OK if repeated.same else SOME_FAILED


@result_app.command()
def verify(
    run: RunPath,
    *,
    sample: Annotated[int, typer.Option(min=1, help="Fits to run again.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the sample.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Run a sample of the fits again and write into the report how many came out the same to the last bit."""
    from bakeoff.cli.comparison_tables import repeated_lines
    from bakeoff.recorded_runs.reproduce import verify_run
    from bakeoff.records.run_folder import open_run
    from bakeoff.reports import write_reports

    exit_promptly()
    folder = open_run(run)
    found = verify_run(
        folder, sample=sample, seed=seed, callback=lambda one: print_all(*repeated_lines(one), stderr=as_json)
    )
    write_reports(folder)
    if as_json:
        print_json(found)
    else:
        counted = f"{found['equal']} of {found['repeated']} fits came out the same to the last bit"
        print_all(counted, f"report    {folder.html}")
    return OK if found["equal"] == found["repeated"] else SOME_FAILED


@result_app.command()
def ensemble(run: RunPath, *, workers: Workers = None, dask: Dask = None, as_json: AsJson = False) -> int:
    """Average the models of a run, weighted by their inner folds, and compare that with the best single one."""
    from bakeoff.cli.progress import build_progress
    from bakeoff.engines.options import RunOptions
    from bakeoff.recorded_runs.cross_model_ensemble import build_cross_model_ensembles
    from bakeoff.records.run_folder import open_run
    from bakeoff.reports import write_reports
    from bakeoff.reports.sections.cross_model_ensemble import compare_ensembles, render_ensemble_comparisons

    exit_promptly()
    folder = open_run(run)
    with build_progress(build_console(stderr=as_json)) as progress:
        made = build_cross_model_ensembles(folder, options=RunOptions(workers=workers, dask=dask), progress=progress)
    comparisons = compare_ensembles(write_reports(folder))
    if as_json:
        print_json([asdict(comparison) | {"answer": comparison.answer} for comparison in comparisons])
    else:
        print_all(*([render_ensemble_comparisons(comparisons)] if comparisons else []), f"report    {folder.html}")
    return OK if all(record.ok for record in made) else SOME_FAILED


@result_app.command()
def export(
    run: RunPath,
    *,
    dataset: Annotated[str, typer.Option(help="Data set of the run.")],
    model: Annotated[str, typer.Option(help="Model of the run.")],
    variant: Annotated[str, typer.Option(help="default, tuned, bagged, ensemble or bagged-ensemble.")] = "default",
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write; DATASET-MODEL-VARIANT.joblib in the run folder if left out.", show_default=False
        ),
    ] = None,
) -> None:
    """Refit a model of a run on all rows and save the pipeline with joblib."""
    from bakeoff.recorded_runs.export import export_model
    from bakeoff.records.run_folder import open_run

    path = export_model(open_run(run), dataset=dataset, model=model, variant=variant, out=out)
    print_all(f"model     {path}", "load it with joblib.load; only load files that you trust: they can run code")
