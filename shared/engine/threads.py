"""Runs work on threads of this process: no process is started, nothing is copied, one load of machine code.

Our compiled loops release the interpreter's lock, so trainings run side by side; what is left to Python, such
as reading a dataset, takes turns.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

from threadpoolctl import threadpool_limits

from shared.engine.guard import Failure, attempt
from shared.engine.packing import Reporter, limit_loaded_libraries
from shared.engine.port import OnProgress, Report, Task, ignore_progress
from shared.errors import Conflict, JobFailed, JobStopped
from shared.parallel import limited_to, threads_of_each
from shared.progress import Progress

T = TypeVar("T")


@dataclass(eq=False)
class _Entry:
    """A task that has not ended, what it does, whether a thread has it, and whether it was asked to stop."""

    task: Task[Any]
    work: Callable[[Progress], Any]
    has_begun: bool = False
    asked: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class _End:
    outcome: object


_News: TypeAlias = "tuple[_Entry, Report | _End]"


class ThreadEngine:
    """An engine of threads, started when work arrives and as many of them as the work needs.

    Arguments and results are handed over as they are, not copied: neither side may change them afterwards.
    All tasks share this process: one that runs out of memory, or crashes in machine code, takes everything
    with it, and one that never polls cannot be ended, only left alone. While a task runs, libraries of linear
    algebra have one thread in the whole process. Scripts need no `if __name__ == "__main__":`.
    n_workers  at least 1
    """

    def __init__(self, n_workers: int) -> None:
        if n_workers < 1:
            raise ValueError(f"n_workers must be at least 1, found {n_workers}")
        self.n_workers = n_workers
        self._lock = threading.Lock()
        self._entries: dict[_Entry, None] = {}
        self._waiting: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._workers: list[threading.Thread] = []
        self._one_thread = _OneThread()
        self._news: queue.SimpleQueue[_News | None] = queue.SimpleQueue()
        self._teller = threading.Thread(target=self._tell, name="recleak-engine", daemon=True)
        self._teller.start()
        self._closed = False

    def submit(
        self, function: Callable[..., T], *args: object, on_progress: OnProgress = ignore_progress
    ) -> Task[T]:
        """Give a function and its arguments to a thread; see `Engine`.

        Callbacks come on one thread of the engine. What cannot be sent to another process is not refused.
        """
        task: Task[T] = Task(getattr(function, "__qualname__", "task"), on_progress)
        entry = _Entry(task, lambda progress: function(*args, progress=progress))
        task.stops_with(lambda: self._stop(entry))
        with self._lock:
            if self._closed:
                raise Conflict("the engine is closed; start the service again")
            self._entries[entry] = None
            if len(self._workers) < min(self.n_workers, len(self._entries)):
                worker = threading.Thread(target=self._run_all, name="recleak-worker", daemon=True)
                worker.start()
                self._workers.append(worker)
            self._waiting.put(entry)
        return task

    def close(self, grace_s: float = 5.0) -> None:
        """Stop all tasks; one that does not poll within the grace counts as stopped, and its thread goes on
        until it polls or ends, or the process does.

        Not from a callback of a task.
        """
        assert self._teller is not threading.current_thread(), "an engine cannot be closed from a callback"
        with self._lock:
            if self._closed:
                return
            self._closed = True
            entries = list(self._entries)
        for entry in entries:
            self._stop(entry)
        late = wait([entry.task.ended for entry in entries], timeout=grace_s).not_done
        closed = Failure(JobStopped("stopped because the engine was closed; resume to go on"), trace="")
        for entry in entries:
            self._news.put((entry, _End(closed)))
        self._news.put(None)
        self._teller.join()
        for _ in self._workers:
            self._waiting.put(None)
        for worker in () if late else self._workers:
            worker.join()

    def __enter__(self) -> "ThreadEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _stop(self, entry: _Entry) -> None:
        with self._lock:
            entry.asked.set()
            has_begun = entry.has_begun
        if not has_begun:
            self._news.put((entry, _End(Failure(JobStopped("stopped before it began"), trace=""))))

    def _run_all(self) -> None:
        while (entry := self._waiting.get()) is not None:
            with self._lock:
                entry.has_begun = not entry.asked.is_set()
            if entry.has_begun:
                self._run(entry)

    def _run(self, entry: _Entry) -> None:
        limit_loaded_libraries()
        reporter = Reporter(lambda fraction, note: self._news.put((entry, (fraction, note))))
        with self._one_thread, limited_to(threads_of_each(self.n_workers)):
            outcome = _outcome(entry, Progress(report=reporter, should_stop=entry.asked.is_set))
        if reporter.last is not None:
            self._news.put((entry, reporter.last))
        self._news.put((entry, _End(outcome)))

    def _tell(self) -> None:
        while (news := self._news.get()) is not None:
            entry, what = news
            if not isinstance(what, _End):
                entry.task.deliver(what)
                continue
            with self._lock:
                is_first = entry in self._entries
                self._entries.pop(entry, None)
            if is_first:  # who was left alone, or stopped twice, has ended already
                entry.task.settle(what.outcome)


class _OneThread:
    """Libraries of linear algebra have one thread while anybody is inside: as elsewhere, so the same sums.

    Their number of threads is one of the whole process, so it comes back when the last one leaves.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_inside = 0
        self._before: threadpool_limits | None = None

    def __enter__(self) -> None:
        with self._lock:
            limits = threadpool_limits(limits=1)
            self._before = self._before or limits
            self._n_inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0 and self._before is not None:
                self._before.restore_original_limits()
                self._before = None


def _outcome(entry: _Entry, progress: Progress) -> object:
    try:
        return attempt(lambda: entry.work(progress))
    except SystemExit as error:  # it would end the thread
        return Failure(JobFailed(f"the job ended its thread with exit {error.code}"), trace="")
