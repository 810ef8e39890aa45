"""Who follows a run while it goes on: a display, and a mirror elsewhere."""

from typing import Any, Protocol

from bakeoff.protocol.job import Job
from bakeoff.records.record import Record
from bakeoff.records.run_folder import RunFolder


class Progress(Protocol):
    """Who wants to know how a run goes."""

    def begin(self, total: int, done: int) -> None:
        """Take the number of fits, and how many are recorded already."""

    def start(self, job: Job) -> None:
        """Take a fit that starts now."""

    def end(self, record: Record) -> None:
        """Take the record of a fit that ended."""

    def retry(self, job: Job, reason: str) -> None:
        """Take a fit that was lost by no fault of its own and will be run again."""

    def expect(self, seconds: float) -> None:
        """Take the seconds that are likely left."""

    def warn(self, message: str) -> None:
        """Take a caution that does not stop the run."""

    def note(self, message: str) -> None:
        """Take what a user wants to know of the data or the plan."""


class Tracker(Protocol):
    """Who mirrors a run elsewhere while it goes on; never raises."""

    def open(self, folder: RunFolder, plan: dict[str, Any]) -> None:
        """Take the run folder and the plan's summary before the first fit."""

    def add(self, record: Record) -> None:
        """Take a record."""

    def wait_until_open(self) -> None:
        """Return when the run folder says where the run can be seen, or tracking failed."""

    def close(self, *, finished: bool) -> str | None:
        """Write what is left; return where the run can be seen, or None if tracking failed."""


class Silent:
    """Progress that tells nobody."""

    def begin(self, total: int, done: int) -> None:
        """Say nothing."""

    def start(self, job: Job) -> None:
        """Say nothing."""

    def end(self, record: Record) -> None:
        """Say nothing."""

    def retry(self, job: Job, reason: str) -> None:
        """Say nothing."""

    def expect(self, seconds: float) -> None:
        """Say nothing."""

    def warn(self, message: str) -> None:
        """Say nothing."""

    def note(self, message: str) -> None:
        """Say nothing."""
