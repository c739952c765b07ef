"""Targets with a known answer: one that leaks who is a member, and one that cannot."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from shared.datasets.registry import load
from shared.datasets.splits import DivisionSpec, divide, draw_members
from shared.interactions import Interactions
from shared.progress import SILENT
from shared.recommenders.base import Algorithm
from shared.recommenders.registry import parse_hyperparameters
from shared.recommenders.served import ColdStart, train_and_serve
from tests.attacker.asking.fake_target import Answered, Asked, FakeTarget, fake_target, problem

DATASET = "synthetic:users=300,items=300,history=80,seed=1"
SPLIT = {"min_interactions": 15}
ORACLE_KEY, ORACLE_ENV = "canary-oracle-key", "RECLEAK_TEST_ORACLE_KEY"
TARGET_KEY, TARGET_ENV = "canary-target-key", "RECLEAK_TEST_TARGET_KEY"
DEPLOYMENT = "dep1"
K = 20

Lists = Mapping[str, Sequence[str]]


@cache
def judged_users() -> Interactions:
    """The target part of the dataset."""
    interactions, _ = load(DATASET, data_dir=None)
    return divide(interactions, DivisionSpec(**SPLIT)).target


@cache
def leaky_lists() -> tuple[Lists, Mapping[str, bool]]:
    """Members get lists of their own, everybody else the same popular ones; and who is a member."""
    part = judged_users()
    is_member, _ = draw_members(part.n_users, rng=np.random.default_rng(11))
    _, served = train_and_serve(
        part.histories,
        is_member,
        algorithm=Algorithm.ITEM,
        settings=parse_hyperparameters(Algorithm.ITEM, {}),
        k=K,
        cold_start=ColdStart.POPULAR,
        seed=3,
        progress=SILENT,
    )
    rows = range(part.n_users)
    lists = {part.user_ids.names[row]: part.item_ids.names_of(served.lists.of(row)) for row in rows}
    return lists, dict(zip(part.user_ids.names, is_member.tolist(), strict=True))


@cache
def null_lists() -> tuple[Lists, Mapping[str, bool]]:
    """Everybody gets items drawn at random; who is a member is drawn without looking."""
    part, rng = judged_users(), np.random.default_rng(12)
    is_member, _ = draw_members(part.n_users, rng=rng)
    draws = {user: rng.permutation(part.n_items)[:K] for user in part.user_ids.names}
    lists = {user: part.item_ids.names_of(drawn) for user, drawn in draws.items()}
    return lists, dict(zip(part.user_ids.names, is_member.tolist(), strict=True))


def nothing_happens(asked: Asked) -> Answered | None:
    """The default of `before`: let the target answer."""
    return None


@dataclass
class World:
    """A target, its truth, and what it has handed out.

    before  called with each request; what it returns is answered instead, None lets the target answer
    names_deployment  whether its lists say which deployment gave them: `serving`
    """

    lists: Lists
    is_member: Mapping[str, bool]
    before: Callable[[Asked], Answered | None] = nothing_happens
    names_deployment: bool = False
    serving: str = DEPLOYMENT
    handed_out: Counter[str] = field(default_factory=Counter)
    oracle_calls: int = 0
    target: FakeTarget | None = None
    lock: Any = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        assert self.target is not None
        return self.target.url

    def spec(self, **changes: Any) -> dict[str, Any]:
        """An attack on this target, small and quick."""
        query = changes.pop("query", {})
        return {
            "target": {"url": self.url, "query": {"batch_size": 40, "concurrency": 1, **query}},
            "users": {"source": "dataset", "dataset": DATASET},
            "shadow": {"dataset": DATASET},
            "split": SPLIT,
            "features": {"length": 64},
            "k": K,
            "evaluate": {"key_env": ORACLE_ENV},
            **changes,
        }

    def answer(self, asked: Asked) -> Answered | None:
        instead = self.before(asked)
        if instead is not None:
            return instead
        if asked.path == "/oracle/membership":
            return self._truth(asked)
        path = asked.path.removeprefix(f"/v1/d/{DEPLOYMENT}").removeprefix("/v1")
        if path == "/recommendations:batch":
            if asked.body["k"] > K:
                return problem(
                    422, f"k must lie in 1 to {K}, the cap of this deployment", "/problems/bad-input"
                )
            users = asked.body["user_ids"]
            self._count(users)
            entries = [{"user_id": user, "items": list(self.lists[user])} for user in users]
            return Answered(body={"recommendations": entries}, headers=self._says())
        if path.endswith("/recommendations"):
            self._count([asked.user_id])
            body = {"user_id": asked.user_id, "items": list(self.lists[asked.user_id])}
            return Answered(body=body, headers=self._says())
        return self._profile(path, asked)

    def oracle_questions(self) -> list[Asked]:
        """What its oracle was asked."""
        assert self.target is not None
        return [asked for asked in self.target.asked if asked.path == "/oracle/membership"]

    def _says(self) -> dict[str, str]:
        return {"X-Deployment": self.serving} if self.names_deployment else {}

    def _profile(self, path: str, asked: Asked) -> Answered:
        part = judged_users()
        if path == "/users":
            return Answered(body={"users": list(part.user_ids.names), "next_cursor": None})
        if path.endswith("/history"):
            row = part.user_ids.row_of(asked.user_id)
            items = part.item_ids.names_of(part.histories[[row]].indices)
            return Answered(body={"user_id": asked.user_id, "items": items})
        return problem(404, f"nothing is at {asked.path}", "about:blank")

    def _truth(self, asked: Asked) -> Answered:
        self.oracle_calls += 1
        if asked.headers.get("X-API-Key") != ORACLE_KEY:
            return problem(401, "the key in X-API-Key is wrong", "/problems/unauthorized")
        users = asked.body["user_ids"]
        known = [user for user in users if user in self.is_member]
        answer = {
            "deployment": DEPLOYMENT,
            "user_ids": known,
            "is_member": [self.is_member[user] for user in known],
            "unknown": [user for user in users if user not in self.is_member],
        }
        return Answered(body=answer)

    def _count(self, users: Sequence[str]) -> None:
        with self.lock:
            self.handed_out.update(users)


@contextmanager
def world_of(made: tuple[Lists, Mapping[str, bool]], **options: Any) -> Iterator[World]:
    """Run a target with these lists and this truth."""
    world = World(*made, **options)
    with fake_target(world.answer) as world.target:
        yield world
