"""Extend: a recorded run with more trials, repeats or models; what is finished is found again, studies go on."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakeoff.errors import UserError
from bakeoff.planning.plan import Plan, make_plan
from bakeoff.records.run_folder import RunFolder
from bakeoff.suites.entries import name_of_model
from bakeoff.suites.suite import Suite
from bakeoff.suites.suite_file import to_suite


@dataclass(frozen=True, kw_only=True)
class Extension:
    """What a run is to have more of.

    Parameters
    ----------
    trials : int
        Of each study.
    folds : int
        Outer folds, in whole repeats.
    repeats : int
    models : sequence of str
        Names or families.
    """

    trials: int = 0
    folds: int = 0
    repeats: int = 0
    models: Sequence[str] = ()


def extend_suite(suite: Suite, extension: Extension) -> Suite:
    """Return a suite with more of what is asked for.

    Raises
    ------
    UserError
        All that can't be had, at once.
    """
    problems = _problems(suite, extension)
    if problems:
        raise UserError(*problems)
    content = suite.model_dump(by_alias=True)
    content["tuning"]["trials"] += extension.trials
    content["repeats"] += extension.repeats + extension.folds // suite.outer_folds
    content["models"] = [*content["models"], *extension.models]
    return to_suite(content)


def check_same_data(folder: RunFolder, plan: Plan) -> None:
    """Refuse to go on with data sets that are not those of the run any more.

    Raises
    ------
    UserError
        With the names of those that have changed.
    """
    recorded = folder.read_plan().get("datasets", {})
    changed = [name for name, data in plan.datasets.items() if recorded.get(name, {}).get("digest") != data.digest]
    if changed:
        raise UserError(
            f"the data of {', '.join(map(repr, changed))} have changed since the run in {folder.path}; "
            "run the suite anew with another --out"
        )


def rebuild_plan(folder: RunFolder) -> Plan:
    """Return the plan of a run's suite, over the data that the run had.

    Raises
    ------
    UserError
        If the suite is damaged, or data can't be loaded again or have changed.
    """
    plan = make_plan(to_suite(folder.read_suite()))
    check_same_data(folder, plan)
    return plan


def _problems(suite: Suite, extension: Extension) -> list[str]:
    known = {name_of_model(entry) for entry in suite.models}
    duplicates = [name for name in extension.models if name in known]
    problems = [f"{name!r} is a model of this run already" for name in duplicates]
    if extension.trials and not suite.tunes:
        problems.append(f"more trials need a variant that tunes; this run has {', '.join(suite.variants)} only")
    if extension.folds % suite.outer_folds:
        problems.append(
            f"more folds come as whole repeats of {suite.outer_folds}, since a fold less or more would divide all data "
            f"anew; got +{extension.folds}, use +{suite.outer_folds} or a multiple of it"
        )
    return problems
