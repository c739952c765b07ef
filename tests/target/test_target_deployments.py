"""Deployments come, are trained in the background, served, and go."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.contract.target import Deployment, DeploymentList
from shared.datasets.catalog import ML_1M
from shared.engine import InlineEngine, OnProgress, Task
from shared.errors import BadInput
from shared.progress import Progress
from tests.target.running import ADMIN, SPEC, HeldEngine, Running, running


def state(target: Running, deployment: str) -> dict[str, Any]:
    return dict(target.admin("GET", f"/{deployment}").json())


def test_a_deployment_is_accepted_trained_and_served(tmp_path: Path) -> None:
    engine = HeldEngine()
    with running(tmp_path, make_engine=lambda: engine) as target:
        answer = target.ask("POST", "/admin/deployments", key=ADMIN, json=SPEC)
        made = answer.json()
        before = target.get("/v1/users/a/recommendations"), target.get("/health/ready")
        engine.report(0.25, "reading")
        meanwhile = state(target, made["id"])
        engine.run_next()
        done = state(target, made["id"])

        assert answer.status_code == 202
        assert answer.headers["location"] == f"/admin/deployments/{made['id']}"
        assert (made["state"], made["size"], made["is_active"]) == ("queued", None, False)
        assert [one.status_code for one in before] == [503, 503]
        assert made["id"] in before[1].json()["detail"]
        assert (meanwhile["state"], meanwhile["progress"]) == (
            "running",
            {"fraction": 0.25, "note": "reading"},
        )
        assert (done["state"], done["is_active"], done["error"]) == ("done", True, None)
        assert done["size"]["members"] == done["size"]["non_members"] == done["size"]["users"] / 2
        assert len(target.list_of("a")) == 20 and target.get("/health/ready").status_code == 200


def test_the_hit_rate_comes_after_the_deployment_is_ready(tmp_path: Path) -> None:
    engine = HeldEngine()
    with running(tmp_path, make_engine=lambda: engine, settings={"measure_quality": True}) as target:
        made = target.deploy()
        engine.run_next()
        ready = state(target, made["id"])
        engine.report(0.5, "half way")
        meanwhile = state(target, made["id"])
        engine.run_next()
        measured = Deployment.model_validate(state(target, made["id"]))

        assert ready["state"] == meanwhile["state"] == "done" and ready["hr_at_k"] is None
        assert meanwhile["progress"]["note"] == "ready; HR@k: half way"
        assert [one["quality"] for one in (made, ready, meanwhile)] == ["pending"] * 3
        assert measured.quality == "measured"
        rate = measured.hr_at_k
        assert rate is not None and measured.size is not None
        assert (rate.k, rate.n_users) == (20, measured.size.members)
        assert rate.members_interval[0] <= rate.members <= rate.members_interval[1]


class Unmeasuring(InlineEngine):
    """Trains, and fails to measure."""

    def submit(
        self, function: Callable[..., Any], *args: object, on_progress: OnProgress = lambda *_: None
    ) -> Task[Any]:
        is_measuring = function.__name__ == "measure"
        return super().submit(_too_few if is_measuring else function, *args, on_progress=on_progress)


def _too_few(*_: object, progress: Progress) -> None:
    raise BadInput("there are too few users")


def test_a_hit_rate_that_cannot_be_measured_is_said_to_have_failed(tmp_path: Path) -> None:
    """Also after a restart, which tries nothing again."""
    settings = {"measure_quality": True}
    with running(tmp_path, make_engine=Unmeasuring, settings=settings) as target:
        made = target.deploy()["id"]
    with running(tmp_path, settings=settings) as target:
        found = state(target, made)

    assert (found["state"], found["quality"], found["hr_at_k"]) == ("done", "failed", None)
    assert "too few users" in found["progress"]["note"]


def test_a_hit_rate_is_off_until_the_service_is_told_to_measure(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        made = target.deploy()
    with running(tmp_path, settings={"measure_quality": True}) as target:
        assert (made["quality"], state(target, made["id"])["quality"]) == ("off", "measured")


def test_there_is_no_hit_rate_of_a_training_that_failed(tmp_path: Path) -> None:
    with running(tmp_path, settings={"measure_quality": True}) as target:
        made = target.deploy(split={"min_interactions": 10_000})

    assert (made["state"], made["quality"]) == ("failed", "failed")


def test_several_are_served_and_one_is_active(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        first = target.deploy(membership_seed=1)
        second = target.deploy(membership_seed=2, activate=False)
        lists = {one["id"]: target.list_of("a", base=f"/v1/d/{one['id']}") for one in (first, second)}
        before = target.list_of("a")
        activated = target.admin("POST", f"/{second['id']}/activate")
        listed = DeploymentList.model_validate(target.admin("GET", "").json()).deployments

        assert lists[first["id"]] != lists[second["id"]]
        assert before == lists[first["id"]] and target.list_of("a") == lists[second["id"]]
        assert activated.json()["is_active"]
        assert [(one.id, one.is_active) for one in listed] == [(second["id"], True), (first["id"], False)]


def test_a_deleted_deployment_is_gone_with_its_files(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        made = target.deploy()
        files = [path for path in tmp_path.rglob("*.np?") if path.is_file()]
        answer = target.admin("DELETE", f"/{made['id']}")

        assert files and answer.status_code == 204 and answer.content == b""
        assert [path for path in tmp_path.rglob("*.np?") if path.is_file()] == []
        assert target.get("/v1/popular").status_code == 503
        for method, path in [("GET", ""), ("DELETE", ""), ("GET", "/queries"), ("POST", "/activate")]:
            assert target.admin(method, f"/{made['id']}{path}").status_code == 404
        assert target.deploy()["state"] == "done"


def test_a_training_is_cancelled_and_leaves_nothing(tmp_path: Path) -> None:
    engine = HeldEngine()
    with running(tmp_path, make_engine=lambda: engine) as target:
        made = target.deploy()
        busy = target.admin("DELETE", f"/{made['id']}")
        early = target.admin("POST", f"/{made['id']}/activate")
        cancelling = target.admin("POST", f"/{made['id']}/cancel")
        engine.run_next()
        again = target.admin("POST", f"/{made['id']}/cancel")

        assert [busy.status_code, early.status_code, again.status_code] == [409, 409, 409]
        assert (cancelling.status_code, cancelling.json()["state"]) == (202, "cancelling")
        assert state(target, made["id"])["state"] == "cancelled"
        assert target.get("/v1/popular").status_code == 503
        assert target.admin("DELETE", f"/{made['id']}").status_code == 204


@pytest.mark.parametrize(
    ("spec", "status", "word"),
    [
        ({"dataset": "netflix"}, 404, "ml-1m"),
        ({"dataset": "ml-1m"}, 404, "recleak data fetch ml-1m"),
        ({"dataset": "synthetic:colour=red"}, 422, "colour"),
        ({"dataset": "synthetic:users=1"}, 422, "n_users"),
        ({"dataset": "../secret.csv"}, 422, "data folder"),
        ({"algorithm": "magic"}, 422, "algorithm"),
        ({"hyperparameters": {"magic": 1}}, 422, "magic"),
        ({"split": {"magic": 1}}, 422, "magic"),
        ({"split": {"min_interactions": 0}}, 422, "min_interactions"),
        ({"cold_start": "magic"}, 422, "cold_start"),
        ({"k_cap": 0}, 422, "k_cap"),
        ({"k_cap": 1001}, 422, "k_cap"),
        ({"membership_seed": -1}, 422, "membership_seed"),
        ({"magic": 1}, 422, "magic"),
    ],
)
def test_a_spec_that_cannot_be_made_is_refused_at_once(
    target: Running, spec: dict[str, Any], status: int, word: str
) -> None:
    before = target.admin("GET", "").json()
    answer = target.ask("POST", "/admin/deployments", key=ADMIN, json={**SPEC, **spec})

    assert answer.status_code == status and word in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert target.admin("GET", "").json() == before


def test_a_file_within_the_data_folder_is_a_dataset_and_nothing_else_is(tmp_path: Path) -> None:
    data = tmp_path / "datasets"
    data.mkdir()
    rows = [f"u{u},i{(u * 7 + n) % 40}" for u in range(30) for n in range(24)]
    (data / "own.csv").write_text("user,item\n" + "\n".join(rows) + "\n")
    (tmp_path / "outside.csv").write_text("user,item\na,b\n")
    (data / ML_1M.name).mkdir()
    with running(tmp_path / "service", settings={"data_dir": data}) as target:
        own = target.deploy(dataset="own.csv", split={"min_interactions": 3})
        outside = [
            target.ask("POST", "/admin/deployments", key=ADMIN, json={**SPEC, "dataset": name})
            for name in ("../outside.csv", str(tmp_path / "outside.csv"), "absent.csv")
        ]

        assert (own["state"], own["size"]["items"]) == ("done", 40)
        assert [answer.status_code for answer in outside] == [422, 422, 404]


def test_a_dataset_that_is_too_small_fails_with_a_reason(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        made = target.deploy(split={"min_interactions": 1000})

        assert made["state"] == "failed" and "min_interactions" in made["error"]
        assert target.admin("GET", f"/{made['id']}/queries").json()["total"] == 0
        assert target.get("/health/ready").status_code == 503


def test_the_first_start_can_bring_a_deployment(tmp_path: Path) -> None:
    with running(tmp_path, settings={"deploy": SPEC}) as target:
        first = target.admin("GET", "").json()["deployments"]
    with running(tmp_path, settings={"deploy": SPEC}) as target:
        second = target.admin("GET", "").json()["deployments"]

        assert len(first) == 1 and first == second
