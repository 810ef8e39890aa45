"""What the tests share: a tiny run made once, a data folder if there is one, and the rule that nothing skips unseen."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from processes import Answer, Cluster, MlflowServer, serving

from bakeoff import cli
from bakeoff.engines.options import RunOptions
from bakeoff.planning.plan import make_plan
from bakeoff.records.run_folder import RunFolder
from bakeoff.running.runner import Run
from bakeoff.suites.suite_file import parse_suite

# Tests may be skipped for these reasons alone; any other skip fails the tier.
ALLOWED_SKIPS = (
    "needs CUDA",
    "needs a machine without CUDA",
    "needs the data sets of BAKEOFF_DATA",
    "needs lightgbm",
    "needs catboost",
    "needs tabicl",
    "needs tabpfn",
    "needs transformers",
    "needs sentence_transformers",
    "needs ebm",
    "needs ray",
    "needs leave to mount a small disk",
    "does not have a decision_function method",  # a check of scikit-learn; it is satisfied by predict_proba
)

TINY = """
name: tiny
datasets: [wine, diabetes]
models: [dummy, logistic, ridge, mlp]
outer_folds: 2
inner_folds: 2
tuning: {trials: 2}
caps: {epochs: 2, trees: 5}
limits: {seconds: 60, memory: 2GB}
"""


@pytest.fixture(autouse=True)
def _quiet_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep telemetry off and the environment's tracking server out of the tests."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Keep torch on one thread: small nets are fastest on it, and bits depend on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class CommandLine:
    """Runs the command line in this process and keeps what it printed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.out = self.err = ""

    def __call__(self, *words: str) -> int:
        """Return the exit code."""
        self._monkeypatch.setattr(sys, "argv", ["bakeoff", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        self.out, self.err = self._capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code


@pytest.fixture
def bakeoff(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Hand out the command line."""
    return CommandLine(monkeypatch, capsys)


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Serve answers (status, body, headers) to paths on loopback; the address is returned."""
    with ExitStack() as servers:
        yield lambda answer: servers.enter_context(serving(answer))


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Make a run of the tiny suite once; tests that write to it copy it first."""
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "tiny")
    Run(make_plan(parse_suite(TINY, "tiny")), folder, RunOptions(workers=2)).execute()
    return folder


@pytest.fixture
def new_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Start a cluster with two workers for a test that will harm it."""
    cluster = Cluster(tmp_path)
    try:
        cluster.add_worker()
        cluster.add_worker()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Start a cluster of one worker with two slots that many tests share; who kills workers leaves a living one."""
    shared = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        shared.add_worker(slots=2)
        yield shared
    finally:
        shared.stop()


@pytest.fixture(scope="session")
def empty_mlflow_store(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], str]:
    """Make a store of MLflow at a path, by a copy: MLflow takes seconds to set up a database; its URI is returned."""
    from mlflow import MlflowClient

    template = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{template}").search_experiments()

    def copy(path: Path) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{shutil.copyfile(template, path)}"

    return copy


@pytest.fixture
def data_folder() -> Path:
    """Find the folder of real data sets; the test is skipped where there is none."""
    candidates = [os.environ.get("BAKEOFF_DATA"), Path(__file__).parents[2] / "shared" / "data"]
    found = next((Path(folder) for folder in candidates if folder and Path(folder).is_dir()), None)
    if found is None:
        pytest.skip("needs the data sets of BAKEOFF_DATA")
    return found


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Fail the tier if a test was skipped that its environment should have run."""
    yield
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # a worker of xdist, whose skips the session that started it sees
        return
    reasons = [str(report.longrepr[2]) for report in reporter.stats.get("skipped", ()) if report.longrepr]
    unseen = sorted({reason for reason in reasons if not any(allowed in reason for allowed in ALLOWED_SKIPS)})
    if unseen and session.exitstatus == 0:
        reporter.write_line(f"skipped without leave: {unseen}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., MlflowServer]]:
    """Start tracking servers, with a SQLite file or the database of a URI, and stop them in the end."""
    started: list[MlflowServer] = []

    def start(store: str = "") -> MlflowServer:
        folder = tmp_path_factory.mktemp("server")
        started.append(MlflowServer(folder, store or f"sqlite:///{folder / 'server.db'}"))
        return started[-1]

    yield start
    for server in started:
        server.stop()
