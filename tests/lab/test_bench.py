"""The harness of the benchmarks works; how fast anything is, no test says."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench_worlds import QUIET, constant, failing, report, settings, told, work
from lab_worlds import run as recleak

from lab.bench import everything, roofline
from lab.bench.clock import Clock
from lab.bench.family import FamilyMemory, family_bytes
from lab.bench.machine import Usage, describe
from lab.bench.matrices import Inputs, hit_rate, negatives
from lab.bench.report import is_quiet, rows_of, to_markdown, to_plain
from lab.bench.runs import Goal, Outcome, measure, run_process
from lab.choices import BenchName
from shared.errors import JobFailed
from shared.interactions import binary_matrix

NONE = np.zeros(0, dtype=np.int64)


def _said(_fraction: float, _note: str) -> None:
    return None


def _toy(*pairs: tuple[int, int]) -> Inputs:
    users, items = np.array(pairs).T
    return Inputs(binary_matrix(users, items, (3, 4)), NONE, NONE)


def test_contenders_run_in_turn() -> None:
    turns: list[str] = []
    contenders = [constant(name, 1.0, 1.0, is_ours=name == "ours") for name in ("ours", "peer")]

    measure(work(contenders), rounds=2, report=lambda _, note: turns.append(note.split(",")[0]))

    assert turns == ["ours", "peer", "ours", "peer"]


def test_who_fails_is_left_out_and_said_so() -> None:
    found = measure(
        work([constant("ours", 1, 2, is_ours=True), failing("peer", "no wheel")]), rounds=2, report=_said
    )

    assert [one.rate for one in found.outcomes["ours"]] == [1, 2]
    assert found.failures == {"peer": "no wheel"}
    assert "not measured, peer: no wheel" in to_markdown(report(found))


def test_rows_have_medians_spread_and_ratio() -> None:
    contenders = [constant("ours", 30, 10, 20, is_ours=True), constant("peer", 5, 4, 6)]

    ours, peer = rows_of(measure(work(contenders), rounds=3, report=_said))

    assert (ours.low, ours.rate, ours.high, ours.ratio) == (10, 20, 30, None)
    assert (peer.low, peer.rate, peer.high, peer.ratio) == (4, 5, 6, 4.0)


def test_the_memory_of_a_family_has_that_of_the_children() -> None:
    size = 64 * 2**20
    command = [sys.executable, "-c", f"held = bytearray(b'x') * {size}; print(1); input()"]
    memory = FamilyMemory()

    with (
        memory.watched(),
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child,
    ):
        assert child.stdout is not None
        child.stdout.readline()
        held = family_bytes(os.getpid())
        child.communicate(b"\n")

    assert held - memory.before_bytes > 0.9 * size


@pytest.mark.parametrize(("least", "verdict"), [(4.0, "reached (4)"), (4.1, "missed (4)")])
def test_a_goal_is_judged_by_the_ratio(least: float, verdict: str) -> None:
    contenders = [constant("ours", 20, is_ours=True), constant("peer", 5)]

    found = measure(work(contenders, Goal("rate", "peer", least=least)), rounds=1, report=_said)

    assert f"goal: rate at least {least:g} times that of peer: {verdict}" in to_markdown(report(found))


def test_a_goal_without_its_peer_is_not_judged() -> None:
    contenders = [constant("ours", 20, is_ours=True), failing("peer", "gone")]

    found = measure(work(contenders, Goal("rate", "peer", least=1)), rounds=1, report=_said)

    assert "goal" not in to_markdown(report(found))


def test_a_busy_machine_is_named() -> None:
    found = measure(work([constant("ours", 1, is_ours=True)]), rounds=1, report=_said)
    disturbed = replace(found, outcomes={"ours": [Outcome(1.0, 1.0, others_share=0.5)]})

    assert is_quiet(report(found))
    assert not is_quiet(report(found, machine=replace(QUIET, load=3.0)))
    assert "others had up to 50% of the machine" in to_markdown(report(disturbed))
    assert "do not count" in to_markdown(report(disturbed))


def test_our_work_is_seen_against_what_a_core_can_do() -> None:
    found = measure(work([constant("ours", 1, is_ours=True)]), rounds=1, report=_said)
    counted = replace(found, outcomes={"ours": [Outcome(2.0, 1.0, flops=5e10, moved_bytes=1e10)]})

    text = to_markdown(report(counted))

    assert "ours: 25 GFLOP/s of the flops that the work needs at least, 25% of one core's most" in text
    assert "ours: 5 GB/s of the bytes that the work needs at least, 50% of one core's most" in text
    assert "at least, " not in to_markdown(report(found))


def test_the_roof_of_a_machine_is_more_than_python_reaches() -> None:
    roof = roofline.measure()

    assert roof.flops > 1e8
    assert roof.bytes > 1e8


def test_the_report_is_json() -> None:
    found = measure(work([constant("ours", 1, is_ours=True)]), rounds=1, report=_said)

    read = json.loads(json.dumps(to_plain(report(found))))

    assert read["works"][0]["rows"][0]["rate"] == 1
    assert read["machine"]["n_cores"] == QUIET.n_cores


def test_a_process_tells_by_its_last_line() -> None:
    outcome = run_process(told(figures={"HR": 0.5}), cores=(), n_threads=1, timeout_s=60)

    assert (outcome.rate, outcome.figures) == (10.0, {"HR": 0.5})


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import sys; sys.exit('out of luck')", "failed: out of luck"),
        ("print('hello')", "said nothing of use: hello"),
        ("", "said nothing of use"),
    ],
)
def test_a_process_that_gives_nothing_says_why(code: str, why: str) -> None:
    with pytest.raises(JobFailed, match=why):
        run_process([sys.executable, "-c", code], cores=(), n_threads=1, timeout_s=60)


def test_a_process_that_takes_too_long_is_ended() -> None:
    command = [sys.executable, "-c", "import threading; threading.Event().wait()"]

    with pytest.raises(JobFailed, match="longer than"):
        run_process(command, cores=(), n_threads=1, timeout_s=0.5)


def test_a_clock_adds_parts_up_and_sees_memory(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    for _ in range(2):
        with clock.part("work"):
            np.ones(4_000_000)

    clock.tell(units=3, figures={"x": 1.0}, packages=("numpy",))

    said = json.loads(capsys.readouterr().out.strip())
    assert said["seconds"] == said["parts"]["work"] > 0
    assert said["peak_bytes"] >= said["before_bytes"] > 0
    assert said["versions"] == {"numpy": np.__version__}


def test_what_others_take_is_what_we_did_not() -> None:
    before, now = Usage(everybody=10.0, ours=2.0), Usage(everybody=14.0, ours=3.0)

    share = now.others_share(before, wall_s=6.0)

    assert share == pytest.approx(3.0 / (6.0 * describe().n_cores))


def test_inputs_survive_a_file(tmp_path: Path) -> None:
    inputs = Inputs(_toy((0, 1), (2, 3)).histories, np.array([0]), np.array([2]))

    inputs.save(tmp_path / "inputs.npz")
    read = Inputs.load(tmp_path / "inputs.npz")

    assert (read.histories != inputs.histories).nnz == 0
    assert [column.tolist() for column in read.pairs()] == [[0, 2], [1, 3]]
    assert (read.users.tolist(), read.items.tolist()) == ([0], [2])


def test_a_hit_is_a_held_out_item_among_the_best_outside_the_history() -> None:
    inputs = replace(_toy((0, 0), (1, 0)), users=np.array([0, 1]), items=np.array([1, 3]))
    scores = np.array([4.0, 3.0, 2.0, 1.0])  # item 0 is everybody's history

    rates = [hit_rate(inputs, lambda rows: np.tile(scores, (len(rows), 1)), k=k) for k in (1, 3)]

    assert rates == [0.5, 1.0]


def test_negatives_are_what_a_user_lacks() -> None:
    inputs = _toy((0, 0), (0, 1), (0, 2), (1, 3))

    users, items = negatives(inputs, per_positive=5, rng=np.random.default_rng(0))

    assert users.tolist() == [0] * 15 + [1] * 5
    assert set(items[:15].tolist()) == {3}
    assert 3 not in items[15:]


def test_the_groups_on_the_command_line_are_those_there_are() -> None:
    assert {str(name) for name in BenchName} == {*everything.GROUPS, everything.GROWTH}


def test_keys_of_works_are_unique(tmp_path: Path) -> None:
    keys = [one.key for make in everything.GROUPS.values() for one in make(settings(tmp_path))]

    assert len(set(keys)) == len(keys)


def test_an_unknown_group_is_refused() -> None:
    result = recleak("bench", "nonsense")

    assert result.exit_code != 0
