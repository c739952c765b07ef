"""What runs inside a worker process. It imports nothing heavy: thread limits must be set before numpy is."""

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import MutableSequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from shared.engine.guard import Failure, attempt
from shared.errors import JobFailed, JobStopped
from shared.progress import Progress

ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
}
_REPORT_EVERY_S = 0.1
_LONGEST_NOTE = 200  # a message below PIPE_BUF (4096 bytes on Linux, 512 at least) is written whole


@dataclass(frozen=True)
class Wires:
    """What connects a worker with its parent.

    stop_flags  one per slot, set by the parent
    reports     (serial, fraction, note) go here
    life        nothing ever comes; it ends when the parent dies or wants its workers gone
    """

    stop_flags: MutableSequence[int]
    reports: "Connection[tuple[int, float, str], object]"
    life: "Connection[object, object]"


class _Worker:
    wires: Wires


def start_worker(wires: Wires) -> None:
    """Prepare a fresh process: no Ctrl-C, one thread, and an end as soon as the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _Worker.wires = wires
    os.environ.update(ONE_THREAD)
    if "numba" not in sys.modules:
        os.environ["NUMBA_NUM_THREADS"] = "1"
    threading.Thread(target=_exit_with_parent, args=(wires.life,), daemon=True).start()


def run_task(slot: int, serial: int, payload: bytes) -> bytes:
    """Run one task and pack (last report or None, result or Failure)."""
    reporter = _Reporter(serial, _Worker.wires.reports)
    progress = Progress(report=reporter, should_stop=lambda: bool(_Worker.wires.stop_flags[slot]))
    outcome = attempt(lambda: _call(payload, progress))
    packed = attempt(lambda: _pack(reporter.last, outcome))
    return pickle.dumps((reporter.last, packed)) if isinstance(packed, Failure) else packed


class _Reporter:
    """Sends a report at most every _REPORT_EVERY_S; the last one travels with the result."""

    def __init__(self, serial: int, reports: "Connection[tuple[int, float, str], object]") -> None:
        self.last: tuple[float, str] | None = None
        self._serial = serial
        self._reports = reports
        self._next_at = 0.0

    def __call__(self, fraction: float, note: str) -> None:
        self.last = (float(fraction), note[:_LONGEST_NOTE])
        now = time.monotonic()
        if now >= self._next_at:
            self._next_at = now + _REPORT_EVERY_S
            self._reports.send((self._serial, *self.last))


def _call(payload: bytes, progress: Progress) -> object:
    if progress.should_stop():
        raise JobStopped("stopped before it began")
    function, args = pickle.loads(payload)
    _limit_loaded_libraries()
    return function(*args, progress=progress)


def _limit_loaded_libraries() -> None:
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    if "numba" in sys.modules:
        sys.modules["numba"].set_num_threads(1)


def _pack(last: tuple[float, str] | None, outcome: object) -> bytes:
    packed = pickle.dumps((last, outcome), protocol=pickle.HIGHEST_PROTOCOL)
    if isinstance(outcome, Failure) and isinstance(attempt(lambda: pickle.loads(packed)), Failure):
        # an error class whose constructor does not take its own text back
        told = JobFailed(f"the job failed with {type(outcome.error).__name__}: {outcome.error}")
        packed = pickle.dumps((last, Failure(told, outcome.trace)))
    return packed


def _exit_with_parent(life: "Connection[object, object]") -> None:
    try:
        life.recv()
    except (EOFError, OSError):
        os._exit(1)
