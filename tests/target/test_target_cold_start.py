"""What a deployment does with users whom it was not trained on, known ones and strangers alike."""

from pathlib import Path

import pytest

from tests.target.running import Running, running


def others_of(target: Running) -> list[str]:
    return [user for user, is_member in target.members().items() if not is_member]


def batch_items(target: Running, users: list[str]) -> list[list[str] | None]:
    answer = target.ask("POST", "/v1/recommendations:batch", json={"user_ids": users}).json()
    return [entry["items"] for entry in answer["recommendations"]]


def test_popular_unseen_leaves_out_what_the_user_has(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        target.deploy(cold_start="popular_unseen")
        popular = target.get("/v1/popular").json()["items"]

        for user in others_of(target):
            own = set(target.get(f"/v1/users/{user}/history").json()["items"])
            found = target.list_of(user)
            kept = [item for item in popular if item not in own]
            assert found[: len(kept)] == kept and not own & set(found) and len(found) == 20
        assert target.list_of("never seen") == popular


def test_empty_gives_a_list_without_items(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        target.deploy(cold_start="empty")
        asked = [*others_of(target), "never seen"]

        assert [target.list_of(user) for user in asked] == [[]] * len(asked)
        assert batch_items(target, asked) == [[]] * len(asked)


@pytest.mark.parametrize("base", ["/v1", "/v1/d/{id}"])
def test_not_found_knows_neither_strangers_nor_non_members(tmp_path: Path, base: str) -> None:
    """The answers are the same but for the id that was asked for, or else they would tell who is known."""
    with running(tmp_path) as target:
        made = target.deploy(cold_start="not_found")
        other, member = others_of(target)[0], next(u for u, m in target.members().items() if m)
        path = f"{base.format(id=made['id'])}/users/{{}}/recommendations"
        known, unknown = target.get(path.format(other)), target.get(path.format("zzzz"))
        bodies = [answer.json() for answer in (known, unknown)]
        for body in bodies:
            body.pop("request_id")

        assert known.status_code == unknown.status_code == 404
        assert str(bodies[0]).replace(other, "zzzz") == str(bodies[1])
        assert batch_items(target, [other, member, "zzzz"]) == [None, target.list_of(member), None]
