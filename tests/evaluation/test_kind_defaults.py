"""Defaults by kind of input reach every fit: the default variant, trial 0 of a study, inner scores, and the key."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import prepare_job

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.models.registry import get_spec
from bakeoff.evaluation.evaluate import evaluate
from bakeoff.protocol.job import Job


def job_of(folder: Path, kind: Any, variant: str, entry: Any = "knn", models: Any = None, **suite: Any) -> Job:
    """Make the first job of nearest neighbours on series or on the same numbers as a table."""
    random = np.random.default_rng(0)
    shape = {"input_shape": (1, 4)} if kind == "series" else {}
    X = random.normal(size=(40, 4)).astype("float32")
    data = Dataset(name="made", X=X, y=np.arange(40) % 2, task="binary", kind=kind, **shape)
    content = {"models": [entry], "variants": [variant], "outer_folds": 2, "inner_folds": 2, **suite}
    return prepare_job(folder, data, content, models=models)


@pytest.mark.parametrize(("kind", "neighbors"), [("series", 1), ("tabular", 5)])
def test_every_fit_begins_with_the_kind_s_default(tmp_path: Path, kind: Any, neighbors: int) -> None:
    """The default is fitted, and scored on inner folds, with it; a study tries it first."""
    default = evaluate(job_of(tmp_path, kind, "default", score_defaults=True))
    assert default.params["n_neighbors"] == neighbors
    tuned = evaluate(job_of(tmp_path, kind, "tuned", tuning={"trials": 2}))
    assert tuned.trials[0]["params"] == default.params
    assert default.diagnostics["inner_score"] == pytest.approx(tuned.trials[0]["value"])


@pytest.mark.parametrize(("kind", "is_another_fit"), [("series", True), ("tabular", False)])
def test_the_key_holds_the_kind_s_default(tmp_path: Path, kind: Any, is_another_fit: bool) -> None:
    """A default by kind makes other fits of that kind, and leaves the keys of all others as they were."""
    plain = replace(get_spec("knn"), kind_defaults={})
    before = job_of(tmp_path, kind, "default", {"memory": "knn"}, models={"knn": plain}).keys
    now = job_of(tmp_path, kind, "default").keys
    assert now.cell == before.cell
    assert (now.study != before.study) == is_another_fit
    assert (now.fit != before.fit) == is_another_fit
