"""The frame of a service: an app without routes of its own, with everything that both services share."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from shared import __version__
from shared.web.documentation import install_documentation
from shared.web.metrics import install_metrics
from shared.web.openapi import operation_id
from shared.web.problems import install_problems
from shared.web.request_ids import RequestIds


def make_app(
    *,
    title: str,
    description: str,
    registry: CollectorRegistry,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """Make an app with problems for errors, `/docs`, `/metrics`, request ids and clean operation ids.

    registry  the app's own; the service may register more in it
    """
    app = FastAPI(
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
    install_metrics(app, registry)
    app.add_middleware(RequestIds)  # the last one added is the outermost
    return app
