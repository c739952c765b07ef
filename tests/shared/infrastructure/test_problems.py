"""Errors are RFC 9457 problems of one shape, and the OpenAPI document says so."""

import pickle
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query
from pydantic import BaseModel

from shared import errors
from shared.web.openapi import operation_id
from shared.web.problems import PROBLEM_JSON, install_problems
from shared.web.request_ids import RequestIds
from tests.shared.infrastructure.asking import ask

FIELDS = {"type", "title", "status", "detail", "instance", "request_id", "errors"}
OWN = [
    (errors.BadInput("give k"), 422, "/problems/bad-input"),
    (errors.NotFound("no such run"), 404, "/problems/not-found"),
    (errors.Conflict("already running"), 409, "/problems/conflict"),
    (errors.Unauthorized("send a key"), 401, "/problems/unauthorized"),
    (errors.TooManyRequests("wait", 1.2), 429, "/problems/too-many-requests"),
    (errors.TargetUnreachable("start it"), 502, "/problems/target-unreachable"),
    (errors.TargetBrokeContract("not a list"), 502, "/problems/target-broke-contract"),
    (errors.StorageFailed("free some space"), 507, "/problems/storage-failed"),
    (errors.JobFailed("resume it"), 500, "/problems/job-failed"),
]


class Body(BaseModel):
    secret: int


def make_app(to_raise: BaseException | None = None) -> FastAPI:
    app = FastAPI(generate_unique_id_function=operation_id)
    install_problems(app)
    app.add_middleware(RequestIds)
    router = APIRouter()

    @router.get("/fail")
    def fail() -> str:
        if to_raise is not None:
            raise to_raise
        return "fine"

    @router.get("/lists", responses={404: {"description": "No such user"}})
    def read_lists(k: Annotated[int, Query(ge=1)]) -> int:
        return k

    @router.post("/body")
    def write_body(body: Body) -> int:
        return body.secret

    app.include_router(router, prefix="/v1")
    return app


def check_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    body = answer.json()

    assert answer.status_code == body["status"] == status
    assert answer.headers["content-type"] == PROBLEM_JSON
    assert set(body) == FIELDS
    assert answer.headers["x-request-id"] == body["request_id"]
    return dict(body)


@pytest.mark.parametrize(("error", "status", "kind"), OWN, ids=[kind for _, _, kind in OWN])
def test_own_errors_become_problems(error: errors.RecLeakError, status: int, kind: str) -> None:
    body = check_problem(ask(make_app(error), "GET", "/v1/fail"), status)

    assert body["type"] == kind
    assert body["detail"] == str(error)
    assert body["instance"] == "/v1/fail"


def test_too_many_requests_says_when_to_come_back() -> None:
    answer = ask(make_app(errors.TooManyRequests("wait", 1.2)), "GET", "/v1/fail")

    assert answer.headers["retry-after"] == "2"


def test_too_many_requests_survives_a_process_border() -> None:
    copy = pickle.loads(pickle.dumps(errors.TooManyRequests("wait", 1.5)))

    assert (str(copy), copy.retry_after_s) == ("wait", 1.5)


def test_an_unexpected_error_keeps_its_text_to_itself(caplog: pytest.LogCaptureFixture) -> None:
    """A ValueError is a bug of ours: 500; the log has the traceback, the answer does not."""
    answer = ask(make_app(ValueError("hunter2")), "GET", "/v1/fail", headers={"X-Request-ID": "abc"})

    body = check_problem(answer, 500)
    assert "hunter2" not in answer.text and "Traceback" not in answer.text
    assert body["request_id"] == "abc" and "abc" in caplog.text and "hunter2" in caplog.text


def test_an_invalid_request_points_at_the_field() -> None:
    body = check_problem(ask(make_app(), "GET", "/v1/lists?k=0"), 422)

    assert [part["pointer"] for part in body["errors"]] == ["/query/k"]


def test_an_invalid_request_does_not_echo_what_was_sent() -> None:
    answer = ask(make_app(), "POST", "/v1/body", json={"secret": "hunter2"})

    check_problem(answer, 422)
    assert "hunter2" not in answer.text


def test_an_unknown_path_and_a_wrong_method_are_problems() -> None:
    check_problem(ask(make_app(), "GET", "/nowhere"), 404)
    answer = ask(make_app(), "DELETE", "/v1/fail")

    check_problem(answer, 405)
    assert answer.headers["allow"] == "GET"


def test_a_request_id_that_could_forge_a_log_line_is_replaced() -> None:
    answer = ask(make_app(), "GET", "/v1/fail", headers={"X-Request-ID": "a b; c"})

    assert answer.status_code == 200
    assert answer.headers.get_list("x-request-id") != ["a b; c"]


def test_the_document_promises_problems_and_nothing_else_for_errors() -> None:
    document = make_app().openapi()

    assert {"Problem", "FieldProblem"} <= set(document["components"]["schemas"])
    assert "HTTPValidationError" not in str(document)
    for path in document["paths"].values():
        for operation in path.values():
            assert {"422", "default"} <= set(operation["responses"])
            for status, response in operation["responses"].items():
                if not status.startswith("2"):
                    assert list(response["content"]) == [PROBLEM_JSON]
    assert document["paths"]["/v1/lists"]["get"]["operationId"] == "read_lists"


def test_every_field_of_the_document_is_promised() -> None:
    problem = make_app().openapi()["components"]["schemas"]["Problem"]

    assert set(problem["required"]) == FIELDS
