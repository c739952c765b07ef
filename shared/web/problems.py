"""Every error of both services is one shape: RFC 9457, `application/problem+json`."""

import logging
import math
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from shared import errors
from shared.web.openapi import document_problems
from shared.web.request_ids import HEADER, request_id_of

PROBLEM_JSON = "application/problem+json"
_STATUSES: dict[type[errors.RecLeakError], int] = {
    errors.BadInput: 422,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Unauthorized: 401,
    errors.TooManyRequests: 429,
    errors.TargetError: 502,
    errors.StorageFailed: 507,
    errors.JobFailed: 500,
    errors.RecLeakError: 500,
}
_NAMES: dict[type[errors.RecLeakError], str] = {
    errors.BadInput: "bad-input",
    errors.NotFound: "not-found",
    errors.Conflict: "conflict",
    errors.Unauthorized: "unauthorized",
    errors.TooManyRequests: "too-many-requests",
    errors.TargetUnreachable: "target-unreachable",
    errors.TargetBrokeContract: "target-broke-contract",
    errors.TargetError: "target-failed",
    errors.StorageFailed: "storage-failed",
    errors.JobStopped: "job-stopped",
    errors.WorkerDied: "worker-died",
    errors.JobFailed: "job-failed",
    errors.RecLeakError: "failed",
}
_log = logging.getLogger(__name__)


class FieldProblem(BaseModel):
    """One part of a request that is not valid."""

    pointer: str = Field(description="where: /query/k, /body/user_ids/3", examples=["/query/k"])
    detail: str = Field(description="what is wrong there")


class Problem(BaseModel):
    """An error answer; RFC 9457. Every error has all of these fields."""

    type: str = Field(description="what kind of problem, stable; about:blank = what the status says")
    title: str = Field(description="the kind in words, stable")
    status: int = Field(description="the HTTP status", ge=400, le=599)
    detail: str = Field(description="what happened this time and what to do")
    instance: str = Field(description="the path that was asked for")
    request_id: str = Field(description="the same id stands in the service's log and in X-Request-ID")
    errors: list[FieldProblem] = Field(description="the parts of the request that are not valid; often empty")


def install_problems(app: FastAPI) -> None:
    """Answer every error of an app as a problem, and say so in its OpenAPI document.

    Our own errors get the status that their class stands for. ValueErrors are not ours: they are bugs, 500.
    The text of an unexpected error goes into the log and not into the answer.
    """
    app.add_exception_handler(errors.RecLeakError, _own_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected_error)
    document_problems(app, Problem, media_type=PROBLEM_JSON)


def status_of(error: errors.RecLeakError) -> int:
    """Give the HTTP status that an error of ours is answered with."""
    return next(_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)


async def _own_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.RecLeakError)
    name = next(_NAMES[kind] for kind in type(error).__mro__ if kind in _NAMES)
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("%s %s: %s: %s", request.method, request.url.path, type(error).__name__, error)
    headers = {}
    if isinstance(error, errors.TooManyRequests):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if isinstance(error, errors.Unauthorized):
        headers["WWW-Authenticate"] = "ApiKey"
    title = name.replace("-", " ").capitalize()
    return _answer(request, status, f"/problems/{name}", title, str(error), headers=headers)


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # what was sent is left out on purpose: it may be a key
    parts = [FieldProblem(pointer=_pointer(part["loc"]), detail=part["msg"]) for part in error.errors()]
    first = f"{parts[0].pointer}: {parts[0].detail}" if parts else "the request is not valid"
    more = f" (and {len(parts) - 1} more, see errors)" if len(parts) > 1 else ""
    return _answer(request, 422, "/problems/invalid-request", "Invalid request", first + more, parts=parts)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    detail = str(error.detail)
    if detail == title and error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"nothing is at {request.url.path}; /openapi.json lists what is"
    if detail == title and error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.url.path} does not answer {request.method}"
    headers = dict(error.headers or {})
    return _answer(request, error.status_code, "about:blank", title, detail, headers=headers)


async def _unexpected_error(request: Request, error: Exception) -> JSONResponse:
    request_id = request_id_of(request.scope)
    _log.error(
        "%s %s: unexpected error (request %s)", request.method, request.url.path, request_id, exc_info=error
    )
    detail = f"an unexpected error happened; the service's log has it under request {request_id}"
    # this handler runs outside the middleware that adds the header to every other answer
    headers = {HEADER: request_id}
    return _answer(request, 500, "about:blank", "Internal Server Error", detail, headers=headers)


def _answer(
    request: Request,
    status: int,
    type_: str,
    title: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    parts: list[FieldProblem] | None = None,
) -> JSONResponse:
    problem = Problem(
        type=type_,
        title=title,
        status=status,
        detail=detail,
        instance=request.url.path,
        request_id=request_id_of(request.scope),
        errors=parts or [],
    )
    return JSONResponse(problem.model_dump(), status, headers=headers, media_type=PROBLEM_JSON)


def _pointer(location: tuple[int | str, ...]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)
