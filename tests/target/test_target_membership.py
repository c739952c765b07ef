"""Membership is drawn in secret, told by the oracle alone, and every telling is logged."""

from pathlib import Path

from sqlalchemy import create_engine, text

from tests.target.running import ADMIN, ORACLE, Running, running

SEED = 987654321987654321


def ask_oracle(target: Running, users: list[str], deployment: str | None = None) -> dict[str, object]:
    question = {"user_ids": users, "deployment": deployment}
    answer = target.ask("POST", "/oracle/membership", key=ORACLE, json=question)
    return {"status": answer.status_code, **answer.json()}


def test_exactly_half_of_the_users_are_members(target: Running) -> None:
    is_member = target.members()

    assert sum(is_member.values()) * 2 == len(is_member) > 40


def test_the_oracle_answers_in_the_order_asked_for(target: Running) -> None:
    truth = target.members()
    asked = [*reversed(target.users()), target.users()[3]]
    answer = ask_oracle(target, asked)

    assert answer["user_ids"] == asked and answer["is_member"] == [truth[user] for user in asked]


def test_each_deployment_draws_anew_unless_the_seed_is_given(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        fresh = [target.deploy()["id"] for _ in range(2)]
        fixed = [target.deploy(membership_seed=SEED)["id"] for _ in range(2)]
        again = {}
        for name, deployment in (("fresh", fresh[0]), ("fixed", fixed[0])):
            answer = target.admin("POST", f"/{deployment}/retrain")
            assert answer.status_code == 202
            assert answer.headers["location"] == f"/admin/deployments/{answer.json()['id']}"
            again[name] = answer.json()["id"]
        members = {one: target.members(one) for one in [*fresh, *fixed, *again.values()]}

        assert len({*members}) == 6
        assert members[fresh[0]] != members[fresh[1]] != members[again["fresh"]] != members[fresh[0]]
        assert members[fixed[0]] == members[fixed[1]] == members[again["fixed"]]


def test_no_public_or_admin_answer_tells_membership_or_its_seed(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        made = target.deploy(membership_seed=SEED)
        told = [target.admin("GET", path).text for path in ("", f"/{made['id']}", f"/{made['id']}/queries")]
        told.append(target.admin("POST", f"/{made['id']}/activate").text)
        told.append(target.admin("POST", f"/{made['id']}/retrain").text)
        for path in ("users?limit=10000", "items", "popular", "users/u001/history"):
            told += [target.get(f"/v1/{path}").text, target.get(f"/v1/d/{made['id']}/{path}").text]
        told += [target.get(path).text for path in ("/metrics", "/health/ready", "/health/live")]

        assert not any(str(SEED) in text or "is_member" in text for text in told)
        assert all('"membership_seed":null' in text for text in told[:2])
        # no answer but the lists, and the page of users that names everybody, names users at all
        users = target.users()
        assert [
            text for text in told if sum(f'"{user}"' in text for user in users) not in (0, 1, len(users))
        ] == []


def test_a_fresh_seed_is_not_even_stored(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        target.deploy()
    with create_engine(f"sqlite:///{tmp_path}/target.db").connect() as connection:
        assert connection.scalars(text("SELECT membership_seed FROM deployments")).all() == [None]


def test_unknown_users_are_named_apart(target: Running) -> None:
    truth = target.members()
    first, second = target.users()[:2]

    answer = ask_oracle(target, ["x", second, "y", first, "x"])

    assert (answer["user_ids"], answer["unknown"]) == ([second, first], ["x", "y", "x"])
    assert answer["is_member"] == [truth[second], truth[first]]


def test_an_unknown_deployment_or_none_is_a_problem(tmp_path: Path, target: Running) -> None:
    assert ask_oracle(target, ["u001"], "nowhere")["status"] == 404
    with running(tmp_path) as empty:
        assert ask_oracle(empty, ["u001"])["status"] == 409


def test_every_question_is_logged_and_outlives_the_deployment(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        made = target.deploy()
        users = target.users()
        ask_oracle(target, users[:3])
        ask_oracle(target, [users[0], "stranger"])
        target.ask("POST", "/oracle/membership", key=ADMIN, json={"user_ids": users})
        target.admin("DELETE", f"/{made['id']}")
    with create_engine(f"sqlite:///{tmp_path}/target.db").connect() as connection:
        columns = "client, deployment_id, n_users, n_unknown"
        logged = connection.execute(text(f"SELECT {columns} FROM oracle_calls ORDER BY id")).all()

    assert [tuple(row) for row in logged] == [("10.0.0.1", made["id"], 3, 0), ("10.0.0.1", made["id"], 2, 1)]


def test_more_users_than_a_query_takes_can_be_asked_for(target: Running) -> None:
    users = target.users() * 30

    assert len(users) > 1000
    assert ask_oracle(target, users)["status"] == 200
