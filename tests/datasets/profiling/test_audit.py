"""The audit finds what makes scores misleading, and is silent about sound data."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.datasets import Dataset, audit, load
from bakeoff.datasets.profiling.description import describe

ROWS = 300


def table(**columns: Any) -> Dataset:
    """Make a sound table of two noisy clusters, with further columns."""
    rng = np.random.default_rng(0)
    y = np.arange(ROWS) % 2
    frame = pd.DataFrame({"a": rng.normal(size=ROWS) + 1.5 * y, "b": rng.normal(size=ROWS), **columns})
    return load(frame, y, name="t")


def found(dataset: Dataset, **options: Any) -> dict[str, str]:
    """Return the messages of an audit by what was looked for."""
    return {finding.check: finding.message for finding in audit(dataset, **options)}


def test_sound_data_are_passed_in_silence() -> None:
    """Nothing is said of a table, series and texts without fault."""
    for dataset in (table(), load("friedman1", rows=300), load("shapes", rows=300)):
        assert found(dataset) == {}
    texts = [f"word{i} {'good' if i % 2 else 'bad'} film" for i in range(100)]
    assert found(load(np.array(texts), np.arange(100) % 2, kind="text")) == {}


def test_duplicates_and_conflicts() -> None:
    """Copies of rows are counted, on both sides of a split too, and rows that contradict each other."""
    dataset = table()
    rows = [*range(ROWS), 0, 1, 2, 3]
    doubled = replace(dataset, X=dataset.X.iloc[rows].reset_index(drop=True), y=dataset.y[rows])
    assert "4 of 304 rows are copies" in found(doubled)["duplicate rows"]
    assert "duplicate rows" not in found(replace(doubled, groups=np.arange(304) % 10))
    turned = replace(doubled, y=np.where(np.arange(304) >= ROWS, 1 - doubled.y, doubled.y))
    assert "8 rows have the same features" in found(turned)["conflicting rows"]
    split = replace(doubled, test_rows=np.arange(304) >= ROWS - 10)
    assert "4 of 14 test rows stand in the training part" in found(split)["split"]


def test_duplicates_of_images_and_texts() -> None:
    """Copies are found in every kind of data."""
    images = load("shapes", rows=100)
    rows = [*range(100), 5]
    assert "1 of 101" in found(replace(images, X=images.X[rows], y=images.y[rows]))["duplicate rows"]
    texts = np.array([*(f"text number {i}" for i in range(60)), "text number 4"])
    assert "1 of 61" in found(load(texts, np.arange(61) % 2, kind="text", name="t"))["duplicate rows"]


def test_columns() -> None:
    """Constant, nearly constant and id-like columns are named."""
    findings = found(
        table(
            same=7,
            rare=[*[0] * (ROWS - 1), 1],
            number=np.arange(ROWS) + 1000,
            name=[f"n{i}" for i in range(ROWS)],
            nothing=[None] * ROWS,
        )
    )
    assert "'number', 'name'" in findings["id-like column"]
    messages = [finding.message for finding in audit(table(same=7, rare=[*[0] * (ROWS - 1), 1]))]
    assert any("'same' has one value only" in message for message in messages)
    assert any("'rare' has one value in at least 99.5%" in message for message in messages)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_leak(task: str) -> None:
    """A column that gives the target away is suspected, be it a number or a category."""
    dataset = table(code=[f"c{i % 2}{i % 5}" for i in range(ROWS)])
    if task == "regression":
        y = np.random.default_rng(1).integers(0, 6, ROWS) * 1.5
        dataset = load(dataset.X.drop(columns="code").assign(code=y * 3 + 1), y, name="t")
    suspects = [finding for finding in audit(dataset) if finding.check == "leak suspect"]
    assert [finding.columns for finding in suspects] == [("code",)]
    assert "is it known when a prediction is made?" in suspects[0].message


def test_classes() -> None:
    """Classes smaller than the folds and heavy imbalance are told."""
    dataset = table()
    y = np.where(np.arange(ROWS) < 3, 2, dataset.y)
    few = replace(dataset, y=y, task="multiclass", positive=None)
    assert "the classes 2 have fewer rows than the 5 folds" in found(few)["small class"]
    assert "small class" not in found(few, folds=3)
    assert "the rarest class, 2, has 1.0% of the rows" in found(few)["imbalance"]


def test_groups_and_time() -> None:
    """A column of patients and one of dates call for groups and time, unless they are given."""
    patients = [f"p{i // 6}" for i in range(ROWS)]
    days = pd.date_range("2020-01-01", periods=ROWS).astype(str)
    assert "id-like column" not in found(table(day=days))
    assert "give groups: patient_id" in found(table(patient_id=patients))["groups"]
    assert "give time: day" in found(table(day=days))["time"]
    dataset = table(patient_id=patients)
    assert "groups" not in found(replace(dataset, groups=np.array(patients)))


def test_names_and_sentences_are_no_classes() -> None:
    """A target of names, an unused column of sentences, and huge numbers are told, and stop nothing."""
    frame = pd.DataFrame({"a": np.arange(60) % 7, "huge": [1e300, 1.0] * 30, "y": [f"${n},000.00" for n in range(60)]})
    told = found(load(frame, target="y"))
    assert "60 different values in 60 rows" in told["target"]
    assert not {"small class", "imbalance"} & set(told)
    sentences = [f"film number {n} was {'good' if n % 2 else 'bad'}" for n in range(ROWS)]
    told = found(table(review=sentences))
    assert "text: review makes a text set of it" in told["text column"]
    assert "id-like column" not in told


def test_a_rare_class_may_have_signal() -> None:
    """Where accuracy can't beat the commonest class, the ranking of the rows still shows what can be learned."""
    rng = np.random.default_rng(0)
    y = (np.arange(1500) % 20 == 0).astype(int)
    X = pd.DataFrame({"a": rng.normal(size=1500) + y, "b": rng.normal(size=1500)})
    assert "no signal" not in found(load(X, y))
    assert "no signal" in found(load(X[["b"]], y))


def test_no_signal_and_too_easy() -> None:
    """A target that nothing tells, and one that a single split solves, are told."""
    rng = np.random.default_rng(0)
    noise = load(pd.DataFrame(rng.normal(size=(ROWS, 4))), np.arange(ROWS) % 2, name="t")
    assert "no better than a dummy" in found(noise)["no signal"]
    easy = load(pd.DataFrame({"a": rng.normal(size=ROWS) + 20 * (np.arange(ROWS) % 2), "b": 0.0}), np.arange(ROWS) % 2)
    assert "a single split solves this task" in found(easy)["too easy"]


def test_description() -> None:
    """A description holds sizes, columns, the target, the digest and the audit, as plain values."""
    import json

    dataset = table(colour=["red", None, "blue"] * (ROWS // 3))
    about = describe(dataset)
    assert json.loads(json.dumps(about)) == about
    assert (about["rows"], about["features"], about["missing"], about["digest"]) == (ROWS, 3, 100, dataset.digest)
    assert about["target"] == {"classes": {"0": 150, "1": 150}, "positive": "1"}
    colour = about["columns"][2]
    assert (colour["type"], colour["missing"], colour["distinct"]) == ("category", 100, 2)
    assert describe(load("diabetes"))["target"]["quantiles"]["0.5"] == 140.5
