"""The service as it is used: a process with workers of its own, on a socket, ended without mercy."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.client import TargetClient
from shared.contract.target import DeploymentSpec
from shared.datasets.splits import DivisionSpec
from shared.errors import BadInput
from tests.target.running import ADMIN, DATASET, ORACLE

ROOT = Path(__file__).parents[2]
PROGRAM = """
from services.target.app import create_app
from services.target.settings import TargetSettings
from shared.web.server import serve

if __name__ == "__main__":
    serve(
        lambda: create_app(TargetSettings.read()), host="127.0.0.1", port=0,
        on_ready=lambda port: print(port, flush=True),
    )
"""


@contextmanager
def served(folder: Path) -> Iterator[tuple[TargetClient, subprocess.Popen[str]]]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RECLEAK_TARGET_DATA": str(folder),
        "RECLEAK_TARGET_ADMIN_KEY": ADMIN,
        "RECLEAK_TARGET_ORACLE_KEY": ORACLE,
        "RECLEAK_TARGET_FLUSH_INTERVAL_S": "0.05",
    }
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, text=True, cwd=folder
    ) as process:
        try:
            assert process.stdout is not None
            url = f"http://127.0.0.1:{int(process.stdout.readline())}"
            with TargetClient(url, admin_key=ADMIN, oracle_key=ORACLE) as client:
                yield client, process
        finally:
            process.kill()


@pytest.mark.timeout(120)
def test_a_service_that_is_killed_serves_the_same_when_it_starts_again(tmp_path: Path) -> None:
    spec = DeploymentSpec(dataset=DATASET, split=DivisionSpec(min_interactions=8), k_cap=20)
    with served(tmp_path) as (client, process):
        made = client.wait(client.deploy(spec).id)
        users = list(client.users(page_size=7))
        before = client.batch(users, k=20)
        truth = client.membership(users)
        single = {user: client.recommendations(user).items for user in users[:5]}
        with pytest.raises(BadInput, match="cap"):
            client.popular(k=21)
        assert client.membership(["stranger"]).unknown == ("stranger",)
        while client.deployment(made.id).hr_at_k is None:
            assert process.poll() is None
        process.kill()
        process.wait()
    with served(tmp_path) as (client, _):
        client.wait_ready()
        after = client.batch(users, k=20)

        assert made.size is not None and made.size.users == len(users) == 2 * sum(truth.is_member)
        assert before == after and client.membership(users) == truth
        assert all(entry.items == single[entry.user_id] for entry in before.recommendations[:5])
        assert client.queries(made.id).total >= len(users)
