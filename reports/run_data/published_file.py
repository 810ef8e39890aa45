"""Published scores as a CSV file: read whole, or refused with what is wrong in each line."""

import csv
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeoff.errors import UserError
from bakeoff.plain import clean_text
from bakeoff.protocol.metrics import METRICS

COLUMNS = ("dataset", "model", "metric", "score", "source")
MAX_PROBLEMS = 5


@dataclass(frozen=True, kw_only=True)
class PublishedScore:
    """A score that somebody published.

    Parameters
    ----------
    dataset, model, metric : str
        The data set and the metric as a run names them; the model as its publication does.
    value : float
    text : str
        The same as published, with its own digits.
    source : str
        Where it stands.
    """

    dataset: str
    model: str
    metric: str
    value: float
    text: str
    source: str


def read_published(path: Path) -> tuple[PublishedScore, ...]:
    """Read published scores from a CSV file with the columns dataset, model, metric, score and source.

    Raises
    ------
    UserError
        If the file can't be read; else every line that is wrong, up to five.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            _check_columns(path, rows.fieldnames or [])
            lines = [(rows.line_num, row) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"the published scores {path} can't be read: {error}; they are a CSV file in UTF-8") from None
    problems = [f"{path}, line {number}: {problem}" for number, row in lines for problem in _problems(row)]
    scores = [] if problems else [_score(row) for _, row in lines]
    problems += [f"{path}: {text}" for text in _duplicates(scores)]
    if problems:
        more = [f"and {len(problems) - MAX_PROBLEMS} more"] if len(problems) > MAX_PROBLEMS else []
        raise UserError(*problems[:MAX_PROBLEMS], *more)
    return tuple(scores)


def _check_columns(path: Path, found: Sequence[str]) -> None:
    missing, others = [name for name in COLUMNS if name not in found], [name for name in found if name not in COLUMNS]
    if missing or others:
        wrong = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has {', '.join(map(repr, others))}"] * bool(others)
        raise UserError(f"{path} must have the columns {', '.join(COLUMNS)}; it {' and '.join(wrong)}")


def _problems(row: Mapping[str | None, Any]) -> Iterator[str]:
    """Yield what is wrong with a line."""
    if None in row or None in row.values():
        yield f"it must have {len(COLUMNS)} fields, as the header; a text that holds a comma stands in quotes"
        return
    empty = [name for name in COLUMNS if not row[name].strip()]
    if empty:
        yield f"{', '.join(empty)} must not be empty"
    elif not _is_number(row["score"]):
        yield f"the score must be a number, got {row['score'].strip()!r}"
    elif _is_percent(row["metric"].strip(), float(row["score"])):
        yield f"{row['metric'].strip()} is at most 1, got {row['score'].strip()}; divide a percentage by 100"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _is_percent(metric: str, value: float) -> bool:
    return value > 1 and metric in METRICS and METRICS[metric].greater_is_better  # all of which end at 1


def _score(row: Mapping[str | None, Any]) -> PublishedScore:
    texts = {name: clean_text(" ".join(row[name].split())) for name in COLUMNS}
    return PublishedScore(value=float(texts["score"]), text=texts.pop("score"), **texts)


def _duplicates(scores: Iterable[PublishedScore]) -> Iterator[str]:
    counts = Counter((one.dataset, one.model, one.metric, one.source) for one in scores)
    for (dataset, model, metric, source), count in counts.items():
        if count > 1:
            yield f"{metric} of {model} on {dataset} stands {count} times for {source!r}; keep one"
