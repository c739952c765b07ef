"""A target service in this process: real database, real artefacts, no server."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from services.target.app import create_app
from services.target.settings import TargetSettings
from shared.engine import Engine, InlineEngine, OnProgress, Task
from shared.engine.guard import Failure, attempt
from shared.errors import JobStopped
from shared.progress import Progress
from shared.web.application import ServiceApp

ADMIN, ORACLE = "admin-key-of-a-test", "oracle-key-of-a-test"
DATASET = "synthetic:users=120,items=150,history=45,seed=1"
SPEC: dict[str, Any] = {"dataset": DATASET, "split": {"min_interactions": 8}, "k_cap": 20}


class Running:
    """A service whose lifespan is under way; asks it things."""

    def __init__(self, app: ServiceApp, runner: asyncio.Runner) -> None:
        self.app = app
        self._runner = runner

    def ask(
        self, method: str, path: str, *, key: str | None = None, peer: str = "10.0.0.1", **options: Any
    ) -> httpx.Response:
        return self.run(self._ask(method, path, key, peer, options))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.ask("GET", path, **options)

    def list_of(self, user_id: str, *, k: int | None = None, base: str = "/v1") -> list[str]:
        query = "" if k is None else f"?k={k}"
        answer = self.get(f"{base}/users/{user_id}/recommendations{query}")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    def deploy(self, **spec: Any) -> dict[str, Any]:
        answer = self.ask("POST", "/admin/deployments", key=ADMIN, json={**SPEC, **spec})
        assert answer.status_code == 202, answer.text
        return dict(self.get(answer.headers["location"], key=ADMIN).json())

    def admin(self, method: str, path: str) -> httpx.Response:
        return self.ask(method, f"/admin/deployments{path}", key=ADMIN)

    def users(self, base: str = "/v1") -> list[str]:
        return list(self.get(f"{base}/users?limit=10000").json()["users"])

    def members(self, deployment: str | None = None) -> dict[str, bool]:
        users = self.users("/v1" if deployment is None else f"/v1/d/{deployment}")
        return self.members_among(users, deployment)

    def members_among(self, users: list[str], deployment: str | None = None) -> dict[str, bool]:
        question = {"user_ids": users, "deployment": deployment}
        answer = self.ask("POST", "/oracle/membership", key=ORACLE, json=question).json()
        return dict(zip(answer["user_ids"], answer["is_member"], strict=True))

    async def _ask(
        self, method: str, path: str, key: str | None, peer: str, options: dict[str, Any]
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(peer, 4000))
        headers = {**options.pop("headers", {}), **({} if key is None else {"X-API-Key": key})}
        async with httpx.AsyncClient(transport=transport, base_url="http://target") as client:
            return await client.request(method, path, headers=headers, **options)


@contextmanager
def running(
    folder: Path,
    *,
    make_engine: Callable[[], Engine] = InlineEngine,
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> Iterator[Running]:
    """Run a service on a data folder; quality is not measured unless the settings say so."""
    chosen = {"admin_key": ADMIN, "oracle_key": ORACLE, "measure_quality": False, "data_dir": folder / "none"}
    app = create_app(
        TargetSettings(data=folder, **{**chosen, **(settings or {})}), make_engine=make_engine, **options
    )
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        try:
            yield Running(app, runner)
        finally:
            runner.run(lifespan.__aexit__(None, None, None))


class HeldEngine:
    """Takes work and runs it when told to, so that a test sees what happens meanwhile.

    is_killed  closing it leaves everything as it is, like the death of the process
    """

    def __init__(self, *, is_killed: bool = False) -> None:
        self._is_killed = is_killed
        self._waiting: list[tuple[Task[Any], Callable[[Progress], Any], list[bool]]] = []

    def submit(
        self, function: Callable[..., Any], *args: object, on_progress: OnProgress = lambda *_: None
    ) -> Task[Any]:
        task: Task[Any] = Task("held", on_progress)
        asked: list[bool] = []
        task.stops_with(lambda: asked.append(True))
        self._waiting.append((task, lambda progress: function(*args, progress=progress), asked))
        return task

    def run_next(self) -> None:
        task, work, asked = self._waiting.pop(0)
        progress = Progress(
            report=lambda fraction, note: task.deliver((fraction, note)), should_stop=lambda: bool(asked)
        )
        task.settle(attempt(lambda: work(progress)))

    def report(self, fraction: float, note: str) -> None:
        self._waiting[0][0].deliver((fraction, note))

    def close(self) -> None:
        if self._is_killed:
            return
        for task, _, _ in self._waiting:
            task.settle(Failure(JobStopped("the engine was closed"), trace=""))
