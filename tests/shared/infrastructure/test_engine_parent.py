"""Worker processes end with the process that started them, however it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared.infrastructure.engine_worlds import ROOT, WAIT_S, is_gone

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
