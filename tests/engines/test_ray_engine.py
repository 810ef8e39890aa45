"""Fits on Ray, through an executor of the caller's; skipped where Ray is not installed, as it is no dependency."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bakeoff import run_suite
from bakeoff.records.run_folder import RunFolder, open_run

EXAMPLE = Path(__file__).parents[2] / "examples" / "on_ray.py"
# On loopback alone, without a token in the home folder, without telemetry.
QUIET = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}


@pytest.fixture
def ray_run(tmp_path: Path) -> RunFolder:
    """Run the example in a process of its own: Ray takes over signals and warns of what is not ours."""
    pytest.importorskip("ray", reason="needs ray")
    done = subprocess.run(
        [sys.executable, EXAMPLE], cwd=tmp_path, env=os.environ | QUIET, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return open_run(tmp_path / "runs" / "smoke")


@pytest.mark.slow
def test_ray_gives_what_this_machine_gives(ray_run: RunFolder, tmp_path: Path) -> None:
    """Scores and parameters of each fit are those of a local run, and the run says what it ran on."""
    local = run_suite("smoke", out=tmp_path / "local", workers=2, tracking=False).folder
    on_ray, here = (
        {fit: (record.status, record.metrics, record.params) for fit, record in folder.read_records()[0].items()}
        for folder in (ray_run, local)
    )
    assert len(here) > 20
    assert on_ray == here
    assert ray_run.read_json("provenance.json")["engine"] == "RayExecutor, 2 fits at once"
