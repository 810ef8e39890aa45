"""The examples and the README are run or checked, so that they stay true."""

import re
import runpy
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bakeoff.errors import UserError
from bakeoff.planning.plan import make_plan
from bakeoff.suites.suite_file import load_suite, parse_suite

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
RUN_A_SUITE = ROOT / "examples" / "run_a_suite.py"
SUITES = sorted((ROOT / "examples" / "suites").glob("*.yaml"))


def test_examples_are_found() -> None:
    """There are scripts and suites to try, and the list of examples names each."""
    listed = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    files = [path.name for path in (ROOT / "examples").iterdir() if path.suffix in (".py", ".yaml")]
    assert len(SCRIPTS) >= 2
    assert all(f"`{name}`" in listed for name in files)


@pytest.mark.parametrize(
    "script", [path for path in SCRIPTS if path.name != "run_a_suite.py"], ids=lambda path: path.name
)
def test_script_runs(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An example script ends well in an empty folder, and prints something."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")  # where a script tracks, if it does
    with suppress(SystemExit):
        runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out


def test_script_runs_in_a_fresh_interpreter(tmp_path: Path) -> None:
    """A script needs nothing that these tests have imported; the others are run in this process, which is faster."""
    done = subprocess.run([sys.executable, RUN_A_SUITE], cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "open runs/two" in done.stdout


def test_example_suite_is_valid() -> None:
    """The example suite comes to a plan."""
    assert len(make_plan(load_suite(ROOT / "examples" / "suite.yaml")).jobs) > 20


@pytest.mark.slow
@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_suites_on_well_known_data(path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each suite comes to a plan without a skipped data set, those of a kind of data with classical and deep models."""
    monkeypatch.setenv("BAKEOFF_DATA", str(data_folder))
    plan = make_plan(load_suite(path))
    expected = {"classical"} if path.stem == "tuned" else {"classical", "deep"}
    for name in plan.datasets:
        families = {job.choice.spec.family for job in plan.jobs if job.dataset == name}
        assert families == expected, name


def test_suites_say_which_folder_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the folder of the data files a suite says which variable names it."""
    monkeypatch.delenv("BAKEOFF_DATA", raising=False)
    assert len(SUITES) == 5
    for path in SUITES:
        with pytest.raises(UserError, match="the environment has no BAKEOFF_DATA; set it"):
            load_suite(path)


def test_readme_suite_is_valid() -> None:
    """The suite shown in the README parses; its data file is the reader's."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(.*?)```", readme, re.DOTALL)
    assert found
    assert parse_suite(found.group(1), "README.md").name == "churn"


def test_readme_names_every_command() -> None:
    """Each command of the command line stands in the README's table."""
    import typer

    from bakeoff.cli.app import app

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    names = list(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # it is a group
    assert len(names) > 8
    assert all(re.search(rf"`[^`]*\b{name}\b", readme) for name in names)


def test_ci_runs_the_readme_command() -> None:
    """CI runs the test command that the README gives."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    command = next(line for line in readme.splitlines() if line.endswith(".venv/bin/tox"))
    assert command.replace(" -q", "") in (ROOT / ".ci" / "run").read_text(encoding="utf-8").replace(" -q", "")
