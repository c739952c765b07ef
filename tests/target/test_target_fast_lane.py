"""The fast lane answers what the documented route answers, byte for byte, and leaves it all the rest."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from shared.client.wire import segment
from shared.contract.target import Recommendations
from tests.target.running import Running, running

KEY = "public-key"
Headers = list[tuple[bytes, bytes]]


class Answer:
    """What an ASGI app sent."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.parts: list[bytes] = []

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            self.parts.append(message["body"])

    @property
    def told(self) -> tuple[int, dict[bytes, bytes], bytes]:
        return self.status, self.headers, b"".join(self.parts)


def scope_of(target: str, headers: Headers | None = None, **changed: Any) -> dict[str, Any]:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "root_path": "",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"target"), (b"x-request-id", b"one"), *(headers or [])],
        "client": ("10.0.0.1", 4000),
        "server": ("target", 80),
        **changed,
    }


async def _nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def by_lane(target: Running, scope: dict[str, Any]) -> Answer | None:
    answer = Answer()
    found = target.app.express(scope, answer.send)
    if found is None:
        return None
    target.run(found)
    return answer


def documented(target: Running, scope: dict[str, Any]) -> Answer:
    answer = Answer()
    target.run(FastAPI.__call__(target.app, dict(scope), _nothing, answer.send))
    return answer


def total(target: Running) -> int:
    made = target.admin("GET", "").json()["deployments"][-1]["id"]
    return int(target.admin("GET", f"/{made}/queries").json()["total"])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("guarded"), settings={"api_key": KEY}) as service:
        service.deploy(membership_seed=1, cold_start="not_found")
        yield service


@pytest.mark.parametrize("query", ["", "?k=1", "?k=20"])
@pytest.mark.parametrize("base", ["/v1", "/v1/d/{deployment}"])
@pytest.mark.parametrize("user", ["u001", "u002", "never seen", 'q"uo\\te', "ünï 😀", "a/b", "%"])
def test_plain_requests_get_the_same_bytes_and_headers(
    target: Running, user: str, base: str, query: str
) -> None:
    deployment = target.admin("GET", "").json()["deployments"][-1]["id"]
    path = f"{base.format(deployment=deployment)}/users/{segment(user)}/recommendations{query}"
    fast, slow = by_lane(target, scope_of(path)), documented(target, scope_of(path))

    assert fast is not None and fast.told == slow.told
    assert list(fast.headers) == list(slow.headers)
    assert Recommendations.model_validate_json(b"".join(fast.parts)).user_id == user


@given(
    user=st.text(max_size=210), query=st.from_regex(rb"(k=[0-9]{0,3})?(&?[a-z]=[a-z0-9])?", fullmatch=True)
)
def test_whatever_is_asked_the_lane_gives_the_documented_answer_or_none(
    target: Running, user: str, query: bytes
) -> None:
    scope = scope_of("", path=f"/v1/users/{user}/recommendations", query_string=query)
    before = total(target)
    fast = by_lane(target, scope)
    counted = total(target) - before
    slow = documented(target, scope)

    assert counted == (0 if fast is None else 1)
    assert fast is None or fast.told == slow.told
    assert (fast is None) <= (slow.status != 200 or query not in {b"", b"k=7"})


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "HEAD"},
        {"method": "POST"},
        {"root_path": "/behind"},
        {"query_string": b"k=4&x=1"},
        {"query_string": b"k=004"},
        {"query_string": b"k=0"},
        {"query_string": b"k=21"},
        {"path": "/v1/users/a\nb/recommendations"},
        {"path": "/v1/users//recommendations"},
        {"path": f"/v1/users/{'x' * 201}/recommendations"},
        {"path": "/v1/users/a/history"},
        {"path": "/v1/d/nowhere/users/a/recommendations"},
    ],
)
def test_every_other_request_is_left_to_the_app_and_not_counted(
    target: Running, changed: dict[str, Any]
) -> None:
    before = total(target)

    assert by_lane(target, scope_of("/v1/users/u001/recommendations?k=4", **changed)) is None
    assert total(target) == before


@pytest.mark.parametrize("key", [None, b"", b"wrong", b"\xff\xfe", KEY.encode() + b" "])
def test_without_the_right_key_the_app_answers(guarded: Running, key: bytes | None) -> None:
    member = next(user for user, is_member in members(guarded).items() if is_member)
    headers = [] if key is None else [(b"x-api-key", key), (b"x-api-key", KEY.encode())]
    scope = scope_of(f"/v1/users/{member}/recommendations", headers)

    assert by_lane(guarded, scope) is None
    assert documented(guarded, scope).status == 401


def test_with_the_right_key_members_take_the_lane_and_a_list_that_is_not_there_does_not(
    guarded: Running,
) -> None:
    headers = [(b"x-api-key", KEY.encode())]
    for user, is_member in [*members(guarded).items(), ("never seen", False)]:
        scope = scope_of(f"/v1/users/{segment(user)}/recommendations", headers)
        fast, slow = by_lane(guarded, scope), documented(guarded, scope)

        assert slow.status == (200 if is_member else 404)
        assert (fast is not None and fast.told == slow.told) if is_member else fast is None


def members(target: Running) -> dict[str, bool]:
    answer = target.get("/v1/users?limit=10000", key=KEY).json()
    return target.members_among(answer["users"])


def test_lane_and_app_share_limit_counts_and_metrics(tmp_path: Path) -> None:
    """Three requests are let in: two by the lane and one by the app, whichever way they come."""
    with running(tmp_path, settings={"rate_limit": 3}, clock=lambda: 0.0) as target:
        target.deploy()
        scope = scope_of("/v1/users/u001/recommendations")
        let_in = [by_lane(target, scope), documented(target, scope), by_lane(target, scope)]
        refused = by_lane(target, scope), documented(target, scope)
        elsewhere = by_lane(target, {**scope, "client": ("10.0.0.2", 1)})
        made = target.admin("GET", "").json()["deployments"][-1]["id"]
        counts = target.admin("GET", f"/{made}/queries").json()
        metrics = target.get("/metrics").text.splitlines()

        assert [one.status for one in let_in if one] == [200] * 3
        assert refused[0] is None and (refused[1].status, refused[1].headers[b"retry-after"]) == (429, b"1")
        assert elsewhere is not None
        assert (counts["by_client"], counts["repeated"]) == ({"10.0.0.1": 3, "10.0.0.2": 1}, 2)
        route = 'route="/v1/users/{user_id:path}/recommendations"'
        assert f'recleak_http_requests_total{{method="GET",{route},status="200"}} 4.0' in metrics
        assert f'recleak_http_requests_total{{method="GET",{route},status="429"}} 1.0' in metrics
        assert f'recleak_http_request_seconds_count{{method="GET",{route}}} 5.0' in metrics


@pytest.mark.parametrize("given_id", [b"", b"has space", b"x" * 65])
def test_an_id_that_is_not_well_formed_is_replaced(target: Running, given_id: bytes) -> None:
    """Two requests get two ids; a well-formed one comes back, as all tests here show."""
    scope = scope_of("/v1/users/u001/recommendations")
    scope["headers"] = [(b"x-request-id", given_id), (b"x-request-id", b"second")]
    answers = [by_lane(target, scope), by_lane(target, scope), documented(target, scope)]
    ids = {one.headers[b"x-request-id"] for one in answers if one is not None}

    assert len(ids) == 3 and all(len(one) == 32 for one in ids)


def test_before_a_deployment_is_active_the_app_says_so(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        scope = scope_of("/v1/users/u001/recommendations")

        assert by_lane(target, scope) is None
        assert documented(target, scope).status == 503
