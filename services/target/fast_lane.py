"""A way around the app for the one route that strangers ask by the thousand.

It answers plain requests for one list only, and says nothing to any other: those, faulty ones included, go to
the app, so that errors have one home. What the app does around its routes, it does too: key, limit, count,
metrics, request id. A test holds it against the documented route.

Whether a user is known changes nothing of the way that a request takes, nor of its length.
"""

import re
from collections.abc import Coroutine
from time import perf_counter
from typing import Any

from starlette.types import Scope, Send

from services.target.access import Admission
from services.target.routes import JSON
from services.target.serving import ServedDeployment, Serving
from shared.contract.target import DEPLOYMENT_HEADER
from shared.web.metrics import RequestMeter
from shared.web.request_ids import HEADER_BYTES as REQUEST_ID
from shared.web.request_ids import take_request_id

_TEMPLATE = "/users/{user_id:path}/recommendations"
_ACTIVE, _NAMED = f"/v1{_TEMPLATE}", f"/v1/d/{{deployment}}{_TEMPLATE}"
_PATH = re.compile(r"/v1/(?:d/([^/]+)/)?users/(.{1,200})/recommendations")
_DEPLOYMENT = DEPLOYMENT_HEADER.lower().encode()
_CONTENT_TYPE = (b"content-type", JSON.encode())


class FastLane:
    """Answers plain requests for one list; made to be an `ExpressRoute` of the app."""

    def __init__(self, serving: Serving, admission: Admission, meter: RequestMeter) -> None:
        self._serving = serving
        self._admission = admission
        self._meter = meter

    def __call__(self, scope: Scope, send: Send) -> Coroutine[Any, Any, None] | None:
        """Give what answers a request; None if the app shall, and nothing was counted."""
        began = perf_counter()
        if scope["method"] != "GET" or scope.get("root_path"):
            return None
        found = _PATH.fullmatch(scope["path"])
        if found is None:
            return None
        name, user_id = found.groups()
        deployment = self._serving.active if name is None else self._serving.find(name)
        if deployment is None:
            return None
        k = deployment.plain_queries.get(scope["query_string"])
        row = deployment.row_of(user_id)
        if k is None or not deployment.has_list(row):
            return None
        headers = dict(reversed(scope["headers"]))  # the first of a name counts
        client = self._admission.enter(headers, scope)
        if client is None:
            return None
        content = deployment.list_for(user_id, row, k, client)
        head = _head(deployment, len(content), take_request_id(headers.get(REQUEST_ID, b"")))
        return self._send(send, head, content, template=_ACTIVE if name is None else _NAMED, began=began)

    async def _send(
        self, send: Send, head: list[tuple[bytes, bytes]], content: bytes, *, template: str, began: float
    ) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": content})
        finally:
            self._meter.observe("GET", template, 200, perf_counter() - began)


def _head(deployment: ServedDeployment, n_bytes: int, request_id: str) -> list[tuple[bytes, bytes]]:
    return [
        (_DEPLOYMENT, deployment.id.encode()),
        (b"content-length", b"%d" % n_bytes),
        _CONTENT_TYPE,
        (REQUEST_ID, request_id.encode()),
    ]
