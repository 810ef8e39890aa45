"""The registry of models: every spec keeps its promises on every task and kind of input that it declares."""

import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint
from typing import Any, get_args

import numpy as np
import optuna
import pandas as pd
import pytest
import torch
import xgboost
from pretrained import write_tabular_weights
from sklearn.base import clone

from bakeoff.datasets import KINDS, TASKS, Kind, Task
from bakeoff.errors import UserError
from bakeoff.estimators import XGBoostClassifier, make
from bakeoff.estimators.models.preprocessors import PREPROCESSORS
from bakeoff.estimators.models.registry import all_specs, get_spec, model_names, specs_of_family
from bakeoff.estimators.search_spaces.space import FixedTrial, Range, RecordingTrial
from bakeoff.estimators.specs.spec import BuildContext, Family, ModelChoice, ModelSpec

SPECS = all_specs()
OPTIONAL = {"lightgbm", "catboost", "lightgbm_td", "catboost_td", "ebm", "tabicl", "tabpfn"}
SHAPES: dict[Kind, tuple[int, ...]] = {"image": (1, 4, 4), "series": (1, 12)}
QUICK = {"trees": 5, "epochs": 2}
N_ROWS = 36
SPEC_AND_TASK = [(name, task) for name, spec in SPECS.items() for task in spec.tasks]
SPEC_TASK_KIND = [(name, task, kind) for name, task in SPEC_AND_TASK for kind in SPECS[name].kinds]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small nets are fastest on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="module")
def _tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let pretrained models find tiny checkpoints with random weights."""
    folder = tmp_path_factory.mktemp("weights")
    write_tabular_weights(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BAKEOFF_WEIGHTS", str(folder))
        yield


def needs(name: str) -> ModelSpec:
    """Return a spec; the test is skipped where its extra is not installed."""
    if not SPECS[name].is_installed:
        assert name in OPTIONAL
        pytest.skip(f"needs {SPECS[name].extra}")
    return SPECS[name]


def context_of(task: Task, kind: Kind = "tabular") -> BuildContext:
    """Return where an estimator is built."""
    return BuildContext(task=task, kind=kind, input_shape=SHAPES.get(kind))


def parameters_of(estimator: Any) -> dict[str, Any]:
    """List the parameters of an estimator and of what it wraps, those of its own last."""
    pairs = sorted(estimator.get_params().items(), key=lambda pair: -pair[0].count("__"))
    return {name.rpartition("__")[2]: value for name, value in pairs}


def test_registry_is_complete() -> None:
    """At least nineteen models are registered, each under its own name, and these tests run over all of them."""
    assert len(SPECS) >= 19
    assert all(spec.name == name for name, spec in SPECS.items())
    assert model_names() == list(SPECS)
    assert {name for name, *_ in SPEC_TASK_KIND} == set(SPECS)
    families = {family: {spec.name for spec in specs_of_family(family)} for family in ("all", "classical", "deep")}
    assert families["all"] == set(SPECS)
    assert families["classical"] | families["deep"] == set(SPECS)
    assert families["deep"] >= {"mlp", "cnn", "lstm"}
    assert not families["classical"] & families["deep"]


@pytest.mark.parametrize("name", SPECS)
def test_spec_is_declared_in_full(name: str) -> None:
    """Every spec has a family, a summary, a source, tasks, kinds, preprocessors by kind, and reasons for limits."""
    spec = SPECS[name]
    assert spec.family in get_args(Family)
    assert spec.summary
    assert spec.source
    assert spec.tasks
    assert set(spec.tasks) <= set(TASKS)
    assert spec.kinds
    assert set(spec.kinds) <= set(KINDS)
    assert set(spec.kinds) <= set(spec.preprocessors)
    assert set(spec.preprocessors.values()) <= set(PREPROCESSORS)
    assert bool(spec.max_rows) == bool(spec.max_rows_reason)
    assert set(spec.capped_params) <= {"trees", "epochs"}
    assert bool(spec.space) == (not spec.source.startswith("nothing to tune"))
    assert bool(spec.extra) == (name in OPTIONAL)


@pytest.mark.parametrize(("name", "task"), SPEC_AND_TASK)
def test_default_is_a_point_of_the_space(name: str, task: Task) -> None:
    """Trial 0 can be run: the default answers every question, with and without caps, and asks for nothing unknown."""
    spec = SPECS[name]
    for caps in ({}, {"trees": 5, "epochs": 2}, {"trees": 10**6, "epochs": 10**6}):
        choice = ModelChoice(spec=spec, caps=caps)
        assert isinstance(choice.default_params(task), dict)
    if spec.space:
        known = ModelChoice(spec=spec).list_space(task)
        own = spec.default if task != "regression" else {**spec.default, **spec.regression_default}
        asked = {task: set(ModelChoice(spec=spec).list_space(task)) for task in spec.tasks}
        assert set(own) <= set().union(*asked.values())
        assert known
        spec.space(FixedTrial(own), task)


@pytest.mark.parametrize(("name", "task"), SPEC_AND_TASK)
def test_space_returns_the_same_parameters_on_every_branch(name: str, task: Task) -> None:
    """Whatever a choice hides, its parameter is returned: only then can a user fix it (see `ModelChoice.params_of`)."""
    spec = SPECS[name]
    if spec.space is None:
        return
    branches = [{}] + [
        {question: choice}
        for question, (kind, *choices) in ModelChoice(spec=spec).list_space(task).items()
        if kind == "categorical"
        for choice in choices
    ]
    assert len({frozenset(spec.space(RecordingTrial(branch), task)) for branch in branches}) == 1


@cache
def samples(name: str, task: Task) -> list[dict[str, Any]]:
    """Draw the parameters of 20 random trials."""
    choice = ModelChoice(spec=SPECS[name], caps=QUICK)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(choice.default_point(task))
    return [choice.params_of(study.ask(), task) for _ in range(20)]


@pytest.fixture(autouse=True, scope="module")
def _quiet_optuna() -> None:
    """Keep Optuna's progress out of the output."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.mark.parametrize(("name", "task"), SPEC_AND_TASK)
def test_random_trials_build(name: str, task: Task) -> None:
    """Any point of the space builds an estimator that has the parameters of that point; trial 0 is the default."""
    spec = needs(name)
    drawn = samples(name, task)
    assert drawn[0] == ModelChoice(spec=spec, caps=QUICK).default_params(task)
    for params in drawn:
        found = parameters_of(spec.build(context_of(task), params))
        assert {key: found.get(key) for key in params} == params


@pytest.mark.parametrize(("name", "task"), SPEC_AND_TASK)
def test_searched_parameters_can_be_fixed(name: str, task: Task) -> None:
    """Any searched parameter can be fixed, behind a choice or not: it reaches the estimator and is asked no more."""
    spec = needs(name)
    for params in samples(name, task)[1:6]:
        for key, value in params.items():
            choice = ModelChoice(spec=spec, params={key: value})
            assert parameters_of(spec.build(context_of(task), choice.default_params(task))).get(key) == value, key
            assert key not in choice.list_space(task)
            assert parameters_of(make(name, task=task, kind=spec.kinds[0], **{key: value})[-1]).get(key) == value


TAKEN = {
    ("adaboost", "estimator"),  # the spec builds the tree itself, from max_depth
    ("catboost_td", "booster"),  # an unfitted CatBoost model does not equal itself
    ("logistic", "penalty"),  # a question of the space; scikit-learn deprecates its parameter of that name
}


@pytest.mark.parametrize(("name", "task"), SPEC_AND_TASK)
def test_any_parameter_of_the_estimator_can_be_given(name: str, task: Task) -> None:
    """What the estimator takes, the user can give: also what the spec sets itself, such as random_state or n_jobs."""
    spec = needs(name)
    model = make(name, task=task, kind=spec.kinds[0])[-1]
    inner = getattr(model, "regressor", model)
    for key, value in inner.get_params(deep=False).items():
        if (name, key) in TAKEN:
            continue
        given = 77 if key in ("random_state", "random_seed", "max_iter") else value
        changed = make(name, task=task, kind=spec.kinds[0], **{key: given})[-1]
        assert getattr(changed, "regressor", changed).get_params(deep=False).get(key) == pytest.approx(
            given, nan_ok=True
        ), key


def labels_of(task: Task) -> np.ndarray:
    """Return text labels, or floats for a regression."""
    if task == "regression":
        return np.linspace(-3, 5, N_ROWS) ** 2
    return np.resize(np.array(["no", "yes"] if task == "binary" else ["a", "b", "c"], dtype=object), N_ROWS)


def inputs_of(kind: Kind) -> Any:
    """Return rows of a kind: frames with gaps and categories, flattened images and series, texts."""
    random = np.random.default_rng(0)
    if kind == "tabular":
        size = random.normal(size=N_ROWS)
        size[::7] = np.nan
        colour = np.resize(np.array(["red", "blue", "green", None], dtype=object), N_ROWS)
        return pd.DataFrame({"size": size, "colour": colour, "code": np.arange(N_ROWS) % 3, "flag": size > 0})
    if kind == "text":
        return np.array([f"word{i % 2} also{i % 3} more" for i in range(N_ROWS)], dtype=object)
    return random.normal(size=(N_ROWS, int(np.prod(SHAPES[kind])))).astype("float32")


@pytest.mark.parametrize(("name", "task", "kind"), SPEC_TASK_KIND)
def test_fits_and_predicts(name: str, task: Task, kind: Kind) -> None:
    """Every model fits each task and kind that it declares: gaps, categories, text labels, a category met later."""
    spec = needs(name)
    X, y = inputs_of(kind), labels_of(task)
    quick = {parameter: QUICK[unit] for unit, parameter in spec.capped_params.items()}
    options: dict[str, Any] = {"task": task, "kind": kind, "input_shape": SHAPES.get(kind)}
    pipeline = make(name, categorical=("code",) if kind == "tabular" else (), **options, **quick).fit(X, y)
    other = X.assign(colour="violet") if kind == "tabular" else X
    predicted = np.asarray(pipeline.predict(other)).reshape(-1)
    assert predicted.shape == (N_ROWS,)
    if task == "regression":
        assert np.isfinite(predicted.astype(float)).all()
        return
    assert list(pipeline.classes_) == sorted(set(y))
    assert set(predicted) <= set(y)
    if hasattr(pipeline, "predict_proba"):
        probabilities = pipeline.predict_proba(other)
        assert probabilities.shape == (N_ROWS, len(pipeline.classes_))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    else:
        assert hasattr(pipeline, "decision_function")


@pytest.mark.parametrize(
    ("name", "cap", "parameter"),
    [(name, cap, parameter) for name, spec in SPECS.items() for cap, parameter in spec.capped_params.items()],
)
def test_caps_apply(name: str, cap: str, parameter: str) -> None:
    """A cap bounds the default and every trial, a cap above them changes nothing, and what the user fixed stays."""
    spec, task = SPECS[name], SPECS[name].tasks[0]
    plain = ModelChoice(spec=spec).default_params(task)
    capped = ModelChoice(spec=spec, caps={cap: 3})
    assert capped.default_params(task) == plain | {parameter: 3}
    bounds = capped.list_space(task).get(parameter)
    assert bounds is None or bounds[2] <= 3
    assert ModelChoice(spec=spec, caps={cap: 10**6}).default_params(task) == plain
    assert ModelChoice(spec=spec, caps={cap: 3}, params={parameter: 8}).default_params(task)[parameter] == 8


def test_caps_cover_nets_and_ensembles() -> None:
    """Every net has a cap on epochs, and every ensemble of trees one on trees."""
    assert all("epochs" in spec.capped_params for spec in specs_of_family("deep") if not spec.pretrained)
    ensembles = {"random_forest", "extra_trees", "adaboost", "ebm", "hog_boosting", "hist_gradient_boosting", "quant"}
    ensembles |= {"xgboost", "lightgbm", "catboost", "xgboost_td", "lightgbm_td", "catboost_td"}
    assert {name for name, spec in SPECS.items() if "trees" in spec.capped_params} == ensembles


def test_why_not() -> None:
    """A model says why it does not apply: the task, the kind, too many rows; or None."""
    assert get_spec("ridge").why_not("binary", "tabular", 10) == "ridge does not take binary tasks"
    assert get_spec("cnn").why_not("binary", "tabular", 10) == "cnn does not take tabular data"
    svm = get_spec("rbf_svm")
    assert svm.why_not("binary", "tabular", 70_000) is None
    reason = svm.why_not("binary", "tabular", 70_001)
    assert reason is not None
    assert "(limit 70,000 training rows, got 70,001)" in reason


def test_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its extra a model says how to install it, and `make` refuses."""
    monkeypatch.setattr("bakeoff.estimators.specs.spec.find_spec", lambda name: None)
    reason = "lightgbm is not installed: pip install 'bakeoff[lightgbm]'"
    assert get_spec("lightgbm").why_not("binary", "tabular", 10) == reason
    with pytest.raises(UserError) as caught:
        make("lightgbm", task="binary")
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"name": "xgbost", "task": "binary"}, "no model 'xgbost'; did you mean 'xgboost'.*bakeoff list models"),
        ({"name": "ridge", "task": "binary"}, "ridge does not take binary tasks"),
        ({"name": "cnn", "task": "binary"}, "cnn does not take tabular data"),
        ({"name": "ridge", "task": "regresion"}, "no task 'regresion'; did you mean 'regression'"),
        ({"name": "ridge", "task": "regression", "kind": "sound"}, "no kind 'sound'; known: image, series"),
    ],
)
def test_make_refuses(options: dict[str, Any], problem: str) -> None:
    """Unknown names and models that do not apply are refused with what to do."""
    with pytest.raises(UserError, match=problem):
        make(**options)


def test_make_passes_resources_on() -> None:
    """Seed, threads, device and the shape of the input reach the estimator."""
    assert make("xgboost", task="binary", threads=3, random_state=5)[-1].get_params()["n_jobs"] == 3
    net = make("cnn", task="binary", kind="image", input_shape=(1, 4, 4), random_state=5)[-1]
    assert (net.input_shape, net.random_state, net.device, net.dtype) == ((1, 4, 4), 5, "cpu", "float32")


LIBRARY_DEFAULTS = {
    "logistic": {"max_iter", "random_state"},
    "ridge": {"random_state"},
    "elastic_net": {"random_state"},
    "rbf_svm": {"cache_size", "random_state"},
    "knn": {"n_jobs"},
    "decision_tree": {"random_state"},
    "random_forest": {"n_jobs", "random_state"},
    "hist_gradient_boosting": {"early_stopping", "random_state"},
}


@pytest.mark.parametrize("name", LIBRARY_DEFAULTS)
def test_default_is_the_library_s(name: str) -> None:
    """The default of a scikit-learn model is scikit-learn's own, but for seeds, resources and limits."""
    for task in SPECS[name].tasks:
        model = make(name, task=task)[-1]
        model = getattr(model, "regressor", model)
        own, library = model.get_params(), type(model)().get_params()
        assert {key for key in own if own[key] != library[key]} <= LIBRARY_DEFAULTS[name]


@pytest.mark.parametrize("task", TASKS)
def test_default_xgboost_is_the_library_s(task: Task) -> None:
    """The default predicts exactly what XGBoost with no parameters predicts."""
    X = np.random.default_rng(0).normal(size=(60, 4))
    y = X[:, 0] + X[:, 1] ** 2 if task == "regression" else np.arange(60) % (2 if task == "binary" else 3)
    plain = (xgboost.XGBRegressor if task == "regression" else xgboost.XGBClassifier)(n_jobs=1).fit(X, y)
    ours = make("xgboost", task=task).fit(X, y)
    method = "predict" if task == "regression" else "predict_proba"
    np.testing.assert_array_equal(getattr(ours, method)(X), getattr(plain, method)(X))


@pytest.mark.parametrize(
    "labels", [["no", "yes"], [False, True], [1, 2, 3], [-1, 1], ["a", "b", "c"], [2.0, 5.0]], ids=str
)
def test_xgboost_takes_labels_of_any_kind(labels: list[Any]) -> None:
    """Text, booleans and any numbers are labels; columns of probabilities follow the sorted labels."""
    y = np.array(labels)[np.arange(60) % len(labels)]
    X = (np.arange(60) % len(labels)).reshape(-1, 1) + np.random.default_rng(0).normal(scale=0.01, size=(60, 1))
    model = XGBoostClassifier(n_estimators=5, n_jobs=1).fit(X[::-1], y[::-1])
    assert model.classes_.tolist() == sorted(labels)
    assert model.classes_.dtype == y.dtype
    np.testing.assert_array_equal(model.predict(X), y)
    np.testing.assert_array_equal(model.classes_[model.predict_proba(X).argmax(axis=1)], y)
    assert model.score(X, y) == 1


def test_xgboost_classifier_is_cloned_pickled_and_refitted() -> None:
    """A clone is unfitted with the same parameters, a pickle predicts the same, and a second fit forgets the first."""
    X = np.random.default_rng(0).normal(size=(60, 2))
    three, two = np.array(["a", "b", "c"])[np.arange(60) % 3], np.arange(60) % 2 == 0
    model = XGBoostClassifier(n_estimators=3, n_jobs=1)
    before = model.get_params()
    model.fit(X, three)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert again.classes_.tolist() == ["a", "b", "c"]
    assert model.get_params() == pytest.approx(before, nan_ok=True)
    assert not hasattr(clone(model), "classes_")
    expected = XGBoostClassifier(n_estimators=3, n_jobs=1).fit(X, two)
    for other in (model.fit(X, two), clone(again).fit(X, two)):
        assert other.classes_.tolist() == [False, True]
        np.testing.assert_array_equal(other.predict_proba(X), expected.predict_proba(X))


def test_xgboost_stops_early_on_labels_of_any_kind() -> None:
    """An `eval_set` is given with the user's labels; margins come as they are."""
    X = np.random.default_rng(0).normal(size=(80, 2))
    y = np.where(X[:, 0] > 0, "up", "down")
    model = XGBoostClassifier(n_estimators=40, early_stopping_rounds=2, n_jobs=1)
    model.fit(X[:60], y[:60], eval_set=[(X[60:], y[60:])], verbose=False)
    assert model.best_iteration < 39
    assert set(model.predict(X)) == {"up", "down"}
    margins = model.predict(X, output_margin=True)
    np.testing.assert_array_equal(margins > 0, model.predict(X) == "up")


def test_registry_imports_nothing_heavy() -> None:
    """Listing the models loads no library that a model needs, and neither does reading a suite."""
    code = (
        "import sys, bakeoff.estimators.models.registry as r, bakeoff.suites.suite; assert len(r.all_specs()) >= 19;"
        "heavy = {'torch', 'xgboost', 'sklearn', 'mlflow', 'lightgbm', 'catboost', 'optuna', 'scipy'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "given", "condition"),
    [
        ("decision_tree", {"max_depth": Range(2, 6, default=4)}, "depth_is_limited"),
        ("rbf_svm", {"gamma": Range(0.01, 1, default=0.1)}, "gamma_kind"),
        ("xgboost", {"gamma": Range(0.01, 1, default=0.1)}, "gamma_is_zero"),
    ],
)
def test_a_range_fixes_its_condition(name: str, given: dict[str, Range], condition: str) -> None:
    """A user's range for a conditional parameter is searched in every trial, and its default is the default."""
    choice = ModelChoice(spec=get_spec(name), ranges=given)
    ((parameter, range_),) = given.items()
    assert choice.default_params("binary")[parameter] == range_.default
    assert condition not in choice.list_space("binary")
    assert choice.list_space("binary")[parameter][1:3] == (range_.low, range_.high)


@pytest.fixture
def fresh_registry() -> Iterator[None]:
    """Let the registry be read anew, before and after."""
    all_specs.cache_clear()
    yield
    all_specs.cache_clear()


def register(monkeypatch: pytest.MonkeyPatch, found: object) -> None:
    """Pretend that an installed package has an entry point that loads to `found`."""
    point = EntryPoint("theirs", "their.package:spec", "bakeoff.models")
    monkeypatch.setattr(EntryPoint, "load", lambda self: found)
    monkeypatch.setattr("bakeoff.estimators.models.registry.entry_points", lambda group: [point])


@pytest.mark.usefixtures("fresh_registry")
def test_entry_points_register_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of one's own adds a model by an entry point, and suites and `make` know it."""
    register(monkeypatch, replace(get_spec("ridge"), name="their_ridge"))
    all_specs.cache_clear()
    assert "their_ridge" in model_names()
    assert make("their_ridge", task="regression").steps[-1][0] == "model"


@pytest.mark.usefixtures("fresh_registry")
@pytest.mark.parametrize(("found", "problem"), [(object(), "must be a ModelSpec"), (None, "exists already")])
def test_bad_entry_points_are_told(found: object, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point that is no spec, or takes a name that is taken, is a clear error."""
    register(monkeypatch, found or get_spec("ridge"))
    all_specs.cache_clear()
    with pytest.raises(UserError, match=problem):
        all_specs()
