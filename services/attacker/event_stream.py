"""Events of a job as a stream that a client can take up again; attacks and experiments send theirs alike."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated, TypeAlias

from fastapi import Header
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import ServerSentEvent

from shared.contract.attacker import AttackEvent
from shared.contract.experiments import ExperimentEvent
from shared.errors import NotFound

Event: TypeAlias = AttackEvent | ExperimentEvent
EventsAfter: TypeAlias = Callable[[str, int], tuple[Sequence[Event], bool]]
LastEventId = Annotated[int | None, Header(ge=0, lt=2**63, description="only what happened after this event")]

_LOOK_EVERY_S = 0.2


async def follow(events_after: EventsAfter, job_id: str, last: int | None) -> AsyncIterator[ServerSentEvent]:
    """Send what has happened since an event and what happens, until nothing more can or the job is deleted.

    events_after  (job, event id) -> the events behind it, and whether the last of them is final
    last          id of the last event that the client has; None = it has none
    Asynchronous, unlike the routes: a stream that waits must not hold a thread.
    """
    seen = last or 0
    while True:
        try:
            events, is_over = await run_in_threadpool(events_after, job_id, seen)
        except NotFound:
            return  # deleted meanwhile
        for event in events:
            yield ServerSentEvent(id=str(event.id), data=event)
            seen = event.id
        if is_over:
            return
        await asyncio.sleep(_LOOK_EVERY_S)
