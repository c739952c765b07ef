"""Experiments and cells from the command line: what is printed, written, and left behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from lab_worlds import run
from rich.console import Console

from lab.run_display import RunDisplay, duration
from services.attacker.experiments.scheduling import Job
from services.attacker.experiments.tally import Count, Tally
from shared.artifacts import ArtifactStore
from shared.client.waiting import Clock, wait_for
from shared.datasets.registry import load
from shared.errors import JobFailed
from tests.shared.infrastructure.engine_worlds import is_gone

ROOT = Path(__file__).parents[2]
DATASET = "synthetic:users=80,items=160,history=80,seed=2"
GRID = f'title = "T"\nabout = "A"\nalgorithms = "same"\ndatasets = [["{DATASET}", "{DATASET}"]]\n[vary]\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("experiments")


@pytest.fixture(scope="module")
def ran(folder: Path) -> Path:
    """A run of a grid of one's own, done."""
    done = run_grid(folder, "k = [10, 50]", "ran")
    assert done == 0
    return folder / "ran"


def run_grid(folder: Path, vary: str, name: str) -> int:
    file = folder / f"{name}.toml"
    file.write_text(GRID + vary)
    return run("experiment", "run", str(file), "--out", str(folder / name), *inline(folder)).exit_code


def inline(folder: Path) -> list[str]:
    return ["--engine", "inline", "--artifacts", str(folder / "artifacts")]


def test_experiments_are_listed_and_shown() -> None:
    listed = {one["name"]: one for one in json.loads(run("experiment", "list", "--json").stdout)}
    shown = run("experiment", "show", "table-3", "--data-dir", "/nowhere").stdout

    assert listed["table-3"]["cells"] == 27 and listed["table-3"]["datasets"] == ["adm"]
    assert all(name in run("experiment", "list").stdout for name in listed)
    assert "Table 3" in shown and "27 per seed" in shown and "adm (missing)" in shown
    assert json.loads(run("experiment", "show", "smoke", "--json").stdout)[0]["name"] == "smoke-attack"


def test_a_run_leaves_its_folder(ran: Path) -> None:
    names = {path.name for path in ran.iterdir()}

    assert {"spec.json", "results.csv", "results.parquet", "hit_rates.csv", "times.csv"} <= names
    assert "report.html" in names and json.loads((ran / "failures.json").read_text()) == {}


def test_where_a_run_stands_is_said_to_people_and_machines(ran: Path) -> None:
    shown = run("experiment", "status", str(ran)).stdout
    found = json.loads(run("experiment", "status", str(ran), "--json").stdout)

    assert found["state"] == "done" and found["jobs"]["cell"] == {"done": 6, "total": 6}
    assert "15 of 15 done" in shown


def test_two_runs_are_compared(folder: Path, ran: Path) -> None:
    """Cell by cell, with what only one of them has counted."""
    assert run_grid(folder, "k = [50]", "other") == 0

    shown = run("experiment", "compare", str(ran), str(folder / "other")).stdout
    found = json.loads(run("experiment", "compare", str(ran), str(folder / "other"), "--json").stdout)

    assert "3 cells in both, 3 with the same AUC" in shown and "only in a: 3, only in b: 0" in shown
    assert [one["auc_change"] for one in found] == [0.0] * 3


def test_finished_work_is_not_done_again(folder: Path, ran: Path) -> None:
    file = folder / "ran.toml"

    done = run("experiment", "run", str(file), "--out", str(folder / "again"), *inline(folder))

    assert "15 jobs, 15 of them done already" in done.stderr
    assert (folder / "again" / "results.csv").read_bytes() == (ran / "results.csv").read_bytes()


def test_results_and_report_are_written_anew(ran: Path) -> None:
    (ran / "report.html").unlink()

    done = run("experiment", "report", str(ran))

    assert done.exit_code == 0 and (ran / "report.html").exists()


def test_a_failed_cell_does_not_stop_the_rest(folder: Path) -> None:
    """One user has no other to be told from: the run says so at its end, and how to try again."""
    file = folder / "failing.toml"
    file.write_text(GRID + "n_shadow_users = [1, 0]")

    done = run("experiment", "run", str(file), "--out", str(folder / "failing"), *inline(folder))

    assert done.exit_code == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: 3 jobs failed, and 4 more for want of it; the first is")
    assert "n_shadow_users 1" in last and "resume" in last and "--retry-failed-only" in last
    assert "Traceback" not in done.stderr and "Traceback" in (folder / "failing" / "log.txt").read_text()
    assert len((folder / "failing" / "results.csv").read_text().splitlines()) == 1 + 3
    again = run("experiment", "resume", str(folder / "failing"), "--retry-failed-only", "--engine", "inline")
    assert again.exit_code == 1 and "11 jobs, 4 of them done already" in again.stderr


def test_a_cell_has_its_published_figure_beside_it(tmp_path: Path) -> None:
    (tmp_path / "lastfm-2k").mkdir()
    interactions, _ = load(DATASET, data_dir=None)
    pairs = interactions.histories.tocoo()
    lines = [f"u{user},i{item}" for user, item in zip(pairs.row, pairs.col, strict=True)]
    (tmp_path / "lastfm-2k" / "interactions.csv").write_text("\n".join(["user,item", *lines]))
    json_file = tmp_path / "out.json"

    done = run("cell", "LI", "--data-dir", str(tmp_path), "--json", str(json_file), *inline(tmp_path))
    varied = run("cell", "LILN", "--k", "20", "--data-dir", str(tmp_path), *inline(tmp_path))

    found = json.loads(json_file.read_text())
    line = next(line for line in done.stdout.splitlines() if "balanced accuracy" in line)
    assert line.split() == ["balanced", "accuracy", f"{found['figures']['balanced_accuracy']:.3f}", "0.939"]
    assert found["code"] == "LILI" and found["spec"]["k"] == 100
    assert found["figures"]["published"] == 0.939 and 0 <= found["figures"]["auc"] <= 1
    assert found["data"]["lastfm-2k"].startswith("interactions-") and "numpy" in found["versions"]
    assert "LILN difference, k 20" in varied.stdout and "not the paper's settings" in varied.stdout


def test_ctrl_c_keeps_everything_and_leaves_no_process(tmp_path: Path) -> None:
    """A real one, in the middle of a run; the next command goes on."""
    store, out = ArtifactStore(tmp_path / "artifacts"), tmp_path / "run"
    (tmp_path / "grid.toml").write_text(GRID + "k = [10, 20, 30, 40, 50, 60]")
    command = ["experiment", "run", str(tmp_path / "grid.toml"), "--out", str(out), "--workers", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "lab", *command, "--artifacts", str(store.root)],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stderr is not None
        wait_for(
            lambda: len(store.names()) >= 5 or process.poll() is not None or None,
            what="the run", timeout_s=120, every_s=0.02, clock=Clock(),
        )  # fmt: skip
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(process.pid, signal.SIGINT)
        said = process.stderr.read()

    assert process.returncode == 130, said
    assert "stopping at the next epoch or chunk" in said
    assert said.splitlines()[-1].endswith(f"recleak experiment resume {out}")
    assert children and all(is_gone(int(child)) for child in children)
    found = json.loads(run("experiment", "status", str(out), "--json").stdout)
    assert found["state"] == "stopped" and found["failures"] == {}
    assert run("experiment", "resume", str(out), "--engine", "inline").exit_code == 0


@pytest.fixture
def shown() -> Iterator[tuple[RunDisplay, StringIO]]:
    text = StringIO()
    console = Console(file=text, force_terminal=True, width=80, height=25, color_system=None)
    with RunDisplay(2, console) as display:
        yield display, text


def job(name: str, kind: str = "cell", weight: float = 1.0) -> Job:
    return Job(name, f"label of {name}", kind, print, (), (), weight)


def test_a_terminal_shows_kinds_what_runs_and_failures_once(shown: tuple[RunDisplay, StringIO]) -> None:
    display, text = shown
    jobs = [job("a", "recommender"), job("b"), job("c")]
    error = JobFailed("no space")
    display.planned(jobs, {"a"})
    display.began(jobs[1])
    live = Console(file=StringIO(), width=80)
    live.print(display.render())
    display.failed(jobs[1], error)
    display.failed(jobs[2], error)

    assert isinstance(live.file, StringIO)
    bars = live.file.getvalue()
    assert "recommender" in bars and "1/1" in bars and "0/2" in bars and "label of b" in bars
    assert text.getvalue().count("no space") == 1


def test_the_time_left_follows_from_finished_jobs_of_the_same_kind() -> None:
    """By weight, over all slots; what runs needs less; a kind that nobody has seen is as all others."""
    now = [0.0]
    tally = Tally(lambda: now[0])
    jobs = [job("a", weight=2), job("b", weight=4), job("c", "control", weight=3), job("d", weight=1)]
    tally.planned(jobs, set())
    assert tally.time_left_s(1) is None
    tally.began(jobs[0])
    now[0] = 10.0  # five seconds for each unit of weight
    tally.ended(jobs[0])

    assert tally.time_left_s(1) == 5 * (4 + 3 + 1) and tally.time_left_s(2) == 20
    tally.began(jobs[1])
    now[0] = 16.0
    assert tally.time_left_s(1) == 5 * (4 + 3 + 1) - 6
    now[0] = 100.0  # it takes longer than expected: nothing is known of it
    assert tally.time_left_s(1) == 5 * (3 + 1)
    tally.failed(jobs[3], JobFailed("no space"))
    assert tally.time_left_s(1) == 15 and tally.n_failed == 1
    assert tally.counts() == {"cell": Count(1, 3), "control": Count(0, 1)}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")]
)
def test_durations_are_for_readers(seconds: float, text: str) -> None:
    assert duration(seconds) == text
