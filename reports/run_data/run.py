"""What a run folder holds, as far as reports need it, read once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from bakeoff.errors import UserError
from bakeoff.records.fit_files import FIT_FILES
from bakeoff.records.record import Record
from bakeoff.records.run_folder import (
    CORRUPT_RECORDS,
    CROSS_MODEL_ENSEMBLES,
    CROSS_MODEL_ENSEMBLES_BEFORE,
    FORECAST,
    RECORDS,
    TRACKED,
    VERIFIED,
    RunFolder,
)
from bakeoff.reports.run_data.comparable import check_comparable
from bakeoff.reports.run_data.published_file import PublishedScore, read_published

BASELINE = "dummy"
FAMILIES = ("classical", "deep")
DEFAULT_STATISTICS = {"rope": 0.01, "groups": "wilcoxon-holm"}  # where a suite says nothing
PUBLISHED = "published.csv"  # in the run folder: scores to show beside the run's own
KEPT_RUNS = 2
KEPT_PREDICTIONS = 16  # of fits: they are the largest files of a run folder
# What `load_run_view` reads; a folder's time tells which files are in it.
READ = (
    RECORDS,
    CORRUPT_RECORDS,
    CROSS_MODEL_ENSEMBLES,
    CROSS_MODEL_ENSEMBLES_BEFORE,
    "plan.json",
    "suite.yaml",
    "provenance.json",
    "audit.json",
    FORECAST,
    VERIFIED,
    TRACKED,
    PUBLISHED,
    *(part for part, key, _ in FIT_FILES if key == "fit"),
)
State = tuple[tuple[int, int, int] | None, ...]
ArgumentsT = ParamSpec("ArgumentsT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run folder holds, as far as reports need it.

    Parameters
    ----------
    plan : mapping
        The current plan: `fits`, `skips`, `datasets`, `metrics`.
    records : mapping of Record
        The last record of each fit of the current plan.
    suite, provenance : mapping
    path : str
        The run folder, as it was given; "" if there is none.
    audit : mapping
        Data set -> what is odd about it: `findings`, each with `check` and `message`.
    forecast : list
        What was foreseen of the fits of each model on each data set.
    n_corrupt : int
        Lines that are no records, put aside or not.
    n_unplanned : int
        Fits that are recorded but not part of the current plan.
    n_superseded : int
        Those of them whose study went on: the plan has the fit with another budget.
    cross_model : mapping of Record
        Ensembles across models whose candidates are all among the records.
    tracked : mapping
        Where MLflow shows the run; empty if it was not tracked.
    verified : mapping
        What `bakeoff verify` found; empty if it was not asked.
    read_predictions : callable
        From the id of a fit to what it stored of its test rows, read when it is asked for; empty if there is nothing.
    read_trials : callable
        From the id of a tuned fit to the rows of its trials, likewise.
    read_curves : callable
        From the id of a net's fit to its losses by epoch, likewise.
    read_importance : callable
        From the id of a fit to what its score lost with each column shuffled, likewise.
    read_published : callable
        To the published scores that stand beside the run, read when they are shown.
    cache : dict
        What functions marked `cached` returned for this run, by function and arguments.
    """

    plan: Mapping[str, Any]
    records: Mapping[str, Record]
    suite: Mapping[str, Any]
    provenance: Mapping[str, Any]
    path: str = ""
    audit: Mapping[str, Any] = field(default_factory=dict)
    forecast: Sequence[Mapping[str, Any]] = ()
    n_corrupt: int = 0
    n_unplanned: int = 0
    n_superseded: int = 0
    cross_model: Mapping[str, Record] = field(default_factory=dict)
    tracked: Mapping[str, str] = field(default_factory=dict)
    verified: Mapping[str, Any] = field(default_factory=dict)
    read_predictions: Callable[[str], Mapping[str, Any]] = lambda _: {}
    read_trials: Callable[[str], list[dict[str, Any]]] = lambda _: []
    read_curves: Callable[[str], Mapping[str, list[float]]] = lambda _: {}
    read_importance: Callable[[str], Mapping[str, list[float]]] = lambda _: {}
    read_published: Callable[[], tuple[PublishedScore, ...]] = lambda: ()
    cache: dict[tuple[Any, ...], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def rope(self) -> float:
        """Half the width of the region of practical equivalence, as a share: of 1 for scores, of the dummy's error."""
        return float(self._statistics["rope"])

    @property
    def grouping(self) -> str:
        """The test behind groups of models that can't be told apart: `wilcoxon-holm` or `nemenyi`."""
        return str(self._statistics["groups"])

    @property
    def _statistics(self) -> Mapping[str, Any]:
        return DEFAULT_STATISTICS | (self.suite.get("statistics") or {})

    def primary(self, dataset: str) -> str:
        """Return the metric that a data set is ranked by."""
        return str(self.plan["datasets"][dataset]["primary"])

    def greater_is_better(self, metric: str) -> bool:
        """Tell whether bigger values of a metric are better."""
        return bool(self.plan["metrics"][metric]["greater_is_better"])

    def sign(self, metric: str) -> int:
        """Return the sign that makes bigger values of a metric better: 1 or -1."""
        return 1 if self.greater_is_better(metric) else -1

    def other_metrics(self, dataset: str) -> list[str]:
        """Return the metrics of a data set's task beside the primary one."""
        task = self.plan["datasets"][dataset]["task"]
        fitting = (name for name, metric in self.plan["metrics"].items() if task in metric["tasks"])
        return [name for name in fitting if name != self.primary(dataset)]


def cached(
    make: Callable[Concatenate[Run, ArgumentsT], ResultT],
) -> Callable[Concatenate[Run, ArgumentsT], ResultT]:
    """Compute a function of a run, and of what can be hashed, once for each; the result is shared, never changed."""

    @wraps(make)
    def lookup(view: Run, /, *args: ArgumentsT.args, **kwargs: ArgumentsT.kwargs) -> ResultT:
        key = (make, *args, *kwargs.items())
        if key not in view.cache:
            view.cache[key] = make(view, *args, **kwargs)
        found: ResultT = view.cache[key]
        return found

    return lookup


def load_current_run(folder: RunFolder) -> Run:
    """Read a run folder, unless it was read lately and nothing in it has changed since: with all that was computed."""
    return _load_as_of(folder.path, tuple(_state_of(folder.path / name) for name in READ))


@lru_cache(maxsize=KEPT_RUNS)
def _load_as_of(path: Path, state: State) -> Run:
    del state  # is only to tell runs apart
    return load_run_view(RunFolder(path))


def _state_of(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is written or replaced; None without one."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def load_run_view(folder: RunFolder) -> Run:
    """Read a run folder; trials and predictions are read when they are asked for, and kept.

    Raises
    ------
    UserError
        If the plan, the provenance or the suite is missing or damaged, or what was recorded can't be compared.
    """
    plan = folder.read_plan()
    if not plan.get("fits"):
        raise UserError(f"{folder.path} holds no plan.json with fits; run the suite again to rebuild it")
    records, corrupt = folder.read_records()
    planned = {fit["fit"] for fit in plan["fits"]}
    kept = {fit: record for fit, record in records.items() if fit in planned}
    others = [record for fit, record in records.items() if fit not in planned]
    studies = {record.study for record in kept.values()}
    check_comparable(plan, kept)
    return Run(
        plan=plan,
        records=kept,
        suite=folder.read_suite(),
        provenance=folder.read_json("provenance.json"),
        path=str(folder.path),
        audit=folder.read_json("audit.json"),
        forecast=folder.read_forecast(),
        n_corrupt=corrupt + _count_corrupt_lines(folder),
        n_unplanned=len(others),
        n_superseded=sum(record.study in studies for record in others),
        cross_model={
            fit: one for fit, one in folder.read_cross_model_ensembles().items() if _candidates_of(one) <= kept.keys()
        },
        verified=folder.read_verified(),
        tracked=folder.read_tracked(),
        read_predictions=lru_cache(maxsize=KEPT_PREDICTIONS)(folder.read_predictions),
        read_trials=cache(folder.read_trials),
        read_curves=folder.read_curves,
        read_importance=folder.read_importance,
        read_published=cache(partial(_read_published, folder.path / PUBLISHED)),
    )


def _read_published(path: Path) -> tuple[PublishedScore, ...]:
    return read_published(path) if path.is_file() else ()


def _candidates_of(ensemble: Record) -> set[str]:
    return set(ensemble.diagnostics.get("candidates") or ())


def _count_corrupt_lines(folder: RunFolder) -> int:
    path = folder.path / CORRUPT_RECORDS
    return len(path.read_bytes().splitlines()) if path.is_file() else 0
