"""The attacker's client says what the contract says."""

import httpx
import pytest
from client_worlds import Service, attack, attacker, event, problem, stream

from shared.client.attacker import finished
from shared.contract.attacker import Attack, AttackSpec, DatasetUsers, TargetAddress
from shared.errors import Conflict, JobFailed, JobStopped

SPEC = AttackSpec(
    target=TargetAddress.model_validate({"url": "http://target.test"}), users=DatasetUsers(dataset="ml-1m")
)


def test_a_submitted_spec_arrives_as_it_was() -> None:
    service = Service({"POST /v1/attacks": attack(state="queued")})

    with attacker(service, api_key="attacker-key") as client:
        assert client.submit(SPEC).id == "a1"

    assert AttackSpec.model_validate(service.sent()) == SPEC
    assert service.last.headers["x-api-key"] == "attacker-key"


def test_attacks_are_listed_read_stopped_resumed_and_deleted() -> None:
    service = Service(
        {
            "GET /v1/attacks": {"attacks": [attack(), attack(id="a0")]},
            "GET /v1/attacks/a1": attack(),
            "POST /v1/attacks/a1/cancel": attack(state="cancelling"),
            "POST /v1/attacks/a1/resume": attack(state="queued"),
            "DELETE /v1/attacks/a1": httpx.Response(204),
            "GET /metrics": httpx.Response(200, text="attacks 1"),
        }
    )

    with attacker(service) as client:
        assert [one.id for one in client.attacks()] == ["a1", "a0"]
        assert client.attack("a1").timings == {"query": 0.1}
        assert client.cancel("a1").state == "cancelling"
        assert client.resume("a1").state == "queued"
        client.delete("a1")
        assert client.metrics() == "attacks 1"

    assert all(request.content == b"" for request in service.requests)


def test_predictions_are_followed_page_by_page() -> None:
    first = {"predictions": [{"user_id": "u1", "score": 2.0, "is_member": True}], "next_cursor": "p1"}
    second = {"predictions": [{"user_id": "u2", "score": -1.0, "is_member": False}], "next_cursor": None}
    service = Service(
        {
            "GET /v1/attacks/a1/predictions?limit=1": first,
            "GET /v1/attacks/a1/predictions?limit=1&cursor=p1": second,
        }
    )

    with attacker(service) as client:
        found = [(one.user_id, one.is_member) for one in client.predictions("a1", page_size=1)]

    assert found == [("u1", True), ("u2", False)]


def test_predictions_come_as_csv_when_asked_for() -> None:
    text = "user_id,score,is_member\nu1,2.0,true\n"
    service = Service({"GET /v1/attacks/a1/predictions": httpx.Response(200, text=text)})

    with attacker(service) as client:
        lines = list(client.predictions_csv("a1"))

    assert lines == ["user_id,score,is_member", "u1,2.0,true"]
    assert service.last.headers["accept"] == "text/csv"


def test_figures_that_are_not_there_yet_are_a_conflict() -> None:
    service = Service({"GET /v1/attacks/a1/figures": problem(409, "conflict", "the attack is running")})

    with attacker(service) as client, pytest.raises(Conflict, match="the attack is running"):
        client.figures("a1")


def test_the_catalogue_is_read() -> None:
    entry = {"name": "difference", "description": "d", "source": "s"}
    catalogue = {"attacks": [entry], "baselines": [], "algorithms": [], "datasets": []}
    service = Service({"GET /v1/catalogue": catalogue})

    with attacker(service) as client:
        assert client.catalogue().attacks[0].name == "difference"


def test_waiting_follows_the_events_and_gives_the_attack() -> None:
    service = Service(
        {
            "GET /v1/attacks/a1/events": stream(event(1), event(2, "done", None)),
            "GET /v1/attacks/a1": attack(),
        }
    )

    with attacker(service) as client:
        assert client.wait("a1").state == "done"


@pytest.mark.parametrize(("state", "error"), [("cancelled", JobStopped), ("failed", JobFailed)])
def test_an_attack_without_a_result_is_an_error(state: str, error: type[Exception]) -> None:
    ended = Attack.model_validate(attack(state=state, error="the target is down"))

    with pytest.raises(error):
        finished(ended)


def test_whoever_waits_learns_why_an_attack_failed() -> None:
    ended = Attack.model_validate(attack(state="failed", error="the target is down"))

    with pytest.raises(JobFailed, match="the target is down"):
        finished(ended)
