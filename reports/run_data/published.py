"""Published scores beside a run, matched to its data sets and metrics; nothing ranks, tests or judges by them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bakeoff.reports.run_data.published_file import PublishedScore
from bakeoff.reports.run_data.run import Run, cached

MAX_NAMES = 5
CAUTION = (
    "Published scores come from other protocols: preprocessing, tuning and mostly the splits differ from this run's, "
    "so small differences mean little. They are in no rank, test or verdict."
)


@dataclass(frozen=True)
class Matched:
    """The published scores that a run has a place for, and how many it has none for, by reason."""

    scores: tuple[PublishedScore, ...]
    ignored: Mapping[str, int]

    def render_ignored(self) -> str:
        """Say how many have no place, and why; "" if all have one."""
        return ", ".join(f"{number} {reason}" for reason, number in self.ignored.items())


@cached
def match_published(view: Run) -> Matched:
    """Sort the published scores beside a run into those of its data sets and their metrics, and all others."""
    reasons = {score: _why_ignored(view, score) for score in view.read_published()}
    kept = tuple(score for score, reason in reasons.items() if not reason)
    ignored = Counter(reason for reason in reasons.values() if reason)
    return Matched(kept, {_name_all(view, reason, reasons): number for reason, number in ignored.items()})


@cached
def published_of(view: Run, dataset: str) -> tuple[PublishedScore, ...]:
    """Return the published scores of a data set, in the order of the file."""
    return tuple(score for score in match_published(view).scores if score.dataset == dataset)


def number_sources(scores: Iterable[PublishedScore]) -> dict[str, int]:
    """Return each source with its number, from 1, in the order in which they appear."""
    return {source: place for place, source in enumerate(dict.fromkeys(score.source for score in scores), start=1)}


def describe_sources(scores: Sequence[PublishedScore]) -> tuple[str, ...]:
    """Return what a table with published scores says below: a caution, and each source by its number; () without."""
    return (CAUTION, *(f"[{number}] {source}" for source, number in number_sources(scores).items())) if scores else ()


def weave(
    rows: Iterable[dict[str, Any]], scores: Sequence[PublishedScore], *, sign: int
) -> Iterator[dict[str, Any] | PublishedScore]:
    """Yield the ranked rows of a data set, and published scores where they would stand; holes come last.

    Parameters
    ----------
    rows : iterable of dict
        With their `mean`, best first.
    scores : sequence of PublishedScore
        Of the same metric.
    sign : int
        Which makes bigger values better.
    """
    waiting = sorted(scores, key=lambda score: -sign * score.value)
    for row in rows:
        while waiting and not sign * row["mean"] >= sign * waiting[0].value:
            yield waiting.pop(0)
        yield row
    yield from waiting


def _why_ignored(view: Run, score: PublishedScore) -> str:
    about, metric = view.plan["datasets"].get(score.dataset), view.plan["metrics"].get(score.metric)
    if about is None:
        return "of data sets that are not in the run"
    if metric is None:
        return "of metrics that the run does not compute"
    return "" if about["task"] in metric["tasks"] else "of metrics of another task"


def _name_all(view: Run, reason: str, reasons: Mapping[PublishedScore, str]) -> str:
    """Add to a reason the names that it is about."""
    scores = [score for score, why in reasons.items() if why == reason]
    known = view.plan["datasets"]
    names = list(dict.fromkeys(score.metric if score.dataset in known else score.dataset for score in scores))
    more = " …" if len(names) > MAX_NAMES else ""
    return f"{reason} ({', '.join(names[:MAX_NAMES])}{more})"
