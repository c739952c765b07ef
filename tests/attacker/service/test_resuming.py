"""An attack that ends anywhere goes on from there, and asks for nothing twice."""

import errno
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from numpy.typing import NDArray

from shared.artifacts import ArtifactStore, write_array
from shared.contract.attacker import AttackSpec
from tests.attacker.asking.fake_target import Answered, Asked
from tests.attacker.service.leaky_target import World, judged_users, leaky_lists, world_of
from tests.attacker.service.running import Running, WatchedEngine, running

STAGES = {
    "read_worlds": "query",
    "join_answers": "query",
    "learn": "item vectors",
    "build": "shadow",
    "describe": "features",
    "fit": "train",
    "score_all": "score",
    "judge_sealed": "evaluate",
}


@pytest.fixture
def world() -> Iterator[World]:
    with world_of(leaky_lists()) as world:
        yield world


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The predictions of an attack that nothing happened to."""
    with world_of(leaky_lists()) as world, running(tmp_path_factory.mktemp("undisturbed")) as attacker:
        return attacker.csv(attacker.run(world.spec())["id"])


def each_once(world: World) -> bool:
    """Each judged user's list was handed out exactly once."""
    return dict(world.handed_out) == dict.fromkeys(judged_users().user_ids.names, 1)


def only_id(attacker: Running) -> str:
    (only,) = attacker.service.list_all().attacks
    return only.id


def test_an_attack_that_is_cancelled_again_and_again_comes_to_the_same_end(
    tmp_path: Path, world: World, undisturbed: str
) -> None:
    """Cancelled once in each stage; what was stored is not computed again."""
    engine = WatchedEngine()
    with running(tmp_path, make_engine=lambda: engine) as attacker:
        cancelled: list[str] = []

        def before(name: str) -> None:
            if name not in cancelled:
                cancelled.append(name)
                assert attacker.service.cancel(only_id(attacker)).state == "cancelling"

        engine.before = before
        found = attacker.run(world.spec())
        assert (found["state"], found["error"]) == ("cancelled", None)
        for name in list(STAGES)[1:]:
            found = attacker.resume(found["id"])
            # the end of the last stage is the end of the attack: there is nothing left to stop
            assert found["state"] == ("done" if name == "judge_sealed" else "cancelled"), found["error"]

        assert engine.ran == list(STAGES)
        assert each_once(world)
        assert attacker.csv(found["id"]) == undisturbed


@pytest.mark.parametrize("mode", ["batch", "single"])
def test_a_cancelled_query_keeps_its_chunks(
    tmp_path: Path, world: World, undisturbed: str, mode: str
) -> None:
    with running(tmp_path) as attacker:

        def cancel_in_the_third_chunk(asked: Asked) -> Answered | None:
            if len(world.handed_out) >= 80 and "/recommendations" in asked.path:
                world.before = lambda _: None
                attacker.service.cancel(only_id(attacker))
            return None

        world.before = cancel_in_the_third_chunk
        found = attacker.run(world.spec(query={"mode": mode}))
        assert (found["state"], found["stage"]) == ("cancelled", "query")
        assert found["queries"]["lists"] == 120  # the chunk under way was waited for
        assert attacker.get(f"/v1/attacks/{found['id']}/predictions").status_code == 409
        found = attacker.resume(found["id"])

        assert found["state"] == "done", found["error"]
        assert each_once(world)
        assert found["queries"]["lists"] == judged_users().n_users
        assert attacker.csv(found["id"]) == undisturbed


def test_a_target_that_fails_half_way_is_asked_for_the_rest_only(
    tmp_path: Path, world: World, undisturbed: str
) -> None:
    with running(tmp_path) as attacker:
        world.before = lambda asked: (
            Answered(500) if len(world.handed_out) >= 80 and "/recommendations" in asked.path else None
        )
        found = attacker.run(world.spec())
        assert (found["state"], found["stage"]) == ("failed", "query")
        assert "500" in found["error"]
        world.before = lambda _: None
        found = attacker.resume(found["id"])

        assert found["state"] == "done" and found["error"] is None
        assert each_once(world)
        assert found["queries"]["requests"] == 7 + 1
        assert attacker.csv(found["id"]) == undisturbed


def test_an_attack_that_waits_is_cancelled_at_once(tmp_path: Path, world: World) -> None:
    """One attack at a time: the second has not begun, and never does."""
    engine = WatchedEngine()
    with running(tmp_path, make_engine=lambda: engine, settings={"concurrent_attacks": 1}) as attacker:
        second: list[str] = []
        spec = AttackSpec.model_validate(world.spec())

        def before(name: str) -> None:
            if not second:
                second.append(attacker.service.submit(spec).id)
                assert attacker.service.cancel(second[0]).state == "cancelled"

        engine.before = before
        attacker.run(world.spec(evaluate=None))

        assert attacker.wait(second[0])["timings"] == {}


def test_a_service_that_ends_leaves_interrupted_attacks(
    tmp_path: Path, world: World, undisturbed: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so in the log, in an event and in the attack."""
    engine, reached = WatchedEngine(), threading.Event()

    def before(name: str) -> None:
        if name == "build":
            reached.set()
            assert engine.closed.wait(timeout=30)

    engine.before = before
    with running(tmp_path, make_engine=lambda: engine) as attacker:
        attack_id = attacker.submit(world.spec())
        assert reached.wait(timeout=30)
    with running(tmp_path) as attacker:
        found = attacker.get(f"/v1/attacks/{attack_id}").json()
        assert (found["state"], found["stage"]) == ("interrupted", "shadow")
        assert "resume" in found["error"] and f"{attack_id} was interrupted" in caplog.text
        assert '"state":"interrupted"' in attacker.get(f"/v1/attacks/{attack_id}/events").text
        found = attacker.resume(attack_id)

        assert found["state"] == "done", found["error"]
        assert each_once(world) and attacker.csv(attack_id) == undisturbed


def test_a_full_disk_is_one_sentence_and_no_harm(tmp_path: Path, world: World, undisturbed: str) -> None:
    is_full = [False]

    def write(file: IO[bytes], array: NDArray[Any]) -> None:
        if is_full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        write_array(file, array)

    def fill(asked: Asked) -> Answered | None:
        is_full[0] = len(world.handed_out) >= 80
        return None

    world.before = fill
    with running(tmp_path, artifacts=ArtifactStore(tmp_path / "artifacts", writer=write)) as attacker:
        found = attacker.run(world.spec())

        assert (found["state"], found["stage"]) == ("failed", "query")
        assert "No space left on device" in found["error"] and "free some space" in found["error"]
        world.before, is_full[0] = (lambda _: None), False
        found = attacker.resume(found["id"])

        assert found["state"] == "done", found["error"]
        assert attacker.csv(found["id"]) == undisturbed


def test_chunks_whose_files_are_lost_are_asked_for_again(
    tmp_path: Path, world: World, undisturbed: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing else could be done; the log says so."""
    world.before = lambda asked: Answered(500) if len(world.handed_out) >= 80 else None
    with running(tmp_path) as attacker:
        attack_id = attacker.run(world.spec())["id"]
    store = ArtifactStore(tmp_path / "artifacts")
    lost = next(name for name in store.names() if name.startswith("chunk-"))
    store.delete(lost)
    world.before = lambda _: None
    with running(tmp_path) as attacker:
        found = attacker.resume(attack_id)

        assert found["state"] == "done", found["error"]
        assert found["queries"]["lists"] == judged_users().n_users
        assert sorted(set(world.handed_out.values())) == [1, 2]
        assert "1 chunks of lists are lost" in caplog.text
        assert attacker.csv(attack_id) == undisturbed


def test_deleting_an_attack_deletes_what_no_other_uses(tmp_path: Path, world: World) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    with running(tmp_path) as attacker:
        first, second = (attacker.run(world.spec())["id"] for _ in range(2))
        kinds = sorted(name.rsplit("-", 1)[0] for name in store.names())
        shared = ["item-vectors", "shadow"]
        assert kinds == sorted([*shared, *(["answers", "features", "judged-users", "model", "scores"] * 2)])
        predictions = attacker.csv(second)
        assert attacker.ask("DELETE", f"/v1/attacks/{first}").status_code == 204

        assert attacker.csv(second) == predictions
        assert sorted(name.rsplit("-", 1)[0] for name in store.names()) == sorted(
            [*shared, "answers", "features", "judged-users", "model", "scores"]
        )
        assert attacker.get(f"/v1/attacks/{first}").status_code == 404
        assert attacker.ask("DELETE", f"/v1/attacks/{second}").status_code == 204
        assert store.names() == [] and attacker.get("/v1/attacks").json() == {"attacks": []}


def test_an_attack_under_way_cannot_be_deleted_resumed_or_lost(tmp_path: Path, world: World) -> None:
    engine = WatchedEngine()
    told: list[str] = []
    with running(tmp_path, make_engine=lambda: engine) as attacker:

        def before(name: str) -> None:
            if name == "build":
                for act in (attacker.service.delete, attacker.service.resume):
                    with pytest.raises(Exception, match=r"the attack is running") as caught:
                        act(only_id(attacker))
                    told.append(type(caught.value).__name__)

        engine.before = before
        found = attacker.run(world.spec())

        assert told == ["Conflict", "Conflict"] and found["state"] == "done"
        for act in ("cancel", "resume"):
            answer = attacker.ask("POST", f"/v1/attacks/{found['id']}/{act}")
            assert answer.status_code == 409 and "done" in answer.json()["detail"]


def test_what_is_no_error_of_ours_is_recorded_too(tmp_path: Path, world: World) -> None:
    """A bug in a stage fails its attack, with a trace in the log, and nothing else."""
    engine = WatchedEngine()

    def before(name: str) -> None:
        if name == "fit":
            raise ZeroDivisionError("a bug")

    engine.before = before
    with running(tmp_path, make_engine=lambda: engine) as attacker:
        found = attacker.run(world.spec())
        assert (found["state"], found["stage"]) == ("failed", "train")
        assert "ZeroDivisionError" in found["error"]
        engine.before = lambda _: None

        assert attacker.resume(found["id"])["state"] == "done"
