"""The frame of a service: offline documentation, keys, limits, metrics."""

import re
from html.parser import HTMLParser
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from shared.errors import BadInput, TooManyRequests
from shared.web.application import make_app
from shared.web.keys import WhenUnset, require_key
from shared.web.limits import RateLimiter, client_of
from tests.shared.infrastructure.asking import ask

KEY = SecretStr("right-key")


def app_with(router: APIRouter, registry: CollectorRegistry | None = None) -> FastAPI:
    app = make_app(title="Test", description="A test.", registry=registry or CollectorRegistry())
    app.include_router(router, prefix="/v1")
    return app


def guarded(expected: SecretStr | None, when_unset: WhenUnset = WhenUnset.OFF) -> FastAPI:
    check = require_key(expected, setting="RECLEAK_TEST_KEY", scheme="TestKey", when_unset=when_unset)
    router = APIRouter(dependencies=[Depends(check)])

    @router.get("/secret/{name}")
    def read_secret(name: str) -> str:
        return name

    return app_with(router)


class Addresses(HTMLParser):
    """Collects what a page loads, and scripts that it carries."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline_scripts = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get("src") or given.get("href")
        if address:
            self.found.append(address)
        elif tag == "script":
            self.inline_scripts += 1


# documentation


def test_the_documentation_page_loads_only_what_we_serve() -> None:
    app = app_with(APIRouter())
    page = ask(app, "GET", "/docs")
    addresses = Addresses(page.text)

    assert page.status_code == 200 and "script-src 'self';" in page.headers["content-security-policy"]
    assert addresses.inline_scripts == 0 and len(addresses.found) == 4
    for address in addresses.found:
        assert address == "data:," or ask(app, "GET", f"/{address}").status_code == 200


def test_the_documentation_is_swagger_ui_of_our_own_document() -> None:
    app = app_with(APIRouter())

    assert "SwaggerUIBundle" in ask(app, "GET", "/docs/swagger-ui-bundle.js").text
    assert 'url: "openapi.json"' in ask(app, "GET", "/docs/start.js").text
    assert ask(app, "GET", "/openapi.json").json()["info"]["title"] == "Test"


@pytest.mark.parametrize("name", ["redoc.standalone.js", "..%2fcore.py", "../core.py"])
def test_the_documentation_serves_no_other_file(name: str) -> None:
    assert ask(app_with(APIRouter()), "GET", f"/docs/{name}").status_code == 404


# keys


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({"X-API-Key": "right-key"}, 200, "a"),
        ({"X-API-Key": "wrong-key"}, 401, "is wrong"),
        ({"X-API-Key": ""}, 401, ""),
        ({}, 401, "send the key in RECLEAK_TEST_KEY as X-API-Key"),
    ],
)
def test_only_the_right_key_opens(sent: dict[str, str], status: int, said: str) -> None:
    answer = ask(guarded(KEY), "GET", "/v1/secret/a", headers=sent)

    assert answer.status_code == status
    assert said in answer.text and "right-key" not in answer.text


def test_without_a_configured_key_it_is_off_or_open_as_the_service_says() -> None:
    off = ask(guarded(None), "GET", "/v1/secret/a", headers={"X-API-Key": "any"})

    assert off.status_code == 404
    assert off.json()["detail"] == "this part of the API is off until RECLEAK_TEST_KEY is set"
    assert ask(guarded(None, WhenUnset.OPEN), "GET", "/v1/secret/a").status_code == 200


def test_an_empty_configured_key_is_refused() -> None:
    with pytest.raises(BadInput, match="RECLEAK_TEST_KEY is empty"):
        guarded(SecretStr(""))


def test_the_document_names_the_key() -> None:
    document = guarded(KEY).openapi()

    assert document["components"]["securitySchemes"]["TestKey"]["name"] == "X-API-Key"
    assert document["paths"]["/v1/secret/{name}"]["get"]["security"] == [{"TestKey": []}]


# limits


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_client_may_burst_then_asks_at_the_rate() -> None:
    clock = Clock()
    limiter = RateLimiter(rate_per_s=2, burst=3, clock=clock)

    assert [limiter.allow("a") for _ in range(4)] == [None, None, None, 0.5]
    clock.now += 0.5
    assert [limiter.allow("a"), limiter.allow("a")] == [None, 0.5]
    clock.now += 1000
    assert [limiter.allow("a") for _ in range(4)] == [None, None, None, 0.5]


def test_clients_do_not_share_a_bucket() -> None:
    limiter = RateLimiter(rate_per_s=1, burst=1, clock=Clock())

    assert [limiter.allow(client) for client in "abab"] == [None, None, 1.0, 1.0]


def test_a_costly_request_takes_more_and_never_more_than_the_bucket() -> None:
    clock = Clock()
    limiter = RateLimiter(rate_per_s=1, burst=10, clock=clock)

    assert [limiter.allow("a", cost=6), limiter.allow("a", cost=6)] == [None, 2.0]
    clock.now += 100
    assert limiter.allow("a", cost=1000) is None
    assert limiter.allow("a") == 1.0


def test_the_number_of_clients_is_bounded_and_the_oldest_goes_first() -> None:
    limiter = RateLimiter(rate_per_s=1, burst=1, clock=Clock(), max_clients=2)
    for client in "abac":
        limiter.allow(client)

    assert limiter.n_clients == 2
    assert limiter.allow("a") == 1.0  # still remembered
    assert limiter.allow("b") is None  # forgotten, so it starts again


def test_a_refusal_says_how_long_to_wait() -> None:
    limiter = RateLimiter(rate_per_s=0.5, burst=1, clock=Clock())
    router = APIRouter()

    @router.get("/lists")
    async def read_lists() -> str:
        limiter.check("a")
        return "fine"

    app = app_with(router)
    answers = [ask(app, "GET", "/v1/lists") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].headers["retry-after"] == "2"
    with pytest.raises(TooManyRequests, match=r"0\.5 requests a second"):
        limiter.check("a")


def test_an_invented_key_does_not_make_a_new_client() -> None:
    from starlette.requests import Request

    def client(key: bytes | None) -> str:
        headers = [] if key is None else [(b"x-api-key", key)]
        scope = {"type": "http", "headers": headers, "client": ("10.0.0.1", 5)}
        return client_of(Request(scope), known_keys=[SecretStr("other"), KEY])

    assert client(b"right-key") == "key-2"
    assert client(b"invented") == client(None) == "10.0.0.1"


@pytest.mark.parametrize("wrong", [{"rate_per_s": 0}, {"burst": 0}, {"max_clients": 0}])
def test_a_limit_that_lets_nothing_through_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        RateLimiter(**({"rate_per_s": 1, "burst": 1, "clock": Clock()} | wrong))


# metrics


def test_requests_are_counted_by_template_and_tell_no_names() -> None:
    registry = CollectorRegistry()
    router = APIRouter()

    @router.get("/users/{user_id}/lists")
    async def read_lists(user_id: int) -> int:
        return 1 // user_id

    app = app_with(router, registry)
    for path in ("/v1/users/11/lists", "/v1/users/12/lists", "/v1/users/x/lists", "/v1/users/0/lists", "/77"):
        ask(app, "GET", path)
    said = ask(app, "GET", "/metrics").text

    def counted(route: str, status: int) -> float | None:
        labels = {"method": "GET", "route": route, "status": str(status)}
        return registry.get_sample_value("recleak_http_requests_total", labels)

    template = "/v1/users/{user_id}/lists"
    assert [counted(template, status) for status in (200, 422, 500)] == [2, 1, 1]
    assert counted("none", 404) == 1
    assert "recleak_http_request_seconds_bucket" in said
    assert not re.search(r"/11/|/12/|/77", said)


def test_an_invented_method_makes_no_new_series() -> None:
    registry = CollectorRegistry()
    app = app_with(APIRouter(), registry)
    for number in range(3):
        ask(app, f"BREW{number}", "/nowhere")

    labels = {"method": "OTHER", "route": "none", "status": "404"}
    assert registry.get_sample_value("recleak_http_requests_total", labels) == 3


def test_every_app_has_its_own_counts() -> None:
    first, second = CollectorRegistry(), CollectorRegistry()
    ask(app_with(APIRouter(), first), "GET", "/docs")
    app_with(APIRouter(), second)

    labels = {"method": "GET", "route": "/docs", "status": "200"}
    counts = [
        registry.get_sample_value("recleak_http_requests_total", labels) for registry in (first, second)
    ]
    assert counts == [1, None]


def test_a_router_may_use_annotated_dependencies() -> None:
    check = require_key(KEY, setting="RECLEAK_TEST_KEY", scheme="TestKey")
    router = APIRouter()

    @router.get("/one")
    async def read_one(_: Annotated[None, Depends(check)]) -> int:
        return 1

    assert ask(app_with(router), "GET", "/v1/one", headers={"X-API-Key": "right-key"}).json() == 1
