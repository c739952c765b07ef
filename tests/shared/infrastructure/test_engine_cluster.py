"""What only a cluster can do wrong."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.engine import open_engine
from shared.engine.dask import DaskEngine
from shared.errors import BadInput, JobFailed, JobStopped, ServiceUnreachable, WorkerDied
from tests.shared.infrastructure import jobs
from tests.shared.infrastructure.engine_worlds import ROOT, WAIT_S, Pids, local_cluster

NO_TIME_S = 0.1


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with local_cluster() as found:
        yield found


@pytest.fixture
def engine(address: str) -> Iterator[DaskEngine]:
    with DaskEngine(address) as made:
        yield made


def test_a_killed_worker_costs_its_task_a_second_try_and_other_tasks_nothing(engine: DaskEngine) -> None:
    unlucky, other = Pids(), Pids()
    tasks = [engine.submit(jobs.until_stopped, on_progress=pids) for pids in (unlucky, other)]
    untouched = other.first()

    os.kill(unlucky.first(), signal.SIGKILL)

    assert unlucky.second() != untouched
    assert other.all_found() == {untouched}
    for task in tasks:
        task.stop()
        with pytest.raises(JobStopped):
            task.result(WAIT_S)


def test_a_task_that_takes_several_workers_with_it_has_failed_and_others_run(engine: DaskEngine) -> None:
    with pytest.raises(WorkerDied, match=r"died again and again .*resume to try again"):
        engine.submit(jobs.kill_own_process).result(WAIT_S)

    assert engine.submit(jobs.add, 1, 1).result(WAIT_S) == 2


def test_a_task_can_be_stopped_after_its_worker_was_killed(engine: DaskEngine) -> None:
    pids = Pids()
    task = engine.submit(jobs.until_stopped, on_progress=pids)
    os.kill(pids.first(), signal.SIGKILL)
    pids.second()

    task.stop()

    with pytest.raises(JobStopped):
        task.result(WAIT_S)


def test_closing_does_not_wait_for_a_task_that_does_not_poll(address: str) -> None:
    engine = DaskEngine(address)
    pids = Pids()
    task = engine.submit(jobs.deaf, on_progress=pids)
    pids.first()

    engine.close(grace_s=0.05)

    assert isinstance(task.ended.exception(0), JobStopped)
    os.kill(pids.first(), signal.SIGKILL)


def test_two_engines_on_one_cluster_hear_only_of_their_own_tasks(engine: DaskEngine, address: str) -> None:
    heard: list[str] = []
    with DaskEngine(address) as other:
        other.submit(jobs.add, 1, 1, on_progress=lambda _, note: heard.append(note)).result(WAIT_S)
        engine.submit(jobs.report_often, 500).result(WAIT_S)

    assert "added" in heard
    assert not any(note.startswith("step") for note in heard)


KILLED = """
import threading
from shared.engine import open_engine
from tests.shared.infrastructure import jobs

engine = open_engine("{address}", n_workers=1)
for _ in range(2):
    engine.submit(jobs.until_stopped, on_progress=lambda _, note: print(note, flush=True))
threading.Event().wait()
"""


def test_the_tasks_of_a_killed_process_stop_by_themselves(
    engine: DaskEngine, address: str, tmp_path: Path
) -> None:
    """They occupy both workers, which are free again for others."""
    script = tmp_path / "killed.py"
    script.write_text(KILLED.format(address=address))
    with subprocess.Popen(
        [sys.executable, str(script)], env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        busy: set[bytes] = set()
        while len(busy) < engine.n_workers:
            line = process.stdout.readline()
            assert line, "the process ended early"
            busy.add(line)

        process.kill()

    assert engine.submit(jobs.add, 1, 1).result(WAIT_S) == 2


def test_without_its_scheduler_tasks_fail_and_new_ones_are_refused() -> None:
    with local_cluster(1) as address:
        engine = DaskEngine(address)
        pids = Pids()
        task = engine.submit(jobs.until_stopped, on_progress=pids)
        pids.first()

    with pytest.raises(WorkerDied, match="resume to try again"):
        task.result(WAIT_S)
    with pytest.raises(JobFailed, match=r"the Dask scheduler at .* is gone; start it"):
        engine.submit(jobs.add, 1, 1)
    engine.close()


# connecting


def test_a_scheduler_that_does_not_answer_is_named() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"

        with pytest.raises(ServiceUnreachable, match=f"no Dask scheduler answers at {address}; start it"):
            DaskEngine(address, connect_timeout_s=NO_TIME_S)


def test_a_cluster_without_workers_says_how_to_start_one() -> None:
    with (
        local_cluster(0) as address,
        pytest.raises(ServiceUnreachable, match=f"no workers; start one: dask worker {address}"),
    ):
        DaskEngine(address, connect_timeout_s=NO_TIME_S)


@contextmanager
def odd_worker(address: str, folder: Path) -> Iterator[None]:
    """Add a worker of two threads, with another version of numpy and no nanny that limits BLAS."""
    numpy = folder / "numpy-1.0.dist-info"
    numpy.mkdir()
    (numpy / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 1.0\n")
    options = ["--nthreads", "2", "--no-nanny", "--no-dashboard", "--local-directory", str(folder)]
    kept = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    with subprocess.Popen(
        [sys.executable, "-m", "dask", "worker", address, *options],
        env=kept | {"PYTHONPATH": f"{folder}:{ROOT}"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            assert any("Registered to" in line for line in process.stderr)
            yield
        finally:
            process.kill()


# Dask warns of what we refuse
@pytest.mark.filterwarnings("ignore:Mismatched versions found")
def test_a_worker_that_is_not_like_us_is_refused_when_we_connect_and_when_it_joins(tmp_path: Path) -> None:
    with local_cluster(1) as address, DaskEngine(address) as engine:
        pids = Pids()
        busy = engine.submit(jobs.until_stopped, on_progress=pids)
        pids.first()

        with odd_worker(address, tmp_path):
            with pytest.raises(BadInput) as refused:
                DaskEngine(address)
            with pytest.raises(JobFailed, match=r"cannot do this: numpy is 1\.0 there"):
                engine.submit(jobs.add, 1, 1).result(WAIT_S)

        assert not busy.done()
    assert "numpy is 1.0 there and" in str(refused.value)
    assert "it runs 2 tasks at a time; start it with --nthreads 1" in str(refused.value)
    assert "OMP_NUM_THREADS is not set there; start it with a nanny" in str(refused.value)


@pytest.mark.parametrize(
    "address", ["tcp://", "tcp://scheduler", "tcp://scheduler:port", "tls://scheduler:1/x"]
)
def test_an_address_that_cannot_be_one_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match=r"write t..://HOST:PORT"):
        open_engine(address, n_workers=1)


def test_tls_without_certificates_says_which_settings_are_missing() -> None:
    with pytest.raises(BadInput, match="DASK_DISTRIBUTED__COMM__TLS__CA_FILE"):
        open_engine("tls://127.0.0.1:1", n_workers=1)
