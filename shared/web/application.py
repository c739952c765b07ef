"""The frame of a service: an app without routes of its own, with everything that both services share."""

from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.types import Receive, Scope, Send

from shared import __version__
from shared.web.documentation import install_documentation
from shared.web.metrics import RequestMeter, install_metrics
from shared.web.openapi import operation_id
from shared.web.problems import install_problems
from shared.web.request_ids import RequestIds

ExpressRoute = Callable[[Scope, Send], Coroutine[Any, Any, None] | None]
"""Sees an HTTP request before the app does: gives what answers it, or None to let the app answer."""


class ServiceApp(FastAPI):
    """An app that may have a way around it, past every middleware.

    express  None = every request goes through the app
    meter    counts the app's answers; an express route tells it its own
    """

    express: ExpressRoute | None = None
    meter: RequestMeter

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Serve one connection."""
        if self.express is not None and scope["type"] == "http":
            answer = self.express(scope, send)
            if answer is not None:
                return answer
        return super().__call__(scope, receive, send)


def make_app(
    *,
    title: str,
    description: str,
    registry: CollectorRegistry,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> ServiceApp:
    """Make an app with problems for errors, `/docs`, `/metrics`, request ids and clean operation ids.

    registry  the app's own; the service may register more in it
    """
    app = ServiceApp(
        title=title,
        description=description,
        version=__version__,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=operation_id,
        lifespan=lifespan,
    )
    install_problems(app)
    install_documentation(app)
    app.meter = install_metrics(app, registry)
    app.add_middleware(RequestIds)  # the last one added is the outermost
    return app
