"""Server-sent events: read from lines, and read on after a broken connection."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

import httpx
from pydantic import ValidationError

from shared.client.waiting import Clock
from shared.client.wire import Wire
from shared.contract.attacker import AttackEvent
from shared.contract.experiments import ExperimentEvent
from shared.errors import ServiceBrokeContract, ServiceUnreachable

Connect = Callable[[int | None], AbstractContextManager[httpx.Response]]
"""Opens the stream behind the event of an id; None = from the first one."""

Event = TypeVar("Event", AttackEvent, ExperimentEvent)

_TRIES = 6
_FIRST_PAUSE_S = 0.25


def parse_events(model: type[Event], lines: Iterable[str]) -> Iterator[Event]:
    """Read the events of an attack or of an experiment from the lines of a stream.

    Comments, other fields and an event that the stream breaks off in are skipped. Source: HTML Living
    Standard, 9.2.6. Raises ServiceBrokeContract on data that is not a `model`.
    """
    data: list[str] = []
    for line in lines:
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and data:
            yield _event(model, "\n".join(data))
            data = []


def follow_path(
    model: type[Event], wire: Wire, path: str, *, last_event_id: int | None, clock: Clock
) -> Iterator[Event]:
    """Follow the stream at a path of a service; see `follow`."""

    def connect(last: int | None) -> AbstractContextManager[httpx.Response]:
        headers = {"Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        return wire.stream(path, headers=headers)

    return follow(model, connect, last_event_id=last_event_id, clock=clock)


def follow(
    model: type[Event], connect: Connect, *, last_event_id: int | None, clock: Clock
) -> Iterator[Event]:
    """Give events until the service ends the stream behind a final state, connecting again where it breaks.

    Each event comes once, whatever breaks. Raises ServiceUnreachable if six tries in a row, a few seconds
    apart, bring nothing new.
    """
    tries, is_final = 0, False
    while not is_final:
        try:
            with connect(last_event_id) as response:
                for event in parse_events(model, response.iter_lines()):
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
                    "the stream of events ends again and again; ask for its state instead"
                )
        if not is_final:
            clock.pause(_FIRST_PAUSE_S * 2 ** (tries - 1))


def _event(model: type[Event], text: str) -> Event:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise ServiceBrokeContract(
            f"the stream of events holds {text[:80]!r}, which is no {model.__name__}; check that the "
            f"address is a RecLeak attacker of this version"
        ) from error
