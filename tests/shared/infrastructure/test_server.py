"""A server that says which port it has, says in one sentence that it cannot have one, and ends when told."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from shared.errors import BadInput
from shared.web.server import serve

ROOT = Path(__file__).parents[3]
WAIT_S = 30.0
SCRIPT = """
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from prometheus_client import CollectorRegistry
from shared.errors import NotFound, RecLeakError
from shared.web.application import make_app
from shared.web.server import serve

@asynccontextmanager
async def lifespan(app):
    if "broken" in sys.argv:
        raise OSError("the cellar is flooded")
    if "refused" in sys.argv:
        raise NotFound("there is no cellar; dig one")
    yield
    print("closed", flush=True)

def app():
    return make_app(title="T", description="T", registry=CollectorRegistry(), lifespan=lifespan)

try:
    serve(app, host="127.0.0.1", port=0, port_file=Path(sys.argv[1]), on_ready=lambda p: print(p, flush=True))
except RecLeakError as error:
    sys.exit(f"{type(error).__name__}: {error}")
print("returned", flush=True)
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "port")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_tells_its_port_answers_and_ends_cleanly(
    running: subprocess.Popen[str], tmp_path: Path, stop: signal.Signals
) -> None:
    assert running.stdout is not None
    port = int(running.stdout.readline())
    assert (tmp_path / "port").read_text() == f"{port}\n"
    assert httpx.get(f"http://127.0.0.1:{port}/docs", trust_env=False).status_code == 200

    running.send_signal(stop)
    said, complained = running.communicate(timeout=WAIT_S)

    assert (said.split(), complained, running.returncode) == (["closed", "returned"], "", 0)
    assert os.listdir(tmp_path) == []  # noqa: PTH208  the names are all that is asked for


def test_a_start_that_fails_is_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "port"), "broken"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert "JobFailed: the service could not start; its log says why" in ended.stderr
    assert "the cellar is flooded" in ended.stderr


def test_what_a_start_refuses_on_purpose_is_that_sentence_and_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "port"), "refused"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == "NotFound: there is no cellar; dig one"
    assert "Traceback" not in ended.stderr


def never() -> FastAPI:
    raise AssertionError("the app must not be made before the port is ours")


def test_a_port_in_use_is_bad_input_before_anything_is_made() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(BadInput, match=f"^port {port} is in use; choose another with --port$"):
            serve(never, host="127.0.0.1", port=port)


@pytest.mark.parametrize(
    ("host", "port"), [("not an address", 8000), ("192.0.2.1", 8000), ("127.0.0.1", 70000)]
)
def test_an_address_that_cannot_be_used_is_bad_input(host: str, port: int) -> None:
    with pytest.raises(BadInput, match="choose another with"):
        serve(never, host=host, port=port)
