"""What a fit's process gets: everything it needs to know, and where the data lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeoff.datasets.dataset import Kind, Task
from bakeoff.estimators.spec import Choice
from bakeoff.keys import Keys
from bakeoff.metrics import Metric
from bakeoff.records import Record, fit_label
from bakeoff.suite import Variant


@dataclass(frozen=True, kw_only=True)
class Job:
    """One fit to be run.

    Parameters
    ----------
    keys : Keys
    dataset, data_digest, split_digest : str
    task, kind : str
    choice : Choice
        The model with what the user fixed and narrowed.
    variant : {"default", "tuned", "ensemble"}
    repeat, fold : int
    train_fraction : float
        Of the training part; 1 but for a point of a learning curve.
    split_index : int
        Index of the split in the staged data file.
    place : int
        Place among the fits of the suite.
    data_file : Path
        File with the data set and its splits, see `bakeoff.prepared`.
    journal : Path, optional
        File of the study, by which tuning goes on after an end before its time; None keeps the study in memory.
    positive : label
        Positive class of a binary task.
    metrics : mapping of Metric
    primary : str
    seed : int
        The suite's seed, from which all others are derived.
    inner_folds, trials : int
    seconds : float, optional
        The tuning budget.
    limit_s : float
        After so many seconds the fit is killed.
    score_default_params : bool
        Whether the default variant is scored on the inner folds, too.
    score_incumbents : bool
        Whether every trial that was best for a time is refitted and scored on the outer test part, for the record only.
    compute_importance : bool
        Whether the importance of the columns is measured on the outer test part.
    keep_out_of_fold : bool
        Whether what trials predict on inner folds is kept, for an ensemble of them.
    threads : int
    device : str
    """

    keys: Keys
    dataset: str
    data_digest: str
    split_digest: str
    task: Task
    kind: Kind
    choice: Choice
    variant: Variant
    repeat: int
    fold: int
    split_index: int
    place: int
    data_file: Path
    journal: Path | None
    positive: Any
    metrics: Mapping[str, Metric]
    primary: str
    seed: int
    inner_folds: int
    trials: int
    seconds: float | None
    limit_s: float
    score_default_params: bool
    score_incumbents: bool
    compute_importance: bool
    keep_out_of_fold: bool
    threads: int
    device: str
    train_fraction: float = 1.0

    @property
    def group(self) -> tuple[str, str, str, float]:
        """Data set, model, variant and share: fits that are alike but for their folds."""
        return self.dataset, self.choice.name, self.variant, self.train_fraction

    @property
    def label(self) -> str:
        """What a person calls the fit."""
        return fit_label(self.dataset, self.choice.name, self.variant, self.train_fraction, self.repeat, self.fold)

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
            seed=self.seed,
            **outcome,  # type: ignore[arg-type]  # names and types are Record's
        )
