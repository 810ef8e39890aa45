"""The journal of a study: every finished trial is on the disk, so that a fit that dies goes on where it was."""

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import optuna
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend

LOCK_TIMEOUT_S = 20.0
STUDY = "study"


class _NullLock:
    """Optuna asks for a lock around each line; the whole journal is held by one process already."""

    def acquire(self) -> bool:
        """Say yes."""
        return True

    def release(self) -> None:
        """Do nothing."""


@contextmanager
def open_journal(path: Path | None) -> Iterator[BaseStorage]:
    """Open the storage of a study; without a path it lives in memory.

    What a kill left half-written is cut off; a journal that can't be read is put aside as `.damaged`, and the study
    begins anew: its trials come out the same.

    Raises
    ------
    RuntimeError
        If another process goes on with the same study.
    """
    if path is None:
        yield InMemoryStorage()
        return
    with path.open("ab+") as file:
        _lock(file, path)
        _cut_damaged_end(file)
        try:
            storage = _open(path)
        except Exception:  # Optuna raises whatever its reading runs into
            path.with_suffix(".damaged").write_bytes(path.read_bytes())
            file.truncate(0)
            storage = _open(path)
        yield storage


def _open(path: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(path), lock_obj=_NullLock()))  # type: ignore[arg-type]  # it acquires and releases


def _lock(file: IO[bytes], path: Path) -> None:
    """Wait for a predecessor that is being killed; whoever lives on is another run."""
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"another process goes on with the study in {path}") from None
            time.sleep(0.1)
        except OSError:
            return  # a file system without locks; the run folder is held by one run
        else:
            return


def _cut_damaged_end(file: IO[bytes]) -> None:
    """Keep the lines up to the first that is none, as the last of a killed process may be."""
    file.seek(0)
    good = 0
    for line in file:
        if not (line.endswith(b"\n") and _is_json(line)):
            break
        good += len(line)
    file.truncate(good)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def open_study(storage: BaseStorage, pruner: optuna.pruners.BasePruner) -> optuna.Study:
    """Open the study of a storage; a trial that was running when its process died counts as never begun."""
    study = optuna.create_study(
        storage=storage, study_name=STUDY, load_if_exists=True, direction="maximize", pruner=pruner
    )
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    return study
