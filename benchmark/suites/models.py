"""From a suite's `models` to the models themselves: families expanded, own ones imported, parameters checked."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from bakeoff.errors import UserError, describe_error, unknown_name
from bakeoff.estimators.models.pipelines import build_pipeline
from bakeoff.estimators.models.preprocessors import use_preprocessor
from bakeoff.estimators.models.registry import FAMILIES, get_spec, specs_of_family
from bakeoff.estimators.specs.spec import BuildContext, ModelChoice, ModelSpec
from bakeoff.suites.custom import import_model_spec
from bakeoff.suites.entries import ImportedModel, InMemoryModel, NamedModel, name_of_model
from bakeoff.suites.suite import Suite
from bakeoff.tasks import Kind, Task

InMemoryT = TypeVar("InMemoryT")
Entry = str | NamedModel | ImportedModel | InMemoryModel


def load_each(problems: list[str], entries: Any, load: Callable[[Any], tuple[str, Any]]) -> dict[str, Any]:
    """Load each entry; what a user must mend is noted, so that all of it is told at once."""
    found = {}
    for entry in entries:
        try:
            name, value = load(entry)
        except UserError as error:
            problems.extend(error.problems)
        else:
            found[name] = value
    return found


def get_in_memory(what: str, name: str, in_memory: Mapping[str, InMemoryT]) -> InMemoryT:
    """Return what was handed over in Python under a name.

    Raises
    ------
    UserError
        If it was not: the suite's file alone can't load it.
    """
    if name not in in_memory:
        raise UserError(f"the {what} {name!r} was handed over in Python and is in no file; run it from Python again")
    return in_memory[name]


def _caps(suite: Suite) -> dict[str, float]:
    return suite.caps.model_dump(exclude_none=True)


def resolve_models(suite: Suite, in_memory: Mapping[str, ModelSpec], problems: list[str]) -> list[ModelChoice]:
    """Expand families; an entry with options replaces the plain one that a family brought.

    Parameters
    ----------
    suite : Suite
    in_memory : mapping of ModelSpec
        What `{memory: NAME}` entries stand for.
    problems : list of str
        Takes what a user must mend.
    """
    families = [entry for entry in suite.models if entry in FAMILIES]
    named = [entry for entry in suite.models if entry not in FAMILIES]
    names = [name_of_model(entry) for entry in named]
    plain = [spec.name for family in families for spec in specs_of_family(str(family))]
    taken = {name for name, entry in zip(names, named, strict=True) if name in plain and _registered(entry) != name}
    problems += [
        f"models: {name!r} stands more than once; give one another name with `as:`"
        for name in sorted(taken | {name for name in names if names.count(name) > 1})
    ]
    wanted: dict[str, Any] = {name: name for name in plain} | dict(zip(names, named, strict=True))
    return list(load_each(problems, wanted.values(), lambda entry: _choice(suite, entry, in_memory)).values())


def _choice(suite: Suite, entry: Entry, in_memory: Mapping[str, ModelSpec]) -> tuple[str, ModelChoice]:
    caps = _caps(suite)
    if isinstance(entry, str):
        choice = ModelChoice(spec=get_spec(entry), caps=caps)
    elif isinstance(entry, NamedModel):
        ranges = {name: given.to_range() for name, given in entry.space.items()}
        spec = get_spec(entry.name)
        if entry.preprocessor:
            spec = use_preprocessor(spec, entry.preprocessor)
        choice = ModelChoice(spec=spec, params=entry.params, ranges=ranges, caps=caps, name=name_of_model(entry))
    elif isinstance(entry, InMemoryModel):
        choice = ModelChoice(spec=get_in_memory("model", entry.memory, in_memory), caps=caps)
    else:
        choice = ModelChoice(spec=import_model_spec(entry), caps=caps)
    return choice.name, choice


def check_models(suite: Suite, choices: list[ModelChoice], inputs: set[tuple[Task, Kind]], problems: list[str]) -> None:
    """Note models that lack their package, and parameters and ranges that a model does not have.

    Parameters
    ----------
    suite : Suite
    choices : list of ModelChoice
    inputs : set of tuple
        Task and kind of each data set.
    problems : list of str
        Takes what a user must mend.
    """
    requested = {name_of_model(entry) for entry in suite.models if entry not in FAMILIES}
    for choice in choices:
        if choice.name in requested and not choice.spec.is_installed:
            problems.append(
                f"models: {choice.spec.requires} is not installed; {choice.name} needs it: pip install "
                f"'bakeoff[{choice.spec.extra}]'"
            )
        elif choice.params or choice.ranges or choice.spec.fingerprint:
            for task, kind in sorted(inputs):
                if task in choice.spec.tasks:
                    found = _problems_of_choice(choice, task, kind)
                    problems.extend(f"models: {choice.name}: {problem}" for problem in found)


def _problems_of_choice(choice: ModelChoice, task: Task, kind: Kind) -> list[str]:
    """Tell which of the user's parameters and ranges the model does not have, or whose default lies outside."""
    if choice.spec.fingerprint:  # a user's own: its preprocessor and its parameters are all there is to check
        return _problems_of_values(choice, task, kind)
    plain = ModelChoice(spec=choice.spec)
    searched = plain.list_space(task)
    estimator = choice.spec.build(BuildContext(task=task), plain.default_params(task))
    known = {name.rpartition("__")[2] for name in estimator.get_params()} | set(searched)
    problems = [unknown_name("parameter to search", name, searched) for name in choice.ranges if name not in searched]
    problems += [unknown_name("parameter", name, known) for name in choice.params if name not in known]
    return problems or _problems_of_values(choice, task, kind)


def _problems_of_values(choice: ModelChoice, task: Task, kind: Kind) -> list[str]:
    try:
        params = choice.default_params(task, kind)
    except (ValueError, TypeError) as error:
        return [f"{error}; give it another `default:`, or widen the range"]
    try:
        build_pipeline(choice.spec, BuildContext(task=task, kind=choice.spec.kinds[0]), params)
    except UserError as error:
        return list(error.problems)
    except Exception as error:  # a user's factory may raise anything
        return [f"can't be built with {params}: {describe_error(error)}"]
    return []


def _registered(entry: Entry) -> str | None:
    """Return the name in the registry of the model behind an entry; None if it is the user's own."""
    if isinstance(entry, str):
        return entry
    return entry.name if isinstance(entry, NamedModel) else None
