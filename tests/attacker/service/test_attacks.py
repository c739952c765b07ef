"""Whole attacks over HTTP against targets whose answer is known."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.contract.attacker import Attack, Judgement
from shared.errors import JobFailed
from tests.attacker.asking.fake_target import Answered, Asked, problem
from tests.attacker.service.leaky_target import (
    DATASET,
    DEPLOYMENT,
    ORACLE_KEY,
    TARGET_ENV,
    TARGET_KEY,
    World,
    judged_users,
    leaky_lists,
    null_lists,
    world_of,
)
from tests.attacker.service.running import Running, WatchedEngine, running


@pytest.fixture(scope="module")
def leaky() -> Iterator[World]:
    with world_of(leaky_lists()) as world:
        yield world


@pytest.fixture(scope="module")
def attacker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("attacker")) as service:
        yield service


@pytest.fixture(scope="module")
def attack(attacker: Running, leaky: World) -> dict[str, Any]:
    """One attack on the leaky target, done; read it only."""
    return attacker.run(leaky.spec())


def test_a_target_that_leaks_is_found_out(attack: dict[str, Any]) -> None:
    found = Attack.model_validate(attack)

    assert found.state == "done" and found.stage is None and found.progress.fraction == 1
    assert found.judgement is not None
    assert found.judgement.figures.auc > 0.9
    assert found.judgement.baselines["identical lists"].auc == 1
    low, high = found.judgement.controls.shuffled_labels.interval
    assert low < 0.5 < high
    assert found.judgement.controls.built_to_leak.auc > 0.9
    assert found.judgement.figures.members + found.judgement.figures.non_members == judged_users().n_users


def test_a_target_that_cannot_leak_is_not(attacker: Running) -> None:
    with world_of(null_lists()) as world:
        found = Attack.model_validate(attacker.run(world.spec()))

    assert found.judgement is not None
    low, high = found.judgement.figures.auc_interval
    assert low < 0.5 < high


def test_an_attack_says_what_it_did(attack: dict[str, Any], leaky: World) -> None:
    n_users = judged_users().n_users

    assert attack["queries"]["lists"] == n_users
    assert attack["queries"]["requests"] == -(-n_users // 40) and attack["queries"]["repeats"] == 0
    assert {"query", "item vectors", "shadow", "features", "train", "score", "evaluate"} <= set(
        attack["timings"]
    )
    assert {"recleak", "python", "numpy", "numba"} <= set(attack["versions"])
    assert attack["data_hashes"]["judged users"] == judged_users().content_hash
    assert {"shadow", "item features"} <= set(attack["data_hashes"])
    assert attack["progress"]["note"].endswith(f"users of {DEPLOYMENT}")


@pytest.mark.parametrize(
    "change", [{"mode": "single", "concurrency": 8}, {"batch_size": 1000}, {"concurrency": 4}]
)
def test_how_the_target_is_asked_changes_no_score(
    attacker: Running, attack: dict[str, Any], leaky: World, change: dict[str, Any]
) -> None:
    """Same seed, same bytes."""
    again = attacker.run(leaky.spec(query=change))

    assert again["state"] == "done", again["error"]
    assert attacker.csv(again["id"]) == attacker.csv(attack["id"])
    assert again["judgement"]["scores_hash"] == attack["judgement"]["scores_hash"]


def test_another_seed_gives_other_scores(attacker: Running, attack: dict[str, Any], leaky: World) -> None:
    other = attacker.run(leaky.spec(seed=5))

    assert other["judgement"]["scores_hash"] != attack["judgement"]["scores_hash"]


@pytest.mark.parametrize("source", ["target", "inline"])
def test_users_may_come_from_elsewhere(attacker: Running, leaky: World, source: str) -> None:
    """From public profiles, or named in the spec: the attack is as good."""
    users: dict[str, Any] = {"source": source}
    if source == "inline":
        part = judged_users()
        users["histories"] = {
            name: part.item_ids.names_of(part.histories[[row]].indices)
            for row, name in enumerate(part.user_ids.names)
        }

    found = Attack.model_validate(attacker.run(leaky.spec(users=users)))

    assert found.judgement is not None, found.error
    assert found.judgement.figures.auc > 0.9
    assert found.queries.lists == judged_users().n_users


@pytest.mark.parametrize("source", ["dataset", "target"])
def test_only_some_users_may_be_judged(attacker: Running, leaky: World, source: str) -> None:
    users = {"source": source, "limit": 30} | ({"dataset": DATASET} if source == "dataset" else {})

    found = attacker.run(leaky.spec(users=users))

    assert found["queries"]["lists"] == 30, found["error"]
    assert found["judgement"]["figures"]["members"] + found["judgement"]["figures"]["non_members"] == 30


def test_users_with_an_empty_history_and_unknown_items_are_judged(attacker: Running, leaky: World) -> None:
    """Nothing is dropped; what the attacker has never seen is counted."""
    some = sorted(leaky.is_member)[:40]
    histories = {name: [] if number % 2 else ["an item nobody knows"] for number, name in enumerate(some)}

    found = Attack.model_validate(
        attacker.run(leaky.spec(users={"source": "inline", "histories": histories}))
    )

    assert found.judgement is not None, found.error
    assert found.judgement.figures.members + found.judgement.figures.non_members == 40
    assert found.judgement.coverage.histories == 0


def test_attacks_share_item_vectors_and_shadows(tmp_path: Path, leaky: World) -> None:
    engine = WatchedEngine()
    with running(tmp_path, make_engine=lambda: engine) as attacker:
        attacker.run(leaky.spec())
        engine.ran.clear()
        second = attacker.run(leaky.spec(features={"length": 64, "weights": "uniform"}))

        assert second["state"] == "done", second["error"]
        assert "learn" not in engine.ran and "build" not in engine.ran and "fit" in engine.ran


def test_two_attacks_at_once_train_one_shadow(tmp_path: Path, leaky: World) -> None:
    """The second waits for the first and takes what it made; meanwhile it can be cancelled."""
    engine, waits, goes_on = WatchedEngine(), threading.Event(), threading.Event()

    def before(name: str) -> None:
        if name == "build" and not goes_on.is_set():
            waits.set()
            assert goes_on.wait(60)

    engine.before = before
    with running(tmp_path, make_engine=lambda: engine) as attacker:
        first = attacker.submit(leaky.spec())
        assert waits.wait(60)
        second, cancelled = (
            attacker.submit(leaky.spec(features={"length": 64, "weights": "uniform"})) for _ in range(2)
        )
        for one in (second, cancelled):
            attacker.wait_for_note(one, "waiting for another attack")
        attacker.ask("POST", f"/v1/attacks/{cancelled}/cancel")
        ended = attacker.wait(cancelled)
        goes_on.set()
        both = [attacker.wait(one) for one in (first, second)]

    assert [one["state"] for one in both] == ["done", "done"]
    assert ended["state"] == "cancelled"
    assert engine.ran.count("build") == 1 and engine.ran.count("learn") == 1


def test_who_waits_for_a_shadow_trains_it_if_the_other_fails(tmp_path: Path, leaky: World) -> None:
    engine, waits, goes_on = WatchedEngine(), threading.Event(), threading.Event()

    def before(name: str) -> None:
        if name == "build" and not goes_on.is_set():
            waits.set()
            assert goes_on.wait(60)
            raise JobFailed("the worker died")

    engine.before = before
    with running(tmp_path, make_engine=lambda: engine) as attacker:
        first = attacker.submit(leaky.spec())
        assert waits.wait(60)
        second = attacker.submit(leaky.spec())
        attacker.wait_for_note(second, "waiting for another attack")
        goes_on.set()
        states = [attacker.wait(one)["state"] for one in (first, second)]

    assert states == ["failed", "done"]
    assert engine.ran.count("build") == 1


def test_a_shadow_from_other_data_gets_its_own_item_vectors(attacker: Running, leaky: World) -> None:
    other = "synthetic:users=250,items=200,history=80,seed=2"

    found = attacker.run(leaky.spec(shadow={"dataset": other}))

    assert found["state"] == "done", found["error"]
    assert "shadow item vectors" in found["timings"]
    assert found["data_hashes"]["shadow item features"] != found["data_hashes"]["item features"]


def test_without_evaluation_there_are_predictions_and_no_question_to_the_oracle(attacker: Running) -> None:
    with world_of(leaky_lists()) as world:
        found = attacker.run(world.spec(evaluate=None))

        assert found["state"] == "done" and found["judgement"] is None
        assert world.oracle_calls == 0
    assert attacker.csv(found["id"]).startswith("user_id,score,is_member")
    figures = attacker.get(f"/v1/attacks/{found['id']}/figures")
    assert figures.status_code == 409 and "evaluate" in figures.json()["detail"]


def test_the_oracle_is_asked_only_once_the_scores_are_sealed(tmp_path: Path) -> None:
    """And about the deployment that was attacked."""
    seen: list[dict[str, Any]] = []
    with world_of(leaky_lists()) as world, running(tmp_path) as attacker:

        def before(asked: Asked) -> Answered | None:
            if asked.path == "/oracle/membership":
                (only,) = attacker.service.list_all().attacks
                lines = list(attacker.service.prediction_lines(only.id))
                seen.append({"lines": "".join(lines), "asked": asked.body["deployment"]})
            return None

        world.before = before
        spec = world.spec()
        spec["target"]["deployment"] = DEPLOYMENT
        found = attacker.run(spec)

        assert found["state"] == "done", found["error"]
        assert seen == [{"lines": attacker.csv(found["id"]), "asked": DEPLOYMENT}]


@pytest.mark.parametrize("n_unknown", [1, 20])
def test_users_whom_the_oracle_does_not_know_are_counted_and_in_no_figure(
    tmp_path: Path, n_unknown: int
) -> None:
    """A target sets one user aside where their number is odd; others may be strangers to it."""
    lists, is_member = leaky_lists()
    aside = sorted(is_member)[17 : 17 + n_unknown]
    known = {user: truth for user, truth in is_member.items() if user not in aside}
    with world_of((lists, known)) as world, running(tmp_path) as attacker:
        found = Attack.model_validate(attacker.run(world.spec()))

        assert world.oracle_calls == 1
        assert attacker.csv(found.id).count("\n") == 1 + len(is_member)

    assert found.judgement is not None, found.error
    assert found.judgement.unlabelled == n_unknown
    assert found.judgement.figures.members + found.judgement.figures.non_members == len(known)
    assert f"judged by {len(known)} of {len(is_member)} users" in found.progress.note


def test_a_deployment_of_other_users_is_told(tmp_path: Path) -> None:
    lists, _ = leaky_lists()
    with world_of((lists, {"somebody": True})) as world, running(tmp_path) as attacker:
        found = attacker.run(world.spec())

    assert (found["state"], found["stage"]) == ("failed", "evaluate")
    assert "knows none of the judged users" in found["error"]


def test_a_wrong_oracle_key_fails_the_evaluation_alone(tmp_path: Path) -> None:
    with world_of(leaky_lists()) as world:
        environment = {"RECLEAK_TEST_ORACLE_KEY": "a wrong key"}
        with running(tmp_path, environment=environment) as attacker:
            found = attacker.run(world.spec())

            assert (found["state"], found["stage"]) == ("failed", "evaluate")
            assert "RECLEAK_TEST_ORACLE_KEY" in found["error"] and "a wrong key" not in found["error"]
            predictions = attacker.csv(found["id"])
            figures = attacker.get(f"/v1/attacks/{found['id']}/figures")
            assert figures.status_code == 409 and "failed at the stage evaluate" in figures.json()["detail"]
        world.handed_out.clear()
        engine = WatchedEngine()
        with running(tmp_path, make_engine=lambda: engine) as attacker:
            again = attacker.resume(found["id"])

            assert again["state"] == "done" and again["error"] is None
            assert engine.ran == ["judge_sealed"] and not world.handed_out
            assert attacker.csv(found["id"]) == predictions
            judgement = Judgement.model_validate(attacker.get(f"/v1/attacks/{found['id']}/figures").json())
            assert judgement.figures.auc > 0.9


def test_scores_that_were_changed_are_not_judged(tmp_path: Path) -> None:
    with world_of(leaky_lists()) as world:
        with running(tmp_path, environment={"RECLEAK_TEST_ORACLE_KEY": "a wrong key"}) as attacker:
            found = attacker.run(world.spec())
        (path,) = (tmp_path / "artifacts").glob("scores-*/attack.npy")
        path.write_bytes(path.read_bytes()[:-8] + bytes(8))
        world.oracle_calls = 0
        with running(tmp_path) as attacker:
            again = attacker.resume(found["id"])

        assert (again["state"], again["stage"]) == ("failed", "evaluate")
        assert "not those that were sealed" in again["error"]
        assert world.oracle_calls == 0


def test_a_list_length_above_the_cap_is_told_as_the_target_says_it(attacker: Running, leaky: World) -> None:
    found = attacker.run(leaky.spec(k=50))

    assert (found["state"], found["stage"]) == ("failed", "query")
    assert "k must lie in 1 to 20" in found["error"]


def test_a_target_that_is_down_is_told_by_its_address(attacker: Running) -> None:
    with world_of(leaky_lists()) as world:
        spec = world.spec()
    found = attacker.run(spec)

    assert (found["state"], found["stage"]) == ("failed", "query")
    assert world.url in found["error"] and "resume" in found["error"]


def test_keys_are_never_stored_logged_or_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Also where the service that gets them throws them back."""
    caplog.set_level("DEBUG")
    told: list[str] = []
    with world_of(leaky_lists()) as world, running(tmp_path) as attacker:
        spec = world.spec()
        spec["target"]["key_env"] = TARGET_ENV
        done = attacker.run(spec)
        assert done["state"] == "done", done["error"]
        assert {one.headers.get("X-API-Key") for one in world.target.asked} == {TARGET_KEY, ORACLE_KEY}  # type: ignore[union-attr]
        world.before = lambda asked: problem(401, f"wrong: {asked.headers.get('X-API-Key')}")
        failed = attacker.run(spec)
        assert failed["state"] == "failed"
        for attack_id in (done["id"], failed["id"]):
            told += [attacker.get(f"/v1/attacks/{attack_id}{part}").text for part in ("", "/events")]
        told.append(attacker.get("/v1/attacks").text)

    told.append(caplog.text)
    stored = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for key in (TARGET_KEY, ORACLE_KEY):
        assert [text for text in told if key in text] == []
        assert [1 for content in stored if key.encode() in content] == []
