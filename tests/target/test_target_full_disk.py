"""A full disk costs a deployment or a request, never the service."""

import errno
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, event

from shared.artifacts import ArtifactStore, write_array
from tests.target.running import ADMIN, SPEC, HeldEngine, Running, running


class Disk:
    """Takes arrays as long as there is room."""

    def __init__(self) -> None:
        self.is_full = False

    def write(self, file: IO[bytes], array: NDArray[Any]) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        write_array(file, array)


def fill_database(target: Running) -> Engine:
    """Let no page be added to the database file, as if its disk were full."""
    engine: Engine = target.app.state.service._database.engine

    @event.listens_for(engine, "begin")
    def _(connection: Any) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    return engine


def test_a_deployment_that_finds_no_room_fails_and_says_so(tmp_path: Path) -> None:
    disk = Disk()
    store = ArtifactStore(tmp_path / "artifacts", writer=disk.write)
    with running(tmp_path, artifacts=store) as target:
        first = target.deploy()
        before = target.list_of("u001")
        disk.is_full = True
        second = target.deploy()

        assert (first["state"], second["state"]) == ("done", "failed")
        assert "free some space" in second["error"] and not second["is_active"]
        assert store.names() == [store.names()[0]] and target.list_of("u001") == before
        assert not (tmp_path / "models" / second["id"]).exists()

        disk.is_full = False
        assert target.deploy()["state"] == "done"


def test_a_request_that_finds_no_room_is_a_507(tmp_path: Path) -> None:
    """The lists are in memory: they go on."""
    with running(tmp_path) as target:
        target.deploy()
        fill_database(target)
        spec = {**SPEC, "dataset": "synthetic:users=50,seed=" + "0" * 4_000}
        answer = target.ask("POST", "/admin/deployments", key=ADMIN, json=spec)

        assert answer.status_code == 507, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert "free some space" in answer.json()["detail"]
        assert len(target.list_of("u001")) == 20


def test_a_training_whose_rows_find_no_room_changes_nothing_else(tmp_path: Path) -> None:
    engine = HeldEngine()
    with running(tmp_path, make_engine=lambda: engine) as target:
        target.deploy()
        engine.run_next()
        before = target.list_of("u001")
        second = target.deploy()
        fill_database(target)
        engine.run_next()
        found = target.admin("GET", f"/{second['id']}").json()

        assert "free some space" in (found["error"] or found["progress"]["note"])
        assert target.list_of("u001") == before
        assert target.get(f"/v1/d/{second['id']}/popular").status_code == 404
        active = [one["is_active"] for one in target.admin("GET", "").json()["deployments"]]
        assert active == [False, True]


def test_a_list_array_has_the_promised_types(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    with running(tmp_path, artifacts=store) as target:
        target.deploy()
        arrays = store.get(store.names()[0]).arrays

        assert {name: arrays[name].dtype for name in ("items", "lengths", "popular", "indices")} == {
            name: np.dtype(np.int32) for name in ("items", "lengths", "popular", "indices")
        }
        assert arrays["items"].shape == (len(target.users()) + 1, 20)
