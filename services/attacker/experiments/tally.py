"""How far a run is: jobs by kind, what runs now, and how long the rest will take."""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from services.attacker.experiments.scheduling import Job
from shared.errors import RecLeakError


@dataclass(frozen=True)
class Count:
    """Jobs of a kind."""

    done: int = 0
    total: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.done + other.done, self.total + other.total)


def count(jobs: Sequence[Job], done: Collection[str]) -> dict[str, Count]:
    """Count jobs by kind.

    done  names of those that are done
    """
    found: dict[str, Count] = {}
    for job in jobs:
        found[job.kind] = found.get(job.kind, Count()) + Count(int(job.name in done), 1)
    return found


def total(counts: Mapping[str, Count]) -> Count:
    """Add all kinds up."""
    return sum(counts.values(), Count())


class Tally:
    """Counts along as a run goes; the run's thread tells it, any other may read.

    clock  seconds from anywhere
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._done: set[str] = set()
        self._failed: set[str] = set()
        self._began: dict[str, float] = {}
        self._seconds: dict[str, tuple[float, float]] = {}

    def planned(self, jobs: Sequence[Job], done: Collection[str]) -> None:
        """Take note of all jobs and of those that were done before."""
        with self._lock:
            self._jobs = {job.name: job for job in jobs}
            self._done = set(done) & self._jobs.keys()

    def began(self, job: Job) -> None:
        """Start its clock, again if its worker died."""
        with self._lock:
            self._began[job.name] = self._clock()

    def ended(self, job: Job) -> None:
        """Learn from it how long others of its kind will take."""
        with self._lock:
            self._done.add(job.name)
            seconds, weight = self._seconds.get(job.kind, (0.0, 0.0))
            took = self._clock() - self._began.pop(job.name)
            self._seconds[job.kind] = (seconds + took, weight + job.weight)

    def failed(self, job: Job, _error: RecLeakError) -> None:
        """Count it; it takes no time any more."""
        with self._lock:
            self._failed.add(job.name)
            self._began.pop(job.name, None)

    def counts(self) -> dict[str, Count]:
        """Give what is done and what there is, by kind."""
        with self._lock:
            return count(list(self._jobs.values()), self._done)

    def running(self) -> list[str]:
        """Give the labels of what runs now, the longest first."""
        with self._lock:
            return [self._jobs[name].label for name in sorted(self._began, key=self._began.__getitem__)]

    @property
    def n_failed(self) -> int:
        """How many failed, with those that needed them."""
        return len(self._failed)

    def time_left_s(self, n_slots: int) -> float | None:
        """Estimate the seconds that the rest takes, from the finished jobs of the same kind, by weight.

        A kind of which none has finished takes as long per weight as all others. None while nothing has.
        """
        with self._lock:
            seconds, weight = (
                sum(column) for column in zip((0.0, 0.0), *self._seconds.values(), strict=True)
            )
            if not weight:
                return None
            now, left = self._clock(), 0.0
            for job in self._jobs.values():
                if job.name in self._done or job.name in self._failed:
                    continue
                of_kind = self._seconds.get(job.kind, (seconds, weight))
                expected = job.weight * of_kind[0] / of_kind[1]
                left += max(expected - (now - self._began.get(job.name, now)), 0.0)
            return left / n_slots
