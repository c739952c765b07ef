"""What goes wrong with real services is a problem or one line, and their logs hold no traceback."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import Result

from shared.client import AttackerClient, TargetClient
from shared.contract.target import DeploymentSpec
from shared.errors import JobFailed
from shared.recommenders.base import Algorithm
from tests.attacker.asking.fake_target import Answered, fake_target, problem
from tests.e2e.processes import ADMIN, ORACLE, Service, recleak_once, serving
from tests.lab.lab_worlds import run

DATASET = "synthetic:users=300,items=300,history=80,seed=1"
SPLIT = {"min_interactions": 15}
K_CAP = 400  # above the catalogue


@dataclass(frozen=True)
class Services:
    """Both, with one deployment; `data` is the folder of the target's own data sets."""

    target: Service
    attacker: Service
    data: Path


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("services")
    data = folder / "datasets"
    data.mkdir()
    settings = {"RECLEAK_DATA_DIR": str(data), "RECLEAK_TARGET_MEASURE_QUALITY": "false"}
    with (
        serving("target", folder, **settings) as target,
        serving("attacker", folder, RECLEAK_WRONG_KEY="not-the-oracle-key", **settings) as attacker,
        admin(target) as client,
    ):
        client.wait(client.deploy(deployment(DATASET)).id)
        yield Services(target, attacker, data)
        for service in (target, attacker):
            assert service.process.poll() is None
            assert "Traceback" not in service.log.read_text()


def deployment(dataset: str) -> DeploymentSpec:
    return DeploymentSpec.model_validate({"dataset": dataset, "split": SPLIT, "k_cap": K_CAP})


def admin(target: Service) -> TargetClient:
    return TargetClient(target.url, admin_key=ADMIN, oracle_key=ORACLE)


def spec_for(url: str, **changes: Any) -> dict[str, Any]:
    """An attack, small and quick."""
    return {
        "target": {"url": url, "query": {"retries": 0}},
        "users": {"source": "dataset", "dataset": DATASET},
        "shadow": {"dataset": DATASET},
        "split": SPLIT,
        "features": {"length": 32},
        "k": 20,
        "evaluate": {},
        **changes,
    }


def submit(attacker: Service, folder: Path, spec: dict[str, Any]) -> Result:
    """Run `recleak attack submit --watch`."""
    (folder / "spec.json").write_text(json.dumps(spec))
    place = [str(folder / "spec.json"), "--attacker-url", attacker.url]
    return run("attack", "submit", *place, "--watch", "--json")


def last_line(done: Result, code: int) -> str:
    """Give the one line that says what went wrong; whatever stands above it is progress."""
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output and done.stdout == ""
    progress, line = (
        done.stderr.rstrip("\n").rsplit("\n", 1) if "\n" in done.stderr[:-1] else ("", done.stderr)
    )
    assert line.startswith("error: ") and "error: " not in progress
    return line


@contextmanager
def garbage(answered: Answered) -> Iterator[str]:
    """Run a target that answers everything alike, and give its address."""
    with fake_target(lambda _: answered) as target:
        yield target.url


@contextmanager
def nobody() -> Iterator[str]:
    """Give an address where nobody answers, and see to it that nobody will."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def html() -> Any:
    return garbage(Answered(body=b"<html>welcome to nginx</html>"))


def other_shape() -> Any:
    return garbage(Answered(body={"recs": [1, 2, 3]}))


def broken() -> Any:
    return garbage(problem(500, "the database is on fire", "about:blank"))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        (nobody, "cannot be reached"),
        (html, "JSON"),
        (other_shape, "recommendations"),
        (broken, "the database is on fire"),
    ],
)
def test_a_target_that_is_down_or_answers_garbage_is_one_line(
    services: Services, tmp_path: Path, world: Callable[[], Any], expected: str
) -> None:
    with world() as url:
        done = submit(services.attacker, tmp_path, spec_for(url))

    line = last_line(done, 1)
    assert expected in line and url in line


@pytest.mark.parametrize(
    ("change", "code", "expected"),
    [
        ({"k": K_CAP + 1}, 1, f"k must lie in 1 to {K_CAP}, the cap of this deployment"),
        ({"k": 0}, 2, "k: Input should be greater than or equal to 1"),
        ({"colour": "red"}, 2, "colour"),
        ({"users": {"source": "dataset", "dataset": "netflix"}}, 2, "there is no dataset 'netflix'"),
        ({"evaluate": {"key_env": "RECLEAK_WRONG_KEY"}}, 1, "RECLEAK_WRONG_KEY"),
        ({"evaluate": {"key_env": "RECLEAK_NO_SUCH_KEY"}}, 2, "RECLEAK_NO_SUCH_KEY is not set"),
    ],
)
def test_a_spec_that_cannot_be_carried_out_is_one_line(
    services: Services, tmp_path: Path, change: dict[str, Any], code: int, expected: str
) -> None:
    done = submit(services.attacker, tmp_path, spec_for(services.target.url, **change))

    line = last_line(done, code)
    assert expected in line
    assert "not-the-oracle-key" not in done.output


def test_lists_longer_than_the_catalogue_are_shorter_and_no_error(services: Services, tmp_path: Path) -> None:
    """Nobody can have 400 of 300 items; the attack goes on with what there is."""
    done = submit(services.attacker, tmp_path, spec_for(services.target.url, k=K_CAP))

    assert done.exit_code == 0, done.output
    attack = json.loads(done.stdout)
    assert attack["state"] == "done" and attack["judgement"]["baselines"]["identical lists"]["auc"] == 1
    popular = httpx.get(f"{services.target.url}/v1/popular?k={K_CAP}", trust_env=False).json()["items"]
    assert 0 < len(popular) <= 300


def test_users_whom_the_target_does_not_know_are_judged_and_not_evaluated(
    services: Services, tmp_path: Path
) -> None:
    known = httpx.get(f"{services.target.url}/v1/users?limit=5", trust_env=False).json()["users"]
    users = {"source": "inline", "histories": {"nobody": ["i1"], **{user: [] for user in known}}}

    done = submit(services.attacker, tmp_path, spec_for(services.target.url, users=users, evaluate=None))

    assert done.exit_code == 0, done.output
    with AttackerClient(services.attacker.url) as client:
        judged = [one.user_id for one in client.predictions(json.loads(done.stdout)["id"])]
    assert sorted(judged) == sorted([*known, "nobody"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", "empty.csv"), ("user,item\n", "empty.csv"), ("a\nb\nc\n", "empty.csv")],
    ids=["no byte", "a header", "bad rows"],
)
def test_a_file_without_rows_is_one_line_and_fails_a_deployment(
    services: Services, tmp_path: Path, text: str, expected: str
) -> None:
    (services.data / "empty.csv").write_text(text)

    measured = run("data", "info", str(services.data / "empty.csv"))

    assert expected in last_line(measured, 2)
    with admin(services.target) as client:
        made = client.deploy(deployment("empty.csv"))
        with pytest.raises(JobFailed, match=expected):
            client.wait(made.id)
        failed = client.deployment(made.id)
        assert failed.error is not None and "\n" not in failed.error and "Traceback" not in failed.error


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = recleak_once(tmp_path, "serve", "attacker", "--port", port, "--data", str(tmp_path / "data"))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: port {port} is in use; choose another with --port\n"


@pytest.mark.parametrize(
    ("kind", "settings", "code", "expected"),
    [
        ("target", {"RECLEAK_TARGET_DEPLOY": '{"dataset": "netflix"}'}, 2, "there is no dataset 'netflix'"),
        ("target", {"RECLEAK_TARGET_DATA": "a file/target"}, 1, "cannot be made"),
        ("attacker", {"RECLEAK_ATTACKER_DATA": "a file/attacker"}, 1, "cannot be made"),
        ("attacker", {"RECLEAK_ATTACKER_DATABASE_URL": "oracle of delphi"}, 2, "database URL"),
    ],
)
def test_a_service_that_cannot_start_says_why_in_one_line(
    tmp_path: Path, kind: str, settings: dict[str, str], code: int, expected: str
) -> None:
    (tmp_path / "a file").touch()

    done = recleak_once(tmp_path, "serve", kind, "--port", "0", **settings)

    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: ") and expected in last


def test_a_disk_without_room_fails_the_deployment_and_not_the_service(tmp_path: Path) -> None:
    """No file may grow beyond 300 KiB: enough for the database, too little for the lists of 1,400 users."""
    small = ("bash", "-c", 'ulimit -f 300; exec "$@"', "bash")
    settings = {"RECLEAK_TARGET_MEASURE_QUALITY": "false"}
    with serving("target", tmp_path, wrapper=small, **settings) as target, admin(target) as client:
        made = client.deploy(DeploymentSpec(algorithm=Algorithm.POPULARITY))
        with pytest.raises(JobFailed, match="could not be stored"):
            client.wait(made.id)
        failed = client.deployment(made.id)

        assert failed.error is not None and "\n" not in failed.error
        assert list((tmp_path / "target" / "artifacts").iterdir()) == []
        small_lists = deployment(DATASET).model_copy(update={"k_cap": 20})
        assert client.wait(client.deploy(small_lists).id).is_active
    assert "Traceback" not in target.log.read_text()
