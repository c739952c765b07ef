"""A run can end anywhere and goes on from there; what it may not go on with, it says."""

import json
from pathlib import Path

import pytest

from services.attacker.experiments import results
from services.attacker.experiments.failures import read_failures
from services.attacker.experiments.grids import grid_folder, load_grids, select
from services.attacker.experiments.run_lock import working_on
from services.attacker.experiments.runs import plan_run
from services.attacker.experiments.session import (
    begin,
    check_data,
    figures_so_far,
    find_grids,
    resume,
    standing,
    write_again,
)
from services.attacker.experiments.tally import Count, total
from shared.artifacts import ArtifactStore
from shared.datasets.registry import load
from shared.errors import BadInput, Conflict, JobStopped, NotFound
from tests.attacker.experiments.session_worlds import (
    DATASET,
    FailingEngine,
    Remembering,
    never,
    run_whole,
    shop_of,
    spec_of,
    tiny_grid,
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The results of a run that nothing happened to."""
    return run_whole(tmp_path_factory.mktemp("undisturbed"))


def test_a_run_that_is_stopped_after_every_job_makes_each_once(tmp_path: Path, undisturbed: bytes) -> None:
    artifacts, folder = tmp_path / "artifacts", tmp_path / "run"
    follower, made = Remembering(), []
    with pytest.raises(JobStopped):
        begin(
            spec_of(artifacts), folder, shop_of(artifacts), follower=follower,
            should_stop=lambda: len(follower.made) == 1,
        )  # fmt: skip
    made += follower.made
    for _ in range(len(follower.jobs) - 2):
        follower = Remembering()
        with pytest.raises(JobStopped):
            resume(
                folder, shop_of(artifacts), follower=follower,
                should_stop=lambda now=follower: len(now.made) == 1,
            )  # fmt: skip
        made += follower.made
        assert (folder / "results.csv").exists()
    ended = resume(folder, shop_of(artifacts), follower=follower, should_stop=never)
    made += follower.made[1:]

    assert sorted(made) == sorted(job.name for job in ended.plan.jobs)
    assert (folder / "results.csv").read_bytes() == undisturbed


def test_two_runs_share_what_is_made(tmp_path: Path) -> None:
    run_whole(tmp_path)
    follower = Remembering()

    begin(
        spec_of(tmp_path / "artifacts"), tmp_path / "again", shop_of(tmp_path / "artifacts"),
        follower=follower, should_stop=never,
    )  # fmt: skip

    assert follower.begun == []
    results = [(tmp_path / name / "results.csv").read_bytes() for name in ("run", "again")]
    assert results[0] == results[1]


def test_what_failed_is_told_and_tried_again_alone(tmp_path: Path, undisturbed: bytes) -> None:
    """The rest is done meanwhile; a run that was not begun to its end stays so."""
    artifacts, folder = tmp_path / "artifacts", tmp_path / "run"
    ended = begin(
        spec_of(artifacts), folder, shop_of(artifacts, FailingEngine("run_control")),
        follower=Remembering(), should_stop=never,
    )  # fmt: skip
    assert set(ended.failures.values()) == {"JobFailed: the disk is full"}
    assert len(ended.failures) == 1 and all(label.startswith("control of") for label in ended.failures)
    assert standing(folder).counts["cell"] == Count(3, 3)
    assert len(figures_so_far(folder)) == 0

    lost = next(job for job in ended.plan.jobs if job.kind == "cell")
    ArtifactStore(artifacts).delete(lost.name)
    follower = Remembering()
    ended = resume(folder, shop_of(artifacts), follower=follower, should_stop=never, only_failed=True)

    assert len(follower.begun) == 1 and lost.name not in follower.begun
    assert ended.failures == {} and read_failures(folder) == {}
    resume(folder, shop_of(artifacts), follower=follower, should_stop=never)
    assert (folder / "results.csv").read_bytes() == undisturbed


def test_a_failure_takes_with_it_what_needs_it(tmp_path: Path) -> None:
    ended = begin(
        spec_of(tmp_path), tmp_path / "run", shop_of(tmp_path, FailingEngine("make_vectors")),
        follower=Remembering(), should_stop=never,
    )  # fmt: skip

    assert {label.split()[0] for label in ended.failures} >= {"item", "control"}
    assert standing(tmp_path / "run").counts == {
        "recommender": Count(6, 6),
        "item vectors": Count(0, 1),
        "cell": Count(0, 3),
        "control": Count(0, 1),
    }


def test_missing_data_is_one_error_before_anything_begins(tmp_path: Path) -> None:
    grids = select(load_grids(grid_folder()), "paper")

    with pytest.raises(NotFound) as caught:
        begin(
            spec_of(tmp_path / "artifacts", *grids), tmp_path / "run", shop_of(tmp_path / "artifacts"),
            follower=Remembering(), should_stop=never,
        )  # fmt: skip

    assert "adm, lastfm-2k, ml-1m" in str(caught.value)
    assert "recleak data fetch adm; recleak data fetch lastfm-2k" in str(caught.value)
    assert not (tmp_path / "run").exists() and not (tmp_path / "artifacts").exists()


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("netflix", NotFound, "netflix"),
        ("missing.csv", NotFound, "missing.csv is"),
        ("synthetic:users=-1", BadInput, "users"),
    ],
)
def test_data_that_can_never_be_had_is_refused(name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_data({name}, None)


def test_other_data_under_the_same_name_is_refused(tmp_path: Path) -> None:
    file, artifacts = tmp_path / "own.csv", tmp_path / "artifacts"
    write_csv(file, "synthetic:users=80,items=160,history=80,seed=2")
    spec = spec_of(artifacts, tiny_grid(str(file)))
    with pytest.raises(JobStopped):
        begin(spec, tmp_path / "run", shop_of(artifacts), follower=Remembering(), should_stop=lambda: True)
    write_csv(file, "synthetic:users=80,items=160,history=80,seed=3")
    before = (tmp_path / "run" / "spec.json").read_bytes()

    with pytest.raises(Conflict, match=r"own\.csv is not what it was when this run began"):
        resume(tmp_path / "run", shop_of(artifacts), follower=Remembering(), should_stop=never)

    assert (tmp_path / "run" / "spec.json").read_bytes() == before


def test_a_run_of_another_program_or_with_other_packages_says_so(tmp_path: Path) -> None:
    run_whole(tmp_path)
    path = tmp_path / "run" / "spec.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps(about | {"code": "old", "versions": about["versions"] | {"numpy": "1.0"}}))
    follower = Remembering()
    assert not standing(tmp_path / "run").is_current

    resume(tmp_path / "run", shop_of(tmp_path / "artifacts"), follower=follower, should_stop=never)

    assert "the program has changed" in follower.notes[0]
    assert follower.notes[1].startswith("numpy was 1.0")
    assert standing(tmp_path / "run").is_current


def test_one_process_at_a_time_works_on_a_run(tmp_path: Path) -> None:
    run_whole(tmp_path)
    with working_on(tmp_path / "run"):
        assert standing(tmp_path / "run").is_running
        with pytest.raises(Conflict, match="another process works on"):
            resume(
                tmp_path / "run", shop_of(tmp_path / "artifacts"), follower=Remembering(), should_stop=never
            )

    assert not standing(tmp_path / "run").is_running


def test_a_folder_holds_one_run(tmp_path: Path) -> None:
    run_whole(tmp_path)

    with pytest.raises(Conflict, match="holds a run already"):
        run_whole(tmp_path)
    with pytest.raises(BadInput, match="holds no run"):
        standing(tmp_path)


def test_a_run_goes_on_with_the_grids_that_it_began_with(tmp_path: Path) -> None:
    """Whatever happens to the file that they came from."""
    file = tmp_path / "mine.toml"
    file.write_text(f'title = "T"\nabout = "A"\nalgorithms = "same"\ndatasets = [["{DATASET}", "{DATASET}"]]')
    name, grids = find_grids(str(file))
    spec = spec_of(tmp_path / "artifacts", *grids)
    with pytest.raises(JobStopped):
        begin(
            spec, tmp_path / "run", shop_of(tmp_path / "artifacts"), follower=Remembering(),
            should_stop=lambda: True,
        )  # fmt: skip
    file.unlink()

    assert name == "mine" and total(standing(tmp_path / "run").counts) == Count(0, 11)


def test_results_are_written_again(tmp_path: Path, undisturbed: bytes) -> None:
    run_whole(tmp_path)
    (tmp_path / "run" / "results.csv").unlink()

    write_again(tmp_path / "run")

    assert (tmp_path / "run" / "results.csv").read_bytes() == undisturbed


def test_runs_that_vary_something_else_are_compared_where_they_meet(tmp_path: Path) -> None:
    """A column that one run never fills has numbers in the other."""
    run_whole(tmp_path / "plain")
    run_whole(tmp_path / "varied", tiny_grid(vary={"pool": [0, 120], "n_shadow_users": [0, 40]}))
    plain, varied = (results.read(tmp_path / name / "run")[0] for name in ("plain", "varied"))

    for old, new in ((plain, varied), (varied, plain)):
        both = results.compare(old, new)
        assert len(both) == len(plain) == 3 and (both.auc_change == 0).all()
    assert len(results.compare(varied, varied)) == len(varied) == 12
    with pytest.raises(BadInput, match="no cell that is done"):
        results.compare(plain, plain.iloc[:0])


def test_a_reader_can_tell_all_jobs_of_the_paper_apart(tmp_path: Path) -> None:
    """Failures are kept by label."""
    grids = select(load_grids(grid_folder()), "paper")
    data = {name: f"interactions-{name}" for grid in grids for name in grid.dataset_names}

    jobs = plan_run(grids, (0, 1), store=ArtifactStore(tmp_path), data=data).jobs

    assert len({job.label for job in jobs}) == len(jobs) > 1000


def test_cells_are_counted_without_being_written_out() -> None:
    grids = [grid for grid in load_grids(grid_folder()).values() if grid.kind == "attack"]

    assert [grid.n_cells for grid in grids] == [len(grid.cells((0,))) for grid in grids]


def write_csv(path: Path, dataset: str) -> None:
    interactions, _ = load(dataset, data_dir=None)
    histories = interactions.histories.tocoo()
    lines = [f"u{user},i{item}" for user, item in zip(histories.row, histories.col, strict=True)]
    path.write_text("\n".join(["user,item", *lines]))
