"""Keys of fits: those of recorded fits stay what they are; new settings count only where they change a score."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.models.registry import get_spec
from bakeoff.estimators.specs.spec import ModelChoice
from bakeoff.protocol.keys import Keys, keys_of
from bakeoff.protocol.settings import FitSettings
from bakeoff.protocol.splits import Split
from bakeoff.suites.suite import Suite

MODELS = {"binary": "logistic", "multiclass": "logistic", "regression": "ridge"}
# Cell, study and fit as they were before there were bags, calibration and thresholds.
RECORDED = {
    ("binary", "default"): ("67bb992252bec3fb", "b44a1bd2f1f38887", "9c63a4cfa45203c0"),
    ("binary", "tuned"): ("c2116530426733ef", "f2a7f49c5c873455", "6e62a7484e5cc7c9"),
    ("binary", "ensemble"): ("3b02b7696ca7d478", "f2a7f49c5c873455", "24b44e8185cbf364"),
    ("multiclass", "default"): ("4575f6ddf2da1142", "dd5510acbad82da0", "d84f7c1221e363e8"),
    ("multiclass", "tuned"): ("18a95b93b5706a9e", "5413084df2f99df1", "40d9bca5df20a0ef"),
    ("multiclass", "ensemble"): ("964e3eff2f09bac7", "5413084df2f99df1", "97fdcf520f9d2496"),
    ("regression", "default"): ("cd75e16b27b3e054", "3263f3376048a26d", "73996ad217b3421d"),
    ("regression", "tuned"): ("0e76e8a91f56dc31", "54c7e0b341d84068", "2e9e98dcb3c4565e"),
    ("regression", "ensemble"): ("8f0f4912455787e7", "54c7e0b341d84068", "9bb1b0d721e4eb06"),
}
SETTINGS = Suite.model_validate({"name": "t", "datasets": ["wine"]}).fit_settings
BY_ACCURACY = replace(SETTINGS, primary={**SETTINGS.primary, "binary": "accuracy"})


def build_dataset(task: Any) -> Dataset:
    """Make a data set that never changes."""
    X = np.arange(40.0).reshape(20, 2)
    y = {"binary": np.arange(20) % 2, "multiclass": np.arange(20) % 4, "regression": X[:, 0]}[task]
    return Dataset(name="made", X=X, y=y, task=task, kind="series", input_shape=(1, 2))


def keys_for(task: str, variant: str, settings: FitSettings = SETTINGS) -> Keys:
    """Derive the keys of a fit."""
    split = Split(0, 1, np.arange(15), np.arange(15, 20))
    return keys_of(settings, build_dataset(task), ModelChoice(spec=get_spec(MODELS[task])), variant, split)


@pytest.mark.parametrize(("task", "variant"), RECORDED)
def test_keys_of_recorded_fits_stay(task: str, variant: str) -> None:
    """A run that was made before finds its fits, whatever has been added to suites since."""
    keys = keys_for(task, variant)
    assert (keys.cell, keys.study, keys.fit) == RECORDED[task, variant]
    other_bag = keys_for(task, variant, replace(SETTINGS, bagging_folds=5))
    assert other_bag == keys


def test_bags_count_their_folds() -> None:
    """Bags have keys of their own that the number of folds changes; the study is the tuned sibling's."""
    settings = replace(SETTINGS, bagging_folds=5)
    for variant in ("bagged", "bagged-ensemble"):
        assert keys_for("binary", variant, settings).fit != keys_for("binary", variant).fit
        assert keys_for("binary", variant, settings).cell == keys_for("binary", variant).cell
    assert keys_for("binary", "bagged-ensemble").study == keys_for("binary", "tuned").study
    assert keys_for("binary", "bagged").study != keys_for("binary", "default").study
    fits = {
        keys_for("binary", variant).fit for variant in ("default", "tuned", "bagged", "ensemble", "bagged-ensemble")
    }
    assert len(fits) == 5


@pytest.mark.parametrize("variant", ["default", "tuned", "bagged"])
def test_calibration_counts_for_classifiers_alone(variant: str) -> None:
    """It changes the fit, neither study nor cell; a regression is left alone."""
    for task in ("binary", "multiclass"):
        plain, *others = (
            keys_for(task, variant, replace(SETTINGS, calibrate=how)) for how in ("none", "temperature", "isotonic")
        )
        assert len({plain.fit, *(other.fit for other in others)}) == 3
        assert {plain.study} == {other.study for other in others}
        assert {plain.cell} == {other.cell for other in others}
    assert keys_for("regression", variant, replace(SETTINGS, calibrate="isotonic")) == keys_for("regression", variant)


def test_threshold_counts_where_it_can_matter() -> None:
    """Only for a binary task whose primary metric judges labels."""
    tuned = replace(BY_ACCURACY, threshold="tuned")
    assert keys_for("binary", "default", tuned).fit != keys_for("binary", "default", BY_ACCURACY).fit
    by_f1 = replace(tuned, primary={**tuned.primary, "binary": "f1_macro"})
    assert keys_for("binary", "default", by_f1).fit != keys_for("binary", "default", tuned).fit
    for task in MODELS:
        settings = replace(SETTINGS, threshold="tuned")  # by roc_auc, accuracy and rmse
        assert keys_for(task, "default", settings) == keys_for(task, "default")


def test_inner_folds_count_where_a_default_is_adjusted_by_them() -> None:
    """The number of inner folds is in the key of a calibrated default fit, and in no other's."""
    more = {"inner_folds": SETTINGS.inner_folds + 1}
    scaled = replace(SETTINGS, calibrate="temperature")
    assert keys_for("binary", "default", replace(scaled, **more)).fit != keys_for("binary", "default", scaled).fit
    assert keys_for("binary", "default", replace(SETTINGS, **more)) == keys_for("binary", "default")
    assert keys_for("binary", "bagged", replace(scaled, **more)) == keys_for("binary", "bagged", scaled)
