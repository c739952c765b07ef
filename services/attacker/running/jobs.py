"""Runs attacks in the background, each on a thread that waits for workers and for the target."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from services.attacker import store
from services.attacker.asking.pacing import Stops
from services.attacker.running.recorder import Recorder
from services.attacker.running.run import run_attack
from services.attacker.running.stepping import Resources, Steps
from shared.contract.attacker import AttackSpec
from shared.contract.base import JobState
from shared.engine.guard import Failure, attempt
from shared.errors import JobStopped
from shared.web.logging import Redaction

_log = logging.getLogger(__name__)


@dataclass
class _Run:
    is_cancelled: threading.Event = field(default_factory=threading.Event)
    future: "Future[None] | None" = None


class Jobs:
    """All attacks under way; at most `concurrent_attacks` at once, the others wait."""

    def __init__(self, resources: Resources, *, concurrent_attacks: int) -> None:
        self._resources = resources
        self._threads = ThreadPoolExecutor(concurrent_attacks, thread_name_prefix="recleak-attack")
        self._runs: dict[str, _Run] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()

    def start(self, attack_id: str, spec: AttackSpec) -> None:
        """Begin or go on with an attack whose row is stored as queued."""
        run = _Run()
        with self._lock:
            self._runs[attack_id] = run
            run.future = self._threads.submit(self._run, attack_id, spec, run)

    def cancel(self, attack_id: str) -> bool:
        """Ask an attack to stop soon; True if it had not begun and never will."""
        with self._lock:
            run = self._runs.get(attack_id)
        if run is None:
            return False
        run.is_cancelled.set()
        return run.future is not None and run.future.cancel()

    def close(self) -> None:
        """Stop everything; what was under way counts as interrupted."""
        self._closing.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._resources.engine.close()
        self._threads.shutdown(wait=True)
        interrupt_unfinished(self._resources)

    def _run(self, attack_id: str, spec: AttackSpec, run: _Run) -> None:
        recorder = Recorder(self._resources.database, attack_id)
        outcome = attempt(lambda: self._attack(attack_id, spec, run, recorder))
        with self._lock:
            # another run of the attack may begin as soon as its row says that this one has ended
            self._runs.pop(attack_id, None)
        hide = Redaction(self._resources.keys.known((spec.target.key_env, _oracle_key_env(spec))))
        ended = attempt(lambda: self._record(attack_id, recorder, outcome, hide))
        if isinstance(ended, Failure):
            _log.error("attack %s: its end was not stored: %s\n%s", attack_id, ended.error, ended.trace)

    def _attack(self, attack_id: str, spec: AttackSpec, run: _Run, recorder: Recorder) -> str:
        if not recorder.start():
            raise JobStopped("cancelled before it began")
        stops = Stops(
            soon=lambda: run.is_cancelled.is_set() or self._closing.is_set(), now=self._closing.is_set
        )
        return run_attack(spec, Steps(attack_id, self._resources, recorder, stops))

    def _record(self, attack_id: str, recorder: Recorder, outcome: str | Failure, hide: Redaction) -> None:
        if not isinstance(outcome, Failure):
            recorder.done(outcome)
            _log.info("attack %s is done", attack_id)
        elif self._closing.is_set():
            recorder.stopped(JobState.INTERRUPTED, store.INTERRUPTED)
            _log.warning("attack %s was interrupted (%s)", attack_id, outcome.error)
        elif isinstance(outcome.error, JobStopped):
            recorder.stopped(JobState.CANCELLED, "cancelled; what was stored is kept, resume goes on")
            _log.info("attack %s was cancelled", attack_id)
        else:
            # a target may have put the key that it was sent into its answer
            _log.error("attack %s failed: %s\n%s", attack_id, hide(str(outcome.error)), hide(outcome.trace))
            recorder.failed(hide(str(outcome.error)))


def _oracle_key_env(spec: AttackSpec) -> str | None:
    return None if spec.evaluate is None else spec.evaluate.key_env


def interrupt_unfinished(resources: Resources) -> None:
    """Mark, and log, the attacks that were under way or waiting when the service ended."""
    with resources.database.write() as session:
        for attack_id in store.interrupt_unfinished(session):
            _log.warning("attack %s was interrupted; resume it to go on", attack_id)
