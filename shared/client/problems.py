"""Answers that are errors, back into the classes that they were raised as."""

from http import HTTPStatus

import httpx
from pydantic import BaseModel, ValidationError

from shared import errors

PROBLEM_JSON = "application/problem+json"
_CLASSES: dict[str, type[errors.RecLeakError]] = {
    "/problems/bad-input": errors.BadInput,
    "/problems/invalid-request": errors.BadInput,
    "/problems/not-found": errors.NotFound,
    "/problems/conflict": errors.Conflict,
    "/problems/unauthorized": errors.Unauthorized,
    "/problems/target-unreachable": errors.TargetUnreachable,
    "/problems/target-broke-contract": errors.TargetBrokeContract,
    "/problems/target-failed": errors.TargetError,
    "/problems/storage-failed": errors.StorageFailed,
    "/problems/job-stopped": errors.JobStopped,
    "/problems/worker-died": errors.WorkerDied,
    "/problems/job-failed": errors.JobFailed,
}


class _Problem(BaseModel):
    """What a client needs of RFC 9457; other fields may come."""

    type: str = "about:blank"
    detail: str


def error_of(response: httpx.Response) -> errors.RecLeakError:
    """Give the error that an answer with a status of 300 or more stands for; the body must have been read.

    A problem becomes the class that the service raised, with its text. Anything else is not from RecLeak:
    ServiceBrokeContract.
    """
    request = f"{response.request.method} {response.request.url}"
    if not response.headers.get("content-type", "").startswith(PROBLEM_JSON):
        return errors.ServiceBrokeContract(
            f"{request} was answered with status {response.status_code} and not as RecLeak would answer; "
            f"check that the address is a RecLeak service"
        )
    try:
        problem = _Problem.model_validate_json(response.content)
    except ValidationError:
        return errors.ServiceBrokeContract(
            f"{request} was answered with status {response.status_code} and a problem without detail; "
            f"check that the address is a RecLeak service of this version"
        )
    return _raised(problem, response)


def _raised(problem: _Problem, response: httpx.Response) -> errors.RecLeakError:
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return errors.TooManyRequests(problem.detail, _seconds(response.headers.get("retry-after")))
    if problem.type in _CLASSES:
        return _CLASSES[problem.type](problem.detail)
    if response.status_code == HTTPStatus.NOT_FOUND:
        return errors.NotFound(problem.detail)
    if response.is_client_error:
        return errors.BadInput(problem.detail)
    return errors.ServiceError(problem.detail)


def _seconds(retry_after: str | None) -> float:
    """Read Retry-After; its other form, a date, and nonsense count as one second."""
    return float(retry_after) if retry_after is not None and retry_after.isdigit() else 1.0
