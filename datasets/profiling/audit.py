"""Audit of a data set: what a careful person would find odd before believing a score; reported, never repaired."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.profiling.baselines import score_baselines, score_single_columns
from bakeoff.datasets.schema.columns import are_sentences

Check = Literal[
    "duplicate rows",
    "conflicting rows",
    "split",
    "constant column",
    "id-like column",
    "text column",
    "leak suspect",
    "target",
    "small class",
    "imbalance",
    "groups",
    "time",
    "no signal",
    "too easy",
]
NEARLY_CONSTANT = 0.995  # share of rows with one value
IMBALANCE_FRACTION = 0.05  # share of rows of a class below which a task is called imbalanced
GROUP_WORDS = ("patient", "subject", "user", "customer", "person", "session", "speaker", "group", "household", "site")
LEAK_SKILL, TRIVIAL_SKILL = 0.98, 0.99  # of the way from a dummy to a perfect score
MIN_ID_ROWS, ID_UNIQUE_FRACTION = 20, 0.95
MAX_CLASSES_PER_ROW = 0.5
MIN_GROUPS, MIN_ROWS_PER_GROUP = 5, 2.0


@dataclass(frozen=True)
class Finding:
    """One thing that is odd.

    Parameters
    ----------
    check : str
        What was looked for.
    message : str
        What was found, why it matters, and what to do.
    columns : tuple of str
        Columns that it is about.
    """

    check: Check
    message: str
    columns: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)


def audit(dataset: Dataset, *, folds: int = 5, seed: int = 0) -> list[Finding]:
    """Look for what makes scores on a data set misleading.

    Parameters
    ----------
    dataset : Dataset
    folds : int
        Outer folds that it will be divided into.
    seed : int
        Of the small models that look for leaks and for signal; they see at most 2000 rows.

    Returns
    -------
    list of Finding
        Empty if nothing is odd.
    """
    found = [*_rows(dataset), *_classes(dataset, folds)]
    if isinstance(dataset.X, pd.DataFrame):
        found += [*_columns(dataset), *_order(dataset)]
    return [*found, *_signal(dataset, seed)]


def row_hashes(X: Any) -> np.ndarray:
    """Return a number for each row, equal for equal rows, shape (n_rows,)."""
    if isinstance(X, pd.DataFrame):
        return pd.util.hash_pandas_object(X, index=False).to_numpy()
    if X.ndim == 1:
        return pd.util.hash_array(X.astype(object))
    rows = np.ascontiguousarray(X)
    return pd.util.hash_array(np.array([row.tobytes() for row in rows], dtype=object))


def _rows(dataset: Dataset) -> Iterator[Finding]:
    """Find rows that stand more than once, with one label or with several, and on both sides of a given split."""
    rows = row_hashes(dataset.X)
    labels = pd.factorize(pd.Series(dataset.y))[0]
    table = pd.DataFrame({"row": rows, "label": labels})
    copies = int(table.duplicated().sum())
    within = "" if dataset.test_rows is None else " within the training part"
    if copies and dataset.groups is None:
        yield Finding(
            "duplicate rows",
            f"{copies} of {len(rows)} rows are copies of others; random folds{within} put copies on both sides, which "
            "flatters models that memorise: remove them, or name what belongs together as groups",
        )
    if dataset.task != "regression":
        conflicting = int((table.groupby("row")["label"].transform("nunique") > 1).sum())
        if conflicting:
            yield Finding(
                "conflicting rows",
                f"{conflicting} rows have the same features as others but another label; no model can get all right",
            )
    if dataset.test_rows is not None:
        known = int(np.isin(rows[dataset.test_rows], rows[~dataset.test_rows]).sum())
        if known:
            yield Finding(
                "split",
                f"{known} of {int(dataset.test_rows.sum())} test rows stand in the training part too; scores on them "
                "say nothing about new rows",
            )


def _classes(dataset: Dataset, folds: int) -> Iterator[Finding]:
    if dataset.task == "regression":
        return
    labels, counts = np.unique(dataset.y, return_counts=True)
    if len(labels) > MAX_CLASSES_PER_ROW * len(dataset.y):
        yield Finding(
            "target",
            f"{len(labels)} different values in {len(dataset.y)} rows are names, dates or amounts rather than classes; "
            "predict another column, or write plain numbers for a regression",
        )
        return
    small = [str(label) for label, count in zip(labels, counts, strict=True) if count < folds]
    if small and not dataset.is_divided:
        yield Finding(
            "small class",
            f"the classes {', '.join(small[:5])} have fewer rows than the {folds} folds; join them, drop them, or use "
            "fewer folds",
        )
    rarest = counts.min() / counts.sum()
    if rarest < IMBALANCE_FRACTION:
        yield Finding(
            "imbalance",
            f"the rarest class, {labels[counts.argmin()]}, has {rarest:.1%} of the rows; accuracy hides it: look at "
            "balanced accuracy, macro F1 or the area under the precision-recall curve",
        )


def _columns(dataset: Dataset) -> Iterator[Finding]:
    frame: pd.DataFrame = dataset.X
    constant = [str(name) for name in frame if _is_constant(frame[name])]
    if constant:
        yield Finding(
            "constant column", f"{_names(constant)} one value only, from which nothing can be learned", tuple(constant)
        )
    nearly = [
        str(name)
        for name in frame
        if str(name) not in constant and frame[name].value_counts(dropna=False).iloc[0] >= NEARLY_CONSTANT * len(frame)
    ]
    if nearly:
        yield Finding(
            "constant column",
            f"{_names(nearly)} one value in at least {NEARLY_CONSTANT:.1%} of the rows; there is little to learn from",
            tuple(nearly),
        )
    texts = [str(name) for name in frame if _is_text(frame[name])]
    if texts:
        yield Finding(
            "text column",
            f"{_names(texts)} sentences, of which models of tables see only that they differ; text: {texts[0]} makes a "
            "text set of it",
            tuple(texts),
        )
    others = {*texts, *_dates(dataset)}
    ids = [str(name) for name in frame if str(name) not in others and _is_id(frame[name])]
    if ids:
        yield Finding(
            "id-like column",
            f"{_names(ids)} another value in (almost) every row. If they number or name the rows, what a model learns "
            "from them means nothing for new rows: leave them out with drop",
            tuple(ids),
        )


def _is_constant(column: pd.Series) -> bool:
    first = column.iloc[0]
    return bool(column.isna().all() if pd.isna(first) else (column == first).all())


def _dates(dataset: Dataset) -> list[str]:
    """List the columns that were read as dates."""
    return [str(name) for name in dataset.X if any(f"column {name!r} holds dates" in note for note in dataset.notes)]


def _is_text(column: pd.Series) -> bool:
    """Tell sentences, another one in at least every second row."""
    if pd.api.types.is_numeric_dtype(column) or column.nunique() < len(column) / 2:
        return False
    return are_sentences(column.dropna())


def _is_id(column: pd.Series) -> bool:
    """Tell whole numbers that count rows, and text that is hardly ever the same."""
    if len(column) < MIN_ID_ROWS or column.isna().any():
        return False
    if not pd.api.types.is_numeric_dtype(column):
        return bool(column.nunique() >= ID_UNIQUE_FRACTION * len(column))
    if not column.is_unique:
        return False
    values = column.to_numpy(dtype=float)
    whole = bool(np.all(np.mod(values, 1) == 0))
    steps = np.diff(values)
    return whole and bool((steps > 0).all() or (steps < 0).all() or np.ptp(values) < 2 * len(values))


def _order(dataset: Dataset) -> Iterator[Finding]:
    """Find what random folds would tear apart although it belongs together."""
    frame: pd.DataFrame = dataset.X
    if dataset.groups is None and dataset.time is None and not dataset.is_divided:
        for name in frame:
            if any(word in str(name).lower() for word in GROUP_WORDS) and _are_groups(frame[name]):
                yield Finding(
                    "groups",
                    f"the column {name!r} looks as if rows with one value belong together; random folds would put them "
                    f"on both sides: give groups: {name}, if new ones will come",
                    (str(name),),
                )
    dates = _dates(dataset)
    if dates and dataset.time is None and not dataset.is_divided:
        yield Finding(
            "time",
            f"{_names(dates)} dates, and random folds train on the future of their test rows; if the model will be "
            f"asked about the future, give time: {dates[0]}",
        )


def _are_groups(column: pd.Series) -> bool:
    n_values = column.nunique()
    return MIN_GROUPS <= n_values <= len(column) / MIN_ROWS_PER_GROUP


def _signal(dataset: Dataset, seed: int) -> Iterator[Finding]:
    """Ask small models whether one column gives the target away, and whether anything tells it at all."""
    for name, skill in score_single_columns(dataset, seed=seed).items():
        if skill >= LEAK_SKILL:
            yield Finding(
                "leak suspect",
                f"the column {name!r} alone predicts the target almost perfectly ({skill:.1%} of the way from a dummy "
                "to a perfect score); is it known when a prediction is made? If not, leave it out with drop",
                (name,),
            )
    probe = score_baselines(dataset, seed=seed)
    if probe is None:
        return
    if probe.stump_skill >= TRIVIAL_SKILL:
        yield Finding("too easy", "a single split solves this task; it can't tell good models from poor ones")
    elif not probe.has_signal:
        yield Finding(
            "no signal",
            "a random forest does no better than a dummy on a sample of the rows; there may be nothing to learn here",
        )


def _names(columns: list[str]) -> str:
    shown = ", ".join(map(repr, columns[:10])) + (" …" if len(columns) > 10 else "")
    return f"the column{'s' if len(columns) > 1 else ''} {shown} {'have' if len(columns) > 1 else 'has'}"
