"""`GivenFolds`: outer folds that somebody published together with a data set; they are used as they are."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bakeoff.errors import UserError


@dataclass(frozen=True, eq=False)
class GivenFold:
    """One published division of the rows.

    Parameters
    ----------
    repeat, fold : int
        From 0.
    train, test : ndarray of int
        Row numbers, ascending.
    """

    repeat: int
    fold: int
    train: np.ndarray
    test: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class GivenFolds:
    """Published outer folds, all of them or the first ones.

    Parameters
    ----------
    source : str
        Who published them, such as "OpenML task 7".
    parts : tuple of GivenFold
        In the order of repeats, then of folds; each repeat has the same folds.
    n_published : tuple of int
        Repeats, and folds in each of them, that were published.
    """

    source: str
    parts: tuple[GivenFold, ...]
    n_published: tuple[int, int]

    @property
    def n_repeats(self) -> int:
        """The number of repeats that are used."""
        return 1 + max(part.repeat for part in self.parts)

    @property
    def n_folds(self) -> int:
        """The number of folds that are used in each repeat."""
        return 1 + max(part.fold for part in self.parts)

    @property
    def test_fraction(self) -> float:
        """Share of the rows of a fold that it tests, mean over the folds."""
        return float(np.mean([len(part.test) / (len(part.train) + len(part.test)) for part in self.parts]))

    def __str__(self) -> str:
        """Say how many there are and whose: "10 folds x 1 repeat of OpenML task 7"."""
        repeats, folds = self.n_published
        counts = (_count(self.n_folds, folds, "fold"), _count(self.n_repeats, repeats, "repeat"))
        return f"{' x '.join(counts)} of {self.source}"

    def take(self, *, repeats: int | None = None, folds: int | None = None) -> "GivenFolds":
        """Return the first folds of the first repeats.

        Raises
        ------
        UserError
            If there are not so many.
        """
        for what, wanted, most in zip(("repeats", "folds"), (repeats, folds), self.n_published, strict=True):
            if wanted is not None and wanted > most:
                raise UserError(f"{self.source} has {most} {what}; take at most so many, got {what}: {wanted}")
        repeats, folds = repeats or self.n_repeats, folds or self.n_folds
        return replace(self, parts=tuple(part for part in self.parts if part.repeat < repeats and part.fold < folds))

    def problems(self, n_rows: int) -> Iterator[str]:
        """Yield what keeps a fold from being used on so many rows."""
        for part in self.parts:
            both = np.concatenate([part.train, part.test])
            where = f"fold {part.fold} of repeat {part.repeat} of {self.source}"
            if not len(part.train) or not len(part.test):
                yield f"{where} has no rows in its {'test' if len(part.train) else 'training'} part"
            elif both.min() < 0 or both.max() >= n_rows:
                yield f"{where} names row {both.max() if both.max() >= n_rows else both.min()}, but there are {n_rows}"
            elif len(np.unique(both)) < len(both):
                yield f"{where} names a row more than once; training and test part must be distinct rows"


def _count(used: int, published: int, what: str) -> str:
    if used < published:
        return f"the first {used} of {published} {what}s"
    return f"{used} {what}{'' if used == 1 else 's'}"
