"""Every list handed out is counted: per client, per user, and whether it had been asked for before."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from services.target.counting import QueryLog
from shared.contract.target import QueryCounts
from tests.target.running import Running, running

N_KNOWN = 10
ASKED = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 2), st.integers(0, 13)))


def counts(target: Running, deployment: str) -> QueryCounts:
    return QueryCounts.model_validate(target.admin("GET", f"/{deployment}/queries").json())


def row_of(user: int) -> int | None:
    return user if user < N_KNOWN else None


@given(ASKED, st.integers(0, 5))
def test_the_log_counts_like_a_list_of_all_queries(
    asked: list[tuple[str, int, int]], n_restarts: int
) -> None:
    """Stored and opened again in between, it goes on where it was."""
    log = QueryLog("d", N_KNOWN)
    stored: dict[tuple[str, int], object] = {}
    digests: list[bytes] = []
    for place, (client, k, user) in enumerate(asked):
        log.add(client, k, row_of(user), str(user))
        if place < n_restarts:
            changes = log.take_changes()
            assert changes is not None and log.take_changes() is None
            stored |= {(count.client, count.k): count for count in changes.counts}
            digests += [digest for _, digest in changes.strangers]
            log = QueryLog("d", N_KNOWN, stored.values(), digests)  # type: ignore[arg-type]
    found = log.counts()

    assert found.total == len(asked) == sum(found.by_client.values())
    assert found.distinct_users == len({user for _, _, user in asked})
    assert found.repeated == len(asked) - len(set(asked))
    assert found.by_client == {c: n for c in "ab" if (n := sum(one[0] == c for one in asked))}


def test_beyond_the_cap_clients_are_counted_together() -> None:
    """Every list and every user counts; what clients have in common counts as repeated; nothing grows."""
    log = QueryLog("d", N_KNOWN, tallies_max=2)
    asked = [("a", 5, 1), ("a", 6, 1), ("b", 5, 1), ("c", 5, 1), ("c", 7, 2), ("a", 5, 3)]
    for client, k, user in asked:
        log.add(client, k, user, str(user))
    found, changes = log.counts(), log.take_changes()

    assert found.by_client == {"a": 3, "others": 3}
    assert (found.total, found.distinct_users, found.repeated) == (6, 3, 1)
    assert changes is not None and len(changes.counts) == 3


def test_counts_beyond_the_cap_go_on_after_they_were_stored() -> None:
    log = QueryLog("d", N_KNOWN, tallies_max=1)
    log.add("a", 5, 1, "1")
    log.add("b", 5, 1, "1")
    changes = log.take_changes()
    assert changes is not None
    again = QueryLog("d", N_KNOWN, changes.counts, tallies_max=1)
    again.add("c", 9, 1, "1")

    assert again.counts().by_client == {"a": 1, "others": 2}
    assert again.counts().repeated == 1


def test_what_could_not_be_stored_is_stored_the_next_time() -> None:
    log = QueryLog("d", N_KNOWN)
    log.add_many("a", 5, [1, None, 1], ["1", "x", "1"])
    first = log.take_changes()
    assert first is not None
    log.put_back(first)
    log.add("a", 5, None, "y")
    second = log.take_changes()

    assert second is not None
    assert [(count.lists, count.repeated) for count in second.counts] == [(4, 1)]
    assert [place for place, _ in second.strangers] == [N_KNOWN, N_KNOWN + 1]


def test_lists_are_counted_by_client_and_nothing_else_is(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        made = target.deploy()["id"]
        users = target.users()[:4]
        target.get("/v1/popular")
        target.get("/v1/items")
        target.get("/v1/users/u001/history")
        target.get("/v1/users/u001/recommendations?k=0")
        before = counts(target, made)
        target.ask("POST", "/v1/recommendations:batch", json={"user_ids": [*users, "x", "x"], "k": 9})
        target.get(f"/v1/users/{users[0]}/recommendations?k=9")
        target.get(f"/v1/users/{users[0]}/recommendations?k=8")
        target.get(f"/v1/d/{made}/users/{users[0]}/recommendations?k=9", peer="10.0.0.2")
        after = counts(target, made)

        assert (before.total, before.by_client) == (0, {})
        assert (after.total, after.distinct_users, after.repeated) == (9, 5, 2)
        assert after.by_client == {"10.0.0.1": 8, "10.0.0.2": 1}


def test_asking_each_user_once_leaves_no_repeats(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        made = target.deploy()["id"]
        users = target.users()
        for start in range(0, len(users), 7):
            body = {"user_ids": users[start : start + 7], "k": 20}
            target.ask("POST", "/v1/recommendations:batch", json=body)

        found = counts(target, made)
        assert (found.total, found.distinct_users, found.repeated) == (len(users), len(users), 0)


def test_counts_survive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        made = target.deploy()["id"]
        for user in ("u001", "x", "u001"):
            target.list_of(user)
        before = counts(target, made)
    with running(tmp_path) as target:
        after = counts(target, made)
        for user in ("x", "y"):
            target.list_of(user)
        later = counts(target, made)
    with running(tmp_path) as target:
        last = counts(target, made)

    assert before == after and (before.total, before.repeated) == (3, 1)
    assert later == last and (later.total, later.distinct_users, later.repeated) == (5, 3, 2)


def test_counts_go_with_their_deployment(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        made = target.deploy()["id"]
        target.list_of("u001")
    with running(tmp_path) as target:
        target.list_of("u002")
        assert target.admin("DELETE", f"/{made}").status_code == 204
    with create_engine(f"sqlite:///{tmp_path}/target.db").connect() as connection:
        for table in ("query_counts", "strangers", "users", "memberships", "deployments"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0
