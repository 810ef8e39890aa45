"""Search spaces: what a space may ask of a trial, and the ways a user narrows it.

A space is a function `(trial, task) -> parameters` that asks the trial for values as in Optuna. Four trials answer:
Optuna's own while tuning, `FixedTrial` for the default, `NarrowedTrial` for fixed, capped and narrowed parameters, and
`RecordingTrial` for a fingerprint.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Params = dict[str, Any]


class Trial(Protocol):
    """The part of `optuna.Trial` that spaces use."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Ask for a float in [low, high]."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Ask for an integer in [low, high]."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Ask for one of the choices (None, bool, int, float or str)."""


class Space(Protocol):
    """A search space: from a trial and a task to estimator parameters."""

    def __call__(self, trial: Trial, task: str) -> Params:
        """Ask the trial for each value and return the parameters."""


@dataclass(frozen=True)
class Range:
    """A user's range for one parameter: numbers from low to high, or choices; optionally a new default.

    Raises
    ------
    ValueError
        If neither or both of (low, high) and choices are given, or low is not below high.
    """

    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] | None = None
    default: Any = None

    def __post_init__(self) -> None:
        """Check that the range is one."""
        bounds = [bound for bound in (self.low, self.high) if bound is not None]
        if len(bounds) != (0 if self.choices else 2):
            raise ValueError("a range needs either low and high, or a list of choices")
        if bounds and not bounds[0] < bounds[1]:
            raise ValueError(f"a range needs low < high, got low={self.low:g} and high={self.high:g}")
        if bounds and self.log and bounds[0] <= 0:
            raise ValueError(f"a range with log: true needs low > 0, got low={self.low:g}")

    def __contains__(self, value: Any) -> bool:
        """Say whether a value lies in the range."""
        if self.choices is not None:
            return value in self.choices
        return isinstance(value, int | float) and self.low <= value <= self.high  # type: ignore[operator]


@dataclass(frozen=True)
class NarrowedTrial:
    """A trial that answers fixed parameters itself and asks for the others within the user's ranges and caps.

    Parameters
    ----------
    trial : Trial
        Who answers what is left open.
    fixed : mapping
        Parameters that are not searched.
    ranges : mapping of Range
        Ranges that replace the space's own.
    caps : mapping
        Upper bounds for numbers, such as trees or epochs.
    """

    trial: Trial
    fixed: Mapping[str, Any] = field(default_factory=dict)
    ranges: Mapping[str, Range] = field(default_factory=dict)
    caps: Mapping[str, float] = field(default_factory=dict)

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Ask for a float within the narrowed bounds."""
        if name in self.fixed:
            fixed: float = self.fixed[name]  # as it was given: None or a word may be what a choice leads to
            return fixed
        given = self.ranges.get(name)
        if given is not None and given.choices is not None:
            return float(self.trial.suggest_categorical(name, given.choices))
        if given is not None:
            low, high, log = given.low, given.high, log or given.log  # type: ignore[assignment]  # numbers, see Range
        return self.trial.suggest_float(name, low, min(high, self.caps.get(name, high)), log=log and low > 0)

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Ask for an integer within the narrowed bounds."""
        if name in self.fixed:
            fixed: int = self.fixed[name]  # as above
            return fixed
        given = self.ranges.get(name)
        if given is not None and given.choices is not None:
            return int(self.trial.suggest_categorical(name, given.choices))
        if given is not None:
            low, high, log = int(given.low), int(given.high), log or given.log  # type: ignore[arg-type]  # as above
        high = int(min(high, self.caps.get(name, high)))
        return self.trial.suggest_int(name, min(low, high), high, log=log and low > 0)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Ask for one of the choices, or of the user's."""
        if name in self.fixed:
            return self.fixed[name]
        given = self.ranges.get(name)
        if given is not None:
            within = given.choices or [choice for choice in choices if choice in given]
            if not within:
                raise ValueError(f"none of the choices {list(choices)} of {name!r} is in [{given.low}, {given.high}]")
            choices = within
        return self.trial.suggest_categorical(name, choices)


@dataclass(frozen=True)
class FixedTrial:
    """A trial that answers with the values of one point, and refuses what lies outside the space.

    Raises
    ------
    ValueError
        If the point misses a name, or a value lies outside the range that is asked for.
    """

    values: Mapping[str, Any]

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Answer with the point's value."""
        del log
        return float(self._within(name, low, high))

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Answer with the point's value."""
        del log
        return int(self._within(name, low, high))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Answer with the point's value."""
        if name not in self.values or self.values[name] not in choices:
            raise ValueError(f"the default of {name!r} is {self.values.get(name)!r}, which is none of {list(choices)}")
        return self.values[name]

    def _within(self, name: str, low: float, high: float) -> Any:
        value = self.values.get(name)
        if value is None or not low <= value <= high:
            raise ValueError(f"the default of {name!r} is {value!r}, which is not in [{low}, {high}]")
        return value


class RecordingTrial:
    """A trial that writes down what it is asked, following given choices; for fingerprints and listings."""

    def __init__(self, choices: Mapping[str, Any] | None = None) -> None:
        self._choices = dict(choices or {})
        self.ranges: dict[str, tuple[Any, ...]] = {}

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Note the range and answer its lower end."""
        self.ranges[name] = ("float", low, high, log)
        return low

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Note the range and answer its lower end."""
        self.ranges[name] = ("int", low, high, log)
        return low

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Note the choices and answer the one to follow."""
        self.ranges[name] = ("categorical", *choices)
        return self._choices.get(name, choices[0])


def list_space(space: Space, task: str) -> dict[str, tuple[Any, ...]]:
    """List every range of a space, those behind a choice included.

    Returns
    -------
    dict
        Name of each parameter asked for -> (type, low, high, log) or ("categorical", choice, …).
    """
    first = RecordingTrial()
    space(first, task)
    ranges, open_names = dict(first.ranges), list(first.ranges)
    for name in open_names:
        for choice in ranges[name][1:] if ranges[name][0] == "categorical" else ():
            branch = RecordingTrial({name: choice})
            space(branch, task)
            ranges = branch.ranges | ranges
    return ranges


def suggest_or_zero(trial: Trial, name: str, low: float, high: float) -> float:
    """Ask for zero or a log-uniform value: the {0, LogUniform} of Gorishniy et al. 2021."""
    if trial.suggest_categorical(f"{name}_is_zero", [True, False]):
        return 0.0
    return trial.suggest_float(name, low, high, log=True)
