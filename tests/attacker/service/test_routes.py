"""The routes: what is accepted, what is refused and how, what is shown."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.attacker.settings import AttackerSettings
from services.attacker.tables import metadata
from shared.attacks import AttackPreset
from shared.client.events import parse_events
from shared.contract.attacker import AttackEvent, AttackList, Catalogue, PredictionPage
from shared.database import open_database
from shared.datasets.registry import load
from shared.errors import BadInput
from shared.migrations import differences
from tests.attacker.service.leaky_target import DATASET, World, judged_users, leaky_lists, world_of
from tests.attacker.service.running import Running, running

API_KEY = "key-of-the-attacker"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with world_of(leaky_lists()) as world:
        yield world


@pytest.fixture(scope="module")
def attacker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("attacker")) as service:
        yield service


@pytest.fixture(scope="module")
def attack_id(attacker: Running, world: World) -> str:
    """One attack, done."""
    return str(attacker.run(world.spec())["id"])


def events_of(answer: httpx.Response) -> list[AttackEvent]:
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
    return list(parse_events(AttackEvent, answer.text.splitlines()))


def test_submitting_says_where_to_follow(attacker: Running, world: World) -> None:
    answer = attacker.ask("POST", "/v1/attacks", json=world.spec(seed=9))

    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/attacks/{answer.json()['id']}"
    assert answer.json()["state"] in {"queued", "running"}
    assert attacker.wait(answer.json()["id"])["spec"]["seed"] == 9


BROKEN: dict[str, tuple[dict[str, Any], int, str]] = {
    "unknown field": ({"colour": "red"}, 422, "/body/colour"),
    "k = 0": ({"k": 0}, 422, "/body/k"),
    "unknown attack": ({"attack": "magic"}, 422, "/body/attack"),
    "unknown dataset": ({"users": {"source": "dataset", "dataset": "netflix"}}, 404, "no dataset 'netflix'"),
    "unknown shadow dataset": ({"shadow": {"dataset": "netflix"}}, 404, "no dataset 'netflix'"),
    "dataset that is not there": ({"item_features": "ml-1m"}, 404, "recleak data fetch ml-1m"),
    "bad synthetic": ({"shadow": {"dataset": "synthetic:users=-1"}}, 422, "users"),
    "a file of the machine": ({"shadow": {"dataset": "/etc/passwd.csv"}}, 422, "data folder"),
    "unknown hyperparameter": ({"shadow": {"hyperparameters": {"depth": 3}}}, 422, "depth"),
    "no users": ({"users": {"source": "inline", "histories": {}}}, 422, "/body/users"),
    "key that is not set": ({"evaluate": {"key_env": "RECLEAK_NO_SUCH"}}, 422, "RECLEAK_NO_SUCH is not set"),
    "key of the service": (
        {"evaluate": {"key_env": "RECLEAK_ATTACKER_API_KEY"}},
        422, "a setting of the attacker service itself",
    ),
    "variable of another program": ({"evaluate": {"key_env": "AWS_SECRET_KEY"}}, 422, "key_env"),
    "password in an address": (
        {"evaluate": {"oracle_url": "http://me:canary@127.0.0.1:1", "key_env": "RECLEAK_TEST_ORACLE_KEY"}},
        422, "password",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_spec_that_is_no_good_is_a_problem_at_once(attacker: Running, world: World, name: str) -> None:
    """And nothing is stored of it."""
    change, status, expected = BROKEN[name]
    before = attacker.get("/v1/attacks").json()

    answer = attacker.ask("POST", "/v1/attacks", json=world.spec(**change))

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert expected in answer.json()["detail"] + "".join(
        one["pointer"] + one["detail"] for one in answer.json()["errors"]
    )
    assert "canary" not in answer.text
    assert attacker.get("/v1/attacks").json() == before


def test_attacks_are_listed_newest_first(attacker: Running, world: World, attack_id: str) -> None:
    newer = attacker.run(world.spec(evaluate=None))["id"]

    listed = AttackList.model_validate(attacker.get("/v1/attacks").json()).attacks

    assert listed[0].id == newer and attack_id in [one.id for one in listed]
    assert attacker.get(f"/v1/attacks/{attack_id}").json() == json.loads(
        next(one.model_dump_json() for one in listed if one.id == attack_id)
    )


@pytest.mark.parametrize("path", ["", "/events", "/predictions", "/predictions?format=csv", "/figures"])
def test_an_attack_that_does_not_exist_is_a_problem(attacker: Running, path: str) -> None:
    answer = attacker.get(f"/v1/attacks/nobody{path}")

    assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"
    assert "no attack 'nobody'" in answer.json()["detail"]


def test_events_tell_the_whole_story(attacker: Running, attack_id: str) -> None:
    events = events_of(attacker.get(f"/v1/attacks/{attack_id}/events"))

    assert [one.id for one in events] == sorted({one.id for one in events})
    assert [one.state for one in events][:2] == ["queued", "running"] and events[-1].state == "done"
    fractions = [one.progress.fraction for one in events]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    stages = list(dict.fromkeys(one.stage for one in events))
    assert stages == [
        "query", "item vectors", "shadow", "features", "train", "score", "evaluate", None,
    ]  # fmt: skip


def test_events_go_on_behind_the_last_one_seen(attacker: Running, attack_id: str) -> None:
    everything = events_of(attacker.get(f"/v1/attacks/{attack_id}/events"))
    seen = everything[3].id

    rest = attacker.get(f"/v1/attacks/{attack_id}/events", headers={"Last-Event-ID": str(seen)})

    assert events_of(rest) == everything[4:]
    assert f"id: {everything[4].id}" in rest.text
    last = {"Last-Event-ID": str(everything[-1].id)}
    assert events_of(attacker.get(f"/v1/attacks/{attack_id}/events", headers=last)) == []
    bad = attacker.get(f"/v1/attacks/{attack_id}/events", headers={"Last-Event-ID": "x"})
    assert bad.status_code == 422


def test_predictions_come_in_pages_and_as_csv_alike(attacker: Running, attack_id: str) -> None:
    path = f"/v1/attacks/{attack_id}/predictions"
    pages, cursor = [], None
    while True:
        query = {"limit": 100} | ({} if cursor is None else {"cursor": cursor})
        page = PredictionPage.model_validate(attacker.get(path, params=query).json())
        pages.append(page.predictions)
        if (cursor := page.next_cursor) is None:
            break

    predictions = [one for page in pages for one in page]
    assert [len(page) for page in pages] == [100, 100, judged_users().n_users - 200]
    assert [one.user_id for one in predictions] == list(judged_users().user_ids.names)
    assert min(one.score for one in predictions if one.is_member) > max(
        one.score for one in predictions if not one.is_member
    )
    csv = attacker.get(path, params={"format": "csv"})
    assert csv.headers["content-type"].startswith("text/csv")
    assert csv.text.splitlines() == [
        "user_id,score,is_member",
        *(f"{one.user_id},{one.score!r},{str(one.is_member).lower()}" for one in predictions),
    ]
    assert attacker.get(path, headers={"Accept": "text/csv"}).text == csv.text
    assert attacker.get(path, params={"cursor": "r5"}).status_code == 200
    assert attacker.get(path, params={"cursor": "page 5"}).status_code == 422


def test_figures_are_those_of_the_attack(attacker: Running, attack_id: str) -> None:
    figures = attacker.get(f"/v1/attacks/{attack_id}/figures").json()

    assert figures == attacker.get(f"/v1/attacks/{attack_id}").json()["judgement"]


def test_the_catalogue_names_what_a_spec_can_name(attacker: Running, world: World) -> None:
    catalogue = Catalogue.model_validate(attacker.get("/v1/catalogue").json())

    assert {one.name for one in catalogue.attacks} == set(AttackPreset)
    assert all(one.source and one.knowledge for one in catalogue.attacks)
    assert "identical lists" in {one.name for one in catalogue.baselines}
    assert {"item", "lfm", "ncf"} <= {one.name for one in catalogue.algorithms}
    assert any(one.parameters for one in catalogue.algorithms)
    assert {"ml-1m", "lastfm-2k", "adm", "synthetic"} == {one.name for one in catalogue.datasets}


def test_a_key_guards_the_api_and_nothing_else(tmp_path: Path) -> None:
    with running(tmp_path, settings={"api_key": API_KEY}) as attacker:
        for path in ("/v1/attacks", "/v1/catalogue", "/v1/attacks/x/events"):
            refused = attacker.get(path, headers={"X-API-Key": "wrong"})
            assert refused.status_code == attacker.get(path).status_code == 401
            assert "RECLEAK_ATTACKER_API_KEY" in refused.json()["detail"] and API_KEY not in refused.text
        assert attacker.get("/v1/attacks", headers={"X-API-Key": API_KEY}).status_code == 200
        for path in ("/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json"):
            assert attacker.get(path).status_code == 200


def test_the_document_describes_errors_and_streams(attacker: Running) -> None:
    document = attacker.get("/openapi.json").json()
    operations = [one for path in document["paths"].values() for one in path.values()]

    assert all("application/problem+json" in one["responses"]["default"]["content"] for one in operations)
    predictions = document["paths"]["/v1/attacks/{attack}/predictions"]["get"]["responses"]["200"]
    assert {"application/json", "text/csv"} == set(predictions["content"])
    events = document["paths"]["/v1/attacks/{attack}/events"]["get"]["responses"]["200"]
    assert "text/event-stream" in events["content"]
    assert len({one["operationId"] for one in operations}) == len(operations)


def test_requests_are_measured(attacker: Running) -> None:
    attacker.get("/v1/catalogue")

    assert 'recleak_http_requests_total{method="GET",route="/v1/catalogue"' in attacker.get("/metrics").text


def test_migrations_make_the_tables_that_the_code_describes(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/a.db", migrations="services.attacker:migrations")
    with database.engine.connect() as connection:
        found = differences(connection, metadata)
    database.close()

    assert found == []


def test_settings_that_are_no_good_are_named_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECLEAK_ATTACKER_API_KEY", "canary")
    monkeypatch.setenv("RECLEAK_ATTACKER_PORT", "99999")

    with pytest.raises(BadInput) as caught:
        AttackerSettings.read()

    assert "RECLEAK_ATTACKER_API_KEY" in str(caught.value) and "RECLEAK_ATTACKER_PORT" in str(caught.value)
    assert "canary" not in str(caught.value) and "99999" not in str(caught.value)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RECLEAK_ATTACKER_DATA", str(tmp_path))
    monkeypatch.setenv("RECLEAK_ATTACKER_LOG_LEVEL", "warning")
    monkeypatch.setenv("RECLEAK_DATA_DIR", str(tmp_path / "datasets"))

    settings = AttackerSettings.read()

    assert settings.url == f"sqlite:///{tmp_path}/attacker.db" and settings.log_level == "WARNING"
    assert settings.data_dir == tmp_path / "datasets"
    assert AttackerSettings.model_config["frozen"]
    assert AttackerSettings.unknown_variables(
        {"RECLEAK_ATTACKER_PROT": "1", "RECLEAK_ATTACKER_PORT": "1"}
    ) == ["RECLEAK_ATTACKER_PROT"]


def test_a_dataset_of_ones_own_lies_in_the_data_folder(tmp_path: Path, world: World) -> None:
    """It is named by its path within, and nothing outside of the folder is opened."""
    whole, _ = load(DATASET, data_dir=None)
    rows = [
        f"{user},{item}"
        for row, user in enumerate(whole.user_ids.names)
        for item in whole.item_ids.names_of(whole.histories[[row]].indices)
    ]
    (tmp_path / "own.csv").write_text("\n".join(["user,item", *rows]))
    (tmp_path / "empty.csv").write_text("")
    with running(tmp_path / "data", settings={"data_dir": tmp_path}) as attacker:
        found = attacker.run(world.spec(shadow={"dataset": "own.csv"}, evaluate=None))
        empty = attacker.run(world.spec(shadow={"dataset": "empty.csv"}))
        outside = attacker.ask("POST", "/v1/attacks", json=world.spec(shadow={"dataset": "../x.csv"}))
        missing = attacker.ask("POST", "/v1/attacks", json=world.spec(shadow={"dataset": "no.csv"}))

    assert found["state"] == "done", found["error"]
    assert empty["state"] == "failed" and "empty.csv" in empty["error"]
    assert outside.status_code == 422 and missing.status_code == 404
