"""One id per request: the caller's or made here, sent back, and known to every log line of the request."""

import re
import uuid
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
_SCOPE_KEY = "recleak.request_id"
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,64}")

current_request_id: ContextVar[str] = ContextVar("recleak_request_id", default="-")


def request_id_of(scope: Scope) -> str:
    """Give the id of the request that a scope belongs to; a fresh one if no middleware has set it."""
    found = scope.get(_SCOPE_KEY)
    if isinstance(found, str):
        return found
    scope[_SCOPE_KEY] = made = uuid.uuid4().hex
    return made


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
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = given.decode() if _WELL_FORMED.fullmatch(given) else uuid.uuid4().hex
        scope[_SCOPE_KEY] = request_id
        header = (b"x-request-id", request_id.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        token = current_request_id.set(request_id)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            current_request_id.reset(token)
