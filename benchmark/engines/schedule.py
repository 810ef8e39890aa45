"""Which fit comes next: the longest expected first, so that no long one is left for the end.

A group (data set x model x variant x share of the training part) of which nothing is known yet goes before all others,
one fit of each; what that fit took is then expected of the rest. Of several variants of one study, one runs it, the
tuned one if it is there, and the others wait for it and take it over. No score depends on the order.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from bakeoff.protocol.job import Job
from bakeoff.records.record import Record

Group = tuple[str, str, str, float]


def expected_seconds(records: Iterable[Record]) -> dict[Group, float]:
    """Return the mean seconds of recorded fits by group."""
    seconds: defaultdict[Group, list[float]] = defaultdict(list)
    for record in records:
        group = record.dataset, record.model, record.variant, record.train_fraction
        seconds[group].append(float(record.diagnostics.get("wall_s") or 0))
    return {group: sum(values) / len(values) for group, values in seconds.items()}


class Schedule:
    """The fits that wait.

    Parameters
    ----------
    jobs : iterable of Job
    expected : mapping
        Seconds by group, from a forecast or from earlier records.
    """

    def __init__(self, jobs: Iterable[Job], expected: Mapping[Group, float]) -> None:
        self._waiting: defaultdict[Group, deque[Job]] = defaultdict(deque)
        self._expected = dict(expected)
        self._ended: defaultdict[Group, int] = defaultdict(int)
        self._started: set[Group] = set()
        self._first_variants: dict[str, str] = {}  # of each study that has not ended
        for job in jobs:
            self._waiting[job.group].append(job)
            if job.variant == "tuned":
                self._first_variants[job.keys.study] = job.variant
            elif job.tunes:
                self._first_variants.setdefault(job.keys.study, job.variant)

    def __len__(self) -> int:
        """Return the number of fits that wait."""
        return sum(map(len, self._waiting.values()))

    def next_job(self, device: str) -> Job | None:
        """Take the next fit for a device out of the schedule, if there is one."""
        ready = {group: job for group, jobs in self._waiting.items() if (job := self._first_ready(jobs, device))}
        if not ready:
            return None
        group = max(ready, key=self._priority)
        self._started.add(group)
        self._waiting[group].remove(ready[group])
        return ready[group]

    def requeue(self, job: Job) -> None:
        """Take a fit back that is to be run again."""
        self._waiting[job.group].appendleft(job)

    def record_duration(self, job: Job, seconds: float) -> None:
        """Take what a fit took that has ended; what is expected of its group is the mean of those that ended."""
        if self._first_variants.get(job.keys.study) == job.variant:
            del self._first_variants[job.keys.study]
        ended = self._ended[job.group]
        before = self._expected.get(job.group, 0.0) if ended else 0.0
        self._expected[job.group] = (before * ended + seconds) / (ended + 1)
        self._ended[job.group] = ended + 1

    def remaining_s(self, running: Iterable[Job], slots: int) -> float | None:
        """Return the seconds that all fits to come are likely to take, or None as long as nothing is known.

        Fits that run count as half done; groups of which nothing is known count as the mean of the others.
        """
        if not self._expected:
            return None
        unknown = sum(self._expected.values()) / len(self._expected)
        waiting = sum(self._expected.get(group, unknown) * len(jobs) for group, jobs in self._waiting.items())
        begun = [self._expected.get(job.group, unknown) for job in running]
        return max((waiting + sum(begun) / 2) / max(slots, 1), max(begun, default=0.0) / 2)

    def _first_ready(self, jobs: Iterable[Job], device: str) -> Job | None:
        """Return the first job for a device that waits for no other; a group has one device and one variant."""
        for job in jobs:
            if job.device != device:
                return None
            if self._first_variants.get(job.keys.study, job.variant) == job.variant:
                return job
        return None

    def _priority(self, group: Group) -> tuple[bool, float]:
        """Order groups: those never tried, then by the seconds expected; the suite's order among equals."""
        return group not in self._expected and group not in self._started, self._expected.get(group, 0.0)
