"""Server-sent events: read from lines, and read on after a broken connection."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager

import httpx
from pydantic import ValidationError

from shared.client.waiting import Clock
from shared.contract.attacker import AttackEvent
from shared.errors import ServiceBrokeContract, ServiceUnreachable

Connect = Callable[[int | None], AbstractContextManager[httpx.Response]]
"""Opens the stream behind the event of an id; None = from the first one."""

_TRIES = 6
_FIRST_PAUSE_S = 0.25


def parse_events(lines: Iterable[str]) -> Iterator[AttackEvent]:
    """Read the events of an attack from the lines of a stream.

    Comments, other fields and an event that the stream breaks off in are skipped. Source: HTML Living
    Standard, 9.2.6. Raises ServiceBrokeContract on data that is not an AttackEvent.
    """
    data: list[str] = []
    for line in lines:
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and data:
            yield _event("\n".join(data))
            data = []


def follow(connect: Connect, *, last_event_id: int | None, clock: Clock) -> Iterator[AttackEvent]:
    """Give events until the service ends the stream behind a final state, connecting again where it breaks.

    Each event comes once, whatever breaks. Raises ServiceUnreachable if six tries in a row, a few seconds
    apart, bring nothing new.
    """
    tries, is_final = 0, False
    while not is_final:
        try:
            with connect(last_event_id) as response:
                for event in parse_events(response.iter_lines()):
                    last_event_id, tries, is_final = event.id, 0, event.state.is_final
                    yield event
        except ServiceUnreachable:
            tries += 1
            if tries == _TRIES:
                raise
        else:
            tries += 1
            if tries == _TRIES:
                raise ServiceUnreachable(
                    "the stream of events ends again and again; ask for the attack itself"
                )
        if not is_final:
            clock.pause(_FIRST_PAUSE_S * 2 ** (tries - 1))


def _event(text: str) -> AttackEvent:
    try:
        return AttackEvent.model_validate_json(text)
    except ValidationError as error:
        raise ServiceBrokeContract(
            f"the stream of events holds {text[:80]!r}, which is no event of an attack; check that the "
            f"address is a RecLeak attacker of this version"
        ) from error
