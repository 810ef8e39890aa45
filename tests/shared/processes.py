"""Processes and servers that tests start: Dask's cluster, MLflow's server, answers over HTTP, and waiting for them."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

Answer = Callable[[str], tuple[int, bytes | str, dict[str, str]]]


def free_port() -> int:
    """Find a port of loopback on which nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], Any], seconds: float = 120) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not come to pass within {seconds} s"
        time.sleep(0.02)


def wait_until_gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return the processes that still live after some seconds."""
    _, alive = psutil.wait_procs(processes, timeout=15)
    return alive


def start_bakeoff(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start the command line in a folder; it prints to `output.txt`, and can import what lies beside this module."""
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    command = [sys.executable, "-m", "bakeoff", *words]
    with (folder / "output.txt").open("w") as output:
        return subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=output, env={**os.environ, "PYTHONPATH": path}
        )


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """Serve answers (status, body, headers) to paths on loopback; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, headers = answer(self.path)
            content = body.encode() if isinstance(body, str) else body
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - http.server's name

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    http = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class Cluster:
    """A scheduler of Dask and workers, each a process of its own on loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, str(folder / "scheduler.json")
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", self.file)
        self.workers: list[subprocess.Popen[bytes]] = []

    def add_worker(self, slots: int = 1) -> subprocess.Popen[bytes]:
        """Start a worker."""
        options = ("--scheduler-file", self.file, "--nthreads", str(slots), "--no-nanny", "--death-timeout", "60")
        self.workers.append(self._start("worker", *options))
        return self.workers[-1]

    def wait_for_workers(self) -> None:
        """Wait until the scheduler knows every worker that was started."""
        log = self.folder / "worker.log"
        wait_for(lambda: log.is_file() and log.read_text().count("Registered to:") >= len(self.workers))

    def living_workers(self) -> list[subprocess.Popen[bytes]]:
        """List the workers that have not ended."""
        return [one for one in self.workers if one.poll() is None]

    def stop(self) -> None:
        """End what was started, by its id."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait(timeout=30)

    def _start(self, what: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + what, "--host", "127.0.0.1", "--no-dashboard"]
        with (self.folder / f"{what}.log").open("ab") as log:
            return subprocess.Popen([*command, *words], stdout=log, stderr=log)


class MlflowServer:
    """MLflow's tracking server on loopback, that can go away and come back.

    Parameters
    ----------
    folder : Path
        For its log and artifacts.
    store : str
        URI of its database.
    """

    def __init__(self, folder: Path, store: str) -> None:
        self.folder, self.store, self.port = folder, store, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        words = ["server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        words += ["--backend-store-uri", self.store]
        words += ["--artifacts-destination", str(self.folder / "artifacts")]
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", *words],
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment,
            )
        deadline = time.monotonic() + 90
        while True:
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=1):
                    return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    pytest.fail((self.folder / "server.log").read_text(encoding="utf-8"))
                time.sleep(0.2)

    def stop(self) -> None:
        """End it with its own processes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)
