"""`kill -9` of the attacker in the query stage: the same figures, and no list is asked for twice."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from shared.client import AttackerClient, TargetClient
from shared.contract.attacker import Attack, AttackSpec, Stage
from shared.contract.base import JobState
from shared.contract.target import Deployment, DeploymentSpec
from tests.e2e.processes import ADMIN, ORACLE, serving, until

DATASET = "synthetic:users=300,items=300,history=80,seed=1"
SPLIT = {"min_interactions": 15}
K = 20
CHUNK = 40  # users per request, and per stored chunk
LOOKS = 10  # without a new list between them: longer than storing a chunk takes, shorter than a pause


@pytest.fixture
def target(tmp_path: Path) -> Iterator[tuple[TargetClient, Deployment]]:
    """A target that answers two requests a second, and its deployment: an attacker mostly waits."""
    slowly = {"RECLEAK_TARGET_RATE_LIMIT": "2", "RECLEAK_TARGET_MEASURE_QUALITY": "false"}
    with (
        serving("target", tmp_path, **slowly) as service,
        TargetClient(service.url, admin_key=ADMIN, oracle_key=ORACLE) as client,
    ):
        spec = {"dataset": DATASET, "split": SPLIT, "k_cap": K, "membership_seed": 5}
        yield client, client.wait(client.deploy(DeploymentSpec.model_validate(spec)).id)


def attack_on(url: str, **query: object) -> AttackSpec:
    """Say what is attacked, and how it is asked."""
    return AttackSpec.model_validate(
        {
            "target": {"url": url, "query": query},
            "users": {"dataset": DATASET, "source": "dataset"},
            "shadow": {"dataset": DATASET},
            "split": SPLIT,
            "features": {"length": 64},
            "k": K,
            "seed": 7,
            "evaluate": {},
        }
    )


def attacked(folder: Path, spec: AttackSpec) -> Attack:
    """Run an attack in an attacker of its own, undisturbed."""
    folder.mkdir()
    with serving("attacker", folder) as service, AttackerClient(service.url) as client:
        return client.wait(client.submit(spec).id)


def test_a_killed_attacker_comes_to_the_same_figures_and_asks_for_nothing_twice(
    tmp_path: Path, target: tuple[TargetClient, Deployment]
) -> None:
    """It is killed between two chunks, where it waits because the target told it to."""
    asked, deployment = target
    spec = attack_on(asked.url, batch_size=CHUNK, concurrency=1)
    with ExitStack() as stack:
        service = stack.enter_context(serving("attacker", tmp_path))
        client = stack.enter_context(AttackerClient(service.url))
        attack_id = client.submit(spec).id
        seen: list[int] = []

        def pauses() -> bool:
            """Two chunks or more are stored, and for some time none has come."""
            seen.append(client.attack(attack_id).queries.lists)
            return seen[-1] >= 2 * CHUNK and seen[-LOOKS:] == [seen[-1]] * LOOKS

        until(pauses, what="a pause in the query stage", process=service.process)
        before = client.attack(attack_id)
        service.kill()
    n_before = asked.queries(deployment.id).total
    with serving("attacker", tmp_path) as service, AttackerClient(service.url) as client:
        found = client.attack(attack_id)
        client.resume(attack_id)
        resumed = client.wait(attack_id)
    counts = asked.queries(deployment.id)
    undisturbed = attacked(tmp_path / "other", attack_on(asked.url))  # all in one request

    assert deployment.size is not None
    n_users = deployment.size.users + deployment.size.left_out
    assert before.stage is Stage.QUERY and before.queries.lists == n_before < n_users
    assert (found.state, found.stage) == (JobState.INTERRUPTED, Stage.QUERY)
    assert counts.total == counts.distinct_users == n_users and counts.repeated == 0
    assert resumed.judgement is not None and resumed.judgement == undisturbed.judgement
    assert resumed.queries.lists == n_users
    assert "Traceback" not in (tmp_path / "attacker.log").read_text()
