"""The data sets that have a name: loaders behind light entries, so that listing them imports nothing heavy.

A name may carry a version, `moons@1`: when the content of a set changes, its version does, and an old name is refused
rather than answered with other data.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.sources import synthetic
from bakeoff.datasets.sources.bundled import load_digits, load_table
from bakeoff.datasets.sources.synthetic import DIFFICULTIES, make_arrays, make_table
from bakeoff.errors import UserError, unknown_name
from bakeoff.tasks import Kind, Task

DEFAULT_ROWS = 1000
MIN_ROWS, MAX_ROWS = 20, 10_000_000


@dataclass(frozen=True)
class DatasetEntry:
    """A named data set: what a listing shows, and the function that loads it.

    Parameters
    ----------
    load : callable
        Without arguments, or with rows, difficulty and seed if the set is synthetic.
    is_synthetic : bool
        Whether the rows are drawn from a seed, in any number.
    """

    name: str
    task: Task
    kind: Kind
    rows: int
    summary: str
    load: Callable[..., Dataset]
    version: int = 1
    is_synthetic: bool = False

    @property
    def id(self) -> str:
        """The name with its version."""
        return f"{self.name}@{self.version}"


def _bundled_entry(name: str, task: Task, rows: int, summary: str, source: str) -> DatasetEntry:
    return DatasetEntry(name, task, "tabular", rows, summary, lambda: load_table(name, task, source))


def _synthetic_entry(
    name: str, task: Task, summary: str, make: Callable[..., Dataset], kind: Kind = "tabular"
) -> DatasetEntry:
    return DatasetEntry(name, task, kind, DEFAULT_ROWS, summary, make, is_synthetic=True)


def _entries() -> Iterable[DatasetEntry]:
    digits = "8x8 images of handwritten digits, 10 classes"
    yield DatasetEntry("digits", "multiclass", "image", 1797, digits, load_digits)
    cells = "30 measurements of cell nuclei; 1 is benign"
    yield _bundled_entry("breast_cancer", "binary", 569, cells, "UCI breast cancer Wisconsin (diagnostic)")
    yield _bundled_entry("wine", "multiclass", 178, "13 chemical measurements of wines from 3 cultivars", "UCI wine")
    yield _bundled_entry("iris", "multiclass", 150, "4 measurements of flowers of 3 species", "Fisher's iris")
    patients = "10 measurements of patients, disease progression after a year"
    yield _bundled_entry("diabetes", "regression", 442, patients, "Efron et al. 2004, diabetes")
    for name, task, summary, draw in (
        ("moons", "binary", "made: two half moons in the plane", synthetic.moons),
        ("circles", "binary", "made: a circle inside another", synthetic.circles),
        ("xor", "binary", "made: the parity of the signs of 2 to 4 of 10 columns", synthetic.xor),
        ("friedman1", "regression", "made: Friedman's first function, 5 of 10 columns", synthetic.friedman1),
        (
            "friedman2",
            "regression",
            "made: Friedman's second function, 4 columns of unlike scales",
            synthetic.friedman2,
        ),
        ("friedman3", "regression", "made: Friedman's third function, an arc tangent", synthetic.friedman3),
        ("sine", "regression", "made: three waves over one column, to interpolate", synthetic.sine),
    ):
        yield _synthetic_entry(name, task, summary, make_table(name, task, draw))  # type: ignore[arg-type]  # literals
    yield _synthetic_entry(
        "sine_beyond", "regression", "made: the same, tested beyond the training rows", synthetic.make_sine_beyond
    )
    odd = "made: series of -1 and 1, is the number of ones odd?"
    yield _synthetic_entry(
        "parity", "binary", odd, make_arrays("parity", "binary", "series", synthetic.parity), "series"
    )
    figures = "made: 16x16 images of circles, crosses, squares and triangles"
    yield _synthetic_entry(
        "shapes", "multiclass", figures, make_arrays("shapes", "multiclass", "image", synthetic.shapes), "image"
    )


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


def load_registered(
    name: str, *, rows: int | None = None, difficulty: str | None = None, seed: int | None = None
) -> Dataset:
    """Load a registered data set.

    Parameters
    ----------
    name : str
        Such as `moons` or `moons@1`.
    rows : int, optional
        Size of a synthetic set; 1000 if left out.
    difficulty : {"easy", "medium", "hard"}, optional
        Of a synthetic set; easy if left out.
    seed : int, optional
        Of a synthetic set; 0 if left out.

    Raises
    ------
    UserError
        If no data set has that name, or its rows are not for choosing.
    """
    entry = find_entry(name)
    given: dict[str, Any] = {"rows": rows, "difficulty": difficulty, "seed": seed}
    if not entry.is_synthetic:
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
    if rows is not None and not MIN_ROWS <= rows <= MAX_ROWS:
        raise UserError(f"rows must lie between {MIN_ROWS} and {MAX_ROWS}, got {rows}")
    return entry.load(rows or DEFAULT_ROWS, difficulty or "easy", seed or 0)
