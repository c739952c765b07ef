"""Waiting with a limit, by a clock that a test can replace."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from shared.errors import ServiceUnreachable

T = TypeVar("T")


@dataclass(frozen=True)
class Clock:
    """What time it is, in seconds from anywhere, and how to let it pass."""

    now: Callable[[], float] = field(default=time.monotonic)
    pause: Callable[[float], None] = field(default=time.sleep)


def wait_for(
    found: Callable[[], T | None], *, what: str, timeout_s: float, every_s: float, clock: Clock
) -> T:
    """Ask again and again until there is an answer other than None.

    what  names what is waited for, in the error
    Raises ServiceUnreachable after `timeout_s` seconds; it asks at least once.
    """
    end = clock.now() + timeout_s
    while (answer := found()) is None:
        if clock.now() >= end:
            raise ServiceUnreachable(
                f"{what} did not happen within {timeout_s:g} s; look into the service's log"
            )
        clock.pause(every_s)
    return answer
