"""Work as bytes, and how a worker does it.

It imports nothing heavy: thread limits must be set before numpy is.
"""

import os
import pickle
import sys
import time
from collections.abc import Callable

from shared.engine.guard import Failure, attempt
from shared.engine.port import Report
from shared.errors import JobFailed, JobStopped, RecLeakError
from shared.parallel import THREADS
from shared.progress import Progress

ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
}
_REPORT_EVERY_S = 0.1
_LONGEST_NOTE = 200  # a message below PIPE_BUF (4096 bytes on Linux, 512 at least) is written whole


def pack_work(function: Callable[..., object], args: tuple[object, ...]) -> bytes:
    """Pack a top-level function and its arguments. Raises ValueError if that is not plain data."""
    try:
        return pickle.dumps((function, args), protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(f"the function and its arguments must be plain data: {error}") from error


def run_packed(
    payload: bytes, *, send: Callable[[float, str], None], should_stop: Callable[[], bool]
) -> bytes:
    """Do packed work on one thread per library, and pack (last report or None, result or Failure).

    send  gets a report now and then; the last one travels with the result
    """
    reporter = Reporter(send)
    progress = Progress(report=reporter, should_stop=should_stop)
    outcome = attempt(lambda: _call(payload, progress))
    packed = attempt(lambda: _pack(reporter.last, outcome))
    return pickle.dumps((reporter.last, packed)) if isinstance(packed, Failure) else packed


def unpack(packed: bytes) -> tuple[Report | None, object]:
    """Give the last report, if it is not delivered yet, and a result or a Failure."""
    unpacked = attempt(lambda: pickle.loads(packed))
    return (None, unpacked) if isinstance(unpacked, Failure) else unpacked


def pack_failure(error: RecLeakError) -> bytes:
    """Pack an error in place of a result."""
    return pickle.dumps((None, Failure(error, trace="")))


def limit_threads_from_here() -> None:
    """Have libraries not loaded yet use one thread each, and our loops too if nobody gave them more."""
    os.environ.update(ONE_THREAD)
    os.environ.setdefault(THREADS, "1")
    if "numba" not in sys.modules:
        os.environ["NUMBA_NUM_THREADS"] = "1"


def limit_loaded_libraries() -> None:
    """Have numba, if it is loaded, use one thread for what this thread calls."""
    if "numba" in sys.modules:
        sys.modules["numba"].set_num_threads(1)


class Reporter:
    """Sends a report at most every _REPORT_EVERY_S when it is called, and keeps the last."""

    def __init__(self, send: Callable[[float, str], None]) -> None:
        self.last: Report | None = None
        self._send = send
        self._next_at = 0.0

    def __call__(self, fraction: float, note: str) -> None:
        """Take a report, see `Progress.report`."""
        self.last = (float(fraction), note[:_LONGEST_NOTE])
        now = time.monotonic()
        if now >= self._next_at:
            self._next_at = now + _REPORT_EVERY_S
            self._send(*self.last)


def _call(payload: bytes, progress: Progress) -> object:
    if progress.should_stop():
        raise JobStopped("stopped before it began")
    function, args = pickle.loads(payload)
    limit_loaded_libraries()
    return function(*args, progress=progress)


def _pack(last: Report | None, outcome: object) -> bytes:
    packed = pickle.dumps((last, outcome), protocol=pickle.HIGHEST_PROTOCOL)
    if isinstance(outcome, Failure) and isinstance(attempt(lambda: pickle.loads(packed)), Failure):
        # an error class whose constructor does not take its own text back
        told = JobFailed(f"the job failed with {type(outcome.error).__name__}: {outcome.error}")
        packed = pickle.dumps((last, Failure(told, outcome.trace)))
    return packed
