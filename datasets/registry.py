"""The data sets that have a name: loaders behind light entries, so that listing them imports nothing heavy.

A name may carry a version, `moons@1`: when the content of a set changes, its version does, and an old name is refused
rather than answered with other data.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bakeoff.datasets import synthetic as made
from bakeoff.datasets.bundled import load_digits, load_table
from bakeoff.datasets.dataset import Dataset, Kind, Task
from bakeoff.datasets.synthetic import DIFFICULTIES, make_table, make_values
from bakeoff.errors import UserError, unknown_name

MADE_ROWS = 1000
FEWEST_ROWS, MOST_ROWS = 20, 10_000_000


@dataclass(frozen=True)
class DatasetEntry:
    """A named data set: what a listing shows, and the function that loads it.

    Parameters
    ----------
    load : callable
        Without arguments, or with rows, difficulty and seed if the set is made.
    made : bool
        Whether the set is made from a seed, in any size.
    """

    name: str
    task: Task
    kind: Kind
    rows: int
    summary: str
    load: Callable[..., Dataset]
    version: int = 1
    made: bool = False

    @property
    def id(self) -> str:
        """The name with its version."""
        return f"{self.name}@{self.version}"


def _bundled(name: str, task: Task, rows: int, summary: str, source: str) -> DatasetEntry:
    return DatasetEntry(name, task, "tabular", rows, summary, lambda: load_table(name, task, source))


def _made(name: str, task: Task, summary: str, make: Callable[..., Dataset], kind: Kind = "tabular") -> DatasetEntry:
    return DatasetEntry(name, task, kind, MADE_ROWS, summary, make, made=True)


def _entries() -> Iterable[DatasetEntry]:
    digits = "8x8 images of handwritten digits, 10 classes"
    yield DatasetEntry("digits", "multiclass", "image", 1797, digits, load_digits)
    cells = "30 measurements of cell nuclei; 1 is benign"
    yield _bundled("breast_cancer", "binary", 569, cells, "UCI breast cancer Wisconsin (diagnostic)")
    yield _bundled("wine", "multiclass", 178, "13 chemical measurements of wines from 3 cultivars", "UCI wine")
    yield _bundled("iris", "multiclass", 150, "4 measurements of flowers of 3 species", "Fisher's iris")
    patients = "10 measurements of patients, disease progression after a year"
    yield _bundled("diabetes", "regression", 442, patients, "Efron et al. 2004, diabetes")
    for name, task, summary, draw in (
        ("moons", "binary", "made: two half moons in the plane", made.moons),
        ("circles", "binary", "made: a circle inside another", made.circles),
        ("xor", "binary", "made: the parity of the signs of 2 to 4 of 10 columns", made.xor),
        ("friedman1", "regression", "made: Friedman's first function, 5 of 10 columns", made.friedman1),
        ("friedman2", "regression", "made: Friedman's second function, 4 columns of unlike scales", made.friedman2),
        ("friedman3", "regression", "made: Friedman's third function, an arc tangent", made.friedman3),
        ("sine", "regression", "made: three waves over one column, to interpolate", made.sine),
    ):
        yield _made(name, task, summary, make_table(name, task, draw))  # type: ignore[arg-type]  # literals
    yield _made("sine_beyond", "regression", "made: the same, tested beyond the training rows", made.make_sine_beyond)
    odd = "made: series of -1 and 1, is the number of ones odd?"
    yield _made("parity", "binary", odd, make_values("parity", "binary", "series", made.parity), "series")
    figures = "made: 16x16 images of circles, crosses, squares and triangles"
    yield _made("shapes", "multiclass", figures, make_values("shapes", "multiclass", "image", made.shapes), "image")


ENTRIES = {entry.name: entry for entry in _entries()}


def find_entry(name: str) -> DatasetEntry:
    """Find a registered data set by its name, with or without its version.

    Raises
    ------
    UserError
        If no data set has that name, or not that version.
    """
    plain, _, version = name.partition("@")
    if plain not in ENTRIES:
        raise UserError(unknown_name("data set", plain, ENTRIES, listing="datasets"))
    entry = ENTRIES[plain]
    if version and version != str(entry.version):
        raise UserError(f"there is no {name!r}; this release has {entry.id}, whose content may differ")
    return entry


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def load_named(
    name: str, *, rows: int | None = None, difficulty: str | None = None, seed: int | None = None
) -> Dataset:
    """Load a registered data set.

    Parameters
    ----------
    name : str
        Such as `moons` or `moons@1`.
    rows : int, optional
        Size of a set that is made; 1000 if left out.
    difficulty : {"easy", "medium", "hard"}, optional
        Of a set that is made; easy if left out.
    seed : int, optional
        Of a set that is made; 0 if left out.

    Raises
    ------
    UserError
        If no data set has that name, or its rows are not for choosing.
    """
    entry = find_entry(name)
    given: dict[str, Any] = {"rows": rows, "difficulty": difficulty, "seed": seed}
    if not entry.made:
        refused = [key for key, value in given.items() if value is not None]
        if refused:
            raise UserError(f"the data set {entry.name!r} is as it is; leave out {', '.join(refused)}")
        return entry.load()
    if difficulty is not None and difficulty not in DIFFICULTIES:
        raise UserError(unknown_name("difficulty", str(difficulty), DIFFICULTIES))
    numbers = {"rows": rows, "seed": seed}
    odd = next((key for key, value in numbers.items() if value is not None and not _is_count(value)), None)
    if odd:
        raise UserError(f"{odd} must be a whole number from 0 on, got {numbers[odd]!r}")
    if rows is not None and not FEWEST_ROWS <= rows <= MOST_ROWS:
        raise UserError(f"rows must lie between {FEWEST_ROWS} and {MOST_ROWS}, got {rows}")
    return entry.load(rows or MADE_ROWS, difficulty or "easy", seed or 0)
