"""`bakeoff ui`: MLflow's own server on loopback, started lean, stopped with its whole process group."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bakeoff.errors import UserError
from bakeoff.tracking.client import MLFLOW_ENVIRONMENT

START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 5
PAGE = "/#/experiments?workflowType=machine_learning"  # else it opens on the pages for language models
# No background workers, and no module of the current folder in the place of a library's.
SERVER_ENVIRONMENT = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONSAFEPATH": "1"}


def serve(runs: Path, tracking_uri: str | None, port: int, echo: Callable[[str], None]) -> None:
    """Serve MLflow's page until interrupted.

    Raises
    ------
    UserError
        If there is nothing to show, the port is taken, or the server does not start.
    """
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or _default_store_uri(runs)
    if uri.startswith(("http://", "https://")):
        echo(f"MLflow    {uri}")
        return
    port = port or _free_port()
    _check_port(port)
    server = _start(uri, port)
    try:
        _wait(server, port)
        echo(f"MLflow    http://127.0.0.1:{port}{PAGE}  (Ctrl-C stops it)")
        server.wait()
    except KeyboardInterrupt:
        echo("stopped")
    finally:
        _stop(server)


def _default_store_uri(runs: Path) -> str:
    store = runs / "mlflow.db"
    if not store.is_file():
        raise UserError(f"there is no {store}; run a suite first, or name the folder of the runs with --runs")
    return f"sqlite:///{store.resolve()}"


def _start(uri: str, port: int) -> "subprocess.Popen[bytes]":
    arguments = [
        "mlflow",
        "server",
        "--backend-store-uri",
        uri,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    environment = {**os.environ, **MLFLOW_ENVIRONMENT, **SERVER_ENVIRONMENT}
    return subprocess.Popen(  # noqa: S603 - our own arguments
        [sys.executable, "-P", "-m", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _wait(server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            lines = (server.stderr.read() if server.stderr else b"").decode(errors="replace").strip().splitlines()
            raise UserError(f"MLflow's server did not start: {lines[-1] if lines else 'it gave no reason'}")
        with (
            suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2),
        ):
            return
        time.sleep(0.2)
    raise UserError(f"MLflow's server gave no answer within {START_TIMEOUT_S} s")


def _stop(server: "subprocess.Popen[bytes]") -> None:
    """End the server's process group: politely, then for good."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(server.pid, how)
        with suppress(subprocess.TimeoutExpired):
            server.wait(STOP_TIMEOUT_S)
            break
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(server.pid, signal.SIGKILL)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise UserError(f"port {port} of 127.0.0.1 is taken; give another --port, or 0 for a free one") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
