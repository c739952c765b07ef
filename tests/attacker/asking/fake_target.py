"""A target on a real socket whose behavior is one plain function."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request. number: how many came before."""

    number: int
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any

    @property
    def user_id(self) -> str:
        return unquote(self.path.split("/users/", 1)[1].rsplit("/", 1)[0])


@dataclass(frozen=True)
class Answered:
    """An answer; a body that is no bytes is sent as JSON."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def problem(status: int, detail: str, type_: str = "/problems/not-found", **headers: str) -> Answered:
    body = {"type": type_, "title": "x", "status": status, "detail": detail, "errors": []}
    return Answered(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


Behavior = Callable[[Asked], Answered | None]
"""What a target does; None = it closes the connection without an answer."""


@dataclass
class FakeTarget:
    """A target that runs, and all that it was asked."""

    url: str
    behave: Behavior
    asked: list[Asked] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are written apart: 40 ms each otherwise
    target: FakeTarget
    lock: threading.Lock

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        text = self.rfile.read(length)
        parts = urlsplit(self.path)
        with self.lock:
            asked = Asked(
                number=len(self.target.asked),
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query)),
                headers=dict(self.headers),
                body=json.loads(text) if text else None,
            )
            self.target.asked.append(asked)
        answered = self.target.behave(asked)
        if answered is None:
            self.close_connection = True
            return
        body = answered.body if isinstance(answered.body, bytes) else json.dumps(answered.body).encode()
        try:
            self.send_response(answered.status)
            for name, value in {"Content-Length": str(len(body)), **answered.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True  # whoever asked has gone

    do_GET = do_POST = _serve

    def log_message(self, format: str, *args: Any) -> None:
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        return None  # whoever asked has gone


@contextmanager
def fake_target(behave: Behavior) -> Iterator[FakeTarget]:
    """Run a target on a free loopback port."""
    handler = type("Handler", (_Handler,), {"lock": threading.Lock()})
    server = _Server(("127.0.0.1", 0), handler)
    target = FakeTarget(f"http://127.0.0.1:{server.server_address[1]}", behave)
    handler.target = target  # type: ignore[attr-defined]
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield target
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
