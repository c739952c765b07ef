"""Jobs that need each other's artefacts, run on an engine: each once, the ready ones side by side."""

import queue
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.artifacts import ArtifactStore
from shared.engine.port import Engine, Task
from shared.errors import JobStopped, NotFound, RecLeakError, WorkerDied

N_TRIES = 3
"""How often a job is begun whose worker process dies under it."""
POLL_S = 0.2


@dataclass(frozen=True)
class Job:
    """One artefact to be made.

    name      of the artefact; a job whose artefact is stored is done
    label     what a person reads
    kind      what jobs of about the same length share, for the time left
    function  called in a worker as function(*arguments, progress=...); it stores the artefact
    needs     names of the artefacts that must be stored before
    weight    about how many seconds it takes; heavy ones begin first
    """

    name: str
    label: str
    kind: str
    function: Callable[..., None]
    arguments: tuple[Any, ...]
    needs: tuple[str, ...] = ()
    weight: float = 1.0


class Observer(Protocol):
    """Whoever follows a run."""

    def began(self, job: Job) -> None:
        """A worker has it."""

    def ended(self, job: Job) -> None:
        """Its artefact is stored."""

    def failed(self, job: Job, error: RecLeakError) -> None:
        """It will not be made, nor whatever needs it."""


@dataclass
class _State:
    """Who waits, who runs, what went wrong."""

    waiting: dict[str, Job]
    done: set[str]
    running: dict[str, Task[None]] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    failures: dict[str, RecLeakError] = field(default_factory=dict)

    def ready(self) -> list[Job]:
        """Give the jobs that could begin now, heavy ones first."""
        found = [job for job in self.waiting.values() if self.done.issuperset(job.needs)]
        return sorted(found, key=lambda job: -job.weight)

    def doomed(self) -> list[tuple[Job, RecLeakError]]:
        """Give the jobs that wait for something that failed."""
        return [
            (job, self.failures[name])
            for job in self.waiting.values()
            for name in job.needs
            if name in self.failures
        ]


def run_jobs(
    jobs: Sequence[Job],
    *,
    store: ArtifactStore,
    engine: Engine,
    n_slots: int,
    observer: Observer,
    should_stop: Callable[[], bool],
) -> Mapping[str, RecLeakError]:
    """Make every artefact that is not stored yet; a failed job stops only what needs it.

    n_slots  how many jobs the engine is given at once: with its number of workers, the death of one costs
             no job that had not begun
    returns  errors by artefact name, empty if all is made
    Raises JobStopped if asked to stop; what is stored is kept.
    """
    by_name = {job.name: job for job in jobs}
    done = {name for name in {*by_name, *(need for job in jobs for need in job.needs)} if store.has(name)}
    state = _State({name: job for name, job in by_name.items() if name not in done}, done)
    ends: queue.SimpleQueue[Job] = queue.SimpleQueue()
    while state.waiting or state.running:
        if should_stop():
            _stop_all(state, ends)
            raise JobStopped("stopped; resume goes on with what is not stored yet")
        _fill(state, engine, ends, n_slots, observer)
        if not state.running:
            _give_up(state, observer)
            break
        try:
            _settle(ends.get(timeout=POLL_S), state, observer)
        except queue.Empty:
            continue
    return state.failures


def _fill(
    state: _State, engine: Engine, ends: "queue.SimpleQueue[Job]", n_slots: int, observer: Observer
) -> None:
    while doomed := state.doomed():
        for job, cause in doomed:
            if state.waiting.pop(job.name, None) is not None:
                state.failures[job.name] = cause
                observer.failed(job, cause)
    for job in state.ready()[: max(n_slots - len(state.running), 0)]:
        del state.waiting[job.name]
        state.tries[job.name] = state.tries.get(job.name, 0) + 1
        observer.began(job)
        task = engine.submit(job.function, *job.arguments)
        state.running[job.name] = task
        task.add_done_callback(lambda _, job=job: ends.put(job))  # type: ignore[misc]


def _settle(job: Job, state: _State, observer: Observer) -> None:
    task = state.running.pop(job.name)
    try:
        task.result()
    except WorkerDied as error:
        if state.tries[job.name] < N_TRIES:
            state.waiting[job.name] = job
            return
        _fail(job, error, state, observer)
    except RecLeakError as error:
        _fail(job, error, state, observer)
    else:
        state.done.add(job.name)
        observer.ended(job)


def _fail(job: Job, error: RecLeakError, state: _State, observer: Observer) -> None:
    state.failures[job.name] = error
    observer.failed(job, error)


def _give_up(state: _State, observer: Observer) -> None:
    """Fail the jobs that wait for an artefact which is neither stored nor made by any job."""
    for job in state.waiting.values():
        missing = ", ".join(name for name in job.needs if name not in state.done)
        _fail(job, NotFound(f"{job.label} needs {missing}, which no job makes"), state, observer)
    state.waiting.clear()


def _stop_all(state: _State, ends: "queue.SimpleQueue[Job]") -> None:
    for task in state.running.values():
        task.stop()
    for _ in range(len(state.running)):
        ends.get()
