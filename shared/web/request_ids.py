"""One id per request: the caller's or made here, sent back, and known to every log line of the request."""

import os
import re
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
HEADER_BYTES = HEADER.lower().encode()
_SCOPE_KEY = "recleak.request_id"
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,64}")

current_request_id: ContextVar[str] = ContextVar("recleak_request_id", default="-")


def request_id_of(scope: Scope) -> str:
    """Give the id of the request that a scope belongs to; a fresh one if no middleware has set it."""
    found = scope.get(_SCOPE_KEY)
    if isinstance(found, str):
        return found
    scope[_SCOPE_KEY] = made = take_request_id(b"")
    return made


def take_request_id(given: bytes) -> str:
    """Give the caller's id if it is well-formed, otherwise a fresh one: 32 hexadecimal digits."""
    return given.decode() if given and _WELL_FORMED.fullmatch(given) else os.urandom(16).hex()


class RequestIds:
    """Middleware: accept a well-formed `X-Request-ID` or make one, and send it back on every answer.

    A caller's id goes into logs, so it is taken only if it is 1 to 64 letters, digits, or one of `._-`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == HEADER_BYTES), b"")
        scope[_SCOPE_KEY] = request_id = take_request_id(given)
        header = (HEADER_BYTES, request_id.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        token = current_request_id.set(request_id)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            current_request_id.reset(token)
