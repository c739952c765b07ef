"""What is particular about threads of our own: shared objects, a shared process, and no end by force."""

import threading
from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_info

from shared.engine import ThreadEngine
from shared.errors import JobStopped
from tests.shared.infrastructure import jobs
from tests.shared.infrastructure.engine_worlds import WAIT_S, Pids


@pytest.fixture
def engine() -> Iterator[ThreadEngine]:
    with ThreadEngine(2) as made:
        yield made


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "recleak-worker"]


def test_threads_are_started_as_work_needs_them_and_gone_once_the_engine_is_closed() -> None:
    engine = ThreadEngine(3)
    assert workers() == []

    engine.submit(jobs.add, 1, 1).result(WAIT_S)
    assert len(workers()) == 1
    for task in [engine.submit(jobs.until_stopped) for _ in range(5)]:
        task.stop()
    assert len(workers()) <= 3
    engine.close()

    assert workers() == []


def test_arguments_and_results_are_handed_over_not_copied(engine: ThreadEngine) -> None:
    given = object()

    assert engine.submit(jobs.give_back, given).result(WAIT_S) is given


def test_tasks_run_side_by_side(engine: ThreadEngine) -> None:
    meeting = threading.Barrier(2)

    tasks = [engine.submit(jobs.meet, meeting) for _ in range(2)]

    assert {task.result(WAIT_S) for task in tasks} == {0, 1}


def test_callbacks_of_all_tasks_come_on_one_thread(engine: ThreadEngine) -> None:
    heard: set[threading.Thread] = set()
    tasks = [
        engine.submit(jobs.report_often, 10, on_progress=lambda *_: heard.add(threading.current_thread()))
        for _ in range(4)
    ]
    for task in tasks:
        task.add_done_callback(lambda _: heard.add(threading.current_thread()))
        task.result(WAIT_S)

    engine.close()

    assert len(heard - {threading.current_thread()}) == 1


def test_libraries_have_one_thread_each_while_a_task_runs_and_their_own_afterwards(
    engine: ThreadEngine,
) -> None:
    before = threadpool_info()
    pids = Pids()
    other = engine.submit(jobs.until_stopped, on_progress=pids)
    pids.first()

    found = engine.submit(jobs.library_threads).result(WAIT_S)
    assert found and set(found) == {1}
    assert {library["num_threads"] for library in threadpool_info()} == {1}  # the other task still runs
    other.stop()
    engine.close()

    assert threadpool_info() == before


def test_a_task_that_does_not_poll_is_left_alone_when_the_engine_is_closed() -> None:
    engine, free = ThreadEngine(1), threading.Event()
    pids = Pids()
    task = engine.submit(jobs.deaf_until, free, on_progress=pids)
    pids.first()

    engine.close(grace_s=0.05)

    with pytest.raises(JobStopped, match="the engine was closed"):
        task.result(0)
    (left,) = workers()
    free.set()
    left.join(WAIT_S)
    assert not left.is_alive()


def test_a_useless_number_of_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="n_workers"):
        ThreadEngine(0)
