"""What only worker processes of our own can do wrong."""

import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Iterator

import pytest

from shared.engine import ProcessEngine, Task
from shared.errors import JobFailed, JobStopped
from tests.shared.infrastructure import jobs
from tests.shared.infrastructure.engine_worlds import WAIT_S, Pids


@pytest.fixture
def processes() -> Iterator[ProcessEngine]:
    with ProcessEngine(2) as made:
        yield made


def test_an_engine_starts_no_process_before_it_has_work() -> None:
    before = set(multiprocessing.active_children())
    engine = ProcessEngine(2)

    assert set(multiprocessing.active_children()) == before
    engine.close()


def test_closing_stops_everything_and_leaves_no_process() -> None:
    before = set(multiprocessing.active_children())
    engine = ProcessEngine(2)
    pids = Pids()
    tasks = [engine.submit(jobs.until_stopped, on_progress=pids) for _ in range(4)]
    pids.first()

    engine.close()

    assert set(multiprocessing.active_children()) == before
    assert all(isinstance(task.ended.exception(0), JobStopped) for task in tasks)


def test_closing_ends_a_task_that_does_not_poll() -> None:
    before = set(multiprocessing.active_children())
    engine = ProcessEngine(1)
    pids = Pids()
    task = engine.submit(jobs.deaf, on_progress=pids)
    pids.first()

    engine.close(grace_s=0.05)

    assert isinstance(task.ended.exception(0), JobStopped)
    assert set(multiprocessing.active_children()) == before


def test_a_killed_worker_fails_its_task_and_later_tasks_run(processes: ProcessEngine) -> None:
    pids = Pids()
    task = processes.submit(jobs.until_stopped, on_progress=pids)

    os.kill(pids.first(), signal.SIGKILL)

    with pytest.raises(JobFailed, match=r"a worker process died .*resume to try again"):
        task.result(WAIT_S)
    assert processes.submit(jobs.add, 1, 1).result(WAIT_S) == 2


def test_a_job_that_kills_its_process_again_and_again_is_only_that_jobs_problem(
    processes: ProcessEngine,
) -> None:
    for _ in range(3):
        with pytest.raises(JobFailed, match="died"):
            processes.submit(jobs.kill_own_process).result(WAIT_S)

    assert processes.submit(jobs.add, 1, 1).result(WAIT_S) == 2


def test_work_submitted_from_a_callback_after_a_death_runs(processes: ProcessEngine) -> None:
    """The callback runs on the dead pool's own thread while that pool is being replaced."""
    again: list[Task[int]] = []
    ended = threading.Event()

    def resume(_: Task[None]) -> None:
        again.append(processes.submit(jobs.add, 2, 2))
        ended.set()

    processes.submit(jobs.kill_own_process).add_done_callback(resume)

    assert ended.wait(WAIT_S)
    assert again[0].result(WAIT_S) == 4


def test_workers_ignore_ctrl_c(processes: ProcessEngine) -> None:
    assert processes.submit(jobs.interrupt_own_process).result(WAIT_S) == "went on"


@pytest.mark.parametrize("began", [False, True], ids=["first process", "second process"])
def test_a_system_without_room_is_reported_and_work_goes_on_later(
    processes: ProcessEngine, began: bool
) -> None:
    """No new file descriptor can be had for a while, so no process can be started."""
    if began:
        pids = Pids()
        processes.submit(jobs.until_stopped, on_progress=pids)
        pids.first()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        with pytest.raises(JobFailed, match=r"no worker process could be started .*try again"):
            processes.submit(jobs.add, 1, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert processes.submit(jobs.add, 1, 1).result(WAIT_S) == 2


def test_a_useless_number_of_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="n_workers"):
        ProcessEngine(0)
