"""Experiments over the API: the same figures as from the command line, whatever happens meanwhile."""

import csv
import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.attacker.experiment_service import MOST_CELLS
from services.attacker.experiments.session import find_grids
from shared.artifacts import ArtifactStore
from shared.client.events import parse_events
from shared.contract.experiments import Experiment, ExperimentEvent, ExperimentList, Matrices
from tests.attacker.experiments.session_worlds import FailingEngine, run_whole, tiny_grid
from tests.attacker.service.running import Running, WatchedEngine, running

ALL = "/v1/experiments"
OWN = {"grid": tiny_grid().model_dump(mode="json")}


@pytest.fixture(scope="module")
def attacker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("attacker")) as service:
        yield service


@pytest.fixture(scope="module")
def smoke(attacker: Running) -> str:
    """The experiment of this name, done."""
    return submit(attacker, {"grid": "smoke"})


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The results of the small grid, when nothing happens."""
    return run_whole(tmp_path_factory.mktemp("undisturbed")).decode()


def submit(attacker: Running, spec: dict[str, Any]) -> str:
    """Submit an experiment and wait for its end."""
    answer = attacker.ask("POST", ALL, json=spec)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"{ALL}/{answer.json()['id']}"
    wait(attacker, answer.json()["id"])
    return str(answer.json()["id"])


def wait(attacker: Running, experiment: str) -> list[ExperimentEvent]:
    stream = attacker.get(f"{ALL}/{experiment}/events")
    assert stream.status_code == 200, stream.text
    return list(parse_events(ExperimentEvent, stream.text.splitlines()))


def read(attacker: Running, experiment: str) -> Experiment:
    return Experiment.model_validate(attacker.get(f"{ALL}/{experiment}").json())


def resume(attacker: Running, experiment: str, query: str = "") -> Experiment:
    answer = attacker.ask("POST", f"{ALL}/{experiment}/resume{query}")
    assert answer.status_code == 202, answer.text
    wait(attacker, experiment)
    return read(attacker, experiment)


def test_an_experiment_has_the_figures_of_the_command_line(
    attacker: Running, smoke: str, tmp_path: Path
) -> None:
    answer = attacker.get(f"{ALL}/{smoke}/results")

    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.content == run_whole(tmp_path, *find_grids("smoke")[1])


def test_it_says_what_it_did(attacker: Running, smoke: str) -> None:
    found = read(attacker, smoke)

    assert (found.name, found.state, found.progress.fraction, found.failures) == ("smoke", "done", 1.0, {})
    assert {kind: (one.done, one.total) for kind, one in found.jobs.items()} == {
        "recommender": (6, 6),
        "item vectors": (2, 2),
        "cell": (12, 12),
        "control": (4, 4),
        "hit rate": (6, 6),
    }
    assert all(name.startswith("interactions-") for name in found.data_hashes.values())
    assert {"recleak", "python", "numpy"} <= found.versions.keys()
    listed = ExperimentList.model_validate(attacker.get(ALL).json()).experiments
    assert found in listed


def test_events_tell_the_whole_story(attacker: Running, smoke: str) -> None:
    events = wait(attacker, smoke)

    assert [events[0].state, events[1].state, events[-1].state] == ["queued", "running", "done"]
    assert [one.id for one in events] == sorted({one.id for one in events})
    fractions = [one.progress.fraction for one in events]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    later = attacker.get(f"{ALL}/{smoke}/events", headers={"Last-Event-ID": str(events[-2].id)})
    assert [one.id for one in parse_events(ExperimentEvent, later.text.splitlines())] == [events[-1].id]


def test_the_matrix_is_shadow_by_target_for_each_setting(attacker: Running, smoke: str) -> None:
    found = Matrices.model_validate(attacker.get(f"{ALL}/{smoke}/matrix").json()).matrices

    assert [(one.preset, one.variation) for one in found] == [
        (preset, {"k": k}) for preset in ("ccs21", "difference") for k in ("10", "50")
    ]
    for one in found:
        assert len(one.shadows) == len(one.targets) == len(one.cells) == 3
        assert all(cell.shadow == cell.target and cell.n_seeds == 1 for cell in one.cells)
        assert all(cell.published is None for cell in one.cells)


def test_the_report_is_a_page(attacker: Running, smoke: str) -> None:
    answer = attacker.get(f"{ALL}/{smoke}/report")

    assert answer.headers["content-type"].startswith("text/html")
    assert "<html" in answer.text and "smoke" in answer.text.lower()


def test_a_grid_of_ones_own_is_repeated(attacker: Running) -> None:
    mine = submit(attacker, {**OWN, "seeds": 2, "first_seed": 5})

    (matrix,) = Matrices.model_validate(attacker.get(f"{ALL}/{mine}/matrix").json()).matrices
    assert matrix.variation == {} and {cell.n_seeds for cell in matrix.cells} == {2}
    rows = csv.DictReader(attacker.get(f"{ALL}/{mine}/results").text.splitlines())
    assert [row["seed"] for row in rows] == ["5"] * 3 + ["6"] * 3


def changed(**changes: Any) -> dict[str, Any]:
    return {"grid": {**OWN["grid"], **changes}}


BROKEN: dict[str, tuple[dict[str, Any], int, str]] = {
    "unknown name": ({"grid": "table-9"}, 404, "there is no experiment table-9; there are"),
    "a path": ({"grid": "../experiments/smoke.toml"}, 404, "there is no experiment"),
    "unknown field": ({"grid": "smoke", "colour": "red"}, 422, "/body/colour"),
    "no seeds": ({"grid": "smoke", "seeds": 0}, 422, "/body/seeds"),
    "missing data": ({"grid": "table-2"}, 404, "adm, lastfm-2k, ml-1m"),
    "unknown dataset": (changed(datasets=[["netflix", "netflix"]]), 404, "netflix"),
    "a file of the machine": (changed(datasets=[["/etc/passwd.csv"] * 2]), 422, "is a file"),
    "bad synthetic": (changed(datasets=[["synthetic:users=-1"] * 2]), 422, "users"),
    "k = 0": (changed(vary={"k": [0]}), 422, "/vary/k"),
    "no axis": (changed(vary={"k": []}), 422, "/vary/k"),
    "unknown x": (changed(x="depth"), 422, "x must be one of"),
    "neither": (changed(datasets=[]), 422, "a collection has `includes`"),
    "collection": (changed(kind="collection", datasets=[], includes=["smoke"]), 422, "by their name"),
    "too much": (
        {**changed(vary={"k": list(range(1, 33)), "length": list(range(1, 33))}), "seeds": 100},
        422, f"at most {MOST_CELLS}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_spec_that_is_no_good_is_a_problem_at_once(attacker: Running, name: str) -> None:
    """And nothing is stored of it."""
    spec, status, expected = BROKEN[name]
    before = attacker.get(ALL).json()

    answer = attacker.ask("POST", ALL, json=spec)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert expected in answer.json()["detail"] + json.dumps(answer.json()["errors"])
    assert attacker.get(ALL).json() == before


@pytest.mark.parametrize("path", ["", "/events", "/matrix", "/results", "/report"])
def test_an_experiment_that_does_not_exist_is_a_problem(attacker: Running, path: str) -> None:
    answer = attacker.get(f"{ALL}/nobody{path}")

    assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"
    assert "no experiment 'nobody'" in answer.json()["detail"]


def test_nothing_is_told_without_the_key(tmp_path: Path) -> None:
    with running(tmp_path, settings={"api_key": "key-of-the-attacker"}) as attacker:
        assert attacker.get(ALL).status_code == 401
        assert attacker.ask("POST", ALL, json=OWN).status_code == 401
        assert attacker.get(ALL, headers={"X-API-Key": "key-of-the-attacker"}).status_code == 200


def test_a_cancelled_experiment_goes_on_and_does_nothing_twice(tmp_path: Path, undisturbed: str) -> None:
    engine = WatchedEngine()
    with running(tmp_path, make_engine=lambda: engine) as attacker:

        def cancel_at_the_first_cell(name: str) -> None:
            if name == "run_cell":
                engine.before = lambda _: None
                (only,) = attacker.app.state.experiments.list_all().experiments
                attacker.app.state.experiments.cancel(only.id)

        engine.before = cancel_at_the_first_cell
        mine = submit(attacker, OWN)
        found = read(attacker, mine)
        assert found.state == "cancelled" and found.error is None
        assert found.jobs["recommender"].done > 0 and found.jobs["cell"].done <= 1
        assert attacker.get(f"{ALL}/{mine}/report").status_code == 409
        assert attacker.ask("POST", f"{ALL}/{mine}/cancel").status_code == 409

        assert resume(attacker, mine).state == "done"

        assert attacker.get(f"{ALL}/{mine}/results").text == undisturbed
        assert attacker.ask("POST", f"{ALL}/{mine}/resume").status_code == 409
    assert Counter(engine.ran) == {
        "store_data": 2,  # it is read again, to see that it is the same
        "make_recommender": 6,
        "make_vectors": 1,
        "run_cell": 3,
        "run_control": 1,
    }


def test_what_failed_is_told_and_tried_again(tmp_path: Path, undisturbed: str) -> None:
    engine = FailingEngine("run_control")
    with running(tmp_path, make_engine=lambda: engine) as attacker:
        mine = submit(attacker, OWN)
        found = read(attacker, mine)
        assert found.state == "failed" and found.error is not None and "1 job failed" in found.error
        assert set(found.failures.values()) == {"JobFailed: the disk is full"}
        assert found.jobs["cell"].done == 3

        engine.name = ""
        found = resume(attacker, mine, "?only_failed=true")

        assert found.state == "done" and found.failures == {} and found.error is None
        assert attacker.get(f"{ALL}/{mine}/results").text == undisturbed


def test_a_service_that_ends_interrupts_and_the_next_goes_on(tmp_path: Path, undisturbed: str) -> None:
    engine, held = WatchedEngine(), threading.Event()

    def hold_the_first_cell(name: str) -> None:
        if name == "run_cell":
            held.set()
            assert engine.closed.wait(60)

    engine.before = hold_the_first_cell
    with running(tmp_path, make_engine=lambda: engine) as attacker:
        mine = str(attacker.ask("POST", ALL, json=OWN).json()["id"])
        waiting = str(attacker.ask("POST", ALL, json=OWN).json()["id"])
        assert held.wait(60)
        assert attacker.ask("DELETE", f"{ALL}/{mine}").status_code == 409
        assert Matrices.model_validate(attacker.get(f"{ALL}/{mine}/matrix").json()).matrices == ()

    with running(tmp_path) as attacker:
        assert {read(attacker, one).state for one in (mine, waiting)} == {"interrupted"}
        assert "resume goes on" in str(read(attacker, mine).error)
        for one in (mine, waiting):
            assert resume(attacker, one).state == "done"
            assert attacker.get(f"{ALL}/{one}/results").text == undisturbed


def test_a_deleted_experiment_leaves_what_others_use(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "experiments" / "artifacts")
    with running(tmp_path) as attacker:
        first = submit(attacker, OWN)
        names = set(store.names())
        second = submit(attacker, {"grid": {**OWN["grid"], "vary": {"k": [10, 100]}}})
        assert names < set(store.names())

        assert attacker.ask("DELETE", f"{ALL}/{second}").status_code == 204
        assert set(store.names()) == names
        assert read(attacker, first).state == "done"
        assert attacker.ask("DELETE", f"{ALL}/{first}").status_code == 204

        assert {name.split("-")[0] for name in store.names()} == {"interactions"}
        assert attacker.get(f"{ALL}/{first}").status_code == 404
        assert [path.name for path in (tmp_path / "experiments").iterdir()] == ["artifacts"]
