"""The shape of the package: folders and list agree, imports go one way, importing is light."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {
    "benchmark": "bakeoff",
    "datasets": "bakeoff.datasets",
    "estimators": "bakeoff.estimators",
    "reports": "bakeoff.reports",
    "reports/figures": "bakeoff.reports.figures",
    "reports/statistics": "bakeoff.reports.statistics",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# Who may import whom, beside the light modules that everybody may.
LIGHT = {
    "bakeoff.errors",
    "bakeoff.seeds",
    "bakeoff.records.record",
    "bakeoff.records.run_folder",
    "bakeoff.protocol.metrics",
}
ALLOWED = {
    "bakeoff.datasets": {"bakeoff.datasets"},
    "bakeoff.estimators": {"bakeoff.estimators", "bakeoff.datasets"},
    "bakeoff.reports": {"bakeoff.reports"},
    "bakeoff.reports.figures": {"bakeoff.reports"},
    "bakeoff.reports.statistics": {"bakeoff.reports.statistics"},
}
DATA_EXTRAS = ("arff", "huggingface", "images", "openml", "zst")
TESTED_EXTRAS = ("dask", *DATA_EXTRAS)  # that the tests install
ONLY_HERE = {
    "mlflow": {"tracking_client", "tracking_mirror", "tracking_models"},
    "multiprocessing": {"isolation", "child"},
    "concurrent": {"engine", "lanes", "local_engine", "options", "shipping"},
    "distributed": {"dask_engine"},
    "typer": {"cli", "cli_look", "cli_options", "cli_results"},
}


def imports_of(path: Path) -> set[str]:
    """Return every module that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_folders_are_the_listed_packages() -> None:
    """The folders on disk, the package list and the package folders name the same packages."""
    setuptools = PROJECT["tool"]["setuptools"]
    assert setuptools["package-dir"] == {name: folder for folder, name in FOLDERS.items()}
    assert sorted(setuptools["packages"]) == sorted(FOLDERS.values())
    found = {str(path.parent.relative_to(ROOT)) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")}
    assert found == set(FOLDERS)  # none that is not listed


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder != "benchmark"])
def test_imports_go_one_way(folder: str) -> None:
    """Data sets know no models, models no runner, and reports nothing but the run folder."""
    package = FOLDERS[folder]
    checked = 0
    for path in (ROOT / folder).glob("*.py"):
        ours = {name for name in imports_of(path) if name.split(".")[0] == "bakeoff"} - LIGHT
        wrong = {name for name in ours if not any(name.startswith(allowed) for allowed in ALLOWED[package])}
        assert not wrong, f"{path} imports {wrong}"
        checked += 1
    assert checked > 3


@pytest.mark.parametrize("library", ONLY_HERE)
def test_one_module_knows_each_border(library: str) -> None:
    """Only tracking knows MLflow, only isolation processes, only engines executors, only the CLI typer."""
    users = {
        path.stem
        for folder in FOLDERS
        for path in (ROOT / folder).glob("*.py")
        if any(name.split(".")[0] == library for name in imports_of(path))
        or f'import_module("{library}")' in path.read_text(encoding="utf-8")
    }
    assert users == ONLY_HERE[library]


def test_only_the_command_line_prints() -> None:
    """No module but those of the command line calls print."""
    printing = [
        path.stem
        for folder in FOLDERS
        for path in (ROOT / folder).glob("*.py")
        if any(isinstance(node, ast.Name) and node.id == "print" for node in ast.walk(ast.parse(path.read_text())))
    ]
    assert set(printing) == {"cli", "console", "interrupts"}


@pytest.mark.parametrize(
    "module", ["bakeoff", "bakeoff.cli.app", "bakeoff.suites.suite", "bakeoff.estimators", "bakeoff.reports"]
)
def test_importing_is_light(module: str) -> None:
    """Importing these loads none of the heavy libraries."""
    heavy = "('torch', 'xgboost', 'mlflow', 'sklearn', 'optuna')"
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_lowest_constraints_are_the_lower_bounds() -> None:
    """The `lowest` environment tests the oldest versions that pyproject.toml allows; torch is pinned for its size."""
    extras = PROJECT["project"]["optional-dependencies"]
    needed = [*PROJECT["project"]["dependencies"], *(entry for name in TESTED_EXTRAS for entry in extras[name])]
    assert extras["data"] == [f"bakeoff[{','.join(DATA_EXTRAS)}]"]
    allowed = dict(re.match(r"([\w-]+)>=([\d.]+)", entry).groups() for entry in needed)  # type: ignore[union-attr]
    lines = (ROOT / "constraints-lowest.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert set(pinned) == set(allowed)
    as_numbers = {name: [int(part) for part in version.split(".")] for name, version in pinned.items()}
    for name, version in allowed.items():
        bound = [int(part) for part in version.split(".")]
        if name != "torch":
            assert as_numbers[name][: len(bound)] == bound, name
            assert not any(as_numbers[name][len(bound) :]), name


def test_tested_versions_satisfy_the_ranges() -> None:
    """Every dependency is pinned in constraints.txt at or above its lower bound."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.lower().split("==") for line in lines if "==" in line)
    for entry in PROJECT["project"]["dependencies"]:
        name, bound = entry.split(">=")
        numbers = [int(part) for part in re.findall(r"\d+", pinned[name])]
        assert numbers >= [int(part) for part in bound.split(".")], entry
