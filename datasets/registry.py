"""The data sets that have a name: loaders behind light entries, so that listing them imports nothing heavy."""

from collections.abc import Callable
from dataclasses import dataclass

from bakeoff.datasets.dataset import Dataset, Kind, Task
from bakeoff.errors import UserError, unknown_name


@dataclass(frozen=True)
class DatasetEntry:
    """A named data set: what a listing shows, and the function that loads it."""

    name: str
    task: Task
    kind: Kind
    rows: int
    summary: str
    load: Callable[[], Dataset]


def _load_digits() -> Dataset:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return Dataset(
        name="digits",
        X=X.astype("float32"),
        y=y,
        task="multiclass",
        kind="image",
        input_shape=(1, 8, 8),
        licence="CC BY 4.0",
        source="UCI optical recognition of handwritten digits (test part), in scikit-learn",
    )


def _load_bundled(name: str, task: Task, source: str) -> Dataset:
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True, as_frame=True)
    labels = y.to_numpy(copy=True)
    return Dataset(name=name, X=X, y=labels, task=task, licence="CC BY 4.0", source=f"{source}, in scikit-learn")


ENTRIES = {
    entry.name: entry
    for entry in (
        DatasetEntry(
            "digits", "multiclass", "image", 1797, "8x8 images of handwritten digits, 10 classes", _load_digits
        ),
        DatasetEntry(
            "breast_cancer",
            "binary",
            "tabular",
            569,
            "30 measurements of cell nuclei; 1 is benign",
            lambda: _load_bundled("breast_cancer", "binary", "UCI breast cancer Wisconsin (diagnostic)"),
        ),
        DatasetEntry(
            "wine",
            "multiclass",
            "tabular",
            178,
            "13 chemical measurements of wines from 3 cultivars",
            lambda: _load_bundled("wine", "multiclass", "UCI wine"),
        ),
        DatasetEntry(
            "iris",
            "multiclass",
            "tabular",
            150,
            "4 measurements of flowers of 3 species",
            lambda: _load_bundled("iris", "multiclass", "Fisher's iris"),
        ),
        DatasetEntry(
            "diabetes",
            "regression",
            "tabular",
            442,
            "10 measurements of patients, disease progression after a year",
            lambda: _load_bundled("diabetes", "regression", "Efron et al. 2004, diabetes"),
        ),
    )
}


def load_named(name: str) -> Dataset:
    """Load a registered data set.

    Raises
    ------
    UserError
        If no data set has that name.
    """
    if name not in ENTRIES:
        raise UserError(unknown_name("data set", name, ENTRIES, listing="datasets"))
    return ENTRIES[name].load()
