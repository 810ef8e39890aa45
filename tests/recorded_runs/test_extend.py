"""Runs that are extended: nothing finished runs again, and the records are those of a longer run."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_iris

from bakeoff import compare, extend, run_suite
from bakeoff.api import RunResult
from bakeoff.errors import UserError
from bakeoff.recorded_runs.extension import Extension, extend_suite
from bakeoff.records.run_folder import RunFolder
from bakeoff.suites.suite import Suite

SUITE: dict[str, Any] = {
    "name": "growing",
    "datasets": ["iris"],
    "models": ["dummy", "knn"],
    "variants": ["default", "tuned", "ensemble"],
    "tuning": {"trials": 3},
    "outer_folds": 2,
    "inner_folds": 2,
}
CommandLine = Any  # the fixture `bakeoff` of conftest
QUIET: dict[str, Any] = {"tracking": False, "workers": 2}


def results(run: RunResult) -> dict[str, Any]:
    """Return what each fit of the present plan came to, and its trials, without what it took."""
    folder = run.folder
    planned = {fit["fit"] for fit in folder.read_plan()["fits"]}
    return {
        fit: (record.cell, record.status, record.metrics, record.params, trials_of(folder, fit))
        for fit, record in folder.read_records()[0].items()
        if fit in planned
    }


def trials_of(folder: RunFolder, fit: str) -> list[tuple[Any, ...]]:
    """Return what the trials of a fit tried and reached."""
    return [(row["number"], row["suggested"], row["value"], row["state"]) for row in folder.read_trials(fit)]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the suite once; tests copy it."""
    path = tmp_path_factory.mktemp("runs") / "short"
    run_suite(SUITE, out=path, **QUIET)
    return path


@pytest.fixture
def run(short: Path, tmp_path: Path) -> Path:
    """Copy the short run."""
    return Path(shutil.copytree(short, tmp_path / "run"))


@pytest.mark.parametrize(
    ("more", "longer", "new"),
    [
        ({"trials": 4}, {"tuning": {"trials": 7}}, 4),
        ({"models": ["gaussian_nb"]}, {"models": [*SUITE["models"], "gaussian_nb"]}, 2),
        ({"trials": 2, "folds": 2}, {"tuning": {"trials": 5}, "repeats": 2}, 12),
    ],
)
def test_extended_run_equals_a_longer_one(
    run: Path, tmp_path: Path, more: dict[str, Any], longer: dict[str, Any], new: int
) -> None:
    """Records and trials are those of a run of that length, and only what is new was run."""
    before = set((run / "records.jsonl").read_text().splitlines())
    extended = extend(run, **more, **QUIET)
    whole = run_suite(SUITE | longer, out=tmp_path / "long", **QUIET)
    assert results(extended) == results(whole)
    assert extended.finished is not None
    assert extended.finished.ran == new
    after = (run / "records.jsonl").read_text().splitlines()
    assert before <= set(after)
    assert len(after) == len(before) + new


def test_more_trials_go_on_with_the_studies(run: Path) -> None:
    """The first trials of a longer study are those that ran before, not run again."""
    extended = extend(run, trials=4, **QUIET)
    fits = {fit["fit"]: fit for fit in extended.folder.read_plan()["fits"]}
    tuned = [
        one for fit, one in extended.folder.read_records()[0].items() if fits.get(fit, {}).get("variant") == "tuned"
    ]
    assert len(tuned) == 2
    assert all(record.diagnostics["trials_resumed"] == 3 for record in tuned)
    assert all(record.diagnostics["trials"] == 7 for record in tuned)


def test_extending_by_nothing_finishes_a_run(run: Path) -> None:
    """Without anything more, what is missing is run, and nothing else."""
    lines = (run / "records.jsonl").read_text().splitlines()
    (run / "records.jsonl").write_text("\n".join(lines[:-2]) + "\n")
    finished = extend(run, **QUIET).finished
    assert finished is not None
    assert finished.ran == 2


def test_report_speaks_of_the_longer_run(run: Path) -> None:
    """Records with a smaller budget are kept, and the report says why they are not shown."""
    extended = extend(run, trials=2, **QUIET)
    assert "4 recorded fits with another tuning budget: kept" in extended.folder.markdown.read_text()
    assert set(extended.fits["status"]) == {"ok"}


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (Extension(folds=3), "whole repeats of 2"),
        (Extension(models=["knn"]), "'knn' is a model of this run already"),
        (Extension(models=["lstmm"]), "did you mean 'lstm'"),
    ],
)
def test_what_cannot_be_had_is_told(more: Extension, problem: str) -> None:
    """Folds that are no repeat, and models that are there or unknown, are refused in words."""
    with pytest.raises(UserError, match=problem):
        extend_suite(Suite.model_validate(SUITE), more)


def test_nothing_to_tune_takes_no_trials() -> None:
    """A run of defaults can't have more trials; all problems are told at once."""
    suite = Suite.model_validate(SUITE | {"variants": ["default"]})
    with pytest.raises(UserError) as told:
        extend_suite(suite, Extension(trials=5, folds=1))
    assert len(told.value.problems) == 2
    assert "more trials need a variant that tunes" in told.value.problems[0]


def test_changed_data_are_refused(tmp_path: Path) -> None:
    """A run whose data file has changed since is not extended with other rows."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    path = tmp_path / "flowers.csv"
    X.assign(kind=y).to_csv(path, index=False)
    suite = SUITE | {"datasets": [{"file": str(path), "target": "kind", "task": "multiclass"}], "variants": ["default"]}
    run_suite(suite | {"models": ["dummy"]}, out=tmp_path / "run", **QUIET)
    X.assign(kind=y).iloc[1:].to_csv(path, index=False)
    with pytest.raises(UserError, match="'flowers' have changed since the run"):
        extend(tmp_path / "run", repeats=1, **QUIET)


def test_data_in_memory_are_told(tmp_path: Path) -> None:
    """What was handed over in Python can't be found again, and the message says so."""
    X, y = load_iris(return_X_y=True)
    compare(X, y, models=["dummy"], out=tmp_path / "run")
    with pytest.raises(UserError, match="handed over in Python"):
        extend(tmp_path / "run", repeats=1, **QUIET)


def test_command_line(run: Path, bakeoff: CommandLine) -> None:
    """`+N` and `+NAME` are taken; a number without its plus is a mistake that is told."""
    assert bakeoff("extend", str(run), "--repeats", "+1", "--models", "+gaussian_nb", "--no-tracking") == 0
    assert "found recorded" in bakeoff.out
    assert bakeoff("extend", str(run), "--trials", "5") == 2
    assert "with a plus, such as +5" in bakeoff.err
