"""What happens to one attack, written down: its row, its steps and its events."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.attacker import store
from services.attacker.tables import AttackRow
from shared.contract.attacker import Judgement, Stage
from shared.contract.base import JobState
from shared.database import Database

_EVENT_EVERY_S = 0.5


class Step(StrEnum):
    """What is stored by itself; a stage has one or two."""

    JUDGED_USERS = "judged users"
    QUERY = "query"
    ITEM_VECTORS = "item vectors"
    SHADOW_ITEM_VECTORS = "shadow item vectors"
    SHADOW = "shadow"
    FEATURES = "features"
    TRAIN = "train"
    SCORE = "score"
    EVALUATE = "evaluate"


@dataclass(frozen=True)
class _Place:
    stage: Stage
    start: float
    end: float


PLACES: Mapping[Step, _Place] = {
    Step.JUDGED_USERS: _Place(Stage.QUERY, 0.0, 0.05),
    Step.QUERY: _Place(Stage.QUERY, 0.05, 0.35),
    Step.ITEM_VECTORS: _Place(Stage.ITEM_VECTORS, 0.35, 0.42),
    Step.SHADOW_ITEM_VECTORS: _Place(Stage.ITEM_VECTORS, 0.42, 0.45),
    Step.SHADOW: _Place(Stage.SHADOW, 0.45, 0.8),
    Step.FEATURES: _Place(Stage.FEATURES, 0.8, 0.83),
    Step.TRAIN: _Place(Stage.TRAIN, 0.83, 0.9),
    Step.SCORE: _Place(Stage.SCORE, 0.9, 0.97),
    Step.EVALUATE: _Place(Stage.EVALUATE, 0.97, 1.0),
}
"""Where each step lies in the whole of an attack."""


class Recorder:
    """Writes down how one attack goes on: every change of step and state, and progress twice a second."""

    def __init__(
        self, database: Database, attack_id: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._attack_id = attack_id
        self._clock = clock
        self._lock = threading.Lock()
        self._place = PLACES[Step.JUDGED_USERS]
        self._next_at = 0.0

    def begin(self, step: Step, artifact: str | None) -> None:
        """Say that a step begins, and what it will make or use."""
        place = PLACES[step]
        with self._lock, self._database.write() as session:
            self._place = place
            self._next_at = self._clock() + _EVENT_EVERY_S
            store.begin_step(session, self._attack_id, step, artifact)
            row = store.attack(session, self._attack_id)
            row.stage, row.fraction, row.note = place.stage, place.start, f"{step}"
            store.tell(session, row)

    def progress(self, fraction: float, note: str) -> None:
        """Say how far the step is; told at most twice a second."""
        with self._lock:
            now = self._clock()
            if now < self._next_at:
                return
            self._next_at = now + _EVENT_EVERY_S
            whole = self._place.start + (self._place.end - self._place.start) * min(max(fraction, 0.0), 1.0)
            with self._database.write() as session:
                row = store.attack(session, self._attack_id)
                row.fraction, row.note = whole, note
                store.tell(session, row)

    def finish(
        self,
        step: Step,
        seconds: float,
        *,
        data_hashes: Mapping[str, str] | None = None,
        seal: str | None = None,
        judgement: Judgement | None = None,
    ) -> None:
        """Say that a step's result is stored, with what it adds to the attack's row."""
        with self._database.write() as session:
            store.finish_step(session, self._attack_id, step, seconds)
            row = store.attack(session, self._attack_id)
            if data_hashes is not None:
                row.data_hashes = dict(data_hashes)
            if seal is not None:
                row.seal = seal
            if judgement is not None:
                row.judgement = judgement.model_dump(mode="json")

    def chunk(self, number: int, artifact: str, n_lists: int, *, deployment: str | None) -> None:
        """Say that a chunk of lists is stored, and which deployment gave it, if the target says so."""
        with self._database.write() as session:
            store.add_chunk(session, self._attack_id, number, artifact, n_lists)
            row = store.attack(session, self._attack_id)
            row.lists += n_lists
            row.deployment = deployment

    def account(self, *, requests: int, repeats: int, seconds: float) -> None:
        """Add to what was asked of the target."""
        with self._database.write() as session:
            row = store.attack(session, self._attack_id)
            row.requests += requests
            row.repeats += repeats
            row.query_seconds += seconds

    def start(self) -> bool:
        """Say that the attack runs; False if it was cancelled before."""
        with self._database.write() as session:
            row = store.attack(session, self._attack_id)
            if row.state != JobState.QUEUED:
                return False
            row.state, row.note = JobState.RUNNING, "starting"
            store.tell(session, row)
        return True

    def done(self, note: str) -> None:
        """Say that the attack is done."""
        self._end(JobState.DONE, note, error=None)

    def stopped(self, state: JobState, note: str) -> None:
        """Say that the attack was cancelled or interrupted."""
        self._end(state, note, error=None if state is JobState.CANCELLED else note)

    def failed(self, error: str) -> None:
        """Say why the attack failed; the stage stays where it was."""
        self._end(JobState.FAILED, "failed", error=error)

    def _end(self, state: JobState, note: str, *, error: str | None) -> None:
        with self._lock, self._database.write() as session:
            row: AttackRow = store.attack(session, self._attack_id)
            if state is JobState.DONE:
                row.stage, row.fraction = None, 1.0
            store.end(session, row, state, note, error=error)
