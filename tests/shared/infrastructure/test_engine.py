"""One contract for all engines: in this thread, in processes, on threads, on a cluster."""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from shared.engine import Engine, InlineEngine, Task, open_engine
from shared.errors import BadInput, Conflict, JobFailed, JobStopped
from shared.parallel import THREADS, n_threads
from tests.shared.infrastructure import jobs
from tests.shared.infrastructure.engine_worlds import WAIT_S, Pids, local_cluster

KINDS = ["inline", "process", "threads", "cluster"]
CONCURRENT = ["process", "threads", "cluster"]
SEPARATE = ["process", "cluster"]  # work crosses the border of a process


@pytest.fixture(scope="module")
def specs() -> Iterator[dict[str, str]]:
    with local_cluster() as address:
        yield {kind: address if kind == "cluster" else kind for kind in KINDS}


@pytest.fixture(scope="module")
def engines(specs: dict[str, str]) -> Iterator[dict[str, Engine]]:
    with ExitStack() as opened:
        yield {
            kind: opened.enter_context(closing(open_engine(spec, n_workers=2)))
            for kind, spec in specs.items()
        }


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, engines: dict[str, Engine]) -> Engine:
    return engines[request.param]


@pytest.fixture(params=CONCURRENT)
def concurrent(request: pytest.FixtureRequest, engines: dict[str, Engine]) -> Engine:
    return engines[request.param]


@pytest.fixture(params=SEPARATE)
def separate(request: pytest.FixtureRequest, engines: dict[str, Engine]) -> Engine:
    return engines[request.param]


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


def test_equal_submits_are_work_of_their_own(engine: Engine) -> None:
    tasks = [engine.submit(jobs.draw) for _ in range(4)]

    assert len({task.result(WAIT_S) for task in tasks}) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_a_closed_engine_takes_nothing(specs: dict[str, str], kind: str) -> None:
    engine = open_engine(specs[kind], n_workers=1)
    engine.close()
    engine.close()

    with pytest.raises(Conflict, match="closed"):
        engine.submit(jobs.add, 1, 1)


def test_nothing_is_logged_for_errors_raised_on_purpose(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(BadInput):
        engine.submit(jobs.refuse).result(WAIT_S)

    assert [one.message for one in caplog.records if one.name.startswith("shared")] == []


def test_an_inline_task_is_stopped_from_its_progress() -> None:
    engine = InlineEngine()

    def stop(fraction: float, note: str) -> None:
        assert engine.running is not None
        engine.running.stop()

    with pytest.raises(JobStopped, match="stopped while"):
        engine.submit(jobs.until_stopped, on_progress=stop).result()
    assert engine.running is None


def test_a_running_task_stops_at_its_next_poll(concurrent: Engine) -> None:
    pids = Pids()
    task = concurrent.submit(jobs.until_stopped, on_progress=pids)
    pids.first()

    task.stop()

    with pytest.raises(JobStopped):
        task.result(WAIT_S)


def test_a_task_that_has_not_begun_is_stopped_and_the_others_go_on(concurrent: Engine) -> None:
    pids = Pids()
    running = [concurrent.submit(jobs.until_stopped, on_progress=pids) for _ in range(2)]
    pids.first()
    waiting = [concurrent.submit(jobs.add, number, 0) for number in range(8)]

    for task in waiting[::2]:
        task.stop()
    for task in running:
        task.stop()

    assert [task.result(WAIT_S) for task in waiting[1::2]] == [1, 3, 5, 7]
    for task in waiting[::2] + running:
        with pytest.raises(JobStopped):
            task.result(WAIT_S)


def test_a_task_that_has_not_begun_ends_at_once_when_stopped(concurrent: Engine) -> None:
    """Both workers are busy, and stay so."""
    began = [Pids(), Pids()]
    running = [concurrent.submit(jobs.until_stopped, on_progress=pids) for pids in began]
    for pids in began:
        pids.first()
    waiting = [concurrent.submit(jobs.add, number, 0) for number in range(5)]

    waiting[-1].stop()

    with pytest.raises(JobStopped, match="before it began"):
        waiting[-1].result(WAIT_S)
    assert not any(task.done() for task in running)
    for task in running:
        task.stop()
    assert waiting[0].result(WAIT_S) == 0


def test_a_result_that_is_not_there_in_time_is_a_timeout_and_the_task_goes_on(concurrent: Engine) -> None:
    task = concurrent.submit(jobs.until_stopped)

    with pytest.raises(TimeoutError):
        task.result(0.01)
    assert not task.done()
    task.stop()


@pytest.mark.parametrize("kind", CONCURRENT)
def test_closing_stops_everything(specs: dict[str, str], kind: str) -> None:
    engine = open_engine(specs[kind], n_workers=2)
    pids = Pids()
    tasks = [engine.submit(jobs.until_stopped, on_progress=pids) for _ in range(4)]
    pids.first()

    engine.close()

    assert all(isinstance(task.ended.exception(0), JobStopped) for task in tasks)


def test_a_job_that_exits_has_failed(concurrent: Engine) -> None:
    with pytest.raises(JobFailed, match="exit 3"):
        concurrent.submit(jobs.leave).result(WAIT_S)

    assert concurrent.submit(jobs.add, 1, 1).result(WAIT_S) == 2


def test_what_cannot_cross_the_border_is_refused_with_a_reason(separate: Engine) -> None:
    with pytest.raises(ValueError, match="plain data"):
        separate.submit(lambda *, progress: 0)
    with pytest.raises(JobFailed, match="pickle"):
        separate.submit(jobs.not_plain).result(WAIT_S)
    with pytest.raises(JobFailed, match="OddError: k is 0"):
        separate.submit(jobs.refuse_oddly).result(WAIT_S)

    assert separate.submit(jobs.add, 1, 1).result(WAIT_S) == 2


def test_workers_use_one_thread_each_and_this_process_keeps_its_own(separate: Engine) -> None:
    before = os.environ.get("OMP_NUM_THREADS")

    assert separate.submit(jobs.thread_limits).result(WAIT_S) == ("1", 1)
    assert os.environ.get("OMP_NUM_THREADS") == before


@pytest.mark.parametrize("spec", ["process", "threads"])
def test_workers_share_the_threads_of_our_loops(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS, "7")

    with closing(open_engine(spec, n_workers=2)) as engine:
        assert engine.submit(jobs.threads_of_our_loops).result(WAIT_S) == 3

    assert n_threads() == 7


def test_a_worker_of_a_cluster_has_one_thread_for_our_loops(engines: dict[str, Engine]) -> None:
    assert engines["cluster"].submit(jobs.threads_of_our_loops).result(WAIT_S) == 1
