"""The data sets that a suite names or was handed: loaded, and split for every model alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.sources.load import HUGGINGFACE, OPENML, OPENML_TASK, load
from bakeoff.datasets.sources.openml import list_openml_suite
from bakeoff.errors import UserError
from bakeoff.estimators.specs.spec import ModelSpec
from bakeoff.protocol.learning_curve import learning_curve_splits
from bakeoff.protocol.splits import Split, check_folds, max_folds, outer_splits
from bakeoff.suites.entries import (
    OPENML_SUITE,
    DataEntry,
    FileData,
    HubData,
    InMemoryData,
    NamedData,
    OpenmlData,
    OpenmlTaskData,
    name_of_dataset,
)
from bakeoff.suites.models import get_in_memory
from bakeoff.suites.suite import Suite

EARLY_STOPPING_FOLDS = 2  # early stopping divides a training part in two


@dataclass(frozen=True)
class InMemoryInputs:
    """Data sets and models that were handed over in Python, by the names under which a suite refers to them."""

    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    models: Mapping[str, ModelSpec] = field(default_factory=dict)


def load_dataset(entry: DataEntry, memory: InMemoryInputs) -> tuple[str, Dataset]:
    """Load the data set of an entry; returns its name, too."""
    match entry:
        case InMemoryData():
            return entry.memory, get_in_memory("data set", entry.memory, memory.datasets)
        case FileData():
            dataset = load(Path(entry.file), **entry.model_dump(exclude={"file"}))
        case OpenmlData():
            dataset = load(f"{OPENML}{entry.openml}", **entry.model_dump(exclude={"openml"}))
        case OpenmlTaskData():
            dataset = load(f"{OPENML_TASK}{entry.openml_task}", **entry.model_dump(exclude={"openml_task"}))
        case HubData():
            dataset = load(f"{HUGGINGFACE}{entry.huggingface}", **entry.model_dump(exclude={"huggingface"}))
        case NamedData():
            dataset = load(entry.name, **entry.model_dump(exclude={"name", "as_"}, exclude_none=True))
        case _:
            dataset = load(entry)
    return name_of_dataset(entry), replace(dataset, name=name_of_dataset(entry))


def expand_openml_suites(entries: Sequence[DataEntry]) -> Iterator[DataEntry]:
    """Write suites of OpenML out as their data sets."""
    for entry in entries:
        if isinstance(entry, str) and entry.startswith(OPENML_SUITE):
            for task in list_openml_suite(entry.removeprefix(OPENML_SUITE)):
                yield OpenmlData(openml=task.dataset_id, target=task.target)
        else:
            yield entry


def split_dataset(suite: Suite, dataset: Dataset) -> list[Split]:
    """Split a data set: whole training parts first, then the smaller ones of a learning curve.

    Raises
    ------
    UserError
        If there are too few rows of some class, groups or times for the outer or the inner folds.
    """
    splits = outer_splits(dataset, folds=suite.outer_folds, repeats=suite.repeats, seed=suite.seed)
    if suite.tunes:
        smallest = min((split.train for split in splits), key=lambda train: max_folds(dataset, train))
        try:
            check_folds(dataset, smallest, suite.inner_folds)
        except UserError as error:
            raise UserError(f"inner_folds: within an outer training part, {error}") from None
    inner = suite.inner_folds if "tuned" in suite.variants or suite.score_defaults else EARLY_STOPPING_FOLDS
    return [*splits, *learning_curve_splits(dataset, splits, suite.learning_curve, seed=suite.seed, min_folds=inner)]


def unused_folds(suite: Suite, dataset: Dataset) -> Iterator[str]:
    """Yield that the suite's numbers of folds and repeats do not apply, where a data set came with other ones."""
    given = dataset.given_folds
    if given is not None and (suite.outer_folds, suite.repeats) != (given.n_folds, given.n_repeats):
        yield (
            f"{dataset.name} is split as published: {given}; outer_folds: {suite.outer_folds} and repeats: "
            f"{suite.repeats} do not apply to it (`folds` and `repeats` of the data set take the first ones)"
        )
