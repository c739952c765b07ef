"""Which engine a setting means, and what it needs."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI

from services.attacker import app as attacker
from services.attacker.settings import AttackerSettings
from services.target import app as target
from services.target.settings import TargetSettings
from shared.engine import InlineEngine, ProcessEngine, ThreadEngine, open_engine
from shared.errors import BadInput
from tests.shared.infrastructure.engine_worlds import ROOT, local_cluster

SETTINGS = {"target": TargetSettings, "attacker": AttackerSettings}
APPS: dict[str, Callable[[], FastAPI]] = {
    "target": lambda: target.create_app(TargetSettings.read()),
    "attacker": lambda: attacker.create_app(AttackerSettings.read()),
}


def in_fresh_python(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_an_engine_is_opened_by_its_name() -> None:
    assert isinstance(open_engine("inline", n_workers=1), InlineEngine)
    processes = open_engine("process", n_workers=3)
    assert isinstance(processes, ProcessEngine)
    threads = open_engine("threads", n_workers=2)
    assert isinstance(threads, ThreadEngine)
    assert (processes.n_workers, threads.n_workers) == (3, 2)
    processes.close()
    threads.close()


@pytest.mark.parametrize("spec", ["", "dask", "Process", "http://scheduler:8786", "scheduler:8786"])
def test_another_name_is_refused_with_the_four_that_there_are(spec: str) -> None:
    with pytest.raises(BadInput, match=r"inline, process, threads, .*tcp://HOST:PORT or tls://HOST:PORT"):
        open_engine(spec, n_workers=1)


def test_a_cluster_without_dask_says_what_to_install() -> None:
    said = in_fresh_python(
        "import sys; sys.modules['distributed'] = None\n"
        "from shared.engine import open_engine\n"
        "try: open_engine('tcp://127.0.0.1:8786', n_workers=1)\n"
        "except Exception as error: print(type(error).__name__, error)"
    )

    assert said == "BadInput a cluster needs Dask; run pip install 'recleak[cluster]'\n"


def test_dask_is_imported_only_for_a_cluster() -> None:
    said = in_fresh_python("import sys, shared.engine; print('distributed' in sys.modules)")

    assert said == "False\n"


@pytest.mark.parametrize("service", SETTINGS)
def test_services_read_the_engine_from_one_variable(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    assert SETTINGS[service].read().engine == "process"

    monkeypatch.setenv("RECLEAK_ENGINE", "tcp://scheduler:8786")
    assert SETTINGS[service].read().engine == "tcp://scheduler:8786"

    monkeypatch.setenv("RECLEAK_ENGINE", "ray")
    with pytest.raises(BadInput, match=r"RECLEAK_ENGINE: .*inline, process"):
        SETTINGS[service].read()


@pytest.mark.parametrize("service", SETTINGS)
def test_an_impossible_number_of_threads_is_named_before_a_service_starts(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECLEAK_THREADS", "none")

    with pytest.raises(BadInput, match="RECLEAK_THREADS must be a whole number above 0"):
        SETTINGS[service].read()


@pytest.mark.parametrize("service", SETTINGS)
def test_workers_elsewhere_are_given_absolute_paths(service: str) -> None:
    assert SETTINGS[service].read().artifacts.is_absolute()


def test_services_open_and_leave_a_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They do so inside a running event loop, which the cluster's client must not use."""

    async def live(app: FastAPI) -> bool:
        async with app.router.lifespan_context(app):
            return app.state.service is not None

    with local_cluster(1) as address:
        monkeypatch.setenv("RECLEAK_ENGINE", address)
        for service, make in APPS.items():
            monkeypatch.setenv(f"RECLEAK_{service.upper()}_DATA", str(tmp_path / service))
            assert asyncio.run(live(make()))
