"""The verdict: champions by inner folds alone, answers in words, and what several data sets say together."""

import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.records.record import Record
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports.run_data.run import DEFAULT_STATISTICS, Run
from bakeoff.reports.sections.task_table import (
    GROUPINGS,
    build_overall,
    render_rank_test,
    render_task_verdict,
    summarise_run,
)
from bakeoff.reports.sections.verdict_record import build_verdict_record
from bakeoff.reports.sections.verdict_table import build_verdicts, render_headline, render_verdict
from bakeoff.reports.verdicts.per_dataset import Verdict, judge_datasets, why_none_selected
from bakeoff.reports.verdicts.per_task import TaskRanking, TaskVerdict, judge_tasks, rank_tasks
from bakeoff.reports.verdicts.selection import format_selection, select_best, select_cheapest
from bakeoff.suites.suite import Statistics

METRICS = {
    "accuracy": {"greater_is_better": True, "tasks": ["multiclass"]},
    "rmse": {"greater_is_better": False, "tasks": ["regression"]},
}
Cell = dict[str, Any]


def cell(model: str, scores: list[float | str], inner: list[float] | float | None, **more: Any) -> Cell:
    """Describe the outer folds of one cell: outer scores (or a status), inner scores, CPU seconds."""
    inner_scores = inner if isinstance(inner, list) else [inner] * len(scores)
    usual = {"dataset": "toy", "family": "deep" if model in ("mlp", "cnn") else "classical", "variant": "default"}
    return usual | {"model": model, "scores": scores, "inner": inner_scores, "cpu_s": 1.0, "inner_cpu_s": 0.0} | more


def view_of(*cells: Cell, folds: int = 5, metric: str = "accuracy", **statistics: Any) -> Run:
    """Build what a report reads of a run with these cells."""
    task = "regression" if metric == "rmse" else "multiclass"
    fits, records = [], {}
    for number, one in enumerate(cells):
        for place, (score, inner) in enumerate(zip(one["scores"], one["inner"], strict=True)):
            key = f"{number}-{place}"
            named = {name: one[name] for name in ("dataset", "model", "family", "variant")}
            named |= {"fit": key, "repeat": place // folds, "fold": place % folds, "train_fraction": 1.0}
            fits.append(named)
            spent = {name: one[name] for name in ("cpu_s", "inner_cpu_s", "device_s", "inner_s") if name in one}
            if inner is not None:
                spent |= {"inner_score": inner, "inner_metric": one.get("inner_metric", metric)}
                spent["default_score"] = one.get("default_score")
            is_ok = not isinstance(score, str)
            records[key] = Record(
                **named,  # type: ignore[arg-type]  # names and types are Record's
                study="",
                cell="",
                data_digest="",
                split_digest="",
                task=task,
                kind="tabular",
                status="ok" if is_ok else score,  # type: ignore[arg-type]  # a status
                metrics={metric: score} if is_ok else {},  # type: ignore[dict-item]  # a number then
                diagnostics=spent,
            )
    about = {"task": task, "scheme": "stratified", "primary": metric}
    datasets = {one["dataset"]: about for one in cells}
    plan = {"fits": fits, "datasets": datasets, "metrics": METRICS}
    return Run(plan=plan, records=records, suite={"statistics": statistics} if statistics else {}, provenance={})


def only(view: Run) -> Verdict:
    """Return the verdict on the only data set."""
    (verdict,) = judge_datasets(view)
    return verdict


def around(centre: float, spread: float = 0.01, folds: int = 10) -> list[float | str]:
    """Return scores that vary a little, the same way for every model."""
    return [centre + spread * math.sin(3 * place) for place in range(folds)]


def test_family_without_a_model_is_the_reason() -> None:
    """Where no deep model was planned, nothing that classical ones lack is the reason."""
    fits = pd.DataFrame({"family": ["classical"] * 2, "status": ["ok", "error"], "inner_score": [np.nan, np.nan]})
    assert why_none_selected(fits, ["classical", "deep"]) == "no deep model was planned"
    assert why_none_selected(fits.iloc[1:], ["classical"]) == "on some fold no classical model ended well"


def test_champion_is_chosen_by_inner_scores_alone() -> None:
    """On each fold the best inner score wins, however bad its outer score; the baseline takes no part."""
    view = view_of(
        cell("dummy", [1.0] * 5, 1.0),
        cell("svm", [0.8, 0.8, 0.8, 0.8, 0.8], [0.9, 0.9, 0.9, 0.1, 0.1]),
        cell("tree", [0.6, 0.6, 0.6, 0.7, 0.7], [0.1, 0.1, 0.1, 0.9, 0.9]),
        cell("mlp", [0.7] * 5, 0.5),
    )
    verdict = only(view)
    classical = verdict.selected["classical"]
    assert classical.scores == (0.8, 0.8, 0.8, 0.7, 0.7)
    assert classical.most_chosen == ("svm", "default")
    assert classical.times_chosen == (3, 5)
    assert format_selection(classical) == "svm (default), chosen on 3 of 5 folds"
    assert verdict.differences == pytest.approx((-0.1, -0.1, -0.1, 0.0, 0.0))


def test_more_candidates_are_no_head_start() -> None:
    """On noise alone a family of forty is not found better than one of one: the best of forty outer means would be."""
    random = np.random.default_rng(0)
    rejected, flattered = 0, []
    for _ in range(40):
        many = [
            cell(f"m{k}", list(random.normal(0.5, 0.05, 10)), list(random.normal(0.5, 0.05, 10))) for k in range(40)
        ]
        verdict = only(view_of(*many, cell("mlp", list(random.normal(0.5, 0.05, 10)), 0.5)))
        rejected += verdict.answer == "classical"
        flattered.append(max(np.mean(one["scores"]) for one in many) - 0.5)
    assert rejected <= 4
    assert np.mean(flattered) > 0.03


def test_equal_inner_scores_go_to_the_cheaper() -> None:
    """Of candidates that inner folds can't tell apart, the cheaper one is the champion; within a region, more are."""
    frame = pd.DataFrame(
        {
            "fit": ["x", "y", "z"],
            "repeat": 0,
            "fold": 0,
            "model": ["a", "b", "c"],
            "variant": "default",
            "inner_score": [0.9, 0.9, 0.895],
            "score": [0.1, 0.2, 0.3],
            "cost_s": [5.0, 2.0, 1.0],
            "cost_unit": ["CPU", "CPU", "GPU"],
        }
    )
    best, cheapest = select_best(frame), select_cheapest(frame, within=0.01)
    assert best is not None
    assert cheapest is not None
    assert best.most_chosen == ("b", "default")
    assert (cheapest.most_chosen, cheapest.cost_s, cheapest.cost_unit) == (("c", "default"), 1.0, "GPU")
    assert cheapest.fits == ("z",)


@pytest.mark.parametrize(
    ("deep", "answer"),
    [
        ([score + 0.05 for score in around(0.8)], "deep"),  # type: ignore[operator]  # numbers
        ([score - 0.05 for score in around(0.8)], "classical"),  # type: ignore[operator]  # numbers
        ([score + 0.001 * (-1) ** place for place, score in enumerate(around(0.8))], "equivalent"),  # type: ignore[operator]
        ([score + 0.06 * (-1) ** place for place, score in enumerate(around(0.8))], "can't tell"),  # type: ignore[operator]
    ],
)
def test_answers(deep: list[float | str], answer: str) -> None:
    """A clear difference has a winner, a tiny one is equivalent, a noisy one can't be told."""
    deep = [score + 0.002 * math.cos(place) for place, score in enumerate(deep)]  # type: ignore[operator]  # numbers
    verdict = only(view_of(cell("svm", around(0.8), 0.8), cell("mlp", deep, 0.8, cpu_s=14.0)))
    assert verdict.answer == answer
    assert verdict.cost_ratio == pytest.approx(14)
    said = render_verdict(verdict)
    assert said.startswith("toy: ")
    assert "Deep costs 14× the CPU time" in said
    assert "Use svm (default)." in said
    assert ("no number of repeats would separate them" in said) == (answer == "can't tell")


def test_smaller_error_is_better() -> None:
    """With an error as the metric deep is ahead when its error is smaller, and the region is a share of the dummy's."""
    view = view_of(
        cell("dummy", [10.0] * 5, -10.0),
        cell("ridge", [3.0, 5.0, 4.0, 3.0, 5.0], -4.0),
        cell("mlp", [2.0, 4.0, 3.1, 2.0, 4.1], -3.0),
        metric="rmse",
    )
    verdict = only(view)
    assert (verdict.answer, verdict.rope) == ("deep", pytest.approx(0.1))
    assert "deep ahead by 0.96" in render_verdict(verdict)
    table = build_verdicts([verdict], [-1])
    assert table.rows[0][2].note.endswith("3.040")  # what is used shows its error, not a negated one


def test_family_that_failed_is_not_compared() -> None:
    """Where every model of a family failed on a fold there is no champion, and the verdict says so."""
    view = view_of(cell("svm", [0.8] * 5, 0.8), cell("mlp", [0.9, "timeout", 0.9, 0.9, 0.9], 0.9))
    verdict = only(view)
    assert (verdict.answer, verdict.why) == ("no comparison", "on some fold no deep model ended well")
    assert "no comparison: on some fold no deep model ended well. Use svm (default)." in render_verdict(verdict)


def test_choice_without_inner_scores_is_not_compared() -> None:
    """Of several models those without inner scores, or with those of another metric, are no candidates."""
    for deep in (cell("mlp", [0.9] * 5, None), cell("mlp", [0.9] * 5, 0.9, inner_metric="f1_macro")):
        without = only(view_of(cell("svm", [0.8] * 5, 0.8), deep, cell("cnn", [0.7] * 5, None)))
        assert without.answer == "no comparison"
        assert "no inner scores to choose by; tuning gives them, or score_defaults: true" in without.why
        other = only(view_of(cell("svm", [0.8] * 5, 0.8), deep, cell("cnn", [0.7] * 5, 0.5)))
        assert other.selected["deep"].most_chosen == ("cnn", "default")


def test_first_trial_scores_the_default() -> None:
    """A default without an inner score of its own has that of the first trial of its tuned sibling."""
    tuned = cell("mlp", [0.9] * 5, 0.7, variant="tuned", default_score=0.8)
    verdict = only(view_of(cell("svm", [0.8] * 5, 0.8), cell("mlp", [0.6] * 5, None), tuned))
    assert verdict.selected["deep"].most_chosen == ("mlp", "default")


def test_one_model_of_a_family_is_no_choice() -> None:
    """Where each family has one model in one variant, nothing is chosen and no inner score is needed."""
    verdict = only(view_of(cell("svm", around(0.7), None), cell("mlp", around(0.9), None)))
    assert verdict.selected["deep"].most_chosen == ("mlp", "default")
    assert verdict.answer == "deep"
    assert verdict.use is None


def test_inner_scoring_is_no_cost_of_a_default() -> None:
    """What scoring a default on inner folds took is not charged to the model."""
    view = view_of(cell("svm", [0.8] * 5, 0.8, cpu_s=5.0, inner_cpu_s=4.0), cell("mlp", [0.8] * 5, 0.8, cpu_s=3.0))
    assert only(view).cost_ratio == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("classical", "deep", "said", "note"),
    [
        ({"cpu_s": 8.0}, {"cpu_s": 4.0}, "Deep costs 0.5× the CPU time.", ""),
        (
            {"cpu_s": 8.0},
            {"cpu_s": 50.0, "device_s": 4.5, "inner_s": 0.5},
            "Deep takes 0.5 GPU seconds for each CPU second of classical.",
            "GPU s / CPU s",
        ),
        (
            {"cpu_s": 1.0, "device_s": 8.0},
            {"cpu_s": 50.0, "device_s": 4.0},
            "Deep costs 0.5× the GPU time.",
            "GPU s",
        ),
    ],
)
def test_cost_on_a_gpu(classical: Cell, deep: Cell, said: str, note: str) -> None:
    """A fit that held a GPU costs the seconds for which it did, inner scores left out, and the words name them."""
    view = view_of(cell("svm", [0.8] * 5, 0.8, **classical), cell("mlp", [0.8] * 5, 0.8, **deep))
    verdict = only(view)
    assert verdict.cost_ratio == pytest.approx(0.5)
    assert said in render_verdict(verdict)
    assert build_verdicts([verdict], [1]).rows[0][5].note == note


def many_sets(gain: float, number: int = 8) -> list[Cell]:
    """Describe several data sets on which mlp is better than svm by about a gain."""
    random = np.random.default_rng(1)
    cells = []
    for place in range(number):
        centre = float(random.uniform(0.6, 0.9))
        name = f"set{place}"
        noise = list(random.normal(0, 0.002, 10))
        cells.append(cell("svm", around(centre), 0.8, dataset=name))
        shifted = [float(score) + gain + shift for score, shift in zip(around(centre), noise, strict=True)]
        cells.append(cell("mlp", list(shifted), 0.8, dataset=name))
        cells.append(cell("tree", [float(score) - 0.1 for score in around(centre)], 0.1, dataset=name))
    return cells


def test_data_sets_of_a_task_are_judged_together() -> None:
    """Eight data sets with one winner tell; three can never reach significance, and say so."""
    (verdict,) = judge_tasks(view_of(*many_sets(0.03)))
    assert (verdict.answer, len(verdict.datasets)) == ("deep", 8)
    assert verdict.median == pytest.approx(0.03, abs=0.002)
    assert "Over the 8 multiclass data sets: deep is better" in render_task_verdict(verdict)
    (few,) = judge_tasks(view_of(*many_sets(0.03, number=3)))
    assert few.answer == "can't tell"
    assert "too few data sets: 3 can't give p below 0.05" in render_task_verdict(few)
    assert judge_tasks(view_of(*many_sets(0.03, number=1))) == []


def test_models_are_ranked_over_data_sets() -> None:
    """Ranks, win rates and ratings over all data sets, with letters for groups that can't be told apart."""
    (ranking,) = rank_tasks(view_of(*many_sets(0.03)))
    ranks = dict(zip(ranking.names, ranking.omnibus.mean_ranks, strict=True))
    assert ranks == {("mlp", "default"): 1, ("svm", "default"): 2, ("tree", "default"): 3}
    assert ranking.omnibus.p_value < 0.001
    table = build_overall(ranking)
    assert [row[0].text for row in table.rows] == ["mlp", "svm", "tree"]
    assert [row[-1].text for row in table.rows] == ["a", "b", "c"]
    assert "do not rank alike (Friedman's test, p < 0.001)" in render_rank_test(ranking)


def test_holes_are_tested_twice() -> None:
    """A failed cell is left to a test made for holes, and ranked last as a check; both are told."""
    cells = many_sets(0.03)
    cells[1]["scores"] = ["timeout", *cells[1]["scores"][1:]]
    (ranking,) = rank_tasks(view_of(*cells))
    assert ranking.holes == 1
    assert ranking.worst is not None
    assert {ranking.names[place][0] for place in ranking.complete} == {"svm", "tree"}
    said = render_rank_test(ranking)
    assert "Skillings and Mack's test" in said
    assert "1 cell has failed folds, and ranking those last gives p" in said
    assert [row[-1].text for row in build_overall(ranking).rows if row[0].text == "mlp"] == ["–"]  # noqa: RUF001 - the dash of tables


def test_models_that_were_not_planned_are_no_failures() -> None:
    """A model that does not take some data sets is missing there, and not ranked last for it."""
    cells = [one for one in many_sets(0.03) if not (one["model"] == "tree" and one["dataset"] == "set0")]
    (ranking,) = rank_tasks(view_of(*cells))
    assert (ranking.holes, ranking.worst) == (0, None)


def test_region_of_equivalence_is_the_suites() -> None:
    """A wider region makes a clear difference irrelevant, also over data sets; none at all makes nothing equivalent."""
    cells = many_sets(0.03)
    assert {one.answer for one in judge_datasets(view_of(*cells, rope=0.1))} == {"equivalent"}
    (verdict,) = judge_tasks(view_of(*cells, rope=0.1))
    assert (verdict.answer, verdict.rope) == ("equivalent", 0.1)
    none = view_of(*many_sets(0.0005), rope=0)
    assert all(one.posterior is not None and one.posterior.equivalent < 0.01 for one in judge_datasets(none))
    assert len(judge_tasks(none)) == 1
    usual, wide = (only(view_of(*cells[:2], **more)).rope for more in ({}, {"rope": 0.1}))
    assert (usual, wide) == (0.01, 0.1)


def test_groups_by_nemenyi() -> None:
    """Nemenyi's test needs no common scale, is more careful with many models, and is named; holes stay out of it."""
    cells = many_sets(0.03)
    (ranking,) = rank_tasks(view_of(*cells, groups="nemenyi"))
    hint = build_overall(ranking).columns[-1].hint
    assert hint == "models that share a letter can't be told apart: Nemenyi's test at 5 %"
    assert [row[-1].text for row in build_overall(ranking).rows] == ["a", "ab", "b"]
    errors = [one | {"scores": [1 - float(score) for score in one["scores"]]} for one in cells]
    known = {name: rank_tasks(view_of(*errors, metric="rmse", groups=name))[0].groups for name in GROUPINGS}
    assert known["wilcoxon-holm"] is None
    assert known["nemenyi"] is not None
    cells[0]["scores"] = ["timeout", *cells[0]["scores"][1:]]
    (holed,) = rank_tasks(view_of(*cells, groups="nemenyi"))
    grouped = {place for group in holed.groups or () for place in group}
    assert {holed.names[place][0] for place in holed.complete} == {"mlp", "tree"}
    assert grouped <= set(holed.complete)


def test_defaults_are_the_suites() -> None:
    """What reports take where a run's suite says nothing is what a suite without statistics has."""
    assert Statistics().model_dump() == DEFAULT_STATISTICS


def test_record_holds_all_that_is_said(tmp_path: Path) -> None:
    """Everything that verdicts, tasks and rankings know stands in the record, in valid JSON without NaN."""
    cells = many_sets(0.03)
    cells[1]["scores"] = ["timeout", *cells[1]["scores"][1:]]
    view = view_of(*cells)
    RunFolder(tmp_path).write_json("verdict.json", build_verdict_record(view))
    found = json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert (found["headline"], found["sentences"]) == (summarise_run(view).headline, summarise_run(view).sentences)
    missing, first = found["datasets"][0], found["datasets"][1]
    verdict = judge_datasets(view)[1]
    assert (missing["answer"], missing["difference"], missing["champions"]["deep"]) == ("no comparison", None, None)
    assert missing["cost_ratio"] is None
    assert (first["answer"], first["test"], first["rope"]) == ("deep", "corrected resampled t-test", 0.01)
    assert verdict.difference is not None
    assert first["difference"]["p_value"] == verdict.difference.p_value
    assert len(first["champions"]["classical"]["folds"]) == 10
    assert first["champions"]["deep"]["mean"] == verdict.selected["deep"].mean
    assert first["use"]["model"] == "svm"
    (task,), (ranking,) = found["tasks"], found["rankings"]
    assert (task["answer"], len(task["datasets"])) == ("deep", 7)
    assert (ranking["holes"], ranking["grouping"]) == (1, "wilcoxon-holm")
    ranks = {one["model"]: one["mean_rank"] for one in ranking["models"]}
    assert ranks["mlp"]["low"] is None
    assert ranks["svm"]["low"] <= ranks["svm"]["value"] <= ranks["svm"]["high"]
    assert {one["model"]: one["elo"] is None for one in ranking["models"]} == {"svm": False, "mlp": True, "tree": False}


def test_record_has_a_place_for_every_field() -> None:
    """A field that verdicts, champions, tasks or rankings gain has to be recorded, too."""
    record = build_verdict_record(view_of(*many_sets(0.03)))
    verdict = set(record["datasets"][0])
    assert {field.name for field in fields(Verdict)} - verdict == {"selected"}
    assert {field.name for field in fields(TaskVerdict)} == set(record["tasks"][0])
    standing = {"names", "families", "standings", "complete", "worst"}  # told model by model, or in `omnibus`
    standing |= {"scores", "scale"}  # what ranks are made of: means of the records
    assert {field.name for field in fields(TaskRanking)} - set(record["rankings"][0]) == standing


def test_record_shows_errors_as_they_are() -> None:
    """Means and scores of an error are positive; only differences are bigger-is-better."""
    view = view_of(cell("ridge", [3.0] * 5, -3.0), cell("mlp", [2.0] * 5, -2.0), metric="rmse")
    (found,) = build_verdict_record(view)["datasets"]
    assert (found["champions"]["deep"]["mean"], found["champions"]["deep"]["folds"][0]["score"]) == (2, 2)
    assert found["difference"]["mean"] == 1


def test_headline_counts_answers() -> None:
    """The headline counts data sets by answer."""
    assert render_headline(judge_datasets(view_of(*many_sets(0.03)))) == "Of 8 data sets: deep is better on 8."
    assert render_headline(judge_datasets(view_of(*many_sets(0.0, number=1)))) == "Practically equivalent."
