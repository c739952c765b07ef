"""How requests to a stranger's service travel: bounded in time, number and size, repeated where it helps.

aiohttp, and not httpx, on measurements (httpx 0.28.1, aiohttp 3.14.5, one core each for client and server,
4,000 lists of 100 items from one uvicorn process):

    requests at once     1        4       32      128
    httpx            2.8 s    2.5 s    7.0 s   11.9 s
    aiohttp                            0.5 s    0.6 s

httpx grows with the number of connections because its pool (`_assign_requests_to_connections` of httpcore)
walks over all of them when a request begins and again when it ends, asks the kernel of each idle one whether
it has closed, and counts, for each idle one, the idle ones anew: 3.8 million calls of `is_idle` for 4,000
requests, 45 % of the time in the profile. A quarter goes into finding out, several times a request, which
async library runs (a search for the module `trio`, which is not installed, over the whole import path). With
4,000 tasks that wait for 32 connections, rather than 32 tasks in a loop, its queue is walked as well, and a
pool timeout of 60 s ended the run. aiohttp keeps idle connections in one queue per host.
"""

import asyncio
import email.utils
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import numpy as np
from yarl import URL

from services.attacker.asking.pacing import SYSTEM_CLOCK, Clock, Pace, Stops
from services.attacker.asking.replies import Access, Reply
from shared import __version__
from shared.contract.target import DEPLOYMENT_HEADER
from shared.errors import (
    JobStopped,
    TargetBrokeContract,
    TargetUnreachable,
)

S = TypeVar("S")
T = TypeVar("T")

if sys.platform != "win32":
    import uvloop

REPEATED = frozenset({429, 502, 503, 504})
CONNECT_TIMEOUT_S = 10.0
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0
KEEPALIVE_S = 4.0  # below the 5 s of uvicorn: a connection that it closes just now breaks a request
LONGEST_WAIT_S = 600.0
"""A service that asks for more patience than this is given up; the attack can be resumed later."""
_SHOWN = 160
_LOOK_EVERY_S = 0.25
_REFUSAL_SIZE_MAX = 1_000_000


@dataclass(frozen=True)
class _Refusal:
    """No answer yet: why, and when to come back if the service has said so."""

    reason: str
    retry_after_s: float | None
    is_limit: bool
    cause: Exception | None


class Transport:
    """Sends requests to one service; asynchronous inside, synchronous outside; for one thread, closed by it.

    rng                spreads the pauses
    requests, repeats  how many were sent, and how many of those again
    """

    def __init__(
        self,
        access: Access,
        *,
        rng: np.random.Generator,
        stops: Stops,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.access = access
        self.requests = 0
        self.repeats = 0
        self._rng = rng
        self._clock = clock
        self._pace = Pace(access.concurrency, clock=clock, stops=stops)
        self._stops = stops
        self._runner = asyncio.Runner(loop_factory=_new_loop)
        # not by its own `run`: to handle signals, it prints the result of its task, which is a chunk of lists
        self._loop = self._runner.get_loop()
        self._session: aiohttp.ClientSession | None = None
        self._n_answered = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run what asks, to its end. Raises JobStopped if it is time to stop now."""
        return self._loop.run_until_complete(self._watched(work))

    def finish(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what must be run even if it is time to stop."""
        self._loop.run_until_complete(work)

    def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            self.finish(self._session.close())
            self._session = None
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        size_max: int,
    ) -> Reply:
        """Send a request, again if need be, until there is an answer: any status but those of REPEATED.

        path      percent-encoded, below the service's address, with the query
        size_max  bytes of the answer
        Raises TargetUnreachable if there is none within the tries; TargetBrokeContract if it is no HTTP or
        too large; JobStopped if asked to stop in a pause.
        Tries do not count against a request that was refused for asking too often (429) while others were
        answered: it is in a queue, not lost.
        """
        url = f"{self.access.url}{path}"
        tries, answered_before = 0, self._n_answered
        while True:
            await self._pace.enter()
            try:
                outcome = await self._try(method, url, body, size_max)
            except BaseException:
                self._pace.gave_up()
                raise
            if isinstance(outcome, Reply):
                self._n_answered += 1
                self._pace.succeeded()
                return outcome
            if outcome.is_limit and self._n_answered > answered_before:
                tries, answered_before = 0, self._n_answered
            pause_s = self._pause_s(outcome, tries)
            if tries == self.access.retries or pause_s > LONGEST_WAIT_S:
                self._pace.gave_up()
                raise self._given_up(outcome, tries, pause_s) from outcome.cause
            tries += 1
            self.repeats += 1
            self._pace.refused(pause_s)

    async def _watched(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                if self._stops.now():
                    raise JobStopped("stopped while asking")
                await asyncio.wait([task], timeout=_LOOK_EVERY_S)
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _try(self, method: str, url: str, body: object, size_max: int) -> Reply | _Refusal:
        self.requests += 1
        try:
            async with self._open().request(
                method, URL(url, encoded=True), json=body, allow_redirects=False
            ) as response:
                if response.status in REPEATED:
                    return await self._refusal(response, url)
                return self._reply(response, await _read(response, size_max), url)
        except TimeoutError as error:
            raise TargetUnreachable(
                f"{self.access.service} did not answer {url} within {self.access.timeout_s:g} s; check that "
                f"it is well, or give it more time (timeout_s), then resume"
            ) from error
        except aiohttp.ClientConnectorError as error:
            if self._n_answered == 0:
                raise TargetUnreachable(
                    f"{self.access.service} cannot be reached at {self.access.url} ({_reason(error)}); check "
                    f"the address and that it runs, then resume"
                ) from error
            return _Refusal(f"cannot be reached any more ({_reason(error)})", None, False, error)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError) as error:
            return _Refusal(f"broke the connection ({_reason(error)})", None, False, error)
        except aiohttp.ClientError as error:
            raise TargetBrokeContract(
                f"{url} gave an answer that is no HTTP ({_reason(error)}); check the address"
            ) from error

    def _reply(self, response: aiohttp.ClientResponse, body: bytes, url: str) -> Reply:
        key = self.access.key
        if key is not None and response.status != HTTPStatus.OK:
            body = body.replace(key.encode(), b"***")  # some services quote the key that they refuse
        return Reply(response.status, body, url, response.headers.get(DEPLOYMENT_HEADER))

    async def _refusal(self, response: aiohttp.ClientResponse, url: str) -> _Refusal:
        reply = self._reply(response, await _read(response, _REFUSAL_SIZE_MAX), url)
        said = response.headers.get("Retry-After")
        retry_after_s = None if said is None else _seconds(said, now=self._clock.wall())
        reason = f"answered {response.status} ({reply.detail()})"
        return _Refusal(reason, retry_after_s, response.status == HTTPStatus.TOO_MANY_REQUESTS, None)

    def _pause_s(self, refusal: _Refusal, tries: int) -> float:
        """What the service asked for, or twice as long as before; both a little spread."""
        spread = float(self._rng.uniform(0.0, 0.5))
        if refusal.retry_after_s is not None:
            return refusal.retry_after_s + FIRST_PAUSE_S * spread
        return float(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**tries)) * (1 - spread)

    def _given_up(self, refusal: _Refusal, tries: int, pause_s: float) -> TargetUnreachable:
        if pause_s > LONGEST_WAIT_S:
            reason = f"{refusal.reason} and wants to be asked again in {pause_s:.0f} s"
        else:
            reason = f"{refusal.reason} at the last of {tries + 1} tries"
        return TargetUnreachable(
            f"{self.access.service} at {self.access.url} {reason}; resume when it is well again"
        )

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            headers = {"User-Agent": f"recleak/{__version__}", "Accept": "application/json"}
            if self.access.key is not None:
                headers["X-API-Key"] = self.access.key
            timeout_s = self.access.timeout_s
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self.access.concurrency, keepalive_timeout=KEEPALIVE_S),
                timeout=aiohttp.ClientTimeout(
                    total=timeout_s, sock_connect=min(timeout_s, CONNECT_TIMEOUT_S)
                ),
                headers=headers,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _new_loop() -> asyncio.AbstractEventLoop:
    """Give a loop of uvloop, with which a request takes a quarter less time; there is none for Windows."""
    return asyncio.new_event_loop() if sys.platform == "win32" else uvloop.new_event_loop()


async def for_each(whom: Sequence[S], ask: Callable[[S], Awaitable[None]], *, at_once: int) -> None:
    """Ask about each, so many at a time, by as many tasks as that; the first error ends the others."""
    waiting = iter(whom)

    async def ask_on() -> None:
        for one in waiting:
            await ask(one)

    tasks = [asyncio.create_task(ask_on()) for _ in range(min(at_once, len(whom)))]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def _read(response: aiohttp.ClientResponse, size_max: int) -> bytes:
    parts, size = [], 0
    while part := await response.content.readany():
        size += len(part)
        if size > size_max:
            response.close()
            raise TargetBrokeContract(
                f"{response.url} answered more than {size_max:,} bytes; check the address"
            )
        parts.append(part)
    return b"".join(parts)


def _seconds(said: str, *, now: float) -> float | None:
    """Read `Retry-After`: seconds, or a date; None if it is neither. Source: RFC 9110, 10.2.3."""
    text = said.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        date = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, date.replace(tzinfo=date.tzinfo or UTC).timestamp() - now)


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:_SHOWN] or type(error).__name__
