"""The settings of a suite that every fit of it meets."""

from collections.abc import Mapping
from dataclasses import dataclass

from bakeoff.tasks import Task, Variant


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """What a suite says of each of its fits.

    Parameters
    ----------
    seed : int
        From which all other seeds are derived.
    variants : tuple of {"default", "tuned", "ensemble"}
    primary : mapping of str
        Task -> name of the metric that tuning optimises.
    inner_folds, trials : int
    tuning_s : float, optional
        The tuning budget in seconds, beside that in trials.
    limit_s : float
        After so many seconds the fit is killed.
    score_defaults : bool
        Whether default variants are scored on the inner folds.
    anytime : bool
        Whether every trial that was best for a time is refitted and scored on the outer test part, for the record only.
    importance : bool
        Whether the importance of columns is measured on the outer test part.
    threads : int
    device : {"cpu", "cuda"}
        Where nets are trained.
    """

    seed: int
    variants: tuple[Variant, ...]
    primary: Mapping[Task, str]
    inner_folds: int
    trials: int
    tuning_s: float | None
    limit_s: float
    score_defaults: bool
    anytime: bool
    importance: bool
    threads: int
    device: str

    @property
    def tunes(self) -> bool:
        """Whether any variant searches for parameters."""
        return any(variant != "default" for variant in self.variants)
