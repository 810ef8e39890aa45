"""Tuning: nets are scored on all inner folds at once, trials that fall behind are pruned, and both change no result."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.registry import get_spec
from bakeoff.estimators.space import Params, Trial
from bakeoff.evaluate import evaluate
from bakeoff.inner_scores import tune_rows
from bakeoff.job import Job
from bakeoff.journal import open_journal
from bakeoff.plan import Memory, make_plan
from bakeoff.prepared import write_prepared
from bakeoff.suite import Suite
from bakeoff.tuning import PRUNER, Study, Watch, tune

ROWS = 150


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small nets are fastest on one thread, and bits depend on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def build_dataset() -> Dataset:
    """Make a series task of three classes."""
    random = np.random.default_rng(0)
    y = np.arange(ROWS) % 3
    X = random.normal(size=(ROWS, 12)).astype("float32") + y[:, None] * np.linspace(0, 0.7, 12)
    return Dataset(name="made", X=X.astype("float32"), y=y, task="multiclass", kind="series", input_shape=(1, 12))


def build_job(tmp_path: Path, model: str, **suite: Any) -> Job:
    """Make the job of the first fold, with its data prepared."""
    content = {"name": "test", "datasets": [{"memory": "made"}], "models": [model], "variants": ["tuned"]}
    dataset = build_dataset()
    options = {"outer_folds": 3, "inner_folds": 3, "caps": {"epochs": 4}, **suite}
    plan = make_plan(Suite.model_validate({**content, **options}), Memory({"made": dataset}, {}))
    path = tmp_path / "made.joblib"
    write_prepared(path, dataset, plan.splits["made"])
    return replace(plan.jobs[0], prepared=path)


def one_by_one(job: Job) -> Job:
    """Return the same job with a model that is fitted fold by fold."""
    return replace(job, choice=replace(job.choice, spec=replace(job.choice.spec, fits_folds_together=False)))


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
    nets = [get_spec(name) for name in ("mlp", "mlp_embeddings", "cnn", "lstm", "text_cnn", "text_lstm")]
    assert all(spec.fits_folds_together for spec in nets)
    assert not get_spec("logistic").fits_folds_together


def study(score_folds: Any, trials: int = 12, seconds: float | None = None) -> Study:
    """Make a study of one number."""

    def suggest(trial: Trial) -> Params:
        return {"x": trial.suggest_float("x", 0, 1)}

    return Study(suggest=suggest, default={"x": 1.0}, score_folds=score_folds, trials=trials, seconds=seconds, seed=0)


def climbing(params: Params, watch: Watch) -> list[float]:
    """Score higher with each epoch, at a level that the parameter sets."""
    for epoch in range(1, 31):
        watch.check_time()
        watch.report(epoch, params["x"] * epoch)
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

    def __call__(self, params: Params, watch: Watch) -> list[float]:
        """Score, or die."""
        if self.left == 0:
            watch.report(1, 0.0)
            raise KeyboardInterrupt
        self.left -= 1
        return climbing(params, watch)


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
    monkeypatch.setattr("bakeoff.journal.WAIT_S", 0.2)
    journal = tmp_path / "study.log"
    with open_journal(journal), pytest.raises(RuntimeError, match="another process goes on with the study"):
        tune(replace(study(climbing), journal=journal))


def test_seconds_of_earlier_processes_count(tmp_path: Path) -> None:
    """A budget in seconds is one budget, however many processes spend it."""

    def slow(params: Params, watch: Watch) -> list[float]:
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

    def endless(params: Params, watch: Watch) -> list[float]:
        while True:
            watch.check_time()
            time.sleep(0.01)

    (trial,) = tune(study(endless, seconds=0.1)).trials
    assert (trial["state"], trial["value"]) == ("failed", None)
    assert trial["reason"] == "the budget in seconds ended"


def test_pruned_trials_are_recorded(tmp_path: Path) -> None:
    """The fit's record counts its pruned trials, and pruning is the same every time."""
    job = build_job(tmp_path, "mlp", tuning={"trials": 9}, caps={"epochs": 30})
    one, other = evaluate(job), evaluate(job)
    states = [trial["state"] for trial in one.trials]
    assert states == [trial["state"] for trial in other.trials]
    assert one.diagnostics["trials_pruned"] == states.count("pruned") > 0
    assert one.metrics == other.metrics
