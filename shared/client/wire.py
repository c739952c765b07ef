"""One service over HTTP: answers become contract models, failures become our errors."""

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from shared.client.problems import error_of
from shared.errors import BadInput, ServiceBrokeContract, ServiceUnreachable

Model = TypeVar("Model", bound=BaseModel)
Params: TypeAlias = Mapping[str, str | int | None]

CONNECT_TIMEOUT_S = 5.0
_MAX_CONNECTIONS = 16
_STREAM_SILENCE_S = 60.0  # services send a sign of life far more often


class Wire:
    """A connection to one service; whoever opened it closes it."""

    def __init__(
        self, url: str, *, timeout_s: float, transport: httpx.BaseTransport | None, default_key: str | None
    ) -> None:
        self.url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._default_key = default_key
        self._http = httpx.Client(
            base_url=_checked(self.url),
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=_MAX_CONNECTIONS),
            transport=transport,
            trust_env=not _is_loopback(self.url),  # no proxy leads to one's own machine
        )

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def get(
        self, model: type[Model], path: str, params: Params | None = None, *, key: str | None = None
    ) -> Model:
        """Ask for something. Raises as `send`; ServiceBrokeContract if the answer is no `model`."""
        return self._parsed(model, self.send("GET", path, params=params, key=key))

    def post(
        self,
        model: type[Model],
        path: str,
        body: BaseModel | None = None,
        *,
        params: Params | None = None,
        key: str | None = None,
    ) -> Model:
        """Send something. Raises as `get`."""
        return self._parsed(model, self.send("POST", path, params=params, body=body, key=key))

    def delete(self, path: str, *, key: str | None = None) -> None:
        """Delete something. Raises what `send` raises."""
        self.send("DELETE", path, key=key)

    def is_ok(self, path: str) -> bool:
        """Say whether something answers at a path, with a status below 300."""
        try:
            return self._http.get(path).is_success
        except httpx.RequestError:
            return False

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: BaseModel | None = None,
        key: str | None = None,
    ) -> httpx.Response:
        """Send one request and give the answer, if it is not an error.

        Raises ServiceUnreachable if there is none, or none in time; the class that a problem names;
        ServiceBrokeContract for other errors and for redirects.
        """
        content = None if body is None else body.model_dump_json().encode()
        with self._translated():
            response = self._http.request(
                method,
                path,
                params=_given(params),
                content=content,
                headers=self._headers(key, {} if content is None else {"Content-Type": "application/json"}),
            )
        if not response.is_success:
            raise error_of(response)
        return response

    @contextmanager
    def stream(
        self, path: str, *, params: Params | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[httpx.Response]:
        """Open an answer that is read bit by bit. Raises as `send`, also while it is read."""
        timeout = httpx.Timeout(self._timeout_s, connect=CONNECT_TIMEOUT_S, read=_STREAM_SILENCE_S)
        given = self._headers(None, headers or {})
        with (
            self._translated(),
            self._http.stream("GET", path, params=_given(params), headers=given, timeout=timeout) as response,
        ):
            if not response.is_success:
                response.read()
                raise error_of(response)
            yield response

    def _headers(self, key: str | None, headers: Mapping[str, str]) -> dict[str, str]:
        used = key or self._default_key
        return {**headers, **({"X-API-Key": used} if used else {})}

    def _parsed(self, model: type[Model], response: httpx.Response) -> Model:
        try:
            return model.model_validate_json(response.content)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "the answer"
            raise ServiceBrokeContract(
                f"{response.request.method} {response.request.url} was answered with something else than "
                f"{model.__name__} ({where}: {first['msg']}); check that the address is a RecLeak service of "
                f"this version"
            ) from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as error:
            raise ServiceUnreachable(
                f"{self.url} did not answer in time ({type(error).__name__}); see whether the service is "
                f"overloaded, and try again"
            ) from error
        except httpx.DecodingError as error:
            raise ServiceBrokeContract(
                f"{self.url} answered with bytes that make no sense ({error})"
            ) from error
        except httpx.RequestError as error:
            raise ServiceUnreachable(
                f"{self.url} cannot be reached ({error}); check that the service "
                f"runs and that the address is right"
            ) from error


def segment(text: str) -> str:
    """Make one segment of a path out of any text; dots too, because `..` would lead elsewhere."""
    return quote(text, safe="").replace(".", "%2E")


def _given(params: Params | None) -> dict[str, str | int]:
    return {name: value for name, value in (params or {}).items() if value is not None}


def _checked(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise BadInput(
            f"{url!r} is not an address ({error}); give one such as http://127.0.0.1:8001"
        ) from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise BadInput(f"{url!r} is not an address; give one such as http://127.0.0.1:8001")
    return parsed


def _is_loopback(url: str) -> bool:
    host = httpx.URL(url).host
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
