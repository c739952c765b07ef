"""The target's client says what the contract says."""

import httpx
import pytest
from client_worlds import FakeTime, Service, deployment, problem, target

from shared.client.target import done
from shared.contract.target import Deployment, DeploymentSpec
from shared.errors import JobFailed, ServiceUnreachable, Unauthorized


def test_a_list_is_asked_for_by_user_and_length() -> None:
    service = Service({"GET /v1/users/u1/recommendations?k=3": {"user_id": "u1", "items": ["b", "a"]}})

    with target(service) as client:
        answer = client.recommendations("u1", k=3)

    assert answer.items == ("b", "a")
    assert "x-api-key" not in service.last.headers


@pytest.mark.parametrize(
    ("user_id", "path"),
    [("a/b", "a%2Fb"), ("..", "%2E%2E"), ("é ?#", "%C3%A9%20%3F%23"), ("100%", "100%25")],
)
def test_any_user_id_stays_one_part_of_the_path(user_id: str, path: str) -> None:
    service = Service({f"GET /v1/users/{path}/history": {"user_id": user_id, "items": []}})

    with target(service) as client:
        assert client.history(user_id).user_id == user_id


def test_a_batch_names_its_users_and_may_name_a_deployment() -> None:
    answers = [{"user_id": "u2", "items": ["a"]}, {"user_id": "u1", "items": None}]
    service = Service({"POST /v1/d/d1/recommendations:batch": {"recommendations": answers}})

    with target(service, api_key="public-key") as client:
        entries = client.batch(["u2", "u1"], k=5, deployment="d1").recommendations

    assert [entry.items for entry in entries] == [("a",), None]
    assert service.sent() == {"user_ids": ["u2", "u1"], "k": 5}
    assert service.last.headers["x-api-key"] == "public-key"


def test_a_list_is_made_from_a_history() -> None:
    service = Service({"POST /v1/recommendations": {"items": ["c"]}})

    with target(service) as client:
        assert client.list_from_history(["a", "b"], k=1).items == ("c",)

    assert service.sent() == {"items": ["a", "b"], "k": 1}


def test_pages_are_followed_to_the_end() -> None:
    service = Service(
        {
            "GET /v1/items?limit=2": {"items": ["a", "b"], "next_cursor": "r2"},
            "GET /v1/items?limit=2&cursor=r2": {"items": ["c"], "next_cursor": None},
            "GET /v1/users": {"users": ["u1"], "next_cursor": None},
        }
    )

    with target(service) as client:
        assert list(client.items(page_size=2)) == ["a", "b", "c"]
        assert list(client.users()) == ["u1"]


def test_popular_items_and_metrics_are_read() -> None:
    service = Service({"GET /v1/popular?k=2": {"items": ["a", "b"]}, "GET /metrics": "lists_total 3"})

    with target(service) as client:
        assert client.popular(k=2).items == ("a", "b")
        assert "lists_total" in client.metrics()


def test_the_admin_key_goes_to_admin_routes_only() -> None:
    counts = {"deployment": "d1", "total": 1, "distinct_users": 1, "repeated": 0, "by_client": {}}
    service = Service(
        {
            "POST /admin/deployments": deployment(state="queued"),
            "GET /admin/deployments": {"deployments": [deployment()]},
            "GET /admin/deployments/d1": deployment(),
            "GET /admin/deployments/d1/queries": counts,
            "POST /admin/deployments/d1/activate": deployment(),
            "POST /admin/deployments/d1/retrain": deployment(id="d2"),
            "POST /admin/deployments/d1/cancel": deployment(state="cancelling"),
            "DELETE /admin/deployments/d1": None,
        }
    )

    with target(service) as client:
        client.deploy(DeploymentSpec(dataset="ml-1m"))
        sent = service.sent()
        client.deployments()
        client.deployment("d1")
        client.queries("d1")
        client.activate("d1")
        assert client.retrain("d1").id == "d2"
        client.cancel("d1")
        client.delete("d1")

    assert sent["dataset"] == "ml-1m"
    assert len(service.requests) == 8
    assert all(request.headers["x-api-key"] == "admin-key" for request in service.requests)


def test_the_oracle_has_a_key_of_its_own() -> None:
    answer = {"deployment": "d1", "user_ids": ["u1"], "is_member": [True], "unknown": []}
    service = Service({"POST /oracle/membership": answer})

    with target(service) as client:
        assert client.membership(["u1"]).is_member == (True,)

    assert service.last.headers["x-api-key"] == "oracle-key"


def test_without_its_key_a_route_is_not_even_asked() -> None:
    service = Service()

    with target(service, admin_key=None, oracle_key=None) as client:
        with pytest.raises(Unauthorized, match="admin_key"):
            client.deployments()
        with pytest.raises(Unauthorized, match="oracle_key"):
            client.membership(["u1"])

    assert service.requests == []


def test_waiting_ends_when_the_training_is_done() -> None:
    time = FakeTime()
    states = [deployment(state="queued"), deployment(state="running"), deployment()]
    service = Service({"GET /admin/deployments/d1": states})

    with target(service, clock=time.clock) as client:
        assert client.wait("d1").state == "done"

    assert len(time.pauses) == 2


@pytest.mark.parametrize("state", ["failed", "cancelled", "interrupted"])
def test_a_training_that_ended_without_a_result_is_an_error_with_its_reason(state: str) -> None:
    ended = Deployment.model_validate(deployment(state=state, error="the disk is full"))

    with pytest.raises(JobFailed, match="the disk is full"):
        done(ended)


def test_a_failed_measurement_does_not_undo_a_training() -> None:
    ready = Deployment.model_validate(deployment(error="HR@k failed"))

    assert done(ready) is ready


def test_waiting_for_a_service_has_a_limit() -> None:
    time = FakeTime()
    service = Service({"GET /health/ready": problem(503, "about:blank", "no deployment is active")})

    with target(service, clock=time.clock) as client:
        assert not client.is_ready()
        with pytest.raises(ServiceUnreachable, match="within 3 s"):
            client.wait_ready(3)

    assert time.now == pytest.approx(3)


def test_a_service_that_comes_up_late_is_waited_for() -> None:
    time = FakeTime()
    answers = [httpx.ConnectError("refused"), problem(503, "about:blank", "starting"), {"status": "ok"}]
    service = Service({"GET /health/live": answers})

    with target(service, clock=time.clock) as client:
        client.wait_live(10)

    assert len(service.requests) == 3
