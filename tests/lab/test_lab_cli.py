"""The command: help, exit codes, one-line errors."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from lab_worlds import run

from lab import choices
from shared.contract.attacker import QueryMode
from shared.datasets.catalog import DATASETS
from shared.datasets.splits import Division
from shared.recommenders.base import Algorithm
from shared.recommenders.served import ColdStart

HEAVY = ("torch", "numba", "scipy", "pandas", "fastapi", "sqlalchemy", "httpx", "pydantic")
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there
COMMANDS = [
    [],
    ["demo"],
    *(["serve", name] for name in ("target", "attacker")),
    *(
        ["attack", name]
        for name in ("submit", "watch", "show", "list", "predictions", "cancel", "resume", "delete")
    ),
    *(
        ["deploy", name]
        for name in ("submit", "list", "show", "queries", "activate", "retrain", "cancel", "delete")
    ),
    *(["data", name] for name in ("list", "info", "fetch", "path")),
    ["bench"],
    ["cell"],
    *(["experiment", name] for name in ("list", "show", "run", "resume", "status", "compare", "report")),
]


def test_the_tree_of_commands_imports_nothing_heavy() -> None:
    code = f"import lab.cli, sys; print([name for name in {HEAVY} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(command: list[str]) -> None:
    done = run(*command, "--help")

    assert done.exit_code == 0
    assert "Usage: " in done.output


@pytest.mark.parametrize(
    "group", [["demo"], ["serve"], ["attack"], ["deploy"], ["data"], ["experiment"], ["cell"]]
)
def test_the_help_of_each_group_has_examples(group: list[str]) -> None:
    assert "recleak " in run(*group, "--help").output.split("Examples", 1)[1]


def test_the_version_is_said() -> None:
    from shared import __version__

    assert run("--version").output == f"recleak {__version__}\n"


@pytest.mark.parametrize(
    ("written", "real"),
    [
        (choices.AlgorithmName, Algorithm),
        (choices.ColdStartName, ColdStart),
        (choices.ModeName, QueryMode),
        (choices.DivisionName, Division),
    ],
)
def test_choices_are_those_of_the_contract(written: type, real: type) -> None:
    assert {one.value for one in written} == {one.value for one in real}


@pytest.mark.parametrize(
    ("command", "message", "code"),
    [
        (["attak"], "No such command 'attak'", 2),
        (["demo", "--nope"], "--nope", 2),
        (["demo", "--target-algorithm", "svd"], "'svd' is not one of", 2),
        (["demo", "--k", "0"], "--k", 2),
        (["demo", "--k", "x"], "--k", 2),
        (["demo", "--target-url", NOWHERE], "go together", 2),
        (["demo", "--keep", "--target-url", NOWHERE, "--attacker-url", NOWHERE], "--keep is for", 2),
        (["demo", "--json", "/nowhere/out.json"], "cannot be written", 2),
        (["demo", "--dataset", "ml-2m"], "there is no dataset 'ml-2m'", 2),
        (["demo", "--target-url", NOWHERE, "--attacker-url", NOWHERE], "RECLEAK_TARGET_ADMIN_KEY", 1),
        (["attack", "show"], "Missing argument", 2),
        (["attack", "show", "a1", "--attacker-url", NOWHERE], f"{NOWHERE} cannot be reached", 1),
        (["attack", "watch", "a1", "--attacker-url", NOWHERE], f"{NOWHERE} cannot be reached", 1),
        (["attack", "list", "--attacker-url", "nowhere"], "is not an address", 2),
        (["attack", "submit", "missing.yaml"], "No such file", 2),
        (["attack", "submit", "--set", "kk=3"], "kk: there is no such setting", 2),
        (["attack", "submit", "--attacker-url", NOWHERE], f"{NOWHERE} cannot be reached", 1),
        (["deploy", "list", "--target-url", NOWHERE], "RECLEAK_TARGET_ADMIN_KEY", 1),
        (["deploy", "submit", "--set", "hyperparameters.x=3"], "no hyperparameter 'x'", 2),
        (["data", "info", "ml-2m"], "choose from adm", 2),
        (["data", "info", "missing.csv"], "missing.csv", 2),
        (["data", "fetch", "synthetic"], "nothing to fetch", 2),
        (["serve", "target", "--port", "99999"], "--port", 2),
        (["cell", "MIMX"], "'MIMX' is not a cell", 2),
        (["cell", "MI", "--data-dir", "/nowhere"], "recleak data fetch ml-1m", 2),
        (["cell", "MI", "--k", "101"], "--k", 2),
        (["experiment", "run", "papr"], "there is no experiment papr; there are", 2),
        (["experiment", "run", "missing.toml"], "there is no file missing.toml", 2),
        (
            ["experiment", "run", "paper", "--data-dir", "/nowhere"],
            "datasets adm, lastfm-2k, ml-1m are not",
            2,
        ),
        (["experiment", "run", "smoke", "--engine", "sun"], "an engine is inline, process", 2),
        (["experiment", "run", "smoke", "--seeds", "0"], "--seeds", 2),
        (["experiment", "resume", "/nowhere"], "/nowhere holds no run", 2),
        (["experiment", "status", "/nowhere"], "/nowhere holds no run", 2),
        (["experiment", "report", "/nowhere"], "/nowhere holds no run", 2),
        (["experiment", "compare", "/nowhere", "/nowhere"], "/nowhere holds no results", 2),
    ],
)
def test_what_goes_wrong_is_one_line(command: list[str], message: str, code: int) -> None:
    done = run(*command, RECLEAK_TARGET_ADMIN_KEY=None)

    assert done.exit_code == code
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "lab", "serve", "target", "--port", port, "--data", str(tmp_path)]

        done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr == f"error: port {port} is in use; choose another with --port\n"


def test_a_target_that_is_down_is_one_line() -> None:
    done = run("deploy", "list", "--target-url", NOWHERE, RECLEAK_TARGET_ADMIN_KEY="some-admin-key")

    assert done.exit_code == 1
    assert f"{NOWHERE} cannot be reached" in done.stderr
    assert "some-admin-key" not in done.output


def test_data_sets_are_listed_for_people_and_machines(tmp_path: Path) -> None:
    names = {dataset.name for dataset in DATASETS}

    shown = run("data", "list", "--data-dir", str(tmp_path)).stdout
    listed = json.loads(run("data", "list", "--json", "--data-dir", str(tmp_path)).stdout)

    assert all(name in shown for name in names)
    assert {one["name"] for one in listed} == names
    assert all(one["path"] is None for one in listed)


def test_a_data_set_is_measured(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("user,item\nu1,a\nu1,b\nu2,a\n")

    shown = run("data", "info", str(file))
    found = json.loads(run("data", "info", str(file), "--json").stdout)

    assert "interactions" in shown.stdout
    assert (found["n_users"], found["n_items"], found["n_interactions"]) == (2, 2, 3)


def test_lines_that_are_no_good_are_told_with_number_and_reason(tmp_path: Path) -> None:
    rows = ["user,item,rating", "a,x,1", "b,x,much", "b,y,2", "b,y,3", *["nothing"] * 21]
    (tmp_path / "own.csv").write_text("\n".join(rows) + "\n")

    shown = run("data", "info", str(tmp_path / "own.csv")).stdout
    written = json.loads(run("data", "info", str(tmp_path / "own.csv"), "--json").stdout)["reading"]

    assert "25 lines: 22 left out, 1 repeats" in shown
    assert "line 3: the rating is not a number" in shown and "and 2 more" in shown
    assert (written["n_bad"], len(written["bad_rows"])) == (22, 20)
    assert json.loads(run("data", "info", "synthetic:users=20", "--json").stdout)["reading"] is None


def test_the_data_folder_is_the_option_then_the_variable_then_a_cache(tmp_path: Path) -> None:
    given, from_variable, cache = (str(tmp_path / name) for name in ("given", "variable", "cache"))

    assert run("data", "path", "--data-dir", given, RECLEAK_DATA_DIR=from_variable).stdout == f"{given}\n"
    assert run("data", "path", RECLEAK_DATA_DIR=from_variable).stdout == f"{from_variable}\n"
    by_default = run("data", "path", RECLEAK_DATA_DIR=None, XDG_CACHE_HOME=cache).stdout
    assert by_default == f"{cache}/recleak/datasets\n"


def test_a_reader_that_goes_away_leaves_no_traceback() -> None:
    """`recleak data list --json | head -c 1`, with the pipe closed before anything is written."""
    command = [sys.executable, "-m", "lab", "data", "list", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None

    with process.stderr as errors:
        said = errors.read()

    assert process.wait() == 1
    assert said == b""


def test_ctrl_c_is_one_line_and_exit_code_130() -> None:
    code = (
        "import os, signal, threading; from lab.failures import exit_code; import time\n"
        "def run():\n"
        "    os.kill(os.getpid(), signal.SIGINT); time.sleep(9)\n"
        "raise SystemExit(exit_code(run))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 128 + signal.SIGINT
    assert done.stderr == "error: interrupted\n"
