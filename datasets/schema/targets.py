"""Type inference for the target: which task it sets, its labels or numbers, the positive class."""

from typing import Any

import numpy as np
import pandas as pd

from bakeoff.errors import UserError, unknown_name
from bakeoff.tasks import Task

MAX_INTEGER_CLASSES = 10
MAX_BALANCED_CLASSES = 100
MOSTLY_NUMBERS = 0.9  # share from which other texts in a target are likely to be mistakes


def infer_task(y: Any) -> Task:
    """Say which task a target sets.

    Text, booleans and two different numbers are classes, and so are whole numbers of up to ten different values; more
    of them, up to a hundred, if they are all the numbers from 0 or 1 on and none is rare. Counts are not: whole numbers
    from 0 on, five or more, that grow rarer towards the largest. The rest is a regression.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
    """
    target = pd.Series(np.asarray(y)).infer_objects().dropna()
    n_values = target.nunique()
    if pd.api.types.is_bool_dtype(target) or not pd.api.types.is_numeric_dtype(target):
        return "binary" if n_values <= 2 else "multiclass"
    finite = target[np.isfinite(target)]
    if not np.all(np.mod(finite, 1) == 0):
        return "regression"
    if n_values <= 2:
        return "binary"
    counts = finite.value_counts().sort_index()
    if _are_counts(counts) or not (n_values <= MAX_INTEGER_CLASSES or _are_codes(counts)):
        return "regression"
    return "multiclass"


def _are_codes(counts: pd.Series) -> bool:
    """Tell codes of classes: consecutive from 0 or 1, at most a hundred, none a tenth as common as the average."""
    consecutive = counts.index[0] in (0, 1) and counts.index[-1] - counts.index[0] == len(counts) - 1
    return bool(
        consecutive and len(counts) <= MAX_BALANCED_CLASSES and counts.min() >= 2 and counts.min() > counts.mean() / 10
    )


def _are_counts(counts: pd.Series) -> bool:
    """Tell counts of something: from 0 on, growing commoner to one value and rarer after it, with a thin tail."""
    if counts.index[0] != 0 or counts.index[-1] != len(counts) - 1 or len(counts) < 5:
        return False
    peak = int(counts.to_numpy().argmax())
    steps = np.diff(counts.to_numpy())
    return bool((steps[:peak] > 0).all() and (steps[peak:] < 0).all() and counts.iloc[-1] < counts.max() / 4)


def describe_inferred_task(name: str, task: Task, y: pd.Series) -> str:
    """Say what was inferred, and how to say otherwise."""
    texts = y.dropna().astype(str)
    odd = texts[pd.to_numeric(texts, errors="coerce").isna()]
    mostly_numbers = 0 < len(odd) <= (1 - MOSTLY_NUMBERS) * len(texts)
    stray = (
        f"; numbers but for {len(odd)}, first {odd.iloc[0]!r} in data row {odd.index[0] + 1}" if mostly_numbers else ""
    )
    return (
        f"{name}: read as a {task} task ({y.nunique()} different values in the target{stray}); give "
        "task (--task) if that is wrong"
    )


def read_labels(name: str, y: pd.Series, task: Task) -> np.ndarray:
    """Return the target as floats (regression) or as plain labels of one type."""
    if task != "regression":
        labels = y.to_numpy(copy=True)
        is_text = labels.dtype.kind not in "biuf"
        return y.astype(str).astype(object).where(y.notna(), None).to_numpy() if is_text else labels
    numbers = pd.to_numeric(y, errors="coerce")
    bad = y[numbers.isna() & y.notna()]
    if len(bad):
        raise UserError(
            f"the target of the data set {name!r} holds {bad.iloc[0]!r} in data row "
            f"{bad.index[0] + 1}; a regression needs numbers"
        )
    return numbers.to_numpy(dtype=float, copy=True)


def find_positive_class(name: str, labels: np.ndarray, task: Task, positive: Any) -> Any:
    """Find the label that the user means: YAML reads `1`, the file may hold `"1"`."""
    if positive is None:
        return None
    if task != "binary":
        raise UserError(
            f"the data set {name!r} is a {task} task; only a binary one has a positive class: leave out `positive`"
        )
    known = np.unique(labels[~pd.isna(labels)])
    matches = [label for label in known if label == positive or str(label) == str(positive)]
    if not matches:
        hint = "; YAML reads yes, no, on and off as true and false: quote them" if isinstance(positive, bool) else ""
        raise UserError(f"in the data set {name!r}: {unknown_name('class', str(positive), map(str, known))}{hint}")
    return matches[0]
