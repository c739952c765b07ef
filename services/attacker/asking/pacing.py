"""How fast a stranger's service is asked: so many requests at once, and fewer as soon as it says so."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.errors import JobStopped

_LOOK_EVERY_S = 0.5  # how long a pause may go on after somebody asked to stop
_GROWTH = 0.1  # a service at its limit refuses about one request in ten


@dataclass(frozen=True)
class Clock:
    """The time, and how to let it pass.

    monotonic  seconds that only grow; wall  seconds since 1970
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


SYSTEM_CLOCK = Clock()


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Stops:
    """Whether to stop asking.

    soon  what is under way is waited for, so that nothing is asked for twice; pauses end
    now   nothing is waited for
    """

    soon: Callable[[], bool] = _never
    now: Callable[[], bool] = _never

    def check(self) -> None:
        """Raise JobStopped if it is time to stop."""
        if self.soon() or self.now():
            raise JobStopped("stopped while asking")


NEVER = Stops()


class Pace:
    """Turns for requests: at most `most` at once, half as many after a refusal, more again with success.

    A refusal also closes the door for all: whoever has the next turn waits until the service wants to be
    asked again. Without that, a service that lets two requests a second pass would refuse all the others of a
    large `most` again and again.
    """

    def __init__(self, most: int, *, clock: Clock, stops: Stops) -> None:
        self._most = most
        self._allowed = float(most)
        self._under_way = 0
        self._opens_at = 0.0
        self._clock = clock
        self._stops = stops
        self._is_closed = False
        self._turns = asyncio.Event()

    async def enter(self) -> None:
        """Wait for a turn. Raises JobStopped if somebody asks to stop meanwhile."""
        while self._under_way >= int(self._allowed):
            self._turns.clear()
            await self._turns.wait()
        self._under_way += 1
        if self._is_closed:
            try:
                await self._pause()
            except BaseException:
                self._leave()
                raise

    def succeeded(self) -> None:
        """Give a turn back after an answer."""
        self._allowed = min(float(self._most), self._allowed + _GROWTH)
        self._leave()

    def refused(self, pause_s: float) -> None:
        """Give a turn back after no answer, and let nobody ask for so many seconds."""
        self._allowed = max(1.0, self._allowed / 2)
        self._opens_at = max(self._opens_at, self._clock.monotonic() + pause_s)
        self._is_closed = True
        self._leave()

    def gave_up(self) -> None:
        """Give a turn back after an error that ends everything."""
        self._leave()

    def _leave(self) -> None:
        self._under_way -= 1
        self._turns.set()

    async def _pause(self) -> None:
        while (left := self._opens_at - self._clock.monotonic()) > 0:
            self._stops.check()
            await self._clock.sleep(min(left, _LOOK_EVERY_S))
        self._is_closed = False
