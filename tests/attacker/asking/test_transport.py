"""Requests are bounded, and repeated where that helps."""

import re
import threading
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest

from services.attacker.asking.pacing import Stops
from shared.errors import (
    JobStopped,
    TargetBrokeContract,
    TargetError,
    TargetUnreachable,
)
from tests.attacker.asking.clients import K, PausedTime, ask, client_of, failure, list_of, well
from tests.attacker.asking.fake_target import Answered, Asked, fake_target, problem


def test_no_more_requests_are_under_way_than_allowed() -> None:
    under_way, most, lock = [0], [0], threading.Lock()
    gate = threading.Barrier(3)

    def behave(asked: Asked) -> Answered | None:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        gate.wait(timeout=10)  # passes when as many are under way as are allowed
        with lock:
            under_way[0] -= 1
        return well(asked)

    ask(behave, tuple(f"u{n}" for n in range(9)), concurrency=3)

    assert most == [3]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_passes_is_asked_for_again(status: int) -> None:
    names, target, time = ask(lambda one: Answered(status) if one.number < 2 else well(one))

    assert names == [list_of("a")]
    assert len(target.asked) == 3
    assert 0.25 / 2 + 0.5 / 2 <= sum(time.slept) <= 0.75


def test_a_broken_connection_is_tried_again() -> None:
    names, _, _ = ask(lambda one: None if one.number == 1 else well(one), ("a", "b"), concurrency=1)

    assert names == [list_of("a"), list_of("b")]


@pytest.mark.parametrize("is_date", [True, False])
def test_retry_after_is_honored(is_date: bool) -> None:
    """As seconds and as a date; a little later is polite, earlier is not."""
    date = format_datetime(datetime.fromtimestamp(1_000_007, UTC), usegmt=True)
    refused = Answered(429, b"", {"Retry-After": date if is_date else "7"})

    _, _, time = ask(lambda one: refused if one.number == 0 else well(one))

    assert 7 <= sum(time.slept) <= 7.5


def test_a_limit_closes_the_door_for_all_and_does_not_use_up_the_tries() -> None:
    """One list a second for 16 at once: each waits for its turn, whatever the tries."""
    time = PausedTime()
    served_at: list[float] = []
    lock = threading.Lock()

    def behave(asked: Asked) -> Answered | None:
        with lock:
            if served_at and time.now < served_at[-1] + 1:
                return problem(429, "slower", Retry_After="1")
            served_at.append(time.now)
        return well(asked)

    users = tuple(f"u{n}" for n in range(40))
    with fake_target(behave) as target, client_of(target.url, time, concurrency=16, retries=2) as client:
        ((_, answers),) = client.answers([(0, users)], k=K)

        assert not answers.is_absent.any()
        assert client.requests == 40 + client.repeats
        assert client.repeats <= 40 + 15  # one refusal for each list, and the 15 of the first rush


def test_the_tries_end() -> None:
    error, n_requests, _ = failure(lambda one: problem(503, "no deployment is active yet"), retries=3)

    assert isinstance(error, TargetUnreachable)
    assert n_requests == 4
    assert "503 (no deployment is active yet) at the last of 4 tries" in str(error)


def test_a_target_that_wants_too_much_patience_is_given_up() -> None:
    error, n_requests, time = failure(lambda one: problem(429, "tomorrow", Retry_After="86400"))

    assert isinstance(error, TargetUnreachable) and "86400 s" in str(error)
    assert n_requests == 1 and time.slept == []


def test_an_error_of_the_target_is_not_asked_for_again() -> None:
    error, n_requests, _ = failure(lambda one: Answered(500, b"<h1>oops</h1>"))

    assert isinstance(error, TargetError) and "with 500 ('<h1>oops</h1>')" in str(error)
    assert n_requests == 1


def test_a_target_that_is_not_there_is_named() -> None:
    with fake_target(well) as target:
        url = target.url
    with (
        client_of(url, PausedTime()) as client,
        pytest.raises(TargetUnreachable, match=re.escape(f"reached at {url}")),
    ):
        list(client.answers([(0, ("a",))], k=K))
    unknown = client_of("http://no.such.host.invalid", PausedTime())
    with unknown as client, pytest.raises(TargetUnreachable, match=r"no\.such\.host\.invalid"):
        list(client.answers([(0, ("a",))], k=K))


def test_a_target_that_hangs_is_given_up() -> None:
    released = threading.Event()

    def behave(asked: Asked) -> Answered | None:
        released.wait(timeout=10)
        return None

    error, n_requests, _ = failure(behave, timeout_s=0.05)
    released.set()

    assert isinstance(error, TargetUnreachable) and "within 0.05 s" in str(error)
    assert n_requests == 1


def test_redirections_are_not_followed() -> None:
    error, n_requests, _ = failure(lambda one: Answered(302, b"", {"Location": "http://127.0.0.1:1/"}))

    assert isinstance(error, TargetBrokeContract) and "redirects" in str(error)
    assert n_requests == 1


def test_stopping_soon_gives_what_is_under_way_and_asks_for_nothing_more() -> None:
    asked_to_stop: list[bool] = []
    stops = Stops(soon=lambda: bool(asked_to_stop))
    chunks = [(number, (f"u{number}",)) for number in range(9)]
    found: list[int] = []
    with (
        fake_target(well) as target,
        client_of(target.url, PausedTime(), stops=stops, mode="batch") as client,
    ):
        with pytest.raises(JobStopped):
            for number, _ in client.answers(chunks, k=K):
                found.append(number)
                asked_to_stop.append(True)

        assert len(found) == len(target.asked) == 2  # as many as may be under way at once


def test_stopping_soon_ends_a_pause() -> None:
    asked_to_stop: list[bool] = []
    time = PausedTime()

    def behave(asked: Asked) -> Answered | None:
        asked_to_stop.append(True)
        return problem(503, "wait", Retry_After="300")

    stops = Stops(soon=lambda: bool(asked_to_stop))
    with (
        fake_target(behave) as target,
        client_of(target.url, time, stops=stops) as client,
        pytest.raises(JobStopped),
    ):
        list(client.answers([(0, ("a",))], k=K))

    assert time.slept == []


def test_stopping_now_waits_for_nothing() -> None:
    released, reached = threading.Event(), threading.Event()

    def behave(asked: Asked) -> Answered | None:
        reached.set()
        released.wait(timeout=30)
        return None

    stops = Stops(now=reached.is_set)
    with (
        fake_target(behave) as target,
        client_of(target.url, PausedTime(), stops=stops, timeout_s=30) as client,
    ):
        with pytest.raises(JobStopped):
            list(client.answers([(0, ("a",))], k=K))
        released.set()


def test_the_fake_speaks_http() -> None:
    """Another client than ours understands it."""
    with fake_target(well) as target:
        assert httpx.get(f"{target.url}/v1/users/a/recommendations").json()["items"] == list_of("a")
