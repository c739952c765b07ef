"""What the README tells to type works as it stands there: real processes, real sockets, curl."""

import io
import json
import re
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import BaseSettings
from rich.console import Console
from typer.core import TyperGroup
from typer.main import get_command

from lab.cli import app
from lab.demo_report import print_report
from services.attacker.attack.registry import BASELINES
from services.attacker.settings import AttackerSettings
from services.target.settings import TargetSettings
from tests.e2e.processes import LIMIT_S, ROOT, end_group, environment
from tests.lab.lab_worlds import result

README = (ROOT / "README.md").read_text()
STEPS = (
    "start",
    "deploy",
    "oracle",
    "lists",
    "attack",
    "events",
    "results",
    "queries",
    "errors",
    "python",
    "stop",
)
URLS = ("http://127.0.0.1:8001", "http://127.0.0.1:8002")


def blocks(language: str) -> list[str]:
    """Give the text of each block that the README marks as part of the walk-through."""
    return re.findall(rf"^```{language} walk-through\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def free_ports(n: int) -> list[int]:
    """Find ports that nobody listens at."""
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(n)]
        return [one.getsockname()[1] for one in taken]


def program(name: str, folder: Path, command: str) -> None:
    """Put a command on the path."""
    path = folder / name
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)


def script(folder: Path) -> str:
    """Write all steps one behind the other, each announced, for two ports that are free."""
    *shell, stop = blocks("sh")
    (client,) = blocks("python")
    text = "\n".join(
        f"echo '@@ {name}'\n{block}"
        for name, block in zip(STEPS, [*shell, "python3 client.py\n", stop], strict=True)
    )
    for url, port in zip(URLS, free_ports(len(URLS)), strict=True):
        assert url in text and url in client
        text, client = (part.replace(url, f"http://127.0.0.1:{port}") for part in (text, client))
    (folder / "client.py").write_text(client)
    return f"set -euo pipefail\n{text}"


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run the whole walk-through once: what each step printed, and `log`, everything else that was said."""
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("curl and bash are not installed")
    folder, programs = tmp_path_factory.mktemp("reader"), tmp_path_factory.mktemp("programs")
    program("recleak", programs, f"{sys.executable} -m lab")
    program("python3", programs, sys.executable)
    own = environment()
    process = subprocess.Popen(
        ["bash", "-c", script(folder)],
        cwd=folder,
        env={**own, "PATH": f"{programs}:{own['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, log = (part.decode() for part in process.communicate(timeout=LIMIT_S))
    finally:
        end_group(process)
    assert process.returncode == 0, f"{output}\n{log}"
    steps = re.findall(r"^@@ (\w+)\n(.*?)(?=^@@ |\Z)", output, re.MULTILINE | re.DOTALL)
    log += "".join((folder / f"{one}.log").read_text() for one in ("target", "attacker"))
    return {**dict(steps), "log": log, "predictions": (folder / "predictions.csv").read_text()}


def answers(text: str) -> list[Any]:
    """Read the lines that are JSON objects."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_every_step_is_taken_and_nothing_is_traced(said: dict[str, str]) -> None:
    assert set(STEPS) <= set(said)
    assert "Traceback" not in said["log"] and "ERROR" not in said["log"]


def test_the_deployment_is_trained_and_serves(said: dict[str, str]) -> None:
    deployment = answers(said["deploy"])[-1]

    assert deployment["state"] == "done" and deployment["is_active"]
    assert deployment["size"]["members"] == deployment["size"]["non_members"] > 100
    assert deployment["spec"]["membership_seed"] is None


def test_members_get_their_own_list_and_strangers_one_for_all(said: dict[str, str]) -> None:
    (truth,) = answers(said["oracle"])
    member, stranger, nobody, batch = answers(said["lists"])

    assert len(truth["user_ids"]) == 20
    is_member = dict(zip(truth["user_ids"], truth["is_member"], strict=True))
    assert is_member[member["user_id"]] and not is_member[stranger["user_id"]]
    assert nobody["user_id"] == "nobody" and nobody["items"] == stranger["items"] != member["items"]
    assert len(member["items"]) == 5
    assert batch == {"recommendations": [member, stranger]}


def test_events_are_followed_to_the_end(said: dict[str, str]) -> None:
    events = [
        json.loads(line.removeprefix("data: "))
        for line in said["events"].splitlines()
        if line.startswith("data: ")
    ]

    assert [one["id"] for one in events] == sorted({one["id"] for one in events})
    assert {"query", "shadow", "evaluate"} <= {one["stage"] for one in events}
    assert [one["state"] for one in events].index("done") == len(events) - 1


def test_the_figures_and_the_predictions_are_those_of_the_attack(said: dict[str, str]) -> None:
    first, *rest = said["results"].splitlines()
    auc, identical = map(float, first.split())
    header, *lines = said["predictions"].split()

    assert auc > 0.9 and identical == 1
    assert rest[0].strip() == header == "user_id,score,is_member"
    assert {line.strip() for line in rest[1:]} <= set(lines) and len(rest) == 3
    assert len(lines) == 2 * answers(said["deploy"])[-1]["size"]["members"]


def test_the_defender_sees_each_user_asked_for_once_and_two_examples_more(said: dict[str, str]) -> None:
    """The examples asked at k = 5, the attack at k = 100: other lists; only the batch asks again."""
    (counts,) = answers(said["queries"])
    n_users = len(said["predictions"].split()) - 1

    assert counts["total"] == n_users + 5 and counts["repeated"] == 2
    assert counts["distinct_users"] == n_users + 1
    assert counts["by_client"] == {"127.0.0.1": counts["total"]}


def test_errors_say_what_to_do(said: dict[str, str]) -> None:
    too_long, refused = answers(said["errors"])

    assert too_long["status"] == 422 and "cap" in too_long["detail"]
    assert refused["status"] == 401 and "RECLEAK_TARGET_ADMIN_KEY" in refused["detail"]


def test_the_python_example_finds_the_same(said: dict[str, str]) -> None:
    n_users = len(said["predictions"].split()) - 1

    found = re.fullmatch(rf"AUC (0\.\d\d\d|1\.000), asked for {n_users} lists\n", said["python"])

    assert found is not None and float(found.group(1)) > 0.9


@pytest.mark.parametrize("settings", [TargetSettings, AttackerSettings])
def test_every_setting_of_a_service_is_told(settings: type[BaseSettings]) -> None:
    prefix = settings.model_config["env_prefix"]
    names = {
        str(one.validation_alias or prefix + name.upper()) for name, one in settings.model_fields.items()
    }

    assert {name for name in names if f"`{name}`" not in README} == set()


def test_every_command_is_told() -> None:
    """Of a group, the first command with its group, the others by name."""
    table = README.split("## The command line", 1)[1].split("## ", 1)[0]
    group = get_command(app)
    assert isinstance(group, TyperGroup)

    missing = [name for name in group.commands if f"recleak {name}" not in table]
    for name, command in group.commands.items():
        inner = list(command.commands) if isinstance(command, TyperGroup) else []
        row = next((line for line in table.splitlines() if f"`recleak {name}" in line), "")
        missing += [f"{name} {one}" for one in inner if not re.search(rf"[ `]{one}`", row)]

    assert missing == []


def test_the_table_shown_is_one_that_the_demo_prints() -> None:
    """The same lines, whatever their figures, and each baseline that there is."""
    console = Console(file=io.StringIO(), width=80)
    print_report(result(), console)

    printed = first_columns(console.file.getvalue())
    shown = first_columns(README.split("```text\n", 1)[1].split("```", 1)[0])
    assert set(BASELINES) <= set(shown)
    assert [line for line in shown if line not in BASELINES] == [
        line for line in printed if line not in BASELINES
    ]


def first_columns(text: str) -> list[str]:
    """Give what stands in the first column of each line above the first note."""
    lines = text.split("* not resolved", 1)[0].splitlines()
    return [line.strip().split("  ")[0] for line in lines if line.strip(" ─")]
