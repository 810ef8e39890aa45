"""Tasks of OpenML: their own folds, as they are, from the server's file to the fits and the tests over folds."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import openml
import pytest
from openml_answers import FOLDS, REPEATS, ROWS, Answers, fold_of, write_splits

from bakeoff.api import run_suite
from bakeoff.datasets import load
from bakeoff.datasets.profiling.description import describe
from bakeoff.errors import UserError
from bakeoff.planning.plan import Plan, make_plan
from bakeoff.records.record import Record
from bakeoff.reports.run_data.fits import fraction_tested
from bakeoff.reports.run_data.run import Run
from bakeoff.reports.statistics.folds import corrected_t_test
from bakeoff.reports.verdicts.per_dataset import judge_dataset
from bakeoff.suites.suite_file import dump_suite, parse_suite, to_suite

SUITE: dict[str, Any] = {
    "name": "t",
    "datasets": [{"openml_task": 7, "name": "credit"}],
    "models": ["dummy", "logistic", "mlp"],
    "variants": ["default"],
    "score_defaults": True,
    "inner_folds": 2,
    "caps": {"epochs": 1},
}


def test_folds_are_those_of_the_task(server: Answers) -> None:
    """Each row is tested in the fold that the task's file says; data, target and roles are those of the data set."""
    dataset = load("openml-task:7")
    given = dataset.given_folds
    assert given is not None
    assert (given.n_repeats, given.n_folds, given.test_fraction) == (REPEATS, FOLDS, 1 / FOLDS)
    assert [(part.repeat, part.fold) for part in given.parts] == [(r, f) for r in range(REPEATS) for f in range(FOLDS)]
    for part in given.parts:
        tested = [row for row in range(ROWS) if fold_of(row, part.repeat) == part.fold]
        assert part.test.tolist() == tested
        assert part.train.tolist() == sorted(set(range(ROWS)) - set(tested))
    plain = load("openml:31")
    assert (dataset.digest, dataset.task, dataset.name) == (plain.digest, "binary", "credit")
    assert dataset.source == "OpenML task 7, on OpenML data set 31, version 1"
    assert describe(dataset)["folds"] == "4 folds x 2 repeats of OpenML task 7"
    server.asked.clear()
    assert load("openml-task:7").digest == plain.digest
    assert server.asked == []


def test_plan_uses_exactly_these_folds(server: Answers) -> None:
    """The plan has the task's folds; the suite's own numbers are told not to apply; the first folds can be taken."""
    plan = make_plan(to_suite(SUITE))
    given = plan.datasets["credit"].given_folds
    assert given is not None
    for split, part in zip(plan.splits["credit"], given.parts, strict=True):
        assert (split.repeat, split.fold) == (part.repeat, part.fold)
        np.testing.assert_array_equal(split.test, part.test)
        np.testing.assert_array_equal(split.train, part.train)
    about = plan.summary()["datasets"]["credit"]
    assert (about["scheme"], about["folds"]) == ("given", "4 folds x 2 repeats of OpenML task 7")
    assert [note for note in plan.notes() if "outer_folds: 5 and repeats: 1 do not apply to it" in note]
    assert not any("apply" in note for note in make_plan(to_suite(SUITE | {"outer_folds": 4, "repeats": 2})).notes())

    first = make_plan(to_suite(SUITE | {"datasets": [{"openml_task": 7, "name": "credit", "folds": 3, "repeats": 1}]}))
    assert {(job.repeat, job.fold) for job in first.jobs} == {(0, 0), (0, 1), (0, 2)}
    known = {job.keys.fit for job in plan.jobs}
    assert {job.keys.fit for job in first.jobs} < known  # taking more folds later leaves these fits alone
    assert first.summary()["datasets"]["credit"]["folds"] == (
        "the first 3 of 4 folds x the first 1 of 2 repeats of OpenML task 7"
    )
    own = make_plan(to_suite(SUITE | {"datasets": [{"openml": 31, "name": "credit"}], "outer_folds": 4, "repeats": 2}))
    assert not known & {job.keys.fit for job in own.jobs}


def test_learning_curve_and_text_form(server: Answers) -> None:
    """Smaller training parts lie within the task's; a suite takes the task by its text, too, and is written out."""
    plan = make_plan(to_suite(SUITE | {"learning_curve": ["50%"], "datasets": ["openml-task:7"]}))
    whole, half = plan.splits["openml-task:7"][0], plan.splits["openml-task:7"][REPEATS * FOLDS]
    assert half.train_fraction == 0.5
    assert set(half.train) < set(whole.train)
    assert half.test.tolist() == whole.test.tolist()
    suite = to_suite(SUITE)
    assert parse_suite(dump_suite(suite), "again") == suite


def test_tests_over_given_folds(server: Answers) -> None:
    """The tests correct by the share that a published fold tests, not by the number of folds that a run takes."""
    datasets = [{"openml_task": 7, "name": "credit", "folds": 3}]
    plan = make_plan(to_suite(SUITE | {"datasets": datasets}))
    view = Run(plan=plan.summary(), records=_invent_records(plan), suite={}, provenance={})
    assert fraction_tested(view, "credit") == 1 / FOLDS
    verdict = judge_dataset(view, "credit")
    assert verdict.test == "corrected resampled t-test"
    assert len(verdict.differences) == REPEATS * 3
    assert verdict.difference == corrected_t_test(verdict.differences, test_fraction=1 / FOLDS)


def test_run(server: Answers, tmp_path: Path) -> None:
    """A run fits on the training parts of the task, and its report says whose folds they are."""
    content = SUITE | {"models": ["dummy"], "score_defaults": False}
    folder = run_suite(content, out=tmp_path / "run", tracking=False, in_process=True).folder
    records, _ = folder.read_records()
    rows = {(record.repeat, record.fold): record.diagnostics["test_rows"] for record in records.values()}
    assert rows == {(r, f): ROWS // FOLDS for r in range(REPEATS) for f in range(FOLDS)}
    page = folder.html.read_text(encoding="utf-8")
    assert "4 folds x 2 repeats of OpenML task 7" in page
    assert "5 outer, 2 inner, 1 repeat; of some data sets as published" in page


def test_repeated_holdouts(server: Answers) -> None:
    """Holdouts that are repeated have one fold each; a single one is a predefined split."""
    server.splits = write_splits(repeats=2, folds=1)
    summary = make_plan(to_suite(SUITE)).summary()["datasets"]["credit"]
    assert (summary["scheme"], summary["test_fraction"]) == ("given", 1 / FOLDS)
    one = SUITE | {"datasets": [{"openml_task": 7, "name": "credit", "repeats": 1}]}
    assert make_plan(to_suite(one)).summary()["datasets"]["credit"]["scheme"] == "predefined"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "purpose"}, "predicts 'class', not 'purpose'"),
        ({"groups": "noise", "n_train": 3}, "comes with its own folds; leave out groups, n_train"),
        ({"task": "regression"}, "is a task of classification, not regression"),
        ({"folds": 5}, "OpenML task 7 has 4 folds; take at most so many, got folds: 5"),
        ({"repeats": 3}, "OpenML task 7 has 2 repeats"),
        ({"folds": 0}, "the option folds"),
    ],
)
def test_what_contradicts_a_task(server: Answers, options: dict[str, Any], message: str) -> None:
    """Options that would divide the rows in another way, or predict something else, are refused."""
    with pytest.raises(UserError, match=message):
        load("openml-task:7", **options)


@pytest.mark.parametrize(
    ("task_type", "found"),
    [((5, "Clustering"), "it is one of Clustering"), ((7, "Survival Analysis"), "Survival Analysis not supported")],
)
def test_other_types_of_tasks(server: Answers, task_type: tuple[int, str], found: str) -> None:
    """Tasks of other types are refused in one line."""
    server.task_type = task_type
    with pytest.raises(UserError, match=rf"openml-task:7 must be a task of supervised classification.*{found}"):
        load("openml-task:7")


def test_regression_task(server: Answers) -> None:
    """A task of regression makes a regression of numbers that look like classes."""
    server.task_type, server.target, server.ignored = (2, "Supervised Regression"), "noise", "class"
    dataset = load("openml-task:7")
    assert (dataset.task, sorted(set(dataset.y))) == ("regression", [0.0, 1.0, 2.0, 3.0, 4.0])
    assert not any("read as" in note for note in dataset.notes)


def test_damaged_splits(server: Answers) -> None:
    """Folds of rows that are not there, or that test what they train on, are refused."""
    whole = server.splits
    server.splits = whole.replace(f"TRAIN,{ROWS - 1},0,0", f"TRAIN,{ROWS},0,0")
    with pytest.raises(UserError, match=f"fold 0 of repeat 0 of OpenML task 7 names row {ROWS}, but there are {ROWS}"):
        load("openml-task:7")
    _forget(7)
    server.splits = whole + f"TRAIN,{ROWS - 1},1,3\n"
    with pytest.raises(UserError, match="names a row more than once"):
        load("openml-task:7")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the client leaves the file open
def test_unreadable_splits(server: Answers) -> None:
    """A file of folds that is none is told, and asked for again by the next load."""
    whole, server.splits = server.splits, "<html>"
    with pytest.raises(UserError, match="openml-task:7: what OpenML answered can't be read"):
        load("openml-task:7")
    server.splits = whole
    assert load("openml-task:7").given_folds is not None


@pytest.mark.parametrize("name", ["openml-task:credit", "openml-task:"])
def test_number_of_a_task(name: str) -> None:
    """Behind the colon stands a number, in Python and in a suite."""
    with pytest.raises(UserError, match="after openml-task: stands the number of a task, such as openml-task:31"):
        load(name)
    with pytest.raises(UserError, match="after openml-task: stands the number of a task"):
        to_suite(SUITE | {"datasets": [name]})


def test_commands_say_whose_folds_they_are(server: Answers, tmp_path: Path, bakeoff: Any) -> None:
    """`describe` and `check` name the task; `check` tells that the suite's own numbers do not apply."""
    folds = "4 folds x 2 repeats of OpenML task 7"
    assert bakeoff("describe", "openml-task:7") == 0
    assert folds in bakeoff.out
    assert "OpenML task 7, on OpenML data set 31" in bakeoff.out
    path = tmp_path / "suite.yaml"
    path.write_text(dump_suite(to_suite(SUITE)), encoding="utf-8")
    assert bakeoff("check", str(path)) == 0
    said = " ".join(bakeoff.out.split())
    assert f"{folds}; ranked by roc_auc" in said
    assert "outer_folds: 5 and repeats: 1 do not apply to it" in said
    assert "24 fits in all" in said


def test_compare_takes_the_first_folds(server: Answers, tmp_path: Path, bakeoff: Any) -> None:
    """`compare` runs on a task's folds; `--set` takes the first ones."""
    words = ("--models", "dummy", "--set", "folds=2", "--set", "repeats=1", "--no-tracking", "--json")
    assert bakeoff("compare", "openml-task:7", *words, "--out", str(tmp_path / "run")) == 0
    (cell,) = json.loads(bakeoff.out)["leaderboard"]
    assert (cell["dataset"], cell["n_folds"]) == ("openml-task:7", 2)


def _invent_records(plan: Plan) -> dict[str, Record]:
    """Make a record of each fit of a plan, whose scores differ from fold to fold and from model to model."""
    return {
        job.keys.fit: job.record(
            status="ok",
            metrics={"roc_auc": 0.5 + 0.01 * job.place * (1 + job.fold)},
            diagnostics={"inner_score": 0.5, "inner_metric": "roc_auc", "cpu_s": 1.0},
        )
        for job in plan.jobs
    }


def _forget(task: int) -> None:
    """Take a task out of the client's cache."""
    openml.utils._remove_cache_dir_for_id("tasks", openml.utils._create_cache_directory_for_id("tasks", task))
