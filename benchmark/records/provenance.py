"""Provenance: under which code and versions a run was made."""

import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = (
    "bakeoff",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "xgboost",
    "torch",
    "optuna",
    "lightgbm",
    "catboost",
    "interpret-core",
    "tabicl",
    "tabpfn",
    "transformers",
    "sentence-transformers",
)


@cache
def collect_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that scores depend on, those that are installed."""
    versions = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            continue
    return versions


def changed_versions(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """List what differs; a library that came or went concerns only the models that need it."""
    both = sorted({*before} & {*now})
    return [f"{name} {before[name]} → {now[name]}" for name in both if before[name] != now[name]]


def git_commit(folder: Path) -> str | None:
    """Return the commit that a folder is at, with `+changes` if files differ; None outside a repository."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603, S607 - fixed words
        return done.stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return None
