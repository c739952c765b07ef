"""What the services know of an engine: they submit a function, follow it, and may ask it to stop."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, Protocol, TypeAlias, TypeVar

from shared.engine.guard import Failure, attempt
from shared.progress import SILENT

T = TypeVar("T")
OnProgress: TypeAlias = Callable[[float, str], None]
Report: TypeAlias = tuple[float, str]

ignore_progress: OnProgress = SILENT.report
_log = logging.getLogger(__name__)


class Task(Generic[T]):
    """One piece of work that an engine has taken.

    The last progress is delivered before the task is done, and none after it. Errors in callbacks are logged.
    """

    def __init__(self, name: str, on_progress: OnProgress) -> None:
        self.name = name
        self._on_progress = on_progress
        self._delivered: Report | None = None
        self._future: Future[T] = Future()
        self._ask_to_stop: Callable[[], object] = bool

    def stop(self) -> None:
        """Ask it to end soon with JobStopped: it does so at its next poll; a finished task stays as it is."""
        if not self.done():
            self._ask_to_stop()

    def done(self) -> bool:
        """Say whether it has ended, in whatever way."""
        return self._future.done()

    def result(self, timeout_s: float | None = None) -> T:
        """Wait for what the function returned.

        Raises the function's RecLeakError, JobStopped included; JobFailed with type and text for any other
        error, or because its process died; TimeoutError if it is not done in time, and it goes on then.
        """
        return self._future.result(timeout_s)

    def add_done_callback(self, callback: "Callable[[Task[T]], None]") -> None:
        """Call back once it is done, at once if it is; on a thread of the engine, so keep it short."""
        self._future.add_done_callback(lambda _: callback(self))

    @property
    def ended(self) -> Future[T]:
        """The future that ends with it, to wait for several at once; only engines set it."""
        return self._future

    def stops_with(self, ask_to_stop: Callable[[], object]) -> None:
        """Tell it how it is stopped; for engines."""
        self._ask_to_stop = ask_to_stop

    def deliver(self, report: Report) -> None:
        """Hand on a report, unless it is the one before; for engines."""
        if self.done() or report == self._delivered:
            return
        self._delivered = report
        failed = attempt(lambda: self._on_progress(*report))
        if isinstance(failed, Failure):
            _log.error("the progress callback of %s failed: %s\n%s", self.name, failed.error, failed.trace)

    def settle(self, outcome: T | Failure) -> None:
        """End it, once, with a result or an error; for engines."""
        if not isinstance(outcome, Failure):
            self._future.set_result(outcome)
            return
        if outcome.trace:
            _log.error("%s: %s\n%s", self.name, outcome.error, outcome.trace)
        self._future.set_exception(outcome.error)


class Engine(Protocol):
    """Runs functions `function(*args, progress: Progress)`; plain data in, plain data out."""

    def submit(
        self, function: Callable[..., T], *args: object, on_progress: OnProgress = ignore_progress
    ) -> Task[T]:
        """Take a piece of work; it is called with `progress=`, whose reports arrive at `on_progress`.

        Raises ValueError if the function or an argument cannot be sent to another process; Conflict if the
        engine is closed.
        """
        ...

    def close(self) -> None:
        """Stop all tasks and wait for them; nothing of the engine is left. Closing twice is no error."""
        ...
