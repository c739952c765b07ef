"""The only place that talks to the recommender under attack."""

import asyncio
from collections.abc import Generator, Iterable, Iterator, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import numpy as np

from services.attacker.answers import Answers, Gathering
from services.attacker.asking import wire_answers
from services.attacker.asking.journal import Journal
from services.attacker.asking.pacing import NEVER, SYSTEM_CLOCK, Clock, Stops
from services.attacker.asking.replies import Access, Reply, expect_ok
from services.attacker.asking.transport import Transport, for_each
from services.attacker.asking.wire_answers import Names
from shared.contract.attacker import QueryMode, TargetAddress
from shared.errors import NotFound, TargetBrokeContract

_PAGE = 1_000
_USERS_MAX = 100_000_000
_HISTORY_SIZE_MAX = 64_000_000
_NAME_SIZE = 256  # bytes of an id in JSON, with quotes and comma
_ANSWER_SIZE = 1_000_000  # bytes that any answer may have
_DEPLOYMENT_LENGTH_MAX = 200

Chunk = tuple[int, Sequence[str]]


class TargetClient:
    """A target and how it is asked; for one thread, closed by its owner.

    key      the target's API key, if it wants one
    rng      spreads the pauses between tries
    pinned   the deployment that gave the lists up to now; None = there are none, or it was not named
    journal  where single answers are written down, and looked up before they are asked for
    Every method raises TargetUnreachable, TargetBrokeContract, Unauthorized or BadInput with a sentence that
    says what to do, and JobStopped if asked to stop.
    """

    def __init__(
        self,
        address: TargetAddress,
        *,
        key: str | None,
        rng: np.random.Generator,
        pinned: str | None = None,
        journal: Journal | None = None,
        stops: Stops = NEVER,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        query = address.query
        self._mode = query.mode
        self._prefix = "/v1" if address.deployment is None else f"/v1/d/{quote(address.deployment, safe='')}"
        self._access = Access(
            service="the target",
            url=str(address.url).rstrip("/"),
            key=key,
            key_env=address.key_env,
            concurrency=query.concurrency,
            timeout_s=query.timeout_s,
            retries=query.retries,
        )
        self._transport = Transport(self._access, rng=rng, stops=stops, clock=clock)
        self._stops = stops
        self._n_chunks = query.concurrency if self._mode is QueryMode.BATCH else 1
        self._knows_not_found = False
        self._named = address.deployment
        self._journal = journal
        self._pinned = pinned if pinned is not None or journal is None else journal.deployment

    @property
    def deployment(self) -> str | None:
        """The deployment that gave all lists; None = no list yet, or a target that does not say which."""
        return self._pinned

    @property
    def requests(self) -> int:
        """Requests sent, repeats included."""
        return self._transport.requests

    @property
    def repeats(self) -> int:
        """Requests sent again after a 429, a 5xx or a broken connection."""
        return self._transport.repeats

    def answers(self, chunks: Iterable[Chunk], *, k: int) -> Generator[tuple[int, Answers], None, None]:
        """Ask for the lists of chunks of users, and give each chunk's answers as soon as they are there.

        chunks   (number, user ids); at most 1,000 ids in a chunk in batch mode
        returns  (number, answers), in the order in which they arrive; nothing travels while the caller works
        Asked to stop soon, it begins no more chunks, gives those under way, and raises JobStopped then.
        """
        waiting = iter(chunks)
        under_way: dict[asyncio.Task[Answers], int] = {}
        try:
            while True:
                done = self._transport.run(self._next(waiting, under_way, k))
                if done is None:
                    return
                yield under_way.pop(done), done.result()
        finally:
            self._transport.finish(_cancel(under_way))

    def users(self) -> Names:
        """Give the ids of all users with a public profile. Raises NotFound if the target shows none."""
        found: Names = []
        cursor: str | None = None
        while len(found) <= _USERS_MAX:
            names, following = self._transport.run(self._user_page(cursor))
            found += names
            if following is None:
                if len(set(found)) != len(found):
                    raise TargetBrokeContract(f"{self._access.url} named a user twice in its list of users")
                return found
            if following == cursor or not names:
                break
            cursor = following
        raise TargetBrokeContract(f"{self._access.url} gave pages of users without an end")

    def histories(self, user_ids: Sequence[str]) -> list[Names]:
        """Give public profiles, in the order asked for. Raises NotFound if one does not exist."""
        found: dict[str, Names] = {}

        async def ask(user_id: str) -> None:
            found[user_id] = await self._history(user_id)

        self._transport.run(for_each(user_ids, ask, at_once=self._access.concurrency))
        return [found[user_id] for user_id in user_ids]

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _next(
        self, waiting: Iterator[Chunk], under_way: dict[asyncio.Task[Answers], int], k: int
    ) -> asyncio.Task[Answers] | None:
        """Keep as many chunks under way as may be, and wait for one; None if there are no more."""
        while not self._stops.soon() and len(under_way) < self._n_chunks:
            chunk = next(waiting, None)
            if chunk is None:
                break
            under_way[asyncio.create_task(self._ask(chunk[1], k))] = chunk[0]
        if not under_way:
            self._stops.check()
            return None
        done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        return min(done, key=lambda task: under_way[task])

    async def _ask(self, user_ids: Sequence[str], k: int) -> Answers:
        if self._mode is QueryMode.BATCH:
            return Answers.from_names(await self._batch(user_ids, k), k=k)
        gathering = Gathering(len(user_ids), k=k)

        async def ask(place: int) -> None:
            gathering.add(place, await self._single(user_ids[place], k))

        await for_each(range(len(user_ids)), ask, at_once=self._access.concurrency)
        return gathering.answers()

    async def _batch(self, user_ids: Sequence[str], k: int) -> list[Names | None]:
        reply = await self._transport.send(
            "POST",
            f"{self._prefix}/recommendations:batch",
            body={"user_ids": list(user_ids), "k": k},
            size_max=_ANSWER_SIZE + len(user_ids) * (k + 1) * _NAME_SIZE,
        )
        body = self._of_one_deployment(expect_ok(reply, self._access)).json()
        return wire_answers.batch(body, user_ids=user_ids, k=k, url=reply.url)

    async def _single(self, user_id: str, k: int) -> Names | None:
        journal = self._journal
        if journal is not None and user_id in journal:
            return journal.answer(user_id)
        names = await self._single_now(user_id, k)
        if journal is not None:
            journal.add(user_id, names, deployment=self._pinned)
        return names

    async def _single_now(self, user_id: str, k: int) -> Names | None:
        reply = await self._transport.send(
            "GET",
            f"{self._user_path(user_id)}/recommendations?k={k}",
            size_max=_ANSWER_SIZE + (k + 1) * _NAME_SIZE,
        )
        if reply.status == HTTPStatus.NOT_FOUND:
            await self._check_not_found(reply)
            return None
        body = self._of_one_deployment(expect_ok(reply, self._access)).json()
        return wire_answers.recommendations(body, user_id=user_id, k=k, url=reply.url)

    def _of_one_deployment(self, reply: Reply) -> Reply:
        """Let lists pass that come from the deployment of those before; their scores could not be compared.

        Where the target does not say which deployment answers, nothing is known and nothing is refused.
        """
        found = reply.deployment
        if found is not None and found == self._pinned and self._named in {None, found}:
            return reply
        if found is not None and not (found.isprintable() and 1 <= len(found) <= _DEPLOYMENT_LENGTH_MAX):
            raise TargetBrokeContract(f"{reply.url} names a deployment by {found!r:.80}, which is no id")
        if self._named is not None and found not in {None, self._named}:
            raise TargetBrokeContract(
                f"{reply.url} was answered by the deployment {found!r:.80}, asked was {self._named!r:.80}"
            )
        if self._pinned is not None and found != self._pinned:
            raise TargetBrokeContract(
                f"the target switched from deployment {self._pinned:.80} to {found or 'a nameless one':.80} "
                f"while it was asked; start again with target.deployment"
            )
        self._pinned = found
        return reply

    async def _check_not_found(self, reply: Reply) -> None:
        """Let a 404 pass as an answer about a user only where the route and the deployment exist.

        The catalogue of the same deployment is asked for, once: if it is there, so is the deployment. A route
        that does not exist says so by the type of its problem.
        """
        if reply.is_about_the_path():
            raise NotFound(f"the target has no such route: {reply.url} ({reply.detail()}); check the address")
        if not self._knows_not_found:
            catalogue = await self._transport.send(
                "GET", f"{self._prefix}/items?limit=1", size_max=_ANSWER_SIZE
            )
            if catalogue.status != HTTPStatus.OK:
                raise NotFound(
                    f"the target has nothing at {self._access.url}{self._prefix}: {reply.detail()}; "
                    f"check the address and the deployment"
                )
            self._knows_not_found = True

    async def _user_page(self, cursor: str | None) -> tuple[Names, str | None]:
        query: dict[str, str | int] = {"limit": _PAGE} | ({} if cursor is None else {"cursor": cursor})
        reply = await self._transport.send(
            "GET",
            f"{self._prefix}/users?{urlencode(query, errors='surrogatepass')}",
            size_max=_ANSWER_SIZE + _PAGE * _NAME_SIZE,
        )
        return wire_answers.user_page(expect_ok(reply, self._access).json(), url=reply.url)

    async def _history(self, user_id: str) -> Names:
        reply = await self._transport.send(
            "GET", f"{self._user_path(user_id)}/history", size_max=_HISTORY_SIZE_MAX
        )
        return wire_answers.history(expect_ok(reply, self._access).json(), user_id=user_id, url=reply.url)

    def _user_path(self, user_id: str) -> str:
        if user_id.isascii() and user_id.isalnum():
            return f"{self._prefix}/users/{user_id}"
        # a segment of dots alone would be taken for a way up
        segment = quote(user_id, safe="") if user_id.strip(".") else user_id.replace(".", "%2E")
        return f"{self._prefix}/users/{segment}"


async def _cancel(tasks: Iterable[asyncio.Task[Answers]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
