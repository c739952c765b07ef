"""The same figures wherever a run works, and whatever is killed meanwhile."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from services.attacker.experiments.scheduling import Job
from services.attacker.experiments.session import (
    begin,
    find_grids,
    open_workshop,
    resume,
    standing,
)
from services.attacker.experiments.tally import total
from shared.artifacts import ArtifactStore
from shared.client.waiting import Clock, wait_for
from tests.attacker.experiments.session_worlds import (
    DATASET,
    Remembering,
    never,
    run_whole,
    shop_of,
    spec_of,
)
from tests.shared.infrastructure.engine_worlds import ROOT, is_gone, local_cluster

RESULTS = ("results.csv", "hit_rates.csv")
GRID = f"""
title = "Two lengths of lists"
about = "Long enough to be killed in the middle."
datasets = [["{DATASET}", "{DATASET}"]]
algorithms = "same"
[vary]
k = [10, 20, 30, 40, 50, 60]
"""


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The figures of the experiment `smoke`, made in this process."""
    folder = tmp_path_factory.mktemp("smoke")
    run_whole(folder, *find_grids("smoke")[1])
    return [(folder / "run" / name).read_bytes() for name in RESULTS]


@pytest.mark.parametrize("engine", ["process", "threads", "tcp"])
def test_figures_are_the_same_on_every_engine(engine: str, tmp_path: Path, smoke: list[bytes]) -> None:
    """Byte by byte, with nothing to take over from another run."""
    artifacts = tmp_path / "artifacts"
    follower = Remembering()
    with ExitStack() as stack:
        address = stack.enter_context(local_cluster()) if engine == "tcp" else engine
        shop = stack.enter_context(open_workshop(artifacts, address, n_workers=2))
        ended = begin(
            spec_of(artifacts, *find_grids("smoke")[1]), tmp_path / "run", shop,
            follower=follower, should_stop=never,
        )  # fmt: skip

    assert shop.n_slots == 2 and ended.failures == {}
    assert sorted(follower.made) == sorted(job.name for job in follower.jobs)
    assert [(tmp_path / "run" / name).read_bytes() for name in RESULTS] == smoke


def test_a_worker_that_is_killed_costs_a_second_try_of_what_it_did(tmp_path: Path) -> None:
    undisturbed = run_whole(tmp_path / "undisturbed")
    killed: list[int] = []

    def kill_once(job: Job) -> None:
        if job.kind == "cell" and not killed:
            killed.extend(child.pid for child in multiprocessing.active_children()[:1] if child.pid)
            os.kill(killed[0], signal.SIGKILL)

    follower = Remembering(kill_once)
    artifacts = tmp_path / "artifacts"
    with open_workshop(artifacts, "process", n_workers=2) as shop:
        ended = begin(spec_of(artifacts), tmp_path / "run", shop, follower=follower, should_stop=never)

    assert ended.failures == {} and len(killed) == 1
    assert set(Counter(follower.made).values()) == {1} and len(follower.made) == 11
    assert len(follower.begun) <= 11 + 2  # those that its pool had
    assert (tmp_path / "run" / "results.csv").read_bytes() == undisturbed


def test_a_run_whose_process_is_killed_makes_nothing_twice(tmp_path: Path) -> None:
    """And its workers are gone with it."""
    file = tmp_path / "grid.toml"
    file.write_text(GRID)
    store, folder = ArtifactStore(tmp_path / "artifacts"), tmp_path / "run"
    undisturbed = run_whole(tmp_path / "undisturbed", *find_grids(str(file))[1])
    command = ["experiment", "run", str(file), "--out", str(folder), "--artifacts", str(store.root)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "lab", *command, "--workers", "2"], cwd=ROOT, stdout=log, stderr=log
        )
        try:
            wait_for(
                lambda: len(store.names()) >= 8 or process.poll() is not None or None,
                what="the run", timeout_s=120, every_s=0.02, clock=Clock(),
            )  # fmt: skip
            workers = children_of(process.pid)
        finally:
            process.kill()
            assert process.wait() == -signal.SIGKILL
    assert workers and all(map(is_gone, workers))
    there = set(store.names())
    whole = total(standing(folder).counts)
    assert 0 < whole.done < whole.total and not standing(folder).is_running

    follower = Remembering()
    resume(folder, shop_of(store.root), follower=follower, should_stop=never)

    assert not there & set(follower.begun)
    assert {job.name for job in follower.jobs} == {*follower.made} | (there & {j.name for j in follower.jobs})
    assert set(Counter(follower.made).values()) == {1}
    assert (folder / "results.csv").read_bytes() == undisturbed


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
