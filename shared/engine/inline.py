"""Runs work at once, in the thread that submits it."""

import threading
from collections.abc import Callable
from typing import TypeVar

from threadpoolctl import threadpool_limits

from shared.engine.guard import attempt
from shared.engine.port import OnProgress, Task, ignore_progress
from shared.errors import Conflict
from shared.progress import Progress

T = TypeVar("T")


class InlineEngine:
    """An engine without processes, for tests and small work: a task is done when `submit` returns.

    `running` is the innermost task that runs now, so that a progress callback can stop it.
    """

    def __init__(self) -> None:
        self.running: Task[object] | None = None
        self._closed = False

    def submit(
        self, function: Callable[..., T], *args: object, on_progress: OnProgress = ignore_progress
    ) -> Task[T]:
        """Run a function to its end; see `Engine`."""
        if self._closed:
            raise Conflict("the engine is closed; start the service again")
        task: Task[T] = Task(getattr(function, "__qualname__", "task"), on_progress)
        asked = threading.Event()
        task.stops_with(asked.set)
        progress = Progress(
            report=lambda fraction, note: task.deliver((fraction, note)), should_stop=asked.is_set
        )
        outer, self.running = self.running, task  # type: ignore[assignment]  # nobody settles it through here
        try:
            with threadpool_limits(limits=1):  # as in the processes of the other engines: the same sums
                outcome = attempt(lambda: function(*args, progress=progress))
        finally:
            self.running = outer
        task.settle(outcome)
        return task

    def close(self) -> None:
        """Refuse further work."""
        self._closed = True
