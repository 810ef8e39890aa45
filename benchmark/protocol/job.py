"""What a fit's process gets: everything it needs to know, and where the data lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeoff.estimators.specs.spec import ModelChoice
from bakeoff.protocol.keys import Keys
from bakeoff.protocol.metrics import Metric
from bakeoff.protocol.settings import BAGGED_VARIANTS, ENSEMBLE_VARIANTS, TUNING_VARIANTS, FitSettings
from bakeoff.records.record import Record, fit_label
from bakeoff.seeds import derive_seed
from bakeoff.tasks import Kind, Task, Variant


@dataclass(frozen=True, kw_only=True)
class Job:
    """One fit to be run.

    Parameters
    ----------
    keys : Keys
    settings : FitSettings
        Of the suite, the same for all of its fits.
    dataset, data_digest, split_digest : str
    task, kind : str
    positive : label
        Positive class of a binary task.
    choice : ModelChoice
        The model with what the user fixed and narrowed.
    variant : {"default", "tuned", "bagged", "ensemble", "bagged-ensemble"}
    repeat, fold : int
    train_fraction : float
        Of the training part; 1 but for a point of a learning curve.
    split_index : int
        Index of the split in the staged data file.
    place : int
        Place among the fits of the suite.
    metrics : mapping of Metric
    data_file : Path
        File with the data set and its splits, see `bakeoff.planning.staging`.
    journal : Path, optional
        File of the study, by which tuning goes on after an end before its time; None keeps the study in memory.
    """

    keys: Keys
    settings: FitSettings
    dataset: str
    data_digest: str
    split_digest: str
    task: Task
    kind: Kind
    positive: Any
    choice: ModelChoice
    variant: Variant
    repeat: int
    fold: int
    train_fraction: float
    split_index: int
    metrics: Mapping[str, Metric]
    place: int = 0
    data_file: Path = Path()
    journal: Path | None = None

    @property
    def group(self) -> tuple[str, str, str, float]:
        """Data set, model, variant and fraction: fits that are alike but for their folds."""
        return self.dataset, self.choice.name, self.variant, self.train_fraction

    @property
    def label(self) -> str:
        """What a person calls the fit."""
        return fit_label(self.dataset, self.choice.name, self.variant, self.train_fraction, self.repeat, self.fold)

    @property
    def primary(self) -> str:
        """The metric that its tuning optimises."""
        return self.settings.primary[self.task]

    @property
    def device(self) -> str:
        """Where it is fitted: only nets use a GPU."""
        return self.settings.device if self.choice.spec.family == "deep" else "cpu"

    @property
    def tunes(self) -> bool:
        """Whether it searches for parameters."""
        return self.variant in TUNING_VARIANTS

    @property
    def bags(self) -> bool:
        """Whether its models are means of the models of several folds."""
        return self.variant in BAGGED_VARIANTS

    @property
    def calibrates(self) -> bool:
        """Whether probabilities are calibrated on out-of-fold predictions."""
        return self.task != "regression" and self.settings.calibrate != "none"

    @property
    def tunes_threshold(self) -> bool:
        """Whether the threshold of a binary classifier is chosen: only where the primary metric judges labels."""
        tuned = self.task == "binary" and self.settings.threshold == "tuned"
        return tuned and self.metrics[self.primary].needs == "values"

    @property
    def adjusts_predictions(self) -> bool:
        """Whether anything is done to the predictions of the fitted model."""
        return self.calibrates or self.tunes_threshold

    @property
    def score_default_params(self) -> bool:
        """Whether a default is scored on the inner folds: also where the run tunes, but this model has no space."""
        return self.settings.score_defaults or (self.settings.tunes and not self.choice.list_space(self.task))

    @property
    def score_incumbents(self) -> bool:
        """Whether trials that were best for a time are scored on the outer test part."""
        return self.settings.anytime and self.variant == "tuned"

    @property
    def compute_importance(self) -> bool:
        """Whether the importance of columns is measured: of tables, for the whole training part."""
        return self.settings.importance and self.kind == "tabular" and self.train_fraction == 1

    @property
    def keep_out_of_fold(self) -> bool:
        """Whether what trials predict on inner folds is kept: for an ensemble of them, or to adjust predictions."""
        has_ensemble = any(variant in ENSEMBLE_VARIANTS for variant in self.settings.variants)
        return self.tunes and (has_ensemble or self.adjusts_predictions)

    def seed_for(self, purpose: str, **parts: str) -> int:
        """Derive the seed of a purpose on this outer fold; what all models must share names no model."""
        named = {"seed": self.settings.seed, "dataset": self.dataset, "repeat": self.repeat, "fold": self.fold}
        return derive_seed(**named, purpose=purpose, **parts)

    def record(self, **outcome: object) -> Record:
        """Return the record of this fit with a given outcome."""
        return Record(
            fit=self.keys.fit,
            study=self.keys.study,
            cell=self.keys.cell,
            dataset=self.dataset,
            data_digest=self.data_digest,
            split_digest=self.split_digest,
            task=self.task,
            kind=self.kind,
            model=self.choice.name,
            family=self.choice.spec.family,
            variant=self.variant,
            repeat=self.repeat,
            fold=self.fold,
            train_fraction=self.train_fraction,
            seed=self.settings.seed,
            **outcome,  # type: ignore[arg-type]  # names and types are Record's
        )
