"""Pretrained models in a plan: found weights are named and counted, missing ones leave the model out in one line."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pretrained import needs, write_tabicl_weights, write_text_encoder, write_vision_net
from runs import prepare_job

from bakeoff.cli.tables import listing_table, plan_tables
from bakeoff.datasets import Dataset, load
from bakeoff.errors import UserError
from bakeoff.estimators.models.preprocessors import use_preprocessor
from bakeoff.estimators.models.pretrained import CAUTION, required_modules
from bakeoff.estimators.models.registry import get_spec
from bakeoff.estimators.specs.spec import ModelSpec
from bakeoff.evaluation.evaluate import evaluate
from bakeoff.planning.inputs import InMemoryInputs
from bakeoff.planning.plan import Plan, make_plan
from bakeoff.planning.staging import stage_data
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports.pages.html import render_html
from bakeoff.reports.pages.markdown import render_markdown
from bakeoff.reports.run_data.run import load_run_view
from bakeoff.reports.sections.ranking import build_other_metrics, build_ranking
from bakeoff.suites.suite_file import parse_suite

TEXTS = {"good": "a good film", "bad": "a bad film"}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Write a file that stands for the weights of the model `own`."""
    path = tmp_path / "own.ckpt"
    path.write_bytes(b"first")
    return path


@pytest.fixture
def own(weights: Path) -> ModelSpec:
    """Declare neighbours as if they were pretrained: what is planned and reported depends on the declaration alone."""

    def find(task: Any, given: str | None) -> Path:
        if not weights.is_file():
            raise UserError(f"own has no weights for {task}: look under {given}")
        return weights

    return replace(
        get_spec("knn"), name="own", space=None, pretrained="the moon's rows", licence="MIT", find_weights=find
    )


def plan_of(own: ModelSpec, text: str = "models: [{memory: own}, dummy]") -> Plan:
    """Plan a small suite of the model and a dummy."""
    datasets = "" if "datasets" in text else "datasets: [iris]\n"
    suite = f"name: toy\n{datasets}variants: [default]\nouter_folds: 2\n{text}\n"
    return make_plan(parse_suite(suite, "toy.yaml"), InMemoryInputs(models={"own": own}))


def shown(tables: list[Any]) -> str:
    """Render what the terminal would show, wide enough for a line each."""
    from rich.console import Console

    console = Console(width=400, color_system=None)
    with console.capture() as captured:
        console.print(*tables)
    return captured.get()


def test_the_mark_is_in_plan_notes_and_terminal(own: ModelSpec, weights: Path) -> None:
    """What it was trained on, which weights, their licence and the caution are told before anything runs."""
    plan = plan_of(own)
    (about,) = plan.summary()["pretrained"]["own"]
    assert set(plan.summary()["pretrained"]) == {"own"}
    assert about.startswith("own is pretrained on the moon's rows (weights own.ckpt, SHA-256 ")
    assert about.endswith(f"…, licence MIT): {CAUTION}")
    assert about in list(plan.notes())
    assert about in shown(plan_tables(plan))


def test_weights_count_in_the_keys_by_their_content(own: ModelSpec, weights: Path) -> None:
    """Other weights are other fits, the same ones elsewhere are not; models that are not pretrained keep their keys."""

    def keys(plan: Plan, model: str) -> list[Any]:
        return [job.keys for job in plan.jobs if job.choice.name == model]

    before = plan_of(own)
    moved = weights.rename(weights.with_name("other.ckpt"))
    elsewhere = plan_of(replace(own, find_weights=lambda *_: moved))
    assert keys(elsewhere, "own") == keys(before, "own")
    moved.write_bytes(b"second and longer")
    after = plan_of(replace(own, find_weights=lambda *_: moved))
    assert not set(keys(after, "own")) & set(keys(before, "own"))
    assert {key.cell for key in keys(after, "own")} == {key.cell for key in keys(before, "own")}
    assert keys(after, "dummy") == keys(before, "dummy")


def test_missing_weights_leave_the_model_out(own: ModelSpec, weights: Path) -> None:
    """Without weights for any data set, a model that was asked for is a problem; for some, a line of the plan."""

    def find(task: Any, given: str | None) -> Path:
        if task == "binary":
            raise UserError("own has no weights for binary tasks")
        return weights

    plan = plan_of(replace(own, find_weights=find), "datasets: [iris, breast_cancer]\nmodels: [{memory: own}, dummy]")
    assert {job.dataset for job in plan.jobs if job.choice.name == "own"} == {"iris"}
    assert "own (default) is left out on breast_cancer: own has no weights for binary tasks" in list(plan.notes())
    weights.unlink()
    with pytest.raises(UserError, match="models: own fits none of the data sets: own has no weights for multiclass"):
        plan_of(own)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_features": 3}, "own takes up to 3 columns, got 4"),
        ({"max_classes": 2}, "own takes up to 2 classes, got 3"),
        ({"max_cpu_rows": 74}, "own takes up to 74 training rows without a GPU, got 75"),
    ],
)
def test_declared_limits_are_kept_by_the_plan(own: ModelSpec, limits: dict[str, int], reason: str) -> None:
    """Columns, classes and rows on this device are compared with the data set before anything runs."""
    with pytest.raises(UserError, match=reason):
        plan_of(replace(own, **limits))
    assert plan_of(replace(own, **{name: most + 1 for name, most in limits.items()})).jobs


def test_the_listing_says_limits_and_licence() -> None:
    """`bakeoff list models` shows limits, training data, caution and licence of the pretrained models."""
    found = shown([listing_table("models")])
    assert "up to 100,000 training rows, 2,000 columns" in found
    assert f"pretrained on synthetic tables ({CAUTION}); weights' licence: BSD-3-Clause" in found
    assert "no commercial use" in found
    assert found.count(CAUTION) == 2


def test_the_report_warns_of_pretraining(own: ModelSpec, tiny_run: RunFolder) -> None:
    """Page and Markdown carry the mark among the warnings; a run of an earlier version has none."""
    plain = load_run_view(tiny_run)
    earlier = replace(plain, plan={name: part for name, part in plain.plan.items() if name != "pretrained"})
    marked = replace(plain, plan={**plain.plan, "pretrained": plan_of(own).pretrained()})
    for view, expected in ((plain, 0), (earlier, 0), (marked, 1)):
        for text in (render_html(view), render_markdown(view)):
            assert text.count("own is pretrained on the moon") == expected
            assert text.count(CAUTION) == expected


def test_the_ranking_marks_what_is_pretrained(tiny_run: RunFolder) -> None:
    """Below the name of a pretrained model stands that it is; no other name has a line below."""
    plain = load_run_view(tiny_run)
    marked = replace(plain, plan={**plain.plan, "pretrained": {"mlp": ["mlp is pretrained on the moon's rows"]}})
    for build in (build_ranking, build_other_metrics):
        names = [row[1] for row in build(marked, "wine").rows]
        assert {cell.text: cell.note for cell in names} == {"mlp": "pretrained", "logistic": "", "dummy": ""}
        assert not any(row[1].note for row in build(plain, "wine").rows)


def test_a_default_by_kind_outside_a_range_is_told() -> None:
    """A range that leaves the default for series out is a problem of the suite, not a traceback."""
    text = (
        "name: toy\ndatasets: [parity]\nouter_folds: 2\n"
        "models: [{name: knn, space: {n_neighbors: {low: 3, high: 9}}}]\n"
    )
    with pytest.raises(UserError, match=r"models: knn: .*n_neighbors.*give it another `default:`, or widen the range"):
        make_plan(parse_suite(text, "toy.yaml"))


def test_tabicl_is_fitted_and_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    """With its extra, and weights in the folder of BAKEOFF_WEIGHTS, TabICL is a contestant like any other."""
    needs("tabicl")
    write_tabicl_weights(tmp_path)
    monkeypatch.setenv("BAKEOFF_WEIGHTS", str(tmp_path))
    data = replace(load("iris"), name="made")
    suite = {"models": [{"name": "tabicl", "params": {"n_estimators": 1}}], "variants": ["default"], "outer_folds": 3}
    job = prepare_job(tmp_path, data, suite)
    result = evaluate(job)
    assert (job.choice.spec.family, result.failure, result.params) == ("deep", "", {"n_estimators": 1})
    assert 0 <= result.metrics["accuracy"] <= 1
    assert result.metrics == evaluate(job).metrics


PREPROCESSORS: list[tuple[str, Any, Callable[[Path], Path], str]] = [
    ("text-embeddings", "text", write_text_encoder, "sentence_transformers"),
    ("image-embeddings", "image", write_vision_net, "transformers"),
]


def rows_of(kind: Any) -> Dataset:
    """Build texts or images of two classes that are easily told apart."""
    y = np.resize(["good", "bad"], 24).astype(object)
    if kind == "text":
        return Dataset(name="toy", X=np.array([TEXTS[one] for one in y], dtype=object), y=y, task="binary", kind="text")
    X = np.random.default_rng(0).random((24, 16)) + 5.0 * (y == "good")[:, None] * (np.arange(16) < 8)
    return Dataset(name="toy", X=X, y=y, task="binary", kind="image", input_shape=(1, 4, 4))


@pytest.mark.parametrize(("name", "kind", "write", "library"), PREPROCESSORS)
def test_preprocessing_by_a_pretrained_net_in_a_suite(
    name: str, kind: Any, write: Callable[[Path], Path], library: str, tmp_path: Path, one_thread: None
) -> None:
    """The key `preprocessor` puts it before any model; the plan marks it, and other data or no weights leave it out."""
    needs(library)
    folder = write(tmp_path / "net")

    def plan(weights: Any, dataset: Dataset) -> Plan:
        text = (
            "name: toy\ndatasets: [{memory: toy}]\nvariants: [default]\nouter_folds: 2\nmodels:\n"
            f"  - {{import: 'sklearn.linear_model:LogisticRegression', name: own, preprocessor: '{name}:{weights}'}}\n"
            "  - dummy\n"
        )
        return make_plan(parse_suite(text, "toy.yaml"), InMemoryInputs(datasets={"toy": dataset}))

    planned = plan(folder, rows_of(kind))
    (about,) = planned.pretrained()["own"]
    assert about.startswith(f"own (by {name}) is pretrained on ")
    assert CAUTION in about
    (job, *_) = stage_data(planned, planned.jobs, tmp_path)
    assert evaluate(job).metrics["accuracy"] == 1
    assert required_modules(job.choice, kind) == ["sklearn", library]
    for weights, dataset, reason in (
        (tmp_path / "absent", rows_of(kind), f"{name} has no weights: no folder"),
        (folder, rows_of("image" if kind == "text" else "text"), f"{name}:.* does not take"),
    ):
        with pytest.raises(UserError, match=f"own fits none of the data sets: {reason}"):
            plan(weights, dataset)


@pytest.mark.parametrize(("name", "kind"), [("text-embeddings", "text"), ("image-embeddings", "image")])
def test_registered_models_take_another_preprocessor(name: str, kind: Any) -> None:
    """Behind embeddings a model takes their kind of input alone, behind a plain preprocessor all that it took."""
    spec = use_preprocessor(get_spec("gaussian_nb"), f"{name}:folder")
    assert (spec.kinds, dict(spec.preprocessors)) == ((kind,), {kind: f"{name}:folder"})
    plain = use_preprocessor(get_spec("gaussian_nb"), "filled")
    assert plain.kinds == get_spec("gaussian_nb").kinds
    assert set(plain.preprocessors.values()) == {"filled"}
    with pytest.raises(UserError, match=f"no preprocessor '{name}s'; did you mean '{name}'"):
        use_preprocessor(get_spec("gaussian_nb"), f"{name}s")
