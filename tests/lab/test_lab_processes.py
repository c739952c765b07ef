"""Whatever happens, no process and no folder is left."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from process_worlds import command, is_gone

from lab.demo import explained
from lab.processes import ServiceDied, Services
from lab.signals import ChildEnded, Interrupted, Signals
from shared.errors import JobFailed, ServiceError


def test_services_answer_and_are_gone_at_the_end() -> None:
    with Services() as services:
        first = services.start("target", command("serves"), {})
        second = services.start("attacker", command("serves"), {})
        for service in (first, second):
            port = services.port_of(service, timeout_s=30)
            socket.create_connection(("127.0.0.1", port), timeout=10).close()
        folder, pids = services.folder, services.pids()

    assert len(pids) == 2
    assert all(map(is_gone, pids))
    assert not folder.exists()


def test_workers_of_a_service_are_gone_with_it() -> None:
    with Services() as services:
        services.port_of(services.start("target", command("has a worker"), {}), timeout_s=30)
        worker = int((services.folder / "target.worker").read_text())
        assert not is_gone(worker)

    assert is_gone(worker)


def test_a_service_that_ignores_the_stop_is_killed() -> None:
    with Services(grace_s=0.2) as services:
        services.port_of(services.start("target", command("stubborn"), {}), timeout_s=30)
        pids = services.pids()

    assert all(map(is_gone, pids))


def test_a_service_that_dies_at_the_start_is_reported_with_its_log() -> None:
    with pytest.raises(ServiceDied) as caught, Services() as services, explained(services):
        folder = services.folder
        services.port_of(services.start("target", command("dies"), {}), timeout_s=30)

    assert "the target service ended with exit code 1" in str(caught.value)
    assert "the disk is full" in str(caught.value)
    assert not folder.exists()


def test_a_service_that_dies_later_is_reported_at_once() -> None:
    with pytest.raises(ServiceDied) as caught, Services() as services, explained(services):
        services.port_of(services.start("target", command("serves"), {}), timeout_s=30)
        dying = services.start("attacker", command("serves"), {})
        services.port_of(dying, timeout_s=30)
        dying.process.kill()
        threading.Event().wait(30)

    assert "the attacker service ended by signal SIGKILL; its log is empty" in str(caught.value)


def test_an_error_that_a_dead_service_caused_is_explained_by_its_death() -> None:
    with pytest.raises(ServiceDied), Services() as services, explained(services):
        services.port_of(services.start("target", command("serves"), {}), timeout_s=30)
        with pytest.raises(ChildEnded):
            os.kill(services.pids()[0], signal.SIGKILL)
            threading.Event().wait(30)
        raise ServiceError("cannot be reached")


def test_a_job_that_failed_is_told_with_the_logs_before_they_are_deleted() -> None:
    with pytest.raises(JobFailed) as caught, Services() as services, explained(services):
        services.port_of(services.start("attacker", command("serves"), {}), timeout_s=30)
        (services.folder / "attacker.log").write_text("a traceback\n")
        raise JobFailed("the attack a1 is failed")

    assert str(caught.value) == "the attack a1 is failed\nattacker; its log ends:\n  a traceback"


def test_a_service_that_never_answers_is_given_up() -> None:
    with pytest.raises(ServiceError, match="did not start within 0 s"), Services() as services:
        services.port_of(services.start("target", command("silent"), {}), timeout_s=0)


def test_what_is_kept_goes_on() -> None:
    with Services() as services:
        kept = services.start("target", command("serves"), {})
        services.port_of(kept, timeout_s=30)
        folder = services.folder
        services.keep()

    try:
        assert not is_gone(kept.process.pid)
        assert folder.exists()
    finally:
        os.killpg(kept.process.pid, signal.SIGKILL)
        kept.process.wait()
        shutil.rmtree(folder)


def test_nothing_is_kept_after_an_error() -> None:
    with pytest.raises(ServiceError), Services() as services:
        services.port_of(services.start("target", command("serves"), {}), timeout_s=30)
        pids = services.pids()
        services.keep()
        raise ServiceError("no")

    assert all(map(is_gone, pids))


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_leaves_nothing(stop: signal.Signals) -> None:
    """One of the services ignores the stop, the other has a worker; a second signal comes while they end."""
    here = Path(__file__).parent
    search = os.pathsep.join([str(here), str(here.parents[1])])
    waiting = subprocess.Popen(
        [sys.executable, str(here / "waiting_demo.py")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": search},
    )
    assert waiting.stdout is not None
    with waiting.stdout as said:
        folder, *pids = said.readline().split()

    waiting.send_signal(stop)
    waiting.send_signal(signal.SIGINT)

    assert waiting.wait(30) in (128 + stop, 128 + signal.SIGINT)
    assert len(pids) == 3
    assert all(is_gone(int(pid)) for pid in pids)
    assert not Path(folder).exists()


def test_a_signal_waits_until_it_can_be_borne() -> None:
    steps = []

    with pytest.raises(Interrupted) as caught, Signals(lambda: False) as signals:
        with signals.held():
            signal.raise_signal(signal.SIGTERM)
            steps.append("held")
        steps.append("never")

    assert steps == ["held"]
    assert caught.value.exit_code == 143


def test_only_the_first_signal_interrupts() -> None:
    steps = []

    with pytest.raises(Interrupted), Signals(lambda: False):
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            steps.append("cleaned up")

    assert steps == ["cleaned up"]


def test_handlers_are_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)]

    with Signals(lambda: False):
        pass

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)] == before
