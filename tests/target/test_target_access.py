"""Who may ask, and how often."""

from pathlib import Path

import pytest

from tests.target.running import ADMIN, ORACLE, SPEC, Running, running

ADMIN_ROUTES = [
    ("GET", "/admin/deployments"),
    ("POST", "/admin/deployments"),
    ("GET", "/admin/deployments/x"),
    ("POST", "/admin/deployments/x/activate"),
    ("POST", "/admin/deployments/x/retrain"),
    ("POST", "/admin/deployments/x/cancel"),
    ("GET", "/admin/deployments/x/queries"),
    ("DELETE", "/admin/deployments/x"),
]
GUARDED = [*ADMIN_ROUTES, ("POST", "/oracle/membership")]


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_without_the_right_key_nothing_is_told(target: Running, method: str, path: str) -> None:
    """The other part's key is a wrong key."""
    other = ORACLE if path.startswith("/admin") else ADMIN
    answers = [target.ask(method, path, key=key, json=SPEC) for key in (None, "", "wrong", other)]

    assert [answer.status_code for answer in answers] == [401] * 4
    assert all(answer.headers["www-authenticate"] == "ApiKey" for answer in answers)


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_part_without_a_key_is_off(tmp_path: Path, method: str, path: str) -> None:
    with running(tmp_path, settings={"admin_key": None, "oracle_key": None}) as target:
        answer = target.ask(method, path, key=ADMIN, json=SPEC)

    assert answer.status_code == 404 and "is off until RECLEAK_TARGET_" in answer.json()["detail"]


def test_the_public_routes_can_have_a_key(tmp_path: Path) -> None:
    with running(tmp_path, settings={"api_key": "public-key"}) as target:
        target.deploy()
        paths = ["/v1/users/a/recommendations", "/v1/users/a/recommendations?x=1", "/v1/items", "/v1/users"]

        for path in paths:
            statuses = [target.get(path, key=key).status_code for key in (None, "wrong", ADMIN, "public-key")]
            assert statuses == [401, 401, 401, 200]
        assert target.get("/health/ready").status_code == 200


def test_too_many_requests_are_told_when_to_come_back(tmp_path: Path) -> None:
    now = [0.0]
    with running(tmp_path, settings={"rate_limit": 2}, clock=lambda: now[0]) as target:
        target.deploy()
        first = [target.get("/v1/popular").status_code for _ in range(2)]
        limited = target.get("/v1/users/a/recommendations")
        elsewhere = target.get("/v1/popular", peer="10.0.0.2")
        now[0] = 0.5
        later = [target.get("/v1/popular").status_code for _ in range(2)]

        assert first == [200, 200] and later == [200, 429] and elsewhere.status_code == 200
        assert limited.status_code == 429 and limited.headers["retry-after"] == "1"
        assert limited.headers["content-type"] == "application/problem+json"
        assert target.admin("GET", "").status_code == 200


def test_an_invented_key_is_no_way_around_the_limit(tmp_path: Path) -> None:
    with running(tmp_path, settings={"rate_limit": 1}, clock=lambda: 0.0) as target:
        target.deploy()
        statuses = [target.get("/v1/popular", key=f"invented-{n}").status_code for n in range(3)]

    assert statuses == [200, 429, 429]
