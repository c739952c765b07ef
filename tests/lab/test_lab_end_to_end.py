"""The command against two real services: real processes, real sockets, real training."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DATASET = "synthetic:users=400,items=400,history=90,seed=1"
LIMIT_S = 240


def _command(*args: str) -> list[str]:
    return [sys.executable, "-m", "lab", *args]


def _environment(folder: Path, **extra: str) -> dict[str, str]:
    """Ours without settings of RecLeak; temporary files go into the folder, which also marks processes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECLEAK_")}
    return {**kept, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT), **extra}


def _run(folder: Path, *args: str, **extra: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        _command(*args),
        env=_environment(folder, **extra),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )


def _processes_of(folder: Path) -> list[str]:
    """Find every process whose environment names the folder: services and their workers."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}\0".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it has ended
    return found


def _said(output: str, name: str) -> str:
    match = re.search(rf"^{name} +(.+?) *$", output, re.MULTILINE)
    assert match is not None, output
    return match.group(1)


def _check_written(written: dict[str, Any]) -> None:
    assert set(written) >= {
        "spec",
        "users",
        "target",
        "figures",
        "baselines",
        "controls",
        "coverage",
        "timings",
        "versions",
        "data_hashes",
        "seed",
    }
    assert written["users"]["members"] == written["users"]["non_members"] > 100
    assert 0 <= written["target"]["hr_at_k"]["members"] <= 1
    assert set(written["figures"]) >= {"auc", "auc_interval", "balanced_accuracy", "tpr_at_fpr"}
    assert written["figures"]["auc_interval"][0] > 0.5
    assert written["baselines"]["identical lists"]["auc"] == 1
    low, high = written["controls"]["shuffled_labels"]["interval"]
    assert low <= 0.5 <= high
    assert written["controls"]["built_to_leak"]["auc"] > 0.95


@contextmanager
def _kept_services(folder: Path) -> Iterator[str]:
    """Give what a demo printed that leaves its services running."""
    done = _run(folder, "demo", "--dataset", DATASET, "--json", str(folder / "first.json"), "--keep")
    assert done.returncode == 0, done.stderr
    try:
        yield done.stdout
    finally:
        for pid in _said(done.stdout, "to stop them").split("&&", maxsplit=1)[0].split()[1:]:
            os.kill(int(pid), signal.SIGTERM)


def test_a_demo_runs_through_and_its_services_can_be_used_again(tmp_path: Path) -> None:
    """A second demo uses the kept services and the same deployment, and finds the same figures."""
    with _kept_services(tmp_path) as printed:
        at = ["--attacker-url", _said(printed, "attacker URL")]
        keys = {"RECLEAK_TARGET_ADMIN_KEY": _said(printed, "admin key")}
        both = ["--target-url", _said(printed, "target URL"), *at]
        second = _run(tmp_path, "demo", *both, "--json", str(tmp_path / "second.json"), **keys)
        attack_id = _said(printed, "this attack").rpartition("/")[2]
        shown = _run(tmp_path, "attack", "show", attack_id, *at)
        predictions = _run(tmp_path, "attack", "predictions", attack_id, *at, "--csv")
        listed = _run(tmp_path, "attack", "list", *at, "--json")

    first = json.loads((tmp_path / "first.json").read_text())
    _check_written(first)
    assert "AUC [95%]" in printed
    assert "'identical lists' alone reaches 1.00" in " ".join(printed.split())
    assert second.returncode == 0, second.stderr
    assert json.loads((tmp_path / "second.json").read_text())["figures"] == first["figures"]
    assert f"{first['figures']['auc']:.3f}" in shown.stdout
    assert len(predictions.stdout.splitlines()) == 1 + 2 * first["users"]["members"]
    assert len(json.loads(listed.stdout)["attacks"]) == 2


def test_ctrl_c_in_the_middle_of_an_attack_leaves_nothing(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        _command("demo", "--dataset", DATASET),
        env=_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with demo:
        assert demo.stderr is not None
        for line in demo.stderr:
            if "attack:" in line:
                break
        assert len(_processes_of(tmp_path)) >= 3

        demo.send_signal(signal.SIGINT)
        said = demo.stderr.read()

    assert demo.returncode == 130
    assert said.splitlines()[-1] == "error: interrupted by SIGINT; both services were stopped"
    assert "Traceback" not in said
    assert _processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
