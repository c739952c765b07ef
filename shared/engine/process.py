"""Runs work in spawned processes that share the cores, and outlives the death of any of them."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import TypeVar

from shared.engine.packing import ONE_THREAD, pack_work
from shared.engine.pool import Pool
from shared.engine.port import OnProgress, Task, ignore_progress
from shared.errors import Conflict, JobFailed
from shared.parallel import THREADS, threads_of_each

T = TypeVar("T")


class ProcessEngine:
    """An engine of worker processes, started when work arrives and as much of them as the work needs.

    If a worker dies (killed, out of memory), every task that its pool had taken fails with JobFailed, and the
    next `submit` starts a new pool. If this process dies, the workers end by themselves. Ctrl-C reaches this
    process only. Scripts need `if __name__ == "__main__":`, as always with spawned processes.
    n_workers  at least 1
    """

    def __init__(self, n_workers: int) -> None:
        if n_workers < 1:
            raise ValueError(f"n_workers must be at least 1, found {n_workers}")
        self.n_workers = n_workers
        self._pool: Pool | None = None
        self._retiring: list[threading.Thread] = []
        self._closed = False
        self._lock = threading.RLock()

    def submit(
        self, function: Callable[..., T], *args: object, on_progress: OnProgress = ignore_progress
    ) -> Task[T]:
        """Send a top-level function and its arguments to a worker; see `Engine`.

        Callbacks come on one thread of the engine. Raises also Conflict if too many tasks wait,
        JobFailed if the system has no room for a process.
        """
        payload = pack_work(function, args)
        task: Task[T] = Task(getattr(function, "__qualname__", "task"), on_progress)
        with self._lock:
            if self._closed:
                raise Conflict("the engine is closed; start the service again")
            try:
                self._start(task, payload)
            except OSError as error:
                raise JobFailed(
                    f"no worker process could be started ({error.strerror}); free some memory and try again"
                ) from error
        return task

    def close(self, grace_s: float = 5.0) -> None:
        """Stop all tasks; a worker that does not poll within the grace is ended, its task is stopped too.

        Not from a callback of a task.
        """
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close(grace_s)
        for retiring in self._retiring:
            retiring.join()

    def __enter__(self) -> "ProcessEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, task: Task[T], payload: bytes) -> None:
        try:
            self._live_pool().start(task, payload)
        except BrokenProcessPool:  # it broke since we looked
            self._live_pool().start(task, payload)

    def _live_pool(self) -> Pool:
        if self._pool is not None and self._pool.broken:
            # on a thread of its own: a callback of the old pool may be waiting for the lock that we hold
            retiring = threading.Thread(target=self._pool.close, args=(0.0,))
            self._retiring = [*(thread for thread in self._retiring if thread.is_alive()), retiring]
            retiring.start()
            self._pool = None
        if self._pool is None:
            self._pool = Pool(self.n_workers, starting=partial(_start_conditions, self.n_workers))
        return self._pool


@contextmanager
def _start_conditions(n_workers: int) -> Iterator[None]:
    """Give processes that start inside one thread per library, a fair share of threads for our own loops, and
    no Ctrl-C from their first instruction on.

    A spawned process imports the main module, and with it perhaps numpy, before any code of ours runs in it.
    """
    conditions = ONE_THREAD | {THREADS: str(threads_of_each(n_workers))}
    before = {name: os.environ.get(name) for name in conditions}
    os.environ.update(conditions)
    try:
        with _ctrl_c_held_back():
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
