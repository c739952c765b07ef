"""Our side of each benchmark runs on toys, and what it finds is right; how fast, no test says."""

import json
from pathlib import Path

import pytest
from bench_worlds import settings

from lab.bench import contender, everything
from lab.bench.attack_works import attack_works
from lab.bench.folding_works import folding_works
from lab.bench.growth_points import measure as measure_point
from lab.bench.matrices import Inputs
from lab.bench.runs import measure
from lab.bench.shadow_works import shadow_works
from lab.bench.training_works import item_works, lfm_works
from shared.datasets.registry import load


def _last(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    said: dict[str, object] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return said


def test_our_side_runs_and_peers_are_left_out_where_not_wanted(tmp_path: Path) -> None:
    work = next(iter(item_works(settings(tmp_path))))

    found = measure(work, rounds=1, report=lambda _fraction, _note: None)

    assert list(found.outcomes) == ["ours"]
    assert found.outcomes["ours"][0].units == 600
    assert "--no-peers" in found.failures["implicit, 2 threads"]


def test_inputs_hold_out_one_item_of_each_user(tmp_path: Path) -> None:
    work = next(iter(lfm_works(settings(tmp_path))))
    whole, _ = load(settings(tmp_path).source("ml-1m"), data_dir=None)

    with work.open():
        inputs = Inputs.load(next(tmp_path.glob("*.npz")))

    assert len(inputs.users) == whole.n_users
    assert inputs.histories.nnz == whole.n_interactions - whole.n_users
    assert not inputs.histories[inputs.users, inputs.items].any()


@pytest.mark.parametrize("what", ["lfm", "ncf"])
def test_training_gives_a_hit_rate(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with next(iter(lfm_works(settings(tmp_path)))).open():
        inputs = next(tmp_path.glob("*.npz"))
    options = {"factors": 8, "epochs": 2, "seed": 0, "threads": 1}

    contender.main([what, json.dumps(options), str(inputs)])

    said = _last(capsys)
    n_pairs = Inputs.load(inputs).histories.nnz
    assert said["units"] == n_pairs * 2 * {"lfm": 2, "ncf": 5}[what]
    assert 0 < said["figures"]["HR@100"] < 1  # type: ignore[index]


def test_lists_from_histories_are_timed(tmp_path: Path) -> None:
    for work in folding_works(settings(tmp_path)):
        (found,) = measure(work, rounds=1, report=lambda _fraction, _note: None).outcomes["ours"]

        assert found.units == 20
        assert 0 < found.figures["p50 ms"] <= found.figures["p99 ms"]


def test_shadows_are_the_same_on_threads_and_in_processes(tmp_path: Path) -> None:
    work = next(iter(shadow_works(settings(tmp_path))))

    found = measure(work, rounds=1, report=lambda _fraction, _note: None)

    assert found.failures == {}
    threads, processes = (found.outcomes[name][0] for name in ("threads", "processes"))
    assert threads.units == processes.units == 2
    assert threads.figures["checksum"] == processes.figures["checksum"]


@pytest.mark.parametrize("part", ["floor", "item", "serving", "attack"])
def test_a_point_of_growth_is_measured(part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {
        "inputs": str(tmp_path / "world.npz"),
        "users": 40,
        "items": 600,
        "interactions": 640,
        "seed": 0,
    }

    measure_point({**options, "part": "world"})
    measure_point({**options, "part": part})

    figures = _last(capsys)["figures"]
    assert isinstance(figures, dict)
    assert all(value >= 0 for value in figures.values())


def test_ours_and_the_plain_attack_find_the_same(tmp_path: Path) -> None:
    """One world, one answer: else two different works would be compared."""
    toys = settings(tmp_path)
    toys = type(toys)(**{**vars(toys), "venvs": type(toys.venvs)(tmp_path, is_allowed=True)})

    found = [
        measure(work, rounds=1, report=lambda _fraction, _note: None)
        for work in attack_works(toys)
        if work.key != "attack-intervals"
    ]

    for measured in found:
        ours, peer = (outcomes[0] for outcomes in measured.outcomes.values())
        assert ours.figures == pytest.approx(peer.figures, rel=1e-4)


def test_a_run_leaves_a_report_and_nothing_else(tmp_path: Path) -> None:
    said: list[str] = []

    report = everything.run(
        ["attack"],
        settings(tmp_path),
        command="recleak bench attack",
        show=lambda step, _fraction, _note: said.append(step),
        finish=lambda step, _note: said.append(step),
    )

    assert [one.work.key for one in report.measured] == list(dict.fromkeys(said))
    assert list(tmp_path.iterdir()) == []
