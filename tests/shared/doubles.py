"""Stand-ins that tests of several rooms use: progress that records, and models that behave in a known way."""

from typing import Any

from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from bakeoff.engines.observers import Silent
from bakeoff.records.record import Record


class RecordingProgress(Silent):
    """Progress that keeps all that it is told: jobs that start or run again, records, messages, seconds left."""

    def __init__(self) -> None:
        self.begun: tuple[int, int] = (0, 0)
        self.started: list[Any] = []
        self.ended: list[Record] = []
        self.retried: list[tuple[Any, str]] = []
        self.left: list[float] = []
        self.warnings: list[str] = []
        self.notes: list[str] = []

    def begin(self, total: int, done: int) -> None:
        """Keep the counts."""
        self.begun = (total, done)

    def start(self, job: Any) -> None:
        """Keep the job."""
        self.started.append(job)

    def end(self, record: Record) -> None:
        """Keep the record."""
        self.ended.append(record)

    def retry(self, job: Any, reason: str) -> None:
        """Keep the job and why it runs again."""
        self.retried.append((job, reason))

    def expect(self, seconds: float) -> None:
        """Keep the seconds."""
        self.left.append(seconds)

    def warn(self, message: str) -> None:
        """Keep the warning."""
        self.warnings.append(message)

    def note(self, message: str) -> None:
        """Keep the note."""
        self.notes.append(message)


class LabelsOnlyNeighbors(KNeighborsClassifier):  # type: ignore[misc]  # scikit-learn is untyped
    """A classifier with neither probabilities nor decision values."""

    predict_proba = property()


class NoisyModule(nn.Sequential):
    """A module of one's own that draws random numbers and keeps running means."""

    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__(
            nn.Linear(n_features, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, n_outputs)
        )
