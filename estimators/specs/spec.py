"""What the registry says of a model: which tasks and inputs it takes, what it needs, how it is built and searched.

Declared, not detected: nothing here looks into an estimator to find out what it can do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from bakeoff.estimators.search_spaces.space import FixedTrial, NarrowedTrial, Params, Range, Space, Trial, list_space
from bakeoff.estimators.wrappers.held_out_stopping import HeldOutRows
from bakeoff.tasks import Kind, Task

Family = Literal["classical", "deep"]
CPU_ROWS = "training rows without a GPU"


@dataclass(frozen=True, kw_only=True)
class BuildContext:
    """Where an estimator is built: the task, the input, and the resources it may use."""

    task: Task
    kind: Kind = "tabular"
    input_shape: tuple[int, ...] | None = None
    random_state: int = 0
    threads: int = 1
    device: str = "cpu"


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One registered model.

    Parameters
    ----------
    name : str
    family : {"classical", "deep"}
    summary : str
        What a listing says of it.
    tasks, kinds : tuple of str
        Tasks and kinds of input that it takes.
    build : callable
        `(context, params) -> estimator`; imports its library itself.
    preprocessors : mapping
        Kind of input -> name of the preprocessing that it wants (`bakeoff.estimators.models.preprocessors`).
    default, regression_default : mapping
        The default as a point of the space; what differs for a regression.
    kind_defaults : mapping
        Kind of input -> what differs from these for it.
    fixed : mapping
        Parameters that are never searched.
    space : callable, optional
        The search space; None where there is nothing to tune.
    source : str
        Where the space was published.
    conditions : mapping
        Conditional parameter -> (parameter, value) that it depends on: `max_depth` is searched only if the depth is
        limited. A user's range for it fixes that value; `NAME_is_zero` need not be listed.
    requires : str
        Module that the model needs; with `extra`, the extra that installs it.
    capped_params : mapping
        "epochs" or "trees" -> the parameter that a suite's cap bounds.
    max_rows : int, optional
        Training rows beyond which the model does not apply, with `max_rows_reason`.
    max_cpu_rows : int, optional
        Training rows beyond which it does not apply without a GPU.
    max_features, max_classes : int, optional
        Columns and classes beyond which it does not apply.
    fingerprint : str
        What tells apart two models of one name: for a user's own estimator, its class and parameters.
    takes_validation_rows : bool
        True if `fit` takes `validation_rows` to stop early on.
    fits_folds_together : bool
        True if `fit_folds` can train it: a net of this package.
    round_callbacks : callable, optional
        `(estimator, on_checkpoint) -> options of fit`: makes boosting report while it goes on, see
        `bakeoff.estimators.wrappers.boosting_callbacks`.
    stop_on_held_out : callable, optional
        `(estimator, held-out rows) -> options of fit`: makes boosting stop early on rows that a bag holds out, see
        `bakeoff.estimators.wrappers.held_out_stopping`. "trees" of `capped_params` names its number of rounds.
    pretrained : str
        For a pretrained model, what it was trained on; "" for one that learns from the training rows alone.
    licence : str
        Of a pretrained model's weights.
    find_weights : callable, optional
        `(task, given) -> path` of a pretrained model's weights, `given` being its parameter `weights`; raises a
        UserError where there are none.
    """

    name: str
    family: Family
    summary: str
    tasks: tuple[Task, ...]
    kinds: tuple[Kind, ...]
    build: Callable[[BuildContext, Params], Any]
    preprocessors: Mapping[Kind, str]
    default: Mapping[str, Any] = field(default_factory=dict)
    regression_default: Mapping[str, Any] = field(default_factory=dict)
    kind_defaults: Mapping[Kind, Mapping[str, Any]] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    space: Space | None = None
    source: str = "nothing to tune"
    conditions: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    requires: str = "sklearn"
    extra: str | None = None
    capped_params: Mapping[str, str] = field(default_factory=dict)
    max_rows: int | None = None
    max_rows_reason: str = ""
    max_cpu_rows: int | None = None
    max_features: int | None = None
    max_classes: int | None = None
    fingerprint: str = ""
    takes_validation_rows: bool = False
    fits_folds_together: bool = False
    round_callbacks: Callable[[Any, Any], dict[str, Any]] | None = None
    stop_on_held_out: Callable[[Any, HeldOutRows], dict[str, Any]] | None = None
    pretrained: str = ""
    licence: str = ""
    find_weights: Callable[[Task, str | None], Path] | None = None

    @property
    def is_installed(self) -> bool:
        """Whether the module that the model needs can be found."""
        return find_spec(self.requires.split(".")[0]) is not None

    @property
    def limits(self) -> list[str]:
        """What the model takes at most, in words."""
        known = (
            (self.max_rows, "training rows"),
            (self.max_cpu_rows, CPU_ROWS),
            (self.max_features, "columns"),
            (self.max_classes, "classes"),
        )
        return [f"{most:,} {what}" for most, what in known if most is not None]

    def why_not(
        self, task: Task, kind: Kind, n_train: int, *, n_features: int = 0, n_classes: int = 0, device: str = ""
    ) -> str | None:
        """Say why the model does not apply to such data, or None if it does."""
        if task not in self.tasks:
            return f"{self.name} does not take {task} tasks"
        if kind not in self.kinds:
            return f"{self.name} does not take {kind} data"
        if self.max_rows is not None and n_train > self.max_rows:
            return f"{self.max_rows_reason} (limit {self.max_rows:,} training rows, got {n_train:,})"
        if not self.is_installed:
            return f"{self.requires} is not installed: pip install 'bakeoff[{self.extra}]'"
        limits = (
            (self.max_cpu_rows if device == "cpu" else None, n_train, CPU_ROWS),
            (self.max_features, n_features, "columns"),
            (self.max_classes, n_classes, "classes"),
        )
        beyond = (
            f"{self.name} takes up to {most:,} {what}, got {found:,}"
            for most, found, what in limits
            if most is not None and found > most
        )
        return next(beyond, None)


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """A model as a suite asks for it: the spec, with what the user fixed, capped and narrowed."""

    spec: ModelSpec
    params: Mapping[str, Any] = field(default_factory=dict)
    ranges: Mapping[str, Range] = field(default_factory=dict)
    caps: Mapping[str, float] = field(default_factory=dict)
    name: str = ""

    def __post_init__(self) -> None:
        """Take the spec's name unless there is another."""
        object.__setattr__(self, "name", self.name or self.spec.name)

    def default_point(self, task: Task, kind: Kind | None = None) -> Params:
        """Return the default as a point of the space: trial 0 of every study."""
        spec = self.spec
        by_kind = spec.kind_defaults.get(kind, {}) if kind else {}
        own = {**spec.default, **(spec.regression_default if task == "regression" else {}), **by_kind}
        new = {name: given.default for name, given in self.ranges.items() if given.default is not None}
        capped = {name: min(value, self._cap(name, value)) for name, value in own.items() if name in self._capped}
        point = own | capped | new
        return {name: value for name, value in point.items() if name not in self._fixed_params(task)}

    def default_params(self, task: Task, kind: Kind | None = None) -> Params:
        """Return the parameters of the `default` variant, on a kind of input where one is given.

        Raises
        ------
        ValueError
            If the default lies outside the (narrowed) space.
        """
        return self.params_of(FixedTrial(self.default_point(task, kind)), task)

    def params_of(self, trial: Trial, task: Task) -> Params:
        """Return the estimator parameters that a trial's values make."""
        searched = self.spec.space(self._narrow(trial, task), task) if self.spec.space else {}
        fixed = {
            name: min(value, self._cap(name, value)) if name in self._capped else value
            for name, value in self.spec.fixed.items()
        }
        searchable = self._all_ranges(task)
        # What the space returns is a parameter of the estimator, and fixed even where a choice hides its range.
        own = {name: value for name, value in self.params.items() if name in searched or name not in searchable}
        return {**fixed, **searched, **own}

    def list_space(self, task: Task) -> dict[str, tuple[Any, ...]]:
        """List the ranges that tuning would search, after fixing and narrowing."""
        space = self.spec.space
        if space is None:
            return {}
        return list_space(lambda trial, task: space(self._narrow(trial, task), task), task)

    def _narrow(self, trial: Trial, task: Task) -> NarrowedTrial:
        return NarrowedTrial(trial, self._fixed_params(task), self.ranges, self._bounds)

    def _fixed_params(self, task: Task) -> Params:
        """Return what is not searched: fixed parameters, and the conditions of those that the user gave a range."""
        searchable = self._all_ranges(task)
        zeros = {f"{name}_is_zero": False for name in self.ranges if f"{name}_is_zero" in searchable}
        conditions = dict(condition for name, condition in self.spec.conditions.items() if name in self.ranges)
        return {**zeros, **conditions, **self.params}

    def _all_ranges(self, task: Task) -> dict[str, tuple[Any, ...]]:
        """Everything that the space may search, before fixing: a net's `n_layers` is no parameter of its estimator."""
        return list_space(self.spec.space, task) if self.spec.space else {}

    @property
    def _capped(self) -> set[str]:
        return set(self._bounds) - set(self.params)

    @property
    def _bounds(self) -> dict[str, float]:
        """Upper bounds by parameter, of the caps that mean something to this model."""
        known = self.spec.capped_params
        return {known[unit]: cap for unit, cap in self.caps.items() if unit in known}

    def _cap(self, name: str, otherwise: float) -> float:
        return self._bounds.get(name, otherwise)
