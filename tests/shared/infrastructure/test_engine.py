"""One contract for both engines; and what only processes can do wrong."""

import logging
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.engine import Engine, InlineEngine, ProcessEngine, Task
from shared.errors import BadInput, Conflict, JobFailed, JobStopped
from tests.shared.infrastructure import jobs

ROOT = Path(__file__).parents[3]
WAIT_S = 30.0
ENGINES: dict[str, Callable[[], Engine]] = {"inline": InlineEngine, "process": lambda: ProcessEngine(2)}


@pytest.fixture(params=ENGINES, scope="module")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    made = ENGINES[request.param]()
    yield made
    made.close()


@pytest.fixture
def processes() -> Iterator[ProcessEngine]:
    with ProcessEngine(2) as made:
        yield made


class Pids:
    """Collects the process ids that jobs report, and waits for the first."""

    def __init__(self) -> None:
        self.found: list[int] = []
        self._arrived = threading.Event()

    def __call__(self, fraction: float, note: str) -> None:
        self.found.append(int(note))
        self._arrived.set()

    def first(self) -> int:
        assert self._arrived.wait(WAIT_S)
        return self.found[0]


def is_gone(pid: int) -> bool:
    """Wait until a process that is not our child has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(multiprocessing.connection.wait([descriptor], WAIT_S))
    finally:
        os.close(descriptor)


# the contract


def test_the_result_comes_back(engine: Engine) -> None:
    task = engine.submit(jobs.add, 2, 3)

    assert task.result(WAIT_S) == 5
    assert task.done()


def test_progress_arrives_in_order_the_last_one_included_and_before_the_end(engine: Engine) -> None:
    heard: list[tuple[float, str]] = []
    heard_at_end: list[int] = []
    ended = threading.Event()

    def at_end(task: Task[int]) -> None:
        heard_at_end.append(len(heard))
        ended.set()

    task = engine.submit(jobs.report_often, 1000, on_progress=lambda *report: heard.append(report))
    task.add_done_callback(at_end)
    task.result(WAIT_S)

    assert ended.wait(WAIT_S)
    assert heard[-1] == (1.0, "step 1000")
    assert heard == sorted(heard)
    assert heard_at_end == [len(heard)]


def test_our_errors_come_back_as_they_are(engine: Engine) -> None:
    with pytest.raises(BadInput, match="k must be at least 1"):
        engine.submit(jobs.refuse).result(WAIT_S)


def test_other_errors_are_failed_jobs_with_the_traceback_in_the_log(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(JobFailed, match="ZeroDivisionError: division by zero"):
        engine.submit(jobs.divide).result(WAIT_S)

    assert "return 1 / 0" in caplog.text


def test_done_callbacks_come_even_if_the_task_is_done(engine: Engine) -> None:
    ended = threading.Event()
    task = engine.submit(jobs.refuse)
    assert task.ended.exception(WAIT_S) is not None

    task.add_done_callback(lambda done: ended.set() if done is task else None)

    assert ended.wait(WAIT_S)


def test_stopping_a_finished_task_changes_nothing(engine: Engine) -> None:
    task = engine.submit(jobs.add, 1, 1)
    task.result(WAIT_S)

    task.stop()

    assert task.result(WAIT_S) == 2


def test_a_failing_progress_callback_is_logged_and_harms_nobody(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(fraction: float, note: str) -> None:
        raise LookupError("hunted in vain")

    assert engine.submit(jobs.add, 1, 1, on_progress=fail).result(WAIT_S) == 2
    assert "hunted in vain" in caplog.text
    assert engine.submit(jobs.add, 1, 2).result(WAIT_S) == 3


@pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)
def test_a_closed_engine_takes_nothing(make: Callable[[], Engine]) -> None:
    engine = make()
    engine.close()
    engine.close()

    with pytest.raises(Conflict, match="closed"):
        engine.submit(jobs.add, 1, 1)


# stopping


def test_an_inline_task_is_stopped_from_its_progress() -> None:
    engine = InlineEngine()

    def stop(fraction: float, note: str) -> None:
        assert engine.running is not None
        engine.running.stop()

    with pytest.raises(JobStopped, match="stopped while"):
        engine.submit(jobs.until_stopped, on_progress=stop).result()
    assert engine.running is None


def test_a_running_task_stops_at_its_next_poll(processes: ProcessEngine) -> None:
    pids = Pids()
    task = processes.submit(jobs.until_stopped, on_progress=pids)
    pids.first()

    task.stop()

    with pytest.raises(JobStopped):
        task.result(WAIT_S)


def test_a_task_that_has_not_begun_is_stopped_and_the_others_go_on(processes: ProcessEngine) -> None:
    pids = Pids()
    running = [processes.submit(jobs.until_stopped, on_progress=pids) for _ in range(2)]
    pids.first()
    waiting = [processes.submit(jobs.add, number, 0) for number in range(8)]

    for task in waiting[::2]:
        task.stop()
    for task in running:
        task.stop()

    assert [task.result(WAIT_S) for task in waiting[1::2]] == [1, 3, 5, 7]
    for task in waiting[::2] + running:
        with pytest.raises(JobStopped):
            task.result(WAIT_S)


def test_a_result_that_is_not_there_in_time_is_a_timeout_and_the_task_goes_on(
    processes: ProcessEngine,
) -> None:
    task = processes.submit(jobs.until_stopped)

    with pytest.raises(TimeoutError):
        task.result(0.01)
    assert not task.done()


# what only processes can do wrong


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


def test_a_job_that_exits_has_failed(processes: ProcessEngine) -> None:
    with pytest.raises(JobFailed, match="exit 3"):
        processes.submit(jobs.leave).result(WAIT_S)

    assert processes.submit(jobs.add, 1, 1).result(WAIT_S) == 2


def test_what_cannot_cross_the_border_is_refused_with_a_reason(processes: ProcessEngine) -> None:
    with pytest.raises(ValueError, match="plain data"):
        processes.submit(lambda *, progress: 0)
    with pytest.raises(JobFailed, match="pickle"):
        processes.submit(jobs.not_plain).result(WAIT_S)
    with pytest.raises(JobFailed, match="OddError: k is 0"):
        processes.submit(jobs.refuse_oddly).result(WAIT_S)

    assert processes.submit(jobs.add, 1, 1).result(WAIT_S) == 2


def test_workers_use_one_thread_each_and_this_process_keeps_its_own(processes: ProcessEngine) -> None:
    before = os.environ.get("OMP_NUM_THREADS")

    assert processes.submit(jobs.thread_limits).result(WAIT_S) == (1, "1", 1)
    assert os.environ.get("OMP_NUM_THREADS") == before


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


PARENT = """
import sys, threading
from shared.engine import ProcessEngine
from tests.shared.infrastructure import jobs

if __name__ == "__main__":
    engine = ProcessEngine(2)
    def tell(fraction, note):
        print(note, flush=True)
    engine.submit(jobs.{job}, on_progress=tell)
    engine.submit(jobs.{job}, on_progress=tell)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        engine.close(grace_s=0.5)
        sys.exit(7)
"""


@pytest.fixture
def parent(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(job=request.param))
    process = subprocess.Popen(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    process.kill()
    process.communicate()


def two_workers(parent: subprocess.Popen[str]) -> set[int]:
    assert parent.stdout is not None
    found: set[int] = set()
    while len(found) < 2:
        line = parent.stdout.readline()
        assert line, "the parent ended early"
        found.add(int(line))
    return found


@pytest.mark.parametrize("parent", ["until_stopped", "deaf"], indirect=True)
def test_workers_of_a_killed_parent_end_by_themselves(parent: subprocess.Popen[str]) -> None:
    workers = two_workers(parent)

    parent.kill()

    assert all(is_gone(pid) for pid in workers)


@pytest.mark.parametrize("parent", ["until_stopped", "deaf"], indirect=True)
def test_ctrl_c_ends_everything_without_a_word_from_the_workers(parent: subprocess.Popen[str]) -> None:
    """A terminal sends Ctrl-C to the whole group."""
    workers = two_workers(parent)

    os.killpg(parent.pid, signal.SIGINT)
    said = parent.communicate(timeout=WAIT_S)[1]

    assert (parent.returncode, said) == (7, "")
    assert all(is_gone(pid) for pid in workers)


def test_a_useless_number_of_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="n_workers"):
        ProcessEngine(0)


def test_nothing_is_logged_for_errors_raised_on_purpose(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(BadInput):
        engine.submit(jobs.refuse).result(WAIT_S)

    assert caplog.text == ""
