"""Follows an experiment and writes down how it stands, a few times a second at most."""

import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from services.attacker import experiment_store as store
from services.attacker.experiments.failures import read_failures
from services.attacker.experiments.runs import Saved
from services.attacker.experiments.scheduling import Job
from services.attacker.experiments.tally import Tally, total
from shared.contract.base import JobState
from shared.database import Database
from shared.errors import RecLeakError

_WRITE_EVERY_S = 0.5


class ExperimentRecorder:
    """A follower of a run whose row is in the database.

    folder   of the run
    sharing  held while it says which artefacts are in use
    """

    def __init__(
        self, database: Database, experiment_id: str, folder: Path, *, n_slots: int, sharing: threading.Lock
    ) -> None:
        self._database = database
        self._id = experiment_id
        self._folder = folder
        self._n_slots = n_slots
        self._sharing = sharing
        self._tally = Tally()
        self._next_at = 0.0

    def start(self) -> bool:
        """Say that it runs; False if it was cancelled before."""
        with self._database.write() as session:
            row = store.experiment(session, self._id)
            if row.state != JobState.QUEUED:
                return False
            row.state, row.note, row.failed = JobState.RUNNING, "reading the data", 0
            store.tell(session, row)
        return True

    def noted(self, text: str) -> None:
        """Tell it as an event."""
        with self._database.write() as session:
            row = store.experiment(session, self._id)
            row.note = text
            store.tell(session, row)

    def planned(self, jobs: Sequence[Job], done: Collection[str]) -> None:
        """Say how much there is, and keep all of it from being deleted."""
        self._tally.planned(jobs, done)
        saved = Saved.load(self._folder)
        with self._sharing, self._database.write() as session:
            store.use(session, self._id, {*(job.name for job in jobs), *saved.data.values()})
            row = store.experiment(session, self._id)
            row.data_hashes, row.versions = dict(saved.data), {**row.versions, **saved.versions}
        self._write()

    def began(self, job: Job) -> None:
        """Start its clock."""
        self._tally.began(job)

    def ended(self, job: Job) -> None:
        """Count it."""
        self._tally.ended(job)
        if time.monotonic() >= self._next_at:
            self._write()

    def failed(self, job: Job, error: RecLeakError) -> None:
        """Say so at once."""
        self._tally.failed(job, error)
        self._write()

    def done(self) -> None:
        """Say that it has come to its end, with or without failures."""
        failures = read_failures(self._folder)
        if failures:
            n_failed = "1 job" if len(failures) == 1 else f"{len(failures)} jobs"
            error = f"{n_failed} failed, see `failures`; all others are done, resume tries them again"
            self._end(JobState.FAILED, "done but for what failed", error)
        else:
            self._end(JobState.DONE, "done", None)

    def stopped(self, state: JobState, note: str) -> None:
        """Say that it was cancelled or interrupted."""
        self._end(state, note, None if state is JobState.CANCELLED else note)

    def gave_up(self, error: str) -> None:
        """Say why nothing came of it."""
        self._end(JobState.FAILED, "failed", error)

    def _end(self, state: JobState, note: str, error: str | None) -> None:
        self._write()
        with self._database.write() as session:
            row = store.experiment(session, self._id)
            store.end(session, row, state, note, error=error)

    def _write(self) -> None:
        self._next_at = time.monotonic() + _WRITE_EVERY_S
        counts = self._tally.counts()
        if not counts:
            return
        whole = total(counts)
        left = self._tally.time_left_s(self._n_slots)
        note = f"{whole.done} of {whole.total} jobs done" + ("" if left is None else f", {left:.0f} s left")
        with self._database.write() as session:
            row = store.experiment(session, self._id)
            row.jobs = {kind: [one.done, one.total] for kind, one in counts.items()}
            row.fraction, row.failed = whole.done / max(whole.total, 1), self._tally.n_failed
            if row.state == JobState.RUNNING:
                row.note = note
            store.tell(session, row)
