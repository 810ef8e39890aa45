"""The settings of a suite that every fit of it meets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bakeoff.tasks import Task, Variant

Calibrate = Literal["none", "temperature", "isotonic"]
Threshold = Literal["default", "tuned"]
TUNING_VARIANTS: tuple[Variant, ...] = ("tuned", "ensemble", "bagged-ensemble")
ENSEMBLE_VARIANTS: tuple[Variant, ...] = ("ensemble", "bagged-ensemble")  # of the trials of a tuned sibling's study
BAGGED_VARIANTS: tuple[Variant, ...] = ("bagged", "bagged-ensemble")


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """What a suite says of each of its fits.

    Parameters
    ----------
    seed : int
        From which all other seeds are derived.
    variants : tuple of {"default", "tuned", "bagged", "ensemble", "bagged-ensemble"}
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
    bagging_folds : int
        Members of a bag.
    calibrate : {"none", "temperature", "isotonic"}
        How the probabilities of classifiers are calibrated, on out-of-fold predictions of the training part.
    threshold : {"default", "tuned"}
        Whether the threshold of a binary classifier is chosen there, too.
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
    bagging_folds: int = 8
    calibrate: Calibrate = "none"
    threshold: Threshold = "default"

    @property
    def tunes(self) -> bool:
        """Whether any variant searches for parameters."""
        return any(variant in TUNING_VARIANTS for variant in self.variants)
