"""Serve an app until somebody says stop; a port in use is one sentence, not a traceback."""

import errno
import gc
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import BadInput, JobFailed, RecLeakError, StorageFailed

OnReady = Callable[[int], None]
_BACKLOG = 2048
_LAST_PORT = 65535


def serve(
    make_app: Callable[[], FastAPI],
    *,
    host: str,
    port: int,
    on_ready: OnReady | None = None,
    port_file: Path | None = None,
    grace_s: float = 10.0,
    behind_proxy: bool = False,
) -> None:
    """Serve until TERM or Ctrl-C, then finish the requests that run and return.

    make_app      called once the port is ours, so that a port in use costs nothing
    port          0 = any that is free
    on_ready      called with the port once requests are answered
    port_file     gets the port, whole or not at all, once requests are answered; deleted at the end
    grace_s       how long running requests may go on after the stop
    behind_proxy  believe `X-Forwarded-For` from this machine
    Raises BadInput if the address cannot be used; what the app's start raised on purpose, JobFailed if it
    raised anything else (its log says why); StorageFailed if the port file cannot be written.
    """
    with _bound(host, port) as listening:
        chosen = int(listening.getsockname()[1])

        def ready() -> None:
            gc.collect()
            gc.freeze()  # what is here now stays: collections during requests need not look at it
            if port_file is not None:
                _write_whole(port_file, f"{chosen}\n")
            if on_ready is not None:
                on_ready(chosen)

        app = _StartingApp(make_app())
        config = uvicorn.Config(
            app,
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=behind_proxy,
            timeout_graceful_shutdown=max(1, round(grace_s)),
        )
        try:
            with _stop_signals_end_quietly():
                _Server(config, ready).run(sockets=[listening])
        except SystemExit as error:
            raise app.error or JobFailed("the service could not start; its log says why") from error
        finally:
            if port_file is not None:
                port_file.unlink(missing_ok=True)


class _StartingApp:
    """The app, but an error of ours at its start is kept for `serve` to raise, and leaves no traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.error: RecLeakError | None = None

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # no coroutine of our own around a request: this is the hot path
        return (self._start if scope["type"] == "lifespan" else self._app)(scope, receive, send)

    async def _start(self, scope: Scope, receive: Receive, send: Send) -> None:
        held: list[Message] = []

        async def hold_failure(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":  # its text is a traceback
                held.append(message)
            else:
                await send(message)

        try:
            await self._app(scope, receive, hold_failure)
        except RecLeakError as error:
            if not held:
                raise
            self.error = error
            await send({"type": "lifespan.startup.failed", "message": ""})
        finally:
            if held and self.error is None:
                await send(held[0])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    if not 0 <= port <= _LAST_PORT:  # getaddrinfo would take it modulo 65536
        raise BadInput(f"port {port} is not in 0 to {_LAST_PORT}; choose another with --port")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise BadInput(f"{host}:{port} is no address; choose another with --host and --port") from error
    with socket.socket(family, kind, protocol) as listening:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(address)
            listening.listen(_BACKLOG)
        except OSError as error:
            raise _unusable(host, port, error) from error
        yield listening


def _unusable(host: str, port: int, error: OSError) -> BadInput:
    if error.errno == errno.EADDRINUSE:
        return BadInput(f"port {port} is in use; choose another with --port")
    if error.errno == errno.EACCES:
        return BadInput(f"port {port} needs more rights; choose one above 1023 with --port")
    if error.errno == errno.EADDRNOTAVAIL:
        return BadInput(f"{host} is no address of this machine; choose another with --host")
    return BadInput(f"{host}:{port} cannot be used ({error.strerror}); choose another with --host and --port")


@contextmanager
def _stop_signals_end_quietly() -> Iterator[None]:
    """Let the signal that uvicorn raises again after its shutdown do nothing: we return, and clean up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _ignore) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore(_number: int, _frame: object) -> None:
    return None


def _write_whole(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text)
        unfinished.replace(path)
    except OSError as error:
        raise StorageFailed(f"the port file {path} could not be written ({error.strerror})") from error
