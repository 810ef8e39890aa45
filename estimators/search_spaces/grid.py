"""The grid of a finite search space, point by point: to know when a search has tried everything there is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bakeoff.estimators.search_spaces.space import Params, Trial


def list_grid(suggest: Callable[[Trial], Params], most: int) -> list[Params] | None:
    """List all points of a space as answers to what it asks.

    Parameters
    ----------
    suggest : callable
        trial -> parameters.
    most : int

    Returns
    -------
    list of dict or None
        None if a range is continuous, or there are more than `most` points.
    """
    points: list[Params] = []
    begun: list[Params] = [{}]
    while begun:
        answers = begun.pop()
        try:
            suggest(_PartialTrial(answers))
        except _OpenParameterError as missing:
            if len(missing.answers) > most:
                return None
            begun.extend({**answers, missing.name: answer} for answer in missing.answers)
        except _ContinuousError:
            return None
        else:
            points.append(answers)
        if len(points) + len(begun) > most:
            return None
    return points


class _OpenParameterError(Exception):
    """The space asks for a parameter that has no value yet."""

    def __init__(self, name: str, answers: Sequence[Any]) -> None:
        self.name = name
        self.answers = answers


class _ContinuousError(Exception):
    """The range is continuous."""


class _PartialTrial:
    """A trial that answers with the values that it has, and stops at the first that it has not."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Answer, or stop."""
        del log
        if low < high:
            raise _ContinuousError
        return float(self._answer(name, [low]))

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Answer, or stop."""
        del log
        return int(self._answer(name, range(low, high + 1)))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Answer, or stop."""
        return self._answer(name, choices)

    def _answer(self, name: str, answers: Sequence[Any]) -> Any:
        if name not in self._answers:
            raise _OpenParameterError(name, answers)
        return self._answers[name]
