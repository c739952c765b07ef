"""The catalogue and the profiles come in pages, complete and without repeats."""

from pathlib import Path

import pytest

from shared.contract.target import History, ItemPage, UserPage
from tests.target.running import Running, running


def walk(target: Running, path: str, field: str, limit: int) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        page = target.get(f"{path}?limit={limit}{cursor}").json()
        assert len(page[field]) == limit or page["next_cursor"] is None
        found += page[field]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


@pytest.mark.parametrize("limit", [1, 7, 50, 150, 10_000])
def test_pages_of_items_make_the_catalogue(target: Running, limit: int) -> None:
    items = walk(target, "/v1/items", "items", limit)

    assert len(items) == len(set(items)) == 150
    ItemPage.model_validate(target.get(f"/v1/items?limit={limit}").json())


@pytest.mark.parametrize("limit", [1, 13, 10_000])
def test_pages_of_users_are_ordered_and_hold_members_and_others(target: Running, limit: int) -> None:
    users = walk(target, "/v1/users", "users", limit)

    assert users == sorted(set(users)) and set(users) == set(target.members())
    UserPage.model_validate(target.get(f"/v1/users?limit={limit}").json())


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=10001", "cursor=abc", "cursor=r", "cursor=r-1", "cursor="]
)
def test_a_page_that_does_not_exist_is_a_problem(target: Running, query: str) -> None:
    for path in ("/v1/items", "/v1/users"):
        assert target.get(f"{path}?{query}").status_code == 422


def test_a_page_behind_the_last_is_empty(target: Running) -> None:
    assert target.get("/v1/items?cursor=rffff").json() == {"items": [], "next_cursor": None}


def test_a_history_is_what_the_user_interacted_with(target: Running) -> None:
    items = set(walk(target, "/v1/items", "items", 1000))
    lengths = []
    for user in target.users():
        one = History.model_validate(target.get(f"/v1/users/{user}/history").json())
        assert one.user_id == user and set(one.items) <= items
        lengths.append(len(one.items))

    assert min(lengths) >= 8  # min_interactions of the spec
    assert target.get("/v1/users/nobody/history").status_code == 404


def test_profiles_can_be_switched_off(tmp_path: Path) -> None:
    with running(tmp_path, settings={"show_profiles": False}) as target:
        target.deploy()

        for path in ("/v1/users", "/v1/users/u001/history", "/v1/users/nobody/history"):
            answer = target.get(path)
            assert answer.status_code == 404 and "SHOW_PROFILES" in answer.json()["detail"]
        assert target.get("/v1/items").status_code == 200
