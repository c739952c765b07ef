"""Runs work on a Dask cluster: processes on this and other machines, which a scheduler hands work to."""

import asyncio
import queue
import threading
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

from distributed import KilledWorker

from shared.engine.cluster import connect
from shared.engine.cluster_worker import TOPIC, run_on_worker
from shared.engine.guard import Failure, attempt
from shared.engine.packing import pack_work, unpack
from shared.engine.port import OnProgress, Report, Task, ignore_progress
from shared.engine.surroundings import surroundings
from shared.errors import Conflict, JobFailed, JobStopped, WorkerDied

T = TypeVar("T")
_News: TypeAlias = "tuple[str, Report | Future[list[bytes]] | None]"  # task id; a report, its end, its begin

_CLOSING_S = 5.0


@dataclass
class _Entry:
    """A task that the cluster has.

    future      Dask's; the cluster forgets the task when it is dropped
    has_begun   a worker said so
    is_stopped  somebody asked it to stop
    """

    task: Task[Any]
    future: Any
    has_begun: bool = False
    is_stopped: bool = False


class DaskEngine:
    """An engine whose workers are those of a Dask cluster that runs already.

    Arguments and results travel through the scheduler, so they should be small: work runs on artefact paths,
    and the folders behind them must be shared by all machines and have the same absolute path on each.

    If a worker dies (killed, out of memory), Dask begins its task again elsewhere; a task that has taken
    several workers with it (`distributed.scheduler.allowed-failures`, 3, and one) fails with WorkerDied.
    Tasks that only waited on a worker are counted with the one that ran: submit as many at a time as there
    are workers where that matters. If this process dies, its tasks stop at their next poll.

    address            tcp://HOST:PORT or tls://HOST:PORT
    connect_timeout_s  how long to wait for the scheduler, and again for its first worker
    Raises BadInput if the address cannot be one or if the workers differ from us; ServiceUnreachable.
    """

    def __init__(self, address: str, *, connect_timeout_s: float = 30.0) -> None:
        self.address = address
        self._client = connect(address, timeout_s=connect_timeout_s)
        self._name = uuid.uuid4().hex
        self._n_submitted = 0
        self._closed = False
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._news: queue.SimpleQueue[_News | None] = queue.SimpleQueue()
        self._client.subscribe_topic(TOPIC, self._hear)
        self._listener = threading.Thread(target=self._listen, name="recleak-cluster", daemon=True)
        self._listener.start()

    @property
    def n_workers(self) -> int:
        """How many workers the cluster has now, each of which runs one task at a time."""
        return len(self._client.nthreads())

    def submit(
        self, function: Callable[..., T], *args: object, on_progress: OnProgress = ignore_progress
    ) -> Task[T]:
        """Send a top-level function and its arguments to a worker; see `Engine`.

        Equal submits are tasks of their own. Callbacks come on one thread of the engine. Raises also
        JobFailed if the scheduler is gone.
        """
        payload = pack_work(function, args)
        task: Task[T] = Task(getattr(function, "__qualname__", "task"), on_progress)
        with self._lock:
            self._check_usable()
            self._n_submitted += 1
            task_id = f"{self._name}-{self._n_submitted}"
            future = self._client.submit(
                run_on_worker, task_id, payload, dict(surroundings()), key=f"recleak-{task_id}", pure=False
            )
            self._entries[task_id] = _Entry(task, future)
            fetched = self._do(self._client.gather([future], asynchronous=True))
        task.stops_with(lambda: self._stop(task_id))
        fetched.add_done_callback(lambda done: self._news.put((task_id, done)))
        return task

    def close(self, grace_s: float = _CLOSING_S) -> None:
        """Stop all tasks and leave the cluster.

        A task that does not poll within the grace is stopped too as far as we are concerned; its worker is
        busy with it until it polls or ends. Not from a callback of a task.
        """
        assert self._listener is not threading.current_thread(), "an engine cannot be closed from a callback"
        with self._lock:
            if self._closed:
                return
            self._closed = True
            entries = list(self._entries.values())
        for entry in entries:
            entry.task.stop()
        wait([entry.task.ended for entry in entries], timeout=grace_s)
        self._news.put(None)
        self._listener.join()
        self._client.close(timeout=_CLOSING_S)

    def __enter__(self) -> "DaskEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_usable(self) -> None:
        if self._closed:
            raise Conflict("the engine is closed; start the service again")
        if self._client.status != "running":
            raise JobFailed(f"the Dask scheduler at {self.address} is gone; start it and this service again")

    def _do(self, action: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(action, self._client.loop.asyncio_loop)

    def _stop(self, task_id: str) -> None:
        with self._lock:
            entry = self._entries.get(task_id)
            if entry is None:
                return
            entry.is_stopped = True
            if entry.has_begun:  # canceling would tell us at once that it has ended, and it would go on
                self._do(self._client.scheduler.event_set(name=task_id))
            else:
                self._do(self._client.cancel([entry.future], asynchronous=True))

    def _hear(self, event: tuple[float, tuple[str, float | None, str]]) -> None:
        # on the client's own thread, where nothing may wait
        _, (task_id, fraction, note) = event
        self._news.put((task_id, None if fraction is None else (fraction, note)))

    def _listen(self) -> None:
        while (news := self._news.get()) is not None:
            task_id, what = news
            with self._lock:
                entry = self._entries.get(task_id)
            if entry is None:  # it has ended, or is another engine's
                continue
            if isinstance(what, Future):
                self._settle(task_id, entry, what)
            elif what is not None:
                entry.task.deliver(what)
            else:
                with self._lock:
                    entry.has_begun = True
        for entry in self._leave_all():
            entry.task.settle(Failure(self._lost(entry), trace=""))

    def _settle(self, task_id: str, entry: _Entry, fetched: "Future[list[bytes]]") -> None:
        outcome = attempt(lambda: self._read(entry, fetched))
        with self._lock:
            del self._entries[task_id]
            if entry.is_stopped and entry.has_begun and self._client.status == "running":
                self._do(self._client.scheduler.event_clear(name=task_id))
        if isinstance(outcome, Failure):
            entry.task.settle(outcome)
            return
        last, result = outcome
        if last is not None:
            entry.task.deliver(last)
        entry.task.settle(result)

    def _read(self, entry: _Entry, fetched: "Future[list[bytes]]") -> tuple[Report | None, object]:
        try:
            return unpack(fetched.result()[0])
        except KilledWorker as error:
            raise WorkerDied(
                "worker processes died again and again (killed, or out of memory); resume to try again"
            ) from error
        except CancelledError as error:
            raise self._lost(entry) from error

    def _lost(self, entry: _Entry) -> JobFailed:
        if self._closed:
            return JobStopped("stopped because the engine was closed; resume to go on")
        if entry.is_stopped:
            return JobStopped("stopped before it began")
        return WorkerDied(f"the Dask scheduler at {self.address} lost this job; resume to try again")

    def _leave_all(self) -> list[_Entry]:
        with self._lock:
            entries, self._entries = list(self._entries.values()), {}
        return entries
