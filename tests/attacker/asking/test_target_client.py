"""The client of the target gives what the contract promises, or one clear error."""

import json

import pytest
from pydantic import ValidationError

from services.attacker.asking import wire_answers
from shared.contract.target import BatchAnswer
from shared.errors import (
    BadInput,
    NotFound,
    TargetBrokeContract,
    Unauthorized,
)
from tests.attacker.asking.clients import USERS, K, PausedTime, ask, client_of, failure, list_of, well
from tests.attacker.asking.fake_target import Answered, Asked, Behavior, fake_target, problem


@pytest.mark.parametrize("mode", ["single", "batch"])
def test_lists_come_in_the_order_asked_for(mode: str) -> None:
    """Whatever an id looks like: slashes, dots and letters of other alphabets are part of it."""
    names, target, _ = ask(well, USERS, mode=mode)

    assert names == [list_of(one) for one in USERS]
    assert len(target.asked) == (len(USERS) if mode == "single" else 1)


def test_every_chunk_is_given_once_with_its_number() -> None:
    chunks = [(number, (f"user-{number}", f"other-{number}")) for number in range(7)]
    with fake_target(well) as target, client_of(target.url, PausedTime(), mode="batch") as client:
        found = dict(client.answers(chunks, k=K))

    assert sorted(found) == list(range(7))
    assert found[5].item_ids.names == (*list_of("user-5"), *list_of("other-5"))
    assert len(target.asked) == 7


def test_the_key_is_sent_and_the_deployment_is_part_of_the_path() -> None:
    def behave(asked: Asked) -> Answered | None:
        assert asked.path.startswith("/v1/d/dep%2F1/users/")
        return well(asked)

    time = PausedTime()
    with (
        fake_target(behave) as target,
        client_of(target.url, time, key="a key", deployment="dep/1") as client,
    ):
        list(client.answers([(0, ("a",))], k=K))

    assert {one.headers["X-API-Key"] for one in target.asked} == {"a key"}


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


def test_users_and_histories_are_read_from_public_profiles() -> None:
    with fake_target(well) as target, client_of(target.url, PausedTime()) as client:
        users = client.users()

        assert tuple(users) == USERS
        assert client.histories(users) == [[f"{one}9"] for one in USERS]


def test_pages_without_an_end_end() -> None:
    endless = broken({"users": ["a"], "next_cursor": "again"})
    with (
        fake_target(endless) as target,
        client_of(target.url, PausedTime()) as client,
        pytest.raises(TargetBrokeContract, match="without an end"),
    ):
        client.users()
