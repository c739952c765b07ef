"""What runs inside a worker of a Dask cluster."""

import time

from distributed import Worker, get_worker
from distributed.utils import sync

from shared.engine.packing import limit_threads_from_here, pack_failure, run_packed
from shared.engine.surroundings import Surroundings, objections, worker_state
from shared.errors import JobFailed

TOPIC = "recleak-progress"
"""Of messages (task id, fraction, note); a fraction of None says that a worker begins with the task."""
_POLL_EVERY_S = 0.1


def run_on_worker(task_id: str, payload: bytes, ours: Surroundings) -> bytes:
    """Do packed work and pack (last report or None, result or Failure); workers that differ refuse it."""
    worker = get_worker()
    if found := objections(ours, worker_state(), n_threads=worker.state.nthreads):
        return pack_failure(JobFailed(f"the worker {worker.address} cannot do this: {'; '.join(found)}"))

    def tell(fraction: float | None, note: str) -> None:
        worker.log_event(TOPIC, (task_id, fraction, note))

    limit_threads_from_here()
    tell(None, "")
    try:
        return run_packed(payload, send=tell, should_stop=_StopFlag(worker, task_id))
    except SystemExit as error:  # it would end the worker
        return pack_failure(JobFailed(f"the job ended its process with exit {error.code}"))


class _StopFlag:
    """Says whether the task should stop: somebody asked for it, or nobody waits for it any more.

    The first is an event at the scheduler, asked for at most every _POLL_EVERY_S (0.3 ms on one machine).
    The second is what Dask tells a worker when a task is canceled or its client is gone; it does no more.
    """

    def __init__(self, worker: Worker, task_id: str) -> None:
        self._worker = worker
        self._task_id = task_id
        self._key = worker.get_current_task()
        self._is_up = False
        self._next_at = 0.0

    def __call__(self) -> bool:
        now = time.monotonic()
        if not self._is_up and now >= self._next_at:
            self._next_at = now + _POLL_EVERY_S
            self._is_up = self._is_unwanted() or self._is_asked_for()
        return self._is_up

    def _is_unwanted(self) -> bool:
        state = self._worker.state.tasks.get(self._key)
        return state is None or state.state == "cancelled"

    def _is_asked_for(self) -> bool:
        try:
            return bool(sync(self._worker.loop, self._worker.scheduler.event_is_set, name=self._task_id))
        except OSError:  # the scheduler is out of reach: without it the worker ends anyway
            return False
