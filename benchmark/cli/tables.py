"""What the command line shows: tables for a terminal, built from frames and plans. Renders, prints nothing."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bakeoff.cli.listings import LISTINGS
from bakeoff.cli.progress import format_duration
from bakeoff.plain import clean_text, format_percent
from bakeoff.reports.formats import decimals_for, format_seconds, format_value

if TYPE_CHECKING:
    from bakeoff.api import RunResult
    from bakeoff.planning.plan import Plan
    from bakeoff.reports.run_data.run import Run
    from bakeoff.running.forecast import Forecast

COLUMN_TITLES = {"summary": "what it is"}
FAMILY_STYLE = {"classical": "cyan", "deep": "magenta"}
MAX_FAILURES = 20
MAX_CLASSES = 20
MAX_COLUMNS = 100


def summary_tables(result: "RunResult") -> list[RenderableType]:
    """Return what a run shows at its end: tables, counts, and where to look."""
    from bakeoff.reports.run_data.run import load_current_run
    from bakeoff.reports.sections.forecast import render_forecast

    finished = result.finished
    assert finished is not None  # it just ended
    folder = finished.folder
    counts = f"{finished.ran} fits run, {finished.reused} found recorded, {finished.failed} failed"
    if not finished.ran:
        counts = f"nothing to run: all {finished.reused} fits are recorded already ({finished.failed} failed)"
    if finished.not_logged:
        counts += f", {finished.not_logged} models are not logged"
    lines = [counts, f"run       {folder.path}", f"report    {folder.html}", f"          {folder.markdown}"]
    view = load_current_run(folder)
    forecast_text = render_forecast(view)
    if forecast_text:
        lines.append(f"forecast  {forecast_text}")
    if finished.tracked_at:
        lines.append(f"MLflow    {_ui_command(finished.tracked_at, folder)}")
    return [*run_tables(view), Text("\n".join(lines))]


def run_tables(view: "Run") -> list[RenderableType]:
    """Return the ranked table of each data set, the failures, the verdict, learning curves, and the suite's caution."""
    from bakeoff.reports.run_data.fits import failures
    from bakeoff.reports.run_data.leaderboard import leaderboard
    from bakeoff.reports.sections.learning_table import render_learning_curve
    from bakeoff.reports.sections.task_table import summarise_run
    from bakeoff.reports.verdicts.learning_curves import build_learning_curves

    failed = failures(view)
    board = leaderboard(view)
    parts: list[RenderableType] = [_ranked(name, rows) for name, rows in board.groupby("dataset", sort=False)]
    if len(failed):
        parts.append(_failures(failed))
    summary = summarise_run(view)
    parts.append(
        Text("\n".join([f"verdict   {summary.headline}", *(f"          {line}" for line in summary.sentences)]))
    )
    curves = [render_learning_curve(curve) for curve in build_learning_curves(view)]
    if curves:
        parts.append(Text("learning  " + "\n          ".join(curves)))
    if view.suite.get("notice"):
        parts.append(Text(clean_text(view.suite["notice"].strip()), style="yellow"))
    return [Padding(part, (0, 0, 1, 0)) for part in parts]


def plan_tables(plan: "Plan") -> list[RenderableType]:
    """Return what `check` shows: each data set, its fits, what is skipped and why."""
    parts = [part for name, about in plan.summary()["datasets"].items() for part in _planned_dataset(plan, name, about)]
    notes = (Text(note, style="yellow") for about in plan.pretrained().values() for note in about)
    return [*parts, *notes, Text(f"{len(plan.jobs)} fits in all")]


def forecast_tables(forecast: "Forecast") -> list[RenderableType]:
    """Return what `check --forecast` shows: each model's fits, then the whole."""
    table = build_table("data set", "model", "variant", "fits", "each", "memory", "remark")
    for row in forecast.rows:
        each = f"{'> ' if row.stopped else ''}{format_seconds(row.seconds)}"
        memory = "" if row.peak_mb is None else f"{row.peak_mb:.0f} MB"
        remark = f"stopped at {forecast.limit_s:g} s" if row.stopped else row.reason
        variant = f"{row.variant}, {format_percent(row.train_fraction)}" if row.train_fraction < 1 else row.variant
        cells = (row.dataset, row.model, variant, str(row.fits), each, memory, clean_text(remark))
        table.add_row(*map(Text, cells))
    least, most = forecast.least_wall_s, forecast.most_wall_s
    about = f"about {format_duration(most)}"
    if any(row.stopped for row in forecast.rows):
        about = f"from {format_duration(least)} to {format_duration(most)}, for some dry runs came to their limit"
    fits = sum(row.fits for row in forecast.rows)
    return [
        table,
        Text(""),
        Text(f"{fits} fits, {forecast.slots} at once: {about}; up to {forecast.peak_mb:.0f} MB of memory", "bold"),
    ]


def _planned_dataset(plan: "Plan", name: str, about: Mapping[str, Any]) -> Iterable[RenderableType]:
    from bakeoff.planning.inputs import unused_folds

    fits = Counter((job.choice.name, job.choice.spec.family) for job in plan.jobs if job.dataset == name)
    table = build_table("model", "family", "fits")
    for (model, family), count in fits.items():
        table.add_row(Text(model), _family(family), str(count))
    yield Text(_dataset_heading(name, about), style="bold")
    yield table
    yield from (Text(line, style="dim") for line in unused_folds(plan.suite, plan.datasets[name]))
    yield from (Text(line, style="dim") for line in _train_sizes(plan, name))
    yield from (Text(note, style="dim") for note in about["notes"])
    yield from (Text(f"skipped: {line}", style="dim") for line in _grouped_skips(plan, name))
    yield Text("")


def _train_sizes(plan: "Plan", dataset: str) -> Iterable[str]:
    """Yield the sizes of a learning curve, if there is one."""
    rows: dict[float, list[int]] = {}
    for split in plan.splits[dataset]:
        rows.setdefault(split.train_fraction, []).append(len(split.train))
    whole, *smaller = (f"{sum(numbers) / len(numbers):,.0f}" for numbers in rows.values())
    if smaller:
        yield f"learning curve: trained on {', '.join(smaller)} of {whole} training rows, too"


def dataset_tables(about: Mapping[str, Any]) -> list[RenderableType]:
    """Return what `describe` shows: the size, the target, the columns, what was inferred, what is odd."""
    parts: list[RenderableType] = [key_value_table(_dataset_facts(about))]
    if about["columns"]:
        parts.append(_columns(about["columns"]))
    if about["notes"]:
        parts.append(Text("\n".join(map(clean_text, about["notes"])), style="dim"))
    found = about["audit"] or [{"check": "audit", "message": "nothing odd was found"}]
    lines = [
        Text.assemble(
            (f"{one['check']}  ", "bold yellow" if about["audit"] else "bold green"), clean_text(one["message"])
        )
        for one in found
    ]
    return [*(Padding(part, (0, 0, 1, 0)) for part in parts), *lines]


def _dataset_facts(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return names and values of what is known of a data set as a whole."""
    extras = {
        "input shape": about["input_shape"] and " x ".join(map(str, about["input_shape"])),
        "groups": about["groups"],
        "points in time": about["times"],
        "test rows": about["test_rows"],
        "outer folds": about["folds"],
        "weights": "yes" if about["weighted"] else None,
    }
    target = about["target"]
    if "classes" in target:
        shares = [f"{name} {count / about['rows']:.1%} ({count})" for name, count in target["classes"].items()]
        extras["classes"] = ", ".join(shares[:MAX_CLASSES]) + (" …" if len(shares) > MAX_CLASSES else "")
        extras["positive class"] = target.get("positive")
    else:
        extras["target quantiles"] = ", ".join(f"{value:.4g}" for value in target["quantiles"].values())
    whole = {
        "data set": f"{about['name']}: {about['kind']}, {about['task']}",
        "rows x features": f"{about['rows']} x {about['features']}",
        "missing values": about["missing"],
        "size": f"{about['bytes'] / 2**20:.1f} MiB",
    }
    ends = {"source": about["source"], "licence": about["licence"], "digest": about["digest"][:16]}
    return whole | {key: clean_text(str(value)) for key, value in extras.items() if value} | ends


def _columns(columns: Iterable[Mapping[str, Any]]) -> Table:
    table = build_table("column", "holds", "missing", "different", "values")
    shown = list(columns)
    for column in shown[:MAX_COLUMNS]:
        values = (
            ", ".join(column["commonest"])
            if "commonest" in column
            else f"{column['lowest']:.6g} … {column['highest']:.6g}"
            if "lowest" in column
            else ""
        )
        cells = (column["name"], column["type"], str(column["missing"] or ""), str(column["distinct"]), values[:60])
        table.add_row(*(Text(clean_text(cell)) for cell in cells))
    if len(shown) > MAX_COLUMNS:
        table.add_row(Text(f"… and {len(shown) - MAX_COLUMNS} more"))
    return table


def listing_table(what: str) -> RenderableType:
    """Return a table of everything that has a name of one sort."""
    rows = list(LISTINGS[what]())
    if what == "models":
        return Group(*(line for row in rows for line in _about_model(row)))
    columns = list(rows[0])
    table = build_table(*(COLUMN_TITLES.get(column, column) for column in columns))
    for row in rows:
        table.add_row(
            *(_comma_separated(row[name]) if isinstance(row[name], list) else str(row[name]) for name in columns)
        )
    return table


def key_value_table(pairs: Mapping[str, Any]) -> RenderableType:
    """Return names and values in two columns."""
    table = build_table("what", "value")
    for name, value in pairs.items():
        table.add_row(name, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
    return table


def _about_model(row: Mapping[str, Any]) -> Iterable[Text]:
    """Yield two lines: name and summary; what it takes, and where its space was published."""
    extra = "" if row["installed"] else f" (pip install 'bakeoff[{row['extra']}]')"
    yield Text.assemble((row["name"], "bold"), "  ", _family(row["family"]), f"  {row['summary']}{extra}")
    takes = f"takes {_comma_separated(row['tasks'])}; {_comma_separated(row['kinds'])}"
    limits = f"; up to {_comma_separated(row['limits'])}" if row["limits"] else ""
    yield Text(f"    {takes}{limits}. Space: {row['space']}", style="dim")
    if row["pretrained"]:
        yield Text(f"    {row['pretrained']}", style="yellow")


def _ranked(name: Any, rows: Any) -> RenderableType:
    decimals = decimals_for(rows["mean"], rows["std"])
    table = build_table("rank", "model", "family", "variant", "mean ± std", "folds", "CPU")
    for row in rows.to_dict("records"):
        table.add_row(
            "-" if _is_missing(row["rank"]) else str(int(row["rank"])),
            Text(str(row["model"]), no_wrap=True),
            _family(row["family"]),
            str(row["variant"]),
            Text(_mean_and_std(row, decimals), no_wrap=True),
            f"{row['n_ok']}/{row['n_folds']}",
            Text(format_seconds(row["cpu_s"]), no_wrap=True),
        )
    return Group(Text(f"{name}, ranked by {rows['metric'].iloc[0]}", style="bold"), table)


def _failures(failures: Any) -> RenderableType:
    """Return a line for each cell, size and reason: folds that failed alike share it."""
    table = build_table("status", "data set", "model", "variant", "folds", "reason")
    groups = list(failures.groupby(["status", "dataset", "model", "variant", "train_fraction", "reason"], sort=False))
    for (status, *names, train_fraction, reason), rows in groups[:MAX_FAILURES]:
        folds = [f"{repeat + 1}.{fold + 1}" for repeat, fold in zip(rows["repeat"], rows["fold"], strict=True)]
        part = [f"{format_percent(train_fraction)}:"] if train_fraction < 1 else []
        table.add_row(status, *(Text(str(name)) for name in names), " ".join([*part, *folds]), Text(str(reason)))
    more = len(groups) - MAX_FAILURES
    end = [Text(f"and {more} more in the report", style="dim")] if more > 0 else []
    return Group(Text(f"{len(failures)} fits without scores", style="bold red"), table, *end)


def _mean_and_std(row: Mapping[str, Any], decimals: int) -> str:
    if _is_missing(row["mean"]):
        return "-"
    mean = format_value(row["mean"], decimals)
    return mean if _is_missing(row["std"]) else f"{mean} ± {format_value(row['std'], decimals)}"


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def _dataset_heading(name: str, about: Mapping[str, Any]) -> str:
    classes = f", {about['classes']} classes" if about["classes"] else ""
    positive = f", positive class {about['positive']}" if about["positive"] is not None else ""
    return (
        f"{name}: {about['task']}, {about['kind']}, {about['rows']:,} rows x {about['features']} values"
        f"{classes}{positive}; {about.get('folds') or about['scheme'] + ' splits'}; ranked by {about['primary']}"
    )


def _grouped_skips(plan: "Plan", dataset: str) -> Iterable[str]:
    """Group the skips of a data set by reason, leaving out models that never take such data in a family's name."""
    reasons: dict[str, list[str]] = {}
    for skip in plan.skips:
        if skip.dataset == dataset:
            reasons.setdefault(skip.reason, []).append(f"{skip.model} ({skip.variant})")
    return (f"{reason}: {', '.join(names)}" for reason, names in reasons.items())


def _ui_command(uri: str, folder: Any) -> str:
    from bakeoff.tracking.client import local_store_uri

    if uri != local_store_uri(folder):
        return f"bakeoff ui --tracking-uri {uri}" if uri.startswith("sqlite") else uri
    return "bakeoff ui" if str(folder.path.parent) == "runs" else f"bakeoff ui --runs {folder.path.parent}"


def _family(family: str) -> Text:
    return Text(family, style=FAMILY_STYLE.get(family, ""))


def _comma_separated(items: Iterable[str]) -> str:
    return ", ".join(items)


def build_table(*columns: str) -> Table:
    """Build a table with these columns and no lines."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
