"""Runs experiments in the background, one at a time: each fills the engine by itself."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from services.attacker import experiment_store as store
from services.attacker.experiments.runs import SPEC_FILE, RunSpec
from services.attacker.experiments.session import Ended, Workshop, begin, resume
from services.attacker.running.experiment_recorder import ExperimentRecorder
from shared.artifacts import ArtifactStore
from shared.contract.base import JobState
from shared.database import Database
from shared.engine import Engine
from shared.engine.guard import Failure, attempt
from shared.errors import JobStopped

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExperimentPlace:
    """What all experiments share.

    folder   of the runs, and of the artefacts that they share
    sharing  held while somebody says that an artefact is in use, and while unused ones are deleted
    """

    database: Database
    engine: Engine
    folder: Path
    data_dir: Path | None
    n_slots: int
    sharing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def artifacts(self) -> ArtifactStore:
        """What runs make."""
        return ArtifactStore((self.folder / "artifacts").absolute())

    def of(self, experiment_id: str) -> Path:
        """Give the folder of a run."""
        return (self.folder / experiment_id).absolute()


@dataclass
class _Run:
    is_cancelled: threading.Event = field(default_factory=threading.Event)
    future: "Future[None] | None" = None


class ExperimentJobs:
    """All experiments under way or waiting."""

    def __init__(self, place: ExperimentPlace) -> None:
        self._place = place
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recleak-experiment")
        self._runs: dict[str, _Run] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()

    def start(self, experiment_id: str, spec: RunSpec, *, only_failed: bool = False) -> None:
        """Begin or go on with an experiment whose row is stored as queued."""
        run = _Run()
        with self._lock:
            self._runs[experiment_id] = run
            run.future = self._thread.submit(self._run, experiment_id, spec, run, only_failed)

    def cancel(self, experiment_id: str) -> bool:
        """Ask an experiment to stop soon; True if it had not begun and never will."""
        with self._lock:
            run = self._runs.get(experiment_id)
        if run is None:
            return False
        run.is_cancelled.set()
        return run.future is not None and run.future.cancel()

    def stop(self) -> None:
        """Ask everything to stop soon; `join` waits for it."""
        self._closing.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def join(self) -> None:
        """Wait until all have stopped; what was under way counts as interrupted."""
        self._thread.shutdown(wait=True)
        interrupt_unfinished(self._place.database)

    def _run(self, experiment_id: str, spec: RunSpec, run: _Run, only_failed: bool) -> None:
        recorder = ExperimentRecorder(
            self._place.database,
            experiment_id,
            self._place.of(experiment_id),
            n_slots=self._place.n_slots,
            sharing=self._place.sharing,
        )
        outcome = attempt(lambda: self._work(experiment_id, spec, run, recorder, only_failed=only_failed))
        with self._lock:
            # another run of it may begin as soon as its row says that this one has ended
            self._runs.pop(experiment_id, None)
        ended = attempt(lambda: self._record(experiment_id, recorder, outcome))
        if isinstance(ended, Failure):
            _log.error(
                "experiment %s: its end was not stored: %s\n%s", experiment_id, ended.error, ended.trace
            )

    def _work(
        self, experiment_id: str, spec: RunSpec, run: _Run, recorder: ExperimentRecorder, *, only_failed: bool
    ) -> Ended:
        if not recorder.start():
            raise JobStopped("cancelled before it began")
        place, folder = self._place, self._place.of(experiment_id)
        shop = Workshop(place.artifacts, place.engine, place.n_slots)

        def should_stop() -> bool:
            return run.is_cancelled.is_set() or self._closing.is_set()

        if (folder / SPEC_FILE).exists():
            return resume(folder, shop, follower=recorder, should_stop=should_stop, only_failed=only_failed)
        return begin(spec, folder, shop, follower=recorder, should_stop=should_stop)

    def _record(self, experiment_id: str, recorder: ExperimentRecorder, outcome: Ended | Failure) -> None:
        if not isinstance(outcome, Failure):
            recorder.done()
            _log.info("experiment %s has ended, %d failures", experiment_id, len(outcome.failures))
        elif self._closing.is_set():
            recorder.stopped(JobState.INTERRUPTED, store.INTERRUPTED)
            _log.warning("experiment %s was interrupted (%s)", experiment_id, outcome.error)
        elif isinstance(outcome.error, JobStopped):
            recorder.stopped(JobState.CANCELLED, "cancelled; what is done is kept, resume goes on")
            _log.info("experiment %s was cancelled", experiment_id)
        else:
            _log.error("experiment %s failed: %s\n%s", experiment_id, outcome.error, outcome.trace)
            recorder.gave_up(str(outcome.error))


def interrupt_unfinished(database: Database) -> None:
    """Mark, and log, the experiments that were under way or waiting when the service ended."""
    with database.write() as session:
        for experiment_id in store.interrupt_unfinished(session):
            _log.warning("experiment %s was interrupted; resume it to go on", experiment_id)
