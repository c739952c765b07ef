"""Whatever goes wrong is an error of ours, with the service's own words where there are any."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from client_worlds import URL, Service, problem, target
from fastapi import FastAPI

from shared import errors
from shared.client import AttackerClient, TargetClient
from shared.web.problems import install_problems

PATH = "GET /v1/popular"


def _subclasses(kind: type[errors.RecLeakError]) -> list[type[errors.RecLeakError]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in _subclasses(child))]


def _in_process(app: FastAPI) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        async def ask() -> httpx.Response:
            response = await httpx.ASGITransport(app=app).handle_async_request(request)
            return httpx.Response(
                response.status_code, headers=response.headers, content=await response.aread()
            )

        return asyncio.run(ask())

    return answer


RAISED = [
    kind
    for kind in _subclasses(errors.RecLeakError)
    if kind.__module__ == errors.__name__ and not issubclass(kind, errors.ServiceError)
]


@pytest.mark.parametrize("kind", RAISED)
def test_an_error_raised_in_a_service_is_raised_again_in_the_client(kind: type[errors.RecLeakError]) -> None:
    app = FastAPI()
    install_problems(app)

    @app.get("/v1/popular")
    def fail() -> None:
        raise kind("do this", 7.0) if kind is errors.TooManyRequests else kind("do this")

    with target(_in_process(app)) as client, pytest.raises(errors.RecLeakError, match="do this") as caught:
        client.popular()

    assert type(caught.value) is (errors.ServiceError if kind is errors.RecLeakError else kind)


def test_whoever_asked_too_often_learns_how_long_to_wait() -> None:
    service = Service({PATH: problem(429, "too-many-requests", "slower", **{"retry-after": "7"})})

    with target(service) as client, pytest.raises(errors.TooManyRequests) as caught:
        client.popular()

    assert caught.value.retry_after_s == 7


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (problem(422, "invalid-request", "/query/k: too small"), errors.BadInput, "too small"),
        (problem(404, "about:blank", "nothing is at /x"), errors.NotFound, "nothing is at"),
        (problem(405, "about:blank", "not so"), errors.BadInput, "not so"),
        (problem(503, "about:blank", "no deployment is active"), errors.ServiceError, "no deployment"),
        (problem(500, "about:blank", "look into the log"), errors.ServiceError, "look into the log"),
        (httpx.Response(502, text="<html>"), errors.ServiceBrokeContract, "status 502"),
        (httpx.Response(301, headers={"location": "/"}), errors.ServiceBrokeContract, "status 301"),
        (httpx.Response(200, text="<html>"), errors.ServiceBrokeContract, "PopularItems"),
        (httpx.Response(200, json={"items": 3}), errors.ServiceBrokeContract, "items"),
        (
            httpx.Response(500, content=b"{}", headers={"content-type": "application/problem+json"}),
            errors.ServiceBrokeContract,
            "without detail",
        ),
        (httpx.ConnectError("Connection refused"), errors.ServiceUnreachable, URL),
        (httpx.ReadTimeout("slow"), errors.ServiceUnreachable, "in time"),
    ],
)
def test_each_failure_is_one_of_our_errors(
    answer: object, error: type[errors.RecLeakError], message: str
) -> None:
    service = Service({PATH: answer})

    with target(service) as client, pytest.raises(errors.RecLeakError, match=message) as caught:
        client.popular()

    assert type(caught.value) is error


def test_no_error_shows_a_key() -> None:
    service = Service({"GET /admin/deployments": httpx.Response(200, text="not json")})

    with target(service) as client, pytest.raises(errors.ServiceBrokeContract) as caught:
        client.deployments()

    assert "admin-key" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "localhost:8001", "ftp://host", "http://", "http://[::1", "/v1"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(errors.BadInput, match=r"http://127\.0\.0\.1:8001"):
        AttackerClient(url)


def test_a_path_in_the_address_is_kept() -> None:
    service = Service({"GET /recleak/v1/popular": {"items": []}})

    with TargetClient("http://gate.test/recleak/", transport=httpx.MockTransport(service)) as client:
        assert client.popular().items == ()


def test_the_package_offers_both_clients() -> None:
    import recleak

    assert (recleak.AttackerClient, recleak.TargetClient) == (AttackerClient, TargetClient)
    assert recleak.__version__
