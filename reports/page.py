"""The page: everything the report says, in order, as plain values; HTML and Markdown only lay it out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bakeoff.reports.forecast import say_forecast
from bakeoff.reports.formats import format_seconds
from bakeoff.reports.overall import rank_tasks
from bakeoff.reports.overall_sheet import build_overall, say_ranking, say_run
from bakeoff.reports.ranking import build_other_metrics, build_ranking
from bakeoff.reports.sheets import Sheet, build_budget, build_failures, build_skips, describe_metric
from bakeoff.reports.tables import NOT_RUN, Run, budget, fits_frame, leaderboard
from bakeoff.reports.verdict import judge_run
from bakeoff.reports.verdict_sheet import build_verdicts

DIGEST_SHORT = 12
Facts = tuple[tuple[str, str], ...]
HOW_TO_READ = (
    "Every number is measured on outer test folds that neither fitting nor tuning has seen.",
    "± is the standard deviation over the outer folds (ddof = 1). It is no confidence interval: the folds share "
    "training rows, so their scores are not independent, and a small difference between two rows may be chance.",
    "A model with a failed or missing fold has no mean and no rank: 4/5 means that four of five folds ended well. "
    "It stands below the ranked ones and is never averaged over the folds that survived.",
    "Ranks compare means; equal means share a rank. A dash is a value that does not exist, never a zero: "
    "a model without probabilities has no log_loss, an untuned one no tuning time.",
    "The verdict compares champions: on each outer fold the model of a family that inner folds alone would choose, so "
    "that trying more models gives no head start. Its interval and p-value are those of the corrected resampled t-test "
    "(Nadeau & Bengio 2003), its probabilities those of the Bayesian correlated t-test (Corani & Benavoli 2015); "
    "equivalent means within 0.01 of the score, or a hundredth of the dummy's error. Ranks below are picked on the "
    "outer scores themselves: the first of many is flattered (post hoc).",
    "Use is the cheapest model within that region below the best, again by inner folds alone. Cost is the CPU time of "
    "everything in a fit's process, tuning included; scoring defaults on inner folds is left out.",
    "Each dot is one outer fold, the tick is their mean, and all rows of a data set share one axis. The dotted line "
    "is the best mean. A triangle is a fold off the axis; hollow dots belong to a row without a mean.",
    "Over several data sets of a task, ranks are tested by Friedman's test in Iman and Davenport's form, or by that of "
    "Skillings and Mack where something is missing; pairs by Wilcoxon's signed-rank test with Holm's correction.",
    "default is a model as it comes; tuned is the best that the same number of trials found on inner folds. "
    "A pruned trial was ended early, behind the median of the others at the same epoch: no failure, but it cannot win. "
    "Times depend on the machine and on what else it did.",
)


@dataclass(frozen=True, kw_only=True)
class Section:
    """What the report says of one data set."""

    name: str
    facts: Facts
    notes: tuple[str, ...]
    audit: Facts
    ranking: Sheet
    others: Sheet


@dataclass(frozen=True, kw_only=True)
class Overall:
    """What the report says of the models of one task over its data sets."""

    said: str
    table: Sheet


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the report says."""

    title: str
    description: str
    notice: str
    verdict: str
    counts: Facts
    warnings: tuple[str, ...]
    verdicts: Sheet
    sentences: tuple[str, ...]
    overall: tuple[Overall, ...]
    sections: tuple[Section, ...]
    failures: Sheet
    skips: Sheet
    spent: str
    budget: Sheet
    provenance: Facts
    how_to_read: tuple[str, ...] = HOW_TO_READ


def build_page(view: Run) -> Page:
    """Gather what the report says of a run."""
    fits, board, verdicts, spent = fits_frame(view), leaderboard(view), judge_run(view), budget(view)
    headline, *sentences = say_run(verdicts)
    return Page(
        title=str(view.suite.get("name") or "run"),
        description=str(view.suite.get("description") or ""),
        notice=str(view.suite.get("notice") or ""),
        verdict=headline,
        counts=_counts(fits),
        warnings=tuple(_warnings(view, fits)),
        verdicts=build_verdicts(verdicts, [view.sign(one.metric) for one in verdicts]),
        sentences=tuple(sentences),
        overall=tuple(Overall(said=say_ranking(one), table=build_overall(one)) for one in rank_tasks(view)),
        sections=tuple(_section(view, name, fits, board) for name in view.plan["datasets"]),
        failures=build_failures(view),
        skips=build_skips(view),
        spent=_say_spent(spent),
        budget=build_budget(spent),
        provenance=tuple(_provenance(view)),
    )


def _section(view: Run, dataset: str, fits: pd.DataFrame, board: pd.DataFrame) -> Section:
    about, cells = view.plan["datasets"][dataset], board[board["dataset"] == dataset]
    return Section(
        name=dataset,
        facts=tuple(_facts(view, dataset, about)),
        notes=tuple(map(str, about.get("notes") or ())),
        audit=tuple((str(one["check"]), str(one["message"])) for one in _findings(view, dataset)),
        ranking=build_ranking(view, dataset, fits, cells),
        others=build_other_metrics(view, dataset, cells),
    )


def _findings(view: Run, dataset: str) -> list[dict[str, Any]]:
    findings: list[dict[str, Any]] = view.audit.get(dataset, {}).get("findings", [])
    return findings


def _facts(view: Run, dataset: str, about: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Task", f"{about['task']}, {about['kind']}"
    yield "Size", f"{about['rows']} rows × {about['features']} features"
    if about["classes"]:
        positive = f", positive class {about['positive']}" if about["positive"] is not None else ""
        yield "Classes", f"{about['classes']}{positive}"
    yield "Outer splits", str(about["scheme"])
    yield "Ranked by", describe_metric(view, view.primary(dataset))
    yield "Digest", str(about["digest"])[:DIGEST_SHORT]
    yield "Licence", str(about["licence"] or "not stated")
    yield "Source", str(about["source"] or "not stated")


def _counts(fits: pd.DataFrame) -> Facts:
    ok, open_ = int((fits["status"] == "ok").sum()), int((fits["status"] == NOT_RUN).sum())
    return (
        ("planned", str(len(fits))),
        ("ok", str(ok)),
        ("failed", str(len(fits) - ok - open_)),
        ("not run", str(open_)),
    )


def _warnings(view: Run, fits: pd.DataFrame) -> Iterator[str]:
    open_ = int((fits["status"] == NOT_RUN).sum())
    if open_:
        shard = view.plan.get("shard")
        why = f"this is shard {shard} of the run" if shard else "the run was interrupted or still goes on"
        yield f"No record of {_plural(open_, 'planned fit')}: {why}."
    if view.corrupt:
        yield f"{_plural(view.corrupt, 'line')} of records.jsonl were corrupt and are not used."
    yield from _restarts(view)
    if view.outside:
        yield f"{_plural(view.outside, 'recorded fit')} outside the current plan are not shown."
    if len({tuple(sorted(record.versions.items())) for record in view.records.values()}) > 1:
        yield "The fits ran under different library versions; their scores may not be comparable."
    if (view.suite.get("tuning") or {}).get("seconds") is not None:
        yield "The tuning budget is in seconds: results depend on the machine and its load."
    flagged = int((fits["flag"] != "").sum())
    if flagged:
        yield f"{_plural(flagged, 'fit')} did not get the whole tuning budget; see the remarks under “Budget spent”."


def _restarts(view: Run) -> Iterator[str]:
    started = sum(int(record.diagnostics.get("attempts") or 1) > 1 for record in view.records.values())
    if started:
        yield f"{_plural(started, 'fit')} had to be started again, because a worker was lost."
    resumed = sum(bool(record.diagnostics.get("trials_resumed")) for record in view.records.values())
    if resumed:
        yield f"{_plural(resumed, 'fit')} went on with a study that an earlier process had begun."


def _plural(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _say_spent(spent: pd.DataFrame) -> str:
    trials, failed, pruned = (int(spent[name].sum()) for name in ("trials", "trials_failed", "trials_pruned"))
    tuning, cpu = (format_seconds(float(spent[name].sum())) for name in ("tune_s", "cpu_s"))
    fits = f"{_plural(int(spent['fits'].sum()), 'fit')} used {cpu} of CPU time"
    if not trials + failed:
        return f"{fits}; nothing was tuned."
    each = f"{_plural(trials + failed, 'trial')} of tuning took {tuning}"
    return f"{fits}; {each}, {failed} of them failed, {pruned} were pruned."


def _provenance(view: Run) -> Iterator[tuple[str, str]]:
    made, suite = view.provenance, view.suite
    hardware, tuning, limits = made.get("hardware") or {}, suite.get("tuning") or {}, suite.get("limits") or {}
    seconds = f" and {tuning['seconds']:g} s" if tuning.get("seconds") is not None else ""
    repeats = _plural(int(suite.get("repeats") or 1), "repeat")
    yield "Run", str(made.get("run") or "unknown")
    yield "Begun", str(made.get("begun") or "unknown")
    yield "Commit", str(made.get("git_commit") or "not in a repository")
    yield "Seed", _shown(made.get("seed"))
    yield "Folds", f"{suite.get('outer_folds')} outer, {suite.get('inner_folds')} inner, {repeats}"
    if "tuned" in suite.get("variants", ()):
        yield "Tuning budget", f"{_plural(int(tuning.get('trials') or 0), 'trial')}{seconds} for each tuned fit"
    yield "Caps", _joined(suite.get("caps")) or "none"
    yield "Limits of a fit", f"{limits.get('seconds')} s, {int(limits.get('memory') or 0) / 2**30:.1f} GB"
    yield "Ran on", _shown(made.get("engine"))
    foreseen = say_forecast(view)
    if foreseen:
        yield "Forecast", foreseen
    if view.verified:
        yield "Verified", _say_verified(view.verified)
    yield "Threads of a fit", _shown(made.get("threads"))
    yield (
        "CPU",
        f"{_shown(hardware.get('cpu'))}, {_shown(hardware.get('cores'))} cores, {_shown(hardware.get('memory_gb'))} GB",
    )
    yield "GPU", ", ".join(hardware.get("gpus") or ()) or "none"
    yield "BLAS and OpenMP", ", ".join(hardware.get("blas") or ()) or "unknown"
    yield "Platform", _shown(hardware.get("platform"))
    yield "Versions", _joined(made.get("versions"))


def _say_verified(found: Mapping[str, Any]) -> str:
    different = ", ".join(str(one.get("label")) for one in found.get("different") or ())
    but = f"; different: {different}" if different else ""
    share = f"{found['equal']} of {found['repeated']} fits"
    return f"{share} run again came out the same to the last bit ({found.get('when')}){but}"


def _shown(value: Any) -> str:
    return "unknown" if value is None else str(value)


def _joined(mapping: Mapping[str, Any] | None) -> str:
    pairs: Iterable[tuple[str, Any]] = (mapping or {}).items()
    return ", ".join(f"{name} {value}" for name, value in pairs if value is not None)
