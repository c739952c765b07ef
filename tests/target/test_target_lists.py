"""Members get lists of their own, everybody else gets the cold start, and the two look alike."""

import json

import httpx
import pytest

from shared.client.wire import segment
from shared.contract.target import BatchAnswer, PopularItems
from tests.target.running import Running


def history(target: Running, user_id: str, base: str = "/v1") -> set[str]:
    return set(target.get(f"{base}/users/{user_id}/history").json()["items"])


def detail(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


def test_members_get_lists_of_their_own(target: Running) -> None:
    members = [user for user, is_member in target.members().items() if is_member]
    lists = {user: target.list_of(user) for user in members}

    assert len({tuple(one) for one in lists.values()}) > len(members) / 2
    assert all(not history(target, user) & set(one) for user, one in lists.items())


def test_everybody_else_gets_the_popularity_list(target: Running) -> None:
    others = [user for user, is_member in target.members().items() if not is_member]
    popular = PopularItems.model_validate(target.get("/v1/popular").json()).items

    assert {tuple(target.list_of(user)) for user in [*others, "never seen"]} == {popular}
    assert len(popular) == 20


def test_a_known_non_member_and_a_stranger_get_the_same_bytes(target: Running) -> None:
    other = next(user for user, is_member in target.members().items() if not is_member)
    known = target.get(f"/v1/users/{other}/recommendations?k=7")
    unknown = target.get("/v1/users/u999/recommendations?k=7")

    assert known.content.replace(other.encode(), b"u999") == unknown.content
    ignored = {"x-request-id"}
    headers = [{k: v for k, v in a.headers.items() if k not in ignored} for a in (known, unknown)]
    assert headers[0] == headers[1]


@pytest.mark.parametrize("user_id", ["a/b", "..", 'q"uo\\te', "ünï 😀", "users/1/recommendations", "%"])
def test_any_text_can_be_a_user_id(target: Running, user_id: str) -> None:
    answer = target.get(f"/v1/users/{segment(user_id)}/recommendations?k=1")
    batch = target.ask("POST", "/v1/recommendations:batch", json={"user_ids": [user_id], "k": 1}).json()

    assert answer.json()["user_id"] == user_id
    assert batch["recommendations"][0]["user_id"] == user_id


def test_a_batch_equals_single_requests_in_the_order_asked_for(target: Running) -> None:
    asked = [*reversed(target.users()[:30]), "never seen", target.users()[0]]
    answer = target.ask("POST", "/v1/recommendations:batch", json={"user_ids": asked, "k": 5})
    batch = BatchAnswer.model_validate(answer.json()).recommendations

    assert [entry.user_id for entry in batch] == asked
    assert [list(entry.items or ()) for entry in batch] == [target.list_of(user, k=5) for user in asked]


def test_k_cuts_the_same_list_shorter(target: Running) -> None:
    user = target.users()[0]
    whole = target.list_of(user)

    assert [target.list_of(user, k=k) for k in (1, 3, 20)] == [whole[:1], whole[:3], whole]


@pytest.mark.parametrize("k", [0, -1, 21, 101])
def test_k_outside_of_the_deployments_bounds_is_refused(target: Running, k: int) -> None:
    body = {"user_ids": ["a"], "k": k}
    answers = [
        target.get(f"/v1/users/a/recommendations?k={k}"),
        target.get(f"/v1/popular?k={k}"),
        target.ask("POST", "/v1/recommendations:batch", json=body),
    ]

    for answer in answers:
        said = detail(answer, 422)
        assert "cap" in said or "/body/k" in said


def test_a_list_that_is_not_asked_for_with_a_k_is_100_long_or_the_cap(target: Running) -> None:
    batch = target.ask("POST", "/v1/recommendations:batch", json={"user_ids": ["a"]}).json()

    assert len(target.list_of("a")) == len(batch["recommendations"][0]["items"]) == 20


@pytest.mark.parametrize("query", ["k=abc", "k=1.5", "k=", "k=99999999999999999999"])
def test_a_k_that_is_no_number_is_a_problem(target: Running, query: str) -> None:
    detail(target.get(f"/v1/users/a/recommendations?{query}"), 422)


@pytest.mark.parametrize("users", [[], ["a"] * 1001, [""], ["x" * 201], [7], "abc", ["\ud800"]])
def test_a_batch_that_is_not_valid_is_a_problem(target: Running, users: object) -> None:
    body = json.dumps({"user_ids": users}).encode()
    answer = target.ask(
        "POST", "/v1/recommendations:batch", content=body, headers={"Content-Type": "application/json"}
    )

    detail(answer, 422)


def test_a_batch_with_an_unknown_field_is_a_problem(target: Running) -> None:
    answer = target.ask("POST", "/v1/recommendations:batch", json={"user_ids": ["a"], "K": 3})

    assert "K" in detail(answer, 422)


@pytest.mark.parametrize("user_id", ["", "x" * 201])
def test_a_user_id_of_no_or_too_many_letters_is_a_problem(target: Running, user_id: str) -> None:
    detail(target.get(f"/v1/users/{user_id}/recommendations"), 422)


def test_requests_for_lists_are_measured_under_one_name(target: Running) -> None:
    target.get("/v1/users/u001/recommendations")
    target.get("/v1/users/u001/recommendations?x=1")

    metrics = target.get("/metrics").text
    lines = [one for one in metrics.splitlines() if one.startswith("recleak_http_requests_total")]
    named = [one for one in lines if "recommendations" in one and 'status="200"' in one and "GET" in one]
    assert len(named) == 1 and "u001" not in metrics


def test_a_catalogue_that_is_smaller_than_k_gives_shorter_lists(target: Running) -> None:
    dataset = "synthetic:users=40,items=60,history=24,seed=1"
    one = target.deploy(dataset=dataset, k_cap=1000, activate=False, split={"min_interactions": 3})
    base = f"/v1/d/{one['id']}"
    is_member = target.members(one["id"])

    for user, member in is_member.items():
        own = history(target, user, base)
        found = target.list_of(user, k=1000, base=base)
        assert len(found) == len(set(found)) == (60 - len(own) if member else 60)
    assert len(target.list_of("never seen", base=base)) == 60


def test_each_deployment_answers_for_itself(target: Running) -> None:
    other = target.deploy(algorithm="popularity", membership_seed=2, activate=False)
    base = f"/v1/d/{other['id']}"

    assert target.get(f"{base}/popular").json() != target.get("/v1/popular").json()
    assert detail(target.get("/v1/d/nowhere/users/u001/recommendations"), 404)
    assert detail(target.get("/v1/d/nowhere/items"), 404)
