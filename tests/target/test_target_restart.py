"""A service that starts again serves what it served, and says what it lost."""

import shutil
from pathlib import Path

import pytest

from tests.target.running import SPEC, HeldEngine, Running, running


def answers(target: Running, users: list[str], base: str) -> list[bytes]:
    body = {"user_ids": [*users, "never seen"], "k": 20}
    paths = ["users?limit=100", "items", "popular", f"users/{users[0]}/history"]
    batch = target.ask("POST", f"{base}/recommendations:batch", json=body).content
    return [batch, *(target.get(f"{base}/{path}").content for path in paths)]


@pytest.mark.parametrize("cold_start", ["popular", "popular_unseen", "empty", "not_found"])
def test_the_same_folder_gives_the_same_answers(tmp_path: Path, cold_start: str) -> None:
    with running(tmp_path) as target:
        first = target.deploy(cold_start=cold_start)["id"]
        target.deploy(activate=False)
        users = target.users()
        before = answers(target, users, "/v1"), target.members(), target.admin("GET", "").json()
    with running(tmp_path) as target:
        after = answers(target, users, "/v1"), target.members(), target.admin("GET", "").json()

        assert before == after
        assert answers(target, users, f"/v1/d/{first}") == before[0]


@pytest.mark.parametrize("is_killed", [True, False])
@pytest.mark.parametrize("has_begun", [True, False])
def test_an_interrupted_training_is_reported_and_can_be_taken_up(
    tmp_path: Path, is_killed: bool, has_begun: bool
) -> None:
    engine = HeldEngine(is_killed=is_killed)
    with running(tmp_path, make_engine=lambda: engine) as target:
        made = target.deploy()["id"]
        if has_begun:
            engine.report(0.5, "half way")
    with running(tmp_path) as target:
        found = target.admin("GET", f"/{made}").json()
        again = target.admin("POST", f"/{made}/retrain").json()

        assert found["state"] == "interrupted" and found["finished_at"] and found["error"]
        assert target.admin("GET", f"/{again['id']}").json()["state"] == "done"
        assert len(target.list_of("u001")) == 20


def test_a_hit_rate_that_was_not_measured_is_measured_after_the_restart(tmp_path: Path) -> None:
    engine = HeldEngine()
    with running(tmp_path, make_engine=lambda: engine, settings={"measure_quality": True}) as target:
        made = target.deploy()["id"]
        engine.run_next()
    with running(tmp_path, settings={"measure_quality": True}) as target:
        assert target.admin("GET", f"/{made}").json()["hr_at_k"] is not None


def test_a_deployment_whose_files_are_lost_is_reported(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        made = target.deploy()["id"]
    shutil.rmtree(tmp_path / "artifacts")
    with running(tmp_path) as target:
        found = target.admin("GET", f"/{made}").json()

        assert (found["state"], found["is_active"]) == ("failed", False) and "retrain" in found["error"]
        assert target.get("/health/ready").status_code == 503
        assert target.admin("DELETE", f"/{made}").status_code == 204


def test_an_order_that_was_interrupted_is_begun_again(tmp_path: Path) -> None:
    with running(tmp_path, make_engine=lambda: HeldEngine(is_killed=True), settings={"deploy": SPEC}):
        pass
    with running(tmp_path, settings={"deploy": SPEC}) as target:
        states = [one["state"] for one in target.admin("GET", "").json()["deployments"]]

        assert states == ["done", "interrupted"]
