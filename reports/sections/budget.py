"""What a run spent: trials, fits, epochs and time of each cell."""

import pandas as pd

from bakeoff.plain import format_percent
from bakeoff.protocol.settings import ENSEMBLE_VARIANTS
from bakeoff.reports.cells.tables import Cell, Column, Table, number_cell, plain_columns, rows_of, seconds_cell
from bakeoff.reports.formats import format_seconds, plural
from bakeoff.reports.run_data.fits import CELL, NOT_RUN, fits_frame
from bakeoff.reports.run_data.run import Run

NUMBERS = {
    "fits": Column(title="Fits", numeric=True, hint="outer folds that were run"),
    "model_fits": Column(title="Model fits", numeric=True, hint="on inner folds and on whole training parts"),
    "epochs": Column(title="Epochs", numeric=True, hint="of nets, over all model fits"),
    "trials": Column(title="Trials", numeric=True, hint="that did not fail, pruned ones included"),
    "trials_failed": Column(title="Failed trials", numeric=True),
    "trials_pruned": Column(title="Pruned", numeric=True),
}
SECONDS = {
    "tune_s": Column(title="Tuning", numeric=True, hint="wall time"),
    "cpu_s": Column(title="CPU", numeric=True, hint="of everything in the processes of the fits"),
    "uncharged_cpu_s": Column(title="Aside", numeric=True, hint="CPU time for reports alone, in no model's cost"),
}


def budget(view: Run) -> pd.DataFrame:
    """Return what each data set x model x variant spent, failed fits included; apart for learning curves.

    An ensemble takes over the study of its tuned sibling: what that spent stands in the sibling's row alone.

    Returns
    -------
    DataFrame
        Sums over the fits: `fits` (recorded), `model_fits`, `epochs`, `trials` (those that did not fail),
        `trials_failed`, `trials_pruned`, `tune_s`, `cpu_s`, `uncharged_cpu_s`; `part`: the shares of the training part;
        and `flags`: why a study ended before its budget.
    """
    frame = fits_frame(view)
    whole = frame["train_fraction"] == 1
    return pd.DataFrame([_row(fits) for _, fits in frame.groupby([*CELL, whole], sort=False)])


def build_budget(spent: pd.DataFrame) -> Table:
    """Build the table of what each cell spent."""
    names = {"dataset": "Data set", "model": "Model", "variant": "Variant"}
    if len(set(spent["part"])) > 1:
        names |= {"part": "Training part"}
    rows = tuple(
        (
            *(Cell(text=row[name]) for name in names),
            *(number_cell(row[name], str(row[name])) for name in NUMBERS),
            *(seconds_cell(row[name]) for name in SECONDS),
            Cell(text=row["flags"]),
        )
        for row in rows_of(spent)
    )
    return Table(
        caption="Spent, summed over the fits of a cell",
        columns=(*plain_columns(*names.values()), *NUMBERS.values(), *SECONDS.values(), Column(title="Remarks")),
        rows=rows,
        head=1,
    )


def render_budget(spent: pd.DataFrame) -> str:
    """Say in a few sentences what all of it came to."""
    trials, failed, pruned = (int(spent[name].sum()) for name in ("trials", "trials_failed", "trials_pruned"))
    tuning, cpu = (format_seconds(float(spent[name].sum())) for name in ("tune_s", "cpu_s"))
    fits = f"{plural(int(spent['fits'].sum()), 'fit')} used {cpu} of CPU time"
    if not trials + failed:
        return f"{fits}; nothing was tuned.{_render_curves(spent)}"
    each = f"{plural(trials + failed, 'trial')} of tuning took {tuning}"
    return f"{fits}; {each}, {failed} of them failed, {pruned} were pruned.{_render_curves(spent)}"


def _render_curves(spent: pd.DataFrame) -> str:
    smaller = spent[spent["part"] != "100 %"]
    if smaller.empty:
        return ""
    cpu = format_seconds(float(smaller["cpu_s"].sum()))
    return f" Of these, {plural(int(smaller['fits'].sum()), 'fit')} on smaller training parts used {cpu} of CPU time."


def _row(fits: pd.DataFrame) -> dict[str, object]:
    if fits.iloc[0]["variant"] in ENSEMBLE_VARIANTS:
        fits = _own_part(fits)
    sums = {
        name: int(fits[name].fillna(0).sum())
        for name in ("trials", "trials_failed", "trials_pruned", "tune_fits", "refits", "tune_epochs", "epochs")
    }
    return {
        **{name: fits.iloc[0][name] for name in CELL},
        "part": _format_part(fits["train_fraction"]),
        "fits": int((fits["status"] != NOT_RUN).sum()),
        "model_fits": sums["tune_fits"] + sums["refits"],
        "epochs": sums["tune_epochs"] + sums["epochs"],
        "trials": sums["trials"] - sums["trials_failed"],
        "trials_failed": sums["trials_failed"],
        "trials_pruned": sums["trials_pruned"],
        **{name: float(fits[name].sum(min_count=1)) for name in SECONDS},
        "flags": _count(fits["flag"]),
    }


def _own_part(fits: pd.DataFrame) -> pd.DataFrame:
    """Leave out what an ensemble found done: it is counted where it was spent."""
    found_all = fits["trials_resumed"].fillna(0) >= fits["trials"]
    counted = ["trials", "trials_failed", "trials_pruned", "tune_fits", "tune_epochs"]
    return fits.assign(
        cpu_s=fits["cpu_s"] - fits["earlier_cpu_s"].fillna(0),
        tune_s=fits["tune_s"] - fits["earlier_s"].fillna(0),
        **{name: fits[name].where(~found_all, 0) for name in counted},
    )


def _format_part(shares: "pd.Series[float]") -> str:
    return " to ".join(dict.fromkeys(format_percent(train_fraction) for train_fraction in (shares.min(), shares.max())))


def _count(texts: "pd.Series[str]") -> str:
    counts = texts[texts != ""].value_counts()
    return "; ".join(f"{text} ({number} fits)" if number > 1 else str(text) for text, number in counts.items())
