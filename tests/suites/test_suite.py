"""Suites and plans: all that is wrong is told at once with the path of its key, and what is right comes through."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from pydantic import BaseModel

import bakeoff.suites.entries as entries_module
import bakeoff.suites.suite as suite_module
from bakeoff.datasets import Dataset
from bakeoff.errors import UserError
from bakeoff.estimators.models.registry import all_specs, model_names, specs_of_family
from bakeoff.planning.inputs import InMemoryInputs
from bakeoff.planning.plan import Plan, make_plan
from bakeoff.protocol.metrics import METRICS
from bakeoff.protocol.splits import outer_splits
from bakeoff.suites.entries import name_of_dataset, name_of_model
from bakeoff.suites.filter import filter_suite
from bakeoff.suites.suite import Suite
from bakeoff.suites.suite_file import dump_suite, list_shipped, load_suite, parse_suite, to_suite

LEAST = "name: toy\ndatasets: [wine]\n"


def problems_of(text: str) -> list[str]:
    """Return the problems of a suite's text, without the name of the file."""
    with pytest.raises(UserError) as caught:
        parse_suite(text, "toy.yaml")
    assert all(problem.startswith("toy.yaml") for problem in caught.value.problems)
    return [problem.removeprefix("toy.yaml: ") for problem in caught.value.problems]


def plan_of(text: str, memory: InMemoryInputs | None = None) -> Plan:
    """Plan a suite of one data set, unless the text names others."""
    return make_plan(parse_suite(text if "datasets" in text else LEAST + text, "toy.yaml"), memory)


def plan_problems(text: str, memory: InMemoryInputs | None = None) -> list[str]:
    """Return the problems of a plan."""
    with pytest.raises(UserError) as caught:
        plan_of(text, memory)
    return list(caught.value.problems)


def test_least_suite_takes_the_defaults() -> None:
    """A name and a data set make a suite; the rest has the documented defaults."""
    suite = parse_suite(LEAST, "toy.yaml")
    assert (suite.models, suite.variants) == (("all",), ("default", "tuned"))
    assert (suite.outer_folds, suite.inner_folds, suite.repeats, suite.seed, suite.threads) == (5, 3, 1, 0, 1)
    assert (suite.tuning.trials, suite.tuning.seconds) == (20, None)
    assert dict(suite.primary) == {"binary": "roc_auc", "multiclass": "accuracy", "regression": "rmse"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty; a suite needs at least `name` and `datasets`"),
        ("# nothing\n", "is empty"),
        ("- wine\n", "holds a list; a suite is a mapping of keys"),
        ("wine", "holds a str"),
        ("name: [toy\n", "is no valid YAML: line 2, column 1"),
        ("name: toy\n\tdatasets: [wine]", "is no valid YAML: line 2"),
        (LEAST + "name: other\n", "the key 'name' stands twice"),
        (LEAST + "tuning: {trials: 1, trials: 2}\n", "line 3, column 9: the key 'trials' stands twice"),
        (LEAST + "models: [{name: knn, params: {p: 1, p: 2}}]\n", "the key 'p' stands twice"),
        (LEAST + "? [a]\n: 1\n", "is no valid YAML"),
        (LEAST + "description: !!python/object:os.system x\n", "is no valid YAML"),
    ],
)
def test_what_is_no_suite_at_all(text: str, problem: str) -> None:
    """Empty files, lists, bad YAML, doubled keys at any depth and unsafe tags are refused with their place."""
    (found,) = problems_of(text)
    assert problem in found


def test_all_problems_at_once() -> None:
    """One report holds every problem of a file, each with the path of its key, and nothing twice."""
    found = problems_of(
        "nam: toy\n"
        "datasets: [wnie, {name: iris, positve: 1}, {file: a.csv}]\n"
        "models: [{name: xgbost}, {name: knn, space: {p: {low: 2, high: 1}}}, {import: nothing}]\n"
        "variants: [tund]\n"
        "outer_folds: 1\n"
        "tuning: {trails: 5, trials: 0}\n"
        "limits: {memory: 2XB}\n"
    )
    paths = [problem.split(": ")[0] for problem in found]
    assert sorted(paths) == sorted(
        [
            "name",
            "nam",
            "datasets[0]",
            "datasets[1].positve",
            "datasets[2].target",
            "models[0].name",
            "models[1].space.p",
            "models[2].import",
            "variants[0]",
            "outer_folds",
            "tuning.trails",
            "tuning.trials",
            "limits.memory",
        ]
    )
    text = "\n".join(found)
    assert "datasets[0]: there is no data set 'wnie'; did you mean 'wine'? `bakeoff list datasets` shows all." in text
    assert "models[0].name: there is no model 'xgbost'; did you mean 'xgboost'" in text
    assert "outer_folds: Input should be greater than or equal to 2, got 1" in text


@pytest.mark.parametrize(
    ("text", "path", "close"),
    [
        (LEAST + "outer_fold: 3\n", "outer_fold", "outer_folds"),
        (LEAST + "tuning: {trial: 3}\n", "tuning.trial", "trials"),
        (LEAST + "caps: {tree: 3}\n", "caps.tree", "trees"),
        (LEAST + "statistics: {group: nemenyi}\n", "statistics.group", "groups"),
        (LEAST + "limits: {memry: 3}\n", "limits.memry", "memory"),
        (LEAST + "primary: {binry: roc_auc}\n", "primary.binry", "binary"),
        (LEAST + "models: [{name: knn, parms: {}}]\n", "models[0].parms", "params"),
        (LEAST + "models: [{name: knn, space: {p: {lo: 1}}}]\n", "models[0].space.p.lo", "low"),
        (LEAST + "models: [{import: 'a:b', famly: deep}]\n", "models[0].famly", "family"),
        (LEAST + "models: [{import: 'a:b', space: {p: {hig: 1}}}]\n", "models[0].space.p.hig", "high"),
        (LEAST + "models: [{memory: a, nme: b}]\n", "models[0].nme", "memory"),
        (LEAST + "metrics: [{import: 'a:b', name: n, greater: true}]\n", "metrics[0].greater", "greater_is_better"),
        ("name: a\ndatasets: [{name: wine, positiv: 1}]\n", "datasets[0].positiv", "positive"),
        ("name: a\ndatasets: [{file: a.csv, target: y, group: g}]\n", "datasets[0].group", "groups"),
        ("name: a\ndatasets: [{memory: a, memry: b}]\n", "datasets[0].memry", "memory"),
    ],
)
def test_unknown_keys_at_every_level(text: str, path: str, close: str) -> None:
    """A key that nothing knows is told with its path and the close keys of its own level."""
    found = [problem for problem in problems_of(text) if problem.startswith(f"{path}: there is no key")]
    assert len(found) == 1
    assert close in found[0]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("outer_folds: 1001", "less than or equal to 1000, got 1001"),
        ("inner_folds: 1", "greater than or equal to 2"),
        ("repeats: 0", "greater than or equal to 1"),
        ("seed: -1", "greater than or equal to 0"),
        ("threads: 0", "greater than or equal to 1"),
        ("outer_folds: 2.5", "valid integer"),
        ("outer_folds: many", "valid integer"),
        ("tuning: {seconds: 0}", "greater than 0"),
        ("tuning: 3", "tuning: "),
        ("caps: {epochs: 0}", "greater than or equal to 1"),
        ("limits: {seconds: -1}", "greater than 0"),
        ("statistics: {rope: -0.1}", "greater than or equal to 0"),
        ("statistics: {rope: 1}", "less than 1"),
        ("statistics: {groups: friedman}", "'wilcoxon-holm' or 'nemenyi'"),
        ("limits: {memory: 1MB}", "greater than or equal to 67108864"),
        ("limits: {memory: 1000}", "greater than or equal to 67108864"),
        ("limits: {memory: 2TBB}", "a size is a number with KB, MB or GB, such as 2GB; got '2TBB'"),
        ("limits: {memory: infGB}", "a size is a number"),
        ("limits: {memory: nanGB}", "a size is a number"),
        ("device: tpu", "'cpu' or 'cuda'"),
        ("variants: []", "at least 1 item"),
        ("models: []", "at least 1 item"),
        ("models: [null]", "models[0]: Input should be a valid string"),
        ("models: [[knn]]", "models[0]: Input should be a valid string"),
        ("models: [3]", "models[0]: Input should be a valid string, got 3"),
        ("metrics: [{name: x}]", "metrics[0]: a mapping here needs the key 'import'"),
        ("metrics: [acuracy]", "there is no metric 'acuracy'; did you mean 'accuracy'"),
        (
            "primary: {binary: rmse}",
            "primary.binary: the metric 'rmse' does not judge binary tasks. Choose one of: roc_",
        ),
        ("primary: {regression: r3}", "primary.regression: there is no metric 'r3'"),
        ("models: [{name: knn, space: {p: {low: 1}}}]", "models[0].space.p: a range needs either low and high"),
        ("models: [{name: knn, space: {p: {choices: []}}}]", "a range needs either low and high, or a list of choices"),
        ("models: [{name: knn, space: {p: {low: 1, high: 1}}}]", "a range needs low < high, got low=1 and high=1"),
        ("models: [{name: knn, space: {p: {low: 0, high: 1, log: true}}}]", "a range with log: true needs low > 0"),
        ("models: [{import: sklearn.svm.SVC}]", "models[0].import: String should match pattern"),
    ],
)
def test_values_out_of_range(line: str, problem: str) -> None:
    """Values that a key does not take are told with what it takes."""
    assert any(problem in found for found in problems_of(f"{LEAST}{line}\n"))


def test_every_wrong_primary_metric_is_told() -> None:
    """Two wrong primary metrics are two problems; metrics of the wrong task list the fitting ones."""
    found = problems_of(LEAST + "primary: {binary: rmse, regression: accuracy}\n")
    assert [problem.split(": ")[0] for problem in found] == ["primary.binary", "primary.regression"]
    assert "Choose one of: rmse, mae, r2" in found[1]


@pytest.mark.parametrize("name", ["", " ", "..", "a/b", "a\\b", "c:d", "x" * 101])
def test_names_become_folders(name: str) -> None:
    """A name that is no plain name of a folder is refused."""
    assert problems_of(yaml.safe_dump({"name": name, "datasets": ["wine"]}))[0].startswith("name: ")


@pytest.mark.parametrize(
    ("datasets", "double"),
    [("[wine, wine]", "wine"), ("[{file: a/x.csv, target: y}, {file: b/x.csv, target: y}]", "x")],
)
def test_names_of_data_sets_are_unique(datasets: str, double: str) -> None:
    """Two data sets of one name would be mixed up; another name mends it."""
    (found,) = problems_of(f"name: toy\ndatasets: {datasets}\n")
    assert f"datasets: '{double}' stands more than once" in found


@pytest.mark.parametrize(
    ("size", "n_bytes"),
    [("2GB", 2 * 2**30), ("0.5 gb", 2**29), ("100MB", 100 * 2**20), ("100000 KB", 100000 * 2**10), (2**27, 2**27)],
)
def test_sizes(size: Any, n_bytes: int) -> None:
    """A size is a number of bytes or has a unit, whatever its case and spaces."""
    assert parse_suite(f"{LEAST}limits: {{memory: {size}}}\n", "toy").limits.memory == n_bytes


def test_numbers_with_an_exponent_are_numbers() -> None:
    """`1e-3` is a number wherever it stands, though YAML 1.1 takes it for a text."""
    suite = parse_suite(LEAST + "models: [{name: knn, params: {a: 1e-3, b: [2E5], c: '1e-3'}}]\n", "toy.yaml")
    assert suite.models[0].params == {"a": 0.001, "b": [2e5], "c": "1e-3"}  # type: ignore[union-attr]  # a NamedModel


FULL = """
name: everything
description: All keys — with “signs”
notice: careful
seed: 3
datasets:
  - wine
  - {name: breast_cancer, positive: 0}
  - {file: a.csv, target: y, name: n, task: binary, kind: tabular, positive: '1e5', categorical: [a], drop: [b],
     groups: g, split: s}
  - {memory: mine}
models:
  - classical
  - {name: knn, params: {p: 1}, space: {n_neighbors: {low: 1, high: 9, default: 3}}, as: neighbours}
  - {import: 'sklearn.svm:SVC', family: classical, params: {C: 1e-3}, space: {gamma: {low: 1e-3, high: 1, log: true},
     kernel: {choices: [rbf, null, 2, true]}}, preprocessor: scaled}
  - {memory: own}
variants: [tuned]
outer_folds: 3
inner_folds: 4
repeats: 2
tuning: {trials: 7, seconds: 1.5}
score_defaults: true
learning_curve: [25%, 0.05]
anytime: true
importance: true
caps: {epochs: 3, trees: 4}
limits: {seconds: 9, memory: 3GB}
metrics: [accuracy, {import: 'a.b:c', name: cost, greater_is_better: false, needs: probabilities, tasks: [binary]}]
primary: {binary: cost, multiclass: mcc, regression: mae}
statistics: {rope: 0.02, groups: nemenyi}
bagging_folds: 5
calibrate: isotonic
threshold: tuned
threads: 2
device: cuda
"""


@pytest.mark.parametrize("text", [FULL, LEAST])
def test_dump_round_trips(text: str) -> None:
    """What a run writes down is the suite, complete: read again it is equal, twice over."""
    suite = parse_suite(text, "toy.yaml")
    dumped = dump_suite(suite)
    assert parse_suite(dumped, "again.yaml") == suite
    assert dump_suite(parse_suite(dumped, "again.yaml")) == dumped
    assert set(yaml.safe_load(dumped)) == set(Suite.model_fields)


def test_full_example_names_every_key() -> None:
    """The example above, that goes round, holds every top-level key there is."""
    assert set(yaml.safe_load(FULL)) == set(Suite.model_fields)


@pytest.mark.parametrize("name", list_shipped())
def test_shipped_suites_load_and_plan(name: str) -> None:
    """Every suite that comes with the package loads by its name, goes round, and has fits to run."""
    suite = load_suite(name)
    assert suite.name == name
    assert suite.description
    assert parse_suite(dump_suite(suite), name) == suite
    plan = make_plan(suite)
    assert set(plan.datasets) == {name_of_dataset(entry) for entry in suite.datasets}
    assert len({job.keys.fit for job in plan.jobs}) == len(plan.jobs)


def test_shipped_suites_exist() -> None:
    """At least a smoke test, a quick start and a full comparison are shipped."""
    assert {"smoke", "quickstart", "full"} <= set(list_shipped())


def test_no_such_suite(tmp_path: Path) -> None:
    """A name that is no suite has close matches; a path that is no file is told as a path; a folder is no file."""
    with pytest.raises(UserError, match="no suite 'quickstrt'; did you mean 'quickstart'"):
        load_suite("quickstrt")
    with pytest.raises(UserError, match="is a folder; give the path"):
        load_suite(tmp_path)
    for path in ("nowhere.yaml", "a/b", "x" * 5000 + ".yaml"):
        with pytest.raises(UserError, match=r"no suite file .* shipped suite \(.*quickstart"):
            load_suite(path)


def test_unreadable_suite(tmp_path: Path) -> None:
    """A file that is not UTF-8 is told with its path."""
    path = tmp_path / "s.yaml"
    path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(UserError, match=r"s\.yaml can't be read"):
        load_suite(path)


def test_paths_of_data_are_from_the_suite_s_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths start at the suite's folder, wherever one stands; absolute ones stay; and the data load."""
    (tmp_path / "data").mkdir()
    frame = pd.DataFrame({"a": np.arange(20.0), "y": np.arange(20) % 2})
    frame.to_csv(tmp_path / "data" / "one.csv", index=False)
    frame.to_csv(tmp_path / "two.csv", index=False)
    path = tmp_path / "s.yaml"
    path.write_text(
        "name: s\nmodels: [dummy]\nvariants: [default]\n"
        f"datasets: [{{file: data/one.csv, target: y}}, {{file: {tmp_path / 'two.csv'}, target: y, name: second}}]\n"
    )
    monkeypatch.chdir("/")
    suite = load_suite(path)
    assert [entry.file for entry in suite.datasets] == [  # type: ignore[union-attr]  # both are FileData
        str(tmp_path / "data" / "one.csv"),
        str(tmp_path / "two.csv"),
    ]
    assert list(make_plan(suite).datasets) == ["one", "second"]


def test_select_narrows() -> None:
    """Data sets and models can be picked, those that a family brings too, with the options they have in the suite."""
    text = "name: s\ndatasets: [wine, iris]\nmodels: [classical, {name: mlp, as: net}, {name: knn, params: {p: 1}}]\n"
    suite = parse_suite(text, "s")
    narrowed = filter_suite(suite, models=["net", "ridge", "knn"], datasets=["iris"])
    assert [name_of_model(entry) for entry in narrowed.models] == ["net", "ridge", "knn"]
    assert narrowed.models[2] == suite.models[2]
    assert narrowed.datasets == ("iris",)
    assert filter_suite(suite) == suite


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"models": ["mpl"]}, "no model 'mpl'; did you mean 'mlp'"),
        ({"models": ["xgboost"]}, "no model 'xgboost'"),
        ({"datasets": ["iris"]}, "no data set 'iris'; known: wine"),
    ],
)
def test_select_refuses_what_is_not_in_the_suite(options: dict[str, Any], problem: str) -> None:
    """Only what the suite has can be picked."""
    suite = parse_suite(LEAST + "models: [deep, knn]\n", "s")
    with pytest.raises(UserError, match=f"in this suite there is {problem}"):
        filter_suite(suite, **options)


def test_plan_lists_every_fit_once() -> None:
    """A fit for each data set, model, variant, repeat and fold that applies; the rest is skipped with a reason."""
    plan = plan_of("name: s\ndatasets: [wine, diabetes]\nmodels: [dummy, knn, ridge]\nouter_folds: 3\nrepeats: 2\n")
    places = [(job.dataset, job.choice.name, job.variant, job.repeat, job.fold) for job in plan.jobs]
    wanted = [("wine", "dummy", "default"), ("wine", "knn", "default"), ("wine", "knn", "tuned")]
    wanted += [("diabetes", "dummy", "default")]
    wanted += [("diabetes", model, variant) for model in ("knn", "ridge") for variant in ("default", "tuned")]
    assert sorted(places) == sorted((*key, repeat, fold) for key in wanted for repeat in range(2) for fold in range(3))
    skipped = {(skip.dataset, skip.model, skip.variant): skip.reason for skip in plan.skips}
    assert skipped == {
        ("wine", "dummy", "tuned"): "nothing to tune",
        ("diabetes", "dummy", "tuned"): "nothing to tune",
        ("wine", "ridge", "default"): "ridge does not take multiclass tasks",
        ("wine", "ridge", "tuned"): "ridge does not take multiclass tasks",
    }


def test_every_model_gets_the_same_splits() -> None:
    """The fold of a data set is the same for every model and variant, and whatever else is in the suite."""
    plan = plan_of("name: s\ndatasets: [wine, iris]\nmodels: [dummy, knn, logistic]\nouter_folds: 2\n")
    digests: dict[Any, set[str]] = {}
    for job in plan.jobs:
        digests.setdefault((job.dataset, job.fold), set()).add(job.split_digest)
    assert all(len(found) == 1 for found in digests.values())
    alone = outer_splits(plan.datasets["iris"], folds=2, repeats=1, seed=0)
    assert [part.digest for part in alone] == [part.digest for part in plan.splits["iris"]]


def test_an_entry_with_options_replaces_the_family_s() -> None:
    """`all` beside a model with options gives that model once, with its options; `as` adds another."""
    plan = plan_of("models: [all, {name: knn, params: {p: 1}}, {name: knn, as: near, params: {n_neighbors: 1}}]\n")
    choices = {job.choice.name: job.choice for job in plan.jobs}
    assert choices["knn"].params == {"p": 1}
    assert choices["near"].spec.name == "knn"
    assert {*choices, *(skip.model for skip in plan.skips)} == {*model_names(), "near"}


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("outer_folds: 60\n", "60 folds need at least 60 rows in its smallest class; .* has 48: use at most 48"),
        ("inner_folds: 40\n", "inner_folds: within an outer training part, 40 folds .* use at most 38 folds"),
        ("models: [knn, {name: knn}]\n", "models: 'knn' stands more than once; give one another name with `as:`"),
        ("models: [knn, {name: mlp, as: knn}]\n", "models: 'knn' stands more than once"),
        ("models: [all, {name: mlp, as: knn}]\n", "models: 'knn' stands more than once"),
        ("models: [all, {import: 'sklearn.svm:SVC', name: knn}]\n", "models: 'knn' stands more than once"),
        ("models: [{name: knn, params: {n_neighbours: 3}}]\n", "models: knn: .*'n_neighbours'; did you mean 'n_neigh"),
        ("models: [{name: knn, space: {neighbors: {low: 1, high: 3}}}]\n", "no parameter to search 'neighbors'; did"),
        (
            "models: [{name: knn, space: {n_neighbors: {low: 8, high: 9}}}]\n",
            "'n_neighbors' is 5, .* another `default:`",
        ),
        ("models: [{name: knn, space: {p: {low: 3, high: 4}}}]\n", "none of the choices .* of 'p' is in .3"),
        ("models: [{name: knn, space: {p: {choices: [1]}}}]\n", "default of 'p' is 2, which is none of"),
        ("models: [{name: adaboost, params: {criterion: gini}}]\n", "adaboost: .*criterion"),
        ("models: [{memory: mine}]\n", "the model 'mine' was handed over in Python and is in no file"),
        ("models: [{import: 'no.such:Thing'}]\n", "can't import 'no.such:Thing'"),
    ],
)
def test_plan_problems(lines: str, problem: str) -> None:
    """What only the data or the models can show is told before anything runs."""
    (found,) = plan_problems(LEAST + lines)
    assert re.search(problem, found), found


@pytest.mark.parametrize(
    "lines",
    [
        "models: [{name: knn, space: {n_neighbors: {low: 8, high: 9, default: 8}}}]\n",
        "models: [{name: knn, params: {n_neighbors: 50}}]\n",
        "models: [{name: mlp, params: {n_layers: 1, weight_decay: 0.5}}]\n",
        "models: [{name: rbf_svm, params: {gamma: scale}}, {name: decision_tree, params: {max_depth: null}}]\n",
        "models: [{name: rbf_svm, params: {gamma: 1e-2}}, {name: logistic, params: {max_iter: 9}}]\n",
        "inner_folds: 38\nmodels: [knn]\n",
    ],
)
def test_plan_takes(lines: str) -> None:
    """A new default inside the new range, fixed values outside the space, and the greatest number of folds are fine."""
    assert plan_of(lines).jobs


def test_inner_folds_are_checked_in_every_training_part() -> None:
    """The training part with the fewest groups decides, even if it is not the one with the fewest rows."""
    sizes = [40, *[2] * 10]  # one fold tests the large group alone, and keeps all the others to train
    groups = np.repeat(np.arange(len(sizes)), sizes)
    dataset = Dataset(
        name="mine", X=np.zeros((60, 1)), y=np.arange(60) / 7, task="regression", kind="series", groups=groups
    )
    text = "name: s\ndatasets: [{memory: mine}]\nmodels: [dummy]\nvariants: [tuned, default]\nouter_folds: 2\n"
    memory, told = InMemoryInputs({"mine": dataset}), 0
    for seed in range(6):
        trains = [part.train for part in outer_splits(dataset, folds=2, repeats=1, seed=seed)]
        by_rows = [len(np.unique(groups[train])) for train in sorted(trains, key=len)]
        told += by_rows[0] > by_rows[1]  # the shorter part has more groups
        assert plan_of(f"{text}seed: {seed}\ninner_folds: {min(by_rows)}\n", memory).jobs
        (found,) = plan_problems(f"{text}seed: {seed}\ninner_folds: {min(by_rows) + 1}\n", memory)
        assert f"use at most {min(by_rows)} folds" in found
    assert told


def test_missing_extra_is_a_problem_only_if_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model named without its extra is a problem with the command to mend it; brought by a family it is skipped."""
    monkeypatch.setattr("bakeoff.estimators.specs.spec.find_spec", lambda name: None if name == "catboost" else True)
    (found,) = plan_problems(LEAST + "models: [catboost]\n")
    assert found == "models: catboost is not installed; catboost needs it: pip install 'bakeoff[catboost]'"
    skips = {skip.model: skip.reason for skip in plan_of("models: [classical]\n").skips}
    assert skips["catboost"] == "catboost is not installed: pip install 'bakeoff[catboost]'"


def test_all_failures_of_data_sets_at_once(tmp_path: Path) -> None:
    """Every data set that fails, too few members for the folds, and wrong models are told in one report."""
    (tmp_path / "bad.csv").write_text("a,y\n1,\n2,0\n")
    (tmp_path / "small.csv").write_text("a,y\n1,0\n2,1\n3,0\n4,1\n")
    (tmp_path / "s.yaml").write_text(
        "name: s\nmodels: [{name: knn, params: {q: 1}}]\ndatasets: [{file: none.csv, target: y}, "
        "{file: bad.csv, target: y}, {file: small.csv, target: y}, {name: diabetes, positive: 1}, {memory: m}, wine]\n"
    )
    with pytest.raises(UserError) as caught:
        make_plan(load_suite(tmp_path / "s.yaml"))
    found = caught.value.problems
    parts = ["there is no data file", "missing in 1 of 2", "'diabetes' is a regression task", "'m' was handed over"]
    parts += ["the data set 'small' has 2", "no parameter 'q'"]
    assert len(found) == len(parts)
    for part in parts:
        assert sum(part in problem for problem in found) == 1, part


def test_positive_class_of_a_named_set() -> None:
    """The positive class that the suite names is used, changes the data's digest, and must be a class."""
    text = "name: s\nmodels: [dummy]\nvariants: [default]\ndatasets: [{name: breast_cancer%s}]\n"
    plain, turned = plan_of(text % ""), plan_of(text % ", positive: 0")
    assert (plain.datasets["breast_cancer"].positive, turned.datasets["breast_cancer"].positive) == (1, 0)
    assert plain.datasets["breast_cancer"].digest != turned.datasets["breast_cancer"].digest
    (found,) = plan_problems(text % ", positive: 2")
    assert "there is no class '2'; known: 0, 1" in found


def test_nothing_left_to_run() -> None:
    """A suite none of whose models applies says why."""
    found = plan_problems(LEAST + "models: [ridge, dummy]\nvariants: [tuned]\n")
    assert found == [
        "models: dummy fits none of the data sets: nothing to tune",
        "models: ridge fits none of the data sets: ridge does not take multiclass tasks",
    ]


def test_own_model_and_metric_come_by_import() -> None:
    """An imported estimator and metric are planned under their names, for the tasks that they declare."""
    plan = plan_of(
        "models: [{import: 'sklearn.linear_model:LogisticRegression', name: own, space: {C: {low: 1, high: 2}}}]\n"
        "metrics: [{import: 'sklearn.metrics:accuracy_score', name: hits, greater_is_better: true,"
        " tasks: [multiclass]}]\n"
    )
    assert {job.choice.name for job in plan.jobs} == {"own"}
    assert {job.variant for job in plan.jobs} == {"default", "tuned"}
    assert "hits" in plan.jobs[0].metrics
    assert plan.jobs[0].choice.default_params("multiclass") == {"C": 1.0}


def test_json_schema_has_every_key() -> None:
    """The schema for editors knows every key of every section and allows no other."""
    schema = Suite.model_json_schema()
    sections = {"Suite": schema, **schema["$defs"]}
    values = [value for module in (suite_module, entries_module) for value in vars(module).values()]
    kinds = [value for value in values if isinstance(value, type) and issubclass(value, BaseModel)]
    found = [kind for kind in kinds if kind.__module__ in (suite_module.__name__, entries_module.__name__)]
    models = {model.__name__: model for model in found if model is not BaseModel and model.model_fields}
    assert set(sections) == set(models)
    assert len(sections) >= 12
    for name, model in models.items():
        keys = {field.alias or key for key, field in model.model_fields.items()}
        assert set(sections[name]["properties"]) == keys
        assert sections[name]["additionalProperties"] is False
    for shipped in list_shipped():
        assert set(yaml.safe_load(dump_suite(load_suite(shipped)))) <= set(schema["properties"])


def test_every_name_of_the_registries_is_taken() -> None:
    """Each registered model, each family and each metric may stand in a suite."""
    models = ["all", "classical", "deep", *all_specs()]
    suite = Suite.model_validate({"name": "s", "datasets": ["wine"], "models": models, "metrics": list(METRICS)})
    assert suite.models == tuple(models)
    assert {spec.name for spec in specs_of_family("all")} <= set(suite.models)  # type: ignore[arg-type]  # all are text


@pytest.mark.parametrize(
    "text",
    ["name: 2020-99-99", "name: !!int abc", 'seed: !!float ""', "name: !!timestamp 2020-13-45", "name: " + 5000 * "["],
)
def test_yaml_that_breaks_its_parser(text: str) -> None:
    """Whatever the YAML library raises is told as invalid YAML."""
    with pytest.raises(UserError, match="is no valid YAML"):
        parse_suite(text, "suite.yaml")


@pytest.mark.parametrize("name", ["a|b", "[x]", "<x>", "a\nb"])
def test_metric_names_are_those_that_mlflow_takes(name: str) -> None:
    """A metric's name that tracking could never log is refused."""
    metric = {"import": "a:b", "name": name, "greater_is_better": True}
    with pytest.raises(UserError, match=r"metrics\[0\].name"):
        to_suite({"name": "a", "datasets": ["wine"], "metrics": [metric]})


def test_parameters_of_models_for_texts_can_be_fixed(tmp_path: Path) -> None:
    """A model that takes texts alone is checked as one of texts."""
    pd.DataFrame({"text": ["one two", "three"] * 10, "label": ["a", "b"] * 10}).to_csv(tmp_path / "t.csv", index=False)
    text = f"""
name: texts
datasets: [{{file: "{tmp_path / "t.csv"}", target: label, kind: text}}]
models: [{{name: text_cnn, params: {{max_epochs: 2}}}}, {{name: text_lstm, params: {{hidden_size: 5}}}}]
"""
    assert {job.choice.name for job in plan_of(text).jobs} == {"text_cnn", "text_lstm"}
