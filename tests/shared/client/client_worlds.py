"""A service that is a function, and what it would say."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from shared.client import AttackerClient, Clock, TargetClient

URL = "http://service.test:9"
MOMENT = "2026-01-02T03:04:05.000Z"


@dataclass
class Service:
    """Answers by method and path; remembers what was asked."""

    answers: dict[str, Any] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[f"{request.method} {request.url.raw_path.decode()}"]
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    @property
    def last(self) -> httpx.Request:
        return self.requests[-1]

    def sent(self) -> Any:
        return json.loads(self.last.content)


class FakeTime:
    """A clock that goes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.now, pause=self.pause)


def target(service: Callable[[httpx.Request], httpx.Response], **settings: Any) -> TargetClient:
    keys = {"admin_key": "admin-key", "oracle_key": "oracle-key", **settings}
    return TargetClient(URL, transport=httpx.MockTransport(service), **keys)


def attacker(service: Callable[[httpx.Request], httpx.Response], **settings: Any) -> AttackerClient:
    return AttackerClient(URL, transport=httpx.MockTransport(service), **settings)


def problem(status: int, kind: str, detail: str, **headers: str) -> httpx.Response:
    body = {
        "type": f"/problems/{kind}" if kind != "about:blank" else kind,
        "status": status,
        "detail": detail,
    }
    return httpx.Response(
        status, content=json.dumps(body), headers={"content-type": "application/problem+json", **headers}
    )


def deployment(**changes: Any) -> dict[str, Any]:
    return {
        "id": "d1",
        "state": "done",
        "progress": {"fraction": 1.0, "note": "ready"},
        "is_active": True,
        "spec": {"dataset": "synthetic"},
        "size": None,
        "quality": "pending",
        "hr_at_k": None,
        "error": None,
        "created_at": MOMENT,
        "finished_at": MOMENT,
        **changes,
    }


def attack(**changes: Any) -> dict[str, Any]:
    return {
        "id": "a1",
        "state": "done",
        "stage": None,
        "progress": {"fraction": 1.0, "note": "done"},
        "spec": {"target": {"url": "http://target.test:8001"}},
        "queries": {"lists": 4, "requests": 1, "repeats": 0, "seconds": 0.1},
        "judgement": None,
        "timings": {"query": 0.1},
        "versions": {},
        "data_hashes": {},
        "error": None,
        "created_at": MOMENT,
        "finished_at": MOMENT,
        **changes,
    }


def event(number: int, state: str = "running", stage: str | None = "query") -> str:
    data = {
        "id": number,
        "at": MOMENT,
        "state": state,
        "stage": stage,
        "progress": {"fraction": 0.5, "note": "asking"},
    }
    return f"id: {number}\nevent: progress\ndata: {json.dumps(data)}\n\n"


def stream(*parts: str) -> httpx.Response:
    return httpx.Response(200, content="".join(parts), headers={"content-type": "text/event-stream"})
