"""One generation of worker processes, and the thread that listens to them."""

import multiprocessing
import queue
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for_any
from typing import Any

from shared.engine.guard import Failure
from shared.engine.packing import unpack
from shared.engine.port import Report, Task
from shared.engine.worker import Wires, run_task, start_worker
from shared.errors import Conflict, JobFailed, JobStopped, WorkerDied

MOST_TASKS = 4096


@dataclass(frozen=True)
class _Entry:
    task: Task[Any]
    slot: int


class Pool:
    """A process pool that tells progress, stops tasks, and stays broken once a worker has died.

    starting  entered around every start of a process
    """

    def __init__(self, n_workers: int, *, starting: Callable[[], AbstractContextManager[None]]) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.broken = False
        self._starting = starting
        self._closing = False
        self._flags = spawn.RawArray("b", MOST_TASKS)
        self._reports, reports_end = spawn.Pipe(duplex=False)
        life_end, self._life = spawn.Pipe(duplex=False)
        self._woken, self._wake = spawn.Pipe(duplex=False)
        self._ends = (self._reports, reports_end, life_end, self._life, self._woken, self._wake)
        self._executor = ProcessPoolExecutor(
            n_workers, spawn, start_worker, (Wires(self._flags, reports_end, life_end),)
        )
        self._lock = threading.Lock()
        self._entries: dict[int, _Entry] = {}
        self._free_slots = list(range(MOST_TASKS))
        self._next_serial = 0
        self._finished: queue.SimpleQueue[tuple[int, Future[bytes]]] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, name="recleak-engine", daemon=True)
        self._listener.start()

    def start(self, task: Task[Any], payload: bytes) -> None:
        """Send a task to a worker.

        Raises BrokenProcessPool if a worker has died, Conflict if MOST_TASKS wait already, OSError if the
        system has no room for another process.
        """
        serial, slot = self._enter(task)
        try:
            with self._starting():
                future = self._executor.submit(run_task, slot, serial, payload)
        except BrokenProcessPool:
            self.broken = True
            self._leave(serial)
            raise
        except OSError:
            # no process could be started, but the work may be queued: it keeps its slot, with the flag up
            self._flags[slot] = 1
            del self._entries[serial]
            raise
        task.stops_with(lambda: self._stop(serial, future))
        future.add_done_callback(lambda done: self._tell_listener(serial, done))

    def close(self, grace_s: float) -> None:
        """Stop all tasks, and end workers whose tasks do not stop within the grace.

        Tasks of a broken pool are not stopped: a worker's death has ended them, whoever hears of it first.
        """
        assert self._listener is not threading.current_thread(), "an engine cannot be closed from a callback"
        self._closing = not self.broken
        with self._lock:
            tasks = [entry.task for entry in self._entries.values()]
        for task in tasks if self._closing else ():
            task.stop()
        ended = [task.ended for task in tasks]
        if wait(ended, timeout=grace_s).not_done:
            self._life.close()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._wake.send(False)
        self._listener.join()
        for end in self._ends:
            end.close()

    def _enter(self, task: Task[Any]) -> tuple[int, int]:
        with self._lock:
            if not self._free_slots:
                raise Conflict(f"{MOST_TASKS} tasks wait already; submit this one later")
            serial, slot = self._next_serial, self._free_slots.pop()
            self._next_serial += 1
            self._flags[slot] = 0
            self._entries[serial] = _Entry(task, slot)
        return serial, slot

    def _leave(self, serial: int) -> Task[Any]:
        with self._lock:
            entry = self._entries.pop(serial)
            self._free_slots.append(entry.slot)
        return entry.task

    def _stop(self, serial: int, future: Future[bytes]) -> None:
        with self._lock:
            entry = self._entries.get(serial)
            if entry is None:  # its slot may belong to another by now
                return
            self._flags[entry.slot] = 1
        future.cancel()

    def _tell_listener(self, serial: int, future: Future[bytes]) -> None:
        # the executor calls this while it holds a lock of its own: nothing of the user's may run here
        self._finished.put((serial, future))
        self._wake.send(True)

    def _listen(self) -> None:
        goes_on = True
        while goes_on:
            ready = wait_for_any([self._reports, self._woken])
            while self._reports.poll():
                self._hand_on(self._reports.recv())
            if self._woken in ready:
                goes_on = self._woken.recv()
                while not self._finished.empty():
                    self._settle(*self._finished.get())

    def _hand_on(self, message: tuple[int, float, str]) -> None:
        serial, fraction, note = message
        with self._lock:
            entry = self._entries.get(serial)
        if entry is not None:
            entry.task.deliver((fraction, note))

    def _settle(self, serial: int, future: Future[bytes]) -> None:
        last, outcome = self._read(future)
        task = self._leave(serial)
        if last is not None:
            task.deliver(last)
        task.settle(outcome)

    def _read(self, future: Future[bytes]) -> tuple[Report | None, object]:
        try:
            packed = future.result()
        except CancelledError:
            return None, Failure(JobStopped("stopped before it began"), trace="")
        except BrokenProcessPool:
            self.broken = True
            return None, Failure(self._died(), trace="")
        except SystemExit as error:
            return None, Failure(JobFailed(f"the job ended its process with exit {error.code}"), trace="")
        return unpack(packed)

    def _died(self) -> JobFailed:
        if self._closing:
            return JobStopped("stopped because the engine was closed; resume to go on")
        return WorkerDied("a worker process died (killed, or out of memory); resume to try again")
