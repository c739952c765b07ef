"""What the demo does with two services, which are functions here."""

import json
import signal
from dataclasses import replace
from typing import Any

import httpx
import pytest
from lab_worlds import attack, deployment, judgement

from lab.consoles import err
from lab.demo import Running, run
from lab.demo_plan import DemoOptions, attack_spec, deployment_spec
from lab.display import PlainDisplay
from lab.signals import Interrupted
from shared.client import AttackerClient, TargetClient
from shared.contract.attacker import AttackSpec, DatasetUsers
from shared.contract.target import Deployment, DeploymentSpec
from shared.errors import JobFailed
from shared.recommenders.base import Algorithm

OPTIONS = DemoOptions(dataset="lastfm-2k", target_algorithm=Algorithm.LFM)


class World:
    """A target with some deployments, and an attacker whose attack ends in some state."""

    def __init__(
        self,
        deployments: list[Deployment],
        *,
        state: str = "done",
        error: str | None = None,
        interrupted_at: str | None = None,
        cancels: int = 202,
    ) -> None:
        self.interrupted_at, self.cancels = interrupted_at, cancels
        self.cancelled: list[str] = []
        self.deployments = {one.id: one for one in deployments}
        self.submitted: AttackSpec | None = None
        self.deployed: DeploymentSpec | None = None
        self._attack = attack(judgement() if state == "done" else None, state=state, error=error)

    def target(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/cancel"):
            return self._cancel(request, self.deployments["new"].model_dump(mode="json"))
        if request.method == "GET":
            self._interrupt(request)
        if request.method == "POST":
            self.deployed = DeploymentSpec.model_validate_json(request.content)
            made = deployment(id="new", spec=self.deployed.model_dump(exclude={"membership_seed"}))
            self.deployments["new"] = made
            return httpx.Response(202, text=made.model_dump_json())
        name = request.url.path.removeprefix("/admin/deployments").strip("/")
        if not name:
            return _json({"deployments": [one.model_dump(mode="json") for one in self.deployments.values()]})
        return httpx.Response(200, text=self.deployments[name].model_dump_json())

    def attacker(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/cancel"):
            return self._cancel(request, self._attack.model_dump(mode="json"))
        self._interrupt(request)
        if request.method == "POST":
            self.submitted = AttackSpec.model_validate_json(request.content)
        if request.url.path.endswith("/events"):
            keys = {"state": self._attack.state, "stage": None, "at": "2026-01-02T03:04:05Z", "id": 1}
            data = json.dumps({**keys, "progress": {"fraction": 1, "note": "done"}})
            return httpx.Response(200, text=f"data: {data}\n\n")
        return httpx.Response(200, text=self._attack.model_dump_json())

    def _cancel(self, request: httpx.Request, answer: Any) -> httpx.Response:
        self.cancelled.append(request.url.path)
        if self.cancels == 202:
            return httpx.Response(202, json=answer)
        body = {"type": "/problems/conflict", "detail": "it is done already"}
        return httpx.Response(self.cancels, json=body, headers={"content-type": "application/problem+json"})

    def _interrupt(self, request: httpx.Request) -> None:
        if request.url.path == self.interrupted_at:
            raise Interrupted(signal.SIGINT)

    def run(self, options: DemoOptions = OPTIONS, *, may_reuse: bool = False) -> Any:
        transports = httpx.MockTransport(self.target), httpx.MockTransport(self.attacker)
        with (
            TargetClient("http://target.test", admin_key="admin-key", transport=transports[0]) as target,
            AttackerClient("http://attacker.test", transport=transports[1]) as attacker,
        ):
            return run(Running(target, attacker, None), options, PlainDisplay(err()), may_reuse=may_reuse)


def _json(content: Any) -> httpx.Response:
    return httpx.Response(200, json=content)


def test_a_deployment_is_made_attacked_and_measured() -> None:
    world = World([])

    result = world.run()

    assert world.deployed == deployment_spec(OPTIONS)
    assert world.submitted is not None
    assert world.submitted.target.deployment == "new"
    assert str(world.submitted.target.url) == "http://target.test/"
    assert world.submitted.users == DatasetUsers(dataset="lastfm-2k")
    assert world.submitted.evaluate is not None
    assert result.deployment.hr_at_k is not None
    assert result.attack.judgement is not None


def test_a_deployment_that_is_active_is_taken_where_that_is_allowed() -> None:
    world = World([deployment(id="later", is_active=False), deployment(id="active")])

    world.run(may_reuse=True)

    assert world.deployed is None
    assert world.submitted is not None
    assert world.submitted.target.deployment == "active"
    assert world.submitted.shadow.algorithm == "lfm"


def test_without_an_active_deployment_one_is_made() -> None:
    world = World([deployment(id="old", is_active=False)])

    world.run(may_reuse=True)

    assert world.deployed is not None


@pytest.mark.parametrize("quality", ["off", "failed"])
def test_a_hit_rate_that_will_never_come_is_not_waited_for(quality: str) -> None:
    world = World([deployment(hr_at_k=None, quality=quality)])

    assert world.run(may_reuse=True).deployment.hr_at_k is None


def test_an_attack_that_failed_ends_the_demo_with_its_reason() -> None:
    with pytest.raises(JobFailed, match="the oracle's key is wrong"):
        World([], state="failed", error="the oracle's key is wrong").run()


def test_a_training_that_failed_ends_the_demo_with_its_reason() -> None:
    failed = deployment(state="failed", is_active=True, error="the disk is full")

    with pytest.raises(JobFailed, match="the disk is full"):
        World([failed]).run(may_reuse=True)


@pytest.mark.parametrize(
    ("at", "cancelled", "note"),
    [
        ("/v1/attacks/a1/events", "/v1/attacks/a1/cancel", "the attack a1 was cancelled"),
        ("/admin/deployments/new", "/admin/deployments/new/cancel", "the training new was cancelled"),
    ],
)
def test_an_interruption_cancels_what_was_begun_elsewhere(at: str, cancelled: str, note: str) -> None:
    world = World([], interrupted_at=at)

    with pytest.raises(Interrupted) as caught:
        world.run()

    assert world.cancelled == [cancelled]
    assert caught.value.__notes__ == [note]


def test_what_was_over_when_it_was_to_be_cancelled_is_no_error() -> None:
    world = World([], interrupted_at="/v1/attacks/a1/events", cancels=409)

    with pytest.raises(Interrupted) as caught:
        world.run()

    assert caught.value.__notes__ == ["the attack a1 had ended"]


def test_a_training_that_others_began_is_not_cancelled() -> None:
    world = World([deployment(id="theirs")], interrupted_at="/admin/deployments/theirs")

    with pytest.raises(Interrupted):
        world.run(may_reuse=True)

    assert world.cancelled == []


def test_the_same_seed_deploys_the_same_members_and_another_seed_others() -> None:
    again, other = deployment_spec(replace(OPTIONS)), deployment_spec(replace(OPTIONS, seed=1))

    assert deployment_spec(OPTIONS) == again
    assert deployment_spec(OPTIONS).membership_seed != other.membership_seed
    assert deployment_spec(OPTIONS).split != other.split


def test_the_attacker_is_told_nothing_of_the_membership() -> None:
    deployed = deployment_spec(OPTIONS)

    spec = attack_spec(OPTIONS, deployed, target_url="http://target.test", deployment="d1")

    assert str(deployed.membership_seed) not in spec.model_dump_json()
    assert deployed.seed != spec.seed


def test_the_shadow_is_as_asked_for_and_like_the_target_otherwise() -> None:
    asked = replace(OPTIONS, shadow_dataset="ml-1m", shadow_algorithm=Algorithm.NCF)

    for options, expected in ((OPTIONS, ("lastfm-2k", "lfm")), (asked, ("ml-1m", "ncf"))):
        spec = attack_spec(options, deployment_spec(options), target_url="http://t.test", deployment="d1")
        assert (spec.shadow.dataset, spec.shadow.algorithm) == expected
        assert spec.split == deployment_spec(options).split


def test_lists_longer_than_the_cap_are_not_asked_for() -> None:
    assert deployment_spec(replace(OPTIONS, k=300)).k_cap == 300
    assert deployment_spec(replace(OPTIONS, k=10)).k_cap == 100
