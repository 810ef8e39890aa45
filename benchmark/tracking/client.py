"""MLflow's client, loaded when it is first needed, quiet and without telemetry."""

import logging
import os
import sqlite3
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from bakeoff.errors import UserError
from bakeoff.records.run_folder import RunFolder

SQLITE = "sqlite:///"
MLFLOW_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


def default_uri(folder: RunFolder) -> str:
    """Return the tracking URI of the environment, or a SQLite file beside the runs."""
    return os.environ.get("MLFLOW_TRACKING_URI") or local_store_uri(folder)


def local_store_uri(folder: RunFolder) -> str:
    """Return the URI of a SQLite file beside the runs."""
    return f"{SQLITE}{folder.path.resolve().parent / 'mlflow.db'}"


def connect(uri: str) -> Any:
    """Return a client; loads MLflow (two seconds) and creates a SQLite store (three) when first used.

    Raises
    ------
    UserError
        If the store is a SQLite file that can't be written.
    """
    _check_sqlite(uri)
    for name, value in MLFLOW_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's imports warn of other packages' deprecations
        from mlflow import MlflowClient
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=uri)


def default_artifact_location(uri: str) -> str | None:
    """Keep artifacts beside a SQLite file; a server knows its own place."""
    if not uri.startswith(SQLITE):
        return None
    return (Path(uri.removeprefix(SQLITE)).resolve().parent / "mlartifacts").as_uri()


def address_of_server(uri: str) -> str:
    """Return the address of a tracking server, without name and password; "" for a database."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        return ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))


def describe_tracking_error(uri: str, error: BaseException) -> UserError:
    """Return what to tell of an error of MLflow, of requests or of SQLAlchemy."""
    return UserError(f"can't track to {uri}: {first_line(error)}. Check the URI and that the server runs")


def first_line(error: BaseException) -> str:
    """Return the class of an error and the first line of its message; a user's error is told as it is."""
    if isinstance(error, UserError):
        return str(error)
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:300]}"


def _check_sqlite(uri: str) -> None:
    """Refuse a SQLite file that can't be written at once: MLflow would try again for minutes."""
    if not uri.startswith(SQLITE):
        return
    try:
        with closing(sqlite3.connect(uri.removeprefix(SQLITE))) as store:
            store.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        raise UserError(f"can't track to {uri}: {error}; give a file that can be written") from None
