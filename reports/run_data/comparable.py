"""What one run compares must be comparable: the same data and splits for every model, judged by a known metric."""

from collections.abc import Iterator, Mapping
from typing import Any

from bakeoff.errors import UserError
from bakeoff.records.record import Record

MAX_PROBLEMS = 5


def check_comparable(plan: Mapping[str, Any], records: Mapping[str, Record]) -> None:
    """Refuse a run whose fits were not made on the same data and splits.

    Parameters
    ----------
    plan : mapping
        `datasets` with their `digest` and `primary`, and `metrics`.
    records : mapping of Record
        Of fits of this plan.

    Raises
    ------
    UserError
        All that is wrong, by data set and model: records of other data than the plan's, models with different splits
        of one fold, a primary metric that the plan does not have.
    """
    raise_problems([*_unknown_metrics(plan), *_other_data(plan, records), *_other_splits(records)])


def raise_problems(problems: list[str]) -> None:
    """Raise a UserError with the first few of several problems, if there are any."""
    distinct = list(dict.fromkeys(problems))
    if distinct:
        more = [f"and {len(distinct) - MAX_PROBLEMS} more"] if len(distinct) > MAX_PROBLEMS else []
        raise UserError(*distinct[:MAX_PROBLEMS], *more)


def _unknown_metrics(plan: Mapping[str, Any]) -> Iterator[str]:
    for name, about in plan["datasets"].items():
        if about["primary"] not in plan["metrics"]:
            yield (
                f"the data set {name!r} is ranked by {about['primary']!r}, which is none of the plan's metrics "
                f"({', '.join(plan['metrics'])}); run the suite again to rebuild plan.json"
            )


def _other_data(plan: Mapping[str, Any], records: Mapping[str, Record]) -> Iterator[str]:
    for record in records.values():
        planned = plan["datasets"][record.dataset]["digest"]
        if record.data_digest != planned:
            yield (
                f"{record.label} (fit {record.fit}) was run on other data than the plan's {record.dataset!r}: "
                f"digest {record.data_digest[:12]}, not {planned[:12]}. {_advice(record)}"
            )


def _other_splits(records: Mapping[str, Record]) -> Iterator[str]:
    first: dict[tuple[str, int, int, float], Record] = {}
    for record in records.values():
        one = first.setdefault((record.dataset, record.repeat, record.fold, record.train_fraction), record)
        if one.split_digest != record.split_digest:
            yield (
                f"{record.label} (fit {record.fit}) was run on another split than {one.model} ({one.variant}, fit "
                f"{one.fit}). {_advice(record)}"
            )


def _advice(record: Record) -> str:
    return f"Scores on both can't be compared: take the lines of fit {record.fit} out of records.jsonl and run it again"
