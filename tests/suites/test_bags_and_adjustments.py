"""Suite keys of bags, calibration and thresholds: what they accept, what a plan says of them, what it leaves out."""

from typing import Any

import numpy as np
import pytest

from bakeoff.datasets.dataset import Dataset
from bakeoff.errors import UserError
from bakeoff.planning.inputs import InMemoryInputs
from bakeoff.planning.plan import Plan, make_plan
from bakeoff.suites.suite import Suite
from bakeoff.suites.suite_file import parse_suite


def plan_for(task: Any = "binary", smallest: int = 40, **suite: Any) -> Plan:
    """Plan a suite over made rows, of which one class has so many."""
    y: Any = np.repeat([0, 1, 2] if task == "multiclass" else [0, 1], smallest)
    y = np.linspace(0, 1, 2 * smallest) if task == "regression" else np.append(y, [0] * 40)
    X = np.random.default_rng(0).normal(size=(len(y), 2))
    dataset = Dataset(name="made", X=X, y=y, task=task, kind="series", input_shape=(1, 2))
    content = {"name": "t", "datasets": [{"memory": "made"}], "models": ["knn"], **suite}
    return make_plan(Suite.model_validate(content), InMemoryInputs({"made": dataset}))


def test_keys_have_defaults_that_change_nothing() -> None:
    """A suite without them has bags of eight and leaves predictions alone."""
    settings = parse_suite("name: t\ndatasets: [wine]", "t").fit_settings
    assert (settings.bagging_folds, settings.calibrate, settings.threshold) == (8, "none", "default")


def test_values_are_checked() -> None:
    """Unknown ways, variants and a bag of one are told together, with their keys."""
    text = "name: t\ndatasets: [wine]\ncalibrate: platt\nthreshold: 0.3\nbagging_folds: 1\nvariants: [boosted]"
    with pytest.raises(UserError) as caught:
        parse_suite(text, "t")
    for key in ("calibrate", "threshold", "bagging_folds", "variants[0]"):
        assert any(f"t: {key}:" in problem for problem in caught.value.problems), key
    assert "'temperature' or 'isotonic'" in str(caught.value)


def test_plan_says_where_a_threshold_cannot_matter() -> None:
    """The primary metric is named, and those with which it could matter."""
    (note,) = plan_for(threshold="tuned").notes()
    assert "threshold: tuned changes nothing on made: roc_auc judges scores" in note
    assert "accuracy, balanced_accuracy, f1_macro, mcc" in note
    (note,) = plan_for("multiclass", threshold="tuned").notes()
    assert "only a binary task has a threshold" in note
    assert not list(plan_for(threshold="tuned", primary={"binary": "mcc"}).notes())
    assert not list(plan_for("regression", threshold="tuned", calibrate="isotonic").notes())


def test_plan_says_where_calibration_has_little_to_learn_from() -> None:
    """Few rows are named, by the task; many are not."""
    (note,) = plan_for(calibrate="temperature").notes()
    assert (
        "calibrate: temperature has little to learn from on made: 120 rows, and a binary task wants about 1000" in note
    )
    assert not list(plan_for(calibrate="temperature", smallest=500).notes())
    assert not list(plan_for().notes())


def test_bags_are_left_out_where_rows_are_too_few() -> None:
    """A class with too few rows for the folds of a bag leaves bags out, with the reason; all others run."""
    plan = plan_for(smallest=9, variants=["default", "bagged"], outer_folds=3)
    assert {job.variant for job in plan.jobs} == {"default"}
    (skip,) = plan.skips
    assert skip.variant == "bagged"
    assert skip.reason == (
        "bagging_folds: 8 of a training part need at least 8 rows in its smallest class; there are 6"
    )
    assert not plan_for(smallest=9, variants=["default", "bagged"], outer_folds=3, bagging_folds=4).skips
    with pytest.raises(UserError, match="inner_folds: 5 of a training part need at least 5 rows"):
        plan_for(smallest=3, outer_folds=3, variants=["default"], calibrate="isotonic", inner_folds=5)


def test_models_without_a_space_are_bagged() -> None:
    """Nothing to tune is no reason not to bag."""
    plan = plan_for(models=["gaussian_nb"], variants=["tuned", "bagged", "bagged-ensemble"])
    assert {job.variant for job in plan.jobs} == {"bagged"}
    assert {skip.variant for skip in plan.skips} == {"tuned", "bagged-ensemble"}
    assert not plan_for(variants=["default", "bagged"]).suite.tunes
