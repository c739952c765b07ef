"""Asking a small target for lists, in a time that passes only in pauses."""

import numpy as np
import pytest

from services.attacker.asking.journal import Journal
from services.attacker.asking.pacing import NEVER, Clock, Stops
from services.attacker.asking.target_client import TargetClient
from shared.contract.attacker import TargetAddress
from shared.errors import (
    RecLeakError,
)
from tests.attacker.asking.fake_target import Answered, Asked, Behavior, FakeTarget, fake_target

K = 3
USERS = ("a", "b/c", "..", "ü")


def well(asked: Asked) -> Answered | None:
    """Each user's list is `<user>0`, `<user>1`, `<user>2`; everything is as the contract says."""
    if asked.path == "/v1/recommendations:batch":
        lists = [{"user_id": one, "items": list_of(one)} for one in asked.body["user_ids"]]
        return Answered(body={"recommendations": lists})
    if asked.path.endswith("/recommendations"):
        return Answered(body={"user_id": asked.user_id, "items": list_of(asked.user_id)})
    if asked.path.endswith("/history"):
        return Answered(body={"user_id": asked.user_id, "items": [f"{asked.user_id}9"]})
    if asked.path == "/v1/users":
        start = int(asked.query.get("cursor", "0"))
        following = str(start + 2) if start + 2 < len(USERS) else None
        return Answered(body={"users": USERS[start : start + 2], "next_cursor": following})
    return Answered(body={"items": [], "next_cursor": None})


def list_of(user_id: str) -> list[str]:
    return [f"{user_id}{n}" for n in range(K)]


class PausedTime:
    """Time that passes only in pauses."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.now, wall=lambda: self.now, sleep=self.sleep)


def client_of(
    url: str,
    time: PausedTime,
    *,
    key: str | None = None,
    stops: Stops = NEVER,
    journal: Journal | None = None,
    **query: object,
) -> TargetClient:
    asked = {"mode": "single", "concurrency": 2, "retries": 3, "timeout_s": 5, **query}
    deployment = asked.pop("deployment", None)
    key_env = None if key is None else "RECLEAK_TEST_TARGET_KEY"
    address = TargetAddress.model_validate(
        {"url": url, "deployment": deployment, "key_env": key_env, "query": asked}
    )
    rng = np.random.default_rng(0)
    return TargetClient(address, key=key, rng=rng, journal=journal, stops=stops, clock=time.clock())


def ask(
    behave: Behavior, users: tuple[str, ...] = ("a",), **query: object
) -> tuple[list[object], FakeTarget, PausedTime]:
    """Ask a target for one chunk: the lists by name (None = not found), the target and the time."""
    time = PausedTime()
    with fake_target(behave) as target, client_of(target.url, time, **query) as client:
        ((_, answers),) = client.answers([(0, users)], k=K)
    names = [
        None if absent else answers.item_ids.names_of(answers.lists.of(row))
        for row, absent in enumerate(answers.is_absent)
    ]
    return names, target, time


def failure(
    behave: Behavior, users: tuple[str, ...] = ("a",), **query: object
) -> tuple[RecLeakError, int, PausedTime]:
    """Ask a target that fails: the error, the number of requests and the time."""
    time = PausedTime()
    with fake_target(behave) as target, client_of(target.url, time, **query) as client:
        with pytest.raises(RecLeakError) as caught:
            list(client.answers([(0, users)], k=K))
        return caught.value, client.requests, time
