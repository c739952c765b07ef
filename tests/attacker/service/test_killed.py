"""Real processes: killed in the query stage, an attack loses nothing and asks for nothing twice."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.client.attacker import AttackerClient
from shared.client.waiting import Clock, wait_for
from shared.contract.attacker import AttackSpec
from shared.contract.base import JobState
from tests.attacker.asking.fake_target import Answered, Asked
from tests.attacker.service.leaky_target import judged_users, leaky_lists, world_of
from tests.attacker.service.running import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def attacker_process(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], AttackerClient]]:
    """Run an attacker service on a data folder; it is killed at the end, if it still lives."""
    port_file, log = folder / "port", (folder / "log").open("ab")
    port_file.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.attacker.service.attacker_process", str(port_file)],
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT, "RECLEAK_ATTACKER_DATA": str(folder / "data")},
        stdout=log,
        stderr=log,
    )
    try:
        port = wait_for(
            lambda: port_file.read_text() if port_file.exists() else None,
            what="the attacker",
            timeout_s=60,
            every_s=0.05,
            clock=Clock(),
        )
        with AttackerClient(f"http://127.0.0.1:{int(port)}") as client:
            yield process, client
    finally:
        process.kill()
        process.wait()
        log.close()


def test_a_killed_attack_goes_on_to_the_same_figures(tmp_path: Path) -> None:
    killed, held = threading.Event(), threading.Event()
    with world_of(leaky_lists()) as world:

        def hold_the_third_chunk(asked: Asked) -> Answered | None:
            if "/recommendations" not in asked.path or len(world.handed_out) < 80 or killed.is_set():
                return None
            held.set()
            killed.wait(timeout=60)
            return Answered(500)  # nobody is there to read it

        world.before = hold_the_third_chunk
        spec = AttackSpec.model_validate(world.spec())
        with attacker_process(tmp_path) as (process, client):
            attack_id = client.submit(spec).id
            assert held.wait(timeout=60)
            process.send_signal(signal.SIGKILL)
            process.wait()
        killed.set()
        with attacker_process(tmp_path) as (_, client):
            assert client.attack(attack_id).state is JobState.INTERRUPTED
            client.resume(attack_id)
            resumed = client.wait(attack_id)

            assert dict(world.handed_out) == dict.fromkeys(judged_users().user_ids.names, 1)
            undisturbed = client.wait(client.submit(spec).id)
    assert resumed.judgement is not None
    assert resumed.judgement == undisturbed.judgement
    assert resumed.queries.lists == judged_users().n_users
    assert "was interrupted; resume it" in (tmp_path / "log").read_text()
