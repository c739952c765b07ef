"""The client of the target gives what the contract promises, or one clear error."""

import json
import re
import threading
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import numpy as np
import pytest
from pydantic import ValidationError

from services.attacker import wire_answers
from services.attacker.pacing import NEVER, Clock, Stops
from services.attacker.target_client import TargetClient
from shared.contract.attacker import TargetAddress
from shared.contract.target import BatchAnswer
from shared.errors import (
    BadInput,
    JobStopped,
    NotFound,
    RecLeakError,
    TargetBrokeContract,
    TargetError,
    TargetUnreachable,
    Unauthorized,
)
from tests.attacker.service.fake_target import Answered, Asked, Behavior, FakeTarget, fake_target, problem

K = 3
USERS = ("a", "b/c", "..", "ü")


def well(asked: Asked) -> Answered | None:
    """Each user's list is `<user>0`, `<user>1`, `<user>2`; everything is as the contract says."""
    if asked.path == "/v1/recommendations:batch":
        lists = [{"user_id": one, "items": list_of(one)} for one in asked.body["user_ids"]]
        return Answered(body={"recommendations": lists})
    if asked.path.endswith("/recommendations"):
        return Answered(body={"user_id": asked.user_id, "items": list_of(asked.user_id)})
    if asked.path.endswith("/history"):
        return Answered(body={"user_id": asked.user_id, "items": [f"{asked.user_id}9"]})
    if asked.path == "/v1/users":
        start = int(asked.query.get("cursor", "0"))
        following = str(start + 2) if start + 2 < len(USERS) else None
        return Answered(body={"users": USERS[start : start + 2], "next_cursor": following})
    return Answered(body={"items": [], "next_cursor": None})


def list_of(user_id: str) -> list[str]:
    return [f"{user_id}{n}" for n in range(K)]


class TestClock:
    """Time that passes only in pauses."""

    __test__ = False

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.now, wall=lambda: self.now, sleep=self.sleep)


def client_of(
    url: str, time: TestClock, *, key: str | None = None, stops: Stops = NEVER, **query: object
) -> TargetClient:
    asked = {"mode": "single", "concurrency": 2, "retries": 3, "timeout_s": 5, **query}
    deployment = asked.pop("deployment", None)
    key_env = None if key is None else "RECLEAK_TEST_TARGET_KEY"
    address = TargetAddress.model_validate(
        {"url": url, "deployment": deployment, "key_env": key_env, "query": asked}
    )
    rng = np.random.default_rng(0)
    return TargetClient(address, key=key, rng=rng, stops=stops, clock=time.clock())


def ask(
    behave: Behavior, users: tuple[str, ...] = ("a",), **query: object
) -> tuple[list[object], FakeTarget, TestClock]:
    """Ask a target for one chunk: the lists by name (None = not found), the target and the time."""
    time = TestClock()
    with fake_target(behave) as target, client_of(target.url, time, **query) as client:
        ((_, answers),) = client.answers([(0, users)], k=K)
    names = [
        None if absent else answers.item_ids.names_of(answers.lists.of(row))
        for row, absent in enumerate(answers.is_absent)
    ]
    return names, target, time


def failure(
    behave: Behavior, users: tuple[str, ...] = ("a",), **query: object
) -> tuple[RecLeakError, int, TestClock]:
    """Ask a target that fails: the error, the number of requests and the time."""
    time = TestClock()
    with fake_target(behave) as target, client_of(target.url, time, **query) as client:
        with pytest.raises(RecLeakError) as caught:
            list(client.answers([(0, users)], k=K))
        return caught.value, client.requests, time


@pytest.mark.parametrize("mode", ["single", "batch"])
def test_lists_come_in_the_order_asked_for(mode: str) -> None:
    """Whatever an id looks like: slashes, dots and letters of other alphabets are part of it."""
    names, target, _ = ask(well, USERS, mode=mode)

    assert names == [list_of(one) for one in USERS]
    assert len(target.asked) == (len(USERS) if mode == "single" else 1)


def test_every_chunk_is_given_once_with_its_number() -> None:
    chunks = [(number, (f"user-{number}", f"other-{number}")) for number in range(7)]
    with fake_target(well) as target, client_of(target.url, TestClock(), mode="batch") as client:
        found = dict(client.answers(chunks, k=K))

    assert sorted(found) == list(range(7))
    assert found[5].item_ids.names == (*list_of("user-5"), *list_of("other-5"))
    assert len(target.asked) == 7


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


def test_the_key_is_sent_and_the_deployment_is_part_of_the_path() -> None:
    def behave(asked: Asked) -> Answered | None:
        assert asked.path.startswith("/v1/d/dep%2F1/users/")
        return well(asked)

    time = TestClock()
    with (
        fake_target(behave) as target,
        client_of(target.url, time, key="a key", deployment="dep/1") as client,
    ):
        list(client.answers([(0, ("a",))], k=K))

    assert {one.headers["X-API-Key"] for one in target.asked} == {"a key"}


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
    time = TestClock()
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
        client_of(url, TestClock()) as client,
        pytest.raises(TargetUnreachable, match=re.escape(f"reached at {url}")),
    ):
        list(client.answers([(0, ("a",))], k=K))
    unknown = client_of("http://no.such.host.invalid", TestClock())
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


def broken(body: object) -> Behavior:
    return lambda one: Answered(body=body)


LONG = [str(n) for n in range(K + 1)]
GARBAGE = {
    "HTML": (b"<html><body>Welcome!</body></html>", "Welcome"),
    "nothing": (b"", "nothing"),
    "half of it": (b'{"user_id": "a", "items": ["a0", ', "no JSON"),
    "too deep": (b"[" * 100_000, "no JSON"),
    "not UTF-8": (b'{"user_id": "a", "items": ["\xff"]}', "no JSON"),
    "a list": ([], "another kind"),
    "another user": ({"user_id": "b", "items": ["a0"]}, "about the user 'b'"),
    "no items": ({"user_id": "a"}, "no list of ids"),
    "items of another type": ({"user_id": "a", "items": ["a0", 1]}, "no list of ids"),
    "an empty id": ({"user_id": "a", "items": [""]}, "1 to 200"),
    "a very long id": ({"user_id": "a", "items": ["a" * 201]}, "1 to 200"),
    "an id with a zero": ({"user_id": "a", "items": ["a\x00b"]}, "zero"),
    "an id that is no text": (b'{"user_id": "a", "items": ["\\ud800"]}', "no text"),
    "a list that is too long": (
        {"user_id": "a", "items": LONG},
        "4 items in the list of 'a', asked for were 3",
    ),
    "an item twice": ({"user_id": "a", "items": ["x", "x"]}, "twice"),
    "too much": (b" " * 2_000_000, "more than 1,001,"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_told_with_an_excerpt(name: str) -> None:
    body, expected = GARBAGE[name]

    error, n_requests, _ = failure(broken(body))

    assert isinstance(error, TargetBrokeContract) and expected in str(error)
    assert n_requests == 1 and len(str(error)) < 400


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], "0 answers to a question about 2"),
        ([{"user_id": "b", "items": []}, {"user_id": "a", "items": []}], "about the user 'b'"),
        ([{"user_id": "a", "items": []}, {"user_id": "b", "items": LONG}], "asked for were 3"),
        ([{"user_id": "a", "items": []}, {"user_id": "b"}], "no list of ids"),
    ],
)
def test_a_batch_is_checked_like_its_lists(entries: list[object], expected: str) -> None:
    error, _, _ = failure(broken({"recommendations": entries}), ("a", "b"), mode="batch")

    assert isinstance(error, TargetBrokeContract) and expected in str(error)


ENTRIES = [
    {"user_id": "a", "items": items} for items in (["x", "y"], [], None, 1, "x", ["x", 1], [["x"]], [""])
]
ENTRIES += [{"user_id": "a", "items": ["x" * n]} for n in (200, 201)]
ENTRIES += [{"user_id": "a"}, {"items": []}, {"user_id": 1, "items": []}, [], None]


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_check_by_hand_agrees_with_the_contract(entry: object) -> None:
    body = {"recommendations": [entry]}
    try:
        expected = [one.items for one in BatchAnswer.model_validate_json(json.dumps(body)).recommendations]
    except ValidationError:
        with pytest.raises(TargetBrokeContract):
            wire_answers.batch(body, user_ids=["a"], k=K, url="there")
        return

    found = wire_answers.batch(body, user_ids=["a"], k=K, url="there")

    assert [None if one is None else tuple(one) for one in found] == expected


def test_not_found_is_an_answer() -> None:
    """Where the deployment and the route exist, 404 says something about the user."""

    def behave(asked: Asked) -> Answered | None:
        missing = "/users/b/" in asked.path
        return problem(404, "there are no recommendations for the user 'b'") if missing else well(asked)

    names, target, _ = ask(behave, ("a", "b", "c", "b"))

    assert names == [list_of("a"), None, list_of("c"), None]
    assert sum(one.path == "/v1/items" for one in target.asked) <= 2


def test_a_null_in_a_batch_is_not_found() -> None:
    lists = [{"user_id": "a", "items": None}, {"user_id": "b", "items": []}]

    names, _, _ = ask(broken({"recommendations": lists}), ("a", "b"), mode="batch")

    assert names == [None, []]


@pytest.mark.parametrize("mode", ["single", "batch"])
def test_a_deployment_that_does_not_exist_is_no_answer(mode: str) -> None:
    error, _, _ = failure(lambda one: problem(404, "the deployment 'd' is not served here"), mode=mode)

    assert isinstance(error, NotFound) and "'d' is not served here" in str(error)


def test_a_route_that_does_not_exist_is_no_answer() -> None:
    def behave(asked: Asked) -> Answered | None:
        nothing = problem(404, f"nothing is at {asked.path}", "about:blank")
        return well(asked) if asked.path == "/v1/items" else nothing

    error, _, _ = failure(behave)

    assert isinstance(error, NotFound) and "no such route" in str(error)


def test_a_cap_on_the_list_length_comes_out_as_the_target_says_it() -> None:
    said = "k must lie in 1 to 2, the cap of this deployment; found 3"

    error, n_requests, _ = failure(lambda one: problem(422, said, "/problems/bad-input"))

    assert isinstance(error, BadInput) and said in str(error)
    assert n_requests == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_told_by_the_name_of_its_variable(status: int) -> None:
    error, _, _ = failure(lambda one: problem(status, "the key is wrong"), key="canary-key")

    assert isinstance(error, Unauthorized)
    assert "RECLEAK_TEST_TARGET_KEY" in str(error) and "canary-key" not in str(error)
    assert "key_env" in str(failure(lambda one: problem(status, "send a key"))[0])


def test_redirections_are_not_followed() -> None:
    error, n_requests, _ = failure(lambda one: Answered(302, b"", {"Location": "http://127.0.0.1:1/"}))

    assert isinstance(error, TargetBrokeContract) and "redirects" in str(error)
    assert n_requests == 1


def test_users_and_histories_are_read_from_public_profiles() -> None:
    with fake_target(well) as target, client_of(target.url, TestClock()) as client:
        users = client.users()

        assert tuple(users) == USERS
        assert client.histories(users) == [[f"{one}9"] for one in USERS]


def test_pages_without_an_end_end() -> None:
    endless = broken({"users": ["a"], "next_cursor": "again"})
    with (
        fake_target(endless) as target,
        client_of(target.url, TestClock()) as client,
        pytest.raises(TargetBrokeContract, match="without an end"),
    ):
        client.users()


def test_stopping_soon_gives_what_is_under_way_and_asks_for_nothing_more() -> None:
    asked_to_stop: list[bool] = []
    stops = Stops(soon=lambda: bool(asked_to_stop))
    chunks = [(number, (f"u{number}",)) for number in range(9)]
    found: list[int] = []
    with fake_target(well) as target, client_of(target.url, TestClock(), stops=stops, mode="batch") as client:
        with pytest.raises(JobStopped):
            for number, _ in client.answers(chunks, k=K):
                found.append(number)
                asked_to_stop.append(True)

        assert len(found) == len(target.asked) == 2  # as many as may be under way at once


def test_stopping_soon_ends_a_pause() -> None:
    asked_to_stop: list[bool] = []
    time = TestClock()

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
        client_of(target.url, TestClock(), stops=stops, timeout_s=30) as client,
    ):
        with pytest.raises(JobStopped):
            list(client.answers([(0, ("a",))], k=K))
        released.set()


def test_the_fake_speaks_http() -> None:
    """Another client than ours understands it."""
    with fake_target(well) as target:
        assert httpx.get(f"{target.url}/v1/users/a/recommendations").json()["items"] == list_of("a")
