"""The OpenAPI document says what is answered, and the answers keep to it."""

import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter

from shared.contract import target as contract
from tests.target.running import ADMIN, ORACLE, Running, running


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_has_a_summary_a_description_and_an_id_of_its_own(target: Running) -> None:
    found = operations(target.get("/openapi.json").json())

    assert len(found) == 7 * 2 + 8 + 1 + 2
    assert all(one["summary"] and one["description"] and one["tags"] for _, _, one in found)
    assert len({one["operationId"] for _, _, one in found}) == len(found)


def test_every_operation_promises_problems_for_errors(target: Running) -> None:
    for _, _, operation in operations(target.get("/openapi.json").json()):
        assert "default" in operation["responses"]
        for status, response in operation["responses"].items():
            if not status.startswith("2"):
                assert list(response["content"]) == ["application/problem+json"]


def test_the_answers_of_the_hot_path_are_the_documented_models(target: Running) -> None:
    users = target.users()
    base = f"/v1/d/{target.admin('GET', '').json()['deployments'][-1]['id']}"
    asked = [
        ("GET", "/users/{user_id}/recommendations", f"/users/{users[0]}/recommendations", None),
        ("POST", "/recommendations:batch", "/recommendations:batch", {"user_ids": [users[0], "x"], "k": 2}),
        ("GET", "/items", "/items?limit=3", None),
        ("GET", "/popular", "/popular", None),
        ("GET", "/users", "/users?limit=3", None),
        ("GET", "/users/{user_id}/history", f"/users/{users[0]}/history", None),
    ]
    document = target.get("/openapi.json").json()
    for prefix, start in (("/v1", "/v1"), ("/v1/d/{deployment}", base)):
        for method, template, path, body in asked:
            answer = target.ask(method, start + path, json=body)
            documented = document["paths"][prefix + template][method.lower()]["responses"]["200"]["content"]
            name = documented["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
            model: type[BaseModel] = getattr(contract, name)

            assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
            assert TypeAdapter(model).validate_json(answer.content, strict=True)


def test_every_list_says_which_deployment_gave_it(target: Running) -> None:
    """On the fast lane, on the documented route and in batches; nothing else that is public says so."""
    made = target.admin("GET", "").json()["deployments"][-1]["id"]
    user = target.users()[0]
    document = target.get("/openapi.json").json()["paths"]
    lists = [
        "GET /users/{user_id}/recommendations",
        "POST /recommendations",
        "POST /recommendations:batch",
    ]
    for prefix, base in (("/v1", "/v1"), ("/v1/d/{deployment}", f"/v1/d/{made}")):
        answers = [
            target.get(f"{base}/users/{user}/recommendations"),
            target.get(f"{base}/users/{user}/recommendations?k=3&x=not-plain"),
            target.ask("POST", f"{base}/recommendations:batch", json={"user_ids": [user]}),
        ]
        assert [answer.headers["X-Deployment"] for answer in answers] == [made] * 3
        assert "X-Deployment" not in target.get(f"{base}/items").headers
        for path, methods in document.items():
            for method, operation in methods.items():
                documented = "X-Deployment" in operation["responses"].get("200", {}).get("headers", {})
                if path.startswith(prefix):
                    assert documented == (f"{method.upper()} {path.removeprefix(prefix)}" in lists) or (
                        prefix == "/v1" and path.startswith("/v1/d/")
                    )


def test_keys_are_documented_where_they_are_needed(tmp_path: Path) -> None:
    with running(tmp_path, settings={"api_key": "public-key"}) as target:
        document = target.get("/openapi.json").json()
    needed = {"/admin": "AdminKey", "/oracle": "OracleKey", "/v1": "PublicKey"}

    for _, path, operation in operations(document):
        schemes = [name for one in operation.get("security", []) for name in one]
        assert schemes == [name for start, name in needed.items() if path.startswith(start)]


@pytest.mark.parametrize("path", ["/docs", "/docs/swagger-ui-bundle.js", "/docs/start.js"])
def test_the_documentation_works_without_the_internet(target: Running, path: str) -> None:
    answer = target.get(path)

    assert answer.status_code == 200
    assert path.endswith(".js") or "http" not in answer.text.replace("http-equiv", "")


def api_routes(routes: Iterable[Any]) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):  # how FastAPI keeps an included router
            yield from api_routes(route.original_router.routes)


def test_the_read_routes_never_leave_the_event_loop(target: Running) -> None:
    """A plain function would go through a thread, which costs more than a list that is ready."""
    calls = []
    for route in api_routes(target.app.routes):
        if "lists" in route.tags or "catalogue" in route.tags or "profiles" in route.tags:
            asked = [one.call for one in route.dependant.dependencies]
            calls.append([route.endpoint, *asked, *(one.dependency for one in route.dependencies)])

    assert len(calls) == 12 and min(len(one) for one in calls) >= 2
    assert all(inspect.iscoroutinefunction(call) for one in calls for call in one)


def test_unknown_paths_and_methods_are_problems(target: Running) -> None:
    answers = [
        target.get("/nowhere"),
        target.ask("PUT", "/v1/items"),
        target.ask("DELETE", "/v1/users/a/recommendations"),
        target.ask("POST", "/admin/deployments", key=ADMIN, content=b"{"),
        target.ask("POST", "/oracle/membership", key=ORACLE, json={"user_ids": ["a"], "magic": 1}),
    ]

    assert [answer.status_code for answer in answers] == [404, 405, 405, 422, 422]
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
