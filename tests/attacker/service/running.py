"""An attacker service in this process: real database, real artefacts, no server."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from services.attacker.app import create_app
from services.attacker.service import AttackerService
from services.attacker.settings import AttackerSettings
from shared.engine import Engine, InlineEngine, OnProgress, Task
from tests.attacker.service.leaky_target import ORACLE_ENV, ORACLE_KEY, TARGET_ENV, TARGET_KEY

ENVIRONMENT = {ORACLE_ENV: ORACLE_KEY, TARGET_ENV: TARGET_KEY}


class Running:
    """A service whose lifespan is under way; asks it things."""

    def __init__(self, app: FastAPI, runner: asyncio.Runner) -> None:
        self.app = app
        self._runner = runner

    @property
    def service(self) -> AttackerService:
        service = self.app.state.service
        assert isinstance(service, AttackerService)
        return service

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._ask(method, path, options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.ask("GET", path, **options)

    def submit(self, spec: dict[str, Any]) -> str:
        answer = self.ask("POST", "/v1/attacks", json=spec)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def wait(self, attack_id: str) -> dict[str, Any]:
        """Follow the events until the attack ends, and give it."""
        stream = self.get(f"/v1/attacks/{attack_id}/events")
        assert stream.status_code == 200, stream.text
        return dict(self.get(f"/v1/attacks/{attack_id}").json())

    def wait_for_note(self, attack_id: str, note: str) -> None:
        """Follow the events until one says so."""
        event_id = 0
        while True:
            events, is_over = self.service.events_after(attack_id, event_id)
            if any(note in event.progress.note for event in events):
                return
            assert not is_over, events
            event_id = events[-1].id if events else event_id

    def run(self, spec: dict[str, Any]) -> dict[str, Any]:
        return self.wait(self.submit(spec))

    def resume(self, attack_id: str) -> dict[str, Any]:
        answer = self.ask("POST", f"/v1/attacks/{attack_id}/resume")
        assert answer.status_code == 202, answer.text
        return self.wait(attack_id)

    def csv(self, attack_id: str) -> str:
        answer = self.get(f"/v1/attacks/{attack_id}/predictions?format=csv")
        assert answer.status_code == 200, answer.text
        return answer.text

    async def _ask(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://attacker") as client:
            return await client.request(method, path, **options)


@contextmanager
def running(
    folder: Path,
    *,
    make_engine: Callable[[], Engine] = InlineEngine,
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> Iterator[Running]:
    """Run a service on a data folder."""
    chosen = {"environment": ENVIRONMENT, **options}
    app = create_app(
        AttackerSettings(data=folder, **{"data_dir": folder / "none", **(settings or {})}),
        make_engine=make_engine,
        **chosen,
    )
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        try:
            yield Running(app, runner)
        finally:
            runner.run(lifespan.__aexit__(None, None, None))


class WatchedEngine:
    """Runs work at once, and tells by name what is about to run.

    before  called with the name of each function; what it raises, the stage raises
    ran     the names, in order
    closed  set as soon as the service ends
    """

    def __init__(self) -> None:
        self.before: Callable[[str], None] = lambda _: None
        self.ran: list[str] = []
        self.closed = threading.Event()
        self._lock = threading.Lock()

    def submit(
        self, function: Callable[..., Any], *args: object, on_progress: OnProgress = lambda *_: None
    ) -> Task[Any]:
        name = function.__name__
        self.before(name)
        with self._lock:
            self.ran.append(name)
        return InlineEngine().submit(function, *args, on_progress=on_progress)

    def close(self) -> None:
        self.closed.set()
