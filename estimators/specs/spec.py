"""What the registry says of a model: which tasks and inputs it takes, what it needs, how it is built and searched.

Declared, not detected: nothing here looks into an estimator to find out what it can do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

from bakeoff.estimators.search_spaces.space import NarrowedTrial, Params, Point, Range, Space, Trial, list_space
from bakeoff.tasks import Kind, Task

Family = Literal["classical", "deep"]


@dataclass(frozen=True, kw_only=True)
class Setting:
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
        `(setting, params) -> estimator`; imports its library itself.
    preprocessors : mapping
        Kind of input -> name of the preprocessing that it wants (`bakeoff.estimators.models.preprocessors`).
    default, regression_default : mapping
        The default as a point of the space; what differs for a regression.
    fixed : mapping
        Parameters that are never searched.
    space : callable, optional
        The search space; None where there is nothing to tune.
    source : str
        Where the space was published.
    conditions : mapping
        Parameter -> (question, answer) that opens it: `max_depth` is asked for only if the depth is limited. A user's
        range for the parameter opens it for good; `NAME_is_zero` need not be listed.
    requires : str
        Module that the model needs; with `extra`, the extra that installs it.
    effort : mapping
        "epochs" or "trees" -> the parameter that a suite's cap bounds.
    max_rows : int, optional
        Training rows beyond which the model does not apply, with `max_rows_reason`.
    fingerprint : str
        What tells apart two models of one name: for a user's own estimator, its class and parameters.
    takes_validation_rows : bool
        True if `fit` takes `validation_rows` to stop early on.
    fits_folds_together : bool
        True if `fit_folds` can train it: a net of this package.
    round_callbacks : callable, optional
        `(estimator, watch) -> options of fit`: lets boosting be asked while it goes on, see
        `bakeoff.estimators.wrappers.boosting_callbacks`.
    """

    name: str
    family: Family
    summary: str
    tasks: tuple[Task, ...]
    kinds: tuple[Kind, ...]
    build: Callable[[Setting, Params], Any]
    preprocessors: Mapping[Kind, str]
    default: Mapping[str, Any] = field(default_factory=dict)
    regression_default: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    space: Space | None = None
    source: str = "nothing to tune"
    conditions: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    requires: str = "sklearn"
    extra: str | None = None
    effort: Mapping[str, str] = field(default_factory=dict)
    max_rows: int | None = None
    max_rows_reason: str = ""
    fingerprint: str = ""
    takes_validation_rows: bool = False
    fits_folds_together: bool = False
    round_callbacks: Callable[[Any, Any], dict[str, Any]] | None = None

    @property
    def is_installed(self) -> bool:
        """Whether the module that the model needs can be found."""
        return find_spec(self.requires.split(".")[0]) is not None

    def why_not(self, task: Task, kind: Kind, n_train: int) -> str | None:
        """Say why the model does not apply to such data, or None if it does."""
        if task not in self.tasks:
            return f"{self.name} does not take {task} tasks"
        if kind not in self.kinds:
            return f"{self.name} does not take {kind} data"
        if self.max_rows is not None and n_train > self.max_rows:
            return f"{self.max_rows_reason} (limit {self.max_rows:,} training rows, got {n_train:,})"
        if not self.is_installed:
            return f"{self.requires} is not installed: pip install 'bakeoff[{self.extra}]'"
        return None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A model as a suite asks for it: the spec, with what the user fixed, capped and narrowed."""

    spec: ModelSpec
    params: Mapping[str, Any] = field(default_factory=dict)
    ranges: Mapping[str, Range] = field(default_factory=dict)
    caps: Mapping[str, float] = field(default_factory=dict)
    name: str = ""

    def __post_init__(self) -> None:
        """Take the spec's name unless there is another."""
        object.__setattr__(self, "name", self.name or self.spec.name)

    def default_point(self, task: Task) -> Params:
        """Return the default as answers to what the space asks: trial 0 of every study."""
        own = {**self.spec.default, **(self.spec.regression_default if task == "regression" else {})}
        new = {name: given.default for name, given in self.ranges.items() if given.default is not None}
        capped = {name: min(value, self._cap(name, value)) for name, value in own.items() if name in self._capped}
        point = own | capped | new
        return {name: value for name, value in point.items() if name not in self._answered(task)}

    def default_params(self, task: Task) -> Params:
        """Return the parameters of the `default` variant.

        Raises
        ------
        ValueError
            If the default lies outside the (narrowed) space.
        """
        return self.params_of(Point(self.default_point(task)), task)

    def params_of(self, trial: Trial, task: Task) -> Params:
        """Return the estimator parameters that a trial's answers make."""
        searched = self.spec.space(self._narrow(trial, task), task) if self.spec.space else {}
        fixed = {
            name: min(value, self._cap(name, value)) if name in self._capped else value
            for name, value in self.spec.fixed.items()
        }
        questions = self._questions(task)
        # What the space returns is a parameter of the estimator, and fixed even where a choice hides its question.
        own = {name: value for name, value in self.params.items() if name in searched or name not in questions}
        return {**fixed, **searched, **own}

    def list_space(self, task: Task) -> dict[str, tuple[Any, ...]]:
        """List the ranges that tuning would search, after fixing and narrowing."""
        space = self.spec.space
        if space is None:
            return {}
        return list_space(lambda trial, task: space(self._narrow(trial, task), task), task)

    def _narrow(self, trial: Trial, task: Task) -> NarrowedTrial:
        return NarrowedTrial(trial, self._answered(task), self.ranges, self._bounds)

    def _answered(self, task: Task) -> Params:
        """Return what is no longer asked: fixed parameters, and the conditions of those that the user gave a range."""
        questions = self._questions(task)
        zeros = {f"{name}_is_zero": False for name in self.ranges if f"{name}_is_zero" in questions}
        conditions = dict(condition for name, condition in self.spec.conditions.items() if name in self.ranges)
        return {**zeros, **conditions, **self.params}

    def _questions(self, task: Task) -> dict[str, tuple[Any, ...]]:
        """Everything that the space may ask, before fixing: a net's `n_layers` is no parameter of its estimator."""
        return list_space(self.spec.space, task) if self.spec.space else {}

    @property
    def _capped(self) -> set[str]:
        return {self.spec.effort[effort] for effort in self.caps if effort in self.spec.effort} - set(self.params)

    @property
    def _bounds(self) -> dict[str, float]:
        return {self.spec.effort[effort]: cap for effort, cap in self.caps.items() if effort in self.spec.effort}

    def _cap(self, name: str, otherwise: float) -> float:
        return self._bounds.get(name, otherwise)
