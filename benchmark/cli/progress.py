"""How a run looks while it goes on: a live display on a terminal, plain lines elsewhere. Part of the command line."""

import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from bakeoff.protocol.job import Job
from bakeoff.records.record import Record

MAX_RUNNING = 8
PLAIN_EVERY_S = 15.0


def build_progress(console: Console) -> "LiveProgress | PlainProgress":
    """Build the display that suits the console."""
    return LiveProgress(console) if console.is_terminal else PlainProgress(console)


class _Counts:
    """Fits done, failed and running, and the time that is likely left."""

    def __init__(self) -> None:
        self.total = self.done = self.failed = self.reused = 0
        self.running: dict[str, str] = {}
        self._expected_end: float | None = None  # when the run is likely to end, by the clock of `time.monotonic`
        self._lock = threading.Lock()

    def begin(self, total: int, reused: int) -> None:
        self.total, self.done, self.reused, self.failed = total, reused, reused, 0

    def start(self, job: Job) -> None:
        with self._lock:
            self.running[job.keys.fit] = job.label

    def end(self, record: Record) -> None:
        with self._lock:
            self.running.pop(record.fit, None)
            self.done += 1
            self.failed += not record.ok

    def labels(self) -> list[str]:
        with self._lock:
            return list(self.running.values())[:MAX_RUNNING]

    def retry(self, job: Job) -> None:
        with self._lock:
            self.running.pop(job.keys.fit, None)

    def expect(self, seconds: float) -> None:
        self._expected_end = time.monotonic() + seconds

    def remaining(self) -> str:
        """Say how long the rest is likely to take; nothing as long as nothing is known."""
        if self._expected_end is None or self.done == self.total:
            return ""
        return f"about {format_duration(max(self._expected_end - time.monotonic(), 1))} left"


class LiveProgress:
    """A bar, the counts, and what runs now; rewritten in place."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._counts = _Counts()
        self._bar = Progress(
            TextColumn("fits"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
        )
        self._task = self._bar.add_task("fits", total=None, left="")
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        """Show the display."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the display away."""
        del kind, error, trace
        self._live.stop()

    def begin(self, total: int, done: int) -> None:
        """Take the number of fits, and how many are recorded already."""
        self._counts.begin(total, done)
        if done:
            self._console.print(f"{done} of {total} fits are recorded already and are not run again")

    def start(self, job: Job) -> None:
        """Take a fit that starts now."""
        self._counts.start(job)

    def end(self, record: Record) -> None:
        """Take the record of a fit that ended."""
        self._counts.end(record)
        if not record.ok:
            self._console.print(describe_failure(record), style="red", highlight=False, markup=False)

    def retry(self, job: Job, reason: str) -> None:
        """Show that a fit was lost and will be run again."""
        self._counts.retry(job)
        self._console.print(describe_retry(job, reason), style="yellow", highlight=False, markup=False)

    def expect(self, seconds: float) -> None:
        """Take the seconds that are likely left."""
        self._counts.expect(seconds)

    def warn(self, message: str) -> None:
        """Show a caution above the display."""
        self._console.print(f"warning: {message}", style="yellow", highlight=False, markup=False)

    def note(self, message: str) -> None:
        """Show a note above the display."""
        self._console.print(f"note: {message}", style="dim", highlight=False, markup=False)

    def _render(self) -> RenderableType:
        counts = self._counts
        self._bar.update(self._task, total=counts.total or None, completed=counts.done, left=counts.remaining())
        running = [Text(f"  running  {label}", style="dim") for label in counts.labels()]
        if not running and counts.done < counts.total:
            running = [Text("  starting: loading data and libraries", style="dim")]
        failed = Text(f"  {counts.failed} failed", style="red" if counts.failed else "dim")
        return Group(self._bar, failed, *running)


class PlainProgress:
    """A line now and then, and one for each failure: for logs, pipes and CI."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._counts = _Counts()
        self._printed_at = time.monotonic()

    def __enter__(self) -> Self:
        """Do nothing: lines need no display."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""
        del kind, error, trace

    def begin(self, total: int, done: int) -> None:
        """Take the number of fits, and how many are recorded already."""
        self._counts.begin(total, done)
        reused = f", {done} of them recorded already and not run again" if done else ""
        self._say(f"{total} fits{reused}")

    def start(self, job: Job) -> None:
        """Take a fit that starts now."""
        self._counts.start(job)

    def end(self, record: Record) -> None:
        """Take the record of a fit that ended."""
        counts = self._counts
        counts.end(record)
        if not record.ok:
            self._say(describe_failure(record))
        if time.monotonic() - self._printed_at > PLAIN_EVERY_S or counts.done == counts.total:
            self._printed_at = time.monotonic()
            parts = [f"{counts.done} of {counts.total} fits done", f"{counts.failed} failed", counts.remaining()]
            self._say(", ".join(part for part in parts if part))

    def retry(self, job: Job, reason: str) -> None:
        """Print that a fit was lost and will be run again."""
        self._counts.retry(job)
        self._say(describe_retry(job, reason))

    def expect(self, seconds: float) -> None:
        """Take the seconds that are likely left."""
        self._counts.expect(seconds)

    def warn(self, message: str) -> None:
        """Print a caution."""
        self._say(f"warning: {message}")

    def note(self, message: str) -> None:
        """Print a note."""
        self._say(f"note: {message}")

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def describe_failure(record: Record) -> str:
    """Return one line that says which fit failed and why."""
    return f"{record.status}: {record.label}: {record.reason}"


def describe_retry(job: Job, reason: str) -> str:
    """Return one line that says which fit is run again and why."""
    return f"lost, and run again: {job.label}: {reason}"


def format_duration(seconds: float) -> str:
    """Return seconds as a person says them: 42 s, 3 min, 1 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
