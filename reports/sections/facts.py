"""What the report says of the run as such: its counts, its warnings, where it comes from."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bakeoff.protocol.settings import BAGGED_VARIANTS, ENSEMBLE_VARIANTS, TUNING_VARIANTS
from bakeoff.reports.cells.tables import describe_metric
from bakeoff.reports.formats import plural
from bakeoff.reports.run_data.fits import NOT_RUN
from bakeoff.reports.run_data.run import Run
from bakeoff.reports.sections.forecast import render_forecast

DIGEST_SHORT = 12
LOCAL = "http://127.0.0.1:5000"  # where `bakeoff ui` serves MLflow's page
# Diagnostic of a record -> what was used up, and what to do about it
CAPS = (
    ("epoch_cap", "epochs", "Raise caps.epochs or max_epochs."),
    ("round_cap", "rounds", "Raise caps.trees or the number of rounds."),
)
Facts = tuple[tuple[str, str], ...]


def describe_dataset(view: Run, dataset: str, about: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is known of a data set, by name."""
    yield "Task", f"{about['task']}, {about['kind']}"
    yield "Size", f"{about['rows']} rows × {about['features']} features"
    if about["classes"]:
        positive = f", positive class {about['positive']}" if about["positive"] is not None else ""
        yield "Classes", f"{about['classes']}{positive}"
    yield "Outer splits", str(about.get("folds") or about["scheme"])
    yield "Ranked by", describe_metric(view, view.primary(dataset))
    yield "Digest", str(about["digest"])[:DIGEST_SHORT]
    yield "Licence", str(about["licence"] or "not stated")
    yield "Source", str(about["source"] or "not stated")


def count_fits(fits: pd.DataFrame) -> Facts:
    """Return how many fits were planned, and how they ended."""
    ok, n_not_run = int((fits["status"] == "ok").sum()), int((fits["status"] == NOT_RUN).sum())
    return (
        ("planned", str(len(fits))),
        ("ok", str(ok)),
        ("failed", str(len(fits) - ok - n_not_run)),
        ("not run", str(n_not_run)),
    )


def list_warnings(view: Run, fits: pd.DataFrame) -> Iterator[str]:
    """Yield what a reader should know before trusting the numbers."""
    n_not_run = int((fits["status"] == NOT_RUN).sum())
    if n_not_run:
        shard = view.plan.get("shard")
        why = f"this is shard {shard} of the run" if shard else "the run was interrupted or still goes on"
        yield f"No record of {plural(n_not_run, 'planned fit')}: {why}."
    if view.n_corrupt:
        yield f"{plural(view.n_corrupt, 'line')} of records.jsonl were corrupt and are not used."
    yield from _restarts(view)
    if view.n_superseded:
        yield f"{plural(view.n_superseded, 'recorded fit')} with another tuning budget: kept, but not shown."
    if view.n_unplanned > view.n_superseded:
        yield f"{plural(view.n_unplanned - view.n_superseded, 'recorded fit')} outside the current plan are not shown."
    yield from (f"{note}." for notes in (view.plan.get("pretrained") or {}).values() for note in notes)
    if len({tuple(sorted(record.versions.items())) for record in view.records.values()}) > 1:
        yield "The fits ran under different library versions; their scores may not be comparable."
    if (view.suite.get("tuning") or {}).get("seconds") is not None:
        yield "The tuning budget is in seconds: results depend on the machine and its load."
    yield from _missing_importance(view)
    yield from _used_up_caps(view)
    yield from _single_seeds(view)
    flagged = int((fits["flag"] != "").sum())
    if flagged:
        yield f"{plural(flagged, 'fit')} did not get the whole tuning budget; see the remarks under “Budget spent”."


def _missing_importance(view: Run) -> Iterator[str]:
    reasons = [str(known) for one in view.records.values() if (known := one.diagnostics.get("no_importance"))]
    if reasons:
        yield f"The importance of columns is not known for {plural(len(reasons), 'fit')}; the first: {reasons[0]}."


def _used_up_caps(view: Run) -> Iterator[str]:
    """Name the nets and boosted trees that had no time to finish: a verdict against them would be too early."""
    for diagnostic, unit, advice in CAPS:
        capped: dict[tuple[str, str, str], list[int]] = {}
        for record in view.records.values():
            if cap := record.diagnostics.get(diagnostic):
                capped.setdefault((record.model, record.variant, record.dataset), []).append(int(cap))
        for (model, variant, dataset), caps in sorted(capped.items()):
            yield (
                f"{model} ({variant}) on {dataset}: {plural(len(caps), 'fit')} stopped at the cap of {max(caps)} "
                f"{unit} while improving: the score is a lower bound. {advice}"
            )


def _single_seeds(view: Run) -> Iterator[str]:
    """Name the data sets on which the deep models' scores rest on one draw of their initial weights."""
    deep = {record.dataset for record in view.records.values() if record.ok and record.family == "deep"}
    single = [name for name in view.plan["datasets"] if name in deep and _n_splits(view, name) == 1]
    if single:
        yield (
            f"On {', '.join(single)} every score rests on one split and one seed: a net with other initial weights "
            f"would score otherwise, and by how much is not known from this run. Run it again with another `seed`, or "
            f"on outer folds of one's own with `repeats`."
        )


def _n_splits(view: Run, dataset: str) -> int:
    return len({(record.repeat, record.fold) for record in view.records.values() if record.dataset == dataset})


def _restarts(view: Run) -> Iterator[str]:
    started = sum(int(record.diagnostics.get("attempts") or 1) > 1 for record in view.records.values())
    if started:
        yield f"{plural(started, 'fit')} had to be started again, because a worker was lost."
    resumed = sum(
        bool(record.diagnostics.get("trials_resumed")) and record.variant not in ENSEMBLE_VARIANTS  # which always do
        for record in view.records.values()
    )
    if resumed:
        yield f"{plural(resumed, 'fit')} went on with a study that an earlier process had begun."


def describe_run(view: Run) -> Iterator[tuple[str, str]]:
    """Yield where a run comes from: commit, seeds, budget, machine, versions."""
    made, suite = view.provenance, view.suite
    hardware, tuning, limits = made.get("hardware") or {}, suite.get("tuning") or {}, suite.get("limits") or {}
    seconds = f" and {tuning['seconds']:g} s" if tuning.get("seconds") is not None else ""
    repeats = plural(int(suite.get("repeats") or 1), "repeat")
    yield "Run", str(made.get("run") or "unknown")
    yield "Begun", str(made.get("begun") or "unknown")
    yield "Commit", str(made.get("git_commit") or "not in a repository")
    yield "Seed", _shown(made.get("seed"))
    has_published = any(about.get("folds") for about in view.plan["datasets"].values())
    published = "; of some data sets as published" if has_published else ""
    yield "Folds", f"{suite.get('outer_folds')} outer, {suite.get('inner_folds')} inner, {repeats}{published}"
    if set(TUNING_VARIANTS) & set(suite.get("variants", ())):
        yield "Tuning budget", f"{plural(int(tuning.get('trials') or 0), 'trial')}{seconds} for each tuned fit"
    if set(BAGGED_VARIANTS) & set(suite.get("variants", ())):
        yield "Models of a bag", _shown(suite.get("bagging_folds"))
    if suite.get("calibrate", "none") != "none":
        yield "Calibration of classifiers", f"{suite['calibrate']}, on out-of-fold predictions of the training part"
    if suite.get("threshold", "default") != "default":
        yield "Threshold of binary classifiers", "chosen by the primary metric, on those predictions"
    yield "Caps", _joined(suite.get("caps")) or "none"
    yield "Limits of a fit", f"{limits.get('seconds')} s, {int(limits.get('memory') or 0) / 2**30:.1f} GB"
    yield "Ran on", _shown(made.get("engine"))
    foreseen = render_forecast(view)
    if foreseen:
        yield "Forecast", foreseen
    if view.verified:
        yield "Verified", _format_verified(view.verified)
    yield "Threads of a fit", _shown(made.get("threads"))
    yield (
        "CPU",
        f"{_shown(hardware.get('cpu'))}, {_shown(hardware.get('cores'))} cores, {_shown(hardware.get('memory_gb'))} GB",
    )
    yield "GPU", ", ".join(hardware.get("gpus") or ()) or "none"
    yield "BLAS and OpenMP", ", ".join(hardware.get("blas") or ()) or "unknown"
    yield "Platform", _shown(hardware.get("platform"))
    yield "Versions", _joined(made.get("versions"))


@dataclass(frozen=True)
class Link:
    """A text that leads somewhere."""

    text: str
    url: str


def link_to_tracking(view: Run) -> Link | None:
    """Return where MLflow shows the run: on its server, or on this machine while `bakeoff ui` runs."""
    server, path = view.tracked.get("server", ""), view.tracked.get("path", "")
    if not path.startswith("#/"):
        return None
    if server.startswith(("http://", "https://")):
        return Link("the run in MLflow", f"{server}/{path}")
    return Link("the run in MLflow, while “bakeoff ui” runs", f"{LOCAL}/{path}")


def _format_verified(found: Mapping[str, Any]) -> str:
    different = ", ".join(str(one.get("label")) for one in found.get("different") or ())
    but = f"; different: {different}" if different else ""
    share = f"{found['equal']} of {found['repeated']} fits"
    return f"{share} run again came out the same to the last bit ({found.get('when')}){but}"


def _shown(value: Any) -> str:
    return "unknown" if value is None else str(value)


def _joined(mapping: Mapping[str, Any] | None) -> str:
    pairs: Iterable[tuple[str, Any]] = (mapping or {}).items()
    return ", ".join(f"{name} {value}" for name, value in pairs if value is not None)
