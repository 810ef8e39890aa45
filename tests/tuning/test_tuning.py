"""Tuning: nets are scored on all inner folds at once, trials that fall behind are pruned, and both change no result."""

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import prepare_job

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.models.registry import get_spec
from bakeoff.estimators.search_spaces.bounds import find_params_at_bounds
from bakeoff.estimators.search_spaces.space import Params, Trial
from bakeoff.estimators.wrappers.boosting_callbacks import due_checkpoints
from bakeoff.evaluation.evaluate import evaluate
from bakeoff.protocol.job import Job
from bakeoff.tuning.inner_cv_scores import tune_rows
from bakeoff.tuning.journal import open_journal
from bakeoff.tuning.study import PRUNER, Study, TrialMonitor, tune

pytestmark = pytest.mark.usefixtures("one_thread")

ROWS = 150


def build_dataset() -> Dataset:
    """Make a series task of three classes."""
    random = np.random.default_rng(0)
    y = np.arange(ROWS) % 3
    X = random.normal(size=(ROWS, 12)).astype("float32") + y[:, None] * np.linspace(0, 0.7, 12)
    return Dataset(name="made", X=X.astype("float32"), y=y, task="multiclass", kind="series", input_shape=(1, 12))


def build_job(tmp_path: Path, model: str, **suite: Any) -> Job:
    """Make the job of the first fold, with its data prepared."""
    content = {"models": [model], "variants": ["tuned"], "outer_folds": 3, "inner_folds": 3, "caps": {"epochs": 4}}
    return prepare_job(tmp_path, build_dataset(), {**content, **suite})


def one_by_one(job: Job) -> Job:
    """Return the same job with a model that is fitted fold by fold."""
    return replace(job, choice=replace(job.choice, spec=replace(job.choice.spec, fits_folds_together=False)))


@pytest.mark.parametrize("model", ["xgboost", "lightgbm"])
def test_boosting_in_step_scores_as_fold_by_fold(tmp_path: Path, model: str) -> None:
    """Folds that are boosted side by side come out as those that are fitted one after the other, to the last bit."""
    if model == "lightgbm":
        pytest.importorskip("lightgbm", reason="needs lightgbm")
    dataset, rows = build_dataset(), np.arange(0, ROWS, 2)
    job = build_job(tmp_path, model, tuning={"trials": 3}, caps={"trees": 30})
    plain = replace(job, choice=replace(job.choice, spec=replace(job.choice.spec, round_callbacks=None)))
    in_step, alone = tune_rows(job, dataset, rows), tune_rows(plain, dataset, rows)
    assert [trial["folds"] for trial in in_step.trials] == [trial["folds"] for trial in alone.trials]
    assert [trial["state"] for trial in in_step.trials] == ["complete"] * 3


def test_boosting_that_falls_behind_is_ended_early(tmp_path: Path) -> None:
    """A hopeless learning rate is pruned at a share of the rounds, and no thread of it goes on."""
    job = build_job(tmp_path, "xgboost", tuning={"trials": 12}, caps={"trees": 60})
    before = threading.active_count()
    tuned = tune_rows(job, build_dataset(), np.arange(ROWS))
    pruned = [trial for trial in tuned.trials if trial["state"] == "pruned"]
    assert pruned
    assert all("% of the rounds: " in trial["reason"] for trial in pruned)
    assert threading.active_count() == before


def test_boosting_that_fails_on_a_fold_ends_the_others(tmp_path: Path) -> None:
    """An error of one fold is the reason of the trial, and leaves no thread behind."""
    job = build_job(tmp_path, "xgboost", tuning={"trials": 2}, models=[{"name": "xgboost", "params": {"gamma": -1}}])
    before = threading.active_count()
    tuned = tune_rows(job, build_dataset(), np.arange(ROWS))
    assert [trial["state"] for trial in tuned.trials] == ["failed"] * 2
    assert "min_split_loss" in tuned.trials[0]["reason"]
    assert threading.active_count() == before


@pytest.mark.parametrize("rounds", [1, 2, 3, 4, 7, 1000])
def test_every_share_of_the_rounds_is_due_once(rounds: int) -> None:
    """However few the rounds, each share comes once, in order."""
    due = [percent for done in range(1, rounds + 1) for percent in due_checkpoints(done, rounds)]
    assert due == [25, 50, 75]


def test_folds_that_fall_behind_end_a_trial(tmp_path: Path) -> None:
    """A model without epochs or rounds is judged after each fold; the fits that it was spared are not counted."""
    job = build_job(tmp_path, "decision_tree", tuning={"trials": 15})
    tuned = tune_rows(job, build_dataset(), np.arange(ROWS))
    pruned = [trial for trial in tuned.trials if trial["state"] == "pruned"]
    assert pruned
    assert all("at fold " in trial["reason"] and trial["fits"] < 3 for trial in pruned)
    assert all(trial["fits"] == 3 for trial in tuned.complete)


def test_epochs_of_all_folds_are_counted(tmp_path: Path) -> None:
    """A net's trial counts the epochs of every fold."""
    tuned = tune_rows(build_job(tmp_path, "mlp", tuning={"trials": 1}), build_dataset(), np.arange(ROWS))
    assert [(trial["fits"], trial["epochs"]) for trial in tuned.trials] == [(3, 3 * 4)]


def finite(trial: Trial) -> Params:
    """Ask for one of five points."""
    kind = trial.suggest_categorical("kind", ["flat", "steep"])
    return {"kind": kind, "steps": trial.suggest_int("steps", 1, 4) if kind == "steep" else 0}


def count_steps(params: Params, monitor: TrialMonitor) -> list[float]:
    """Score by the number of steps."""
    monitor.check_time()
    return [float(params["steps"])]


def test_finite_space_is_tried_once_and_then_ends(tmp_path: Path) -> None:
    """Every point is tried once, the study ends, says so, and a longer one adds nothing."""
    small = replace(study(count_steps, trials=20), suggest=finite, default={"kind": "flat"})
    tuned = tune(small)
    asked = [trial["suggested"] for trial in tuned.trials]
    assert tuned.exhausted
    assert len(asked) == 5
    assert asked[0] == {"kind": "flat"}
    assert all(one not in asked[:place] for place, one in enumerate(asked))
    journal = tmp_path / "study.log"
    tune(replace(small, trials=3, journal=journal))
    again = tune(replace(small, journal=journal))
    assert (again.resumed, again.exhausted) == (3, True)
    assert without_times(again.trials) == without_times(tuned.trials)


def test_exhausted_space_is_flagged(tmp_path: Path) -> None:
    """A model that ran out of things to try says so in its record."""
    narrow = {"name": "knn", "params": {"n_neighbors": 5}}
    result = evaluate(build_job(tmp_path, "knn", models=[narrow], tuning={"trials": 20}))
    assert result.diagnostics["trials"] == 4
    assert result.diagnostics["flag"] == "all 4 points of the space were tried, before the 20 trials of the budget"


def test_best_point_at_an_edge_is_flagged(tmp_path: Path) -> None:
    """The record names a parameter whose best value lies at an end of its range, and which end."""
    narrow = {"name": "logistic", "space": {"C": {"low": 1e-6, "high": 1e-5, "log": True, "default": 1e-5}}}
    result = evaluate(build_job(tmp_path, "logistic", models=[narrow], tuning={"trials": 3}))
    assert result.diagnostics["at_edge"] == ["C at its upper end 1e-05"]


@pytest.mark.parametrize(
    ("value", "given", "edge"),
    [
        (2, ("int", 1, 30, False), ""),
        (1, ("int", 1, 30, False), ""),  # there are no fewer neighbours
        (30, ("int", 1, 30, False), "x at its upper end 30"),
        (3, ("int", 1, 3, False), ""),  # hardly more than ends
        (1.0, ("float", 0.5, 1, False), ""),  # a share
        (0.5, ("float", 0.5, 1, False), "x at its lower end 0.5"),
        (1.0, ("float", 1e-3, 1, True), "x at its upper end 1"),
        (0.0, ("float", 0, 0.9, False), ""),
        (1.1e-3, ("float", 1e-3, 1, True), "x at its lower end 0.001"),
        ("b", ("categorical", "a", "b"), ""),
    ],
)
def test_edges(value: Any, given: tuple[Any, ...], edge: str) -> None:
    """An end counts where a wider space could go on beyond it."""
    assert find_params_at_bounds({"x": value}, {"x": given}) == ([edge] if edge else [])


@pytest.mark.parametrize("model", ["mlp", "cnn", "lstm"])
def test_inner_folds_together_score_as_one_by_one(tmp_path: Path, model: str) -> None:
    """A trial's folds have the scores that fitting them one after the other gives."""
    dataset, rows = build_dataset(), np.arange(0, ROWS, 2)
    job = build_job(tmp_path, model, tuning={"trials": 3})
    together, alone = tune_rows(job, dataset, rows), tune_rows(one_by_one(job), dataset, rows)
    assert [trial["state"] for trial in together.trials] == ["complete"] * 3
    for one, other in zip(together.trials, alone.trials, strict=True):
        np.testing.assert_allclose(one["folds"], other["folds"], atol=1e-3)
    assert together.params == alone.params


def test_all_nets_fit_their_folds_together() -> None:
    """Every net of the registry trains its inner folds as one program."""
    names = ("mlp", "mlp_embeddings", "cnn", "lstm", "averaged_embeddings", "text_transformer", "text_cnn", "text_lstm")
    nets = [get_spec(name) for name in names]
    assert all(spec.fits_folds_together for spec in nets)
    assert not get_spec("logistic").fits_folds_together


def study(score_folds: Any, trials: int = 12, seconds: float | None = None) -> Study:
    """Make a study of one number."""

    def suggest(trial: Trial) -> Params:
        return {"x": trial.suggest_float("x", 0, 1)}

    how = {"score_folds": score_folds, "step": "epoch", "n_warmup_steps": 10}
    return Study(suggest=suggest, default={"x": 1.0}, trials=trials, seconds=seconds, seed=0, **how)


def climbing(params: Params, monitor: TrialMonitor) -> list[float]:
    """Score higher with each epoch, at a level that the parameter sets."""
    for epoch in range(1, 31):
        monitor.check_time()
        monitor.report(epoch, params["x"] * epoch)
    return [params["x"] * 30]


def test_trials_that_fall_behind_are_pruned() -> None:
    """A trial below the median is ended early, says so, has no value, and counts; the best is kept."""
    tuned = tune(study(climbing))
    states = [trial["state"] for trial in tuned.trials]
    pruned = [trial for trial in tuned.trials if trial["state"] == "pruned"]
    assert len(states) == 12
    assert states[: PRUNER["n_startup_trials"]] == ["complete"] * PRUNER["n_startup_trials"]
    assert pruned
    assert all(trial["value"] is None and "behind the median" in trial["reason"] for trial in pruned)
    assert tuned.params == {"x": 1.0}


def without_times(trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of trials without what they took."""
    return [{key: value for key, value in row.items() if key not in ("seconds", "cpu_s")} for row in trials]


class Dying:
    """Scores as `climbing` does, until the process would die: within the given trial, after some epochs."""

    def __init__(self, trial: int) -> None:
        self.left = trial

    def __call__(self, params: Params, monitor: TrialMonitor) -> list[float]:
        """Score, or die."""
        if self.left == 0:
            monitor.report(1, 0.0)
            raise KeyboardInterrupt
        self.left -= 1
        return climbing(params, monitor)


@pytest.mark.parametrize("died_in", [0, 1, 7, 11])
def test_continued_study_equals_an_uninterrupted_one(tmp_path: Path, died_in: int) -> None:
    """A study whose process died goes on from its journal with the trials, and the choice, of an undisturbed study."""
    calm = tune(study(climbing))
    journaled = replace(study(Dying(died_in)), journal=tmp_path / "study.log")
    with pytest.raises(KeyboardInterrupt):
        tune(journaled)
    again = tune(replace(journaled, score_folds=climbing))
    assert without_times(again.trials) == without_times(calm.trials)
    assert (again.params, again.score, again.resumed) == (calm.params, calm.score, died_in)
    assert again.earlier_cpu_s == sum(row["cpu_s"] for row in again.trials[:died_in])


def test_more_trials_continue_a_study(tmp_path: Path) -> None:
    """Twelve trials after five, or five of twelve, are what one study of that length gives."""
    calm = tune(study(climbing))
    journal = tmp_path / "study.log"
    tune(replace(study(climbing, trials=5), journal=journal))
    more = tune(replace(study(climbing), journal=journal))
    fewer = tune(replace(study(climbing, trials=4), journal=journal))
    assert more.resumed == 5
    assert without_times(more.trials) == without_times(calm.trials)
    assert without_times(fewer.trials) == without_times(calm.trials[:4])


UNREADABLE = [b'{"op_code": 99}\n', b"[1]\n"]


@pytest.mark.parametrize("damage", [b'{"op_code": 4, "half', b"\x00\xff junk\n", *UNREADABLE])
def test_damaged_journal_changes_no_trial(tmp_path: Path, damage: bytes) -> None:
    """A half-written line is cut off, and a journal that can't be read is put aside: the trials come out the same."""
    journal = tmp_path / "study.log"
    tune(replace(study(climbing, trials=5), journal=journal))
    with journal.open("ab") as file:
        file.write(damage)
    again = tune(replace(study(climbing), journal=journal))
    assert without_times(again.trials) == without_times(tune(study(climbing)).trials)
    assert again.resumed == (0 if damage in UNREADABLE else 5)


def test_study_that_another_process_holds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes never write to one journal."""
    monkeypatch.setattr("bakeoff.tuning.journal.LOCK_TIMEOUT_S", 0.2)
    journal = tmp_path / "study.log"
    with open_journal(journal), pytest.raises(RuntimeError, match="another process goes on with the study"):
        tune(replace(study(climbing), journal=journal))


def test_seconds_of_earlier_processes_count(tmp_path: Path) -> None:
    """A budget in seconds is one budget, however many processes spend it."""

    def slow(params: Params, monitor: TrialMonitor) -> list[float]:
        time.sleep(0.2)
        return [params["x"]]

    journal = tmp_path / "study.log"
    first = tune(replace(study(slow, trials=2, seconds=0.5), journal=journal))
    second = tune(replace(study(slow, seconds=0.5), journal=journal))
    assert len(first.trials) == 2
    assert 3 <= len(second.trials) < 6
    assert second.seconds > 0.5


def test_budget_in_seconds_ends_a_trial_between_epochs() -> None:
    """A trial that is cut short by the budget is a failed trial with that reason."""

    def endless(params: Params, monitor: TrialMonitor) -> list[float]:
        while True:
            monitor.check_time()
            time.sleep(0.01)

    (trial,) = tune(study(endless, seconds=0.1)).trials
    assert (trial["state"], trial["value"]) == ("failed", None)
    assert trial["reason"] == "the budget in seconds ended"


def test_pruned_trials_are_recorded(tmp_path: Path) -> None:
    """The fit's record counts its pruned trials, and pruning is the same every time."""
    job = build_job(tmp_path, "mlp", tuning={"trials": 8}, caps={"epochs": 20})
    one, other = evaluate(job), evaluate(job)
    states = [trial["state"] for trial in one.trials]
    assert states == [trial["state"] for trial in other.trials]
    assert one.diagnostics["trials_pruned"] == states.count("pruned") > 0
    assert one.metrics == other.metrics
