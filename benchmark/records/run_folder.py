"""The run folder: what lies where, written whole or not at all.

Only the process that holds its lock writes here, but for the journals of studies, each written by its one fit.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from bakeoff.errors import UserError
from bakeoff.records.fit_files import FIT_FILES, REBUILD, FitFiles, write_atomic
from bakeoff.records.lock import lock_file
from bakeoff.records.record import Record, latest, parse_record, rename_fields

RECORDS = "records.jsonl"
CROSS_MODEL_ENSEMBLES = "cross_model_ensembles.jsonl"
CROSS_MODEL_ENSEMBLES_BEFORE = "across.jsonl"  # its name in runs made before
SCRATCH = "prepared-"
FORECAST = "forecast.json"
VERIFIED = "verified.json"
VERDICT = "verdict.json"
SUMMARY = "summary.md"
TRACKED = "tracked.json"  # where MLflow shows the run
ALLOWED_BEFORE_RUN = {".lock", FORECAST, *(folder for folder, _, _ in FIT_FILES)}
CORRUPT_RECORDS = "records.corrupt.jsonl"


class RunFolder(FitFiles):
    """A run on disk.

    Parameters
    ----------
    path : Path
        The folder; created by `create`.
    """

    @property
    def suite_file(self) -> Path:
        """The suite as run, complete."""
        return self.path / "suite.yaml"

    @property
    def html(self) -> Path:
        """The report for a browser."""
        return self.path / "report.html"

    @property
    def markdown(self) -> Path:
        """The report for a pull request."""
        return self.path / "report.md"

    @property
    def models(self) -> Path:
        """Where pipelines lie that were fitted on all rows, by the ids of those fits."""
        return self.path / "models"

    @property
    def exists(self) -> bool:
        """Whether a run has been written here, whatever has been damaged since."""
        return self.suite_file.is_file() or (self.path / RECORDS).is_file()

    def check_usable(self) -> None:
        """Refuse a folder that holds files that are no run.

        Raises
        ------
        UserError
            If it does.
        """
        if self.path.is_dir() and not self.exists and {one.name for one in self.path.iterdir()} - ALLOWED_BEFORE_RUN:
            raise UserError(f"the folder {self.path} holds files but no run; give --out an empty or a new folder")

    def create(self) -> None:
        """Make the folder and its parts.

        Raises
        ------
        UserError
            If it can't be written, or holds files that are no run.
        """
        try:
            self.check_usable()
            for part, _, _ in FIT_FILES:
                (self.path / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"the run folder {self.path} can't be written ({error.strerror}); give another with --out"
            ) from None

    def locked(self) -> AbstractContextManager[None]:
        """Hold the folder, so that two runs never write to it at once.

        Raises
        ------
        UserError
            If another process holds it.
        """
        return lock_file(self.path / ".lock", what=f"{self.path}")

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a folder for what lives as long as a run, where every machine of a cluster sees it.

        What a killed run left is cleared away. Each run has a folder of its own name: nobody mistakes old for new.
        """
        for left in self.path.glob(f"{SCRATCH}*"):
            shutil.rmtree(left, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=self.path.resolve()))
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def journal(self, study: str) -> Path:
        """Return where the trials of a study are noted while it goes on; a fit's process writes there."""
        return self.path.resolve() / "studies" / f"{study}.log"

    def read_records(self) -> tuple[dict[str, Record], int]:
        """Read the last record of each fit, and count the lines that are no records."""
        good, bad = self._lines(RECORDS)
        return latest(good), len(bad)

    def read_tracked(self) -> dict[str, str]:
        """Read where MLflow shows the run: `server`, `experiment`, `path`; an empty mapping if it was not tracked."""
        try:
            found = self.read_json(TRACKED)
        except UserError:
            return {}
        return {str(name): str(value) for name, value in found.items()}

    def read_cross_model_ensembles(self) -> dict[str, Record]:
        """Read the ensembles across models; a line that is none is one that was not built."""
        names = (CROSS_MODEL_ENSEMBLES_BEFORE, CROSS_MODEL_ENSEMBLES)
        return latest(record for name in names for record in self._lines(name)[0])

    def repair_records(self) -> int:
        """Put corrupt lines (a half-written last one, say) aside into `records.corrupt.jsonl`; return their number."""
        good, bad = self._lines(RECORDS)
        if bad:
            with (self.path / CORRUPT_RECORDS).open("a", encoding="utf-8") as aside:
                aside.writelines(f"{line}\n" for line in bad)
            self.write_records(good)
        return len(bad)

    def write_records(self, records: Iterable[Record]) -> None:
        """Write all records anew."""
        write_atomic(self.path / RECORDS, "".join(f"{record.to_json()}\n" for record in records))

    def append(self, record: Record) -> None:
        """Add a record; it is on the disk when this returns."""
        self._append(RECORDS, record)

    def append_cross_model_ensemble(self, record: Record) -> None:
        """Add an ensemble across models; it is on the disk when this returns."""
        self._append(CROSS_MODEL_ENSEMBLES, record)

    def _append(self, name: str, record: Record) -> None:
        path = self.path / name
        whole = path.stat().st_size if path.is_file() else 0
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(record.to_json() + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                os.truncate(path, whole)  # a full disk may have taken half a line
            raise

    def read_suite(self) -> dict[str, Any]:
        """Read the suite as run, as plain values.

        Raises
        ------
        UserError
            If the file is damaged or gone.
        """
        try:
            content = yaml.safe_load(self.suite_file.read_text(encoding="utf-8"))
            return dict(content, name=str(content["name"]))
        except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
            raise UserError(f"{self.suite_file} is damaged or gone; {REBUILD}") from None

    def read_plan(self) -> dict[str, Any]:
        """Read the plan, its fits with today's names of fields; an empty mapping if there is none.

        Raises
        ------
        UserError
            If the file is damaged.
        """
        plan = self.read_json("plan.json")
        try:
            fits = [{"train_fraction": 1.0, **rename_fields(fit)} for fit in plan.get("fits", ())]
        except (TypeError, AttributeError):
            raise UserError(f"{self.path / 'plan.json'} is damaged; {REBUILD}") from None
        return plan | ({"fits": fits} if fits else {})

    def read_verified(self) -> dict[str, Any]:
        """Read the certificate of `bakeoff verify`; {} if there is none, or a damaged one."""
        try:
            found = self.read_json(VERIFIED)
        except UserError:
            return {}
        return found if isinstance(found.get("repeated"), int) and isinstance(found.get("equal"), int) else {}

    def read_verdict(self) -> dict[str, Any]:
        """Read the verdict that stands beside the reports; {} if there is none, or a damaged one."""
        try:
            found = self.read_json(VERDICT)
        except UserError:
            return {}
        return found if isinstance(found.get("headline"), str) and isinstance(found.get("tasks"), list) else {}

    def read_summary(self) -> str:
        """Read the verdict as Markdown; "" if there is none."""
        try:
            return (self.path / SUMMARY).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def read_forecast(self) -> list[dict[str, Any]]:
        """Read the rows of `bakeoff.running.forecast`; none if there is no forecast, or a damaged one."""
        try:
            rows = self.read_json(FORECAST).get("rows", [])
        except UserError:
            return []
        wanted = {"dataset": str, "model": str, "variant": str, "seconds": float, "bound_s": float, "stopped": bool}
        whole = isinstance(rows, list) and all(
            isinstance(row, dict) and all(isinstance(row.get(key), kind) for key, kind in wanted.items())
            for row in rows
        )
        return [{"train_fraction": 1.0, **rename_fields(row)} for row in rows] if whole else []

    def _lines(self, name: str) -> tuple[list[Record], list[str]]:
        path = self.path / name
        good: list[Record] = []
        bad: list[str] = []
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
            try:
                good.append(parse_record(line))
            except ValueError:
                bad.append(line)
        return good, bad


def open_run(path: str | Path) -> RunFolder:
    """Open the folder of a run.

    Raises
    ------
    UserError
        If there is no run.
    """
    folder = RunFolder(Path(path))
    if not folder.exists:
        raise UserError(
            f"there is no run in {str(path)!r}; give the folder that `bakeoff run` wrote, such as runs/quickstart"
        )
    return folder
