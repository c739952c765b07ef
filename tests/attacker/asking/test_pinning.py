"""An attack is about one deployment of the target, from its first list to its figures."""

from pathlib import Path

import pytest

from shared.errors import TargetBrokeContract
from tests.attacker.asking.clients import K, PausedTime, ask, client_of, failure, list_of, well
from tests.attacker.asking.fake_target import Answered, Asked, Behavior, fake_target
from tests.attacker.service.leaky_target import DEPLOYMENT, leaky_lists, world_of
from tests.attacker.service.running import running


def switching(*deployments: str | None) -> Behavior:
    """Each answer comes from the next of these, the last again and again; None = not said."""

    def behave(asked: Asked) -> Answered | None:
        answered = well(asked)
        name = deployments[min(asked.number, len(deployments) - 1)]
        if answered is None or name is None:
            return answered
        return Answered(answered.status, answered.body, {"X-Deployment": name})

    return behave


@pytest.mark.parametrize("mode", ["single", "batch"])
def test_the_client_says_which_deployment_gave_the_lists(mode: str) -> None:
    with fake_target(switching("d1")) as target, client_of(target.url, PausedTime(), mode=mode) as client:
        assert client.deployment is None
        list(client.answers([(0, ("a", "b"))], k=K))

        assert client.deployment == "d1"


@pytest.mark.parametrize("after", ["d2", None])
def test_another_deployment_in_the_middle_is_an_error(after: str | None) -> None:
    error, _, _ = failure(switching("d1", after), ("a", "b", "c"), concurrency=1)

    assert isinstance(error, TargetBrokeContract)
    assert "switched from deployment d1 to " in str(error) and "target.deployment" in str(error)


def test_a_target_that_does_not_say_is_not_pinned() -> None:
    names, _, _ = ask(switching(None), ("a", "b"))

    assert names == [list_of("a"), list_of("b")]


def test_another_deployment_than_the_one_asked_is_an_error() -> None:
    error, _, _ = failure(switching("d2"), deployment="d1", mode="batch")

    assert isinstance(error, TargetBrokeContract) and "asked was 'd1'" in str(error)


@pytest.mark.parametrize("name", ["x" * 201, "a\tb"])
def test_a_name_that_is_no_id_is_an_error(name: str) -> None:
    error, _, _ = failure(switching(name))

    assert isinstance(error, TargetBrokeContract) and "no id" in str(error)


def test_the_referee_asks_about_the_deployment_that_gave_the_lists(tmp_path: Path) -> None:
    with world_of(leaky_lists(), names_deployment=True) as world, running(tmp_path) as attacker:
        found = attacker.run(world.spec())

        assert found["state"] == "done", found["error"]
        assert found["spec"]["target"]["deployment"] is None and found["deployment"] == DEPLOYMENT
        assert [one.body["deployment"] for one in world.oracle_questions()] == [DEPLOYMENT]


def test_a_switch_fails_the_attack_and_resuming_it_does_not_mix_lists(tmp_path: Path) -> None:
    with world_of(leaky_lists(), names_deployment=True) as world, running(tmp_path) as attacker:

        def before(asked: Asked) -> Answered | None:
            world.serving = DEPLOYMENT if asked.number == 0 else "dep2"
            return None

        world.before = before
        found = attacker.run(world.spec())
        again = attacker.resume(found["id"])

        for one in (found, again):
            assert (one["state"], one["stage"], one["deployment"]) == ("failed", "query", DEPLOYMENT)
            assert f"switched from deployment {DEPLOYMENT} to dep2" in one["error"]
        assert again["queries"]["lists"] == 40
