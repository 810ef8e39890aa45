"""The shape of the package: rooms of one concept, imports in one direction, borders, light imports."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TOP = {
    "bakeoff": "benchmark",
    "bakeoff.datasets": "datasets",
    "bakeoff.estimators": "estimators",
    "bakeoff.reports": "reports",
}
MOST_FILES = 13  # beside __init__.py
MOST_LAYERS = 10

# Room -> the rooms that it may import, beside `bakeoff` itself, which holds the words that all use. `datasets`,
# `estimators` and `reports` have rooms of their own, and are one room for all others.
ROOMS: dict[str, str] = {
    "": "",
    "datasets": "",
    "estimators": "",
    "records": "",
    "isolation": "records",
    "protocol": "datasets estimators records",
    "reports": "protocol records",
    "suites": "datasets estimators protocol",
    "fitting": "datasets estimators protocol",
    "engines": "isolation protocol records",
    "tuning": "datasets estimators protocol records fitting",
    "planning": "datasets estimators protocol suites",
    "evaluation": "datasets estimators records isolation protocol fitting planning tuning",
    "running": "datasets records isolation protocol suites planning engines evaluation reports",
    "recorded_runs": "estimators records isolation protocol suites planning tuning engines evaluation running reports",
    "tracking": "datasets records protocol planning fitting engines running reports",
    "api": "datasets records suites planning engines running recorded_runs tracking reports",
    "cli": "datasets estimators records protocol suites planning engines running recorded_runs tracking reports api",
}
INNER: dict[str, dict[str, str]] = {
    "datasets": {
        "": "",
        "schema": "",
        "formats": "schema",
        "sources": "schema formats",
        "profiling": "schema",
    },
    "estimators": {
        "": "",
        "layers": "",
        "preprocessing": "",
        "search_spaces": "",
        "pretrained": "",
        "wrappers": "pretrained",
        "training": "layers",
        "nets": "layers preprocessing training",
        "series_nets": "layers nets training",
        "tabular_nets": "layers nets training",
        "text_nets": "layers nets training",
        "specs": "search_spaces wrappers",
        "net_specs": "search_spaces specs",
        "models": "net_specs preprocessing pretrained specs",
    },
    "reports": {
        "": "",
        "statistics": "",
        "run_data": "",
        "cells": "run_data",
        "drawing": "run_data",
        "verdicts": "statistics run_data",
        "sections": "statistics run_data cells verdicts",
        "figures": "run_data cells drawing verdicts sections",
        "pages": "run_data cells drawing verdicts sections figures",
    },
}
DATA_EXTRAS = ("arff", "huggingface", "images", "openml", "zst")
TESTED_EXTRAS = ("dask", *DATA_EXTRAS)  # that the tests install
# Library -> the only modules that import it.
ONLY_HERE = {
    "mlflow": {"tracking/client", "tracking/mirror", "tracking/models"},
    "multiprocessing": {"isolation/parent", "isolation/child"},
    "concurrent": {
        "engines/dispatch",
        "engines/executor_pools",
        "engines/local_engine",
        "engines/options",
        "engines/submission",
    },
    "distributed": {"engines/dask_engine"},
    "typer": {"cli/app", "cli/inspect_commands", "cli/options", "cli/result_commands"},
}


def modules() -> Iterator[tuple[str, Path]]:
    """Yield every module by its dotted name below `bakeoff`, `cli/app` say, with its file."""
    for package, folder in TOP.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            inner = path.relative_to(ROOT / folder).with_suffix("").as_posix()
            yield "/".join([*package.split(".")[1:], inner]), path


MODULES = dict(modules())


def imports_of(path: Path) -> set[str]:
    """Return every module that a file imports, wherever in the file; a name of a package counts as its module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def rooms_of(path: Path) -> set[tuple[str, str]]:
    """Return the rooms that a file imports, as (room, inner room)."""
    found = set()
    for name in imports_of(path):
        parts = name.split(".")
        if parts[0] != "bakeoff":
            continue
        for end in range(len(parts), 1, -1):
            key = "/".join(parts[1:end])
            if key in MODULES or f"{key}/__init__" in MODULES:
                found.add(place_of(key if key in MODULES else f"{key}/__init__"))
                break
    return found


def place_of(module: str) -> tuple[str, str]:
    """Return the room of a module, and the room within it; ("", "") are the words of all."""
    parts = module.split("/")[:-1]
    room = parts[0] if parts else ""
    return room, parts[1] if len(parts) > 1 and room in INNER else ""


def layers(table: dict[str, str]) -> dict[str, int]:
    """Return the layer of each room, from 1: one above the highest that it may import.

    Raises
    ------
    RecursionError
        If rooms import each other in a circle.
    """
    below = {room: [*allowed.split(), *([""] if room else [])] for room, allowed in table.items()}

    def layer(room: str) -> int:
        return 1 + max((layer(other) for other in below[room]), default=0)

    return {room: layer(room) for room in table}


def test_folders_are_the_listed_packages() -> None:
    """The folders on disk, the package list and the tables of rooms name the same packages."""
    setuptools = PROJECT["tool"]["setuptools"]
    assert setuptools["package-dir"] == TOP
    found = {module.removesuffix("/__init__") for module in MODULES if module.endswith("__init__")}
    listed = {name.removeprefix("bakeoff").lstrip(".").replace(".", "/") for name in setuptools["packages"]}
    assert listed == {"" if name == "__init__" else name for name in found}
    rooms = {*ROOMS, *(f"{room}/{inner}".rstrip("/") for room, table in INNER.items() for inner in table)}
    assert listed == rooms
    folders = {path.parent for path in MODULES.values()}
    assert all((folder / "__init__.py").is_file() for folder in folders)


@pytest.mark.parametrize("room", [*ROOMS, *(f"{room}/{inner}" for room in INNER for inner in INNER[room] if inner)])
def test_a_room_is_small(room: str) -> None:
    """No folder holds more than about a dozen files, and each says in its first line what it is."""
    outer, _, inner = room.partition("/")
    mine = [module for module in MODULES if place_of(module) == (outer, inner)]
    assert len([module for module in mine if not module.endswith(("__init__", "__main__"))]) <= MOST_FILES
    for module in mine:
        assert ast.get_docstring(ast.parse(MODULES[module].read_text(encoding="utf-8"))), module


@pytest.mark.parametrize("module", [module for module in MODULES if not module.endswith(("__init__", "__main__"))])
def test_imports_go_one_way(module: str) -> None:
    """A module imports from its own room, and from those that the table allows."""
    room, inner = place_of(module)
    for other, other_inner in rooms_of(MODULES[module]):
        if other == room and room in INNER:
            assert other_inner in (inner, *INNER[room][inner].split(), ""), f"{module} imports {room}/{other_inner}"
        else:
            assert other in (room, *ROOMS[room].split(), ""), f"{module} imports {other}"


@pytest.mark.parametrize("table", [ROOMS, *INNER.values()], ids=["bakeoff", *INNER])
def test_rooms_stand_on_few_layers(table: dict[str, str]) -> None:
    """No room is in a circle, and what a table allows is used somewhere."""
    assert max(layers(table).values()) <= MOST_LAYERS


def test_no_room_is_allowed_what_it_does_not_use() -> None:
    """The tables say what is, not what might be."""
    used = {(place_of(module), other) for module, path in MODULES.items() for other in rooms_of(path)}
    for room, allowed in ROOMS.items():
        outside = {other for (mine, _), (other, _) in used if mine == room}
        assert set(allowed.split()) <= outside, room
    for room, table in INNER.items():
        for inner, allowed in table.items():
            inside = {other for place, (outer, other) in used if place == (room, inner) and outer == room}
            assert set(allowed.split()) <= inside, f"{room}/{inner}"


@pytest.mark.parametrize("library", ONLY_HERE)
def test_one_module_knows_each_border(library: str) -> None:
    """Only tracking knows MLflow, only isolation processes, only engines executors, only the CLI typer."""
    users = {
        module
        for module, path in MODULES.items()
        if any(name.split(".")[0] == library for name in imports_of(path))
        or f'import_module("{library}")' in path.read_text(encoding="utf-8")
    }
    assert users == ONLY_HERE[library]


def test_only_the_command_line_prints() -> None:
    """No module but those of the command line calls print."""
    printing = {
        module
        for module, path in MODULES.items()
        if any(isinstance(node, ast.Name) and node.id == "print" for node in ast.walk(ast.parse(path.read_text())))
    }
    assert printing == {"cli/app", "cli/console", "cli/exits"}


@pytest.mark.parametrize(
    "module", ["bakeoff", "bakeoff.cli", "bakeoff.suites.suite", "bakeoff.estimators", "bakeoff.reports"]
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
