"""Events come once each, whatever breaks."""

from collections.abc import Iterator

import httpx
import pytest
from client_worlds import FakeTime, Service, attacker, event, problem, stream

from shared.client.events import parse_events
from shared.contract.attacker import AttackEvent
from shared.errors import NotFound, ServiceBrokeContract, ServiceUnreachable

PATH = "GET /v1/attacks/a1/events"


class Breaking(httpx.SyncByteStream):
    """A stream that breaks off."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __iter__(self) -> Iterator[bytes]:
        yield self._text.encode()
        raise httpx.ReadError("connection reset")


def test_comments_and_unfinished_events_are_skipped() -> None:
    lines = [": still here", "", *event(7).splitlines(), "", "retry: 3000", "", "data: {"]

    assert [one.id for one in parse_events(AttackEvent, lines)] == [7]


def test_what_is_no_event_breaks_the_contract() -> None:
    with pytest.raises(ServiceBrokeContract, match="no AttackEvent"):
        list(parse_events(AttackEvent, ["data: hello", ""]))


def test_events_end_behind_the_final_one() -> None:
    service = Service({PATH: stream(event(1), event(2, stage="train"), event(3, "done", None))})

    with attacker(service) as client:
        assert [one.id for one in client.events("a1")] == [1, 2, 3]

    assert "last-event-id" not in service.last.headers


def test_a_broken_stream_goes_on_behind_the_last_event() -> None:
    time = FakeTime()
    broken = httpx.Response(200, stream=Breaking(event(1) + event(2)))
    service = Service({PATH: [broken, httpx.ConnectError("refused"), stream(event(3, "done", None))]})

    with attacker(service, clock=time.clock) as client:
        assert [one.id for one in client.events("a1")] == [1, 2, 3]

    assert [request.headers.get("last-event-id") for request in service.requests] == [None, "2", "2"]
    assert time.pauses == sorted(time.pauses)


def test_a_stream_that_ends_early_is_opened_again() -> None:
    time = FakeTime()
    service = Service({PATH: [stream(event(1)), stream(event(2, "failed", "train"))]})

    with attacker(service, clock=time.clock) as client:
        assert [one.id for one in client.events("a1", last_event_id=0)] == [1, 2]

    assert [request.headers["last-event-id"] for request in service.requests] == ["0", "1"]


def test_an_old_final_event_of_a_resumed_attack_is_not_the_end() -> None:
    """The events of an attack that was interrupted and resumed hold the interruption."""
    service = Service({PATH: stream(event(1, "interrupted"), event(2, "queued"), event(3, "done", None))})

    with attacker(service) as client:
        assert [one.id for one in client.events("a1")] == [1, 2, 3]


def test_a_service_that_stays_away_is_given_up() -> None:
    time = FakeTime()
    service = Service({PATH: [httpx.ConnectError("refused")] * 6})

    with attacker(service, clock=time.clock) as client, pytest.raises(ServiceUnreachable, match="refused"):
        list(client.events("a1"))

    assert 5 < sum(time.pauses) < 30


def test_an_unknown_attack_is_no_reason_to_try_again() -> None:
    service = Service({PATH: problem(404, "not-found", "there is no attack 'a1'")})

    with attacker(service) as client, pytest.raises(NotFound, match="there is no attack"):
        list(client.events("a1"))

    assert len(service.requests) == 1
